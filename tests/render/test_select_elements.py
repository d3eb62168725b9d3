"""Elements are selected as lxml selects them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from lxml.cssselect import CSSSelector

from newsletter.render.select_elements import Selector, unchanging_classes

NAMES = st.sampled_from(["p", "a", "b", "td", "h1"])
CLASSES = st.sampled_from(["a", "b", "k-1", "B", "no"])
PARTS = st.builds(
    lambda name, classes: name + "".join(f".{each}" for each in classes) or "p", NAMES | st.just(""), st.lists(CLASSES)
)
SELECTORS = st.lists(PARTS, min_size=1, max_size=3).map(" ".join)
WRITTEN = st.lists(CLASSES | st.just("\u00a0a"), max_size=3).map("\t ".join)
ELEMENTS = st.recursive(
    st.builds(lambda name, classes: f'<{name} class="{classes}"/>', NAMES, WRITTEN),
    lambda inner: st.builds(
        lambda name, classes, inside: f'<{name} class=" {classes}"><!-- p -->{"".join(inside)}</{name}>',
        NAMES,
        WRITTEN,
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@given(ELEMENTS, SELECTORS)
def test_plain_selectors_find_what_lxml_finds(page: str, css: str) -> None:
    root = etree.fromstring(page)
    with unchanging_classes():
        assert Selector(css)(root) == CSSSelector(css)(root)


@pytest.mark.parametrize("css", ["p > a", "*", "p, a", "[class]", "p:first-child", "p + a", "a.b-1:not(.x)", "#a", "P"])
def test_other_selectors_are_left_to_lxml(css: str) -> None:
    root = etree.fromstring('<p id="a"><a class="b-1">1</a><P/><a/><p><a/></p></p>')
    with unchanging_classes():
        assert Selector(css)(root) == CSSSelector(css)(root)


def test_several_selectors_of_several_pages() -> None:
    pages = [etree.fromstring(f"<p>{'<a/>' * count}</p>") for count in (1, 3)]
    with unchanging_classes():
        assert [[len(Selector(css)(page)) for css in ("a", "p a", "a a", "p")] for page in pages] == [
            [1, 1, 0, 1],
            [3, 3, 0, 1],
        ]
    pages[0].append(etree.fromstring("<a/>"))
    assert len(Selector("a")(pages[0])) == 2  # nothing is kept of a page that may have changed
