import json
from pathlib import Path

import numpy as np
import pytest

from avatar.blendshapes import NAMES, FaceTrack
from avatar.lipsync.facefile import FaceFileError, face_lines, read_face, write_face


def track(n: int = 5, start: int = 800) -> FaceTrack:
    rng = np.random.default_rng(3)
    weights = rng.uniform(0, 1, (n, 52)).astype(np.float32)
    head, gaze = rng.uniform(-1, 1, (n, 3)).astype(np.float32), rng.uniform(-1, 1, (n, 2)).astype(np.float32)
    return FaceTrack(start, weights, head, gaze)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "answer.jsonl"
    sent = track()
    write_face(path, sent, source="timed", lookahead_ms=0, visemes=["sil", "PP", "aa", "U", "sil"])
    got = read_face(path)
    np.testing.assert_allclose(got.track.weights, sent.weights, atol=0.51e-4)
    np.testing.assert_allclose(got.track.head, sent.head, atol=0.51e-4)
    np.testing.assert_allclose(got.track.gaze, sent.gaze, atol=0.51e-4)
    assert got.track.start_sample == 800
    assert got.visemes == ("sil", "PP", "aa", "U", "sil")
    assert (got.source, got.lookahead_ms) == ("timed", 0)


def test_the_lines_are_as_documented() -> None:
    header, first, *_ = [json.loads(line) for line in face_lines(track(), source="audio", lookahead_ms=60)]
    assert header == {
        "format": "visavis-face/1",
        "fps": 60,
        "names": list(NAMES),
        "lookahead_ms": 60,
        "source": "audio",
    }
    assert list(first) == ["t", "w", "head", "gaze", "viseme"]
    assert first["t"] == 0.0333
    assert [len(first[k]) for k in ("w", "head", "gaze")] == [52, 3, 2]
    assert all(v == round(v, 4) and 0 <= v <= 1 for v in first["w"])


def test_an_empty_track_is_a_header(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    write_face(path, track(0, 0), source="text")
    assert len(read_face(path).track) == 0


def spoiled(line: int, **changes: object) -> list[str]:
    lines = list(face_lines(track(), source="timed"))
    lines[line] = json.dumps({**json.loads(lines[line]), **changes})
    return lines


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        ([], "line 1: not JSON"),
        (["{"], "line 1: not JSON"),
        (["[]"], "line 1: not a JSON object"),
        (["[" * 3000], "line 1: not JSON"),
        (["x" * 5000], "line 1: longer than 4096 characters"),
        (spoiled(0, format="other"), "line 1: format is 'other', not 'visavis-face/1'"),
        (spoiled(0, fps=30), "line 1: fps is 30, not 60"),
        (spoiled(0, names=["a"]), "line 1: names are not the 52 ARKit names in Apple's order"),
        (spoiled(0, lookahead_ms=-1), "line 1: lookahead_ms is not a whole number of milliseconds"),
        (spoiled(0, source="guess"), "line 1: source is 'guess', not one of timed, text, audio"),
        (spoiled(2, w=[0.5] * 51), "line 3: w is not a list of 52 numbers"),
        (spoiled(2, w=[1.5] * 52), "line 3: w has a value outside 0…1"),
        (spoiled(2, w=[True] * 52), "line 3: w is not a list of 52 numbers"),
        (spoiled(2, head=[0, 0, "x"]), "line 3: head is not a list of 3 numbers"),
        (spoiled(2, gaze=[0, float("nan")]), "line 3: gaze is not a list of 2 numbers"),
        (spoiled(2, viseme="QQ"), "line 3: viseme is 'QQ', not one of the 15"),
        (spoiled(2, t="soon"), "line 3: t is not a number of seconds"),
        (spoiled(2, t=9.0), "line 3: t is 9.0, not the next frame's 0.0500"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, lines: list[str], cause: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(FaceFileError) as caught:
        read_face(path)
    assert str(caught.value) == f"{path}: {cause}"


def test_visemes_must_fit() -> None:
    with pytest.raises(ValueError, match="2 visemes for 5 frames"):
        list(face_lines(track(), source="timed", visemes=["sil", "sil"]))
