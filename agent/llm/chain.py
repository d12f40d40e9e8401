"""Several dialogue engines as one: where one fails before it has said anything, the next answers in its place."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from traceback import format_tb

from agent.llm import Delta, DialogueEngine, DialogueError, Prompt, TextDelta
from agent.server import metrics
from agent.tts.sentences import SentenceSplitter

log = logging.getLogger(__name__)

REST_SECONDS = 15.0
"""An engine that failed before it said anything is not asked again for so long, while another is there to answer."""

APOLOGY = {
    "en": "I'm sorry, I can't answer just now; please try again in a moment.",
    "zh": "很抱歉，我现在暂时无法回答，请稍后再试。",
}
"""One sentence each."""


class Chain:
    """The engines in order of preference. An apology is said only where none of them says anything."""

    def __init__(self, engines: Sequence[DialogueEngine], clock: Callable[[], float] = time.monotonic) -> None:
        self.name = ", ".join(engine.name for engine in engines)
        self._engines = tuple(engines)
        self._clock = clock
        self._rests: dict[str, float] = {}
        """Until when an engine is not asked."""

    @property
    def input_tokens(self) -> int | None:
        """What all of them can take; None where none says."""
        limits = [getattr(engine, "input_tokens", None) for engine in self._engines]
        return min((limit for limit in limits if limit is not None), default=None)

    async def start(self) -> None:
        """Start them all. One that cannot is asked all the same later, when its server may be there. Raises
        DialogueError when none can start."""
        results = await asyncio.gather(*(engine.start() for engine in self._engines), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if not isinstance(failure, DialogueError):
                raise failure
        if len(failures) == len(self._engines):
            raise DialogueError("; ".join(map(str, failures)))
        for failure in failures:
            log.warning("%s; until then, what is named after it answers", failure)

    async def reply(self, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        """As any engine's. What failed in the middle of its answer is not begun anew by another."""
        splitter, whole = SentenceSplitter(), 0
        failure: DialogueError | None = None
        for engine in self._to_ask():
            began = False
            try:
                async with aclosing(self._ask(engine, prompt)) as deltas:
                    async for delta in deltas:
                        began = True
                        if isinstance(delta, TextDelta):
                            whole += len(splitter.push(delta.text))
                        yield delta
                return
            except DialogueError as error:
                failure = error
                if began:
                    break
                self._rests[engine.name] = self._clock() + REST_SECONDS
        if not whole:
            rest = splitter.flush()
            apology = APOLOGY.get(prompt.language.partition("-")[0].lower(), APOLOGY["en"])
            yield TextDelta(f" … {apology}" if rest else apology)
        raise failure or DialogueError("there is no dialogue engine")

    async def stop(self) -> None:
        for engine in self._engines:
            await engine.stop()

    def _to_ask(self) -> list[DialogueEngine]:
        """Those that are not resting, and then the others: one that failed may do when nothing else does."""
        now = self._clock()
        return sorted(self._engines, key=lambda engine: self._rests.get(engine.name, now) > now)

    async def _ask(self, engine: DialogueEngine, prompt: Prompt) -> AsyncGenerator[Delta, None]:
        try:
            # Engines are async generators, though their contract only says that they can be iterated.
            async with aclosing(engine.reply(prompt)) as deltas:  # type: ignore[type-var]
                async for delta in deltas:
                    yield delta
        except DialogueError as error:
            metrics.engine("llm", engine.name, "failed")
            log.warning("%s could not answer: %s", engine.name, error)
            raise
        except Exception as bug:
            metrics.engine("llm", engine.name, "failed")
            # Where it happened, and not its message, which may hold what a visitor said.
            log.error("%s failed, which is a bug:\n%s", engine.name, "".join(format_tb(bug.__traceback__)))
            raise DialogueError(f"{engine.name} failed ({type(bug).__name__}): see the log") from None
        metrics.engine("llm", engine.name, "done")
