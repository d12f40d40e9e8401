"""Reading what people give us: any container, and one clear line for what cannot be read."""

from pathlib import Path

import av
import numpy as np
import pytest

from agent.audio import Pcm, files
from agent.audio.files import AudioFileError


def sweep(rate: int, seconds: float = 1.0) -> Pcm:
    time = np.arange(int(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * (200 + 400 * time) * time)).astype(np.float32)


def encode(path: Path, codec: str, rate: int, layout: str, channels: list[Pcm]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.stack(channels), format="fltp", layout=layout)
        frame.sample_rate = rate
        resampler = av.AudioResampler(stream.format, layout, rate, frame_size=stream.codec_context.frame_size or None)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "rate", "loss"),
    [
        ("a.wav", "pcm_s16le", 44_100, 0.002),
        ("b.flac", "flac", 48_000, 0.002),
        ("c.ogg", "libopus", 48_000, 0.05),
        ("d.mp3", "libmp3lame", 22_050, 0.05),
        ("e.m4a", "aac", 44_100, 0.05),
        ("f.wav", "pcm_u8", 8000, 0.02),
        ("g.mka", "pcm_f32le", 16_000, 0.002),
    ],
)
def test_any_container_rate_and_codec(tmp_path: Path, name: str, codec: str, rate: int, loss: float) -> None:
    path = encode(tmp_path / name, codec, rate, "mono", [sweep(rate)])
    pcm = files.read(path, 24_000)
    expected = sweep(24_000)
    assert pcm.dtype == np.float32
    assert len(pcm) == pytest.approx(len(expected), abs=2500), "lossy codecs pad"
    lag = np.argmax(np.correlate(pcm[:20_000], expected[4000:12_000], "valid")) - 4000
    assert abs(lag) <= 2500, "and mp3 has its delay"
    found = pcm[4000 + lag : 12_000 + lag]
    assert np.sqrt(np.mean((found - expected[4000:12_000]) ** 2)) < loss


def test_channels_are_averaged(tmp_path: Path) -> None:
    path = encode(tmp_path / "s.wav", "pcm_s16le", 24_000, "stereo", [sweep(24_000), -sweep(24_000)])
    assert np.max(np.abs(files.read(path, 24_000))) < 0.001
    path = encode(tmp_path / "six.wav", "pcm_s16le", 24_000, "5.1", [sweep(24_000)] * 6)
    np.testing.assert_allclose(files.read(path, 24_000), sweep(24_000), atol=0.001)


def test_written_is_read_again(tmp_path: Path) -> None:
    pcm = sweep(24_000)
    files.write(tmp_path / "x.wav", pcm, 24_000)
    np.testing.assert_allclose(files.read(tmp_path / "x.wav", 24_000), pcm, atol=1 / 32768)


def test_float_files_with_nonsense_in_them_stay_in_range(tmp_path: Path) -> None:
    wild = sweep(24_000)
    wild[100:200] = np.nan
    wild[300:400] = 7
    path = encode(tmp_path / "w.wav", "pcm_f32le", 24_000, "mono", [wild])
    pcm = files.read(path, 24_000)
    assert np.all(np.isfinite(pcm))
    assert np.max(np.abs(pcm)) <= 1


def video_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode(None))


def broken_flac(path: Path) -> None:
    encode(path, "flac", 16_000, "mono", [sweep(16_000)])
    data = bytearray(path.read_bytes())
    data[200:] = np.random.default_rng(0).bytes(len(data) - 200)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "make", "cause"),
    [
        ("missing.wav", lambda path: None, "there is no such file"),
        ("folder.wav", Path.mkdir, "is a folder"),
        ("empty.wav", Path.touch, "is empty"),
        ("text.wav", lambda path: path.write_text("this is no sound " * 100), "not a sound file"),
        (
            "random.mp3",
            lambda path: path.write_bytes(np.random.default_rng(1).bytes(5000)),
            "not a sound file|no sound",
        ),
        ("head.wav", lambda path: files.write(path, np.zeros(0, np.float32), 16_000), "no sound"),
        ("film.mp4", video_only, "there is no sound in it"),
        ("broken.flac", broken_flac, "damaged|not a sound file|no sound"),
    ],
)
def test_what_cannot_be_read_says_why_in_one_line(tmp_path: Path, name: str, make: object, cause: str) -> None:
    path = tmp_path / name
    make(path)  # type: ignore[operator]
    with pytest.raises(AudioFileError, match=cause) as caught:
        files.read(path, 24_000)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_big_and_too_long(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    files.write(path, np.zeros(3 * 16_000, np.float32), 16_000)
    with pytest.raises(AudioFileError, match="is too big"):
        files.read(path, 16_000, max_bytes=1000)
    with pytest.raises(AudioFileError, match="is too long"):
        files.read(path, 16_000, max_seconds=2)


def test_a_file_cut_short_gives_what_it_has(tmp_path: Path) -> None:
    path = encode(tmp_path / "cut.flac", "flac", 16_000, "mono", [sweep(16_000, 5)])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 16_000 < len(files.read(path, 16_000)) < 64_000


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.wav", "pcm_s16le"),
        ("b.wav", "adpcm_ms"),
        ("c.flac", "flac"),
        ("d.mp3", "libmp3lame"),
        ("e.aiff", "pcm_s16be"),
    ],
)
def test_what_ends_before_its_header_says_is_told_of(tmp_path: Path, name: str, codec: str) -> None:
    path = encode(tmp_path / name, codec, 16_000, "mono", [sweep(16_000, 4)])
    told: list[str] = []
    whole = files.read(path, 16_000, warn=told.append)
    assert told == []
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    half = files.read(path, 16_000, warn=told.append)
    assert 16_000 < len(half) < len(whole)
    [line] = told
    assert line.startswith(f"{path}: is cut short: {len(half) / 16_000:.1f} s could be read of the 4.")


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wav_whose_length_was_never_known_is_whole(tmp_path: Path, size: int) -> None:
    files.write(tmp_path / "pipe.wav", sweep(16_000), 16_000)
    data = bytearray((tmp_path / "pipe.wav").read_bytes())
    data[40:44] = size.to_bytes(4, "little")
    (tmp_path / "pipe.wav").write_bytes(data)
    told: list[str] = []
    files.read(tmp_path / "pipe.wav", 16_000, warn=told.append)
    assert told == []


def test_a_folder_that_is_not_there_cannot_be_written_to(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"x\.wav: cannot be written"):
        files.write(tmp_path / "no" / "x.wav", np.zeros(10, np.float32), 16_000)
