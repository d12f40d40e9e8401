"""Pipecat in its own environment, for scripts.bench.rivals: reads clips, prints what was measured as JSON.

    PYTHONPATH=. .cache/stock-clients/pipecat/bin/python scripts/bench/rival_pipecat.py CLIPS.npz SILENCE_S

In the process, without a network between: the microphone's packets are put into the pipeline, and a reply's first
sample counts when the output transport is given it. Silero is the one that pipecat brings; recogniser, dialogue and
voice are stubs that answer at once. A turn ends with the detector's silence: pipecat's own extra wait is set to zero.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams, VADState
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    OutputAudioRawFrame,
    StartFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.settings import STTSettings, TTSSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.turns.user_start import VADUserTurnStartStrategy
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner

from scripts.bench.turn_rig import PACKET_S, Clip, Peer, figures, measure, talk

IN_RATE, OUT_RATE = 16_000, 24_000
WORDS = 100


class StubRecognizer(SegmentedSTTService):
    def __init__(self) -> None:
        super().__init__(settings=STTSettings(model=None, language=None), ttfs_p99_latency=0.0)

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame, None]:
        yield TranscriptionFrame("what are your opening hours", "visitor", time_now_iso8601(), finalized=True)


class StubDialogue(FrameProcessor):
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            await self.push_frame(LLMFullResponseStartFrame())
            await self.push_frame(LLMTextFrame("Heard. "))
            await self.push_frame(LLMTextFrame("One " * WORDS + "end. "))
            await self.push_frame(LLMFullResponseEndFrame())
        else:
            await self.push_frame(frame, direction)


class StubVoice(TTSService):
    """A tone of 0.1 s a word."""

    def __init__(self) -> None:
        super().__init__(
            push_start_frame=True, push_stop_frames=True, settings=TTSSettings(model=None, voice=None, language=None)
        )
        self._word = (6000 * np.sin(np.arange(OUT_RATE // 10) * 0.05)).astype(np.int16).tobytes()

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame, None]:
        for _ in text.split():
            await asyncio.sleep(0)
            yield TTSAudioRawFrame(self._word, OUT_RATE, 1, context_id=context_id)


class Loudspeaker(BaseOutputTransport):
    """Plays at real time; notes when a reply begins, and when it was told to be silent."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(TransportParams(audio_out_enabled=True, audio_out_10ms_chunks=2))
        self._peer = peer
        self._sounding = False
        self._free = 0.0

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame) and self._sounding:
            self._peer.silenced.append(time.perf_counter())
            self._sounding = False

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        now = time.perf_counter()
        if np.any(np.frombuffer(frame.audio, np.int16)) and not self._sounding:
            self._sounding = True
            self._peer.started.append(now)
        self._free = max(self._free, now) + len(frame.audio) / 2 / OUT_RATE
        await asyncio.sleep(max(0.0, self._free - time.perf_counter()))
        return True


def vad(silence: float) -> SileroVADAnalyzer:
    """Its own defaults, but the silence."""
    return SileroVADAnalyzer(params=VADParams(stop_secs=silence))


def decisions(sent: bytes, silence: float) -> list[int]:
    """The samples of the stream at which the detector, fed the same packets, says that the voice has ended."""
    analyzer = vad(silence)
    analyzer.set_sample_rate(IN_RATE)
    size = round(PACKET_S * IN_RATE) * 2
    found, before = [], VADState.QUIET
    for at in range(0, len(sent) - size + 1, size):
        state = analyzer._run_analyzer(sent[at : at + size])
        if state is VADState.QUIET and before is VADState.STOPPING:
            found.append((at + size) // 2 - 1)
        before = state
    return found


async def run(clips: list[Clip], silence: float) -> dict[str, Any]:
    async def send(packet: bytes) -> None:
        await worker.queue_frame(InputAudioRawFrame(packet, IN_RATE, 1))

    peer = Peer(send)
    strategies = UserTurnStrategies(
        start=[VADUserTurnStartStrategy()], stop=[SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.0)]
    )
    pair = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(user_turn_strategies=strategies, vad_analyzer=vad(silence))
    )
    stages = [StubRecognizer(), pair.user(), StubDialogue(), StubVoice(), Loudspeaker(peer), pair.assistant()]
    params = PipelineParams(audio_in_sample_rate=IN_RATE, audio_out_sample_rate=OUT_RATE)
    worker = PipelineWorker(Pipeline(stages), params=params, idle_timeout_secs=None)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(1.0)
    it = await talk(peer, clips, IN_RATE)
    ends = decisions(bytes(it.sent), silence)
    await worker.cancel()
    await running
    return figures(it, ends)


def main() -> None:
    logger.remove()
    measure(run)


if __name__ == "__main__":
    main()
