"""The visitor's silence after a reply: counted in windows of input, never in time of arrival."""

from agent.conversation.turns import WINDOW_MS

MOST_PROMPTS = 2
"""Until somebody speaks or types again: an empty room is not talked to for ever."""


class Idle:
    """Counts from when a reply was heard to its end, once for each reply; anything said begins the count anew."""

    def __init__(self) -> None:
        self._replied = False
        self._since: int | None = None
        self._prompts = 0
        self.visited = False
        """Whether a visitor has spoken or typed at all."""

    def somebody(self) -> None:
        """A visitor said something, in words or in writing."""
        self.visited, self._prompts, self._since = True, 0, None

    def replying(self) -> None:
        """A reply is being given, or heard."""
        self._replied, self._since = True, None

    def window(self, windows: int, *, speaking: bool, timeout_ms: int | None) -> int | None:
        """One more window of input, `windows` in all. Returns the window in which the silence began, when it has just
        lasted for `timeout_ms`."""
        if speaking:
            self._since = None
            return None
        if self._since is None:
            self._since = windows
        if timeout_ms is None or not self._replied or (windows - self._since) * WINDOW_MS < timeout_ms:
            return None
        since, self._since, self._replied = self._since, None, False
        if self._prompts == MOST_PROMPTS:
            return None
        self._prompts += 1
        return since
