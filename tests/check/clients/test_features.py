"""What an email uses, by caniemail's slugs: every feature of its table is found, and nothing that is not there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.check.clients import caniemail_slugs as slugs
from newsletter.check.clients.features import count_features
from newsletter.check.clients.load_support import load_support
from newsletter.check.clients.support import Support
from newsletter.check.css import Comment, Declaration, Rule, read_sheet, read_style


@pytest.fixture(scope="session")
def support() -> Support:
    return load_support()


def in_body(html: str) -> set[str]:
    """Of a document, what its elements use beside `<body>`, `<p>` and the like of its frame."""
    return set(count_features(f"<html><body>{html}</body></html>")[0]) - {"html-body"}


def in_style(css: str) -> set[str]:
    return set(count_features(f"<html><head><style>{css}</style></head></html>")[1])


def of_value(declaration: str) -> set[str]:
    return in_body(f'<b style="{declaration}">x</b>')


# --- nothing of the table is overlooked -----------------------------------------------------------------------------

TABLES = (
    slugs.ELEMENTS,
    slugs.ATTRIBUTES,
    slugs.KINDS,
    slugs.PICTURES,
    slugs.PROPERTIES,
    slugs.DISPLAYS,
    slugs.WORDS,
    slugs.FUNCTIONS,
    slugs.UNITS,
    slugs.AT_RULES,
    slugs.MEDIA,
    slugs.PSEUDO_CLASSES,
    slugs.PSEUDO_ELEMENTS,
)
OWN = (
    *("css-comments", "css-important", "css-nesting", "html-anchor-links", "html-comments", "html-doctype"),
    *("html-mailto-links", "html-meta-color-scheme", "image-base64"),
)
"""The slugs that `features` names itself."""
NAMED = {slug for table in TABLES for slug in table.values()} | set(slugs.SELECTORS) | set(OWN)


def test_no_slug_is_misspelt(support: Support) -> None:
    assert sorted((NAMED | set(slugs.UNSEEN)) - set(support.features)) == []


def test_every_other_feature_is_a_plain_property(support: Support) -> None:
    """What caniemail adds later fails here by name until it has its place in a table."""
    for slug, feature in support.features.items():
        if slug in NAMED or slug in slugs.UNSEEN:
            continue
        title = feature.title.removesuffix(" CSS property").removesuffix(" property").removesuffix(" shorthand")
        assert f"css-{title.partition(':')[0]}" == slug
        assert slug in of_value(f"{slug[4:]}:x")


# --- elements and attributes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tag", "slug"), sorted(slugs.ELEMENTS.items()))
def test_an_element(tag: str, slug: str) -> None:
    assert slug in count_features(f"<html><head></head><body><{tag}></{tag}></body></html>")[0]


@pytest.mark.parametrize(("name", "slug"), sorted(slugs.ATTRIBUTES.items()))
def test_an_attribute(name: str, slug: str) -> None:
    html = (
        f'<html {name}="x"><body></body></html>' if slug == "amp" else f'<html><body><b {name}="x">y</b></body></html>'
    )
    assert slug in count_features(html)[0]


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<a href="#top">x</a>', {"html-anchor-links"}),
        ('<a href="MAILTO:a@b.example">x</a>', {"html-mailto-links"}),
        ('<a href="https://a.example/x.svg">x</a>', set()),
        ('<meta name="color-scheme" content="light">', {"html-meta-color-scheme"}),
        ('<meta name="viewport" content="color-scheme">', set()),
        ("<!-- words -->", {"html-comments"}),
        ('<img src="https://a.example/x.WEBP?a=b.png#c">', {"html-img", "image-webp"}),
        ('<img src="data:image/png;base64,AAAA">', {"html-img", "image-base64"}),
        ('<img src="cid:picture@a.example">', {"html-img"}),
        ('<img src="x.mp4" srcset="y.png 2x">', {"html-img", "image-mp4", "html-srcset"}),
        ('<td background="x.avif">x</td>', {"html-background", "image-avif"}),
        ("<button>x</button>", {"html-button-submit"}),
        ("<input>", {"html-input-text"}),
        ('<input type="RADIO" required>', {"html-input-radio", "html-required"}),
        ('<input type="file">', set()),
        ('<span class="x" id="y" data-x="z">a</span>', {"html-span"}),
        ('<col span="2">', set()),
    ],
)
def test_what_stands_in_elements(html: str, found: set[str]) -> None:
    assert in_body(html) == found


def test_a_doctype() -> None:
    assert "html-doctype" in count_features("<!DOCTYPE html>\n<html><body>x</body></html>")[0]
    assert "html-doctype" not in count_features("<html><body>&lt;!doctype html></body></html>")[0]


# --- CSS ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declaration", "found"),
    [
        ("border-top-left-radius:4px", {"css-border-radius", "css-unit-px"}),
        ("BORDER-TOP:1PX SOLID", {"css-border", "css-unit-px"}),
        ("margin-left:-1.5em;margin-right:.5em", {"css-margin", "css-unit-em"}),
        ("width:calc(100% - 2rem)", {"css-width", "css-unit-calc", "css-unit-percent", "css-unit-rem"}),
        ("display:none!important", {"css-display", "css-display-none", "css-important"}),
        ("display:inline-flex", {"css-display", "css-display-flex"}),
        ("color:#1em2ex", {"css-color"}),
        ("color:rgba(0,0,0,.5)", {"css-color", "css-rgba"}),
        ("color:var(--none)", {"css-color", "css-variables"}),
        ("--size:4px", {"css-variables", "css-unit-px"}),
        ("background:url(none.webp) no-repeat", {"css-background", "image-webp"}),
        (
            "background-image:url('data:image/svg+xml;utf8,a;b:4vw')",
            {"css-background-image", "image-base64"},
        ),
        ("background-image:repeating-linear-gradient(red,blue)", {"css-background-image", "css-linear-gradient"}),
        ("font-family:'4px ui-serif',system-ui", {"css-font-family", "css-sytem-ui"}),
        ("width:min-content", {"css-width", "css-intrinsic-size"}),
        ("width:min(1px,2px)", {"css-width", "css-function-min", "css-unit-px"}),
        ("all:initial", {"css-all", "css-unit-initial"}),
        ("-webkit-text-size-adjust:100%;mso-line-height-rule:exactly", set()),
        ("no colon;;:;color;: red", set()),
        ("color:red/*;opacity:0*/", {"css-color", "css-comments"}),
    ],
)
def test_what_a_declaration_uses(declaration: str, found: set[str]) -> None:
    assert of_value(declaration) == found


def test_a_string_in_a_style_keeps_its_semicolons() -> None:
    assert in_body("""<b style='font-family:"a;opacity:0",serif'>x</b>""") == {"css-font-family"}


@pytest.mark.parametrize(
    ("css", "found"),
    [
        (".a{}", {"css-selector-class"}),
        (".a.b{}", {"css-selector-class", "css-selector-chaining"}),
        (".a .b{}", {"css-selector-class", "css-selector-descendant"}),
        ("a > b{}", {"css-selector-type", "css-selector-child"}),
        ("a+b~i{}", {"css-selector-type", "css-selector-adjacent-sibling", "css-selector-general-sibling"}),
        ("a , b{}", {"css-selector-type", "css-selector-grouping"}),
        ('[title="a > .b, #c"]{}', {"css-selector-attribute"}),
        ("#a *{}", {"css-selector-id", "css-selector-descendant", "css-selector-universal"}),
        (".a:hover::before{}", {"css-selector-class", "css-pseudo-class-hover", "css-pseudo-element-before"}),
        (".a:after{}", {"css-selector-class", "css-pseudo-element-after"}),
        (".a:nth-child(2n){}", {"css-selector-class", "css-pseudo-class-nth-child"}),
        ("@media (min-width:4px){}", {"css-at-media"}),
        (
            "@media screen and (prefers-color-scheme:dark) and (any-hover){}",
            {"css-at-media", "css-at-media-prefers-color-scheme", "css-at-media-hover"},
        ),
        ("@import url(x.css);", {"css-at-import"}),
        ("@font-face{font-family:x}", {"css-at-font-face", "css-font-family"}),
        ("@-webkit-keyframes x{from{opacity:0}50%{opacity:1}}", {"css-at-keyframes", "css-opacity"}),
        ("@page{margin:0}", {"css-margin"}),
        (".a{&:hover{color:red}}", {"css-selector-class", "css-nesting", "css-pseudo-class-hover", "css-color"}),
        ("@media x{.a{color:red}}", {"css-at-media", "css-selector-class", "css-color"}),
        ("/* .a{opacity:0} */", {"css-comments"}),
    ],
)
def test_what_a_style_block_uses(css: str, found: set[str]) -> None:
    assert in_style(css) == found


def test_the_style_block_itself_is_an_element_and_its_rules_are_live() -> None:
    body, live = count_features("<html><head><style>.a{opacity:0}</style></head><body><b style='opacity:0'></b></body>")
    assert (body["html-style"], body["css-opacity"], live["css-opacity"]) == (1, 1, 1)


def test_each_use_counts() -> None:
    html = '<b style="width:1px;height:1px"></b><b style="width:1px;height:1px"></b><i style="width:2em"></i>'
    body, _ = count_features(html)
    assert {slug: body[slug] for slug in ("css-width", "css-height", "css-unit-px", "css-unit-em")} == {
        "css-width": 3,
        "css-height": 2,
        "css-unit-px": 4,
        "css-unit-em": 1,
    }


def test_comments_are_read_by_word_alone() -> None:
    assert in_body('<!--[if mso]><b style="opacity:0"></b><![endif]-->x') == {"html-comments"}


# --- what is no HTML, and what is no CSS ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "html", ["", " ", "\0", "<!-- -->", "<?xml version='1.0' encoding='utf-16'?><p>x</p>", "\ud800"]
)
def test_hardly_any_html(html: str) -> None:
    body, live = count_features(html)
    assert not live
    assert set(body) <= {"html-comments", "html-body", "html-p"}


@pytest.mark.parametrize(
    "css",
    [
        *("a{" * 9_000, "@x{" * 9_000 + "a{}" * 9_000, "(" * 20_000, "'" * 19_999, '"(' * 9_000, "/*" * 20_000),
        *("a:" + "url(" * 20_000 + ";", "a:" + "9" * 20_000 + ";", "a:" + "!" + " " * 20_000 + ";", "[" * 20_000 + "{"),
        *("a" + " " * 20_000 + "{", "a[x" * 9_000 + "{", "@media " + "( " * 9_000 + "{", "a:" + "-a" * 9_000 + ";"),
    ],
    ids=lambda css: css[:12],
)
def test_what_goes_on_for_long_ends_soon(css: str) -> None:
    """Where each character led to a look at all the others, one of these would outlast the suite's limit."""
    count_features(f"<style>{css}</style><b style='{css.replace(chr(39), chr(34))}'>x</b>")


def test_deep_nesting() -> None:
    assert count_features("<div>" * 5_000)[0]["html-div"] > 200


@given(st.text(alphabet="ab{};:@&.#[]()\"'/*\\ \n-,!1%", max_size=80))
def test_any_text_is_taken_apart(css: str) -> None:
    for each in (*read_sheet(css), *read_style(css)):
        assert isinstance(each, Comment | Rule | Declaration)
    count_features(f"<style>{css}</style>")
