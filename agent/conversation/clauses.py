"""Do these words end something? English and Chinese, by word lists and the order of a question's parts.

The recogniser gives words without punctuation. What is judged is the last clause: a trailing article, preposition or
conjunction, a question without its verb, a request without its object are plainly unfinished.
"""

import re
from enum import Enum


class Completion(Enum):
    """How finished the words sound."""

    OPEN = "open"
    """Plainly unfinished: more must come."""
    UNSURE = "unsure"
    """They may be whole, and may not."""
    CLAUSE = "clause"
    """A whole statement; another may follow."""
    DONE = "done"
    """A whole question, request or short reply: it waits for an answer."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> frozenset[str]:
    return frozenset(text.split("|"))


_WH = _words("what who whom whose which where when why how what's who's where's how's when's")
_BE = _words("is are was were am isn't aren't wasn't weren't what's who's where's how's when's")
_DO = _words(
    "do does did can could will would should shall may might must don't doesn't didn't can't couldn't won't wouldn't "
    "shouldn't"
)
_HAVE = _words("have has had haven't hasn't")
_AUX = _BE | _DO | _HAVE
_PRONOUNS = _words(
    "i you he she it we they this that these those there anyone anybody somebody someone everyone everybody "
    "anything something everything one"
)
_DETERMINERS = _words(
    "a an the my your his her its our their this that these those some any every each no another which whose all both"
)
_POSSESSIVES = _words("my our your his her their")
_FILLERS = _words("um uh er erm hmm hm well uhm mm")
_OPENERS = _FILLERS | _words(
    "hello hi hey please okay ok so and but then now excuse me sorry yes no thanks also or just"
)
_LEADS_ON = _words("please so and but or also just then")
"""Alone they announce something."""
_JOINERS = _words("and or but because if when while although though since until unless whether than as that so once")
_AND = _words("and or but so")
_SUBORDINATE = _words("if when because while although though since after before unless once until")
_PREPOSITIONS = _words(
    "of to from for with without at by in on into onto about between through during against towards toward under "
    "above behind beside near like via per except including"
)
_NEVER_LAST = _words(
    "a an the my your our their every each i we i'm you're we're they're he's she's i'd i'll i've we'd we'll we've "
    "you'd you'll you've they'd they'll they've let's very really quite rather almost also not just only too's another"
)
_ATTRIBUTES = _words(
    "opening closing guided next last first second third main nearest closest new old big small little large whole "
    "other same different great best own red green blue white black old modern ancient roman local public free double "
    "single many several few more most such good bad nice beautiful favourite favorite special swimming two three four "
    "five six seven eight nine ten hundred thousand"
)
_OBJECT_NEEDED = _words(
    "want wants wanted need needs like likes liked love loves take takes taken took buy buys bought get gets got see "
    "sees seen saw find finds found bring brings brought give gives gave given tell tells told show shows showed ask "
    "asks asked make makes made put puts use uses used sell sells sold know knows knew say says said think thinks "
    "thought mean means visit visits reach book books leave lose lost have has had is are was were am be been bought "
    "wants paint painted build built write wrote written explain describe cannot can't can could will would should "
    "shall may must do does did don't doesn't didn't let lets keep keeps kept hear heard going trying looking wondering"
)
_VERBS = _OBJECT_NEEDED | _words(
    "open opens close closes cost costs start starts end ends begin begins work works happen happens last lasts stop "
    "stops go goes come comes run runs arrive arrives leave leaves live lives mean means help helps stay stays eat "
    "drink sleep sit wait speak talk walk look looks change changes move moves belong belongs exist exists die died "
    "happened came went worked started ended closed opened lived hurt hurts"
)
_THINGS = _words(
    "book use look walk talk drink change move start end stop show visit play list name call help sleep run"
)
"""Words that are a thing behind an article and its adjectives: "a good book"."""
_GOING = _words("get gets getting go goes going come comes coming let bring move")
"""Verbs that "in" is a part of."""
_STATES = _words("open closed free possible available included ready broken full here")
_INTRANSITIVE = _VERBS - _OBJECT_NEEDED | _words("leave mean")
_REQUESTS = _words(
    "tell show give explain describe repeat say help play find take bring call let sing read open stop wait speak slow "
    "go start continue recommend translate spell define name list book turn come skip"
)
_TO_WHOM = _words("me us him them")
_SHORT = _phrases(
    "yes|no|yeah|nope|sure|okay|thanks|thank you|thank you very much|many thanks|no thanks|no thank you|yes please|"
    "goodbye|bye|good night|stop|wait|never mind|nevermind|that's all|that is all|i don't know|i do not know|repeat|"
    "repeat that|say that again|say it again|again|slower|louder|go on|continue|help|exactly|correct|of course|"
    "that's right|not really|maybe|pardon|yes i do|yes i am|no i don't|no i'm not|nothing else|good|great|perfect|cool|"
    "i see|fine|come in"
)
_GREETINGS = _words("hello hi hey there good morning afternoon evening everybody everyone")

HAN = re.compile(r"[\u4e00-\u9fff]")
_MARKS = re.compile(r"[\s,.;:!，。；：！、…]+")


def completion(text: str) -> Completion:
    """How finished `text` is: what was recognised of a turn so far, in English or Chinese."""
    if HAN.search(text):
        return _chinese(_MARKS.sub("", text))
    words = re.findall(r"[a-z']+", text.lower().replace("’", "'"))
    return _english(words) if words else Completion.UNSURE


def _english(words: list[str]) -> Completion:  # noqa: PLR0911 -- one case a kind of ending
    if " ".join(words) in _SHORT:
        return Completion.DONE
    if all(word in _GREETINGS for word in words):
        return Completion.CLAUSE
    if words[-1] in _FILLERS or words[-1] in _NEVER_LAST or (len(words) == 1 and words[0] in _WH):
        return Completion.OPEN
    if " ".join(words[-2:]) in _SHORT and len(words) > 3:
        return Completion.DONE  # "… thank you"
    start = _question_start(words)
    if start is not None:
        return _question(words[start:])
    body = _without_openers(words)
    if not body:
        return Completion.OPEN if words[-1] in _LEADS_ON else Completion.UNSURE
    if words[-1] in _PREPOSITIONS | _JOINERS | _WH | (_DETERMINERS - _PRONOUNS - {"his", "her"}):
        return Completion.OPEN
    if body[0] in _REQUESTS:
        return _request(body)
    return _statement(body)


def _without_openers(words: list[str]) -> list[str]:
    start = 0
    while start < len(words) and words[start] in _OPENERS:
        start += 1
    return words[start:]


def _question_start(words: list[str]) -> int | None:
    """Where the last question begins: a question word with its auxiliary before the subject, or, first in what is
    said, a question word or an auxiliary."""
    for at in range(len(words) - 1, -1, -1):
        if words[at] not in _WH:
            continue
        if words[at] in _BE:
            return at
        for after in range(at + 1, min(at + 4, len(words))):
            if words[after] in _PRONOUNS | _WH:
                break
            if words[after] in _AUX:
                return at
    body = _without_openers(words)
    first = len(words) - len(body)
    if len(body) > 1 and (body[0] in _WH - _SUBORDINATE or body[0] in _AUX):
        return first
    for at in range(first + 2, len(words) - 1):  # "if it rains can we wait", "she is seven so does she need a ticket"
        before = words[at - 1]
        joined = before in _AND and len(words) > at + 2 and words[at + 1] not in _DETERMINERS
        if words[at] in _AUX and words[at + 1] in _PRONOUNS and (joined or before not in _PRONOUNS | _JOINERS | _WH):
            return at
    return None


def _question(words: list[str]) -> Completion:  # noqa: PLR0911 -- one case a kind of ending
    at = next((k for k, word in enumerate(words) if word in _AUX), None)
    wh = words[0] if words[0] in _WH else ""
    if at is None:
        return _asked_of_the_subject(words)
    aux, rest = words[at], words[at + 1 :]
    last = words[-1]
    if not rest or last in _JOINERS - {"that"} or last in _WH or last in _SUBORDINATE - {"before"}:
        return Completion.OPEN
    if last in _DETERMINERS & _PRONOUNS and words[-2] in _PREPOSITIONS:
        return Completion.UNSURE  # "what do you think of that", "what is the name of that tower"
    if wh and last in ("in", "on", "through") and rest[-2:-1] and rest[-2] in _GOING:
        return Completion.DONE  # "how much does it cost to get in"
    if last in _PREPOSITIONS:
        # "which floor is it on" is whole: what stood behind "on" stands in front. "what is the price of" is not.
        if wh in ("what", "which", "whose") and at > 1 and len(rest) > 1:
            return Completion.DONE
        return (
            Completion.UNSURE if wh in ("what", "who", "which", "where", "whose") and len(rest) > 1 else Completion.OPEN
        )
    if last in _DETERMINERS - _PRONOUNS - {"his", "her"} or (last in _ATTRIBUTES and _modifies(words)):
        return Completion.OPEN
    return _with_auxiliary(wh, aux, rest, noun_asked=at > 1)


def _modifies(words: list[str]) -> bool:
    """Whether the last word, an attribute, has no noun to stand with: "the next", "your opening"."""
    before = words[-2] if len(words) > 1 else ""
    if (before, words[-1]) == ("for", "free"):
        return False
    return before in _DETERMINERS | _ATTRIBUTES | _PREPOSITIONS | _TO_WHOM


def _lacks_object(words: list[str]) -> bool:
    """Whether the last word is a verb that something must follow, and no thing: "to see", but not "a good book"."""
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    return last in _OBJECT_NEEDED and not (last in _THINGS and before in _DETERMINERS | _ATTRIBUTES)


def _with_auxiliary(wh: str, aux: str, rest: list[str], *, noun_asked: bool) -> Completion:  # noqa: PLR0911 -- one case a kind of ending
    """The words after a question's auxiliary: is the subject there, and what is said of it?"""
    pronoun = rest[0] in _PRONOUNS and not (rest[0] in _DETERMINERS and len(rest) > 1)
    after = rest[1:]
    if aux in _BE:
        return _is_question(wh, rest, pronoun=pronoun, noun_asked=noun_asked)
    if not after:
        return Completion.OPEN
    if not pronoun and rest[0] in _DETERMINERS:
        if len(after) == 1:
            return Completion.OPEN  # "how much does a ticket"
        if after[-1] in _OBJECT_NEEDED - _THINGS and _asks_object(wh, noun_asked=noun_asked):
            return Completion.DONE  # "how many legs does a spider have"
        if after[-1] in _INTRANSITIVE or any(word in _VERBS for word in after[1:-1]):
            return Completion.DONE
        return Completion.UNSURE
    return _predicate(wh, after, noun_asked=noun_asked)


def _is_question(wh: str, rest: list[str], *, pronoun: bool, noun_asked: bool) -> Completion:  # noqa: PLR0911 -- one case a kind of ending
    if pronoun and len(rest) == 1:
        if rest[0] == "there" and noun_asked:
            return Completion.DONE  # "how many floors are there"
        if not wh or rest[0] == "there":
            return Completion.OPEN
        return Completion.UNSURE if wh in ("what", "when", "why") or rest[0] in ("this", "that") else Completion.DONE
    if pronoun:
        return Completion.OPEN if rest[-1] in _OBJECT_NEEDED and wh not in ("what", "who", "which") else Completion.DONE
    if not wh and len(rest) == 3 and rest[0] in _DETERMINERS and (rest[-1].endswith("ed") or rest[-1] in _STATES):
        return Completion.DONE  # "is my bag allowed"
    if wh in ("why", "when") or not wh:
        # "why is the road" wants "closed".
        return (
            Completion.OPEN if len(rest) <= 2 else Completion.UNSURE if len(rest) == 3 and not wh else Completion.DONE
        )
    return Completion.UNSURE if wh in ("which", "whose") and noun_asked and len(rest) <= 2 else Completion.DONE


def _predicate(wh: str, after: list[str], *, noun_asked: bool) -> Completion:
    """What is said of a question's subject, from the verb on."""
    verb, last = after[0], after[-1]
    if _lacks_object(after):
        if _object_in_front(after):
            return Completion.DONE
        asked = _asks_object(wh, noun_asked=noun_asked)
        return Completion.DONE if asked and verb not in ("tell", "show", "give") else Completion.OPEN
    if last in _TO_WHOM and verb in ("tell", "give", "show", "bring", "get"):
        return Completion.OPEN
    if len(after) > 2 and any(word in _WH for word in after[1:]):
        return _embedded(after)
    return Completion.DONE


def _asks_object(wh: str, *, noun_asked: bool) -> bool:
    return wh in ("what", "who", "which", "whom") or (wh == "how" and noun_asked)


def _object_in_front(words: list[str]) -> bool:
    """Whether what the last verb wants stands before it: "record what i say"."""
    return len(words) > 3 and words[-3] in ("what", "whatever", "everything") and words[-2] in _PRONOUNS


def _asked_of_the_subject(words: list[str]) -> Completion:  # noqa: PLR0911 -- one case a kind of ending
    """ "who painted the picture", "what happens now", "what about lunch"."""
    last = words[-1]
    if len(words) > 4 and last in _DETERMINERS & _PRONOUNS:
        return Completion.UNSURE  # "who pays for all this"
    if last in _PREPOSITIONS | _JOINERS | _NEVER_LAST | _DETERMINERS | _ATTRIBUTES or len(words) < 2:
        return Completion.OPEN
    if words[1] in ("about", "else"):
        return Completion.DONE
    if words[1] == "of" and not any(word in _VERBS for word in words[3:-1]):
        if last in _INTRANSITIVE:
            return Completion.DONE
        return Completion.UNSURE if len(words) > 5 else Completion.OPEN  # "which of these doors leads …"
    if last in _INTRANSITIVE:
        return Completion.DONE
    if words[0] == "how" and any(word in _VERBS for word in words[3:-1]):
        return Completion.DONE  # "how many people live in the town"
    if len(words) == 2 or _lacks_object(words) or words[0] == "how":
        return Completion.OPEN  # "who painted", "how much"
    return Completion.DONE if len(words) > 3 else Completion.UNSURE


def _request(words: list[str]) -> Completion:
    verb, last = words[0], words[-1]
    if last in _ATTRIBUTES and _modifies(words):
        return Completion.OPEN
    if len(words) == 1:
        return (
            Completion.DONE
            if verb in ("repeat", "help", "stop", "wait", "continue", "start", "go")
            else Completion.OPEN
        )
    if last in _TO_WHOM and verb in ("tell", "show", "give", "bring", "read", "find", "let", "sing"):
        return Completion.OPEN
    if _lacks_object(words):
        return Completion.DONE if _object_in_front(words) else Completion.OPEN
    return _embedded(words) if any(word in _WH for word in words[1:]) else Completion.DONE


def _embedded(words: list[str]) -> Completion:
    """ "explain why the bell rings": the inner clause has its verb or it has not."""
    at = max(k for k, word in enumerate(words) if word in _WH)
    inner = words[at + 1 :]
    if not inner:
        return Completion.OPEN
    if inner[0] in ("to", "of", "about"):
        return Completion.DONE if len(inner) > 2 else Completion.UNSURE
    if any(word in _VERBS for word in inner):
        return Completion.DONE
    return Completion.OPEN if len(inner) <= 2 else Completion.UNSURE


def _statement(words: list[str]) -> Completion:
    last = words[-1]
    if last in _ATTRIBUTES and _modifies(words):
        return Completion.OPEN
    if _lacks_object(words):
        return Completion.OPEN
    told_of = words[0] in _POSSESSIVES and not any(word in _VERBS for word in words)  # "my daughter"
    if words[0] in _SUBORDINATE or told_of:
        return Completion.OPEN
    if last in ("he", "she", "they") or " ".join(words[-2:]) in ("you know", "kind of", "sort of", "i think"):
        return Completion.OPEN
    told = len(words) > 3 and words[0] in _PRONOUNS | _DETERMINERS  # whatever its verb is
    if len(words) > 2 and (told or any(word in _VERBS or "'" in word for word in words)):
        return Completion.CLAUSE
    return Completion.UNSURE


_ZH_SHORT = _words(
    "是 是的 对 对的 好 好的 好吧 不 不是 不要 不用 不用了 谢谢 谢谢你 再见 拜拜 停 等等 等一下 再说一遍 慢一点 没有 "
    "可以 行 继续"
)
_ZH_GREETINGS = _words("你好 您好 嗨 喂 早上好 下午好 晚上好 大家好")
_ZH_OPEN = tuple(
    _words(
        "和 跟 与 及 或 或者 还有 以及 因为 所以 但是 可是 不过 如果 要是 虽然 然后 而且 并且 把 被 给 在 从 往 向 比 "
        "让 叫 对于 关于 一个 一张 两张 这个 那个 那些 这些 这 那 我 我们 他 她 他们 我想 我要 我想要 请问 请 告诉我 "
        "给我 帮我 想 要 会 能 可以 是 有 去 到 嗯 呃 就是 就 很 最 非常 什么样的 怎么 为什么 哪个 哪些 几个 第一 第二 "
        "的时候 你们的 我的 你的 他的"
    )
)
_ZH_PARTICLES = ("吗", "呢", "吧", "么", "嘛")
_ZH_QUESTION = re.compile(
    r"什么|哪|谁|多少|几|怎么|为什么|多久|多长|多大|多远|有没有|能不能|是不是|可不可以|会不会|要不要"
)
_ZH_REQUEST = re.compile(r"^(请|麻烦)?(你|您)?(告诉|给|帮|介绍|讲|说|带|推荐|解释|重复)")


def _chinese(text: str) -> Completion:  # noqa: PLR0911 -- one case a kind of ending
    text = text.rstrip("?？")
    if text in _ZH_SHORT:
        return Completion.DONE
    if text in _ZH_GREETINGS:
        return Completion.CLAUSE
    if text.endswith(_ZH_PARTICLES) and len(text) > 2:
        return Completion.DONE
    if _ZH_QUESTION.fullmatch(text) or text.endswith(_ZH_OPEN):
        return Completion.OPEN
    if text.endswith("的"):
        return Completion.UNSURE
    if _ZH_QUESTION.search(text):
        return Completion.DONE if len(text) >= 4 else Completion.UNSURE
    if _ZH_REQUEST.match(text):
        return Completion.DONE if len(text) >= 5 else Completion.OPEN
    if text.startswith(("如果", "要是", "因为", "虽然")):
        return Completion.OPEN
    return Completion.CLAUSE if len(text) >= 4 else Completion.UNSURE
