"""A visitor who talks at real time, to us or to a rival, and notes when the answers come: for scripts.bench.rivals.

Needs nothing but numpy, so that it runs in a rival's own environment, too.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PACKET_S = 0.02
BEFORE_S = 0.8
"""Seconds of quiet before the first clip."""
LISTENED_S = 1.0
"""Seconds that a reply is listened to before the next clip talks over it."""
GIVE_UP_S = 4.0


@dataclass(frozen=True, slots=True)
class Clip:
    """Speech of shape (n,), int16, and its first and last voiced sample."""

    pcm: NDArray[np.int16]
    first: int
    last: int


@dataclass(slots=True)
class Peer:
    """Who is talked to. Its times are of time.perf_counter."""

    send: Callable[[bytes], Awaitable[None]]
    """Takes a packet of PCM16."""
    started: list[float] = field(default_factory=list)
    """When the first sample of each reply left it. One within a clip, where a breath was taken for the end, answers
    nothing."""
    silenced: list[float] = field(default_factory=list)
    """When a reply that was talked over fell silent."""


@dataclass(slots=True)
class Talk:
    """What came of it, by clip: sample positions in the stream, and times."""

    rate: int
    sent: bytearray = field(default_factory=bytearray)
    sent_at: list[float] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    answered: list[float | None] = field(default_factory=list)
    silenced: list[float | None] = field(default_factory=list)

    def when(self, sample: int) -> float:
        """When the packet with this sample was sent."""
        return self.sent_at[min(sample // round(PACKET_S * self.rate), len(self.sent_at) - 1)]


async def talk(peer: Peer, clips: list[Clip], rate: int) -> Talk:
    """Say one clip after the other, each over the answer to the one before; the first into quiet."""
    it = Talk(rate)
    size = round(PACKET_S * rate)
    rng = np.random.default_rng(7)
    begun = time.perf_counter()

    async def say(pcm: NDArray[np.int16]) -> None:
        await asyncio.sleep(max(0.0, begun + (len(it.sent_at) + 1) * PACKET_S - time.perf_counter()))
        data = pcm.tobytes()
        await peer.send(data)
        it.sent += data
        it.sent_at.append(time.perf_counter())

    async def quiet(until: Callable[[], bool]) -> None:
        while not until():
            await say(rng.normal(0, 8, size).astype(np.int16))

    def after(seconds: float) -> Callable[[], bool]:
        end = time.perf_counter() + seconds
        return lambda: time.perf_counter() >= end

    await quiet(after(BEFORE_S))
    for clip in clips:
        start = len(it.sent_at) * size
        padded = np.zeros(-(-len(clip.pcm) // size) * size, np.int16)
        padded[: len(clip.pcm)] = clip.pcm
        for at in range(0, len(padded), size):
            await say(padded[at : at + size])
        it.first.append(start + clip.first)
        it.last.append(start + clip.last)
        over, late = it.when(it.last[-1]), after(GIVE_UP_S)
        await quiet(lambda over=over, late=late: _first(peer.started, over) is not None or late())  # type: ignore[misc]
        it.answered.append(_first(peer.started, over))
        it.silenced.append(_first(peer.silenced, it.when(it.first[-1])))
        await quiet(after(LISTENED_S))
    return it


def _first(times: list[float], after: float) -> float | None:
    return next((at for at in times if at >= after), None)


def figures(it: Talk, ends: list[int]) -> dict[str, list[float]]:
    """Milliseconds, by what was measured. `ends`: the samples of the stream, in order, at which a silence had lasted
    long enough to end a turn."""
    out: dict[str, list[float]] = {
        "stop_to_first_sample": [],
        "decision_to_first_sample": [],
        "barge_in_to_silence": [],
    }
    for k, (first, last) in enumerate(zip(it.first, it.last, strict=True)):
        answered, silenced = it.answered[k], it.silenced[k]
        at = next((end for end in ends if end > last), None)
        if answered is not None:
            out["stop_to_first_sample"].append(1000 * (answered - it.when(last)))
        if answered is not None and at is not None:
            out["decision_to_first_sample"].append(1000 * (answered - it.when(at)))
        if silenced is not None and k > 0:
            out["barge_in_to_silence"].append(1000 * (silenced - it.when(first)))
    return out


def measure(rival: Callable[[list[Clip], float], Coroutine[None, None, dict[str, list[float]]]]) -> None:
    """A rival's script: measure it with the clips of the file, and the seconds of silence, that the command line names,
    and print the figures as JSON."""
    with np.load(sys.argv[1], allow_pickle=False) as stored:
        voiced = enumerate(zip(stored["first"], stored["last"], strict=True))
        clips = [Clip(stored[f"pcm{k}"], int(first), int(last)) for k, (first, last) in voiced]
    print(json.dumps(asyncio.run(rival(clips, float(sys.argv[2])))))
