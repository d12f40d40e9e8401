"""Replays a recording: the same inputs at the same times into a new core, and a look at whether it answers the same."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

import numpy as np

from agent import asr
from agent.asr import Recognizer
from agent.audio import TIMELINE_RATE, Pcm
from agent.conversation import effects as asked
from agent.conversation import inputs as told
from agent.conversation.ledger import SpokenWord
from agent.conversation.session import Conversation
from agent.llm import Citation, DialogueEngine, TextDelta, ToolCall
from agent.realtime.privacy import Masking
from agent.realtime.recording import Record, Recording
from agent.realtime.recording_codec import KIND, outline
from agent.realtime.reply_maker import ReplyMaker
from agent.tts import Synthesizer
from avatar.behaviour import Behaviour


@dataclass(frozen=True, slots=True)
class Step:
    """One input replayed: what the core asked for now, and where that first differs from then (None: nowhere)."""

    number: int
    record: Record
    effects: list[asked.Effect]
    difference: str | None


def replay(recording: Recording) -> Iterator[Step]:
    """Feed the recorded inputs at the recorded times to a new core, as fast as it goes. Raises RecordingError."""
    header = recording.header
    ids = deque(header.ids)
    spare = 0

    def new_id(prefix: str) -> str:
        nonlocal spare
        if ids:
            return ids.popleft()
        spare += 1  # then it does not do what it did; the difference will be seen
        return f"{prefix}_unrecorded{spare}"

    masking = Masking.of(header.settings)
    # A copy without personal data has the owner's table masked.
    table = header.settings.behaviour if header.personal_data else ""
    settings = replace(header.settings, new_id=new_id, behaviour=table)
    conversation = Conversation(settings, lambda: Behaviour(header.seed, repertoire=settings.repertoire), header.start)
    for number, record in enumerate(recording, start=1):
        ids.clear()
        ids.extend(record.ids)
        effects = conversation.receive(record.event, record.at)
        outlines = [outline(effect) for effect in effects]
        if not header.personal_data:  # sound has no digest there, and ids of the clients' own have others
            outlines = masking(outlines)
        difference = first_difference(record.effects, outlines)
        if difference is None and ids:
            difference = f"{len(ids)} fewer ids drawn"
        yield Step(number, record, effects, difference)


def first_difference(then: Any, now: Any, path: str = "effects") -> str | None:
    """Where two values of JSON first differ, and how; None where they do not."""
    if isinstance(then, dict) and isinstance(now, dict):
        keys = [*then, *(key for key in now if key not in then)]
        pairs = [(f"{path}.{key}", then.get(key, _NOTHING), now.get(key, _NOTHING)) for key in keys]
    elif isinstance(then, list) and isinstance(now, list):
        both = enumerate(zip_longest(then, now, fillvalue=_NOTHING))
        pairs = [(f"{path}[{at}]{_name(one)}", one, other) for at, (one, other) in both]
    elif then == now:
        return None
    else:
        return f"{path}: then {_short(then)}, now {_short(now)}"
    found = (first_difference(one, other, where) for where, one, other in pairs)
    return next((difference for difference in found if difference is not None), None)


class _Nothing:
    """Stands where one of two has nothing."""

    def __repr__(self) -> str:
        return "nothing"


_NOTHING = _Nothing()


def _name(value: Any) -> str:
    if not isinstance(value, dict) or KIND not in value:
        return ""
    return f" {value.get('event', value[KIND])}"


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 160 else shown[:157] + "…"


# ---------------------------------------------------------------------- running one engine again
@dataclass(frozen=True, slots=True)
class Compared:
    """One thing an engine made, then and now."""

    what: str
    then: str
    now: str

    @property
    def same(self) -> bool:
        return self.then == self.now


@dataclass(slots=True)
class _Utterance:
    work: list[Pcm | None] = field(default_factory=list)
    results: dict[bool, told.Recognized] = field(default_factory=dict)


async def rerun_asr(recording: Recording, recognizer: Recognizer) -> list[Compared]:
    """Recognise every utterance again, fed as it was then."""
    utterances: dict[int, _Utterance] = {}
    for step in replay(recording):
        if isinstance(step.record.event, told.Recognized) and step.record.event.turn in utterances:
            result = step.record.event
            utterances[result.turn].results[result.refined] = result
        for effect in step.effects:
            match effect:
                case asked.Listen(turn):
                    utterances[turn] = _Utterance()
                case asked.Feed(turn, pcm):
                    utterances[turn].work.append(pcm)
                case asked.Refine(turn):
                    utterances[turn].work.append(None)
    compared = []
    for turn, utterance in utterances.items():
        stream, refined = await _recognise(recognizer, utterance)
        for name, is_refined, now in (("as it came", False, stream), ("looked at again", True, refined)):
            then = utterance.results.get(is_refined)
            if then is not None and now is not None:
                words = then.hypothesis
                compared.append(Compared(f"utterance {turn}, {name}", _heard(words), _heard(now)))
    return compared


async def _recognise(
    recognizer: Recognizer, utterance: _Utterance
) -> tuple[asr.Hypothesis | None, asr.Hypothesis | None]:
    """The last stream result within what the recorded one had heard, and the refined one of as much as the recorded
    one: what was refined later came too late to be recorded."""
    until, whole = (one.samples if one is not None else 0 for one in map(utterance.results.get, (False, True)))
    stream = refined = None
    fed = 0
    running = await recognizer.listen()
    try:
        for work in utterance.work:
            if work is None:
                believed = await running.refine()
                refined = believed if fed == whole else refined
                continue
            for start in range(0, len(work), asr.RATE):
                piece = work[start : start + asr.RATE]
                believed = await running.feed(piece)
                fed += len(piece)
                stream = believed if fed <= until else stream
    finally:
        await running.close()
    return stream, refined


def _heard(hypothesis: asr.Hypothesis) -> str:
    return f"{hypothesis.text!r} ({hypothesis.confidence:.2f})"


async def rerun_llm(recording: Recording, dialogue: DialogueEngine) -> list[Compared]:
    """Make every reply's text again from the prompt it had then."""
    prompts: dict[int, asked.Think] = {}
    then: dict[int, list[told.Input]] = {}
    for step in replay(recording):
        if isinstance(step.record.event, told.Thought | told.ThoughtEnded):
            then.setdefault(step.record.event.generation, []).append(step.record.event)
        prompts |= {effect.generation: effect for effect in step.effects if isinstance(effect, asked.Think)}
    compared = []
    for generation, order in prompts.items():
        made = await _make(dialogue, None, order)
        recorded = then.get(generation, [])
        was, now = _written(recorded), _written(made)
        if not any(isinstance(one, told.ThoughtEnded) for one in recorded):  # given up: only what came can be compared
            now = now[: len(was)]
        compared.append(Compared(f"reply {generation}", was, now))
    return compared


def _written(thoughts: list[told.Input]) -> str:
    text = ""
    for thought in thoughts:
        match thought:
            case told.Thought(_, TextDelta(piece)):
                text += piece
            case told.Thought(_, ToolCall(_, name, arguments)):
                text += f"[{name}({arguments})]"
            case told.Thought(_, Citation(title)):
                text += f"[{title}]"
            case told.ThoughtEnded(_, str(error)):
                text += f"[failed: {error}]"
    return text


async def rerun_tts(recording: Recording, synthesizer: Synthesizer) -> list[Compared]:
    """Speak every sentence again."""
    orders: dict[tuple[int, int], asked.Speak] = {}
    then: dict[tuple[int, int], list[told.Spoke]] = {}
    whole: set[tuple[int, int]] = set()
    for step in replay(recording):
        match step.record.event:
            case told.Spoke(generation, index):
                then.setdefault((generation, index), []).append(step.record.event)
            case told.SentenceEnded(generation, index):
                whole.add((generation, index))
        for effect in step.effects:
            if isinstance(effect, asked.Speak):
                orders[effect.generation, effect.index] = effect
    compared = []
    for place, order in orders.items():
        if place in whole:  # one that was given up says nothing
            made = [one for one in await _make(None, synthesizer, order) if isinstance(one, told.Spoke)]
            name = f"reply {place[0]}, sentence {place[1] + 1}"
            compared.append(Compared(name, _sounded(then.get(place, [])), _sounded(made)))
    return compared


def _sounded(pieces: list[told.Spoke]) -> str:
    """Length, loudness and words of a sentence's speech."""
    sound = np.concatenate([np.zeros(0, np.float32), *(piece.pcm for piece in pieces)])
    words: list[SpokenWord] = [word for piece in pieces for word in piece.words]
    start = words[0].start if words else 0
    loudness = float(np.sqrt(np.mean(sound**2))) if len(sound) else 0.0
    times = " ".join(f"{(word.start - start) * 1000 // TIMELINE_RATE}" for word in words)
    return f"{len(sound) / TIMELINE_RATE:.3f} s, rms {loudness:.4f}, {len(words)} words at {times} ms"


async def _make(dialogue: Any, synthesizer: Any, order: asked.Think | asked.Speak) -> list[told.Input]:
    """What an engine makes of one order, to its end."""
    made: list[told.Input] = []
    over = asyncio.Event()

    def tell(event: told.Input) -> None:
        made.append(event)
        if isinstance(event, told.ThoughtEnded | told.SentenceEnded):
            over.set()

    maker = ReplyMaker(order.generation, dialogue, synthesizer, tell, with_face=False)
    if isinstance(order, asked.Think):
        maker.think(order)
    else:
        maker.speak(order)
    await over.wait()
    return made
