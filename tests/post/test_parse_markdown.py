"""Markdown to blocks: the cases, and CommonMark's own examples, of which no word may be lost."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import lxml.html
import pytest
from cases import FOLDER, Case, outline, parametrize, read_cases
from growth import assert_linear
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import NodeScript, examples
from words import squeezed, words_of

from newsletter.model.issue import (
    Issue,
    Link,
    Paragraph,
)
from newsletter.model.rendered_email import Masthead
from newsletter.post.markdown.blocks import MarkdownError
from newsletter.post.markdown.parse_markdown import parse_markdown
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

BASE_URL = "https://blog.example/posts/"


def described(source: str) -> str:
    try:
        body = parse_markdown(source, base_url=BASE_URL)
    except MarkdownError as error:
        return f"error {error.line}"
    return outline(body.blocks, body.findings)


@parametrize("stories")
def test_stories(case: Case) -> None:
    assert described(case.source) == case.expected


@parametrize("digests")
def test_digests(case: Case) -> None:
    assert described(case.source) == case.expected


def test_a_list_of_any_shape_stays_a_list_without_stories() -> None:
    for case in read_cases("digests"):
        body = parse_markdown(case.source, base_url=BASE_URL, stories=False)
        assert "story" not in outline(body.blocks), case.title


def test_headings_that_link_to_the_page_itself_are_no_items() -> None:
    source = "\n\n".join(f"## [{name}](#{name})\n\nIt was built in a year." for name in ("harbour", "market", "road"))
    body = parse_markdown(source, page_url="https://blog.example/posts/1.html")
    assert "story" not in outline(body.blocks)
    assert "story" in outline(parse_markdown(source.replace("(#", "(https://a.example/#")).blocks)


def test_a_post_that_counts_in_headings_is_no_digest_for_that() -> None:
    """A howto in steps: numbers, but nothing to follow."""
    source = "\n\n".join(f"## {n}. {name}\n\nWait for it." for n, name in enumerate(("Boil", "Steep", "Drink"), 1))
    assert "story" not in outline(parse_markdown(source).blocks)


@parametrize("links")
def test_links(case: Case) -> None:
    assert described(case.source) == case.expected


@parametrize("blocks")
def test_blocks(case: Case) -> None:
    assert described(case.source) == case.expected


@parametrize("boxes")
def test_boxes(case: Case) -> None:
    body = parse_markdown(case.source)
    assert outline(body.blocks, body.findings) == case.expected


@parametrize("containers")
def test_containers(case: Case) -> None:
    body = parse_markdown(case.source)
    assert outline(body.blocks, body.findings) == case.expected


@parametrize("constructs")
def test_constructs(case: Case) -> None:
    body = parse_markdown(case.source, base_url="https://blog.example/")
    assert outline(body.blocks, body.findings) == case.expected


def test_line_numbers_go_on_after_a_mark_of_several_lines() -> None:
    body = parse_markdown("**甲\n乙** *丙\n丁* [戊\n己](https://a.example) ~~a\nb~~\n![](x:y)")
    assert [(finding.line, finding.code) for finding in body.findings] == [(6, "image-scheme")]


def test_lines_count_in_the_file() -> None:
    body = parse_markdown("甲\n\n![](x:y)\n", first_line=10)
    assert [block.line for block in body.blocks] == [10]
    assert [finding.line for finding in body.findings] == [12]


def test_a_finding_says_what_to_write_instead() -> None:
    (finding,) = parse_markdown("文 ** 重点 ** 字").findings
    assert finding.at("p.md") == "p.md:1: spaces inside ** keep “重点” from being bold; write **重点**"


def test_a_relative_link_without_a_site_keeps_its_text() -> None:
    body = parse_markdown("见[关于](/about)。")
    assert outline(body.blocks, body.findings) == "p @1 见关于。\n! 1 link-relative"


def test_a_paragraph_that_turns_out_to_be_no_story_is_reported_once() -> None:
    body = parse_markdown("1.文 ** 重点 ** 字")
    assert outline(body.blocks, body.findings) == "p @1 1.文 <b>重点</b> 字\n! 1 bold-spaces"


def test_a_number_hidden_by_a_mark_is_no_story() -> None:
    assert outline(parse_markdown("1.<b>5 倍\n\n2.甲").blocks) == "p @1 1.5 倍\np @3 2.甲"


def test_a_fence_that_ends_in_text_is_open() -> None:
    with pytest.raises(MarkdownError):
        parse_markdown("```\n甲\n\n乙 ```\n")


def test_text_nested_beyond_the_limit_is_named() -> None:
    body = parse_markdown(">" * 300 + " deep\n\nafter")
    assert [finding.code for finding in body.findings] == ["nesting"]
    assert isinstance(body.blocks[-1], Paragraph)


def test_text_nested_within_the_limit_is_whole() -> None:
    body = parse_markdown(">" * 40 + " deep")
    assert body.findings == ()
    assert words_of(body.blocks) == ["deep"]


@pytest.mark.parametrize("count", [300, 20_000])
def test_nested_html_keeps_its_words(count: int) -> None:
    body = parse_markdown("<div>" * count + "deep" + "</div>" * count)
    assert words_of(body.blocks) == ["deep"]


HOSTILE = [*"*_`[]<>-#|", *("**", "```", "](", ")", "![", "1.", "\\", "a", "中", "。", "https://a.cn", "<div>", "&#0;")]
SPACES = ["\n", "\n\n", " ", "    ", "1. ", "- ", "\ufffd"]


@given(st.lists(st.sampled_from(HOSTILE + SPACES)))
@settings(max_examples=examples(300))
def test_nothing_but_an_open_fence_is_refused(pieces: list[str]) -> None:
    source = "".join(pieces)
    try:
        body = parse_markdown(source, base_url=BASE_URL)
    except MarkdownError as error:
        assert source.split("\n")[error.line - 1].lstrip(" >-1.*").startswith("```")  # noqa: PT017
        return
    for finding in body.findings:
        assert finding.line is not None
        assert 1 <= finding.line <= source.count("\n") + 1


@pytest.mark.parametrize("source", ["[" * 5000, "![" * 5000, "[](" * 5000, "x\n" + "[a][b] " * 2000])
def test_more_brackets_than_any_text_has_are_refused(source: str) -> None:
    with pytest.raises(MarkdownError) as caught:
        parse_markdown("甲\n\n" + source, first_line=5)
    assert (caught.value.line, str(caught.value)) == (7, "a paragraph has more than 2,000 opening brackets")


def test_as_many_brackets_as_are_allowed_are_read() -> None:
    for source in ("[" * 2000, "![" * 2000, "[](" * 2000, "[a](b) " * 2000, "[" * 2000 + "](x)" * 2000, "^[" * 2000):
        parse_markdown(source)
    body = parse_markdown("[a](https://b.example) " * 2000)
    assert outline(body.blocks).count("<a https://b.example>") == 2000


@pytest.mark.parametrize(
    "source",
    ["*" * 2000 + "a" + "*" * 2000, "*a **b " * 900 + "c** d*" * 900, "![" + "*" * 900 + "a" + "*" * 900 + "](x)"],
)
def test_marks_inside_too_many_marks_go_and_words_stay(source: str) -> None:
    words = "".join(words_of(parse_markdown(source).blocks))
    assert re.sub(r"\W", "", words) == re.sub(r"\W", "", source.replace("](x)", ""))


@pytest.mark.parametrize(
    "source",
    [
        *("*a **b " * 2000, "<" * 5000, ">" * 5000, "` `` " * 2000, "- " * 2000, "a|" * 3000, "a<br>" * 8_000),
        *(
            "x <a " + " ".join(f"a{number}" for number in range(40_000)) + ">y</a>",
            "a\n" * 8_000,
            "https:///" * 8_000,
        ),
        *(
            "https://a.example/" + ")" * 80_000,
            "".join(f"[^{number}]: a\n\n" for number in range(5_000)),
            "$a " * 8_000,
        ),
    ],
    ids=lambda source: source[:6],
)
def test_hostile_length_takes_calls_in_proportion(source: str) -> None:
    parse_markdown(source)
    assert_linear(parse_markdown, source, MarkdownError)


# --- CommonMark -----------------------------------------------------------------------------------------------------


def reference_words(html: str) -> list[str]:
    """The words of a reference answer, one entry for each of its text nodes, white space left out."""
    root = lxml.html.document_fromstring(f"<div>{html}</div>")
    nodes = [squeezed(str(text)) for text in root.xpath(".//text()[not(ancestor::script or ancestor::style)]")]
    nodes += [squeezed(str(alt)) for alt in root.xpath(".//img/@alt")]
    return [node for node in nodes if node]


def complaint(example: dict[str, Any]) -> str:
    """What is wrong with our reading of an example, or nothing."""
    try:
        blocks = parse_markdown(example["markdown"], base_url=BASE_URL, smart_punctuation=False).blocks
    except MarkdownError:
        return "unclosed fence"
    ours = squeezed("".join(words_of(blocks)))
    lost = [words for words in reference_words(example["html"]) if words not in ours]
    fewer = Counter("".join(reference_words(example["html"]))) - Counter(ours)
    return f"lost {lost}" if lost else f"lost characters {dict(fewer)}" if fewer else ""


@pytest.fixture(scope="module")
def examples(node_script: NodeScript) -> list[dict[str, Any]]:
    return list(node_script("commonmark", []))


def exceptions() -> Iterator[tuple[int, str]]:
    """Numbers of the examples that we read otherwise, each with its reason."""
    table = tomllib.loads((FOLDER / "commonmark_exceptions.toml").read_text("utf-8"))
    for entry in table["exception"]:
        for number in entry["examples"]:
            yield number, entry["reason"]


def test_commonmark_examples_keep_their_words(examples: list[dict[str, Any]]) -> None:
    known = dict(exceptions())
    complaints = {example["number"]: found for example in examples if (found := complaint(example))}
    assert len(examples) > 640
    assert {number: found for number, found in complaints.items() if number not in known} == {}
    # An exception that no longer occurs would hide the next one.
    assert sorted(set(known) - set(complaints)) == []


def test_commonmark_exceptions_have_reasons() -> None:
    numbers = [number for number, _ in exceptions()]
    assert len(numbers) == len(set(numbers))
    assert all(len(reason) > 20 for _, reason in exceptions())


def test_commonmark_examples_render(examples: list[dict[str, Any]], tmp_path: Any) -> None:
    """Each section's examples as one issue: MJML and HTML are made of all of them, and no word is lost on the way."""
    theme = load_theme("classic", tmp_path)
    sections: dict[str, list[Any]] = {}
    for example in examples:
        try:
            blocks = parse_markdown(example["markdown"], base_url=BASE_URL, smart_punctuation=False).blocks
        except MarkdownError:
            continue
        sections.setdefault(example["section"], []).extend(blocks)
    for section, blocks in sections.items():
        if not blocks:
            continue
        email = render_issue(Issue("s", section, tuple(blocks), "en"), theme, Masthead())
        html = "".join(str(part) for part in email.html.parts)
        root = lxml.html.document_fromstring(html)
        shown = squeezed(root.body.text_content()) + squeezed("".join(str(alt) for alt in root.xpath("//img/@alt")))
        for words in words_of(tuple(blocks)):
            for line in words.split("\n"):
                assert squeezed(line) in shown, (section, words)


def test_every_link_of_the_commonmark_examples_is_one_that_mail_clients_follow(examples: list[dict[str, Any]]) -> None:
    schemes = set()
    for example in examples:
        try:
            blocks = parse_markdown(example["markdown"], base_url=BASE_URL, smart_punctuation=False).blocks
        except MarkdownError:
            continue
        schemes.update(re.findall(r"<a ([a-zA-Z+.\-]+):", outline(blocks).lower()))
        assert "javascript:" not in outline(blocks)
    assert schemes == {"http", "https", "mailto"}


def test_links_keep_their_label() -> None:
    assert Link("https://a.example", ()).label == "https://a.example"
