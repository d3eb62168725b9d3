"""Rendering: each way in which mrml or premailer would harm an email is held shut, and nothing of a post is markup."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lxml.html
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import CHECKOUT, TESTS, Evaluate, NodeScript, examples
from rendering import MASTHEAD, WEB, example_issue

from newsletter.errors import ConfigError
from newsletter.model.issue import (
    Code,
    CodeBlock,
    Heading,
    Image,
    Issue,
    Link,
    ListBlock,
    ListItem,
    Paragraph,
    Quote,
    Site,
    Story,
    Strong,
    Summary,
    Table,
    Text,
)
from newsletter.model.rendered_email import Email, Masthead, Slot, Template, Theme
from newsletter.post.parse import parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme
from newsletter.render.wording import choose_labels, format_date

SITE = Site("https://blog.example")


def filled(template: Template, value: str = "https://a.example/u/1") -> str:
    return "".join(part if isinstance(part, str) else value for part in template.parts)


def slots(template: Template) -> list[Slot]:
    return [part for part in template.parts if isinstance(part, Slot)]


def issue_of(body: str, front: str = "title: 题") -> Issue:
    return parse_post(f"---\n{front}\n---\n\n{body}\n", path="posts/2026-03-01-x.md", site=SITE).issue


@pytest.fixture(scope="session")
def classic(tmp_path_factory: pytest.TempPathFactory) -> Theme:
    return load_theme("classic", tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="session")
def example(classic: Theme) -> Email:
    return render_issue(example_issue(), classic, MASTHEAD)


@pytest.fixture(scope="session")
def html(example: Email) -> str:
    return filled(example.html)


@pytest.fixture
def rendered(classic: Theme) -> Callable[..., str]:
    def render(body: str, front: str = "title: 题", masthead: Masthead = MASTHEAD) -> str:
        return filled(render_issue(replace(issue_of(body, front), url=WEB), classic, masthead).html)

    return render


def style_rules(html: str) -> str:
    return "\n".join(re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL))


# --- what premailer and mrml would break ----------------------------------------------------------------------------


def test_the_doctype_stands_once_and_first(html: str) -> None:
    assert html.startswith("<!doctype html>\n<html")
    assert html.lower().count("<!doctype") == 1


def test_browsers_show_it_in_standards_mode(html: str, evaluate: Evaluate) -> None:
    assert evaluate(html, "document.compatMode") == "CSS1Compat"


def test_pictures_keep_their_width_in_pixels(html: str) -> None:
    images = lxml.html.document_fromstring(html).xpath("//img")
    assert len(images) > 10
    for image in images:
        assert re.fullmatch(r"[1-9]\d*", image.get("width", "")), lxml.html.tostring(image)


def test_a_picture_is_never_wider_than_its_column(classic: Theme) -> None:
    layout = classic.values["layout"]
    issue = issue_of("1. 甲。![a](a.png) ![b](b.png)\n\n![c](c.png)")
    small = replace(issue.stories[0].images[0], width=40, height=30)
    story = replace(issue.stories[0], images=(small, replace(small, src="b.png", width=4000)))
    html = filled(render_issue(replace(issue, blocks=(story, *issue.blocks[1:])), classic, MASTHEAD).html)
    widths = [image.get("width") for image in lxml.html.document_fromstring(html).xpath("//img")]
    assert widths == ["40", str(layout["story"]), str(layout["text"])]


def test_no_attribute_that_premailer_would_derive_from_css(html: str) -> None:
    root = lxml.html.document_fromstring(html)
    assert not root.xpath("//*[@width and contains(@width, '%') and (self::img or self::a)]")
    assert not root.xpath("//p[@align or @bgcolor or @width or @height]")


def test_important_and_media_queries_are_kept(html: str) -> None:
    rules = style_rules(html)
    assert "@media (prefers-color-scheme:dark)" in rules
    assert re.search(r"@media only screen and \(max-width:\s*480px\)", rules)
    assert "min-width:480px" not in rules, "a column as wide as its section needs no rule of MJML's"
    assert rules.count("!important") > 10
    assert "[data-ogsc]" in rules


def test_dark_mode_and_phones_reach_the_elements(html: str, evaluate: Evaluate, classic: Theme) -> None:
    """The live rules win against the inlined ones, which is what !important is kept for."""
    look = "['h1', '.card td[bgcolor] a'].map(each => getComputedStyle(document.querySelector(each)).color)"
    size = "parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)"
    light = evaluate(html, f"[...{look}, {size}]", width=800)
    dark = evaluate(html, f"[...{look}, {size}]", width=800, dark=True)
    assert light[:2] == [rgb(classic.values["light"]["ink"]), rgb(classic.values["light"]["accent"])]
    assert dark[:2] == [rgb(classic.values["dark"]["ink"]), rgb(classic.values["dark"]["accent"])]
    assert light[2] == dark[2] == 29


def rgb(colour: str) -> str:
    return "rgb({}, {}, {})".format(*(int(colour[start : start + 2], 16) for start in (1, 3, 5)))


def test_conditional_comments_for_outlook_are_whole(html: str, example: Email) -> None:
    marks = re.findall(r"<!--\[if ([^\]]*)\]>(?:<!-->)?|(<!\[endif\]-->)", html)
    opening = [condition for condition, ending in marks if condition]
    assert len(opening) >= 5
    assert [bool(condition) for condition, _ in marks] == [True, False] * len(opening)
    assert "<!--[if mso]><style>" in html
    # Tables opened for Outlook are closed for Outlook.
    shown = "".join(re.findall(r"<!--\[if mso[^\]]*\]>(.*?)<!\[endif\]-->", html, re.DOTALL))
    for tag in ("table", "tr", "td"):
        assert len(re.findall(rf"<{tag}\b", shown)) == len(re.findall(rf"</{tag}>", shown)), tag


def test_no_font_is_fetched(html: str) -> None:
    assert "fonts.googleapis" not in html
    assert "@import" not in html
    assert "<link" not in html


def test_rendering_opens_no_socket(classic: Theme, no_network: None) -> None:
    body = "1. 甲。[原文](https://a.example/1) ![x](https://a.example/1.png)"
    issue = issue_of(body, "title: 题\nimage: https://a.example/h.png")
    assert "https://a.example/1.png" in filled(render_issue(replace(issue, url=WEB), classic, MASTHEAD).html)


def test_only_live_classes_remain(html: str, classic: Theme) -> None:
    used = set(re.findall(r"\.([A-Za-z][\w-]*)", style_rules(html)))
    present = {name for each in lxml.html.document_fromstring(html).xpath("//body//@class") for name in each.split()}
    assert present - used - {name for name in present if name.startswith(("mj-", "moz-"))} == set()
    assert "card" in present


def test_the_themes_rules_are_inlined(html: str, classic: Theme) -> None:
    (title,) = lxml.html.document_fromstring(html).xpath("//h1")
    assert "font-size:29px" in title.get("style")
    # Light colours stand on inlined styles alone: Gmail drops every style block for some of its readers.
    bare = re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)
    for name in ("ink", "accent", "muted", "tint"):
        assert classic.values["light"][name] in bare, name
    assert ".eyebrow" not in style_rules(html), "inlined rules are not sent a second time"


def test_style_blocks_are_small_enough_for_gmail(html: str) -> None:
    blocks = re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL)
    assert sum(len(block.encode()) for block in blocks) < 16_000


def test_layout_tables_say_so_and_the_language_is_set(html: str) -> None:
    root = lxml.html.document_fromstring(html)
    assert root.get("lang") == "zh"
    assert root.xpath("count(//table[not(@role='presentation')])") == 0
    assert [heading.tag for heading in root.xpath("//h1")] == ["h1"]
    assert not [image for image in root.xpath("//img") if not image.get("alt")]


def test_a_table_of_the_post_is_no_layout_table(rendered: Callable[..., str]) -> None:
    root = lxml.html.document_fromstring(rendered("| a | b |\n|---|--:|\n| 1 | 2 |"))
    (table,) = root.xpath("//table[tr/th or */tr/th]")
    assert table.get("role") is None
    assert [cell.get("align") for cell in table.xpath(".//td")] == ["left", "right"]


def test_the_official_compiler_accepts_our_mjml(example: Email, classic: Theme, node_script: NodeScript) -> None:
    hostile = issue_of(
        '# <b>\n\n| a |\n|---|\n| & |\n\n> - `<x>`\n\n---\n\n```\na  <b>\n```\n\n1. **甲**\n   !["](a.png)'
    )
    sources = [example.mjml, render_issue(hostile, classic, Masthead()).mjml]
    answers = node_script("mjml", [*sources, "<mjml><mj-body><mj-nothing /></mj-body></mjml>"])
    assert [answer["errors"] for answer in answers[:2]] == [[], []]
    assert len(answers[2]["errors"]) == 1, "the validator sees errors"


# --- a post's words are words ---------------------------------------------------------------------------------------

HOSTILE = 'a "onload=1 \'b\' <i>&amp;</i> {{ 7*7 }} {% raw %} </mj-raw><mj-include path="/etc/passwd"/> ]]> <!-- x'


def test_words_never_become_markup(classic: Theme) -> None:
    text = (Text(HOSTILE),)
    paragraph = Paragraph((Text(HOSTILE), Strong(text), Code(HOSTILE), Link("https://a.example/?x=\"'><b>&y", text)))
    image = Image("https://a.example/\"><b>'.png", HOSTILE, HOSTILE, href="https://a.example/\"x='1")
    issue = Issue(
        "s",
        HOSTILE,
        (
            Heading(2, text),
            Summary((HOSTILE,)),
            paragraph,
            Story(1, text, (paragraph,), (Link("https://a.example/", text),), (image,)),
            Quote((paragraph,)),
            ListBlock((ListItem((paragraph,)),)),
            CodeBlock(HOSTILE),
            Table((text,), ((text,),)),
        ),
        "en",
        author=HOSTILE,
        description=HOSTILE,
        hero=replace(image, href=""),
        url="https://a.example/\"'<b>",
    )
    email = render_issue(issue, classic, Masthead(HOSTILE, HOSTILE, unsubscribe=True))
    html = filled(email.html)
    assert "mj-include" not in re.sub(r"&lt;/?mj-[^;]*;?", "", html).replace("&lt;mj-include", "")
    root = lxml.html.document_fromstring(html)
    assert not root.xpath("//*[starts-with(name(), 'mj-')] | //body//i | //script | //*[@onload]")
    for element in root.body.iter("img", "a"):
        assert set(element.attrib) <= {"src", "alt", "width", "height", "style", "class", "href", "target"}
    shown = " ".join(root.body.text_content().split())
    assert shown.count(HOSTILE) >= 12
    assert {each.get("alt") for each in root.xpath("//img")} == {HOSTILE, "Web version"}, (
        "the one above the text says the title alone"
    )
    assert "https://a.example/\"><b>'.png" in root.xpath("//img/@src")
    assert HOSTILE in " ".join(filled(email.text).split())


def test_control_characters_vanish(rendered: Callable[..., str]) -> None:
    html = rendered("甲\x01\x0b\x0c\x1b\ufffe乙 `\x02` ![\x03](a.png)")
    assert "甲乙" in html
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", html)


@given(
    st.text(alphabet=st.characters(), max_size=30),
    st.text(alphabet="<>\"'&;{}%# \x00\x1f\ufffe\ud800a中`|", max_size=30),
)
@settings(max_examples=examples(60), deadline=None)
def test_any_text_renders(classic: Theme, words: str, marks: str) -> None:
    issue = Issue("s", words or "x", (Paragraph((Text(words + marks),)),), "en", description=marks)
    html = filled(render_issue(issue, classic, Masthead(marks)).html)
    wanted = re.sub(r"[\s\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff\u200b\ufdd0-\ufdef]", "", words + marks)
    shown = re.sub(r"\s", "", lxml.html.document_fromstring(html).body.text_content())
    assert re.sub(r"[^\w]", "", wanted) in re.sub(r"[^\w]", "", shown)


def test_link_targets_survive_byte_for_byte(rendered: Callable[..., str]) -> None:
    url = "http://mp.a.example/s?__biz=MzI3==&mid=22&idx=1&sn=4353&copy=1&scene=0#rd"
    root = lxml.html.document_fromstring(rendered(f"1. 甲。[原文链接]({url})"))
    assert url in root.xpath("//a/@href")


# --- slots ----------------------------------------------------------------------------------------------------------


def test_slots_survive(example: Email) -> None:
    assert slots(example.html) == [Slot("unsubscribe_url", "href")]
    assert slots(example.text) == [Slot("unsubscribe_url", "text")]
    html = filled(example.html, "https://a.example/u/ME")
    assert "https://a.example/u/ME" in lxml.html.document_fromstring(html).xpath("//a/@href")
    assert "nlfield" not in filled(example.html) + filled(example.text)


def test_no_slot_where_nothing_unsubscribes(classic: Theme) -> None:
    email = render_issue(issue_of("甲"), classic, Masthead())
    assert slots(email.html) == slots(email.text) == slots(email.subject) == []


def test_a_post_cannot_forge_a_slot(classic: Theme) -> None:
    body = "nlfield0x0z nlfield1x0z nlfield2x99z"
    email = render_issue(issue_of(body), classic, MASTHEAD)
    assert slots(email.html) == [Slot("unsubscribe_url", "href")]
    assert body in filled(email.html)


def test_a_post_cannot_forge_a_slot_that_it_knows(classic: Theme) -> None:
    mark = issue_of("甲").mark
    for forged in (
        f"{mark}0z",
        f"{mark[:3]}<!-- -->{mark[3:]}0z",
        f"{mark[:-1]}&#120;0z",
        f"{mark[:3]}<b></b>{mark[3:]}9z",
    ):
        email = render_issue(issue_of(forged), classic, MASTHEAD)
        assert slots(email.html) == [Slot("unsubscribe_url", "href")]
        assert f"{mark}" in filled(email.html)


def test_a_field_is_a_slot_with_its_default_wherever_it_stands(classic: Theme) -> None:
    name = '{{ subscriber.name | default("friend") }}'
    links = "[a]({{ subscriber.home }}) [b](https://b.example/?u={{ subscriber.id }})"
    issue = issue_of(f"{name} {links} ![{name}](c.png)\n\n`{name}`", f"title: Hi {name}")
    email = render_issue(issue, classic, Masthead())
    friend = Slot("name", "html", "friend")
    assert email.subject.parts == ("Hi ", Slot("name", "header", "friend"))
    assert Counter(slots(email.html)) == {
        friend: Counter(slots(email.html))[friend],
        Slot("home", "href"): 1,
        Slot("id", "url"): 1,
    }
    assert Counter(slots(email.html))[friend] >= 5
    assert Counter(slots(email.text)) == {
        Slot("name", "text", "friend"): 4,
        Slot("home", "text"): 1,
        Slot("id", "text_url"): 1,
    }


@pytest.mark.parametrize("place", ["title", "description", "author", "tags", "own"])
def test_no_other_part_of_the_post_can_forge_a_slot(classic: Theme, place: str) -> None:
    front = {
        "title": "title: nlfield0x0z",
        "description": "title: 题\ndescription: nlfield0x0z",
        "author": "title: 题\nauthor: nlfield0x0z",
        "tags": "title: 题\nimage: nlfield0x0z",
        "own": "title: 题\nnewsletter:\n  preheader: nlfield0x0z",
    }[place]
    email = render_issue(issue_of("甲", front), classic, MASTHEAD)
    assert slots(email.html) == [Slot("unsubscribe_url", "href")]
    assert "nlfield0x0z" in filled(email.html)


# --- reproducible ---------------------------------------------------------------------------------------------------

PRINT_DIGEST = """
import hashlib, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from rendering import MASTHEAD, example_issue
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme
email = render_issue(example_issue(), load_theme("classic", Path("/nowhere")), MASTHEAD)
print(hashlib.sha256(repr(email).encode()).hexdigest())
"""


def test_same_input_same_bytes_in_every_process(example: Email) -> None:
    here = hashlib.sha256(repr(example).encode()).hexdigest()
    source = PRINT_DIGEST.format(tests=str(TESTS / "support"))
    for seed in ("0", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", source],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Pacific/Kiritimati", "LC_ALL": "C"},
            cwd=CHECKOUT,
            capture_output=True,
            timeout=600,
            check=True,
        )
        assert done.stdout.decode().strip() == here


# --- alternative texts, labels, dates -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "alt", ["", "图片", "图片描述", "image", "Image", " 图 片 ", "20210925143601", "IMG_20240301.jpg"]
)
def test_an_alternative_text_that_says_nothing_gives_way_to_the_story(rendered: Callable[..., str], alt: str) -> None:
    html = rendered(f"1. **甲公司发布乙**\n   正文在此，后文。![{alt}](a.png)\n2. 丙公司开源，后文。![{alt}](b.png)")
    assert lxml.html.document_fromstring(html).xpath("//img/@alt") == ["甲公司发布乙", "丙公司开源"]


def test_an_alternative_text_that_says_something_stays(rendered: Callable[..., str]) -> None:
    assert lxml.html.document_fromstring(rendered("1. 甲。![波形](a.png)")).xpath("//img/@alt") == ["波形"]


@pytest.mark.parametrize(
    ("lang", "unsubscribe"),
    [
        ("zh", "退订"),
        ("zh-CN", "退订"),
        ("zh-Hans-CN", "退订"),
        ("zh-TW", "取消訂閱"),
        ("zh-HK", "取消訂閱"),
        ("zh-Hant", "取消訂閱"),
        ("ZH-hant-TW", "取消訂閱"),
        ("ja", "配信停止"),
        ("ko-KR", "구독 취소"),
        ("es-MX", "Darse de baja"),
        ("de-AT", "Abbestellen"),
        ("fr", "Se désabonner"),
        ("en-GB", "Unsubscribe"),
        ("tlh", "Unsubscribe"),
        ("", "Unsubscribe"),
    ],
)
def test_labels_fall_back(classic: Theme, lang: str, unsubscribe: str) -> None:
    assert choose_labels(classic.labels, lang, {})["unsubscribe"] == unsubscribe


def test_labels_of_the_frame_appear(rendered: Callable[..., str]) -> None:
    html = rendered("1. 甲。\n2. 乙。", "title: 题\nlang: zh-TW\ndate: 2026-03-01")
    for words in (
        "取消訂閱",
        "在瀏覽器中檢視",
        "2\u00a0則資訊",
        "2026年3月1日",
        "您收到這封郵件，是因為訂閱了「AI 日报」。",
    ):
        assert words in html
    assert 'lang="zh-TW"' in html


def test_labels_can_be_overridden(rendered: Callable[..., str]) -> None:
    html = rendered("甲", masthead=replace(MASTHEAD, labels={"unsubscribe": "不再收 <信>"}))
    assert "不再收 &lt;信&gt;" in html


def test_every_language_has_every_label(classic: Theme) -> None:
    for lang in classic.labels:
        labels = choose_labels(classic.labels, lang, {})
        own = set(classic.labels[lang])
        assert own >= set(classic.labels["en"]) - {"months"}, lang
        assert "{name}" in labels["why"]
        assert "{count}" in labels["stories"]
        issue = issue_of("甲", "title: 题\ndate: 2026-12-31")
        assert "2026" in format_date(issue, labels)
        assert "31" in format_date(issue, labels)


def test_a_post_without_date_shows_none(classic: Theme) -> None:
    issue = parse_post("# 题\n\n甲", path="x.md").issue
    assert format_date(issue, choose_labels(classic.labels, "zh", {})) == ""


def test_subject_and_preheader(classic: Theme) -> None:
    own = "title: 题\ndescription: 描述\nnewsletter:\n  subject: 主题\n  preheader: 预览"
    email = render_issue(issue_of("甲", own), classic, MASTHEAD)
    assert (filled(email.subject), email.preheader) == ("主题", "预览")
    email = render_issue(issue_of("甲", "title: 题\ndescription: 描述"), classic, MASTHEAD)
    assert (filled(email.subject), email.preheader) == ("题", "描述")
    email = render_issue(issue_of("正文第一段。"), classic, MASTHEAD)
    assert email.preheader == "正文第一段。"


def test_a_long_preheader_is_cut_where_the_inbox_would(classic: Theme) -> None:
    for key in ("description", "newsletter:\n  preheader"):
        shown = render_issue(issue_of("甲", f"title: 题\n{key}: {'word ' * 60}"), classic, MASTHEAD).preheader
        assert shown.endswith("word…")
        assert 130 < len(shown) <= 140


# --- themes ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_theme(tmp_path: Path) -> Path:
    """A project folder with a theme `mine` to spoil, a copy of ours."""
    shutil.copytree(CHECKOUT / "templates" / "classic", tmp_path / "templates" / "mine")
    return tmp_path / "templates" / "mine"


def failure(folder: Path, body: str = "1. 甲。") -> str:
    with pytest.raises(ConfigError) as caught:
        render_issue(issue_of(body), load_theme("mine", folder.parents[1]), MASTHEAD)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_theme_beside_the_project_wins(own_theme: Path) -> None:
    (own_theme / "paragraph.j2").write_text("<b>mine</b>")
    html = filled(render_issue(issue_of("甲"), load_theme("mine", own_theme.parents[1]), MASTHEAD).html)
    assert ">mine</b>" in html


@pytest.mark.parametrize("rule", ["@import url(x.css);", "@\\69mport 'x.css';", "@IMPORT 'x';", "@  import 'x';"])
@pytest.mark.parametrize("sheet", ["style.css", "live.css", "outlook.css"])
def test_imports_are_refused_with_file_and_line(own_theme: Path, sheet: str, rule: str, no_network: None) -> None:
    path = own_theme / sheet
    path.write_text(f"/* one */\n/* two */\n{rule}\n{path.read_text('utf-8')}", "utf-8")
    assert failure(own_theme).startswith(f"{path}:3: the rule @")


@pytest.mark.parametrize(
    ("file", "line", "text", "words"),
    [
        ("paragraph.j2", 2, "<p>\n{{ nothing }}</p>", "'nothing' is undefined"),
        ("story.mjml.j2", 1, "{{ block.nothing }}", "has no attribute 'nothing'"),
        ("paragraph.j2", 3, "\n\n{% if %}", "Expected an expression"),
        ("issue.mjml.j2", 1, "{{ ''.__class__.__mro__ }}", "unsafe"),
        ("style.css", 1, ".a { color: {{ light.nothing }} }", "has no attribute 'nothing'"),
    ],
)
def test_faults_in_a_theme_have_file_and_line(own_theme: Path, file: str, line: int, text: str, words: str) -> None:
    (own_theme / file).write_text(text)
    sentence = failure(own_theme)
    assert sentence.startswith(f"{own_theme / file}:{line}: ")
    assert words in sentence


def test_mjml_that_cannot_be_read_is_the_themes_fault(own_theme: Path) -> None:
    (own_theme / "footer.mjml.j2").write_text("<tr><td>open")
    assert failure(own_theme).startswith(f"{own_theme}: the templates give MJML that cannot be read")


@pytest.mark.parametrize("file", ["theme.toml", "issue.mjml.j2", "style.css", "live.css", "outlook.css"])
def test_a_missing_file_is_named(own_theme: Path, file: str) -> None:
    (own_theme / file).unlink()
    sentence = failure(own_theme)
    assert (
        sentence.startswith("there is no theme 'mine'") if file == "theme.toml" else str(own_theme / file) in sentence
    )


def test_a_missing_partial_is_named(own_theme: Path) -> None:
    (own_theme / "paragraph.j2").unlink()
    assert failure(own_theme).startswith(f"{own_theme / 'paragraph.j2'}: the theme lacks this file")


def test_broken_toml_and_encoding_are_named(own_theme: Path) -> None:
    (own_theme / "theme.toml").write_text("[layout\n")
    assert failure(own_theme).startswith(f"{own_theme / 'theme.toml'}:")
    (own_theme / "theme.toml").write_bytes(b"# \xff\n")
    assert "byte 0xff is not UTF-8; save the file as UTF-8" in failure(own_theme)


@pytest.mark.parametrize("name", ["../classic", "a/b", "", ".", "nothing"])
def test_names_that_are_no_theme(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="classic"):
        load_theme(name, tmp_path)
