"""The mirror: the face mimics whoever speaks into the microphone, and says so plainly where it cannot."""

from collections.abc import Callable

import numpy as np

from agent.audio import TIMELINE_RATE
from avatar.blendshapes import INDEX
from avatar.lipsync import LIVE, Lips
from avatar.lipsync.heard import hear
from tests.end_to_end.visitor import Visitor

MIRROR = "/mirror?light&rawmic"
SENTENCE = "Papa bought my mother a big apple pie."
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
EASED_MS = 300
"""After the first frame, or after frames failed to come: by then the microphone's have the mouth for themselves."""
STALE_MS = 400


def lips_of(pcm: np.ndarray) -> np.ndarray:
    """How far the jaw is open in each frame that our own lips make of this sound."""
    # Playwright keeps an event loop in this thread; `hear` waits for nothing here.
    work = hear(Lips(lookahead=LIVE), pcm)
    try:
        work.send(None)
    except StopIteration as done:
        return done.value.weights[:, INDEX["jawOpen"]]
    raise AssertionError("it waits for something")


def settled(drawn: list[dict[str, float]]) -> list[tuple[int, float]]:
    """Number and jaw of the frames that were drawn as they came, with nothing eased into them."""
    free_at = drawn[0]["now"] + EASED_MS
    kept = []
    for entry in drawn:
        if entry["spoken"] - entry["drawn"] > STALE_MS * TIMELINE_RATE / 1000:
            free_at = entry["now"] + EASED_MS
        elif entry["now"] >= free_at:
            kept.append((round(entry["drawn"] / 400), entry["jawOpen"]))
    return kept


def test_the_mouth_follows_the_voice_and_is_shut_in_silence(
    visit: Callable[..., Visitor], say: Callable[[str], None]
) -> None:
    say(SENTENCE)
    visitor = visit(path=MIRROR)
    visitor.page.click("#start")
    visitor.wait_for("visavis.microphone.state === 'on'")
    visitor.wait_for("visavis.drawn.length && visavis.drawn.at(-1).drawn > 6 * 24000")
    drawn = visitor.get("visavis.drawn")
    jaws = lips_of(visitor.spoken_sound())
    frames, shown = (np.array(column) for column in zip(*settled(drawn), strict=True))
    expected = jaws[frames]
    assert expected.max() > 0.1, "nothing was spoken"
    assert np.abs(shown - expected).max() < 0.02
    quiet = expected < 0.005
    assert quiet.any()
    assert shown[quiet].max() < 0.03
    assert visitor.page.inner_text("#state") == "Mimicking you"
    assert visitor.get("visavis.microphone.dropped") == 0


def test_it_lives_while_nobody_speaks(visit: Callable[..., Visitor]) -> None:
    visitor = visit(path=MIRROR)
    visitor.wait_for("Math.max(visavis.weights[0], visavis.weights[7]) > 0.5", every=0.02)  # it blinks
    assert visitor.get("visavis.microphone.state") == "off"
    assert "Nothing you say is kept" in str(visitor.page.text_content("#welcome"))


def test_a_refused_microphone_is_said_plainly(visit: Callable[..., Visitor]) -> None:
    visitor = visit(path=MIRROR, allowed=False)
    visitor.page.click("#start")
    visitor.wait_for("visavis.microphone.state === 'refused'")
    assert "microphone is blocked" in visitor.page.inner_text("#notices")
    assert "blocked" in str(visitor.page.get_attribute("#microphone", "aria-label"))


def test_there_and_back_with_the_keyboard_on_a_phone(visit: Callable[..., Visitor]) -> None:
    visitor = visit(**PHONE)
    visitor.page.focus("#to-mirror")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/mirror")
    visitor.wait_for("Boolean(window.visavis && visavis.ready && visavis.role === 'mirror')")
    assert visitor.page.title().startswith("Mirror")
    for hidden in ("#ask", "#open-transcript", "#stop", "#captions", "#to-mirror"):
        assert not visitor.page.is_visible(hidden), hidden
    assert visitor.get("document.documentElement.scrollWidth <= innerWidth")
    visitor.page.keyboard.press("Control+m")
    visitor.wait_for("visavis.microphone.state === 'on'")
    assert visitor.page.evaluate("document.activeElement.id") != "start", "the keyboard's place vanished"
    visitor.page.click("#open-settings")
    assert visitor.page.get_by_label("Person").is_visible()
    assert not visitor.page.get_by_label("Voice", exact=True).is_visible()
    assert not visitor.page.get_by_text("Second screen").is_visible()
    visitor.page.keyboard.press("Escape")
    visitor.page.get_by_label("Back to the conversation").press("Enter")
    visitor.wait_for("Boolean(window.visavis && visavis.ready && visavis.role === 'player')")
