"""A sitting before the microphone: what comes next, what becomes of a take, how far it is, and when to rest.

It is all worked out from what the bank holds, so that any day goes on where the last one stopped.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from agent.audio import Pcm
from agent.bank.prompts import Prompt, coverage, ordered, prompts
from agent.bank.quality import Room, Verdict, judge_take, trimmed
from agent.bank.store import Bank, BankError, Take

GOALS = (10, 50, 150, 500)
"""Takes at which a voice becomes a sketch, usable, good and as good as it gets."""
BETWEEN_S = 4.0
"""Seconds between two takes, until the speaker's own are known."""
SITTING = timedelta(minutes=25)
"""How long somebody is let read before a rest is offered, tired or not."""
GAP = timedelta(minutes=10)
"""A rest so long begins a new sitting."""
_KNOWN = 8
"""Takes of a sitting by which how it began is known, and by which how it is now."""
_SLOWER, _FAINTER = 1.2, 4.0
"""Times the pace, and dB below the level, of a sitting's beginning that show that somebody is tired."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a recording. `take` tells how it was; `kept`: whether it is in the bank. If not, once more."""

    take: Take
    kept: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. Minutes, not counts: `spoken` in all, and `left` to each of GOALS. `coverage`: of the language's
    pairs of sounds, 0…1."""

    spoken: float
    left: tuple[float, ...]
    coverage: float


class Recording:
    """Recording into a bank."""

    def __init__(self, bank: Bank, own: Sequence[Prompt] = (), room: Room | None = None) -> None:
        """`own`: the person's own messages, which come first and are kept as they are said."""
        self.bank = bank
        self.room = room
        language = bank.about.language.partition("-")[0]
        self._prompts = {one.id: one for one in (*own, *prompts(language))}
        self._own = tuple(own)
        self._refused: Counter[str] = Counter()
        self._language = language

    def upcoming(self, most: int = 5) -> list[Prompt]:
        """What is best read next."""
        done = set(self.bank.best())
        mine = [one for one in self._own if one.id not in done]
        said = [self._prompts[name] for name in done if name in self._prompts]
        left = [one for name, one in self._prompts.items() if name not in done and one not in self._own]
        return [*mine, *ordered(left, said, most)][:most]

    def submit(self, prompt_id: str, pcm: Pcm, rate: int, now: datetime | None = None) -> Outcome:
        """Judge a recording of a prompt, shape (n,) at `rate` Hz, and keep it where it is good enough, or has been
        refused often enough. Raises BankError for a prompt that there is not, ConsentError."""
        prompt = self._prompts.get(prompt_id)
        if prompt is None:
            raise BankError(f"there is no prompt {prompt_id}")
        moment = now or datetime.now(UTC)
        attempt = self._refused[prompt_id] + 1
        found = judge_take(pcm, rate, self.room, attempt=attempt, pace=self._pace(), expected=prompt.seconds)
        take = Take(
            id=f"{prompt_id}_{moment:%Y%m%d%H%M%S%f}",
            prompt=prompt_id,
            text=prompt.text,
            style=prompt.style,
            verbatim=prompt in self._own,
            rate=rate,
            seconds=round(found.seconds, 3),
            attempt=attempt,
            verdict=found.verdict.value,
            advice=found.advice,
            peak=found.peak,
            level=found.level,
            snr=found.snr,
            made=moment,
        )
        if found.verdict is Verdict.RETRY:
            self._refused[prompt_id] += 1
            return Outcome(take, kept=False)
        self.bank.keep(take, trimmed(pcm, rate, found))
        del self._refused[prompt_id]
        return Outcome(take, kept=True)

    def progress(self) -> Progress:
        """How far it is."""
        best = self.bank.best()
        said = [self._prompts[name] for name in best if name in self._prompts]
        spoken = [take.seconds for take in best.values()]
        usual = sum(one.seconds for one in self._prompts.values()) / len(self._prompts)
        each = (float(np.mean(spoken)) if spoken else usual * (self._pace() or 1)) + BETWEEN_S
        left = tuple(round(max(0, goal - len(best)) * each / 60, 1) for goal in GOALS)
        return Progress(round(sum(spoken) / 60, 1), left, round(coverage(said, self._language), 3))  # type: ignore[arg-type]

    def tired(self, now: datetime | None = None) -> bool:
        """Whether a rest is kind: the sitting is long, or the voice has become slower or fainter than it began."""
        sitting = self._sitting(now or datetime.now(UTC))
        if not sitting:
            return False
        if sitting[-1].made - sitting[0].made >= SITTING:
            return True
        if len(sitting) < 2 * _KNOWN:
            return False
        first, last = sitting[:_KNOWN], sitting[-_KNOWN:]
        slower = self._median_pace(last) / self._median_pace(first)
        fainter = float(np.median([one.level for one in first]) - np.median([one.level for one in last]))
        return slower >= _SLOWER or fainter >= _FAINTER

    def days(self) -> dict[str, tuple[float, float]]:
        """For each day its median level in dB and pace, for comparison: a voice changes from day to day."""
        by_day: dict[str, list[Take]] = {}
        for take in self.bank:
            by_day.setdefault(f"{take.made:%Y-%m-%d}", []).append(take)
        return {
            day: (round(float(np.median([one.level for one in takes])), 1), round(self._median_pace(takes), 2))
            for day, takes in by_day.items()
        }

    # ------------------------------------------------------------------ the speaker's own ways
    def _sitting(self, now: datetime) -> list[Take]:
        """The takes since the last rest."""
        found: list[Take] = []
        after = now
        for take in reversed(list(self.bank)):
            if after - take.made > GAP:
                break
            found.append(take)
            after = take.made
        return found[::-1]

    def _pace(self) -> float | None:
        """The speaker's usual seconds for each expected one; None until it is known."""
        takes = [take for take in self.bank if self._expected(take) > 0]
        return self._median_pace(takes) if len(takes) >= _KNOWN else None

    def _median_pace(self, takes: Sequence[Take]) -> float:
        paces = [take.seconds / self._expected(take) for take in takes if self._expected(take) > 0]
        return float(np.median(paces)) if paces else 1.0

    def _expected(self, take: Take) -> float:
        prompt = self._prompts.get(take.prompt)
        return prompt.seconds if prompt is not None else 0.0
