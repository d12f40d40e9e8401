"""Is a voice over the reply an interruption? What the words and the sound say while the reply is held."""

import re
from enum import Enum

from agent.conversation.clauses import HAN


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
_GOOD = (
    "great|good|nice|cool|true|right|fine|interesting|funny|lovely|amazing|wonderful|fantastic|brilliant|perfect|awesome"
    "|helpful|fascinating|impressive|fair|sweet|sad|terrible|awful|a shame|bad|crazy|wild|okay|ok|fun|all right"
)
_REMARKS = re.compile(
    r"(?:(?:oh|ah|wow|well|yeah|yes|okay|ok|sure|actually|and|mm|hm|hmm) )*"
    r"(?:no (?:problem|problems|worries|way|doubt|wonder|kidding)|oh (?:no|dear|my|god|wow)|not bad|of course"
    rf"|(?:thats|that is|that was|its|it is|this is) (?:(?:really|very|so|quite|pretty|actually|all|just) )*(?:{_GOOD})"
    rf"|(?:(?:really|very|so|quite|pretty) )+(?:{_GOOD})|(?:sounds|how) (?:{_GOOD})"
    r"|fair enough|good to know|makes sense)"
)
"""What a listener says of what is said: it asks for nothing."""
_OPENINGS = re.compile(
    r"(?:(?:oh|well|yeah|and|actually|thats|that(?: is| was)?|its|it is|really|very|so|quite|pretty) )*"
)
"""What may yet become a remark."""
_LONGEST_BACKCHANNEL = 4
"""Words. "yeah yeah yeah okay right" is more than listening."""

_ZH_BACKCHANNELS = re.compile(
    r"(嗯|恩|唔|哦|噢|喔|啊|呃|对|好|是|行|嗯哼|好的|对的|是的|没错|明白|知道了|原来如此|这样啊|真的|没问题|没事|没关系|不错|真好|太好了"
    r"|有意思|厉害|哇|是吗|真的吗|当然)+啊?"
)
_ZH_STOPS = re.compile(r"停|等一?等|等一?下|别说|不要说|不是|不对|不用|打断|够了|闭嘴")


def claim(text: str | None) -> Claim:  # noqa: PLR0911 -- one case a claim
    """What `text`, recognised over a reply, lays claim to."""
    if not text:
        return Claim.NONE
    if HAN.search(text):
        plain = "".join(HAN.findall(text))
        if _ZH_BACKCHANNELS.fullmatch(plain):
            return Claim.BACKCHANNEL
        return Claim.STOP if _ZH_STOPS.search(plain) else Claim.FLOOR
    words = re.sub(r"[^a-z' ]", "", text.lower().replace("-", "")).split()
    if not words:
        return Claim.NONE
    bare = " ".join(words).replace("'", "")
    if _REMARKS.fullmatch(bare):
        return Claim.BACKCHANNEL
    if all(word in _BACKCHANNELS for word in words) and len(words) <= _LONGEST_BACKCHANNEL:
        return Claim.NONE if words[-1] in _BACKCHANNEL_STARTERS else Claim.BACKCHANNEL
    if _OPENINGS.fullmatch(bare + " "):
        return Claim.NONE
    if any(word in _STOPS for word in words[:3]):
        return Claim.STOP
    return Claim.FLOOR
