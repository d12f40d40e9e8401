"""Documents become passages of plain text; bad ones are named."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.knowledge import KnowledgeError
from agent.knowledge.documents import MAX_PASSAGE_CHARS, parse, plain, read_folder

DOCUMENT = """---
title: "Opening hours"
topic: when we are open
---
<!-- also: late evening -->
We are **open** from [ten](https://x.example) to `six`.

## Mondays #
- We are closed
- We oil the *machines*!

| day | hours |
|-----|-------|
| Tue | 10–18 |

```python
print("never said")
```
"""


def test_sections_become_passages_without_marks() -> None:
    document = parse(DOCUMENT, "hours.md")
    assert document.topic == "when we are open"
    assert [(p.title, p.heading, p.text, p.also) for p in document.passages] == [
        ("Opening hours", "", "We are open from ten to six.", " late evening "),
        ("Opening hours", "Mondays", "We are closed. We oil the machines! day, hours. Tue, 10–18.", ""),
    ]


def test_the_title_is_the_first_heading_or_the_name() -> None:
    assert parse("# Our ships\nThree of them.", "a.md").passages[0].title == "Our ships"
    assert parse("Three of them.", "our-ships.txt").passages[0].title == "our ships"


def test_the_language_shows_or_is_told() -> None:
    assert parse("博物馆每天开放。", "a.md").language == "zh"
    assert parse("Open daily.", "a.md").language == "en"
    assert parse("---\nlanguage: zh\n---\nVisavis 1.0", "a.md").language == "zh"


def test_a_heading_in_code_is_no_heading() -> None:
    assert [p.heading for p in parse("## One\ntext\n```\n## Two\n```\nmore", "a.md").passages] == ["One"]


def test_long_sections_are_cut() -> None:
    passages = parse("A sentence of some length is here. " * 200, "a.md").passages
    assert len(passages) > 4
    assert max(len(passage.text) for passage in passages) <= MAX_PASSAGE_CHARS
    assert max(len(p.text) for p in parse("x" * 5000, "a.md").passages) <= MAX_PASSAGE_CHARS


@given(st.text(max_size=300))
def test_any_text_is_a_document(text: str) -> None:
    for passage in parse(text, "a.md").passages:
        assert passage.text.strip()
        assert "**" not in passage.text


@pytest.mark.parametrize(
    ("markdown", "expected"), [("a_b_c", "a_b_c"), ("_a_ b", "a b"), ("2 * 3 * 4", "2 * 3 * 4"), ("> q", "q")]
)
def test_plain(markdown: str, expected: str) -> None:
    assert plain(markdown) == expected


def test_a_folder_is_read_in_order_without_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("b.md", "a.txt", "sub/c.markdown", ".git/d.md", ".e.md", "f.pdf"):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbfText.\r\n")
    documents = read_folder(tmp_path)
    assert [document.passages[0].source for document in documents] == ["a.txt", "b.md", str(Path("sub/c.markdown"))]
    assert documents[0].passages[0].text == "Text."


def test_bad_folders_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="nowhere: not a folder"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(KnowledgeError, match="no Markdown or text files"):
        read_folder(tmp_path)
    (tmp_path / "a.md").write_bytes(b"ok \xff\xfe")
    with pytest.raises(KnowledgeError, match=r"a\.md: not UTF-8 text \(byte 3\)"):
        read_folder(tmp_path)
    (tmp_path / "a.md").write_text("x" * 100)
    with pytest.raises(KnowledgeError, match=r"a\.md: larger than 50 bytes"):
        read_folder(tmp_path, max_bytes=50)
    (tmp_path / "b.md").write_text("x")
    with pytest.raises(KnowledgeError, match="2 files; at most 1"):
        read_folder(tmp_path, max_files=1)
