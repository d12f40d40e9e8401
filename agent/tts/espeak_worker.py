"""The inside of an espeak-ng worker process: the library by ctypes, one sentence at a time.

espeak-ng is under the GPL and not re-entrant, so nothing but a worker process may load it; importing this module does
not. The structures and constants are those of its speak_lib.h, version 1.52.
"""

import ctypes
import re

import numpy as np

from agent.audio import Pcm
from agent.tts import Phone, SpeechChunk
from agent.tts.normalise import normalise
from agent.tts.shape import shape
from agent.tts.text.rules import is_han
from agent.tts.words import words_from_marks
from agent.worker_main import cancelled

_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEMES_IN_IPA = 1, 2
_CHARS_UTF8, _PHONEME_INPUT = 1, 0x100
_RATE, _VOLUME = 1, 2
_WORD, _PHONEME = 1, 7
_SLOWEST, _FASTEST = 80, 450
"""Words a minute that the library takes."""


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """The library, loaded and warm. `speak` is the one call a parent makes."""

    def __init__(self) -> None:
        import espeakng_loader  # only here: the parent must never load it  # noqa: PLC0415

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 200, data, _PHONEME_EVENTS | _PHONEMES_IN_IPA)
        if self.rate <= 0:
            raise RuntimeError(
                "espeak-ng cannot read its data; reinstall it: pip install --force-reinstall espeakng-loader"
            )
        self._callback = _Callback(self._receive)  # kept: the library holds only its address
        self._library.espeak_SetSynthCallback(self._callback)
        self._sound: list[Pcm] = []
        self._phonemes: list[tuple[int, str]] = []
        self._marks: list[tuple[int, int]] = []
        for voice, text in (("en", "Ready."), ("cmn", "好。")):
            self.speak(text, voice, "en", 170)

    def speak(self, text: str, voice: str, language: str, words_a_minute: float) -> SpeechChunk | None:
        """One sentence of display text, whole; None when cancelled. Raises ValueError for an unknown voice."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice}")
        speed = min(max(round(words_a_minute), _SLOWEST), _FASTEST)
        self._library.espeak_SetParameter(_RATE, speed, 0)
        self._library.espeak_SetParameter(_VOLUME, 80, 0)  # some voices clip at 100
        spoken = normalise(text, language)
        written, places = _for_espeak(spoken.text)
        self._sound, self._phonemes, self._marks = [], [], []
        data = written.encode("utf-8", "replace") + b"\0"
        self._library.espeak_Synth(data, ctypes.c_size_t(len(data)), 0, 1, 0, _CHARS_UTF8 | _PHONEME_INPUT, None, None)
        self._library.espeak_Synchronize()
        if cancelled():
            return None
        if not self._sound:
            return SpeechChunk(np.zeros(0, np.float32), self.rate)
        pcm = np.concatenate(self._sound)
        phones = closures_before_bursts(pcm, self.rate, _phones(self._phonemes, len(pcm), self.rate))
        marks = [(places[min(place, len(places) - 1)], sample / self.rate) for place, sample in self._marks]
        return shape(pcm, self.rate, phones, words_from_marks(spoken, marks, phones))

    def _receive(self, sound: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]") -> int:
        if count > 0 and sound:
            self._sound.append(np.ctypeslib.as_array(sound, (count,)).astype(np.float32) * np.float32(2**-15))
        index = 0
        while (event := events[index]).type != 0:
            if event.type == _PHONEME:
                self._phonemes.append((event.sample, event.id.string.decode("utf-8", "ignore")))
            elif event.type == _WORD:
                self._marks.append((event.text_position - 1, event.sample))
            index += 1
        return 1 if cancelled() else 0  # 1 stops the synthesis


_MISREAD = (
    dict.fromkeys("兄胸凶匈汹雄熊", "S;jong") | dict.fromkeys("穷琼穹", "tS;hjong") | dict.fromkeys("窘炯迥", "tS;jong")
)
_TONE = dict.fromkeys("兄胸凶匈汹", "55") | dict.fromkeys("雄熊穷琼穹", "35") | dict.fromkeys("窘炯迥", "214")
"""Syllables that espeak-ng 1.52 spells out in English letters for want of a rule, in its own phonemes."""
_ER = "[[@r35]]"
"""儿 after another character makes it do the same."""


def _for_espeak(text: str) -> tuple[str, list[int]]:
    """The text with what espeak misreads spelled in phonemes, and for each of its characters its place in `text`."""
    parts: list[str] = []
    places: list[int] = []
    for at, char in enumerate(text):
        part = char
        if char in _MISREAD:
            part = f"[[{_MISREAD[char]}{_TONE[char]}]]"
        elif char == "儿" and at > 0 and is_han(text[at - 1]):
            part = _ER
        parts.append(part)
        places += [at] * len(part)
    return "".join(parts), places or [0]


_SINOLOGICAL = (
    ("ts.", "ʈʂ"),
    ("s.", "ʂ"),
    ("z.", "ʐ"),
    ("i.", "ʅ"),
    ("i̪", "ɿ"),
    ("o-", "ɤ"),
    ("onɡ", "ʊŋ"),
    ("χ", "x"),
)
_ASPIRATED = re.compile(r"(?<=[ptkʂɕs])h$")


def _ipa(name: str) -> str:
    """A phoneme's name in IPA, without stress."""
    name = re.sub("[ˈˌ]", "", name)
    for written, ipa in _SINOLOGICAL:
        name = name.replace(written, ipa)
    return _ASPIRATED.sub("ʰ", name.replace(".", ""))


def _phones(events: list[tuple[int, str]], length: int, rate: int) -> list[Phone]:
    """Phones from (sample, name) events. "(en)" tells of a change of language and is no phone."""
    events = [(sample, name) for sample, name in events if not name.startswith("(")]
    ends = [sample for sample, _ in events[1:]] + [length]
    phones: list[Phone] = []
    for (start, name), end in zip(events, ends, strict=True):
        if end <= start:
            continue
        symbol = _ipa(name)
        if phones and phones[-1].symbol == symbol == "":
            phones[-1] = Phone("", phones[-1].start, end / rate)
        else:
            phones.append(Phone(symbol, start / rate, end / rate))
    return phones


_VOICELESS_STOPS = ("p", "t", "k", "ʈ", "c", "ʔ")
_FRAME_SECONDS = 0.004
_LONGEST_CLOSURE = 0.16


def closures_before_bursts(pcm: Pcm, rate: int, phones: list[Phone]) -> list[Phone]:
    """Voiceless stops from where their silence begins.

    espeak-ng stamps such a stop at its burst, and its closure, when the lips are already shut, falls to the phone
    before. pcm has shape (n,) at `rate` Hz.
    """
    size = round(rate * _FRAME_SECONDS)
    count = len(pcm) // size
    if count == 0:
        return phones
    level = np.sqrt(np.mean(pcm[: count * size].reshape(count, size) ** 2, axis=1))
    quiet = level < max(float(level.max()) * 0.012, 1e-4)
    step = size / rate
    out = list(phones)
    for i in range(1, len(out)):
        before, stop = out[i - 1], out[i]
        if not stop.symbol.startswith(_VOICELESS_STOPS) or before.symbol == "":
            continue
        burst = min(count - 1, int(stop.start / step) + 1)
        start = next((frame for frame in range(burst, max(burst - 4, -1), -1) if quiet[frame]), None)
        if start is None:
            continue
        while start > 0 and quiet[start - 1] and (burst - start) * step < _LONGEST_CLOSURE:
            start -= 1
        closure = start * step
        if before.start + 0.01 < closure < stop.start - 0.008:
            out[i - 1] = Phone(before.symbol, before.start, closure)
            out[i] = Phone(stop.symbol, closure, stop.end)
    return out
