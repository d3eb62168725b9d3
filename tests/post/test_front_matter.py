"""Front matter: every repair, every error with its line, and nothing but ContentError whatever an author writes."""

from __future__ import annotations

import json

import pytest
from cases import Case, parametrize
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.errors import ContentError
from newsletter.post.front_matter import MAX_REPAIRS, FrontMatter, read_front_matter


def read(block: str, body: str = "\ntext\n") -> FrontMatter:
    return read_front_matter(f"---\n{block}\n---\n{body}", "post.md")


def described(block: str) -> str:
    try:
        front = read(block)
    except ContentError as error:
        return f"error {error}"
    values = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in front.values.items()]
    return "\n".join([*values, *(finding.at("post.md") for finding in front.findings)])


@parametrize("front_matter")
def test_cases(case: Case) -> None:
    assert described(case.source) == case.expected


def test_body_and_lines() -> None:
    front = read_front_matter("\n\n---\ntitle: a\ntags:\n  - b\nimage: c\n---\n\nfirst\nsecond", "post.md")
    assert front.body == "\nfirst\nsecond"
    assert front.body_line == 9
    assert front.key_lines == {"title": 4, "tags": 5, "image": 7}


@pytest.mark.parametrize(
    "text", ["", "just text", "- - -\ntitle: a\n---\n", "text\n---\ntitle: a\n---\n", "--\na: b\n--"]
)
def test_text_without_front_matter_is_all_body(text: str) -> None:
    front = read_front_matter(text, "post.md")
    assert (front.values, front.body, front.body_line) == ({}, text, 1)


def test_an_open_block_is_an_error_with_its_line() -> None:
    with pytest.raises(ContentError) as caught:
        read_front_matter("\n---\ntitle: a\n\ntext\n", "post.md")
    assert str(caught.value).startswith("post.md:2: the front matter is never closed; write `---`")


def test_empty_block() -> None:
    assert read_front_matter("---\n---\ntext", "post.md") == FrontMatter({}, "text", 3, block_line=2)


def test_words_that_yaml_would_read_otherwise() -> None:
    front = read("lang: no\ntitle: 12:30\nversion: 1.10\ndate: 2026-03-01")
    assert front.texts == {"lang": "no", "title": "12:30", "version": "1.10", "date": "2026-03-01"}
    assert front.values["lang"] is False


def test_a_control_character_is_named_with_its_place() -> None:
    with pytest.raises(ContentError) as caught:
        read("title: a\nauthor: b\x07c")
    assert str(caught.value) == "post.md:3:10: the front matter holds the control character U+0007; delete it"


def test_as_many_repairs_as_allowed_and_no_more() -> None:
    def block(count: int) -> str:
        return "\n".join(f'k{number}: "a "b" c"' for number in range(count))

    assert len(read(block(MAX_REPAIRS)).findings) == MAX_REPAIRS
    with pytest.raises(ContentError, match=f"post.md:{MAX_REPAIRS + 2}:"):
        read(block(MAX_REPAIRS + 1))


def test_deep_nesting_is_an_error() -> None:
    with pytest.raises(ContentError, match=r"post\.md:2: the front matter is nested too deep"):
        read("a: " + "[" * 3000 + "]" * 3000)


# `#` behind a space begins a comment: what follows is no part of the value, for YAML and for us.
INNER = st.text(alphabet="ab中：:,，?!-[]{}&*|>%@`'\"“”# ", max_size=24).filter(lambda text: " #" not in text)


@given(INNER)
@example('压力崩溃"')
@example('": "')
@example('"')
@example("a': 'b")
@pytest.mark.parametrize("quote", ['"', "'"])
def test_quoted_values_keep_every_word_or_are_refused(quote: str, inner: str) -> None:
    try:
        front = read(f"title: {quote}{inner}{quote}\nauthor: someone")
    except ContentError as error:
        assert str(error).startswith(("post.md:2", "post.md:3"))  # noqa: PT017 (either outcome is right)
        return
    assert front.values["author"] == "someone"
    if quote == "'":  # YAML's own way to write one quote, which a pair of stray ones cannot be told from
        assert front.values["title"].replace("''", "'") == inner.replace("''", "'")
    else:
        assert front.values["title"] == inner


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_whatever_stands_in_a_value_only_content_errors_are_raised(value: str) -> None:
    text = f'---\ntitle: "{value}"\ntags: {value}\n---\ntext'
    try:
        front = read_front_matter(text.replace("\r\n", "\n").replace("\r", "\n"), "post.md")
    except ContentError:
        return
    assert isinstance(front.body, str)
