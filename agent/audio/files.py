"""Sound files: any container that PyAV reads, in; WAV, out."""

import os
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np

from agent.audio import Pcm
from agent.audio.codecs import float_to_pcm16
from agent.audio.resample import Resampler
from agent.audio.stated import stated_seconds

MAX_BYTES = 200_000_000
MAX_SECONDS = 3600.0
CUT_SHORT = 0.1
"""Seconds that may be missing of what the header says before anybody is told: encoders round."""


class AudioFileError(Exception):
    """A sound file that cannot be read or written. The message is one line that names the file and the cause."""


def read(
    path: str | Path,
    rate: int,
    *,
    max_bytes: int = MAX_BYTES,
    max_seconds: float = MAX_SECONDS,
    warn: Callable[[str], None] = lambda _: None,
) -> Pcm:
    """The sound of the file at `path`, its channels averaged: shape (n,) at `rate`, within [-1, 1].

    Of a file with several sound streams, the first. Damaged packets are skipped while they are the lesser part. `warn`
    is told, in one line, of a file that ends before its header says it does.
    Raises AudioFileError for what is missing, empty, too big, too long, without sound, or not readable.
    """
    path = Path(path)
    _check(path, max_bytes)
    try:
        with av.open(str(path), mode="r", metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise AudioFileError(f"{path}: there is no sound in it")
            pieces = list(_pieces(path, container, rate, max_seconds))
            found = sum(map(len, pieces)) / rate
            stated = stated_seconds(path, container, found)
    except av.FFmpegError as error:
        raise AudioFileError(f"{path}: not a sound file that can be read ({_reason(error)})") from None
    except OSError as error:
        raise AudioFileError(f"{path}: {error.strerror or error}") from None
    pcm = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    if pcm.size == 0:
        raise AudioFileError(f"{path}: there is no sound in it")
    if stated is not None and stated - found > CUT_SHORT:
        warn(f"{path}: is cut short: {found:.1f} s could be read of the {stated:.1f} s that its header states")
    return np.clip(np.nan_to_num(pcm, nan=0.0, posinf=1.0, neginf=-1.0), -1, 1)


def write(path: str | Path, pcm: Pcm, rate: int) -> None:
    """Write `pcm` (shape (n,), at `rate`) as 16-bit mono WAV. Raises AudioFileError."""
    try:
        with open(path, "wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(float_to_pcm16(pcm))
    except OSError as error:
        raise AudioFileError(f"{path}: cannot be written: {error.strerror or error}") from None


def _check(path: Path, max_bytes: int) -> None:
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise AudioFileError(f"{path}: is a folder, not a sound file")
        if not os.access(path, os.R_OK):
            raise AudioFileError(f"{path}: may not be read (permission denied)")
    except OSError as error:
        cause = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror or error
        raise AudioFileError(f"{path}: {cause}") from None
    if size == 0:
        raise AudioFileError(f"{path}: is empty")
    if size > max_bytes:
        raise AudioFileError(f"{path}: is too big ({size / 1e6:.0f} MB; at most {max_bytes / 1e6:.0f} MB)")


def _pieces(path: Path, container: av.container.InputContainer, rate: int, max_seconds: float) -> Iterator[Pcm]:
    """The decoded sound at `rate`, piece by piece. The length is counted, since what a header says may be wrong."""
    resampler: Resampler | None = None
    seconds = 0.0
    for frame in _frames(path, container):
        if resampler is None or resampler.in_rate != frame.sample_rate:
            if resampler is not None:
                yield resampler.flush()
            resampler = Resampler(frame.sample_rate, rate)
        seconds += frame.samples / frame.sample_rate
        if seconds > max_seconds:
            raise AudioFileError(f"{path}: is too long (more than {max_seconds / 60:g} minutes)")
        yield resampler.process(_mono(frame))
    if resampler is not None:
        yield resampler.flush()


def _frames(path: Path, container: av.container.InputContainer) -> Iterator[av.AudioFrame]:
    stream = container.streams.audio[0]
    good, bad = 0, 0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except (av.InvalidDataError, av.EOFError):  # the latter of a last packet that was cut short
            bad += 1
            continue
        good += 1
        yield from frames
    if bad > good:
        raise AudioFileError(f"{path}: is damaged ({bad} of {good + bad} packets cannot be decoded)")


def _mono(frame: av.AudioFrame) -> Pcm:
    planes = av.AudioResampler(format="fltp").resample(frame) if frame.format.name != "fltp" else [frame]
    return np.concatenate([plane.to_ndarray().mean(axis=0, dtype=np.float32) for plane in planes])


def _reason(error: av.FFmpegError) -> str:
    return (error.strerror or str(error)).rstrip(".").lower()
