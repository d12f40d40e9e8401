"""Text normalisation for speech: what is shown becomes what is said, and every spoken word knows its shown one."""

from agent.tts.text.chinese import CHINESE
from agent.tts.text.english import ENGLISH
from agent.tts.text.markup import MARKUP, WORD
from agent.tts.text.rules import Span, Spoken, apply

__all__ = ["Span", "Spoken", "normalise"]

_RULES = {"en": ENGLISH, "zh": CHINESE, "cmn": CHINESE}
_MARKS_ONLY = (*MARKUP, *WORD)


def normalise(text: str, language: str) -> Spoken:
    """How `text` is said in `language` (a BCP 47 tag). Languages other than English and Chinese only lose what is
    written for the eye alone. Never raises."""
    return apply(_RULES.get(language.partition("-")[0].lower(), _MARKS_ONLY), text)
