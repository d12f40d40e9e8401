"""Somebody interrupts: the sound stops, the mouth closes as mouths do, and what is remembered is what was heard."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.end_to_end.visitor import Visitor, end_of

LONG_QUESTION = "where is the cloakroom"
"""Its answer takes ten seconds."""
EASE_MS = 120
STEEPEST = 1.5
"""The slope of the ease x²(3 − 2x) at its middle."""


def closes_gently(faces: list[dict[str, Any]], item: str) -> None:
    """After the last frame with `item` in it, no jaw moves faster than the ease allows, and it ends up closed."""
    last = max(i for i, face in enumerate(faces) if face["playing"] and face["item"] == item)
    after = [face for face in faces[last:] if face["now"] <= faces[last]["now"] + 1000]
    start = max(face["jaw"] for face in after)
    assert len(after) > 3
    for one, next_ in pairwise(after):
        steepest = start * STEEPEST * (next_["frame"] - one["frame"]) / EASE_MS
        assert abs(next_["jaw"] - one["jaw"]) <= steepest + 0.03, "the mouth snapped"
    assert after[-1]["jaw"] < 0.05


def remembers_what_was_heard(visitor: Visitor, item: str, end: int) -> None:
    """Server and page end `item` within a word of its sample `end`."""
    words = [word for event in visitor.events("visavis.words") if event["item_id"] == item for word in event["words"]]
    heard = sum((word["start_sample"] + word["end_sample"]) / 2 <= end for word in words)
    assert heard > 0
    remembered = visitor.retrieve(item)
    assert remembered["status"] == "incomplete"
    shown = visitor.entry(item)
    assert shown is not None
    assert not shown["open"]
    assert shown["cut"] or heard >= len(words) - 1  # between two sentences nothing is lost
    for text in (remembered["content"][0]["transcript"], shown["text"]):
        kept = sum(word["end_char"] <= len(text) for word in words)
        assert abs(kept - heard) <= 1


def test_talking_over_the_reply_stops_it(visit: Callable[..., Visitor], say: Callable[[str], None]) -> None:
    say("what are your opening hours")
    visitor = visit()
    visitor.begin_quietly()
    visitor.start_recording()
    item = visitor.ask(LONG_QUESTION)
    visitor.wait_until_heard(item, 0.5)
    visitor.page.click("#microphone")
    visitor.wait_for("witness.events.some((e) => e.type === 'visavis.stop')")
    visitor.wait_for("!visavis.audible.playing")
    visitor.page.wait_for_timeout(300)
    end = end_of(visitor.recording(24_000), visitor.sent_sound(item))
    visitor.wait_for_reply(item)  # who interrupts is answered
    assert visitor.events("visavis.hold")[0]["item_id"] == item
    assert visitor.events("input_audio_buffer.speech_started")
    remembers_what_was_heard(visitor, item, end)
    closes_gently(visitor.faces(), item)
    visitor.interrupt()


@pytest.mark.parametrize("how", ["Escape", "button"])
def test_interrupting_by_hand(visit: Callable[..., Visitor], how: str) -> None:
    visitor = visit()
    visitor.begin_quietly()
    assert not visitor.page.is_visible("#stop")
    visitor.start_recording()
    item = visitor.ask(LONG_QUESTION)
    visitor.wait_until_heard(item, 1.0)
    visitor.wait_for("visavis.weights[17] > 0.1", every=0.01)  # in the middle of a syllable
    if how == "Escape":
        visitor.interrupt()
    else:
        visitor.page.click("#stop")
    visitor.wait_for("!visavis.audible.playing")
    visitor.wait_until_silent()
    visitor.page.wait_for_timeout(1200)
    end = end_of(visitor.recording(24_000), visitor.sent_sound(item))
    remembers_what_was_heard(visitor, item, end)
    closes_gently(visitor.faces(), item)
    assert not visitor.page.is_visible("#stop")
