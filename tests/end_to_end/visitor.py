"""A visitor before a real page: what one does there, and what one sees and hears."""

import base64
import io
import re
from functools import lru_cache
from typing import Any

import av
import jiwer
import numpy as np
from playwright.sync_api import Page
from scipy.signal import correlate

from agent.asr.pocketsphinx_worker import Decoder
from agent.audio import Pcm
from agent.audio.codecs import pcm16_to_float
from agent.audio.resample import Resampler
from scripts.bench.browser import until, wait_for

LOUD = 0.005
"""Below this a sample of recorded speech counts as silence."""


class Visitor:
    """Drives a page that runs watch.js."""

    def __init__(self, page: Page) -> None:
        self.page = page

    # ------------------------------------------------------------------ what one does
    def type(self, text: str) -> None:
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")

    def begin_quietly(self) -> None:
        """Bring the page to life with a first word, so that it does not greet, and let it fall silent."""
        self.type("thank you")
        self.wait_for("visavis.audible?.playing")
        self.wait_until_silent()

    def interrupt(self) -> None:
        self.page.keyboard.press("Escape")

    def ask(self, text: str) -> str:
        """Type `text`, and give the item that sounds in answer, as soon as it does."""
        asked = len(self.said("user"))
        self.type(text)
        until(lambda: len(self.said("user")) > asked, f"{text!r} is in the transcript")
        item = str(until(lambda: self.answer_to(text), f"an answer to {text!r}"))
        self.wait_for(f"visavis.audible?.playing && visavis.audible.item === '{item}'")
        return item

    # ------------------------------------------------------------------ what one waits for
    def wait_for(self, condition: str, **options: float) -> Any:
        return wait_for(self.page, condition, **options)

    def wait_for_reply(self, before: str = "") -> str:
        """Until an item other than `before` sounds; gives it."""
        self.wait_for(f"visavis.audible?.playing && visavis.audible.item !== '{before}'")
        return str(self.get("visavis.audible.item"))

    def wait_until_heard(self, item: str, seconds: float) -> None:
        """Until so much of `item` was heard."""
        self.wait_for(f"visavis.audible?.item === '{item}' && visavis.audible.sample > {24_000 * seconds}")

    def wait_until_silent(self) -> None:
        self.wait_for("!visavis.audible?.playing && visavis.state !== 'speaking' && visavis.state !== 'thinking'")

    # ------------------------------------------------------------------ what one sees
    def get(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def said(self, role: str) -> list[str]:
        """What the page's transcript shows of `role`, oldest first."""
        entries = self.get("visavis.transcript.map((e) => ({ role: e.role, text: e.text, open: e.open }))")
        return [entry["text"] for entry in entries if entry["role"] == role and not entry["open"]]

    def answer_to(self, text: str) -> str:
        """The person's item after the last thing the visitor said, which was `text`; "" while there is none."""
        entries = self.get("visavis.transcript.map((e) => ({ id: e.id, role: e.role, text: e.text }))")
        asked = [at for at, entry in enumerate(entries) if entry["role"] == "user" and entry["text"] == text]
        answers = [entry["id"] for entry in entries[asked[-1] + 1 :] if entry["role"] == "assistant"] if asked else []
        return str(answers[0]) if answers else ""

    def entry(self, item: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.get(f"visavis.transcript.find((e) => e.id === '{item}') ?? null")
        return found

    def events(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"witness.events.filter((e) => e.type === '{kind}')")
        return found

    def faces(self) -> list[dict[str, Any]]:
        """The face in each animation frame: `now` ms, when it was drawn, `frame` ms, the browser's time for the frame
        by which the page moves it, `jaw`, `closed` (how far the lips are closed again over an open jaw), and what
        sounded."""
        found: list[dict[str, Any]] = self.get("witness.faces")
        return found

    def retrieve(self, item: str) -> dict[str, Any]:
        """The item as the server remembers it."""
        count = len(self.events("conversation.item.retrieved"))
        self.get(f"witness.send({{ type: 'conversation.item.retrieve', item_id: '{item}' }})")
        events = until(lambda: self.events("conversation.item.retrieved")[count:], f"{item} is retrieved")
        found: dict[str, Any] = events[0]["item"]
        return found

    # ------------------------------------------------------------------ what one hears
    def start_recording(self) -> None:
        """Record what goes to the loudspeaker from now on."""
        self.wait_for("Boolean(visavis.outputStream)")
        self.get("witness.record()")

    def recording(self, rate: int) -> Pcm:
        """What was recorded, shape (n,) at `rate`."""
        with av.open(io.BytesIO(base64.b64decode(self.get("witness.recorded()")))) as file:
            frames = list(file.decode(audio=0))
        pcm = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in frames]).astype(np.float32)
        resampler = Resampler(frames[0].sample_rate, rate)
        return np.concatenate([resampler.process(pcm), resampler.flush()])

    def spoken_sound(self) -> Pcm:
        """What the page sent of the microphone since it connected, shape (n,) at 24 kHz."""
        packets = self.get("witness.spoken.map(({ audio }) => audio)")
        return np.concatenate([pcm16_to_float(base64.b64decode(packet)) for packet in packets])

    def sent_sound(self, item: str) -> Pcm:
        """What the server sent of `item`, shape (n,) at 24 kHz."""
        return np.concatenate([pcm16_to_float(base64.b64decode(part)) for part in self.get(f"witness.sound['{item}']")])


def end_of(recording: Pcm, sent: Pcm) -> int:
    """At which sample of `sent` the recording falls silent; both have shape (n,) and one rate, 24 kHz."""
    tail = spoken_part(recording)[-12_000:]
    return int(correlate(sent, tail, "valid", method="fft").argmax()) + len(tail)


def spoken_part(pcm: Pcm) -> Pcm:
    """`pcm` from its first loud sample to its last."""
    loud = np.flatnonzero(np.abs(pcm) > LOUD)
    return pcm[loud[0] : loud[-1] + 1] if loud.size else pcm[:0]


@lru_cache(maxsize=1)
def _decoder() -> Decoder:
    return Decoder()


def recognised(pcm: Pcm) -> str:
    """What the embedded recogniser makes of `pcm`, shape (n,) at 16 kHz."""
    return str(_decoder().refine(pcm)[0])


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def word_error_rate(said: str, heard: str) -> float:
    return float(jiwer.wer(" ".join(words(said)), " ".join(words(heard)) or "-"))
