"""Who has the floor by pipecat's own judgement, in its own environment, for scripts.bench.turns.

    PYTHONPATH=. .cache/stock-clients/python/bin/python scripts/bench/rival_turns_pipecat.py SOUNDS.npz

Its detector and its turn analyzer (smart-turn v3.2, whose weights it brings) are called as its default strategies call
them (pipecat.turns.user_stop, pipecat.turns.user_start), with a recogniser that is done at once, faster than real time.
A reply is interrupted where its detector says that a voice has begun.
"""

import asyncio
import time
from collections.abc import Iterator
from types import SimpleNamespace

from loguru import logger
from pipecat.audio.turn.base_turn_analyzer import EndOfTurnState
from pipecat.audio.turn.smart_turn import base_smart_turn
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VAD_START_SECS, VADState

from scripts.bench.turn_rivals import RATE, answer

PACKET = RATE // 50


class Ears:
    """Its detector with its defaults, packet by packet."""

    def __init__(self) -> None:
        self._vad = SileroVADAnalyzer()
        self._vad.set_sample_rate(RATE)

    def hear(self, sound: bytes) -> Iterator[tuple[int, bytes, bool | None]]:
        """For each packet where it ends, the packet, and whether a voice has begun (True) or ended (False) with it."""
        speaking = False
        for at in range(0, len(sound) - 2 * PACKET + 1, 2 * PACKET):
            packet = sound[at : at + 2 * PACKET]
            state = self._vad._run_analyzer(packet)
            changed = state is VADState.SPEAKING if state in (VADState.SPEAKING, VADState.QUIET) else speaking
            yield at // 2 + PACKET, packet, changed if changed != speaking else None
            speaking = changed


def begins(sound: bytes) -> list[int]:
    return [at for at, _, begun in Ears().hear(sound) if begun]


def silent(sound: bytes) -> list[int]:
    return [at for at, _, begun in Ears().hear(sound) if begun is False]


def judged(analyzer: LocalSmartTurnAnalyzerV3, clock: SimpleNamespace, sound: bytes) -> list[int]:
    """Its default: at the detector's end the analyzer is asked; if it says no, silence of 3 s ends the turn."""
    ends, speaking = [], False
    analyzer.clear()
    for at, packet, begun in Ears().hear(sound):
        clock.now = at / RATE
        if begun is not None:
            speaking = begun
        if begun:
            analyzer.update_vad_start_secs(VAD_START_SECS)
        complete = analyzer.append_audio(packet, speaking) is EndOfTurnState.COMPLETE
        if begun is False:
            state, _ = asyncio.run(analyzer.analyze_end_of_turn())
            complete = state is EndOfTurnState.COMPLETE
        if complete:
            ends.append(at)
            analyzer.clear()
    return ends


def main() -> None:
    logger.remove()
    analyzer, clock = LocalSmartTurnAnalyzerV3(), SimpleNamespace(now=0.0)
    analyzer.set_sample_rate(RATE)
    base_smart_turn.time = SimpleNamespace(monotonic=lambda: clock.now, perf_counter=time.perf_counter)
    ways = {"silence of 0.2 s": silent, "smart-turn v3.2 (its default)": lambda sound: judged(analyzer, clock, sound)}
    answer(ways, begins)


if __name__ == "__main__":
    main()
