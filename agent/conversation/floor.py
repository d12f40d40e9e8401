"""What a visitor asks of how we speak, by meaning, in English and Chinese: more slowly, or faster again.

Who says "stop" or "wait" over a reply has the floor by that (`interruption.py`); what to say to it, and to "repeat
that", the dialogue engine knows. How fast the voice is, is ours to change, whatever the engine.
"""

import re

from agent.conversation.clauses import HAN
from agent.llm import smalltalk

STEP = 0.85
"""Of the speed, for each time that it is asked for."""
SLOWEST, FASTEST = 0.6, 1.3
_ASKED = re.compile("slow|fast|speed|慢|快", re.IGNORECASE)


def slowed(text: str) -> float:
    """By how much somebody who says `text` wants the voice's speed multiplied; 1 where it asks for no such thing."""
    if not _ASKED.search(text):
        return 1.0
    language = "zh" if HAN.search(text) else "en"
    match smalltalk.intent(smalltalk.without_floor(text, language), language):
        case "slower":
            return STEP
        case "faster":
            return 1 / STEP
    return 1.0


def paced(pace: float, factor: float) -> float:
    """The conversation's pace after it was asked for `factor` of it, in [SLOWEST, FASTEST]."""
    return min(FASTEST, max(SLOWEST, pace * factor))
