"""What a visitor asks of how we speak, by meaning, in English and Chinese: more slowly, or faster again.

Who says "stop" or "wait" over a reply has the floor by that (`interruption.py`); what to say to it, and to "repeat
that", the dialogue engine knows. How fast the voice is, is ours to change, whatever the engine.
"""

import re
from collections.abc import Iterable

from agent.llm import smalltalk

STEP = 0.85
"""Of the speed, for each time that it is asked for."""
SLOWEST, FASTEST = 0.6, 1.3
_HAN = re.compile(r"[\u4e00-\u9fff]")


def pace(said: Iterable[str]) -> float:
    """By how much the voice's speed is to be multiplied, after all that a visitor `said`. In [SLOWEST, FASTEST]."""
    factor = 1.0
    for text in said:
        match smalltalk.intent(text, "zh" if _HAN.search(text) else "en"):
            case "slower":
                factor = max(SLOWEST, factor * STEP)
            case "faster":
                factor = min(FASTEST, factor / STEP)
    return factor
