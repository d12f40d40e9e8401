"""Which words of a growing transcript will stay: recognisers take back their latest words, and seldom older ones."""

STEADY = 0.6
"""Seconds of sound through which a word, and all before it, must have stayed what it was."""


class Steady:
    """Told each transcript of one utterance as it grows."""

    def __init__(self, rate: int) -> None:
        self._needed = round(STEADY * rate)
        self._words: list[str] = []
        self._since: list[int] = []
        """For each word, the samples fed when it came to be what it is."""

    def characters(self, text: str, samples: int) -> int:
        """How many characters of `text`, the transcript of the first `samples`, begin it with steady words: none of
        them its last, which may still be half a word."""
        words = text.split()
        same = 0
        while same < min(len(words), len(self._words)) and words[same] == self._words[same]:
            same += 1
        self._since[same:] = [samples] * (len(words) - same)
        self._words = words
        end = 0
        for word, since in zip(words[:-1], self._since, strict=False):
            if samples - since < self._needed:
                break
            end = text.index(word, end) + len(word)
        return end
