"""Convert MJML to HTML by mrml, and inline the theme's CSS by premailer.

Both have defaults that break an email. Each setting that avoids this is explained where it is made, and covered by a
test.
"""

from __future__ import annotations

import importlib
import logging
import re
import sys
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from mjml import mjml2html

from newsletter.errors import ConfigError
from newsletter.model.rendered_email import Theme
from newsletter.render.change_tags import change_tags
from newsletter.render.merge_styles import merge_once
from newsletter.render.mjml_depth import mjml_depth
from newsletter.render.plain_css import parse_declarations, parse_sheet
from newsletter.render.select_elements import Selector, unchanging_classes

if TYPE_CHECKING:
    from premailer import Premailer


MAX_MJML_DEPTH = 500
"""The deepest nesting of elements. mrml recurses without a limit and crashes the process at some thousands, or some
hundreds on the small stack of a thread; the deepest post has 311.
"""


def html_of(mjml: str, theme: Theme) -> str:
    """Raises ConfigError if the theme's templates give invalid MJML."""
    if (depth := mjml_depth(mjml)) > MAX_MJML_DEPTH:
        raise ConfigError(
            f"the templates give MJML with elements nested {depth:,} deep, more than {MAX_MJML_DEPTH}",
            "mend the loop that opens them, or close what it opens",
            path=theme.origin,
        )
    try:
        # fonts={}: by default mrml writes a Google Fonts link, which premailer would fetch.
        return _printable(str(mjml2html(mjml, fonts={})))
    except ValueError as error:
        raise ConfigError(
            f"the templates give MJML that cannot be read ({error})", "mend them", path=theme.origin
        ) from error


_CLIPPED = re.compile(
    r'(<div [^<>]*style="[^"<>]*?border-radius:([^;"<>]+);)overflow:hidden;([^"<>]*"[^<>]*><table [^<>]*style=")'
)
_WHOLE_COLUMN = re.compile(r'(<div [^<>]*\bmj-column-per-100\b[^<>]*style="[^"<>]*?)display:inline-block;')


def _printable(html: str) -> str:
    """Make sections unclipped, and full-width columns breakable across printed pages.

    mrml clips the overflow of a rounded section, which loses the ends of lines beside anything too wide, and on paper
    everything beyond the page. Its columns are inline-blocks, which are not broken across pages: page 1 stays empty. A
    column as wide as its section can be a block.
    """
    unclipped = _CLIPPED.sub(r"\1\3border-radius:\2;", html)
    return _WHOLE_COLUMN.sub(r"\1", unclipped)


def _premailer() -> type[Premailer]:
    """Import premailer without the HTTP client of features that we disable, with a faster CSS parser and selection.

    Security: it cannot use the network, whatever its settings. It loads in a quarter of the time: cssutils and
    cssselect are loaded for CSS that is not plain.
    """
    if "premailer" not in sys.modules:
        selection: Any = ModuleType("lxml.cssselect")
        selection.CSSSelector = Selector
        stand_ins = {"requests": ModuleType("requests"), "cssutils": _plain_cssutils(), "lxml.cssselect": selection}
        known = {name: sys.modules.get(name) for name in stand_ins}
        sys.modules.update(stand_ins)
        try:
            importlib.import_module("premailer")
        finally:
            for name, module in known.items():
                del sys.modules[name]
                if module is not None:
                    sys.modules[name] = module
        loaded: Any = sys.modules["premailer.premailer"]
        loaded.merge_styles = merge_once(loaded.merge_styles)
    from premailer import Premailer as Inliner

    return cast("type[Premailer]", Inliner)


@cache
def _inliner() -> type[Premailer]:
    """premailer's class without its search of each style for attributes to write: we disable all of them."""
    base: Any = _premailer()

    class Inliner(base):  # type: ignore[misc]
        def _style_to_basic_html_attributes(self, element: Any, style_content: str, force: bool = False) -> None:
            pass

    return cast("type[Premailer]", Inliner)


def _plain_cssutils() -> ModuleType:
    """A module in place of cssutils that parses plain CSS itself, and takes all else from cssutils when it is asked."""

    def cssutils() -> ModuleType:
        return importlib.import_module("cssutils")

    def parse_string(css: str, *, validate: bool) -> Any:
        rules = parse_sheet(css)
        return _quiet(cssutils()).parseString(css, validate=validate) if rules is None else rules

    def parse_style(css: str, *, validate: bool) -> Any:
        properties = parse_declarations(css)
        return _quiet(cssutils()).parseStyle(css, validate=validate) if properties is None else properties

    module: Any = ModuleType("cssutils")
    module.parseString = parse_string
    module.parseStyle = parse_style
    module.log = logging.getLogger(__name__)  # premailer sets its level
    module.__getattr__ = lambda name: getattr(cssutils(), name)
    return cast("ModuleType", module)


def _quiet(cssutils: ModuleType) -> ModuleType:
    cssutils.log.setLevel(logging.CRITICAL)
    return cssutils


_STYLE_TAG = re.compile(r'<style type="text/css"(?=[>\s])|<style(?= media)')
_OTHER_STYLE = re.compile(r"<!--.*?-->|<style(?=[\s>])(?![^>]*data-premailer)", re.DOTALL | re.IGNORECASE)


def inline_css(html: str, style: str, kept: str) -> str:
    """Inline the theme's rules into the elements; style blocks stay, with the classes that `kept` selects."""
    # MJML's base rules copied onto every cell would add 13 to 20 % in bytes: only `style` is inlined.
    marked = _STYLE_TAG.sub(lambda tag: tag[0] + ' data-premailer="ignore"', html)
    # Security: the CSS parser follows @import, file:// included, so it must not see a style block from a template.
    marked = _OTHER_STYLE.sub(
        lambda tag: tag[0] if tag[0].startswith("<!--") else tag[0] + ' data-premailer="ignore"', marked
    )
    inliner = _inliner()(
        marked,
        css_text=[_matching_rules(style, marked)],
        disable_leftover_css=True,
        keep_style_tags=True,  # or media queries and dark mode are lost
        strip_important=False,  # or the live rules lose against the inlined ones
        # Security: rendering uses no network and no files outside the theme.
        allow_network=False,
        allow_loading_external_files=False,
        # Otherwise width="550" becomes "100%" and Outlook loses the size.
        disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
        align_floating_images=False,
        disable_validation=True,  # cssutils does not know mso- properties
        cssutils_logging_level=logging.CRITICAL,
    )
    with unchanging_classes():
        inlined: str = inliner.transform(pretty_print=False)
    used = set(re.findall(r"\.([A-Za-z][\w-]*)", kept))
    body = change_tags(_TAG, lambda tag: _shortened(tag, used), inlined)
    body = _with_compact_styles(body)
    # premailer drops a lower-case doctype, and the email would render in quirks mode.
    return "<!doctype html>\n" + re.sub(r"^\s*<!doctype[^>]*>\s*", "", body, flags=re.IGNORECASE)


_QUOTED = re.compile("""("[^"]*"|'[^']*')""")


def _with_compact_styles(html: str) -> str:
    """Minify the white space between the rules of style blocks."""
    *blocks, rest = html.split("</style>")
    return "</style>".join([*map(_compact_last, blocks), rest])


def _compact_last(piece: str) -> str:
    """A text that ends in a style block's rules, with those minified."""
    opening = piece.rfind("<style")
    start = piece.find(">", opening) + 1
    return piece[:start] + "".join(map(_compact, _QUOTED.split(piece[start:]))) if opening >= 0 and start else piece


def _compact(css: str) -> str:
    if css[:1] in ("'", '"'):
        return css
    css = re.sub(r"\s+", " ", css)
    for mark in "{};":
        css = css.replace(f" {mark}", mark).replace(f"{mark} ", mark)
    return re.sub(r"(?<=[\w-]): ", ":", css)


_RULE = re.compile(r"([^{}]+)\{[^{}]*\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def _matching_rules(style: str, html: str) -> str:
    """The rules that can match: an issue uses a third of a theme's block kinds, and parsing a rule takes a
    millisecond.
    """
    names = {name for value in set(re.findall(r' class="([^"]*)"', html)) for name in value.split()}
    tags = set(re.findall(r"<([a-z][a-z0-9]*)", html))

    def may_match(selector: str) -> bool:
        classes = re.findall(r"\.([\w-]+)", selector)
        elements = re.findall(r"(?:^|[\s>+~,])([a-z][a-z0-9]*)", selector)
        return names.issuperset(classes) and tags.issuperset(elements)

    rules = _RULE.finditer(_COMMENT.sub("", style))
    return "\n".join(rule[0] for rule in rules if any(map(may_match, rule[1].split(","))))


# Only in tags: `class="..."` in text is the author's, and quotes are not escaped there. Comments are skipped except for
# their delimiters, since Outlook's contain tags.
_TAG = re.compile(r"""(<[A-Za-z](?:[^<>"']|"[^"]*"|'[^']*')*>)""")


def _shortened(tag: str, used: set[str]) -> str:
    """A tag without the classes whose rules were inlined, and without spaces in its styles."""
    if " class=" in tag:
        tag = _CLASS_ATTRIBUTE.sub(lambda found: _live_classes(found[1], used), tag)
    return _STYLE_ATTRIBUTE.sub(_without_spaces, tag) if " style=" in tag else tag


_CLASS_ATTRIBUTE = re.compile(r' class="([^"]*)"')
_STYLE_ATTRIBUTE = re.compile(r"""(?<= style=)("[^"]*"|'[^']*')""")


def _without_spaces(style: re.Match[str]) -> str:
    return style[0].replace(": ", ":").replace("; ", ";").replace(", ", ",")


def _live_classes(classes: str, used: set[str]) -> str:
    """A class attribute with only the names that live rules select; the rules of others were inlined."""
    kept = [name for name in classes.split() if name in used or name.startswith(("mj-", "moz-"))]
    return f' class="{" ".join(kept)}"' if kept else ""
