"""Rows that come at the end and are forgotten from the beginning, addressed by the number they always had."""

import numpy as np
from numpy.typing import NDArray

_FIRST_ROOM = 256


class Growing:
    """Rows of one width, shape (rows, width), float32. Numbers count from the very first row, forgotten or not."""

    def __init__(self, width: int) -> None:
        self.start = 0
        """The first row that is still there."""
        self.end = 0
        """The number of the next row."""
        self._held = np.empty((_FIRST_ROOM, width), np.float32)

    def append(self, rows: NDArray[np.float32]) -> None:
        """`rows` has shape (n, width)."""
        used = self.end - self.start
        if used + len(rows) > len(self._held):
            larger = np.empty((2 * (used + len(rows)), self._held.shape[1]), np.float32)
            larger[:used] = self._held[:used]
            self._held = larger
        self._held[used : used + len(rows)] = rows
        self.end += len(rows)

    def between(self, first: int, end: int) -> NDArray[np.float32]:
        """The rows [first, end), a view; all must still be there."""
        return self._held[first - self.start : end - self.start]

    def at(self, numbers: NDArray[np.intp]) -> NDArray[np.float32]:
        """The rows of these numbers, a copy; the nearest there are for those beyond either end. At least one must be
        there."""
        return np.asarray(self._held[np.minimum(np.maximum(numbers, self.start), self.end - 1) - self.start])

    def forget(self, before: int) -> None:
        """Rows before `before` will not be asked for again."""
        kept = min(max(before, self.start), self.end)
        self._held[: self.end - kept] = self._held[kept - self.start : self.end - self.start].copy()
        self.start = kept
