"""Raw HTML to blocks: no word lost, nothing that runs, and no HTML that takes long or crashes."""

from __future__ import annotations

import re

import lxml.html
import pytest
from cases import outline
from growth import assert_linear
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import examples
from words import squeezed, words_of

from newsletter.model.findings import Finding
from newsletter.model.issue import Blocks, Link, Paragraph, Video, walk
from newsletter.post.markdown.link_targets import LinkTargets
from newsletter.post.markdown.raw_html import MAX_DEPTH, read_html
from newsletter.post.markdown.videos import watch_page
from newsletter.post.source_links import SourceLinks


def read(source: str, line: int = 1) -> tuple[Blocks, list[Finding]]:
    findings: list[Finding] = []
    targets = LinkTargets(SourceLinks("https://blog.example/"), findings)
    return tuple(read_html(source, line, targets)), findings


def words(source: str) -> str:
    return squeezed("".join(words_of(read(source)[0])))


@pytest.mark.parametrize(
    ("source", "page", "poster"),
    [
        (
            "https://www.youtube.com/embed/dQw4w9WgXcQ?start=3",
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "https://img.youtube.com/vi/dQw4w9WgXcQ/hqdefault.jpg",
        ),
        (
            "//www.youtube-nocookie.com/embed/dQw4w9WgXcQ",
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "https://img.youtube.com/vi/dQw4w9WgXcQ/hqdefault.jpg",
        ),
        ("player.bilibili.com/player.html?bvid=BV1xx411c7mD", "https://www.bilibili.com/video/BV1xx411c7mD", ""),
        ("https://player.bilibili.com/player.html?aid=1", "https://player.bilibili.com/player.html?aid=1", ""),
        ("https://player.vimeo.com/video/76979871?h=x", "https://vimeo.com/76979871", ""),
        (
            "https://youtube.com.evil.example/embed/dQw4w9WgXcQ",
            "https://youtube.com.evil.example/embed/dQw4w9WgXcQ",
            "",
        ),
        ("https://a.example/v.mp4", "https://a.example/v.mp4", ""),
        ("http://[", "http://[", ""),
        ("", "", ""),
    ],
)
def test_where_a_player_can_be_watched(source: str, page: str, poster: str) -> None:
    assert watch_page(source) == (page, poster)


def test_a_bilibili_number_is_not_trusted() -> None:
    blocks, _ = read('<iframe src="//player.bilibili.com/player.html?bvid=../../x%22onload=1"></iframe>')
    assert blocks == (Video("https://player.bilibili.com/player.html?bvid=../../x%22onload=1", "", None, 1),)


def test_all_lines_are_the_blocks_own() -> None:
    blocks, findings = read('<p>a</p>\n\n<ul><li>b</li></ul><a href="wx:y">c</a>', line=7)
    assert [block.line for block in walk(blocks)] == [7, 7, 7, 7]
    assert [finding.line for finding in findings] == [7]


@pytest.mark.parametrize("count", [MAX_DEPTH, MAX_DEPTH + 1, 5_000, 20_000])
@pytest.mark.parametrize("tag", ["div", "blockquote", "ul><li", "table><tr><td", "b", "span", "section></i"])
def test_deep_html_keeps_its_words(tag: str, count: int) -> None:
    blocks, findings = read(f"<{tag}>" * count + "deep")
    assert words(f"<{tag}>" * count + "deep") == "deep"
    assert [finding.code for finding in findings] in ([], ["html-nesting"])
    if count > MAX_DEPTH * 3 and tag not in ("b", "span"):
        assert [finding.code for finding in findings] == ["html-nesting"]
        assert len(blocks) == 1


@pytest.mark.parametrize("control", ["\x00", "\x01", "\x0c", "\x1f", "\ufffe", "\uffff", "\ud800"])
@pytest.mark.parametrize(
    "shape", ["{}甲<p>乙</p>", "<p>甲{}乙</p>", "<p title='{}'>甲乙</p>", "<p>甲</p>{}<a href='{}'>乙</a>"]
)
def test_control_characters_vanish(control: str, shape: str) -> None:
    assert words(shape.replace("{}", control)) == "甲乙"


def test_a_figures_caption_without_a_picture_is_text() -> None:
    assert outline(read("<figure><pre>x</pre><figcaption>题</figcaption></figure>")[0]) == "code @1\n  |x\np @1 题"


def test_links_around_boxes_keep_their_address() -> None:
    blocks, _ = read('<a href="https://a.example"><div>甲</div><p>乙</p></a>')
    links = [
        node for block in blocks if isinstance(block, Paragraph) for node in block.inlines if isinstance(node, Link)
    ]
    assert {link.href for link in links} == {"https://a.example"}
    assert squeezed("".join(words_of(blocks))) == "甲乙"


@pytest.mark.parametrize(
    ("source", "letters"),
    [
        ("<dl><div>Zoll</div></dl>", "Zoll"),
        ("<dl>A<div>B<dt>C</dt>D<dd>E</dd>F</div>G<p>H</p></dl>", "ABCDEFGH"),
        ("<dl><div><div><dt>A</dt><dd>B</dd></div></div></dl>", "AB"),
        ("<dl><div><b>A</b> B<i>C</i></div></dl>", "ABC"),
    ],
)
def test_what_a_definition_list_holds_beside_its_terms_stays(source: str, letters: str) -> None:
    assert sorted(words(source)) == sorted(letters)


@pytest.mark.parametrize(
    "source",
    ["<p></<!-- c -->Zoll</p>", "<p></ <x-y> Zoll", "<p></ <noscript> Zoll</p>", "<p></ Zoll", "</<b>Zoll</b>"],
)
def test_an_end_of_nothing_swallows_nothing(source: str) -> None:
    assert "Zoll" in words(source)


NAMES = [
    *(
        "p",
        "div",
        "b",
        "i",
        "a",
        "span",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "table",
        "caption",
        "thead",
        "tr",
        "td",
        "th",
    ),
    *(
        "h2",
        "blockquote",
        "pre",
        "code",
        "figure",
        "figcaption",
        "details",
        "summary",
        "q",
        "center",
        "br",
        "hr",
        "form",
    ),
]
TAGS = st.one_of(
    st.sampled_from([f"<{name}>" for name in NAMES]),
    st.sampled_from([f"</{name}>" for name in NAMES]),
    st.sampled_from(
        ["<a href=x>", '<img src=a alt="图">', "<!-- c -->", "<", "&lt;b&gt;", "&", "\n\n", " ", "</", "<x-y>"]
    ),
)


@given(st.lists(st.one_of(TAGS, st.integers(100, 999).map(str)), max_size=25))
@settings(max_examples=examples(400))
def test_no_word_is_lost_or_said_twice(pieces: list[str]) -> None:
    # A space keeps a number apart from `<` and `&`, which would make it part of a tag.
    source = " ".join(pieces)
    blocks, _ = read(source)
    shown = re.sub(r"</ (?=[^<>]*(?:<|$))", "&lt;/ ", source).replace("<!-- c -->", "")
    root = lxml.html.fragment_fromstring(shown, create_parent="div")
    assert sorted(re.findall(r"\d{3}", " ".join(words_of(blocks)))) == sorted(re.findall(r"\d{3}", root.text_content()))


@pytest.mark.parametrize(
    "source",
    [
        *("<" * 100_000, "<a " * 50_000, "&" * 100_000, "<!--" * 30_000, "<p>" * 30_000, "</p>" * 30_000),
        *("<p><b x=1>" * 10_000, "<table><tr><td>" * 5_000, "<div><table></div>" * 5_000, "<a href=x>" * 10_000),
        *(
            "<div " + "x " * 400_000,
            "<div" + "/x" * 400_000,
            "<div x " * 100_000,
            "<p x='>' " + "y=1 " * 200_000,
            "<i " + "x=" * 15_000 + ">",
        ),
        *("<br>" * 30_000, "<ul><li>x" * 5_000, "<div></i>" * 20_000, "<pre>" * 10_000, "<p>x</p>" * 20_000),
    ],
    ids=lambda source: source[:12],
)
def test_hostile_length_takes_calls_in_proportion(source: str) -> None:
    assert_linear(read, source)
