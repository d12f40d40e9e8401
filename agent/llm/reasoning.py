"""A model's reasoning is for itself: what it writes between <think> tags is neither said nor shown."""

import re

_NAMES = ("think", "thinking", "thought", "reasoning")
_TAG = re.compile(rf"<(/?)(?:{'|'.join(_NAMES)})>", re.IGNORECASE)
_STARTS = tuple(f"<{slash}{name}>" for slash in ("", "/") for name in _NAMES)


class ReasoningFilter:
    """Text in, in pieces of any size; the same text out without what stands between such tags, and without the tags.
    How the text was cut up on its way in changes nothing. A model whose template opens the tag itself sends only the
    closing one: what came before it has been given out; let that server part the two."""

    def __init__(self) -> None:
        self._inside = False
        self._waiting = ""
        """The beginning of what may become a tag."""
        self._after = False
        """Only blank space has come since a tag."""
        self.seen = False
        """Whether there was any."""

    def push(self, text: str) -> str:
        """More text; returns what of it is certainly to be said."""
        text, self._waiting = self._waiting + text, ""
        given: list[str] = []
        at = 0
        while (opening := text.find("<", at)) >= 0:
            self._give(text[at:opening], given)
            tag = _TAG.match(text, opening)
            if tag:
                self._inside = not tag[1]
                self.seen = self._after = True
                at = tag.end()
            elif any(start.startswith(text[opening:].lower()) for start in _STARTS):
                self._waiting = text[opening:]
                return "".join(given)
            else:
                self._give("<", given)
                at = opening + 1
        self._give(text[at:], given)
        return "".join(given)

    def flush(self) -> str:
        """The text is complete: returns the rest of it."""
        rest, self._waiting = self._waiting, ""
        return "" if self._inside else rest

    def _give(self, text: str, given: list[str]) -> None:
        if self._inside:
            return
        if self._after:
            text = text.lstrip()
        if text:
            self._after = False
            given.append(text)
