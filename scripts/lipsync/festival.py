"""Speech from festival's voices, where they are installed: one process a batch, phones with their times.

Debian: festival, festvox-{kallpc16k,kdlpc16k,us-slt-hts,italp16k,itapc16k,ru,hi-nsk,ca-ona-hts}, festvox-czech-{dita,
machac,ph}, festvox-suopuhe-{lj,mv}. Festival is a separate program; only the sound it makes is used.
"""

import json
import re
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from agent.audio import TIMELINE_RATE
from agent.audio.resample import resample
from agent.tts import Phone
from avatar.lipsync.phones import ipa_of_arpabet
from scripts.bench.timed_speech import TimedSpeech

_PHONES = {
    name: dict(pair.split("=") for pair in pairs.split())
    for name, pairs in json.loads(Path(__file__).with_name("festival_phones.json").read_text("utf-8")).items()
}
"""The phone sets of the voices that do not use ARPABET: festival's name of a phone → IPA."""


@dataclass(frozen=True, slots=True)
class FestivalVoice:
    """One voice: festival's own name, the language of its texts, its phones in IPA ({}: ARPABET)."""

    name: str
    language: str
    ipa: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"


VOICES = (
    FestivalVoice("kal_diphone", "en"),
    FestivalVoice("ked_diphone", "en"),
    FestivalVoice("cmu_us_slt_arctic_hts", "en"),
    FestivalVoice("lp_diphone", "it", _PHONES["italian"], "latin-1"),
    FestivalVoice("pc_diphone", "it", _PHONES["italian"], "latin-1"),
    FestivalVoice("czech_dita", "cs", _PHONES["czech"], "iso8859-2"),
    FestivalVoice("czech_machac", "cs", _PHONES["czech"], "iso8859-2"),
    FestivalVoice("czech_ph", "cs", _PHONES["czech"], "iso8859-2"),
    FestivalVoice("msu_ru_nsh_clunits", "ru", _PHONES["russian"]),
    FestivalVoice("hindi_NSK_diphone", "hi", _PHONES["hindi"]),
    FestivalVoice("upc_ca_ona_hts", "ca", _PHONES["catalan"], "latin-1"),
    FestivalVoice("suo_fi_lj_diphone", "fi", _PHONES["finnish"], "latin-1"),
    FestivalVoice("hy_fi_mv_diphone", "fi", _PHONES["finnish"], "latin-1"),
)

_SCRIPT = """
(define (visavis_say text stretch name)
  (Parameter.set 'Duration_Stretch stretch)
  (let ((u (utt.synth (eval (list 'Utterance 'Text text)))))
    (utt.save.wave u (string-append name ".wav") 'riff)
    (format t "@ %s" name)
    (mapcar (lambda (s) (format t " %s:%s" (item.name s) (item.feat s "end"))) (utt.relation.items u 'Segment))
    (format t "\\n")))
"""
_LONGEST_SECONDS = 14.0


def installed() -> tuple[FestivalVoice, ...]:
    """The voices of VOICES that are on this machine."""
    if shutil.which("festival") is None:
        return ()
    there = {path.name for path in Path("/usr/share/festival/voices").glob("*/*")}
    return tuple(voice for voice in VOICES if voice.name in there)


def speech(voice: FestivalVoice, wanted: Sequence[tuple[str, float]]) -> list[TimedSpeech]:
    """Speech for each (text, stretch of all durations). What festival could not say is left out."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "say.scm"
        lines = [_SCRIPT, f"(voice_{voice.name})"]
        texts = [re.sub(r'["\\()]', " ", text) for text, _ in wanted]
        for i, (text, (_, stretch)) in enumerate(zip(texts, wanted, strict=True)):
            lines.append(f'(unwind-protect (visavis_say "{text}" {stretch:.3f} "{folder}/{i}") nil)')
        script.write_bytes("\n".join(lines).encode(voice.encoding, "replace"))
        done = subprocess.run(
            ["festival", "-b", str(script)], capture_output=True, check=False, timeout=60 + 10 * len(wanted)
        )
        out = []
        for line in done.stdout.decode(errors="replace").splitlines():
            if line.startswith("@ "):
                _, name, *tokens = line.split()
                made = _read(Path(f"{name}.wav"), tokens, voice, texts[int(Path(name).name)])
                out += [made] if made is not None else []
        return out


def _read(path: Path, tokens: Sequence[str], voice: FestivalVoice, text: str) -> TimedSpeech | None:
    try:
        with wave.open(str(path)) as file:
            samples, rate = np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getframerate()
    except (OSError, EOFError, wave.Error):
        return None
    seconds = len(samples) / rate
    if not 0.8 < seconds < _LONGEST_SECONDS:
        return None
    phones: list[Phone] = []
    start = 0.0
    for token in tokens:
        name, _, ended = token.rpartition(":")
        end = min(float(ended), seconds)
        if end > start:
            phones.append(Phone(_ipa(name, voice, end - start), start, end))
            start = end
    pcm = resample(samples.astype(np.float32) / 32768, rate, TIMELINE_RATE)
    return TimedSpeech(f"festival {voice.name}", text, pcm, tuple(phones))


def _ipa(name: str, voice: FestivalVoice, seconds: float) -> str:
    if not voice.ipa:
        return ipa_of_arpabet(name, seconds)
    if name in ("pau", "#", "##", "_"):
        return ""
    plain = name.rstrip("1:")
    doubled = plain[: len(plain) // 2]
    return voice.ipa.get(plain) or voice.ipa.get(doubled if doubled * 2 == plain else plain, "ə")
