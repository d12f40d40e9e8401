"""How long texts are, in tokens as far as that can be told without knowing the engine's own tokeniser.

A Chinese, Japanese or Korean character counts one, any other four characters count one, begun ones whole. Tokenisers
of today's models lie within a quarter of that for ordinary prose.
"""

CHARACTERS = 4
"""Characters of alphabetic text in a token."""
MESSAGE = 4
"""What a message costs beside its text: its role, and where it begins and ends."""
_CJK = 0x2E80


def _is_whole(char: str) -> bool:
    return ord(char) >= _CJK and char.isalpha()


def estimate(text: str) -> int:
    """Tokens in `text`."""
    whole = 0 if text.isascii() else sum(map(_is_whole, text))
    return whole + -(-(len(text) - whole) // CHARACTERS)


def cut(text: str, tokens: int) -> str:
    """The longest beginning of `text` of at most that many tokens, ending where a word does."""
    if estimate(text) <= tokens:
        return text
    room, end = tokens * CHARACTERS, 0
    for at, char in enumerate(text):
        room -= CHARACTERS if _is_whole(char) else 1
        if room < 0:
            break
        if _is_whole(char) or not text[at + 1].isalnum():
            end = at + 1
    return text[:end]
