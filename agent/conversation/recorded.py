"""Speech that a client gives as an item, at once, instead of streaming it."""

import numpy as np

from agent import asr
from agent.audio import Pcm
from agent.audio.codecs import CodecError, WireDecoder, WireFormat
from agent.conversation.hearing import WINDOW
from agent.realtime.events import ItemIn, WireError

MOST_SECONDS = 60
"""More would hold up who else is heard; `input_audio_buffer.append` takes any length."""
_MOST = MOST_SECONDS * asr.RATE


def recorded_in(given: ItemIn, wire_format: WireFormat) -> Pcm | None:
    """The sound of a user's message that is one part of `input_audio` without its transcript, in whole windows at
    16 kHz; None for any other item. Raises WireError."""
    if given.type != "message" or given.role != "user" or len(given.content) != 1:
        return None
    (part,) = given.content
    if part.type != "input_audio" or part.audio is None or part.transcript is not None:
        return None
    try:
        decoder = WireDecoder(wire_format, asr.RATE)
        pcm = np.concatenate([decoder.decode(part.audio), decoder.flush()])
    except CodecError as error:
        raise WireError("invalid_value", f"{wire_format}: {error}.", param="item.content.0.audio") from None
    if not 0 < len(pcm) <= _MOST:
        message = f"Recorded speech has some sound, and at most {MOST_SECONDS} s of it: append what is longer."
        raise WireError("invalid_value", message, param="item.content.0.audio")
    return np.pad(pcm, (0, -len(pcm) % WINDOW))
