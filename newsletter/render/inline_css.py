"""MJML to HTML by mrml, and the theme's CSS inlined by premailer.

Both have defaults that break an email. Each setting that keeps them from it is named where it is made, and a test holds
it in place.
"""

from __future__ import annotations

import importlib
import logging
import re
import sys
from types import ModuleType
from typing import TYPE_CHECKING, cast

from mjml import mjml2html

from newsletter.errors import ConfigError
from newsletter.model.rendered_email import Theme
from newsletter.render.mjml_depth import mjml_depth

if TYPE_CHECKING:
    from premailer import Premailer


MAX_MJML_DEPTH = 500
"""Elements inside one another. MJML's renderer recurses without a limit and ends the process at some thousands, at some
hundreds on the small stack of a thread; the deepest post has 311."""


def html_of(mjml: str, theme: Theme) -> str:
    """Raises ConfigError where the theme's templates give MJML that cannot be read."""
    if (depth := mjml_depth(mjml)) > MAX_MJML_DEPTH:
        raise ConfigError(
            f"the templates give MJML with elements nested {depth:,} deep, more than {MAX_MJML_DEPTH}",
            "mend the loop that opens them, or close what it opens",
            path=theme.origin,
        )
    try:
        # fonts={}: the default writes a Google Fonts link, which premailer would go and fetch.
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
    """Sections that clip nothing, and whole columns that a printer may break across pages.

    mrml clips what is beyond a rounded section, which loses the ends of lines beside anything too wide, and on paper
    all that does not fit the page. A column of its is an inline-block, which goes to paper in one piece: page 1 stays
    empty. One as wide as its section needs to be no more than a block.
    """
    unclipped = _CLIPPED.sub(r"\1\3border-radius:\2;", html)
    return _WHOLE_COLUMN.sub(r"\1", unclipped)


def _premailer() -> type[Premailer]:
    """premailer, without the HTTP client that it imports for what we forbid it to do.

    Security: it could not ask the network even if one of its settings were to let it. And it loads in half the time.
    """
    if "premailer" not in sys.modules:
        known = sys.modules.get("requests")
        sys.modules["requests"] = ModuleType("requests")
        try:
            importlib.import_module("premailer")
        finally:
            del sys.modules["requests"]
            if known is not None:
                sys.modules["requests"] = known
    from premailer import Premailer as Inliner

    return cast("type[Premailer]", Inliner)


_STYLE_TAG = re.compile(r'<style type="text/css"(?=[>\s])|<style(?= media)')
_OTHER_STYLE = re.compile(r"<!--.*?-->|<style(?=[\s>])(?![^>]*data-premailer)", re.DOTALL | re.IGNORECASE)


def inline_css(html: str, style: str, kept: str) -> str:
    """The theme's rules moved into the elements; style blocks stay, with the classes that `kept` selects."""
    # MJML's base rules copied onto every cell would cost 13 to 20 % in bytes: only `style` is inlined.
    marked = _STYLE_TAG.sub(lambda tag: tag[0] + ' data-premailer="ignore"', html)
    # Security: the CSS parser follows @import, file:// included, so it sees no block that a template wrote itself.
    marked = _OTHER_STYLE.sub(
        lambda tag: tag[0] if tag[0].startswith("<!--") else tag[0] + ' data-premailer="ignore"', marked
    )
    inlined: str = _premailer()(
        marked,
        css_text=[_matching_rules(style, marked)],
        disable_leftover_css=True,
        keep_style_tags=True,  # or media queries and dark mode go
        strip_important=False,  # or the live rules lose against the inlined ones
        # Security: rendering reads no network and no file beyond the theme.
        allow_network=False,
        allow_loading_external_files=False,
        # Otherwise width="550" becomes "100%" and Outlook loses the size.
        disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
        align_floating_images=False,
        disable_validation=True,  # cssutils knows no mso- properties
        cssutils_logging_level=logging.CRITICAL,
    ).transform(pretty_print=False)
    used = set(re.findall(r"\.([A-Za-z][\w-]*)", kept))
    body = _TAG.sub(lambda tag: _shortened(tag[0], used), inlined)
    body = _with_compact_styles(body)
    # premailer drops a doctype in lower case, and the email would render in quirks mode.
    return "<!doctype html>\n" + re.sub(r"^\s*<!doctype[^>]*>\s*", "", body, flags=re.IGNORECASE)


_QUOTED = re.compile("""("[^"]*"|'[^']*')""")


def _with_compact_styles(html: str) -> str:
    """Style blocks without the white space that MJML and a theme's author set between rules."""
    *blocks, rest = html.split("</style>")
    return "</style>".join([*map(_compact_last, blocks), rest])


def _compact_last(piece: str) -> str:
    """Text that ends in a style block's rules: those compact."""
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
    """The rules that may match something: an issue has a third of a theme's kinds of block, and each rule costs
    the CSS parser a millisecond at first."""
    names = {name for value in re.findall(r' class="([^"]*)"', html) for name in value.split()}
    tags = set(re.findall(r"<([a-z][a-z0-9]*)", html))

    def may_match(selector: str) -> bool:
        classes = re.findall(r"\.([\w-]+)", selector)
        elements = re.findall(r"(?:^|[\s>+~,])([a-z][a-z0-9]*)", selector)
        return names.issuperset(classes) and tags.issuperset(elements)

    rules = _RULE.finditer(_COMMENT.sub("", style))
    return "\n".join(rule[0] for rule in rules if any(map(may_match, rule[1].split(","))))


# Only in tags: `class="..."` in a text is an author's words, and a quote is not escaped there. Comments are passed
# over but for their ends, since those for Outlook hold tags.
_TAG = re.compile(r"""<[A-Za-z](?:[^<>"']|"[^"]*"|'[^']*')*>""")


def _shortened(tag: str, used: set[str]) -> str:
    """A tag without the classes that have done their work, and without spaces in its styles."""
    if " class=" in tag:
        tag = re.sub(r' class="([^"]*)"', lambda found: _live_classes(found[1], used), tag)
    if " style=" in tag:
        tag = re.sub(r"""(?<= style=)("[^"]*"|'[^']*')""", lambda found: re.sub(r"([:;,]) ", r"\1", found[0]), tag)
    return tag


def _live_classes(classes: str, used: set[str]) -> str:
    """A class attribute with only the names that the live rules select; the inlined ones have done their work."""
    kept = [name for name in classes.split() if name in used or name.startswith(("mj-", "moz-"))]
    return f' class="{" ".join(kept)}"' if kept else ""
