"""CMU Flite, where Debian's `flite` is installed: English voices far easier to understand than espeak-ng's.

One process a sentence, killed when nobody listens any more. Flite tells its phones' times but not its words'; those
come from aligning the phones with the ones its own `t2p` gives for each word.
"""

import asyncio
import contextlib
import re
import shutil
import tempfile
import unicodedata
import wave
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import numpy as np

from agent.audio import Pcm
from agent.tts import Phone, SpeechChunk, SynthesizerError, Voice
from agent.tts.normalise import normalise
from agent.tts.shape import shape
from agent.tts.text.rules import Spoken
from agent.tts.words import estimate_words, words_from_marks

_VOICES = (
    Voice("flite:slt", "Sally (American)", "en-US", "female", "flite"),
    Voice("flite:rms", "Robert (American)", "en-US", "male", "flite"),
    Voice("flite:awb", "Alan (Scottish)", "en-GB", "male", "flite"),
)
"""kal and kal16 are left out: the times of their phones drift from their sound."""
_LONGEST_SECONDS = 20.0
_AT_ONCE = 4

# flite's phones are those of CMUdict in small letters, and "ax" for schwa.
_IPA = {
    "aa": "ɑː", "ae": "æ", "ah": "ʌ", "ao": "ɔː", "aw": "aʊ", "ax": "ə", "axr": "ɚ", "ay": "aɪ", "b": "b", "ch": "tʃ",
    "d": "d", "dh": "ð", "dx": "ɾ", "eh": "ɛ", "el": "əl", "em": "əm", "en": "ən", "er": "ɝ", "ey": "eɪ", "f": "f",
    "g": "ɡ", "hh": "h", "hv": "h", "ih": "ɪ", "iy": "iː", "jh": "dʒ", "k": "k", "l": "l", "m": "m", "n": "n",
    "nx": "n", "ng": "ŋ", "ow": "oʊ", "oy": "ɔɪ", "p": "p", "r": "ɹ", "s": "s", "sh": "ʃ", "t": "t", "th": "θ",
    "uh": "ʊ", "uw": "uː", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "ʒ", "pau": "", "h#": "", "brth": "",
}  # fmt: skip
_VOWELS = frozenset("aa ae ah ao aw ax axr ay eh er ey ih iy ow oy uh uw".split())  # noqa: SIM905
_ENOUGH_ALIGNED = 0.6


def installed() -> bool:
    """Whether the program is there."""
    return shutil.which("flite") is not None


class FliteSynthesizer:
    """Flite behind `Synthesizer`. `voices` are those that the installed program has, once started."""

    name = "flite"

    def __init__(self) -> None:
        self.voices: tuple[Voice, ...] = _VOICES
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files = 0

    async def start(self) -> None:
        if not installed():
            raise SynthesizerError("flite is not installed; get it by: apt-get install flite")
        _, listed = await _run("flite", "-lv")
        names = set(listed.partition(":")[2].split())
        self.voices = tuple(voice for voice in _VOICES if voice.id.removeprefix("flite:") in names)
        if not self.voices:
            raise SynthesizerError(
                "flite has none of the voices slt, rms, awb; install Debian's: apt-get install flite"
            )
        self._folder = tempfile.TemporaryDirectory(prefix="visavis-flite-")
        async for _ in self.speak("Ready.", voice=self.voices[0].id):
            pass

    async def speak(self, text: str, *, voice: str, speed: float = 1.0) -> AsyncGenerator[SpeechChunk, None]:
        """One sentence, in one chunk. Closing the iterator kills the process."""
        if voice not in (known.id for known in self.voices):
            raise ValueError(f"unknown voice {voice!r}; known: {', '.join(known.id for known in self.voices)}")
        if self._folder is None:
            raise SynthesizerError("flite: stopped")
        spoken = normalise(text, "en")
        written = _plain(spoken.text)
        if not any(char.isalnum() for char in written):
            return
        self._files += 1
        path = Path(self._folder.name) / f"{self._files}.wav"
        options = ("-voice", voice.removeprefix("flite:"), "--setf", f"duration_stretch={1 / speed:.3f}", "-psdur")
        try:
            async with self._slots:
                (code, timed), (_, listed) = await asyncio.gather(
                    _run("flite", *options, "-t", written, "-o", str(path)),
                    _run("t2p", ", ".join(map(_plain, _said_words(spoken)))),
                )
            if code != 0 or not path.exists():
                raise SynthesizerError(f"flite: could not speak (exit code {code})")
            chunk = await asyncio.to_thread(_assemble, spoken, path, timed, listed)
        finally:
            path.unlink(missing_ok=True)
        if len(chunk.pcm):
            yield chunk

    async def stop(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


async def _run(*command: str) -> tuple[int, str]:
    """Exit code and output of a short program, killed on cancellation. Code 127 when there is no such program."""
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
    except OSError:
        return 127, ""
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        return 124, ""
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())
    assert process.returncode is not None
    return process.returncode, output.decode("utf-8", "replace")


def _said_words(spoken: Spoken) -> list[str]:
    """What is said for each shown word, without pauses of its own: in t2p's output a pause parts two words."""
    return [re.sub(r"[^\w\s'-]", " ", spoken.text[start:end]) for start, end, _, _ in spoken.spans]


def _plain(text: str) -> str:
    """Text in the letters that flite reads, without accents; nothing that it could take for an option."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lstrip("- ")


def _assemble(spoken: Spoken, path: Path, timed: str, listed: str) -> SpeechChunk:
    """The sentence from what the two programs left behind. Runs in a thread."""
    pcm, rate = _read(path)
    segments = _segments(timed)
    phones = [Phone(_IPA.get(name, ""), start, end) for name, start, end in segments]
    marks = _marks(spoken, segments, _words_of(listed))
    words = words_from_marks(spoken, marks, phones) if marks else estimate_words(spoken, pcm, rate)
    return shape(pcm, rate, phones, words)


def _read(path: Path) -> tuple[Pcm, int]:
    try:
        with wave.open(str(path)) as file:
            data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            return data.astype(np.float32) / np.float32(32768), file.getframerate()
    except (wave.Error, EOFError) as error:
        raise SynthesizerError(f"flite: wrote no sound that can be read ({error})") from None


def _segments(timed: str) -> list[tuple[str, float, float]]:
    """Phones from "pau:0.193 b:0.217 …": names and the times of their ends."""
    segments: list[tuple[str, float, float]] = []
    start = 0.0
    for token in timed.split():
        name, colon, end = token.rpartition(":")
        if colon and name in _IPA:
            segments.append((name, start, float(end)))
            start = float(end)
    return segments


def _words_of(listed: str) -> list[list[str]]:
    """Each word's phones from t2p's "pau dh ax pau m y uw …": a pause stands between words."""
    words: list[list[str]] = [[]]
    for name in listed.split():
        if name == "pau":
            words.append([])
        else:
            words[-1].append(name.rstrip("012"))
    return [word for word in words if word]


def _marks(
    spoken: Spoken, segments: Sequence[tuple[str, float, float]], words: list[list[str]]
) -> list[tuple[int, float]]:
    """(place in the spoken text, seconds) of each word's first phone; none where the phones do not fit the words."""
    if len(words) != len(spoken.spans):
        return []
    said = [segment for segment in segments if segment[0] != "pau"]
    owners = [index for index, word in enumerate(words) for _ in word]
    expected = [name for word in words for name in word]
    pairs = _align(expected, [name for name, _, _ in said])
    first: dict[int, float] = {}
    for a, b in pairs:
        first.setdefault(owners[a], said[b][1])
    if len(pairs) < _ENOUGH_ALIGNED * len(expected):
        return []
    return [(spoken.spans[index][0], seconds) for index, seconds in sorted(first.items())]


def _align(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs (i, j) of phones that correspond, in order, at the least cost of edits (Needleman and Wunsch, 1970). A
    vowel may stand for another vowel cheaply: words said alone are not reduced."""
    cost = np.zeros((len(a) + 1, len(b) + 1))
    cost[:, 0], cost[0, :] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            cost[i, j] = min(cost[i - 1, j - 1] + _difference(x, y), cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    pairs: list[tuple[int, int]] = []
    i, j = len(a), len(b)
    while i and j:
        if cost[i, j] == cost[i - 1, j - 1] + _difference(a[i - 1], b[j - 1]):
            i, j = i - 1, j - 1
            if _difference(a[i], b[j]) < 1:
                pairs.append((i, j))
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _difference(x: str, y: str) -> float:
    if x == y:
        return 0.0
    return 0.5 if x in _VOWELS and y in _VOWELS else 1.5
