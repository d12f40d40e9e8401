"""What may happen to a voice on its way to a microphone and over a line, seeded; and sounds that are no speech."""

import io
from collections.abc import Sequence

import av
import numpy as np
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

from agent.audio import TIMELINE_RATE, Pcm
from agent.audio.resample import resample

Rng = np.random.Generator
_RATE = TIMELINE_RATE


def changed(pcm: Pcm, others: Sequence[Pcm], rng: Rng) -> tuple[Pcm, float]:
    """`pcm` (24 kHz, shape (n,)) as somebody else somewhere else would sound, and the factor by which every time in it
    has grown. `others` are voices for babble."""
    pcm, factor = _voice(pcm, rng)
    pcm = _room(pcm, rng)
    if rng.random() < 0.7:
        pcm = _with_noise(pcm, others, rng)
    pcm = _line(pcm, rng)
    return _level(pcm, rng), factor


def _voice(pcm: Pcm, rng: Rng) -> tuple[Pcm, float]:
    """Another size of throat (pitch and formants together), another tempo, another timbre."""
    factor = 1.0
    if rng.random() < 0.75:
        source = round(_RATE * float(rng.uniform(0.84, 1.2)))
        pcm, factor = resample(pcm, source, _RATE), _RATE / source
    if rng.random() < 0.35:
        tempo = float(rng.uniform(0.85, 1.25))
        pcm, factor = stretched(pcm, tempo), factor / tempo
    for _ in range(int(rng.integers(0, 4))):
        centre = float(np.exp(rng.uniform(np.log(120), np.log(7000))))
        pcm = lfilter(*_peaking(centre, float(rng.uniform(-10, 10)), float(rng.uniform(0.4, 2.5))), pcm)
    if rng.random() < 0.3:  # breath: noise that follows the voice
        envelope = np.sqrt(lfilter(np.full(120, 1 / 120), 1, np.square(pcm)))
        pcm = pcm + envelope * rng.standard_normal(len(pcm)) * rng.uniform(0.05, 0.35)
    if rng.random() < 0.3:  # loudness that wanders
        places = np.arange(len(pcm) // _RATE + 2) * _RATE
        slow = np.interp(np.arange(len(pcm)), places, rng.uniform(-5, 5, len(places)))
        pcm = pcm * 10 ** (slow / 20)
    return np.asarray(pcm, np.float32), factor


def stretched(pcm: Pcm, tempo: float) -> Pcm:
    """Said `tempo` times as fast at the same pitch (FFmpeg's atempo: overlap and add of similar pieces)."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=_RATE, format="flt", layout="mono")
    speed = graph.add("atempo", f"{tempo:.4f}")
    sink = graph.add("abuffersink")
    source.link_to(speed)
    speed.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm, np.float32)[None], format="flt", layout="mono")
    frame.sample_rate = _RATE
    source.push(frame)
    source.push(None)
    pieces = []
    while True:
        try:
            pieces.append(sink.pull().to_ndarray()[0])
        except (av.error.EOFError, av.error.BlockingIOError):
            break
    return np.concatenate(pieces) if pieces else pcm


def _peaking(centre: float, gain: float, q: float) -> tuple[np.ndarray, np.ndarray]:
    """A peaking equaliser by R. Bristow-Johnson's cookbook: hertz, decibels, quality."""
    amplitude, omega = 10 ** (gain / 40), 2 * np.pi * centre / _RATE
    alpha, cosine = np.sin(omega) / (2 * q), np.cos(omega)
    b = np.array([1 + alpha * amplitude, -2 * cosine, 1 - alpha * amplitude])
    a = np.array([1 + alpha / amplitude, -2 * cosine, 1 - alpha / amplitude])
    return b / a[0], a / a[0]


def _room(pcm: Pcm, rng: Rng) -> Pcm:
    if rng.random() > 0.45:
        return pcm
    length = int(rng.uniform(0.08, 0.6) * _RATE)
    tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    tail *= 10 ** (-rng.uniform(2, 18) / 20) / np.sqrt(np.square(tail).sum())
    tail[: int(rng.uniform(0.001, 0.008) * _RATE)] = 0
    return np.asarray(fftconvolve(pcm, np.concatenate([[1.0], tail]))[: len(pcm)], np.float32)


def noise(count: int, others: Sequence[Pcm], rng: Rng) -> tuple[Pcm, float]:
    """Shape (count,), about RMS 1, and the smallest signal-to-noise ratio (dB) at which speech under it is still to be
    followed."""
    kind = rng.choice(["white", "white", "pink", "hum", "babble", "music", "street"])
    if kind == "babble" and others:
        sum_ = np.zeros(count)
        for _ in range(int(rng.integers(2, 6))):
            other = others[int(rng.integers(len(others)))]
            other = np.resize(np.roll(other, int(rng.integers(len(other)))), count)
            sum_ += other / (np.sqrt(np.mean(np.square(other))) + 1e-6)
        return _unit(sum_), 8.0
    if kind == "music":
        return _unit(music(count, rng)), 5.0
    white = rng.standard_normal(count)
    if kind == "pink":
        return _unit(lfilter([1], [1, -0.97], white)), 0.0
    if kind == "hum":
        hum = np.sin(2 * np.pi * float(rng.choice([50, 60, 100, 120])) * np.arange(count) / _RATE)
        return _unit(hum + 0.3 * white), 3.0
    if kind == "street":
        swell = np.interp(np.arange(count), np.linspace(0, count, 8), rng.uniform(0.2, 1, 8))
        return _unit(lfilter([1], [1, -0.9], white) * swell), 3.0
    return _unit(white), 3.0


def _unit(x: np.ndarray) -> Pcm:
    return np.asarray(x / (np.sqrt(np.mean(np.square(x))) + 1e-9), np.float32)


def music(count: int, rng: Rng) -> np.ndarray:
    """Chords of decaying harmonic notes on a beat, now and then with a drum."""
    out = np.zeros(count)
    beat = int(rng.uniform(0.2, 0.6) * _RATE)
    for start in range(0, count, beat):
        length = min(count - start, int(beat * rng.uniform(0.8, 2.5)))
        at = np.arange(length) / _RATE
        for _ in range(int(rng.integers(1, 4))):
            pitch = 110 * 2 ** (rng.integers(0, 36) / 12)
            for harmonic in range(1, int(rng.integers(3, 8))):
                level = np.exp(-at * rng.uniform(1, 6)) / harmonic
                out[start : start + length] += level * np.sin(2 * np.pi * pitch * harmonic * at)
        if rng.random() < 0.4:
            out[start : start + length] += 2 * rng.standard_normal(length) * np.exp(-at * 40)
    return out


def _with_noise(pcm: Pcm, others: Sequence[Pcm], rng: Rng) -> Pcm:
    disturbance, least = noise(len(pcm), others, rng)
    level = np.sqrt(np.mean(np.square(pcm)) + 1e-12) * 10 ** (-rng.uniform(least, 40) / 20)
    return np.asarray(pcm + disturbance * level, np.float32)


def _line(pcm: Pcm, rng: Rng) -> Pcm:
    """A codec or a narrow band, on some."""
    peak = float(np.abs(pcm).max()) + 1e-6
    kind = rng.random()
    if kind < 0.12:
        return g711(pcm / peak * 0.9)
    if kind < 0.22:
        low_pass = butter(6, float(rng.uniform(3500, 8000)), fs=_RATE, output="sos")
        return np.asarray(sosfilt(low_pass, pcm), np.float32)
    if kind < 0.32:
        return opus(pcm / peak * 0.8, int(rng.choice([10, 12, 16, 24])))
    return pcm


def g711(pcm: Pcm) -> Pcm:
    """Over a telephone line: 8 kHz, µ-law of 8 bits (its continuous formula)."""
    narrow = np.clip(resample(pcm, _RATE, 8000), -1, 1)
    code = np.round(np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256) * 127) / 127
    back = np.sign(code) * np.expm1(np.abs(code) * np.log(256)) / 255
    return _as_long(resample(back.astype(np.float32), 8000, _RATE), len(pcm))


def opus(pcm: Pcm, kilobits: int) -> Pcm:
    """Through Opus and back, its delay removed."""
    buffer = io.BytesIO()
    wide = (np.clip(resample(pcm, _RATE, 48_000), -1, 1) * 32767).astype(np.int16)
    with av.open(buffer, "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=48_000, layout="mono")
        stream.bit_rate = 1000 * kilobits
        for start in range(0, len(wide), 960):
            frame = av.AudioFrame.from_ndarray(wide[None, start : start + 960], format="s16", layout="mono")
            frame.sample_rate = 48_000
            frame.pts = start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer) as back:
        pieces = [frame.to_ndarray().reshape(-1) for frame in back.decode(audio=0)]
    decoded = np.concatenate(pieces).astype(np.float32)
    return _as_long(resample(decoded, 48_000, _RATE), len(pcm))


def _as_long(pcm: Pcm, count: int) -> Pcm:
    return np.pad(pcm[:count], (0, max(0, count - len(pcm))))


def _level(pcm: Pcm, rng: Rng) -> Pcm:
    peak = 10 ** (float(rng.uniform(-54, -1)) / 20)
    out = pcm / (np.abs(pcm).max() + 1e-6) * peak
    if rng.random() < 0.07:
        out = np.clip(out * 2.5, -peak, peak)
    if rng.random() < 0.4:  # a microphone is never quite silent
        out = out + rng.standard_normal(len(out)) * 10 ** (float(rng.uniform(-95, -55)) / 20)
    return np.asarray(out, np.float32)


_SILENT_KINDS = (
    *("tone", "tone", "sweep", "beeps", "music", "music", "bursts", "clicks", "laughter", "noise", "noise", "nothing"),
    *("empty room", "empty room"),
)


def not_speech(rng: Rng) -> Pcm:
    """2 to 6 seconds of something that is to leave a mouth shut: tones, music, bursts, coughs, clicks, laughter-like
    bursts, noise, an empty room, nothing."""
    count = int(rng.uniform(2, 6) * _RATE)
    at = np.arange(count) / _RATE
    kind = rng.choice(_SILENT_KINDS)
    if kind == "empty room":
        return np.asarray(noise(count, (), rng)[0] * 10 ** (rng.uniform(-80, -45) / 20), np.float32)
    if kind == "tone":
        pitch = np.exp(rng.uniform(np.log(80), np.log(3000)))
        shares = 1 / np.arange(1, rng.integers(2, 9)) ** rng.uniform(0.5, 3)
        out = sum(s * np.sin(2 * np.pi * pitch * (i + 1) * at) for i, s in enumerate(shares))
    elif kind == "sweep":
        low, high = np.sort(np.exp(rng.uniform(np.log(80), np.log(4000), 2)))
        out = np.sin(2 * np.pi * np.cumsum(np.geomspace(low, high, count)) / _RATE)
    elif kind == "music":
        out = music(count, rng)
    elif kind == "beeps":
        out = np.sin(2 * np.pi * rng.uniform(300, 2500) * at) * (np.sin(2 * np.pi * rng.uniform(0.5, 6) * at) > 0)
    elif kind == "clicks":
        out = (rng.random(count) < rng.uniform(1, 12) / _RATE) * rng.uniform(0.3, 1, count)
        out = lfilter(*_peaking(float(rng.uniform(300, 5000)), 20, 3), out)
    elif kind in ("bursts", "laughter"):
        out = _bursts(count, kind == "laughter", rng)
    elif kind == "noise":
        out = noise(count, (), rng)[0]
    else:
        out = np.zeros(count)
    return _level(_room(np.asarray(out, np.float32), rng), rng)


def _bursts(count: int, rhythmic: bool, rng: Rng) -> np.ndarray:
    """Short rushes of breath through a throat: coughs, or laughter's even row of them."""
    out = np.zeros(count)
    period = rng.uniform(0.16, 0.26)
    start = 0.1
    while start * _RATE < count - 2400:
        first, length = int(start * _RATE), int(rng.uniform(0.05, 0.25) * _RATE)
        length = min(length, count - first)
        burst = rng.standard_normal(length) * np.exp(-np.arange(length) / (0.3 * length))
        for centre in rng.uniform(400, 3000, 2):
            burst = lfilter(*_peaking(float(centre), 15, 2), burst)
        out[first : first + length] += burst
        start += period if rhythmic else float(rng.uniform(0.3, 1.2))
    return out
