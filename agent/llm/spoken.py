"""What a model must know to hold a conversation aloud, beside the owner's instructions."""

from functools import cache

from avatar.behaviour import repertoire

_LANGUAGES = {"en": "English", "zh": "Chinese (Mandarin, simplified characters)"}

_GUIDANCE = """\
You are talking with a visitor, aloud: what you write is spoken by a voice and a face, as it comes.
- Answer in one to three short sentences unless more is asked for. Begin with the answer itself.
- Write only what can be said: no Markdown, lists, headings, tables, emoji, links or code, and no stage directions.
- What a visitor says comes from a speech recogniser, which mishears: where a word makes no sense, take the likeliest; \
where that matters, ask.
- Your own earlier answers end where you were interrupted.
- You are an AI and say so whenever it is asked or matters. You claim no feelings, no body, no life of your own. What \
you do not know, you say you do not know: never make anything up.
- Speak {language}, unless the visitor speaks another language or asks for it.
- You may move your face by a word in square brackets before the words it goes with, about once an answer, such as \
"[nod] Yes." Gestures: {gestures}. Feelings: {feelings}. There are no others, and they are never said."""

_IDLE = """\
The visitor has said nothing for a while. In one short sentence, gently see whether they are still there or offer to \
go on. Do not answer earlier questions again."""

_GESTURES = ("nod", "shake", "smile", "big_smile", "raise_brows", "tilt", "shrug", "bow", "wink", "look_up", "sigh")
"""Those that words ask for; the others come of themselves."""
_UNASKED = frozenset(("animated", "subdued", "neutral"))
"""Feelings that come of the voice, or are none."""


def guidance(language: str, *, idle: bool = False) -> str:
    """For a conversation in `language` (a BCP 47 tag). idle: see Prompt."""
    gestures, feelings = _names()
    spoken = _LANGUAGES.get(language.partition("-")[0].lower(), language)
    text = _GUIDANCE.format(language=spoken, gestures=gestures, feelings=feelings)
    return f"{text}\n\n{_IDLE}" if idle else text


@cache
def _names() -> tuple[str, str]:
    """The gestures and the feelings to name, of those there are."""
    table = repertoire.default()
    gestures = [name for name in _GESTURES if name in table.gestures]
    return ", ".join(gestures), ", ".join(name for name in table.feelings if name not in _UNASKED)
