"""The wire's codecs: exact where they are exact, G.711 against the standard's own values."""

import base64
import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from agent.audio import codecs
from agent.audio.codecs import CodecError, WireDecoder, WireEncoder

EVERY_INT16 = np.arange(-32768, 32768).astype("<i2")
EVERY_CODE = bytes(range(256))


def test_pcm16_survives_both_ways() -> None:
    assert codecs.float_to_pcm16(codecs.pcm16_to_float(EVERY_INT16.tobytes())) == EVERY_INT16.tobytes()


def test_beyond_full_scale_is_clipped_and_nan_is_silent() -> None:
    pcm = np.array([2, -2, np.nan, np.inf, -np.inf, 0.5], np.float32)
    assert codecs.float_to_int16(pcm).tolist() == [32767, -32768, 0, 32767, -32768, 16384]


@pytest.mark.parametrize("data", [b"a", b"abc"])
def test_half_a_sample_is_refused(data: bytes) -> None:
    with pytest.raises(CodecError, match="even number of bytes"):
        codecs.pcm16_to_float(data)


@pytest.mark.parametrize("text", ["AAA", "%%%%", "AAAA\n", "ÄÄÄÄ"])
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(CodecError, match="not base64"):
        codecs.from_base64(text)


# ITU-T G.711, tables 1a and 2a: the decoder output values at the ends of the segments, on 16 bits.
@pytest.mark.parametrize(
    ("code", "value"), [(0xFF, 0), (0x80, 32124), (0x00, -32124), (0x7F, 0), (0xF0, 120), (0xEF, 132), (0x8F, 16764)]
)
def test_mu_law_decodes_to_the_standards_values(code: int, value: int) -> None:
    assert codecs.mu_law_to_float(bytes([code]))[0] * 32768 == value


@pytest.mark.parametrize(
    ("code", "value"), [(0xD5, 8), (0x55, -8), (0xAA, 32256), (0x2A, -32256), (0xD4, 24), (0xC5, 264), (0x95, 2112)]
)
def test_a_law_decodes_to_the_standards_values(code: int, value: int) -> None:
    assert codecs.a_law_to_float(bytes([code]))[0] * 32768 == value


def test_g711_codes_survive_both_ways() -> None:
    again = codecs.float_to_mu_law(codecs.mu_law_to_float(EVERY_CODE))
    assert again.replace(b"\xff", b"\x7f") == EVERY_CODE.replace(b"\xff", b"\x7f"), "µ-law has two zeros"
    assert codecs.float_to_a_law(codecs.a_law_to_float(EVERY_CODE)) == EVERY_CODE


def test_g711_equals_the_old_standard_library() -> None:
    try:
        audioop = importlib.import_module("audioop")  # gone in Python 3.13
    except ImportError:
        pytest.skip("this Python has no audioop")
    pcm = codecs.pcm16_to_float(EVERY_INT16.tobytes())
    assert codecs.float_to_mu_law(pcm) == audioop.lin2ulaw(EVERY_INT16.tobytes(), 2)
    assert codecs.float_to_a_law(pcm) == audioop.lin2alaw(EVERY_INT16.tobytes(), 2)
    assert codecs.float_to_pcm16(codecs.mu_law_to_float(EVERY_CODE)) == audioop.ulaw2lin(EVERY_CODE, 2)
    assert codecs.float_to_pcm16(codecs.a_law_to_float(EVERY_CODE)) == audioop.alaw2lin(EVERY_CODE, 2)


@given(arrays.arrays(np.float32, st.integers(1, 200), elements=st.floats(-1, 1, width=32)))
def test_g711_error_is_bounded_by_its_step(pcm: np.ndarray) -> None:
    for encode, decode in (
        (codecs.float_to_mu_law, codecs.mu_law_to_float),
        (codecs.float_to_a_law, codecs.a_law_to_float),
    ):
        assert np.all(np.abs(decode(encode(pcm)) - pcm) <= np.abs(pcm) / 16 + 0.0006)


@pytest.mark.parametrize("wire_format", ["audio/pcm", "audio/pcmu", "audio/pcma"])
@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_a_stream_keeps_its_time_over_the_wire(wire_format: codecs.WireFormat, rate: int) -> None:
    time = np.arange(rate) / rate
    pcm = (0.5 * np.sin(2 * np.pi * 300 * time) * np.sin(np.pi * time)).astype(np.float32)
    encoder, decoder = WireEncoder(wire_format, rate), WireDecoder(wire_format, rate)
    sent = [encoder.encode(piece) for piece in np.array_split(pcm, 37)] + [encoder.flush()]
    heard = np.concatenate([*(decoder.decode(text) for text in sent), decoder.flush()])
    assert abs(len(heard) - len(pcm)) <= rate / 8000
    count = min(len(heard), len(pcm))
    np.testing.assert_allclose(heard[:count], pcm[:count], atol=0.02)


def test_a_bad_piece_changes_nothing() -> None:
    pcm = codecs.pcm16_to_float(EVERY_INT16[::7].tobytes())
    good = base64.b64encode(codecs.float_to_pcm16(pcm)).decode()
    decoder = WireDecoder("audio/pcm")
    with pytest.raises(CodecError):
        decoder.decode("!")
    np.testing.assert_array_equal(decoder.decode(good), pcm)
