"""The text part: width, line breaks that Chinese typography allows, URLs that survive, and no word lost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import examples

from newsletter.model.issue import (
    Block,
    Blocks,
    Break,
    Code,
    CodeBlock,
    Definitions,
    Emphasis,
    Figure,
    Footnotes,
    Heading,
    Image,
    Inlines,
    Issue,
    Link,
    ListBlock,
    ListItem,
    Note,
    Paragraph,
    Quote,
    Rule,
    Story,
    Strong,
    Summary,
    Table,
    Text,
    Video,
)
from newsletter.model.rendered_email import Masthead
from newsletter.render.columns import columns
from newsletter.render.plain_text import WIDTH, render_text, wrap

LABELS: Mapping[str, Any] = {
    "why": "You subscribed to {name}.",
    "why_unnamed": "You subscribed.",
    "view_in_browser": "View in browser",
    "unsubscribe": "Unsubscribe",
}
LONG_URL = "https://a.example/" + "path/" * 30 + "?q=1&r=" + "x" * 40


def text_of(*blocks: Block, masthead: Masthead | None = None, url: str = "", description: str = "") -> str:
    issue = Issue("s", "Title", blocks, "en", description=description, url=url)
    return render_text(issue, masthead or Masthead(), LABELS, lambda field: f"<{field}>")


def body_of(*blocks: Block) -> str:
    """The text between the title and the footer."""
    text = text_of(*blocks)
    return text.split("=\n\n", 1)[1].rsplit("\n\n" + "-" * WIDTH, 1)[0]


def paragraph(text: str) -> Paragraph:
    return Paragraph((Text(text),))


# --- width ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc", 3),
        ("中文", 4),
        ("ＡＢ", 4),
        ("ｱ", 1),
        ("，。", 4),
        ("“a”", 3),
        ("e\u0301", 1),
        ("a\u200db", 2),
        ("😀", 2),
        ("한글", 4),
        ("é", 1),
        ("", 0),
    ],
)
def test_columns(text: str, expected: int) -> None:
    assert columns(text) == expected


def test_lines_end_at_the_same_column_in_every_script() -> None:
    assert [columns(line) for line in wrap("中" * 100)] == [72, 72, 56]
    assert [columns(line) for line in wrap("abcdefgh " * 20)] == [71, 71, 35]


def test_latin_words_stay_whole() -> None:
    text = "The quick brown fox jumps over the lazy dog again and again until the line is surely long enough"
    lines = wrap(text)
    assert len(lines) > 1
    assert " ".join(lines) == text


def test_a_word_longer_than_the_line_stands_alone_and_whole() -> None:
    assert wrap(f"before {LONG_URL} after") == ["before", LONG_URL, "after"]


def test_indents_count() -> None:
    lines = wrap("中" * 80, "   ", "12. ")
    assert lines[0].startswith("12. 中")
    assert all(line.startswith("   中") for line in lines[1:])
    assert max(columns(line) for line in lines) <= WIDTH


@pytest.mark.parametrize("mark", "，。、；：！？）】》」』”’…,.;:!?)]}%")
@pytest.mark.parametrize("offset", [34, 35, 36, 37])
def test_no_closing_mark_begins_a_line(mark: str, offset: int) -> None:
    lines = wrap("中" * offset + mark + "文" * 40)
    assert "".join(lines) == "中" * offset + mark + "文" * 40
    assert not any(line.startswith(mark) for line in lines)
    assert max(columns(line) for line in lines) <= WIDTH


@pytest.mark.parametrize("mark", "（【《「『“‘([{")
@pytest.mark.parametrize("offset", [34, 35, 36])
def test_no_opening_mark_ends_a_line(mark: str, offset: int) -> None:
    lines = wrap("中" * offset + mark + "文" * 40)
    assert not any(line.endswith(mark) for line in lines)
    assert max(columns(line) for line in lines) <= WIDTH


WRAPPABLE = st.text(alphabet="ab 中文。，（）「」“”!?…한글Ａ é", max_size=300)


@given(WRAPPABLE, st.sampled_from(["", "  ", "      "]))
def test_wrapping_keeps_every_character_and_the_width(text: str, indent: str) -> None:
    lines = wrap(text, indent)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)
    for line in lines:
        assert line == line.rstrip()
        words = line.split()
        assert columns(line) <= WIDTH or len(words) == 1, line
        if columns(line) > WIDTH:  # only marks that must not part from their neighbours make a line too long
            assert re.search(r"[ab]{40}|[^中文한글Ａ]{20}", line), line


# --- blocks ---------------------------------------------------------------------------------------------------------


def test_a_story_has_its_number_its_text_and_each_url_alone() -> None:
    story = Story(
        7,
        (Text("标题"),),
        (paragraph("正文。"),),
        (Link("https://a.example/1", (Text("原文链接"),)), Link(LONG_URL, (Text("演示"),))),
        (Image("a.png", "波形"), Image("b.png", "", href="https://a.example/b"), Image("c.png", "图")),
    )
    assert body_of(story) == (
        "7. 标题\n   正文。\n   [波形]\n   https://a.example/b\n"
        f"   原文链接:\n   https://a.example/1\n   演示:\n   {LONG_URL}"
    )


@pytest.mark.parametrize("alt", ["", "图片", "图", "Image", " 图 片 ", "…"])
def test_an_alternative_text_that_says_nothing_is_left_out(alt: str) -> None:
    picture = Image("a.png", alt, "题")
    assert body_of(Figure(picture)) == "题"
    assert body_of(Story(1, (), (paragraph("正文。"),), images=(picture,))) == "1. 正文。\n   题"


def test_a_video_is_its_title_and_its_address() -> None:
    assert body_of(Video("https://a.example/v.mp4", "演示", Image("p.jpg", "海报"))) == "演示\nhttps://a.example/v.mp4"
    assert body_of(Video("https://a.example/v.mp4")) == "https://a.example/v.mp4"


def test_links_of_headings_cells_and_terms_lead_somewhere() -> None:
    link: Inlines = (Text("见"), Strong((Link("https://a.example/1", (Text("甲"),)),)))
    bare: Inlines = (Link("https://a.example/2", (Text("https://a.example/2"),)),)
    assert body_of(Heading(2, link)) == "见甲\n====\nhttps://a.example/1"
    assert body_of(Table((link,), ((bare,),))) == (
        "见甲\nhttps://a.example/2\n甲:\nhttps://a.example/1\nhttps://a.example/2"
    )
    assert body_of(Definitions(((link, (paragraph("义"),)),))) == "见甲\nhttps://a.example/1\n    义"


@pytest.mark.parametrize("alt", ["鸟", ""])
def test_the_link_of_a_picture_in_a_cell_is_not_lost(alt: str) -> None:
    cell: Inlines = (Image("https://a.example/b.png", alt, href="https://a.example/z"), Text(" 词"))
    label = f"{alt}:\n" if alt else ""
    assert body_of(Table((), ((cell,),))) == f"{alt} 词\n{label}https://a.example/z".lstrip()


def test_tasks_definitions_and_footnotes() -> None:
    tasks = ListBlock((ListItem((paragraph("甲"),), True), ListItem((paragraph("乙"),), False)))
    terms = Definitions((((Text("词"),), (paragraph("义一"), paragraph("义二"))), ((Text("空"),), ())))
    notes = Footnotes(((paragraph("注一"),), (paragraph("注二"), paragraph("再注"))))
    referring = Paragraph((Text("文"), Note(1), Text("。")))
    assert body_of(referring, tasks, terms, notes) == (
        "文[1]。\n\n[x] 甲\n[ ] 乙\n\n词\n    义一\n\n    义二\n空\n\n[1] 注一\n[2] 注二\n\n    再注"
    )


def test_nothing_is_wider_than_the_line_however_deep_it_stands() -> None:
    long = paragraph("中文，" * 60 + "and some Latin words " * 8)
    nested = ListBlock((ListItem((long, Quote((long, ListBlock((ListItem((long,)),), start=100))))),))
    text = text_of(Story(123, (Text("标" * 60),), (long, nested)), Quote((Quote((long,)),)), nested)
    assert max(columns(line) for line in text.split("\n")) <= WIDTH


def test_text_keeps_some_room_where_indents_fill_the_line() -> None:
    block: Block = paragraph("中文，" * 20)
    for _ in range(40):
        block = ListBlock((ListItem((block,)),))
    assert max(len(line.strip()) for line in body_of(block).split("\n")) > 8


def test_an_empty_story_keeps_its_number() -> None:
    assert body_of(Story(2, (), ())) == "2."


def test_links_in_a_sentence() -> None:
    inlines: Inlines = (
        Text("见"),
        Link("https://a.example/1", (Text("甲"),)),
        Text("和"),
        Strong((Link(LONG_URL, (Text("乙"),)),)),
        Text("。"),
    )
    assert body_of(Paragraph(inlines)) == f"见甲和乙。\n甲:\nhttps://a.example/1\n乙:\n{LONG_URL}"


def test_a_link_that_is_all_of_a_paragraph_is_named_once() -> None:
    button = Link("https://a.example/1", (Text("Confirm"),))
    assert body_of(Paragraph((button,))) == "Confirm:\nhttps://a.example/1"
    assert body_of(Paragraph((Text("Confirm: "), button))) == "Confirm: Confirm\nhttps://a.example/1"


def link(href: str, label: str = "") -> Link:
    return Link(href, (Text(label or href),))


@pytest.mark.parametrize(
    ("inlines", "shown"),
    [
        ((Text("See "), link("https://a.example/x"), Text(". More.")), "See https://a.example/x. More."),
        ((Text("("), link("https://a.example"), Text("), and")), "(https://a.example), and"),
        ((Text("见"), link("https://a.example/x"), Text("，配图。")), "见 https://a.example/x ，配图。"),
        ((Text("「"), link("https://a.example/x"), Text("」を")), "「https://a.example/x 」を"),
        ((Text("a “"), link("https://a.example/x"), Text("”.")), "a “https://a.example/x ”."),
        ((Text("«"), link("https://a.example/x"), Text("»")), "«https://a.example/x »"),
        ((Text("so —"), link("https://a.example/x"), Text("—")), "so — https://a.example/x —"),
        ((link("https://a.example/x"),), "https://a.example/x"),
        ((Text("Write to "), link("mailto:me@a.example", "me@a.example"), Text(".")), "Write to me@a.example."),
        ((link("mailto:me@a.example?subject=x", "me"),), "me:\nmailto:me@a.example?subject=x"),
        ((Text("Go to "), link("https://www.a.example/", "a.example"), Text("!")), "Go to https://www.a.example/!"),
    ],
)
def test_a_bare_address_stands_in_its_sentence(inlines: Inlines, shown: str) -> None:
    assert body_of(Paragraph(inlines)) == shown


@pytest.mark.parametrize("mark", [*"“‘„«‹（「《【", "("])
@pytest.mark.parametrize("offset", range(4))
def test_no_line_ends_between_an_opening_mark_and_an_address(mark: str, offset: int) -> None:
    words = Text("x" * (44 + offset) + f" word {mark}")
    assert any(
        line.startswith(f"{mark}https://a.example/")
        for line in body_of(Paragraph((words, link("https://a.example/a/long/way")))).split("\n")
    )


@pytest.mark.parametrize("label", ["me", "about-me", "e", "/about-me", "a.example/about"])
def test_a_label_that_only_ends_as_its_address_does_is_no_address(label: str) -> None:
    inlines: Inlines = (Text("Ask "), link("https://a.example/about-me", label), Text(" first."))
    assert body_of(Paragraph(inlines)) == f"Ask {label} first.\n{label}:\nhttps://a.example/about-me"


def test_a_long_address_is_not_broken() -> None:
    inlines: Inlines = (Text("地址："), link(LONG_URL), Text("，配图。"))
    assert body_of(Paragraph(inlines)).split("\n") == ["地址：", f"{LONG_URL} ，", "配图。"]


def test_blocks() -> None:
    blocks: Blocks = (
        Heading(2, (Text("一"),)),
        Heading(3, (Text("two"),)),
        Summary(("甲", "乙")),
        ListBlock((ListItem((paragraph("a"), paragraph("b"))), ListItem((paragraph("c"),), checked=True))),
        ListBlock((ListItem((paragraph("d"),)),), start=9),
        Quote((paragraph("e"), paragraph("f"))),
        CodeBlock("x = 1\n\n  y"),
        Table(((Text("h"),), (Text("i"),)), (((Text("1"),), (Code("2"),)),)),
        Rule(),
        Figure(Image("a.png", "alt", "caption")),
        Paragraph((Text("g"), Break(), Emphasis((Text("h"),)))),
    )
    assert body_of(*blocks) == "\n\n".join(
        [
            "一\n==",
            "two\n---",
            "* 甲\n* 乙",
            "* a\n\n  b\n[x] c",
            "9. d",
            "> e\n>\n> f",
            "    x = 1\n\n      y",
            "h | i\n1 | 2",
            "* * *",
            "[alt]\ncaption",
            "g\nh",
        ]
    )


def test_frame() -> None:
    text = text_of(
        paragraph("x"),
        masthead=Masthead("News", "1 Example Street", unsubscribe=True),
        url="https://a.example/issue",
        description="what it is",
    )
    assert text == (
        "News\n\nTitle\n=====\n\nwhat it is\n\nx\n\n" + "-" * WIDTH + "\nYou subscribed to News.\n1 Example Street\n\n"
        "View in browser:\nhttps://a.example/issue\n\nUnsubscribe:\n<unsubscribe_url>\n"
    )


def test_a_description_is_not_said_twice() -> None:
    assert "what it is" not in text_of(Summary(("what it is, at length",)), description="what it is").split("* ")[0]


@pytest.mark.parametrize("description", ["Title", "title.", "  TITLE …"])
def test_a_description_that_is_the_title_is_not_said_again(description: str) -> None:
    assert text_of(paragraph("词"), description=description).lower().count("title") == 1


def test_a_pictures_title_is_not_said_behind_the_same_words() -> None:
    assert body_of(Figure(Image("a.png", "Tide table", title="tide Table"))) == "[Tide table]"
    assert body_of(Figure(Image("a.png", "Tide table", title="Of 1912"))) == "[Tide table]\nOf 1912"


def test_a_table_of_pictures_without_words_is_no_bars() -> None:
    nothing: Inlines = (Image("https://a.example/b.png", ""),)
    words: Inlines = (Text("词"),)
    assert body_of(paragraph("前"), Table((), ((nothing, nothing), (nothing, nothing))), paragraph("后")) == "前\n\n后"
    assert body_of(Table((), ((nothing, nothing), (words, words)))) == "词 | 词"
    assert body_of(Table((words, words), ((nothing, nothing),))) == "词 | 词"


# --- no word is lost ------------------------------------------------------------------------------------------------

_words = st.text(alphabet="abcxyz中文字日本한국。，（）“” ", min_size=1, max_size=60).filter(str.strip)
_urls = st.integers(0, 10**30).map(lambda number: f"https://a.example/{number}")
_inline = st.recursive(
    st.one_of(_words.map(Text), _words.map(Code), st.just(Break()), _urls.map(lambda url: Link(url, (Text(url),)))),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Strong(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Emphasis(tuple(parts))),
    ),
    max_leaves=6,
)
_inlines = st.lists(_inline, min_size=1, max_size=5).map(tuple)
_links = st.lists(st.builds(Link, _urls, _words.map(lambda text: (Text(text),))), max_size=3).map(tuple)
_images = st.lists(st.builds(Image, _urls, _words), max_size=2).map(tuple)
_block: st.SearchStrategy[Block] = st.recursive(
    st.one_of(
        st.builds(Paragraph, _inlines),
        st.builds(Heading, st.integers(1, 6), _words.map(lambda text: (Text(text),))),
        st.builds(Summary, st.lists(_words, min_size=1, max_size=3).map(tuple)),
        st.builds(Figure, st.builds(Image, _urls, _words)),
    ),
    lambda inner: st.one_of(
        st.builds(Quote, st.lists(inner, max_size=3).map(tuple)),
        st.builds(
            ListBlock, st.lists(st.builds(ListItem, st.lists(inner, max_size=2).map(tuple)), max_size=3).map(tuple)
        ),
        st.builds(Story, st.integers(1, 99), st.just(()), st.lists(inner, max_size=2).map(tuple), _links, _images),
    ),
    max_leaves=6,
)


def in_reading_order(blocks: Blocks) -> list[str]:
    """Every run of words and every URL that a reader of the text part must come upon, in this order."""
    out: list[str] = []
    for block in blocks:
        match block:
            case Paragraph(inlines):
                out.extend(_inline_words(inlines))
            case Heading(inlines=inlines):
                out.extend(_inline_words(inlines))
            case Summary(lines):
                out.extend(lines)
            case Figure(image):
                out.extend(_alt(image))
            case Quote(body):
                out.extend(in_reading_order(body))
            case ListBlock(items):
                for item in items:
                    out.extend(in_reading_order(item.body))
            case Story(body=body, images=images, links=links):
                out.extend(in_reading_order(body))
                out.extend(words for image in images for words in _alt(image))
                for link in links:
                    out += [link.label, link.href]
    return out


def _alt(image: Image) -> list[str]:
    """An alternative text that has no letter, or is only a word such as 图片, tells a reader nothing."""
    return [image.alt] if any(char.isalnum() for char in image.alt) and image.alt not in ("图", "image") else []


def _inline_words(inlines: Inlines) -> list[str]:
    out: list[str] = []
    for node in inlines:
        match node:
            case Text(text) | Code(text):
                out.append(text)
            case Strong(children) | Emphasis(children) | Link(children=children):
                out.extend(_inline_words(children))
    return out


@given(st.lists(_block, min_size=1, max_size=4))
@settings(max_examples=examples(200))
def test_the_words_of_the_tree_survive_in_order(blocks: list[Block]) -> None:
    text = text_of(*blocks)
    shown = re.sub(r"[>\s]", "", text)
    place = 0
    for words in in_reading_order(tuple(blocks)):
        wanted = re.sub(r"\s", "", words)
        found = shown.find(wanted, place)
        assert found >= 0, (words, text)
        place = found + len(wanted)


@given(st.lists(_block, min_size=1, max_size=4))
@settings(max_examples=examples(100))
def test_no_letter_touches_a_url(blocks: list[Block]) -> None:
    text = text_of(*blocks)
    for line in text.split("\n"):
        if "https://" in line:
            assert re.search(r"(?<!\w)https://a\.example/\d+(?![^\W\d_])", line), line
    assert all(line == line.rstrip() for line in text.split("\n"))


def test_a_linked_title_has_its_address_below_it() -> None:
    link = Link("https://a.example/1", (Text("A tram"),))
    story = Story(None, (Text("🔥 "), Strong((link,)), Text(" (3 minutes)")), (paragraph("It runs."),))
    assert body_of(story) == "* 🔥 A tram (3 minutes)\n  https://a.example/1\n  It runs."
    assert body_of(Story(2, (link, Text(" and "), Link("https://a.example/2", (Text("tides"),))), ())) == (
        "2. A tram and tides\n   A tram:\n   https://a.example/1\n   tides:\n   https://a.example/2"
    )


# --- links that are named by what stands above their address ---------------------------------------------------------

_LANTERN = Link("https://a.example/lantern", (Text("A lantern"),))
_TIDES = Link("https://a.example/tides", (Text("tides"),))


@pytest.mark.parametrize(
    ("inlines", "expected"),
    [
        ((_LANTERN, Text(": it burns all night.")), "A lantern: it burns all night.\nhttps://a.example/lantern"),
        ((Strong((_LANTERN,)), Text(" burns.")), "A lantern burns.\nhttps://a.example/lantern"),
        ((Text("🏮 “"), _LANTERN, Text("” burns.")), "🏮 “A lantern” burns.\nhttps://a.example/lantern"),
        ((Text("See "), _LANTERN, Text(".")), "See A lantern.\nhttps://a.example/lantern"),
        ((Text("It burns. ("), Strong((_LANTERN,)), Text(")")), "It burns. (A lantern)\nhttps://a.example/lantern"),
        ((Text("See "), _LANTERN, Text(" now.")), "See A lantern now.\nA lantern:\nhttps://a.example/lantern"),
        ((_LANTERN,), "A lantern:\nhttps://a.example/lantern"),
        (
            (_LANTERN, Text(" by the "), _TIDES, Text(".")),
            "A lantern by the tides.\nA lantern:\nhttps://a.example/lantern\ntides:\nhttps://a.example/tides",
        ),
    ],
    ids=["colon", "bold", "marks-before", "at-the-end", "in-brackets", "within", "alone", "two"],
)
def test_the_only_link_that_a_paragraph_begins_or_ends_with_is_not_named_again(inlines: Inlines, expected: str) -> None:
    assert body_of(Paragraph(inlines)) == expected
    item = ListBlock((ListItem((Paragraph(inlines),)),), None)
    assert body_of(item) == "* " + expected.replace("\n", "\n  ")


def test_a_heading_that_is_a_link_is_not_named_again() -> None:
    title = "A lantern\n=========\nhttps://a.example/lantern"
    assert body_of(Heading(2, (_LANTERN,)), paragraph("It burns.")) == f"{title}\n\nIt burns."


def test_a_picture_without_words_leaves_no_gap() -> None:
    figure = Figure(Image("https://a.example/1.png", "图片"))
    words, other = Paragraph((Text("甲"),)), Paragraph((Text("乙"),))
    assert "甲\n\n乙\n" in text_of(words, figure, figure, other)
    assert body_of(Story(1, (), (words, figure, other))) == "1. 甲\n\n   乙"
    assert body_of(Quote((figure, words, figure, other))) == "> 甲\n>\n> 乙"
    items = tuple(ListItem(body) for body in ((words,), (figure,), (figure, other)))
    assert body_of(ListBlock(items)) == "* 甲\n* 乙"
    assert body_of(ListBlock(items, 1)) == "1. 甲\n2.\n3. 乙"


def table_of(*lines: str, align: tuple[str, ...] = ()) -> Table:
    """A table of lines with `|` between the cells, the first its header."""
    header, *rows = (tuple((Text(cell.strip()),) for cell in line.split("|")) for line in lines)
    return Table(header, tuple(rows), align)


def test_the_columns_of_a_table_stand_one_below_the_other() -> None:
    table = table_of("模型|分数|Licence", "小满|9.5|open", "A long name|112|")
    assert body_of(table) == "模型        | 分数 | Licence\n小满        | 9.5  | open\nA long name | 112  |"
    table = table_of("n|Price", "a|9", "b|112", align=("", "right"))
    assert body_of(table) == "n | Price\na |     9\nb |   112"


def test_a_link_is_below_its_row_where_rows_are_lines_of_their_own() -> None:
    name: Inlines = (Link("https://a.example/ann", (Text("Ann"),)),)
    wide: Inlines = (Text("words " * 12),)
    tag: Inlines = (Link("https://a.example/body", (Code("<body>"),)), Text(" and more"))
    shown = body_of(Table(((Text("Who"),), (Text("What"),)), ((name, wide), (tag, wide))))
    assert shown.index("https://a.example/ann") < shown.index("<body> and more")
    assert "\n  Ann:\n  https://a.example/ann\n\nWho: <body> and more\n" in shown
    assert shown.endswith("\n  <body>:\n  https://a.example/body")


def test_a_table_wider_than_a_line_says_the_head_of_each_cell() -> None:
    cell = "A file, and a way to copy it, and a friend who knows where it is kept"
    table = table_of(
        "What it leaned on|Usual life|Instead", f"A hosted service|2 years|{cell}", "A text format||A note"
    )
    assert body_of(table).splitlines() == [
        "What it leaned on: A hosted service",
        "  Usual life: 2 years",
        "  Instead: A file, and a way to copy it, and a friend who knows where it",
        "    is kept",
        "",
        "What it leaned on: A text format",
        "  Instead: A note",
    ]
    alone = table_of("What it leaned on|Usual life|Instead|In the end", f"A hosted service|2 years|{cell}")
    assert body_of(alone).startswith("In the end\n\nWhat it leaned on: A hosted service\n")
    headless = Table((), table.rows)
    assert body_of(headless).startswith("A hosted service | 2 years | A file,")
    assert max(map(len, body_of(headless).splitlines())) <= 72


def test_korean_is_wrapped_between_words_and_a_word_without_an_end_is_broken() -> None:
    text = "최소 스패닝 트리는 주어진 그래프에서 모든 노드를 연결하면서 가장 작은 가중치 합을 갖는 트리입니다 " * 3
    lines = wrap(text)
    assert " ".join(lines) == text.strip()
    assert {word for line in lines for word in line.split()} == set(text.split())
    assert all(columns(line) <= WIDTH for line in wrap("가나다라" * 60))
