"""Apple's 52 ARKit blendshapes, a track of them on a timeline, and its coding on the wire.

The names and their order are those of ARFaceAnchor.BlendShapeLocation as Apple's documentation lists them.
"Left" is the character's left.
"""

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FPS = 60
SAMPLES_PER_FRAME = 400
"""Frame k stands at sample 400·k of a 24 kHz timeline."""

NAMES: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft",
    "eyeSquintLeft", "eyeWideLeft",
    "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight",
    "jawForward", "jawLeft", "jawRight", "jawOpen",
    "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight",
    "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthUpperUpLeft", "mouthUpperUpRight",
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "noseSneerLeft", "noseSneerRight",
    "tongueOut",
)  # fmt: skip
INDEX: dict[str, int] = {name: i for i, name in enumerate(NAMES)}

MOUTH: NDArray[np.bool_] = np.array([n.startswith(("jaw", "mouth", "tongue")) or n == "cheekPuff" for n in NAMES])
"""Shape (52,): the shapes that the lips own. A reply's frames replace the stage's here and add to it elsewhere."""

RECORD = np.dtype([("weights", "u1", (52,)), ("angles", "<i2", (5,))])
"""One frame on the wire, 62 bytes: 52 × value·255, then head yaw, pitch, roll, gaze yaw, pitch in 1e-4 rad."""

Frames = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """Consecutive frames at 60 fps on a 24 kHz timeline.

    start_sample: the first frame's place, a multiple of 400.
    weights: shape (n, 52), 0…1, in the order of NAMES.
    head: shape (n, 3), yaw, pitch, roll in radians: + yaw to the character's left, + pitch up, + roll toward its
        right shoulder.
    gaze: shape (n, 2), yaw, pitch of the eyeballs in radians relative to the head.
    """

    start_sample: int
    weights: Frames
    head: Frames
    gaze: Frames

    def __post_init__(self) -> None:
        n = len(self.weights)
        if self.start_sample % SAMPLES_PER_FRAME:
            raise ValueError(f"start_sample {self.start_sample} is not a multiple of {SAMPLES_PER_FRAME}")
        if self.weights.shape != (n, 52) or self.head.shape != (n, 3) or self.gaze.shape != (n, 2):
            raise ValueError(
                f"shapes {self.weights.shape}, {self.head.shape}, {self.gaze.shape} are not (n, 52), (n, 3), (n, 2)"
            )

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def end_sample(self) -> int:
        """Where the next frame would stand."""
        return self.start_sample + len(self) * SAMPLES_PER_FRAME

    @classmethod
    def from_weights(cls, start_sample: int, weights: Frames) -> "FaceTrack":
        """A track whose head and gaze rest."""
        n = len(weights)
        return cls(start_sample, weights, np.zeros((n, 3), np.float32), np.zeros((n, 2), np.float32))

    def between(self, start: int, end: int) -> "FaceTrack":
        """The frames that stand at samples [start, end)."""
        a = max(0, -(-(start - self.start_sample) // SAMPLES_PER_FRAME))
        b = max(a, -(-(end - self.start_sample) // SAMPLES_PER_FRAME))
        return FaceTrack(self.start_sample + a * SAMPLES_PER_FRAME, self.weights[a:b], self.head[a:b], self.gaze[a:b])

    def to_bytes(self) -> bytes:
        """The wire's records (RECORD), one a frame; out-of-range values are clipped."""
        records = np.empty(len(self), RECORD)
        records["weights"] = np.rint(np.clip(self.weights, 0, 1) * 255)
        angles = np.concatenate([self.head, self.gaze], axis=1)
        records["angles"] = np.clip(np.rint(angles * 1e4), -32767, 32767)
        return records.tobytes()

    def to_base64(self) -> str:
        return base64.b64encode(self.to_bytes()).decode("ascii")

    @classmethod
    def from_bytes(cls, start_sample: int, data: bytes) -> "FaceTrack":
        """Read the wire's records. Raises ValueError when the length is not whole records."""
        if len(data) % RECORD.itemsize:
            raise ValueError(f"face data of {len(data)} bytes is not a whole number of {RECORD.itemsize}-byte frames")
        records = np.frombuffer(data, RECORD)
        angles = records["angles"].astype(np.float32) * np.float32(1e-4)
        weights = records["weights"].astype(np.float32) / np.float32(255)
        return cls(start_sample, weights, angles[:, :3], angles[:, 3:])
