"""What is written for the eye alone: Markdown, HTML tags, emoji. Its marks are dropped, its words stay."""

import re

from agent.tts.text.rules import Rule, as_shown, rule

_LINE_START = r"(?:(?<=\n)|(?<![\s\S]))"

HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Character class of Chinese characters, to go inside brackets."""

MARKUP: tuple[Rule, ...] = (
    rule(_LINE_START + r"[ \t]*(?:#{1,6}[ \t]+|(?:>[ \t]*)+|[-*+•‣◦][ \t]+(?:\[[ xX]\][ \t]+)?)", ""),
    rule(_LINE_START + r"[ \t]*(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|[|:\- \t]{5,})(?=\n|\Z)", ""),
    rule(r"```[A-Za-z0-9_+-]{0,20}", ""),
    rule(r"`+|~~|\*\*+|__+", ""),
    rule(r"\]\([^)\s]{0,300}(?:[ \t]+\"[^\"\n]{0,200}\")?\)|\]\[[^\]\n]{0,60}\]", ""),
    rule(r"\[\^?[0-9]{1,3}\]", ""),
    rule(r"!?\[", ""),
    rule(r"</?[A-Za-z][^<>\n]{0,200}>", ""),
    rule(r"<(?=https?://)|(?<![\s=<>])>", ""),
    rule(r"&(?:nbsp|ensp|emsp|zwj|shy);", ""),
    rule(r"\*(?=\S)(?![0-9 ])|(?<=\S)(?<![0-9 ])\*", ""),
    rule(r"(?<![^\W_])_(?=\w)|(?<=\w)_(?![^\W_])", ""),
    rule(r"[®©™\ufe0e\ufe0f\u200b-\u200f\u2060\ufeff]+", ""),
)

WORD: tuple[Rule, ...] = (
    rule(f"[{HAN}]", as_shown),
    rule(
        rf"[^\W\d_{HAN}](?:[^\W\d_{HAN}]|[\u0300-\u036f]|'(?=[^\W\d_])|-(?=[^\W\d_{HAN}]))*",
        as_shown,
        re.UNICODE,
    ),
)
"""The last resort: a word, or one Chinese character, said as it is written."""
