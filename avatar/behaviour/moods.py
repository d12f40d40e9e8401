"""The moods a face can be in."""

from typing import Literal

Mood = Literal["idle", "listening", "thinking", "speaking"]
