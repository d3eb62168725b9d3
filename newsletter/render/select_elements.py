"""Elements by CSS selector: plain selectors from one walk over the page, all others by lxml.

premailer selects once for each rule of a theme, and the XPath of lxml walks over the whole page each time: that was a
tenth of a rendering. A test holds this selection to that of lxml.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from lxml import etree

from newsletter.frozen import frozen

_SPACES = re.compile("[ \t\r\n]+")  # between classes, as XPath's normalize-space has it
_PLAIN = re.compile(r"(?:(?:[a-z][a-z0-9]*|\.[A-Za-z][\w-]*)(?:\.[A-Za-z][\w-]*)*(?: +|$))+", re.ASCII)

_WITH_CLASSES: Any = etree.XPath("descendant-or-self::*[@class]")


@frozen
class _Part:
    """A selector's part between spaces: an element's name, or none, and classes."""

    name: str
    classes: frozenset[str]


class _Page:
    """The elements of a page that have classes, in its order, by each of them."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._classes: dict[Any, frozenset[str]] = {}
        self._classed: dict[str, list[Any]] = defaultdict(list)
        for element in _WITH_CLASSES(root):
            names = self._classes[element] = frozenset(filter(None, _SPACES.split(element.get("class"))))
            for name in names:
                self._classed[name].append(element)

    def select(self, parts: tuple[_Part, ...]) -> list[Any]:
        first, *inner = parts
        found = self._all(first)
        for part in inner:
            if part.classes:
                outer = set(found)
                found = [each for each in self._all(part) if not outer.isdisjoint(each.iterancestors())]
            else:
                found = [*dict.fromkeys(each for outer in found for each in outer.iterdescendants(part.name))]
        return found

    def _all(self, part: _Part) -> list[Any]:
        if not part.classes:
            return [*self._root.iter(part.name)]
        found = self._classed[next(iter(part.classes))]
        if not part.name and len(part.classes) == 1:
            return found
        return [each for each in found if part.classes <= self._classes[each] and part.name in ("", each.tag)]


_PAGES: ContextVar[dict[Any, _Page] | None] = ContextVar("pages", default=None)


@contextlib.contextmanager
def unchanging_classes() -> Iterator[None]:
    """Within this, no page that elements are selected from changes its elements or their classes."""
    token = _PAGES.set({})
    try:
        yield
    finally:
        _PAGES.reset(token)


class Selector:
    """A selector to be called with a page's root: in place of lxml's `CSSSelector`."""

    def __init__(self, css: str) -> None:
        self._css = css
        self._parts = tuple(map(_part, css.split())) if _PLAIN.fullmatch(css) else ()
        self._by_lxml: Any = None

    def __call__(self, page: Any) -> list[Any]:
        pages = _PAGES.get()
        if pages is not None and self._parts:
            if page not in pages:
                pages[page] = _Page(page)
            return pages[page].select(self._parts)
        if self._by_lxml is None:
            self._by_lxml = importlib.import_module("lxml.cssselect").CSSSelector(self._css)
        return list(self._by_lxml(page))


def _part(text: str) -> _Part:
    name, *classes = text.split(".")
    return _Part(name, frozenset(classes))
