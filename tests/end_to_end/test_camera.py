"""A visitor lets the face look at them: it is asked for, it shows, and only a direction leaves the browser."""

import io
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from scripts.bench.browser import put_camera
from tests.end_to_end.visitor import Visitor

SEES = (240, 320)
"""Height and width of what the camera sees."""
FACE = {"x": 100, "y": 20, "width": 280, "height": 330}
"""Of the page: the head, which is as good as a visitor's."""
SEEN_SECONDS = 10
TOWARDS = """(seconds) => new Promise((done) => {
    const looks = [];
    const end = performance.now() + 1000 * seconds;
    const look = () => {
        looks.push(visavis.gaze[0] + visavis.head[0]);
        if (performance.now() < end) setTimeout(look, 50);
        else done(looks.sort((a, b) => a - b)[looks.length >> 1]);
    };
    look();
})"""
"""The median of where the face looks, in radians to its left."""


def portrait(visitor: Visitor) -> np.ndarray:
    """A picture of somebody to look at: shape (height, width, 3)."""
    with av.open(io.BytesIO(visitor.page.screenshot(clip=FACE))) as file:  # type: ignore[arg-type]
        return next(file.decode(video=0)).to_ndarray(format="rgb24")


def scene(face: np.ndarray, left: int) -> np.ndarray:
    """What a camera sees of them, standing so many pixels from the left of its picture."""
    height = 150
    width = round(face.shape[1] * height / face.shape[0])
    small = av.VideoFrame.from_ndarray(np.ascontiguousarray(face), "rgb24").reformat(width, height)
    picture = np.full((*SEES, 3), 150, np.uint8)
    picture[50 : 50 + height, left : left + width] = small.to_ndarray(format="rgb24")
    return np.repeat(picture[None], 10, axis=0)


def sent(visitor: Visitor) -> list[dict[str, object]]:
    found: list[dict[str, object]] = visitor.get("witness.visitor")
    return found


def test_it_looks_at_the_visitor_whom_the_camera_sees(visit: Callable[..., Visitor], camera: Path) -> None:
    visitor = visit()
    person = portrait(visitor)
    assert not visitor.page.is_visible("#cam"), "it is off until it is asked for"
    assert visitor.get("performance.getEntriesByType('resource').every((e) => !e.name.includes('tflite'))")
    where = []
    for left in (45, 150):
        put_camera(camera, scene(person, left))
        visitor.page.click("#camera")
        visitor.wait_for("document.querySelector('#camera').dataset.state === 'on'")
        assert visitor.page.is_visible("#cam")
        before = len(sent(visitor))
        visitor.wait_for(f"witness.visitor.length > {before} && witness.visitor.at(-1).seen")
        told = sent(visitor)[-1]
        assert set(told) == {"type", "seen", "yaw", "pitch"}
        visitor.page.wait_for_timeout(1500)
        looked = visitor.page.evaluate(TOWARDS, SEEN_SECONDS)
        where.append((float(told["yaw"]), float(looked)))  # type: ignore[arg-type]
        visitor.page.click("#camera")
        visitor.wait_for("!witness.visitor.at(-1).seen")
        assert not visitor.page.is_visible("#cam")
    (left_told, left_looked), (right_told, right_looked) = where
    assert left_told > 0.1 > -0.05 > right_told
    assert left_looked - right_looked > 0.5 * (left_told - right_told)


def test_nobody_before_the_camera_changes_nothing(visit: Callable[..., Visitor], camera: Path) -> None:
    put_camera(camera, np.full((10, *SEES, 3), 128, np.uint8))
    visitor = visit()
    visitor.page.click("#camera")
    visitor.wait_for("document.querySelector('#camera').dataset.state === 'on'")
    visitor.page.wait_for_timeout(2000)
    assert sent(visitor) == []


def test_a_refused_camera_is_said_plainly_and_the_talk_goes_on(visit: Callable[..., Visitor]) -> None:
    visitor = visit(allowed=False)
    visitor.page.focus("#camera")
    visitor.page.keyboard.press("Enter")
    visitor.wait_for("document.querySelector('#camera').dataset.state === 'refused'")
    assert "camera is blocked" in visitor.page.inner_text("#notices")
    assert not visitor.page.is_visible("#cam")
    visitor.ask("thank you")
    visitor.interrupt()
