"""What else one does on the page, and what may go wrong there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.bench.browser import PAGE, served, until
from tests.end_to_end.relay import Relay
from tests.end_to_end.visitor import Visitor, spoken_part

PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
CHIN = 0.64
"""Where the chin is on the page, from its top."""
PLACEHOLDER_FITS = """(() => {
    const field = document.querySelector("#text");
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = getComputedStyle(field).font;
    return pen.measureText(field.placeholder).width <= field.clientWidth;
})()"""
CONTROLS = "button, input, select, textarea, a[href], summary"


def test_typing_where_the_microphone_is_refused(visit: Callable[..., Visitor]) -> None:
    visitor = visit(allowed=False)
    visitor.page.click("#microphone")
    visitor.wait_for("visavis.microphone.state === 'refused'")
    assert "microphone is blocked" in visitor.page.inner_text("#notices")
    assert "blocked" in str(visitor.page.get_attribute("#microphone", "aria-label"))
    visitor.wait_for_reply()  # it greets all the same
    item = visitor.ask("can I bring my dog")
    visitor.wait_until_heard(item, 1.0)
    assert visitor.said("user") == ["can I bring my dog"]
    visitor.wait_for("witness.events.some((e) => e.type === 'visavis.citation')")
    visitor.interrupt()


def test_what_was_said_can_be_edited_and_sent_again(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.begin_quietly()
    first = visitor.ask("what can you do")
    visitor.page.click("#open-transcript")
    visitor.page.locator(".entry.user", has_text="what can you do").get_by_label("Edit and send again").click()
    visitor.page.get_by_label("What you meant").fill("can I bring my dog")
    visitor.page.get_by_role("button", name="Send again", exact=True).click()
    second = visitor.wait_for_reply(first)
    assert visitor.said("user") == ["thank you", "can I bring my dog"]
    deleted = until(lambda: visitor.events("conversation.item.deleted"), "the old question is deleted")
    assert first in [event["item_id"] for event in deleted] or visitor.entry(first) is None
    visitor.wait_until_heard(second, 0.5)
    assert "dog" in visitor.entry(second)["text"].lower()  # type: ignore[index]
    visitor.interrupt()


def test_a_new_conversation_knows_nothing_of_the_old_one(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.begin_quietly()
    old_session = visitor.events("visavis.session")[-1]["session_id"]
    [old_entry] = visitor.get("visavis.transcript.filter((e) => e.role === 'user').map((e) => e.id)")
    visitor.page.click("#open-transcript")
    visitor.page.get_by_label("New conversation").click()
    visitor.wait_for("visavis.transcript.length === 0 || visavis.transcript[0].role === 'assistant'")
    until(lambda: visitor.events("visavis.session")[-1]["session_id"] != old_session, "a new session")
    visitor.get(f"witness.send({{ type: 'conversation.item.retrieve', item_id: '{old_entry}' }})")
    error = until(lambda: visitor.events("error"), "the old item is unknown")[-1]["error"]
    assert old_entry in error["message"]
    item = visitor.ask("say that again")
    visitor.wait_until_heard(item, 0.2)
    assert visitor.said("user") == ["say that again"]
    visitor.interrupt()


def test_another_voice_speaks_from_the_next_answer_on(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.begin_quietly()
    visitor.page.click("#open-settings")
    visitor.page.select_option("#set-voice", "espeak:en-gb")
    visitor.page.locator("#settings").get_by_label("Close").click()
    until(
        lambda: visitor.events("session.updated")[-1]["session"]["audio"]["output"]["voice"] == "espeak:en-gb",
        "the session has the new voice",
    )
    visitor.start_recording()
    item = visitor.ask("thank you")
    visitor.wait_until_heard(item, 0.2)
    visitor.wait_until_silent()
    assert abs(visitor.recording(24_000)).max() > 0.02
    assert visitor.get("JSON.parse(localStorage['visavis.settings']).voice") == "espeak:en-gb"


def test_a_lost_connection_comes_back(visit: Callable[..., Visitor], address: str, forgiven: list[str]) -> None:
    """To the same conversation: the server remembers what was said, and of the reply that broke off what was heard."""
    forgiven.append("WebSocket connection to")
    relay = Relay(address)
    try:
        visitor = visit(at=relay.address)
        visitor.begin_quietly()
        said = visitor.get("visavis.transcript.map((e) => e.id)")
        session = visitor.events("visavis.session")[-1]["session_id"]
        item = visitor.ask("where is the cloakroom")
        visitor.wait_until_heard(item, 0.5)
        relay.cut()
        visitor.wait_for("visavis.connection === 'lost' && !visavis.audible.playing")
        assert visitor.page.inner_text("#state") == "Reconnecting…"
        visitor.page.click("#open-transcript")
        visitor.page.get_by_label("Edit and send again").last.click()
        visitor.page.get_by_label("What you meant").fill("where is the lift")
        visitor.page.get_by_role("button", name="Send again", exact=True).click()
        assert visitor.page.get_by_label("What you meant").input_value() == "where is the lift"
        visitor.page.get_by_role("button", name="Cancel", exact=True).click()
        visitor.page.locator("#transcript").get_by_label("Close").click()
        visitor.type("can I bring my dog")
        assert "Your words are kept" in visitor.page.inner_text("#notices")
        assert visitor.page.input_value("#text") == "can I bring my dog"
        relay.mend()
        visitor.wait_for("visavis.connection === 'open' && Boolean(visavis.role)")
        assert any("connection was lost" in text for text in visitor.said("note"))
        assert visitor.events("visavis.session")[-1]["session_id"] == session
        resumed = until(lambda: visitor.events("visavis.resumed"), "the conversation goes on")[-1]
        assert set(said) <= {one["id"] for one in resumed["items"]}
        assert visitor.retrieve(said[0])["content"][0]["text"] == "thank you"
        broken = visitor.entry(item)
        assert broken is not None
        assert broken["cut"]
        assert visitor.retrieve(item)["content"][0]["transcript"] == broken["text"]
        told_again = [event["item"]["id"] for event in visitor.events("conversation.item.added")]
        assert len(told_again) == len(set(told_again)), "nothing had to be told again"
        visitor.page.press("#text", "Enter")
        answer = visitor.wait_for_reply(item)
        visitor.wait_until_heard(answer, 0.5)
        assert "dog" in visitor.entry(answer)["text"].lower()  # type: ignore[index]
        visitor.interrupt()
        visitor.wait_until_silent()
        assert visitor.said("user") == ["thank you", "where is the cloakroom", "can I bring my dog"]
    finally:
        relay.close()


def test_sound_goes_on_in_a_hidden_tab(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.begin_quietly()
    visitor.start_recording()
    item = visitor.ask("can I bring my dog")
    visitor.get("witness.hide()")
    drawn = len(visitor.faces())
    visitor.wait_for("visavis.state === 'idle'")
    assert len(visitor.faces()) - drawn <= 2
    sent = visitor.sent_sound(item)
    visitor.wait_for(f"visavis.heard['{item}'] === {len(sent)}")
    recording = visitor.recording(24_000)
    assert 0.8 < len(spoken_part(recording)) / len(spoken_part(sent)) < 1.5  # a busy machine's sound has gaps
    assert visitor.entry(item)["cut"] is False  # type: ignore[index]
    visitor.get("witness.show()")
    until(lambda: len(visitor.faces()) > drawn + 5, "the face is drawn again")
    assert visitor.faces()[-1]["jaw"] < 0.05


def test_a_phone_and_a_keyboard_reach_everything(visit: Callable[..., Visitor]) -> None:
    visitor = visit(path=PAGE + "&debug", **PHONE)
    page = visitor.page
    assert page.is_visible("#debug")
    _fits(visitor, "body")
    _walk(visitor, "body > header, main")
    page.focus("#text")
    page.keyboard.type("what can you do")
    page.keyboard.press("Enter")
    item = visitor.wait_for_reply()
    _fits(visitor, "body")
    page.set_viewport_size({"width": 320, "height": 568})
    assert visitor.get("[...document.querySelectorAll('#name, #text')].every((e) => e.scrollWidth <= e.clientWidth)")
    assert visitor.get(PLACEHOLDER_FITS)
    _fits(visitor, "body")
    page.set_viewport_size({"width": 780, "height": 360})
    visitor.wait_for("document.querySelector('#words').textContent")
    assert page.locator("#captions").bounding_box()["y"] > CHIN * 360  # type: ignore[index]
    page.keyboard.press("Escape")
    visitor.wait_until_silent()
    assert visitor.get(f"visavis.heard['{item}']") > 0
    shown = " ".join(page.inner_text("#words").split())
    assert shown in " ".join(visitor.entry(item)["text"].split()), "what was not heard is not shown"  # type: ignore[index]
    page.focus("#open-transcript")
    page.keyboard.press("Enter")
    _fits(visitor, "#transcript")
    _walk(visitor, "#transcript")
    page.focus("#copy")
    page.keyboard.press("Escape")
    assert not page.is_visible("#transcript")
    page.focus("#open-settings")
    page.keyboard.press("Enter")
    _fits(visitor, "#settings")
    _walk(visitor, "#settings")
    page.keyboard.press("Escape")
    assert not page.is_visible("#settings")


def _fits(visitor: Visitor, place: str) -> None:
    """Nothing is wider than the screen, and every control of `place` lies in it or can be scrolled to."""
    assert visitor.get("document.documentElement.scrollWidth <= innerWidth")
    beyond = visitor.get(
        f"""[...document.querySelector("{place}").querySelectorAll("{CONTROLS}")].filter((e) => {{
            const box = e.getBoundingClientRect();
            return e.checkVisibility() && box.width && (box.left < -1 || box.right > innerWidth + 1);
        }}).map((e) => e.id || e.outerHTML)"""
    )
    assert not beyond


def _walk(visitor: Visitor, places: str) -> None:
    """Tab comes to every control that is shown in `places`, and each shows that it has the focus."""
    every = f"""[...document.querySelectorAll("{places}")].flatMap((p) => [...p.querySelectorAll("{CONTROLS}")])"""
    wanted = visitor.get(
        f"{every}.filter((e) => e.checkVisibility() && !e.disabled).map((e, i) => (e.dataset.walk = i))"
    )
    assert wanted
    reached, unseen = set(), []
    for _ in range(3 * len(wanted) + 10):
        visitor.page.keyboard.press("Tab")
        at = visitor.get(
            """(() => {
                const e = document.activeElement;
                const marked = (s) => s.outlineStyle !== "none" || s.boxShadow !== "none";
                const shown = [e, e.closest("form") ?? e].some((p) => marked(getComputedStyle(p)));
                return { walk: e.dataset.walk ?? null, shown, what: e.id || e.outerHTML.slice(0, 80) };
            })()"""
        )
        if at["walk"] is not None:
            reached.add(int(at["walk"]))
            if not at["shown"]:
                unseen.append(at["what"])
    visitor.get(f"{every}.forEach((e) => delete e.dataset.walk)")
    assert reached == set(wanted)
    assert not unseen, f"focus cannot be seen on {unseen}"


def test_a_link_that_is_not_good_says_so(visit: Callable[..., Visitor]) -> None:
    for path, says in (("/stage?viewer=wrong&transparent=1", "has expired"), ("/stage", "needs a link")):
        visitor = visit(path=path, ready=False)
        trouble = until(lambda page=visitor.page: page.inner_text("#link-trouble"), "it is told")  # type: ignore[misc]
        assert says in trouble
        assert "Copy a link" in trouble
        assert visitor.page.is_visible("#link-trouble")
        assert not visitor.page.is_visible("#start")


def test_who_is_recorded_sees_it_all_the_time(
    visit: Callable[..., Visitor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not visit().page.is_visible("#rec")
    monkeypatch.setenv("VISAVIS_RECORDING__FOLDER", str(tmp_path))
    with served() as address:
        visitor = visit(at=address)
        until(lambda: visitor.page.is_visible("#rec"), "the mark is there")
        visitor.page.get_by_label("Dismiss").first.click()
        assert "recorded" in str(visitor.page.get_attribute("#rec", "aria-label"))
        assert visitor.page.is_visible("#rec")
        visitor.page.close()


def test_the_content_security_policy_is_in_force(visit: Callable[..., Visitor], forgiven: list[str]) -> None:
    """The silence of the consoles means something: what the policy forbids is complained of."""
    forgiven.append("Content Security Policy")
    visitor = visit()
    with pytest.raises(Exception, match="Content Security Policy"):
        visitor.page.add_script_tag(content="1")
