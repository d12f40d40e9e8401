"""A client's last word on what it played may come when the next answer is already being made."""

import json

import pytest

from agent.conversation import effects as asked
from agent.conversation import inputs as told
from agent.realtime import events as wire
from tests.conversation.theatre import Loudspeaker, Says, Theatre

QUESTION = "no wait I meant something else"


class Watched(Theatre):
    """A theatre that notes each late correction, and whose client truncates its first item to 0.9 s at a time."""

    late: float | None = None

    def _perform(self, effect: asked.Effect) -> None:
        if isinstance(effect, asked.CorrectedLate):
            assert self.late is None
            self.late = self.now
        super()._perform(effect)

    def truncates(self, when: float) -> "Watched":
        def truncate() -> None:
            item = next(event.item_id for _, event in self.events(wire.AudioDelta))
            body = {"type": "conversation.item.truncate", "item_id": item, "content_index": 0, "audio_end_ms": 900}
            self.tell(told.FromClient(wire.parse(json.dumps(body))))

        self.at(when, truncate)
        return self


def talk() -> Watched:
    return Watched([Says(0.5, 1.5), Says(3.0, 4.5, QUESTION)], loudspeaker=Loudspeaker(reports=False))


def begun(theatre: Theatre) -> list[float]:
    """When the replies were made public."""
    return [at for at, _ in theatre.events(wire.ResponseCreated)]


def remembered(prompt: asked.Think) -> list[str]:
    return [message.text for message in prompt.messages if message.role == "assistant"]  # type: ignore[attr-defined]


def test_a_guess_made_before_the_truncation_is_made_anew() -> None:
    plain = talk().run(10.0)
    guessed = next(at for at, _ in plain.prompts if at > 4.5)
    answered = begun(plain)[1]
    assert guessed < answered
    theatre = talk().truncates((guessed + answered) / 2)
    theatre.run(10.0)
    assert theatre.late is None
    assert remembered(theatre.prompts[-1][1]) == ["One two three"]
    assert remembered(plain.prompts[-1][1]) != ["One two three"]


def test_a_truncation_after_the_next_answer_was_begun_is_counted_and_corrects_later_prompts() -> None:
    late = begun(talk().run(10.0))[1] + 0.1
    theatre = talk().truncates(late)
    theatre.run(10.0)
    assert theatre.late == pytest.approx(late)
    assert ("assistant", "One two three") in theatre.messages()


def test_one_in_time_or_that_changes_nothing_is_not_counted() -> None:
    theatre = talk().truncates(4.0).truncates(8.0)
    theatre.run(10.0)
    assert theatre.late is None
