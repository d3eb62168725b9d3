"""Our themes in light and dark, and a user's own: what they inherit, what they may say, and how a fault is told."""

from __future__ import annotations

import itertools
import re
import shutil
import string
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import lxml.html
import pytest
from machine import CHECKOUT, Evaluate, NodeScript
from themes import THEMES

from newsletter.errors import ConfigError, InvalidValueError
from newsletter.model.issue import (
    Code,
    CodeBlock,
    Definitions,
    Figure,
    Footnotes,
    Heading,
    Image,
    Issue,
    Link,
    ListBlock,
    ListItem,
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
from newsletter.model.labels import LABEL_FIELDS, check_label
from newsletter.model.rendered_email import Footer, Masthead, Template, Theme
from newsletter.post.parse import decode_post, parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.copy_theme import new_theme
from newsletter.render.themes.load import load_theme
from newsletter.render.themes.values import SCHEMA
from newsletter.render.wording import choose_labels
from newsletter.toml_file.fault_messages import toml
from newsletter.toml_file.reference import describe

EXAMPLES = sorted(path.name for path in (CHECKOUT / "examples").glob("*.md"))
MASTHEAD = Masthead("The Daily", "Example Ltd, 1 Example Street", unsubscribe=True)
LABELS = tomllib.loads((CHECKOUT / "templates" / "labels.toml").read_text("utf-8"))


def filled(template: Template, value: str = "https://a.example/u/1") -> str:
    return "".join(part if isinstance(part, str) else value for part in template.parts)


def parsed(html: str) -> Any:
    return lxml.html.document_fromstring(html)


def words(text: str) -> Paragraph:
    return Paragraph(
        (Text(text), Strong((Text(" bold "),)), Link("https://a.example/", (Text("link"),)), Code("x = 1"))
    )


def everything() -> Issue:
    """Each block, at the issue's own level and inside others."""
    picture = Image("https://a.example/p.png", "what it shows", "a caption", width=40, height=30)
    inner = (
        words("inner"),
        ListBlock((ListItem((words("nested"),)), ListItem((words("done"),), checked=True))),
        Quote((words("quoted in it"),)),
        CodeBlock("x = 1", "python"),
        Figure(picture),
    )
    link_alone = (Link("https://a.example/go", (Text("Go there"),)),)
    story = Story(1, (Text("lead"),), (words("story"),), (Link("https://a.example/s", (Text("source"),)),), (picture,))
    return Issue(
        slug="x",
        title="A title",
        lang="en",
        author="Ines Aldous",
        description="What it is about.",
        hero=picture,
        url="https://a.example/issue",
        blocks=(
            Heading(2, (Text("Summary"),)),
            Summary(("one line", "another line")),
            words("opening"),
            Heading(2, (Text("First"),)),
            Heading(3, (Text("Second"),)),
            story,
            replace(story, number=2, lead=(), links=story.links * 2, images=()),
            replace(story, number=3, body=(), lead=(Text("lead alone"),)),
            replace(story, number=4, body=inner),
            Heading(4, (Text("Third"),)),
            ListBlock((ListItem(inner), ListItem((words("second"),))), start=3),
            Quote((*inner, words("last"))),
            Quote((words("said"), Paragraph((Text("— who said it"),)))),
            *(
                Quote((words("boxed"), *inner), alert=kind)
                for kind in ("note", "tip", "important", "warning", "caution")
            ),
            Quote((words("paid"), Paragraph(link_alone, role="button")), alert="sponsor"),
            Quote((Figure(picture), words("wrote")), alert="author"),
            Paragraph(link_alone, role="button"),
            CodeBlock('def f(x):  # why\n    return "text" + str(1)\n\n\nclass A: ...', "python"),
            Table(
                ((Text("head"),), (Text("number"),)),
                (((Text("cell"),), (Link("/a", (Text("link"),)),)),),
                ("", "right"),
            ),
            Rule(),
            Figure(picture),
            Video("https://a.example/v.mp4", "a talk", picture),
            Video("https://a.example/w.mp4"),
            Definitions((((Text("term"),), inner), ((Text("other"),), (words("said of it"),)))),
            Paragraph((Text("P.S. one more thing"),), role="postscript"),
            Footnotes(((words("a note"), words("more of it")), (words("another"),))),
        ),
    )


def html_of(theme: Theme, issue: Issue | None = None, masthead: Masthead = MASTHEAD) -> str:
    return filled(render_issue(issue or everything(), theme, masthead).html)


@pytest.fixture(scope="session", params=THEMES)
def theme(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Theme:
    return load_theme(request.param, tmp_path_factory.mktemp("empty"))


def post(path: Path) -> Issue:
    return parse_post(decode_post(path.read_bytes(), path.name), path=path.name).issue


# --- contrast -------------------------------------------------------------------------------------------------------

# What is written on what; `second` is for code, which stands on the tint.
PAIRS = (
    *itertools.product(("ink", "muted", "accent"), ("card", "tint")),
    ("second", "tint"),
    ("muted", "page"),
)

UNREADABLE = """(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      const [, , , alpha] = parts(colour);
      if (alpha === undefined || alpha === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const answer = { pairs: {}, bad: [] };
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("script, style") || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    if (parseFloat(style.fontSize) < 2) continue;
    const back = backOf(element);
    const [high, low] = [light(style.color), light(back)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    answer.pairs[`${style.color} on ${back}`] = ratio;
    if (ratio < 4.5) answer.bad.push([node.data.trim().slice(0, 40), style.color, back, ratio]);
  }
  return answer;
})()"""


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "back"), PAIRS)
def test_colours_have_contrast(theme: Theme, scheme: str, text: str, back: str) -> None:
    colours = theme.values[scheme]
    low, high = sorted((luminance(colours[text]), luminance(colours[back])))
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_every_word_has_contrast_in_a_browser(theme: Theme, evaluate: Evaluate) -> None:
    footer = Footer("https://a.example/{issue}/{answer}", forward=True, archive="https://a.example/all", sponsor="S")
    html = html_of(theme, masthead=replace(MASTHEAD, footer=footer))
    dark = theme.values["dark"]["ink"]
    red, green, blue = (int(dark[i : i + 2], 16) for i in (1, 3, 5))
    # Outlook.com marks the body, and each rule counts below these attributes alone.
    marked = "['data-ogsc', 'data-ogsb'].forEach((name) => document.body.setAttribute(name, ''))"
    for way in ("light", "dark", "outlook.com"):
        before = f"{marked}," if way == "outlook.com" else ""
        answer = evaluate(html, f"{before}{UNREADABLE}", dark=way == "dark")
        assert answer["bad"] == [], way
        assert len(answer["pairs"]) >= 7, "no colours were seen at all"
        assert any(f"rgb({red}, {green}, {blue})" in pair for pair in answer["pairs"]) == (way != "light"), way


def test_a_faint_colour_would_be_found(evaluate: Evaluate, tmp_path: Path) -> None:
    folder = own(tmp_path, "faint", 'extends = "classic"\n[light]\nmuted = "#aaaaaa"\n')
    answer = evaluate(html_of(load_theme("faint", folder)), UNREADABLE)
    assert answer["bad"]


# --- all posts in all themes ----------------------------------------------------------------------------------------


def assert_sound(html: str) -> None:
    root = parsed(html)
    assert len(root.xpath("//h1")) == 1
    # The picture above the text alone says nothing: the headline beneath it has said it.
    first, *others = [image.get("alt") for image in root.xpath("//img")] or ["no picture"]
    assert first is not None
    assert all(others)
    assert not root.xpath("//table[not(@role='presentation')][not(.//th)]")
    targets = {each.get("name") for each in root.xpath("//a[@name]")}
    assert {each.get("href")[1:] for each in root.xpath("//a[starts-with(@href, '#')]")} <= targets
    blocks = re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL)
    assert sum(len(block.encode()) for block in blocks) < 16_000, "Gmail drops a larger style block"


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_render(theme: Theme, name: str) -> None:
    issue = post(CHECKOUT / "examples" / name)
    html = html_of(theme, issue)
    assert_sound(html)
    for heading in (block for block in issue.blocks if isinstance(block, Heading)):
        for node in heading.inlines:
            if isinstance(node, Text):
                assert node.text.strip() in html


def test_the_real_posts_render(theme: Theme, posts: Path) -> None:
    for path in sorted(posts.glob("*.md")):
        issue = post(path)
        html = html_of(theme, issue)
        assert_sound(html)
        hrefs = set(parsed(html).xpath("//a/@href"))
        assert {link.href for story in issue.stories for link in story.links} <= hrefs
        shown = hrefs | set(parsed(html).xpath("//img/@src"))
        assert {image.src for story in issue.stories for image in story.images} <= shown


def test_the_reference_stays_small(theme: Theme, posts: Path) -> None:
    assert len(html_of(theme, post(posts / "2025-12-01-ai-daily.md")).encode()) <= 41_000


def test_each_block_renders(theme: Theme) -> None:
    html = html_of(theme)
    assert_sound(html)
    text = parsed(html).text_content()
    for expected in (
        "Watch the video",
        "a talk",
        "term",
        "said of it",
        "a note",
        "lead alone",
        "another line",
        "source",
        "who said it",
        "Warning",
        "Sponsor",
        "Go there",
        "P.S. one more thing",
    ):
        assert expected in text, expected


def test_an_empty_issue_renders(theme: Theme) -> None:
    assert_sound(html_of(theme, Issue(slug="x", title="Nothing", lang="en", blocks=()), Masthead()))


def test_the_official_compiler_accepts_our_mjml(node_script: NodeScript, tmp_path: Path) -> None:
    themes = [load_theme(name, tmp_path) for name in THEMES]
    issues = [everything(), *(post(CHECKOUT / "examples" / name) for name in EXAMPLES)]
    # `everything` has each kind of block; the examples go by turns.
    pairs = [*((theme, issues[0]) for theme in themes), *zip(themes, itertools.cycle(issues[1:]), strict=False)]
    answers = node_script("mjml", [render_issue(issue, theme, MASTHEAD).mjml for theme, issue in pairs])
    assert [answer["errors"] for answer in answers] == [[]] * len(pairs)


def test_rules_for_word_find_their_elements(theme: Theme) -> None:
    """Classes that no live rule selects are dropped from the HTML; a rule for Word must not count on them."""
    root = parsed(html_of(theme, masthead=replace(MASTHEAD, footer=Footer(forward=True))))
    rules = re.sub(r"\{\{.*?\}\}|\{[^{}]*\}", "", re.sub(r"\{\{.*?\}\}", "", theme.css["outlook"]))
    names = set(re.findall(r"\.([a-z][\w-]*)", rules))
    assert names
    for name in names:
        assert root.xpath("//*[contains(concat(' ', @class, ' '), $name)]", name=f" {name} "), name


def test_a_brief_shows_no_pictures_but_links_them(tmp_path: Path) -> None:
    issue = everything()
    root = parsed(html_of(load_theme("brief", tmp_path), issue))
    assert not root.xpath("//img")
    assert root.xpath("//a[@href='https://a.example/p.png']")
    inside = Image("cid:1@newsletter", "seen")
    embedded = replace(issue, blocks=(Figure(inside), replace(issue.stories[0], images=(inside,))))
    html = html_of(load_theme("brief", tmp_path), embedded)
    assert "cid:" not in html
    assert "Image\u00a0· seen" in html


# --- choices in theme.toml ------------------------------------------------------------------------------------------


def own(project: Path, name: str, values: str, files: Mapping[str, str] | None = None) -> Path:
    """A theme of the user's; the project's folder, as `load_theme` takes it."""
    folder = project / "templates" / name
    folder.mkdir(parents=True)
    for file, text in {"theme.toml": values, **(files or {})}.items():
        (folder / file).write_text(text, "utf-8")
    return project


@pytest.mark.parametrize("base", THEMES)
def test_a_table_of_contents(tmp_path: Path, base: str) -> None:
    project = own(tmp_path, "on", f'extends = "{base}"\n[layout]\ntoc = true\n')
    own(tmp_path, "off", f'extends = "{base}"\n[layout]\ntoc = false\n')
    root = parsed(html_of(load_theme("on", project)))
    links = [(link.get("href"), link.text) for link in root.xpath("//a[starts-with(@href, '#')]")]
    # The first heading holds only the second one, which says more.
    assert links == [("#s2", "Second"), ("#s3", "Third")]
    headings = [each.getparent().text_content() for each in root.xpath("//a[@name]")]
    # Classic counts the stories of a section behind its name.
    assert [heading.split("\xa0")[0] for heading in headings] == ["First", "Second", "Third"]
    assert "In this issue" in root.text_content()
    plain = html_of(load_theme("off", project))
    assert not parsed(plain).xpath("//a[@name or @id]")
    assert "In this issue" not in plain


def test_only_brief_has_contents_unasked(theme: Theme) -> None:
    assert ("In this issue" in html_of(theme)) == (theme.name == "brief")


def test_one_heading_needs_no_contents(tmp_path: Path) -> None:
    issue = replace(everything(), blocks=(Heading(2, (Text("Alone"),)), words("text")))
    assert "In this issue" not in html_of(load_theme("brief", tmp_path), issue)


@pytest.mark.parametrize("base", THEMES)
def test_a_logo(tmp_path: Path, base: str) -> None:
    brand = '[brand]\nlogo = "https://a.example/logo.png"\nlogo_width = 90\n'
    html = html_of(load_theme("mine", own(tmp_path, "mine", f'extends = "{base}"\n{brand}')))
    (logo,) = parsed(html).xpath("//img[@src='https://a.example/logo.png']")
    assert (logo.get("alt"), logo.get("width")) == ("The Daily", "90")
    assert html.index("logo.png") < html.index("<h1")
    assert "logo" not in html_of(load_theme(base, tmp_path))


def test_buttons_become_links(tmp_path: Path) -> None:
    project = own(tmp_path, "mine", 'extends = "classic"\n[buttons]\nstyle = "link"\n')
    pills, links = (
        parsed(html_of(load_theme(name, project))).xpath("//td[a[@href='https://a.example/s']]")
        for name in ("classic", "mine")
    )
    assert all(cell.get("bgcolor") for cell in pills)
    assert links
    assert not any(cell.get("bgcolor") for cell in links)


def test_classic_without_pictures(tmp_path: Path) -> None:
    project = own(tmp_path, "mine", 'extends = "classic"\n[layout]\nimages = false\n')
    assert "<img" not in html_of(load_theme("mine", project))


# --- inheritance ----------------------------------------------------------------------------------------------------


def test_a_theme_inherits_what_it_does_not_say(tmp_path: Path) -> None:
    project = own(
        tmp_path,
        "mine",
        'extends = "classic"\n[light]\naccent = "#123456"\n',
        {"paragraph.j2": "<i>mine</i>", "labels.toml": '[en]\nunsubscribe = "Leave"\n', "extra.mjml.j2": ""},
    )
    mine, classic = load_theme("mine", project), load_theme("classic", project)
    assert mine.values["light"] == {**classic.values["light"], "accent": "#123456"}
    assert mine.values["dark"] == classic.values["dark"]
    assert "extends" not in mine.values
    assert {file for file in mine.partials if mine.partials[file] != classic.partials.get(file)} == {
        "paragraph.j2",
        "extra.mjml.j2",
    }
    assert mine.css == classic.css
    assert choose_labels(mine.labels, "en", {})["unsubscribe"] == "Leave"
    assert choose_labels(mine.labels, "en", {})["image"] == "Image"
    assert mine.labels["de"] == classic.labels["de"]
    assert mine.origin == str(project / "templates" / "mine")


def test_a_chain_of_themes(tmp_path: Path) -> None:
    own(tmp_path, "one", 'extends = "two"\n[fonts]\nsize = 17\n')
    own(tmp_path, "two", 'extends = "brief"\n[fonts]\nsize = 18\nline = 2\n')
    fonts = load_theme("one", tmp_path).values["fonts"]
    assert (fonts["size"], fonts["line"]) == (17, 2)
    assert fonts["mono"] == load_theme("brief", tmp_path).values["fonts"]["mono"]


def test_a_users_theme_of_our_name_builds_on_ours(tmp_path: Path) -> None:
    own(tmp_path, "classic", 'extends = "classic"\n[light]\naccent = "#123456"\n')
    assert load_theme("classic", tmp_path).values["light"]["accent"] == "#123456"
    # Ours never build on it; a user's own do.
    own(tmp_path, "mine", 'extends = "classic"\n')
    assert load_theme("mine", tmp_path).values["light"]["accent"] == "#123456"
    assert load_theme("brief", tmp_path) == load_theme("brief", tmp_path / "elsewhere")
    own(tmp_path, "brief", 'extends = "brief"\n')
    assert load_theme("brief", tmp_path).values == load_theme("brief", tmp_path / "elsewhere").values


def test_the_checkout_as_project_is_no_circle() -> None:
    assert load_theme("brief", CHECKOUT).values == load_theme("brief", CHECKOUT / "nowhere").values


def refusal(project: Path, name: str = "mine") -> str:
    with pytest.raises(ConfigError) as caught:
        load_theme(name, project)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_circles_and_unknown_bases_are_refused(tmp_path: Path) -> None:
    file = own(tmp_path, "mine", '# mine\n\nextends = "clasic"\n') / "templates" / "mine" / "theme.toml"
    assert refusal(tmp_path) == f'{file}:3: extends "clasic", and there is no such theme; did you mean classic?'
    file.write_text('extends = "../classic"\n')
    assert refusal(tmp_path).startswith(f'{file}:1: extends "../classic", and there is no such theme; ')
    file.write_text('extends = "mine"\n')
    assert refusal(tmp_path).startswith(f'{file}:1: extends "mine", and there is no such theme but this one; ')
    file.write_text("extends = 3\n")
    assert refusal(tmp_path) == f'{file}:1: extends is a whole number, not a string; write extends = "classic"'
    file.write_text('extends = "other"\n')
    own(tmp_path, "other", '\nextends = "mine"\n')
    other = file.parents[1] / "other" / "theme.toml"
    expected = 'extends "mine", which goes round in a circle (mine -> other -> mine); take `extends` out of one of them'
    assert refusal(tmp_path) == f"{other}:2: {expected}"
    own(tmp_path, "third", 'extends = "mine"\n')
    assert "(mine -> other -> mine)" in refusal(tmp_path, "third")


def test_an_unknown_theme_is_named_with_the_known(tmp_path: Path) -> None:
    assert "write one of: brief, classic, essay, magazine, mono" in refusal(tmp_path)


def test_a_theme_without_a_base_needs_all_sheets(tmp_path: Path) -> None:
    folder = own(tmp_path, "mine", "") / "templates" / "mine"
    remedy = 'copy it from the classic theme, or write extends = "classic" in theme.toml'
    assert refusal(tmp_path) == f"{folder / 'issue.mjml.j2'}: the theme lacks this file; {remedy}"


def test_an_import_in_an_own_sheet_is_found(tmp_path: Path) -> None:
    project = own(tmp_path, "mine", 'extends = "classic"\n', {"style.css": "\n@import url(x);\n"})
    assert refusal(project).startswith(f"{tmp_path / 'templates' / 'mine' / 'style.css'}:2: the rule @import")


# --- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[light]\nink = "red"\n', ':2: [light] ink is "red", not a colour of six digits; write ink = "#1f2328"'),
        ('[light]\nink = "#fff"\n', ':2: [light] ink is "#fff", not a colour of six digits; '),
        ("[dark]\n\nink = 3\n", ":3: [dark] ink is a whole number, not a string; "),
        ('[dark]\nink = ["#ffffff"]\n', ":2: [dark] ink is an array, not a string; "),
        ('light = { ink = "red" }\n', ':1: [light] ink is "red", not a colour of six digits; '),
        ('light.ink = "red"\n', ':1: [light] ink is "red", not a colour of six digits; '),
        ('[light]\n"ink" = "red"\n', ':2: [light] ink is "red", not a colour of six digits; '),
        ('[light]\nink = "#fffff\\n"\n', ":2: [light] ink is "),
        ("[layout]\nwidth = 0\n", ":2: [layout] width is 0, not a whole number from 1 to 10000; write width = 600"),
        ("[layout]\nwidth = -3\n", ":2: [layout] width is -3, "),
        ("[layout]\nwidth = 600.5\n", ":2: [layout] width is a number, not a whole number; "),
        ("[layout]\nwidth = true\n", ":2: [layout] width is a boolean, not a whole number; "),
        ('[layout]\nwidth = "600"\n', ':2: [layout] width is the string "600", '),
        ("[layout]\nradius = -1\n", ":2: [layout] radius is -1, "),
        ('[layout]\ntoc = "yes"\n', ':2: [layout] toc is the string "yes", neither true nor false; '),
        ("[layout]\nimages = 1\n", ":2: [layout] images is a whole number, neither true nor false; "),
        ("[fonts]\nline = 0.0\n", ":2: [fonts] line is 0.0, not a number above 0 and at most 10; write line = 1.75"),
        ("[fonts]\nline = nan\n", ":2: [fonts] line is nan, "),
        ("[fonts]\nline = inf\n", ":2: [fonts] line is inf, "),
        ("[fonts]\nsize = 0\n", ":2: [fonts] size is 0, "),
        ('[fonts]\nbody = "a; } @import"\n', ':2: [fonts] body is "a; } @import", not a list of fonts '),
        ('[fonts]\nbody = ""\n', ':2: [fonts] body is "", not a list of fonts with commas between; '),
        ("[fonts]\nbody = 3\n", ":2: [fonts] body is a whole number, not a string; "),
        ('[brand]\nlogo = "http://a.example/l.png"\n', ":2: [brand] logo is "),
        ('[brand]\nlogo = "logo.txt"\n', ':2: [brand] logo is "logo.txt", not a picture\'s file or https address; '),
        ('[brand]\nlogo = "https://"\n', ":2: [brand] logo is "),
        ('[brand]\nlogo = "https://[a"\n', ":2: [brand] logo is "),
        ('[brand]\nlogo = "https://a.example/\\" x"\n', ":2: [brand] logo is "),
        ("[brand]\nlogo = false\n", ":2: [brand] logo is a boolean, not a string; "),
        ("[brand]\nlogo_width = 0\n", ":2: [brand] logo_width is 0, "),
        (
            '[buttons]\nstyle = "round"\n',
            ":2: [buttons] style is \"round\", not one of 'pill' or 'link'; write style = ",
        ),
        ('[buttons]\nstyle = ["pill"]\n', ":2: [buttons] style is an array, not one of "),
        ('[budget]\norder = "images"\n', ":2: [budget] order is the string "),
        ('[budget]\norder = ["images", "pixels"]\n', ":2: [budget] order is wrong at place 2: it is "),
        ('[budget]\norder = ["images", "images"]\n', ":2: [budget] order has a step twice; "),
        ("[budget]\norder = [[]]\n", ":2: [budget] order is wrong at place 1: it is an array, "),
        (
            '[light]\nacent = "#ffffff"\n',
            ':2: [light] has no key "acent"; did you mean accent?; values of your own go ',
        ),
        ("[layout]\nzzz = 1\n", ':2: [layout] has no key "zzz"; it may have width, margin, '),
        ("[colours]\n", ":1: no section is named [colours]; "),
        ("[font]\nsize = 3\n", ":1: no section is named [font]; did you mean fonts?; "),
        ("toc = true\n", ':1: the key "toc" stands outside any section; write it below [layout]'),
        ("mine = true\n", ':1: the key "mine" stands outside any section; write it below [extra]'),
        ("[[light]]\nink = 3\n", ":1: [light] is an array, not a section; write [light] and its keys below"),
        ("\n[light\n", ":2:7: not TOML: "),
        ("\n[light]\nink\n", ":3:4: not TOML: "),
        ("[light]\nink = '''", ":2:10: not TOML: "),
    ],
)
def test_values_are_checked(tmp_path: Path, text: str, sentence: str) -> None:
    file = own(tmp_path, "mine", f"{text}") / "templates" / "mine" / "theme.toml"
    told = refusal(tmp_path)
    assert told.startswith(f"{file}{sentence}"), told
    assert "; " in told


def test_all_faults_are_told_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = 'extends = 3\n[dark]\nink = "red"\n[layout]\nwidht = 1\ntoc = 1\n'
    file = own(tmp_path, "mine", text) / "templates" / "mine" / "theme.toml"
    with pytest.raises(ConfigError) as caught:
        load_theme("mine", tmp_path)
    assert caught.value.lines == (
        f'{file}:1: extends is a whole number, not a string; write extends = "classic"',
        f'{file}:3: [dark] ink is "red", not a colour of six digits; write ink = "#1f2328"',
        f'{file}:5: [layout] has no key "widht"; did you mean width?; values of your own go below [extra]',
        f"{file}:6: [layout] toc is a whole number, neither true nor false; write toc = true",
    )


def test_the_document_has_every_key_of_a_theme() -> None:
    text = (CHECKOUT / "docs" / "themes.md").read_text("utf-8")
    assert text.partition("<!-- keys: begin -->\n")[2].partition("<!-- keys: end -->")[0] == describe(SCHEMA)


@pytest.mark.parametrize("name", THEMES)
def test_every_declared_key_has_a_good_example_and_our_themes_name_no_other(tmp_path: Path, name: str) -> None:
    text = "".join(
        f"[{section}]\n" + "".join(f"{key} = {toml(each.example)}\n" for key, each in SCHEMA.keys(section).items())
        for section in SCHEMA.sections
    )
    values = load_theme("mine", own(tmp_path, "mine", f'extends = "{name}"\n{text}')).values
    for section, keys in load_theme(name, tmp_path).values.items():
        assert set(keys) <= set(SCHEMA.keys(section))
        assert all(values[section][key] == SCHEMA.keys(section)[key].example for key in keys if section != "fonts")


def test_what_to_give_up_may_be_said(tmp_path: Path) -> None:
    project = own(tmp_path, "mine", 'extends = "classic"\n[budget]\norder = ["images"]\n')
    assert load_theme("mine", project).values["budget"] == {"order": ["images"]}


def test_values_of_ones_own_are_free(tmp_path: Path) -> None:
    project = own(
        tmp_path,
        "mine",
        'extends = "classic"\n[extra]\nmotto = "slow"\nsizes = [1, 2]\n',
        {"paragraph.j2": "{{ extra.motto }}"},
    )
    assert "slow" in html_of(load_theme("mine", project))


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    project = own(tmp_path, "mine", 'extends = "classic"\n', {"style.css": ""})
    file = project / "templates" / "mine" / "style.css"
    file.write_bytes(b"/* */\n\xff")
    assert refusal(project) == f"{file}:2: byte 0xff is not UTF-8; save the file as UTF-8"
    file.unlink()
    file.mkdir()
    assert refusal(project).startswith(f"{file}: cannot be read")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    project = own(tmp_path, "mine", '\ufeffextends = "classic"\n')
    assert load_theme("mine", project).values == load_theme("classic", project).values


# --- new themes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", THEMES)
def test_a_copy_renders_as_its_base(tmp_path: Path, base: str) -> None:
    files = new_theme("mine", base, tmp_path)
    folder = tmp_path / "templates" / "mine"
    assert sorted(folder.iterdir()) == sorted(files)
    mine, theirs = load_theme("mine", tmp_path), load_theme(base, tmp_path)
    assert replace(mine, name=base, origin="", files={}) == replace(theirs, origin="", files={})
    assert html_of(mine) == html_of(theirs)
    source = (folder / "theme.toml").read_text("utf-8")
    assert "extends" not in tomllib.loads(source)
    assert "#" in source.split("[light]")[0], "the comments are kept"


def test_a_copy_of_an_heir_stands_alone(tmp_path: Path) -> None:
    own(
        tmp_path,
        "base",
        'extends = "essay"\n[layout]\nradius = 3\n[extra]\nmotto = "a \\"b\\" ü"\nhalf = 0.5\nnames = ["x", "y"]\n'
        'on = true\ninner = { "a b" = 1 }\n',
        {"labels.toml": '[en]\nunsubscribe = "Leave"\n', "paragraph.j2": "{{ extra.motto }}"},
    )
    new_theme("mine", "base", tmp_path)
    before = load_theme("base", tmp_path)
    expected = html_of(before)
    shutil.rmtree(tmp_path / "templates" / "base")
    mine = load_theme("mine", tmp_path)
    assert mine.values == before.values
    assert html_of(mine) == expected


def test_a_copy_may_take_our_name(tmp_path: Path) -> None:
    new_theme("classic", "classic", tmp_path)
    assert load_theme("classic", tmp_path).origin == str(tmp_path / "templates" / "classic")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = own(tmp_path, "mine", "# precious") / "templates" / "mine"
    with pytest.raises(ConfigError, match="it is there already; choose another name"):
        new_theme("mine", "classic", tmp_path)
    assert [path.name for path in folder.iterdir()] == ["theme.toml"]
    assert (folder / "theme.toml").read_text() == "# precious"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "-x", "a b", "a\n", "/a"])
def test_names_that_no_theme_may_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a theme; use letters"):
        new_theme(name, "classic", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_copy_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no theme 'nothing'"):
        new_theme("mine", "nothing", tmp_path)
    (tmp_path / "templates").write_text("a file")
    with pytest.raises(ConfigError, match="cannot be made"):
        new_theme("mine", "classic", tmp_path)


def test_a_copy_cut_short_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        if path.name == "theme.toml":
            raise OSError(28, "No space left on device")
        return write(path, data)

    write = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ConfigError, match=r"cannot be written \(No space left on device\)"):
        new_theme("mine", "classic", tmp_path)
    assert not (tmp_path / "templates" / "mine").exists()


# --- labels ---------------------------------------------------------------------------------------------------------


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


@pytest.mark.parametrize("lang", LABELS)
def test_each_language_has_all_labels(lang: str) -> None:
    ours = LABELS[lang]
    assert set(ours) | {"months"} == set(LABELS["en"])
    for name, value in ours.items():
        check_label(name, value)
        if name == "date":
            assert placeholders(value) >= {"year", "day"}
            assert ("month_name" in placeholders(value)) == ("months" in ours)
        elif name not in ("months", "weekdays"):
            assert placeholders(value) == LABEL_FIELDS.get(name, frozenset())
            assert value.strip() == value != ""


def test_the_languages_are_the_twenty() -> None:
    assert list(LABELS) == [
        *("en", "zh", "zh-Hant", "ja", "ko", "es", "de", "fr", "ru", "uk", "bg", "pt", "it", "pl", "tr", "vi", "id"),
        *("ar", "he", "fa"),
    ]


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("stories", "{number} stories", "{number} is no part of it"),
        ("stories", "{count.__class__}", "is no part of it"),
        ("stories", "{count!r}", "is no part of it"),
        ("stories", "{} stories", "{} is no part of it"),
        ("stories", "{count stories", "a brace too many or too few"),
        ("why", 3, "is 3, not text"),
        ("months", ["Jan"], "does not hold twelve names"),
    ],
)
def test_labels_that_cannot_be_printed(tmp_path: Path, name: str, value: Any, what: str) -> None:
    with pytest.raises(InvalidValueError, match=re.escape(what)):
        check_label(name, value)
    text = 'extends = "classic"\n', f"[en]\n{name} = {value if isinstance(value, int) else repr(value)}\n"
    project = own(tmp_path, "mine", text[0], {"labels.toml": text[1]})
    told = refusal(project)
    assert told.startswith(f"{tmp_path / 'templates' / 'mine' / 'labels.toml'}:2: [en] {name} ")


def test_labels_outside_a_language(tmp_path: Path) -> None:
    project = own(tmp_path, "mine", 'extends = "classic"\n', {"labels.toml": 'unsubscribe = "Leave"\n'})
    file = project / "templates" / "mine" / "labels.toml"
    assert refusal(project).startswith(f'{file}:1: the key "unsubscribe" stands outside any section; write it below')


def test_an_import_that_an_expression_spells_is_refused_too(tmp_path: Path) -> None:
    secret = tmp_path / "secret.css"
    secret.write_text("p { color: red }")
    source = 'p {}\n{{ "\\x40" }}import url("' + secret.as_uri() + '");\n'
    project = own(tmp_path, "mine", 'extends = "classic"\n', {"style.css": source})
    theme = load_theme("mine", project)
    issue = parse_post("# T\n\ntext", path="x.md").issue
    with pytest.raises(ConfigError, match=r"style\.css:2: the rule @import is not allowed"):
        render_issue(issue, theme, MASTHEAD)


def test_a_fault_in_an_inherited_file_is_named_where_it_is(tmp_path: Path) -> None:
    own(tmp_path, "base", 'extends = "classic"\n', {"footer.mjml.j2": "<tr>\n{{ nothing_of_that_name }}</tr>"})
    project = own(tmp_path, "mine", 'extends = "base"\n', {})
    issue = parse_post("# T\n\ntext", path="x.md").issue
    with pytest.raises(ConfigError, match=r"base/footer\.mjml\.j2:2: 'nothing_of_that_name' is undefined"):
        render_issue(issue, load_theme("mine", project), MASTHEAD)


@pytest.mark.parametrize(
    ("stack", "written"),
    [
        ("Source Sans 3,sans-serif", '"Source Sans 3",sans-serif'),
        ("Georgia, 8514oem , serif", 'Georgia,"8514oem", serif'),
        ("'Source Sans 3',\"Exo 2\",serif", "'Source Sans 3',\"Exo 2\",serif"),
        ("Noto Sans SC,-apple-system,sans-serif", "Noto Sans SC,-apple-system,sans-serif"),
        ("Press  Start 2P", '"Press Start 2P"'),
        ("Mr. Bedfort,cursive", '"Mr. Bedfort",cursive'),
    ],
)
def test_a_font_whose_name_is_no_css_word_is_quoted(tmp_path: Path, stack: str, written: str) -> None:
    own(tmp_path, "mine", f"extends = \"classic\"\n[fonts]\nbody = '''{stack}'''\nmono = '''{stack}'''\n")
    fonts = load_theme("mine", tmp_path).values["fonts"]
    assert (fonts["body"], fonts["mono"]) == (written, written)


def test_a_browser_takes_a_font_with_a_number(tmp_path: Path, evaluate: Evaluate) -> None:
    own(tmp_path, "mine", 'extends = "classic"\n[fonts]\nbody = "Source Sans 3,Georgia,serif"\n')
    issue = parse_post("# T\n\nwords", path="2026-03-01-a.md").issue
    html = filled(render_issue(issue, load_theme("mine", tmp_path), MASTHEAD).html)
    found = evaluate(html, "getComputedStyle(document.querySelector('.page, [aria-roledescription]')).fontFamily")
    assert found == '"Source Sans 3", Georgia, serif'
