"""Text normalisation: what is said for what is shown, and that every spoken word knows its shown one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.tts.normalise import normalise

ENGLISH = [
    # numbers
    ("0", "zero"),
    ("7 cats", "seven cats"),
    ("13", "thirteen"),
    ("42", "forty-two"),
    ("105", "one hundred and five"),
    ("999", "nine hundred and ninety-nine"),
    ("1,000", "one thousand"),
    ("2,001", "two thousand and one"),
    ("12,345", "twelve thousand three hundred and forty-five"),
    ("1,234,567", "one million two hundred and thirty-four thousand five hundred and sixty-seven"),
    ("1 000 000 people", "one million people"),
    ("3,000,000,000", "three billion"),
    ("123456789012345678", "one two three four five six seven eight nine zero one two three four five six seven eight"),
    ("3.14", "three point one four"),
    ("0.5", "zero point five"),
    ("-7", "minus seven"),
    ("−3.5", "minus three point five"),
    ("007", "zero zero seven"),
    ("1st, 2nd and 3rd", "first, second and third"),
    ("the 21st", "the twenty-first"),
    ("the 12th", "the twelfth"),
    ("the 100th", "the one hundredth"),
    ("1/2", "one half"),
    ("3/4 full", "three quarters full"),
    ("2 1/2", "two and a half"),
    ("2½ hours", "two and a half hours"),
    ("¾", "three quarters"),
    ("5/8", "five eighths"),
    ("24/7", "twenty-four seven"),
    ("10-12", "ten to twelve"),
    ("5–10 people", "five to ten people"),
    ("3 × 4", "three times four"),
    ("2x faster", "two times faster"),
    ("100+", "one hundred plus"),
    ("~20", "about twenty"),
    ("#5", "number five"),
    ("version 1.2.3", "version one dot two dot three"),
    # years and dates
    ("in 1987", "in nineteen eighty-seven"),
    ("in 1905", "in nineteen oh five"),
    ("in 1900", "in nineteen hundred"),
    ("in 2005", "in two thousand and five"),
    ("in 2025", "in twenty twenty-five"),
    ("1234 people", "one thousand two hundred and thirty-four people"),
    ("the 1990s", "the nineteen nineties"),
    ("the '80s", "the eighties"),
    ("1914–1918", "nineteen fourteen to nineteen eighteen"),
    ("c. 1850", "around eighteen fifty"),
    ("3 March 2025", "the third of March twenty twenty-five"),
    ("the 3rd of March", "the third of March"),
    ("March 3, 2025", "March the third twenty twenty-five"),
    ("Sept. 3", "September the third"),
    ("2025-03-14", "the fourteenth of March twenty twenty-five"),
    ("14/03/2025", "the fourteenth of March twenty twenty-five"),
    ("3/14/2025", "the fourteenth of March twenty twenty-five"),
    ("Mon–Fri", "Monday to Friday"),
    ("Tue-Sun", "Tuesday to Sunday"),
    ("The cat sat on the mat in the sun.", "The cat sat on the mat in the sun."),
    # times of day
    ("14:30", "two thirty p m"),
    ("8:05", "eight oh five"),
    ("10:00", "ten o'clock"),
    ("12:00", "noon"),
    ("0:30", "twelve thirty a m"),
    ("10:00–18:00", "ten o'clock to six p m"),
    ("5 pm", "five p m"),
    ("5:30 p.m. today", "five thirty p m today"),
    ("until 5 p.m.", "until five p m."),
    ("9am–5pm", "nine a m to five p m"),
    # money
    ("€12.50", "twelve euros fifty"),
    ("12,50 €", "twelve euros fifty"),
    ("€1", "one euro"),
    ("$3", "three dollars"),
    ("$3.99", "three dollars ninety-nine"),
    ("£5", "five pounds"),
    ("£0.50", "fifty pence"),
    ("£2.05", "two pounds and five pence"),
    ("¥20", "twenty yen"),
    ("€1,234.56", "one thousand two hundred and thirty-four euros fifty-six"),
    ("€1.234,56", "one thousand two hundred and thirty-four euros fifty-six"),
    ("$3 million", "three million dollars"),
    ("$5m", "five million dollars"),
    ("€5–8", "five to eight euros"),
    ("12 EUR", "twelve euros"),
    ("-$5", "minus five dollars"),
    # measures
    ("50%", "fifty percent"),
    ("12.5 %", "twelve point five percent"),
    ("25 °C", "twenty-five degrees Celsius"),
    ("-5°C", "minus five degrees Celsius"),
    ("1 km", "one kilometre"),
    ("5km", "five kilometres"),
    ("60 km/h", "sixty kilometres per hour"),
    ("2.5 kg", "two point five kilograms"),
    ("3.5 m²", "three point five square metres"),
    ("20 min", "twenty minutes"),
    ("16 GB", "sixteen gigabytes"),
    # telephone
    ("+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"),
    ("555-1234", "five five five, one two three four"),
    ("(020) 7946 0958", "zero two zero, seven nine four six, zero nine five eight"),
    # abbreviations and initials
    ("Dr. Smith", "Doctor Smith"),
    ("Mr. and Mrs. Jones", "Mister and Missis Jones"),
    ("St. James", "Saint James"),
    ("12 Harbour St.", "twelve Harbour Street."),
    ("e.g. coins", "for example coins"),
    ("stamps, etc.", "stamps, et cetera."),
    ("No. 5", "number five"),
    ("No. I said no.", "No. I said no."),
    ("p. 7", "page seven"),
    ("cats vs. dogs", "cats versus dogs"),
    ("the BBC", "the B B C"),
    ("the U.S.A. today", "the U S eigh today"),
    ("an AI", "an eigh I"),
    ("two PCs", "two P C's"),
    ("NASA", "NASA"),
    ("I am OK", "I am OK"),
    ("PLEASE STOP DOING THAT NOW", "PLEASE STOP DOING THAT NOW"),
    ("AT&T", "eigh T and T"),
    ("MP3", "M P three"),
    ("H2O", "H two O"),
    ("an A380", "an eigh three eighty"),
    ("COVID-19", "COVID nineteen"),
    ("Henry VIII", "Henry the eighth"),
    ("Elizabeth I.", "Elizabeth the first."),
    ("Elizabeth I think", "Elizabeth I think"),
    ("Chapter IV", "Chapter four"),
    ("World War II", "World War two"),
    ("J. S. Bach", "J S Bach"),
    # the web
    ("https://www.example.org/tickets?x=1", "example dot org slash tickets"),
    ("info@visavis.example", "info at visavis dot example"),
    ("See example.com.", "See example dot com."),
    # marks for the eye
    ("**Bold** and *italic*", "Bold and italic"),
    ("`code` and ~~gone~~", "code and gone"),
    ("[a link](https://x.y/z) here", "a link here"),
    ("![a map](map.png)", "a map"),
    ("# Title\n- one\n- two", "Title, one, two"),
    ("> quoted", "quoted"),
    ("snake_case", "snake case"),
    ("😀 hello 👍🏽 world ❤️", "hello world"),
    ("“Yes” — he said (twice)…", "Yes, he said, twice"),
    ("and/or", "and or"),
    ("rock & roll", "rock and roll"),
    ("well-known café, don’t", "well-known café, don't"),
    ("What?!", "What?"),
    ("", ""),
    ("😀", ""),
]

CHINESE = [
    ("你好，世界！", "你好，世界！"),
    ("200元", "两百元"),
    ("2元", "两元"),
    ("2个人", "两个人"),
    ("22个人", "二十二个人"),
    ("第2个", "第二个"),
    ("110", "一百一十"),
    ("10010", "一万零一十"),
    ("12345", "一万二千三百四十五"),
    ("20500", "两万零五百"),
    ("100000000", "一亿"),
    ("3.14", "三点一四"),
    ("-7", "负七"),
    ("2025年3月14日", "二零二五年三月十四日"),
    ("2025-03-14", "二零二五年三月十四日"),
    ("1949–1950年", "一九四九到一九五零年"),
    ("14:30", "十四点半"),
    ("2:05", "两点零五分"),
    ("10:00–18:00", "十点到十八点"),
    ("¥20", "二十元"),
    ("€12.50", "十二点五欧元"),
    ("$3", "三美元"),
    ("50%", "百分之五十"),
    ("1/2", "二分之一"),
    ("-5°C", "零下五摄氏度"),
    ("100km", "一百公里"),
    ("5公斤", "五公斤"),
    ("3-5岁", "三到五岁"),
    ("电话010-12345678", "电话零幺零，幺二三四五六七八"),
    ("１２个", "十二个"),
    ("AI和iPad", "A I 和 iPad"),
    ("**加粗**😀", "加粗"),
]


@pytest.mark.parametrize(("shown", "said"), ENGLISH)
def test_english(shown: str, said: str) -> None:
    assert normalise(shown, "en-GB").text == said


@pytest.mark.parametrize(("shown", "said"), CHINESE)
def test_chinese(shown: str, said: str) -> None:
    assert normalise(shown, "zh").text == said


def words(text: str, language: str = "en") -> list[tuple[str, str]]:
    spoken = normalise(text, language)
    return [(text[c:d], spoken.text[a:b]) for a, b, c, d in spoken.spans]


def test_a_shown_word_is_one_span_however_many_words_say_it() -> None:
    assert words("It costs €12.50, at **5 pm**.") == [
        ("It", "It"),
        ("costs", "costs"),
        ("€12.50", "twelve euros fifty"),
        ("at", "at"),
        ("5", "five"),
        ("pm", "p m"),
    ]


def test_a_chinese_character_is_a_word() -> None:
    assert words("我有200元。", "zh") == [("我", "我"), ("有", "有"), ("200", "两百"), ("元", "元")]


def test_other_languages_lose_only_their_marks() -> None:
    assert normalise("**Guten** Tag, 5 Euro", "de").text == "Guten Tag, 5 Euro"


MARKS = st.text(
    alphabet=st.sampled_from(
        list("0123456789.,:-–/€$£%°CkmhAaBIVX stndr'()[]*_`#@&+~!?<>。，第年月日万百元儿\n½é😀\u0301\ud800")
    ),
    max_size=60,
)


@given(st.text(max_size=60) | MARKS, st.sampled_from(["en", "zh", "fr"]))
def test_spans_are_ordered_and_inside_for_any_text(text: str, language: str) -> None:
    spoken = normalise(text, language)
    said = shown = 0
    for spoken_start, spoken_end, start, end in spoken.spans:
        assert said <= spoken_start < spoken_end <= len(spoken.text)
        assert shown <= start < end <= len(text)
        assert spoken.text[spoken_start:spoken_end].strip()
        said, shown = spoken_end, end


@pytest.mark.parametrize(
    "unit", ["1", "a1", "1 ", "(", "**a", "€1,", "www.", "a.b@", "1-", "[x](", "<a ", "A.", "1.1", "-"]
)
def test_long_nonsense_is_normalised_all_the_same(unit: str) -> None:
    assert len(normalise(unit * 1000, "en").spans) <= 3000
