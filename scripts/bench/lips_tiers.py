"""The three inputs at work: each takes clips of speech and gives the mouth that is to be judged."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from agent.audio import TIMELINE_RATE, Pcm
from agent.tts import Phone
from avatar.blendshapes import INDEX, SAMPLES_PER_FRAME, FaceTrack
from avatar.lipsync import BUFFERED, Lips, Pronouncer, Pronunciation, nearest_visemes
from avatar.lipsync.coarticulation import rest_filled
from avatar.lipsync.phones import CHANNELS, VISEMES, segments
from avatar.lipsync.sentence import LAG
from avatar.reply_face import RESTING_SMILE, ReplyFace
from scripts.bench.lips_reference import Clip
from scripts.bench.lips_speech import language_of
from scripts.bench.timed_speech import TimedSpeech

JITTER = 0.020
PACKET = TIMELINE_RATE // 50
Watch = Callable[[TimedSpeech], Clip]


def jittered(phones: Sequence[Phone], rng: np.random.Generator) -> list[Phone]:
    """Every boundary moved by a normal error of 20 ms, in order, at least 5 ms apart."""
    edges = np.array([phones[0].start, *(p.end for p in phones)])
    moved = np.sort(edges + rng.normal(0, JITTER, len(edges)))
    moved = np.maximum.accumulate(moved - 0.005 * np.arange(len(edges))) + 0.005 * np.arange(len(edges))
    return [Phone(p.symbol, a, b) for p, a, b in zip(phones, moved[:-1], moved[1:], strict=True)]


def channels(track: FaceTrack, smile: float = 0.0) -> dict[str, np.ndarray]:
    """The engine's channels, left and right averaged, without the resting `smile` that a reply adds."""
    out = {}
    for name in CHANNELS:
        columns = [INDEX[n] for n in (name, name + "Left", name + "Right") if n in INDEX]
        out[name] = track.weights[:, columns].mean(axis=1).astype(np.float64)
    out["mouthSmile"] = np.maximum(out["mouthSmile"] - smile, 0)
    return out


def judged(speech: TimedSpeech, track: FaceTrack, visemes: Sequence[str], smile: float = 0.0) -> Clip:
    """The face beside the truth."""
    seconds = len(speech.pcm) / TIMELINE_RATE
    return Clip(
        times=np.arange(len(track)) * SAMPLES_PER_FRAME / TIMELINE_RATE,
        face=channels(track, smile),
        visemes=visemes,
        nearest=nearest_visemes(track.weights),
        spoken=rest_filled(segments(speech.phones), 0.0, seconds),
        oculus={name: v.oculus for name, v in VISEMES.items()},
        seconds=seconds,
    )


def timed(speech: TimedSpeech, phones: Sequence[Phone]) -> Clip:
    """The lips that `phones` make, as a reply has them."""
    face = ReplyFace()
    face.add(phones, speech.pcm, 0, speech.text)
    track = face.frames(len(speech.pcm))
    return judged(speech, track, face.visemes(0, track.end_sample), RESTING_SMILE)


def heard(
    speech: TimedSpeech,
    pronunciation: Pronunciation | None,
    *,
    pcm: Pcm | None = None,
    lookahead: int = BUFFERED,
    lag: int | None = LAG,
) -> tuple[Clip, Lips]:
    """The lips that the sound makes, streamed in packets of 20 ms, its text known if `pronunciation` is given. `pcm`:
    what is heard instead of the speech itself."""
    sound = speech.pcm if pcm is None else pcm
    lips = Lips(lookahead=lookahead, lag=lag)
    tracks = streamed(lips, sound, pronunciation)
    weights = np.concatenate([track.weights for track in tracks])
    track = FaceTrack.from_weights(0, weights)
    return judged(speech, track, lips.visemes(0, track.end_sample)), lips


def streamed(lips: Lips, pcm: Pcm, pronunciation: Pronunciation | None, packet: int = PACKET) -> list[FaceTrack]:
    lips.expect(pronunciation)
    tracks = []
    for start in range(0, len(pcm), packet):
        lips.add((), pcm[start : start + packet], start, "…" if start == 0 else "")
        tracks.append(lips.frames(min(len(pcm), start + packet)))
    lips.end()
    return [*tracks, lips.frames(len(pcm))]


def pronunciations(clips: Sequence[TimedSpeech]) -> list[Pronunciation]:
    """How espeak-ng pronounces each clip's text in the language's plain voice, whoever speaks the clip."""

    async def all_of_them() -> list[Pronunciation]:
        pronouncer = Pronouncer()
        try:
            return [await pronouncer.pronounce(clip.text, language_of(clip)) for clip in clips]
        finally:
            await pronouncer.stop()

    return asyncio.run(all_of_them())


PASSES = 5


def cost(clips: Sequence[TimedSpeech], watch: Callable[[TimedSpeech], Iterator[None]]) -> float:
    """CPU milliseconds of this process a second of audio. `watch` yields after each packet; of several passes the
    cheapest of each packet counts, which leaves out what other programs on the machine do to its caches."""
    spent = 0.0
    for clip in clips:
        passes = []
        for _ in range(PASSES):
            times = [time.process_time()]
            times += [time.process_time() for _ in watch(clip)]
            passes.append(np.diff(times))
        spent += float(np.min(passes, axis=0).sum())
    return 1000 * spent / (sum(len(c.pcm) for c in clips) / TIMELINE_RATE)


def timed_packets(speech: TimedSpeech) -> Iterator[None]:
    """A reply from timed phones, its frames taken 100 ms at a time, as a conversation sends them."""
    face = ReplyFace()
    face.add(speech.phones, speech.pcm, 0, speech.text)
    yield
    for end in range(5 * PACKET, len(speech.pcm) + 5 * PACKET, 5 * PACKET):
        face.frames(end)
        yield


def heard_packets(speech: TimedSpeech, pronunciation: Pronunciation | None) -> Iterator[None]:
    """Lips from sound, a packet at a time."""
    lips = Lips()
    lips.expect(pronunciation)
    for start in range(0, len(speech.pcm), PACKET):
        lips.add((), speech.pcm[start : start + PACKET], start, "…" if start == 0 else "")
        lips.frames(start + PACKET)
        yield


def timed_differences(clips: Sequence[TimedSpeech], rng: np.random.Generator) -> dict[str, float]:
    """The largest change of any frame when calls are cut at random, and when a sentence's frames are taken before the
    next sentence is known."""
    end = sum(len(c.pcm) for c in clips)

    def whole(eager: bool, cuts: Sequence[int]) -> np.ndarray:
        face, at, parts = ReplyFace(), 0, []
        for clip in clips:
            face.add(clip.phones, clip.pcm, at, clip.text)
            at += len(clip.pcm)
            parts += [face.frames(at)] if eager else []
        parts += [face.frames(cut) for cut in (*cuts, end)]
        return np.concatenate([np.concatenate([p.weights, p.head], axis=1) for p in parts])

    once = whole(False, ())
    cut = whole(False, sorted(rng.integers(0, end, 200).tolist()))
    return {
        "cut_difference": float(np.abs(cut - once).max()),
        "causal_difference": float(np.abs(whole(True, ()) - once).max()),
    }


def heard_differences(speech: TimedSpeech, pronunciation: Pronunciation | None) -> dict[str, float]:
    """The largest change of any frame when the sound comes in other pieces, and when what follows a frame by more than
    the declared look-ahead is something else."""
    pcm = speech.pcm
    once = np.concatenate([t.weights for t in streamed(Lips(), pcm, pronunciation, len(pcm))])
    cut = np.concatenate([t.weights for t in streamed(Lips(), pcm, pronunciation, 1009)])
    worst = 0.0
    for at in np.linspace(0.3, 0.9, 4) * len(pcm):
        lips = Lips()
        lips.expect(pronunciation)
        lips.add((), pcm[: int(at)], 0, "…")
        early = lips.frames(len(pcm))
        promised = (int(at) - lips.lookahead_ms * TIMELINE_RATE // 1000) // SAMPLES_PER_FRAME
        if len(early) < promised:
            return {"cut_difference": float(np.abs(cut - once).max()), "causal_difference": 1.0}
        worst = max(worst, float(np.abs(early.weights - once[: len(early)]).max()))
    return {"cut_difference": float(np.abs(cut - once).max()), "causal_difference": worst}
