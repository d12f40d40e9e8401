"""The phones of the CMU pronouncing dictionary, as IPA, and a guess at words it does not have."""

import re

IPA = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "B": "b", "CH": "tʃ", "D": "d", "DH": "ð",
    "EH": "ɛ", "ER": "ɝ", "EY": "eɪ", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i", "JH": "dʒ", "K": "k",
    "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ",
    "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
"""ARPABET without stress marks → IPA. What is not in it (SIL, +NOISE+ and the like) is silence."""

_SCHWA_SECONDS = 0.07

_SPELLING = {
    "tch": "CH", "igh": "AY", "eigh": "EY", "tion": "SH AH N", "sion": "ZH AH N", "ough": "AO", "augh": "AO",
    "sch": "SH", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "wh": "W", "ck": "K", "ng": "NG", "qu": "K W",
    "kn": "N", "wr": "R", "gh": "G", "ee": "IY", "ea": "IY", "oo": "UW", "ou": "AW", "ow": "OW", "oi": "OY",
    "oy": "OY", "ai": "EY", "ay": "EY", "au": "AO", "aw": "AO", "ei": "EY", "ey": "IY", "ie": "IY", "oa": "OW",
    "ue": "UW", "ew": "UW", "er": "ER", "ir": "ER", "ur": "ER", "ar": "AA R", "or": "AO R",
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH",
    "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH",
    "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip
_GRAPHEME = re.compile("|".join(sorted(_SPELLING, key=len, reverse=True)))


def ipa(phone: str, seconds: float) -> str:
    """The IPA symbol of an ARPABET phone that lasts `seconds`; "" for silence and noises.

    The dictionary writes the schwa as AH too; it is the short one (under 70 ms).
    """
    symbol = IPA.get(phone.rstrip("012"), "")
    return "ə" if symbol == "ʌ" and seconds < _SCHWA_SECONDS else symbol


def guess(word: str) -> str:
    """A pronunciation of a word (lower case) from its spelling, good enough to place it in time; "" if it has no
    letters that are known."""
    letters = re.sub(r"(.)\1", r"\1", word)  # doubled letters are said once
    if len(letters) > 3 and letters.endswith("e") and letters[-2] not in "aeiou":
        letters = letters[:-1]
    return " ".join(_SPELLING[match] for match in _GRAPHEME.findall(letters))
