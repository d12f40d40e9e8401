"""Who speaks in training, and who is held back: neither the held-out voices nor languages are ever trained on, and
what is chosen (weights of the loss, thresholds, the better of two runs) is chosen by a third set of voices."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from agent.tts import Phone
from scripts.bench.timed_speech import TimedSpeech, espeak_speech, flite_speech
from scripts.lipsync import festival
from scripts.lipsync.texts import text

HELD_VARIANTS = ("m3", "f4", "Alicia", "steph2", "klatt4", "Hugo", "victor", "linda")
HELD_FLITE = ("rms",)
HELD_FESTIVAL = ("upc_ca_ona_hts", "suo_fi_lj_diphone", "hy_fi_mv_diphone", "ked_diphone")
HELD_LANGUAGES = ("fi", "ca", "ro", "hu")
CHOICE_VARIANTS = ("f3", "m6", "Andy", "grandma", "david", "belinda", "pedro", "klatt6")
CHOICE_FESTIVAL = ("pc_diphone", "czech_ph")
"""Not trained on either: for choosing. The others are judged on alone."""

_UNLIKE_PEOPLE = {
    "Demonic", "UniRobot", "robosoft", "robosoft2", "robosoft3", "robosoft4", "robosoft5", "robosoft6", "robosoft7",
    "robosoft8", "anikaRobot", "Tweaky", "croak", "fast", "AnxiousAndy", "Storm", "Mr serious",
}  # fmt: skip
"""Variants of espeak-ng whose sound has little of a voice, or loses its phones."""

ESPEAK_SHARES = {
    "en-us": 0.24, "en": 0.07, "en-gb-x-rp": 0.05, "en-029": 0.02, "en-us-nyc": 0.05, "en-gb-x-gbclan": 0.02,
    "cmn": 0.21, "de": 0.03, "fr": 0.03, "es": 0.03, "it": 0.02, "pl": 0.025, "tr": 0.02, "ru": 0.025, "nl": 0.02,
    "sv": 0.02, "pt": 0.025, "cs": 0.02, "hi": 0.025, "id": 0.02,
    "et": 0.03, "da": 0.02,
}  # fmt: skip
FLITE_VOICES = ("awb", "slt", "kal16")
_SINOLOGICAL = (("o-", "ɤ"), ("onɡ", "ʊŋ"))
"""How espeak-ng writes two Mandarin vowels."""
_CLOSURE = 0.08
"""Seconds."""


def variants() -> list[str]:
    """The voice variants of espeak-ng that are trained on."""
    loader = find_spec("espeakng_loader")  # only its folder of data is asked for; the library stays out of this process
    assert loader is not None and loader.origin is not None  # noqa: PT018
    names = sorted(path.name for path in Path(loader.origin).parent.joinpath("espeak-ng-data/voices/!v").iterdir())
    return [name for name in names if name not in {*_UNLIKE_PEOPLE, *HELD_VARIANTS, *CHOICE_VARIANTS}]


def language_of(voice: str) -> str:
    """The language of the texts for an espeak voice."""
    return "en" if voice.startswith("en") else voice


def espeak_batch(
    rng: np.random.Generator,
    count: int,
    shares: dict[str, float],
    chosen: list[str],
    pace: tuple[int, int] = (110, 250),
) -> list[TimedSpeech]:
    """`count` utterances over languages by `shares`, each in one of the variants `chosen`."""
    names = list(shares)
    weight = np.array([shares[n] for n in names])
    wanted = []
    for _ in range(count):
        voice = str(rng.choice(names, p=weight / weight.sum()))
        spoken = text(language_of(voice), rng)
        wanted.append((spoken, f"{voice}+{rng.choice(chosen)}", int(rng.integers(*pace)), int(rng.integers(10, 90))))
    return [repaired(made) for made in espeak_speech(wanted) if 0.8 < len(made.pcm) / 24000 < 14]


def flite_batch(rng: np.random.Generator, count: int, voices: tuple[str, ...] = FLITE_VOICES) -> list[TimedSpeech]:
    out = []
    for _ in range(count):
        made = flite_speech(text("en", rng), str(rng.choice(voices)), round(float(rng.uniform(0.75, 1.25)), 2))
        if made is not None and 0.8 < len(made.pcm) / 24000 < 14:
            out.append(made)
    return out


def festival_batch(rng: np.random.Generator, voice: festival.FestivalVoice, count: int) -> list[TimedSpeech]:
    wanted = [(text(voice.language, rng), float(rng.uniform(0.75, 1.25))) for _ in range(count)]
    return festival.speech(voice, wanted)


def festival_voices() -> list[festival.FestivalVoice]:
    kept = {*HELD_FESTIVAL, *CHOICE_FESTIVAL}
    return [v for v in festival.installed() if v.name not in kept and v.language not in HELD_LANGUAGES]


def choice_batch(rng: np.random.Generator, count: int) -> list[TimedSpeech]:
    """About `count` utterances of the voices for choosing, in the languages of training."""
    out = espeak_batch(rng, round(0.8 * count), ESPEAK_SHARES, list(CHOICE_VARIANTS), (130, 210))
    for voice in festival.installed():
        if voice.name in CHOICE_FESTIVAL:
            out += festival_batch(rng, voice, round(0.1 * count))
    return out


def repaired(made: TimedSpeech) -> TimedSpeech:
    """espeak-ng's speech with every symbol in IPA, and with short silences before voiceless stops given to the stops:
    in Mandarin it tells a stop's closure as a silence."""
    phones: list[Phone] = []
    for phone in made.phones:
        symbol = phone.symbol
        for written, ipa in _SINOLOGICAL:
            symbol = symbol.replace(written, ipa)
        start = phone.start
        stop = symbol.strip("ˈˌ").startswith(("p", "t", "k", "c", "ʈ"))
        if stop and len(phones) > 1 and phones[-1].symbol == "" and phones[-1].end - phones[-1].start < _CLOSURE:
            start = phones.pop().start
        phones.append(Phone(symbol, start, phone.end))
    return TimedSpeech(made.voice, made.text, made.pcm, tuple(phones))
