"""Is a voice over the reply an interruption? What the words and the sound say while the reply is held."""

import re
from enum import Enum


class Claim(Enum):
    """What the words heard over a reply lay claim to."""

    NONE = "none"
    """No words are known yet."""
    BACKCHANNEL = "backchannel"
    """The listener listens: the reply goes on."""
    FLOOR = "floor"
    """Words of a turn of their own."""
    STOP = "stop"
    """A word that stops the reply by itself."""


_BACKCHANNELS = frozenset(
    """mm mhm hm hmm mmm mmhm uhhuh uh huh um ah aha oh ooh wow yeah yep yup yes ya okay ok right sure alright all i see
    really good great nice cool true indeed exactly interesting fine""".split()  # noqa: SIM905
)
_BACKCHANNEL_STARTERS = frozenset({"i", "all", "of"})
"""Parts of "I see" and "all right": alone they may begin anything."""
_STOPS = frozenset("stop wait no nope quiet enough sorry pardon excuse shush shut hang hold actually".split())  # noqa: SIM905
_LONGEST_BACKCHANNEL = 4
"""Words. "yeah yeah yeah okay right" is more than listening."""

_ZH_BACKCHANNELS = re.compile(
    r"(嗯|恩|唔|哦|噢|喔|啊|呃|对|好|是|行|嗯哼|好的|对的|是的|没错|明白|知道了|原来如此|这样啊|真的)+啊?"
)
_ZH_STOPS = re.compile(r"停|等一?等|等一?下|别说|不要说|不是|不对|不用|打断|够了|闭嘴")
_HAN = re.compile(r"[\u4e00-\u9fff]")


def claim(text: str | None) -> Claim:  # noqa: PLR0911 -- one case a claim
    """What `text`, recognised over a reply, lays claim to."""
    if not text:
        return Claim.NONE
    if _HAN.search(text):
        plain = "".join(_HAN.findall(text))
        if _ZH_STOPS.search(plain):
            return Claim.STOP
        return Claim.BACKCHANNEL if _ZH_BACKCHANNELS.fullmatch(plain) else Claim.FLOOR
    words = re.sub(r"[^a-z' ]", "", text.lower().replace("-", "")).split()
    if not words:
        return Claim.NONE
    if any(word in _STOPS for word in words[:3]):
        return Claim.STOP
    if all(word in _BACKCHANNELS for word in words) and len(words) <= _LONGEST_BACKCHANNEL:
        return Claim.NONE if words[-1] in _BACKCHANNEL_STARTERS else Claim.BACKCHANNEL
    return Claim.FLOOR
