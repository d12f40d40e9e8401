"""What people say to a digital human that no document answers: greetings, thanks, "are you a person"."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

_FILLER = r"(?:please|um+|uh+|er+|oh|well|so|okay|ok|and|hey|now|then|visavis|vis a vis|just|sorry)"
_GREETING = "hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)"
_HELLO = rf"(?:{_GREETING})(?: there| again| everybody| visavis)?"
_BEING = (
    r"(?:real|human|person|people|man|woman|robot|machine|computer|program|ai|a i|bot|chatbot|alive|recording|living"
    r"|actor|artificial intelligence|real person|human being|puppet)"
)

_ENGLISH: Mapping[str, tuple[str, ...]] = {
    "hello": (_HELLO, r"(?:nice|good|pleased) to (?:meet|see) you"),
    "how_are_you": (
        r"(?:hi |hello )?how (?:are|re) (?:you|things)(?: doing| today| going)?",
        r"hows it going|how do you do",
    ),
    "thanks": (
        r"(?:no )?(?:many )?thanks?(?: you)?(?: very| so)?(?: much)?(?: a lot| for .{1,30}| again| bye)?",
        r"(?:that was|thats) (?:very )?(?:helpful|kind|nice)(?: of you)?",
        r"cheers|i appreciate (?:it|that)",
    ),
    "goodbye": (
        r"(?:good ?)?bye(?: bye)?(?: now| for now| then)?",
        r"see you(?: later| soon| again)?|good night|farewell|take care",
        r"i (?:have to|must|need to) go(?: now)?|thats (?:all|it)(?: for (?:now|today))?",
    ),
    "person": (
        rf"(?:are|is) (?:you|this|that|it) (?:really |actually |just )?(?:an? )?(?:real )?{_BEING}(?: or .{{1,30}})?",
        rf"am i (?:really )?(?:talking|speaking|chatting) (?:to|with) an? (?:real )?{_BEING}(?: or .{{1,30}})?",
        r"are there real people(?: here| there)?|do you have (?:feelings|a body|a brain|a heart)|are you conscious",
    ),
    "who": (
        r"who (?:are|re|r) you|what(?: a|)re you|what are you(?: called)?|what(?:s| is) your name|do you have a name",
        r"(?:can you )?(?:tell me (?:something )?about|introduce) yourself|who am i (?:talking|speaking) (?:to|with)",
    ),
    "personal": (
        r"how old are you|where (?:are|were|do) you (?:from|born|live|come from)",
        r"(?:are|were) you (?:married|single|happy|sad|tired|in love)",
        r"(?:do|did|would|can|could) you "
        r"(?:like|love|enjoy|hate|eat|sleep|dream|sing|dance|swim|cook|drive)(?: .{0,40})?",
        r"do you have (?:a |any )?"
        r"(?:family|children|wife|husband|friends?|girlfriend|boyfriend|pets?|hobby|hobbies|job)",
        r"(?:whats|what is|what are) your (?:favou?rite|hobby|hobbies|job|age|birthday|religion)(?: .{0,40})?",
        r"(?:whats|what is|what are) your opinions?(?: (?:of|on|about) .{1,40})?",
        r"who (?:is|are) your (?:boss|mother|father|parents|friends?)|who (?:made|created|built|invented) you",
        r"(?:can you )?(?:tell me|do you know) (?:a |any )?jokes?|how much do you (?:earn|weigh)",
        r"what did you (?:have|eat|dream|do) .{1,40}",
    ),
    "capabilities": (
        r"what (?:can|could|do) you (?:do|know|answer|tell me|talk about|help me with|help with)(?: about| for me)?",
        r"what (?:can|could|should|may) i (?:ask|say|do)(?: you)?(?: about| here)?|(?:i need |can you )?help(?: me)?",
        r"how (?:can|could|do) you help(?: me)?|what (?:questions|topics|subjects|things) (?:can|do) (?:i|you) .{1,30}",
        r"what do you (?:know|talk) about|what are you (?:good|here) for",
    ),
    "repeat": (
        r"(?:can|could|would|will) you (?:repeat|say)(?: that| it| this)?(?: (?:again|once more|one more time))?",
        r"(?:repeat|say)(?: that| it| this)?(?: (?:again|once more|one more time))?|come again|again",
        r"(?:i beg your )?pardon(?: me)?|what (?:did|do) you (?:say|just say)",
        r"what was that|what|excuse me|one more time",
        r"i (?:did not|didnt|couldnt|could not|cant) (?:hear|understand|catch|get) (?:you|that|it)"
        r"(?: (?:can|could) you (?:please )?(?:repeat|say)(?: that| it)?(?: again)?)?",
    ),
    "slower": (
        r"(?:(?:can|could|would|will) you )?(?:speak |talk |go |say (?:that|it)(?: again)? |repeat (?:that|it) )?"
        r"(?:a (?:little )?bit |a little |much )?(?:slower|more slowly|slowly)(?: for me)?",
        r"slow down(?: a (?:little bit|little|bit))?|not so fast",
        r"(?:you(?:re| are) (?:talking |speaking |going )?|that(?:s| is| was) )?(?:too|so) fast(?: for me)?",
    ),
    "faster": (
        r"(?:(?:can|could|would|will) you )?(?:speak |talk |go )?(?:a (?:little )?bit |a little |much )?"
        r"faster|speed up(?: a (?:little|bit))?|(?:youre |thats |you are )?too slow(?:ly)?(?: for me)?",
    ),
    "wait": (
        r"(?:no )?(?:wait|hold on|hang on)(?: (?:for )?(?:a|one) (?:little )?(?:moment|minute|second|sec|bit|while))?",
        r"(?:just )?(?:a|one) (?:moment|minute|second|sec)|give me a (?:moment|minute|second)|let me think",
    ),
    "stop": (
        r"stop(?: it| that| this| talking| speaking| there)?|(?:be )?quiet|shush|shut up|enough",
        r"thats enough(?: for (?:now|today))?",
    ),
    "now": (
        r"(?:do you know )?what(?:s| is)? (?:the )?time(?: is it| it is)?(?: now| right now)?",
        r"(?:do you have|have you got|can you tell me) the time",
        r"what(?:s| is)? (?:the )?(?:date|day)(?: is it| is today| today| it is)?(?: today)?",
        r"what day (?:is|it) .{1,12}",
        r"(?:what|how)(?:s| is)? the weather(?: like)?(?: today| tomorrow| outside| now)?",
        r"(?:will it|is it|is it going to) (?:rain|snow|be sunny|be cold|be warm|raining|snowing|sunny|cold|warm|hot)"
        r"(?: today| tomorrow| outside| now)?",
    ),
    "sorry": (
        r"(?:no )?(?:thats|that is|that was|youre|you are) (?:wrong|not (?:right|true|correct|what i "
        r"(?:asked|meant|said)))",
        r"you (?:did not|didnt|dont) (?:understand|answer|listen|hear)(?: me| my question| to me)?|wrong(?: answer)?",
        r"(?:no )?(?:that is|thats) not (?:what i asked|my question|it)|i (?:did not|didnt) ask that",
    ),
    "fine": (
        r"yes|yeah|yep|no|nope|ok(?:ay)?|all right|alright|fine",
        r"good|great|cool|nice|perfect|wonderful|i see|right|sure",
        r"mhm|got it|understood|never ?mind|nothing|no thats all|interesting|wow|very (?:good|nice|interesting)",
    ),
}
_CHINESE: Mapping[str, tuple[str, ...]] = {
    "hello": (r"(?:你|您)好(?:呀|啊|哦)?|嗨|哈喽|喂|早上好|上午好|下午好|晚上好|大家好|早",),
    "how_are_you": (r"(?:你|您)好吗|(?:你|您)怎么样|最近(?:好吗|怎么样)",),
    "thanks": (r"(?:好的?|非常|太)?(?:谢谢|感谢|多谢)(?:你|您|了|啦)*",),
    "goodbye": (r"再见|拜拜|回头见|下次见|晚安|我(?:要)?走了",),
    "person": (
        r"(?:你|您)(?:到底)?是(?:不是)?(?:一个)?(?:真的?)?(?:真人|人|人类|机器人|机器|电脑|程序|AI|人工智能)(?:吗|还是.{1,8})?",
    ),
    "who": (r"(?:你|您)是(?:谁|什么|什么人)|(?:你|您)叫什么(?:名字)?|介绍一下(?:你|您)?自己|自我介绍(?:一下)?",),
    "personal": (
        r"(?:你|您)(?:多大|几岁|结婚|喜欢|爱|会唱歌|会跳舞|吃饭|有(?:家人|孩子|朋友)).{0,12}|(?:你|您)最喜欢.{1,12}",
        r"(?:给我)?讲一?个?笑话|谁(?:做|造|发明|创造)了?(?:你|您)的?",
    ),
    "capabilities": (
        r"(?:你|您)(?:能|会|可以)(?:做|干|回答|告诉我|帮我)?些?(?:什么|啥)|我?(?:能|可以)问(?:你|您)?些?什么",
        r"(?:你|您)都?知道些?什么|帮助",
    ),
    "repeat": (
        r"(?:请)?(?:(?:你|您)?(?:可以|能))?再(?:说|讲)一?(?:遍|次)吗?|请?重复(?:一下|一遍)?",
        r"(?:你|您)(?:刚才)?说了?什么|我?(?:刚才)?没(?:有)?听(?:清楚?|懂|见|明白)|什么",
    ),
    "slower": (
        r"(?:请|麻烦)?(?:你|您)?(?:可以|能|能不能)?再?(?:说|讲)?(?:得|话)?再?慢(?:一?点儿?|一?些|下来)(?:说|讲|吗|好吗|吧)?",
        r"(?:你|您)?(?:说|讲)?(?:得|的)?太快了?",
    ),
    "faster": (
        r"(?:请|麻烦)?(?:你|您)?(?:可以|能|能不能)?再?(?:说|讲)?(?:得|话)?再?快(?:一?点儿?|一?些)(?:说|讲|吗|好吗|吧)?",
        r"(?:你|您)?(?:说|讲)?(?:得|的)?太慢了?",
    ),
    "wait": (r"(?:请|你|您)?(?:稍等|等一?等|等一?下|等一?会儿?)(?:一?下)?(?:吧|好吗)?|让我想(?:一?想|一下)",),
    "stop": (r"停(?:一?下|下来)?(?:吧)?|(?:请|你|您)?(?:别|不要)(?:再)?说(?:话)?了?|安静|闭嘴|够了",),
    "now": (
        r"(?:现在|今天)?(?:是)?(?:几点|几号|星期几|礼拜几|周几|什么时间|什么日子)钟?了?",
        r"(?:今天|明天|外面)?天气(?:怎么样|如何|好吗)?|(?:今天|明天)会?下雨吗",
    ),
    "sorry": (r"不对|错了|(?:你|您)(?:没|不)(?:懂|明白|听懂)|我不是(?:问|说)这个",),
    "fine": (r"好|好的|嗯|行|可以|是|是的|对|不|不是|没有|知道了|明白了?|没事|算了|不用了?",),
}


def _compiled(table: Mapping[str, tuple[str, ...]]) -> list[tuple[str, re.Pattern[str]]]:
    return [(name, re.compile("|".join(f"(?:{way})" for way in ways))) for name, ways in table.items()]


_WAYS = {"en": _compiled(_ENGLISH), "zh": _compiled(_CHINESE)}
_POLITE = {
    "en": re.compile(
        rf"^(?:(?:{_FILLER}|mira|tunde|please|kindly|maybe|(?:can|could|would|will) you|tell me"
        r"|id like you to|i (?:would like|want|need) you to) )+"
        rf"|(?: (?:{_FILLER}|mira|tunde|thanks|thank you|for me))+$"
    ),
    "zh": re.compile(
        r"^(?:请问?|麻烦|劳驾|拜托|不好意思|对不起|那|好了?|喂|嘿|(?:你|您)|能不能|可不可以|可以|能|帮我|给我|先)+"
        r"|(?:好吗|好不好|可以吗|行吗|吗|吧|啊|呀|(?:好的?)?谢谢(?:你|您|了)?)+$"
    ),
}
"""What is put around a request, and changes nothing of it."""
_QUESTION = (
    "what|whats|where|wheres|when|who|whos|whose|why|how|hows|which|is|are|am|do|does|did|can|could|would|will|should"
    "|tell|say|speak|talk|repeat|show|explain|slow|i|no"
)
_FLOOR = {
    "en": re.compile(
        rf"(?:(?:no|oh|{_FILLER}) )*(?:(?:stop|wait|hold on|hang on)"
        r"(?: (?:it|that|talking|there|(?:for )?(?:a|one) (?:moment|minute|second|sec|bit)))?"
        rf"|one (?:moment|second)|thats enough|never ?mind)(?: (?:{_FILLER}|thanks|thank you))* (?=(?:{_QUESTION})\b)"
    ),
    "zh": re.compile(
        r"(?:请|你|您|先)*(?:停(?:一?下|下来)|(?:稍|请)?等(?:一?等|一?下|一?会儿?)|别说了|够了)(?:吧)?(?=.{3})"
    ),
}
"""Asking for the floor, before what it is wanted for."""
_BREAK = re.compile(r"[.!?,;:…。！？，；：]\s*")
_GREETED = {"en": re.compile(rf"(?:{_HELLO})\b"), "zh": re.compile(r"(?:你|您)好(?!吗)[呀啊]?|嗨|喂")}
_LEANING = {
    "en": re.compile(r"(?:and|but|or|also|then|what about|how about|what if|is that|and what)\b"),
    "zh": re.compile(r"那么?|还有|那|如果|换成"),
}
_LEANING_WORDS = {
    "en": re.compile(r"\b(?:it|its|that|this|they|them|those|these|there|he|she|him|her|one|ones)\b"),
    "zh": re.compile("它|那|这|他|她"),
}


def plain(text: str) -> str:
    """Small letters without punctuation: as a recogniser writes. Apostrophes vanish: "what's" is "whats"."""
    small = unicodedata.normalize("NFKC", text).lower().replace("'", "").replace("’", "")
    return " ".join(re.sub(r"[^\w]+", " ", small).split())


def intent(text: str, language: str) -> str | None:
    """The name of the phrase that answers `text`, or None when it is no small talk. The whole text must be it."""
    for said in _readings(plain(text), language):
        for name, ways in _WAYS.get(language, ()):
            if ways.fullmatch(said if language == "en" else said.replace("ai", "AI")):
                return name
    return None


def without_greeting(text: str, language: str) -> str:
    """What is left of plain text after "hello there", if anything is."""
    match = _GREETED[language].match(plain(text)) if language in _GREETED else None
    rest = plain(text)[match.end() :].strip() if match else ""
    return rest or text


def without_floor(text: str, language: str) -> str:
    """What is left of "Stop. Tell me who made you." after the visitor has got the floor, if anything is."""
    first = _BREAK.search(text)
    if first is not None and intent(text[: first.start()], language) in ("stop", "wait"):
        rest = text[first.end() :].strip()
    else:
        said = plain(text) if language != "zh" else plain(text).replace(" ", "")
        match = _FLOOR[language].match(said) if language in _FLOOR else None
        rest = said[match.end() :] if match else ""
    return rest or text


def leans(text: str, language: str) -> tuple[bool, bool]:
    """Whether a question says that it goes on from the one before ("and on Sundays?"), and whether it may ("is it
    far?")."""
    said = plain(text)
    goes_on = language in _LEANING and _LEANING[language].match(said) is not None
    return goes_on, goes_on or (language in _LEANING_WORDS and _LEANING_WORDS[language].search(said) is not None)


def _readings(said: str, language: str) -> Iterable[str]:
    """The text as it stands, without words that only fill, and without what is only polite."""
    if language == "zh":
        said = said.replace(" ", "")
    yield said
    if language == "en":
        yield re.sub(rf"^(?:{_FILLER} )+|(?: {_FILLER})+$", "", said)
    if language in _POLITE:
        yield _POLITE[language].sub("", said)
