"""Grounded answers over the built-in documents: true answers, honest ignorance, small talk, and follow-ups."""

import re
from pathlib import Path

import pytest

import agent.llm
from agent.knowledge import PACK, KnowledgeError
from agent.knowledge.documents import read_folder
from agent.llm import Citation, DialogueError, Message, Prompt, TextDelta, smalltalk
from agent.llm.grounded import GroundedAnswers
from agent.tts.normalise import normalise
from scripts.bench.answers import halves, measure, questions


@pytest.fixture(scope="module")
def engine() -> GroundedAnswers:
    from agent.knowledge.library import read_library  # noqa: PLC0415

    answers = GroundedAnswers()
    answers._shelves = read_library(None)
    return answers


def ask(engine: GroundedAnswers, *said: str, language: str = "en") -> tuple[str, Citation | None]:
    """Questions and answers in turn, the last being a question."""
    messages = tuple(Message("user" if i % 2 == 0 else "assistant", text) for i, text in enumerate(said))
    return engine.answer(Prompt(messages, language=language))


@pytest.mark.parametrize(
    ("question", "says", "title"),
    [
        ("What are your opening hours?", "10:00 to 18:00", "Opening hours"),
        ("what are your opening hours", "10:00 to 18:00", "Opening hours"),
        ("hello there when do you open", "10:00 to 18:00", "Opening hours"),
        ("how much is a ticket", "€9", "Tickets and prices"),
        ("where can i leave my coat", "left of the entrance", "Good to know: Cloakroom"),
        ("is there a cloak room", "left of the entrance", "Good to know: Cloakroom"),
        ("what is the tin orchastra", "eleven tin musicians", "The collection: The Tin Orchestra"),
        ("where is the restroom", "behind the café", "Good to know: Toilets"),
        ("do you record what i say", "not stored", "About Visavis: Privacy"),
        ("do you record what i say", "REC mark", "About Visavis: Privacy"),
        ("几点开门", "上午十点", "开放时间"),
        ("厕所在哪里", "一楼", "参观须知: 洗手间"),
    ],
)
def test_answers_come_from_a_cited_passage(engine: GroundedAnswers, question: str, says: str, title: str) -> None:
    text, citation = ask(engine, question)
    assert says in text
    assert citation is not None
    assert citation.title == title
    assert text in citation.passage
    assert (PACK / ("zh" if text[0] > "\u3000" else "en") / citation.source).is_file()


@pytest.mark.parametrize(
    "question",
    ["who is the president of france", "how tall is mount everest", "what is two plus two", "do you have dinosaurs"],
)
def test_what_no_document_says_is_not_known(engine: GroundedAnswers, question: str) -> None:
    text, citation = ask(engine, question)
    assert text.startswith("I don't know about that. You can ask me about ")
    assert citation is None


def test_not_knowing_in_chinese(engine: GroundedAnswers) -> None:
    assert ask(engine, "法国总统是谁")[0].startswith("这个我不知道。")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Hello!", "hello"),
        ("good morning", "hello"),
        ("how are you today", "how_are_you"),
        ("thank you very much", "thanks"),
        ("okay thanks bye", "thanks"),
        ("goodbye", "goodbye"),
        ("Who are you?", "who"),
        ("what's your name", "who"),
        ("are you a person", "person"),
        ("am i talking to a real person", "person"),
        ("are you a human or a robot", "person"),
        ("what can you do", "capabilities"),
        ("um what can i ask you", "capabilities"),
        ("can you repeat that please", "repeat"),
        ("what did you say", "repeat"),
        ("could you speak a little slower please", "slower"),
        ("slow down", "slower"),
        ("wait a moment", "wait"),
        ("hold on", "wait"),
        ("stop", "stop"),
        ("please be quiet", "stop"),
        ("请说慢一点", "slower"),
        ("你说得太快了", "slower"),
        ("等一下", "wait"),
        ("别说了", "stop"),
        ("what time is it", "now"),
        ("what's the weather like today", "now"),
        ("that's not what i asked", "sorry"),
        ("how old are you", "personal"),
        ("all right", "fine"),
        ("Could you please repeat that?", "repeat"),
        ("i didn't get that can you repeat", "repeat"),
        ("Can you slow down a bit?", "slower"),
        ("can you stop talking", "stop"),
        ("Could you stop?", "stop"),
        ("that's enough thank you", "stop"),
        ("hang on a minute", "wait"),
        ("hey Mira, would you wait a second please", "wait"),
        ("请停一下", "stop"),
        ("我没听清", "repeat"),
        ("麻烦再说一遍", "repeat"),
        ("等一会儿", "wait"),
        ("你好", "hello"),
        ("你是真人吗？", "person"),
        ("你能做什么？", "capabilities"),
        ("再说一遍", "repeat"),
        ("现在几点了", "now"),
    ],
)
def test_small_talk_is_recognised(said: str, name: str) -> None:
    assert smalltalk.intent(said, "zh" if said[0] > "\u3000" else "en") == name


@pytest.mark.parametrize(
    ("said", "rest"),
    [
        ("Stop. Tell me who made you.", "Tell me who made you."),
        ("wait how much is a ticket", "how much is a ticket"),
        ("hold on please where is it", "where is it"),
        ("等一下，厕所在哪里", "厕所在哪里"),
        ("wait times at the museum", "wait times at the museum"),
        ("停车场在哪里", "停车场在哪里"),
        ("stop", "stop"),
    ],
)
def test_who_asks_for_the_floor_is_answered_what_they_wanted_it_for(said: str, rest: str) -> None:
    assert smalltalk.without_floor(said, "zh" if said[0] > "\u3000" else "en") == rest


def test_no_question_of_the_set_with_an_answer_is_taken_for_small_talk() -> None:
    taken = [q.text for q in questions() if q.headings and smalltalk.intent(q.text, q.language)]
    assert taken == []


def test_it_says_that_it_is_an_ai(engine: GroundedAnswers) -> None:
    assert "AI" in ask(engine, "are you a real person")[0]
    assert all("AI" in greeting for greeting in agent.llm.greetings().values())
    assert set(agent.llm.greetings()) == {"en", "zh"}


def test_the_time_is_not_guessed(engine: GroundedAnswers) -> None:
    text, citation = ask(engine, "what time is it")
    assert citation is None
    assert not re.search(r"\d|o'clock", text)


def test_repeating_says_what_was_heard(engine: GroundedAnswers) -> None:
    assert ask(engine, "hello", "Hello! What would", "say that again")[0] == "I said: Hello! What would"
    assert ask(engine, "say that again")[0].startswith("I haven't said anything yet.")


def test_asked_to_be_slower_it_says_the_same_again(engine: GroundedAnswers) -> None:
    assert ask(engine, "hello", "Hello! What would", "slower please")[0] == "More slowly: Hello! What would"
    assert ask(engine, "你好", "您好！", "请说慢一点")[0] == "我说慢一点：您好！"


def test_braces_in_what_was_said_are_harmless(engine: GroundedAnswers) -> None:
    assert "{topics}" in ask(engine, "hi", "a {topics} b", "repeat that")[0]


@pytest.mark.parametrize(
    ("first", "then", "title"),
    [
        ("what are your opening hours", "and on sundays?", "Opening hours: Weekends"),
        ("what are your opening hours", "what about mondays", "Opening hours: Mondays"),
        ("how much is a ticket", "and for children", "Tickets and prices: Children's tickets"),
        ("几点开门", "那星期一呢", "开放时间: 星期一"),
    ],
)
def test_a_follow_up_leans_on_the_question_before(engine: GroundedAnswers, first: str, then: str, title: str) -> None:
    citation = ask(engine, first, "…", then)[1]
    assert citation is not None
    assert citation.title == title


def test_a_new_question_does_not_lean(engine: GroundedAnswers) -> None:
    text, citation = ask(engine, "what are your opening hours", "…", "who won the football match yesterday")
    assert citation is None
    assert text.startswith("I don't know")


@pytest.mark.parametrize("question", ["", "   ", "???", "😀", "\ud800", "a" * 20_000, "{0} {x}", "的的的"])
def test_any_question_gets_some_answer(engine: GroundedAnswers, question: str) -> None:
    assert ask(engine, question)[0]


def test_no_user_message_at_all(engine: GroundedAnswers) -> None:
    assert engine.answer(Prompt(()))[0].startswith("Hello")


async def test_the_reply_streams_by_sentence_and_then_cites(engine: GroundedAnswers) -> None:
    deltas = [delta async for delta in engine.reply(Prompt((Message("user", "when do you open"),)))]
    assert len(deltas) > 3
    assert [type(delta) for delta in deltas] == [TextDelta] * (len(deltas) - 1) + [Citation]
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == ask(engine, "when do you open")[0]


async def test_before_the_start_it_says_so() -> None:
    with pytest.raises(DialogueError, match="not loaded"):
        GroundedAnswers().answer(Prompt(()))


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(ValueError, match="known: grounded"):
        agent.llm.load("oracle")


async def test_documents_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "bees.md").write_text(
        "---\ntopic: our bees\n---\n# Bees\n"
        + "Nothing is said here. " * 20
        + "The hives stand behind the barn. "
        + "Nor here. " * 30
    )
    engine = agent.llm.load(folder=tmp_path)
    await engine.start()
    assert isinstance(engine, GroundedAnswers)
    text, citation = ask(engine, "where do the hives stand")
    assert "The hives stand behind the barn." in text
    assert len(text) < 330  # a few sentences of a long passage
    assert citation is not None
    assert citation.source == "bees.md"
    assert ask(engine, "what are your opening hours")[0] == "I don't know about that. You can ask me about our bees."
    assert "museum" not in "".join(agent.llm.greetings(tmp_path).values()).lower()
    await engine.stop()


async def test_a_folders_own_phrases(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Text.")
    (tmp_path / "pack.toml").write_text('[phrases]\ngreeting = "I am an AI for bees."\n')
    assert agent.llm.greetings(tmp_path)["en"] == "I am an AI for bees."
    (tmp_path / "pack.toml").write_text('[phrases]\nhello = ["Hi {name}"]\n')
    with pytest.raises(KnowledgeError, match=r"pack\.toml: phrases\.hello"):
        await agent.llm.load(folder=tmp_path).start()


async def test_a_bad_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="not a folder"):
        await agent.llm.load(folder=tmp_path / "nowhere").start()


async def test_the_owners_bounds_hold(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("# Bees\nThey live in the garden.")
    engine = agent.llm.load(folder=tmp_path, files=2, file_bytes=100)
    await engine.start()
    await engine.stop()
    with pytest.raises(KnowledgeError, match="2 files; at most 1"):
        await agent.llm.load(folder=tmp_path, files=1).start()
    with pytest.raises(KnowledgeError, match="larger than 10 bytes"):
        await agent.llm.load(folder=tmp_path, file_bytes=10).start()


def test_the_judging_half_of_the_question_set(engine: GroundedAnswers) -> None:
    figures = measure(engine._shelves, halves(questions())[1])
    assert figures["precision"] >= 0.85
    assert figures["answered_rightly"] >= 0.7
    assert figures["declined"] >= 0.88


def test_the_pack_is_pleasant_to_hear() -> None:
    """Short answers, nothing for the eye alone, and every number sayable."""
    for folder in (PACK / "en", PACK / "zh"):
        passages = [passage for document in read_folder(folder) for passage in document.passages]
        assert len(passages) >= 25
        for passage in passages:
            assert len(passage.text) <= 320, passage
            spoken = normalise(passage.text, folder.name)
            assert not re.search(r"[0-9€*_#\[\]<>]", spoken.text), spoken.text
            longest = max(map(len, re.split(r"[.!?。！？]", spoken.text)))
            assert longest <= 200, passage


def test_who_has_fallen_silent_is_asked_gently_and_not_answered_again(engine: GroundedAnswers) -> None:
    asked = (Message("user", "When are you open?"), Message("assistant", "From ten to six."))
    said = {engine.answer(Prompt(asked[:n], language="en", idle=True))[0] for n in (1, 2)}
    assert len(said) == 2
    assert all("still there" in text or "whenever" in text for text in said)
    chinese = (Message("user", "几点开门？"),)
    assert "您" in engine.answer(Prompt(chinese, language="zh", idle=True))[0]
