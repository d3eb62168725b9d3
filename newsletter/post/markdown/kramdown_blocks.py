"""Block rules of kramdown that differ from CommonMark's, as rules for markdown-it.

Tables have a module of their own. Source: https://kramdown.gettalong.org/syntax.html and kramdown 2.4's parsers.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.common.html_blocks import block_names
from markdown_it.common.utils import normalizeReference
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock, code, html_block
from markdown_it.rules_core import StateCore

from newsletter.post.markdown.alerts import kind_of_classes
from newsletter.post.markdown.attributes import attributes_of
from newsletter.post.markdown.html_elements import is_hidden
from newsletter.post.markdown.kramdown_table import table

ABBREVIATIONS = "abbreviations"
"""Key of `env`: abbreviation -> meaning."""

HIDDEN = "hidden"
"""Key of `env`: lines of attribute lists that hide the block before them, counted from 0."""

_NO_TERMS = "lines that are no terms"
"""Key of `env`: lines where `several_terms` found nothing, so that it does not scan them again."""

_ABBREVIATION = re.compile(r"\*\[(.+?)\]:(.*)$")
_ATTRIBUTES = re.compile(r"\{:[:/]?[^{}\n]*\}[ \t]*$")
_REFERENCE = re.compile(
    r"""\[([^\]^\n][^\]\n]*)\]:[ \t]+<?(https?://\S+(?:[ \t]+[^\s"'(]\S*)+)>?([ \t]+["'](.+)["'])?[ \t]*$"""
)
_DEFINITION = re.compile(r"[:~][ \t]+\S")
_GLUED_HEADING = re.compile(r"(#{2,6})(?=[^\W\d_])(.*?)[ \t]*#*[ \t]*$")
_INSIDE_HTML = "inside_html"
_LOOKED_THROUGH = "looked_through"
# Block-level elements, which are parsed to their end tag.
_ELEMENTS = (frozenset(block_names) - {"base", "basefont", "col", "frame", "hr", "link", "param", "track"}) | {
    *("pre", "audio", "canvas", "map", "math", "noscript", "object", "picture", "svg", "template", "video"),
}
# Inline elements: one at the start of a line begins a paragraph, whose Markdown is parsed.
_OF_TEXT = frozenset(
    {
        *(
            "a",
            "abbr",
            "acronym",
            "b",
            "bdo",
            "big",
            "br",
            "cite",
            "code",
            "del",
            "dfn",
            "em",
            "i",
            "img",
            "ins",
            "kbd",
        ),
        *(
            "label",
            "mark",
            "q",
            "ruby",
            "s",
            "samp",
            "small",
            "span",
            "strike",
            "strong",
            "sub",
            "sup",
            "tt",
            "u",
            "var",
        ),
    }
)
_OPENING_TAG = re.compile(r"<([A-Za-z][A-Za-z0-9]*)(?=[\s/>]|$)")
_ANY_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)(?=[\s/>]|$)")
# A line of HTML, as opposed to one that begins with `<<words>>` or `<https://a.example>`.
_HTML_LINE = re.compile(r"<(?!<|[A-Za-z][A-Za-z0-9+.-]{1,31}:|[^\s<>@]{1,64}@)")
MAX_TAG = 2_000
"""The limit of a tag that may say that its element is hidden."""

MAX_ELEMENT_LINES = 2_000
"""The limit of one element; a longer one ends at a blank line, as in CommonMark."""

MAX_LOOKED_THROUGH = 200_000
"""The limit for all elements of a post together."""


def use_kramdown_blocks(parser: MarkdownIt) -> None:
    """Add the rules to a parser that already has definition lists."""
    parser.core.ruler.before("inline", "last_reference_wins", last_reference_wins)
    rules = parser.block.ruler
    rules.before("deflist", "several_terms", several_terms)
    rules.at("table", table, {"alt": ["paragraph", "reference"]})
    rules.at("code", _code)
    rules.at("html_block", html_element, {"alt": ["paragraph", "reference", "blockquote"]})
    ends_text: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    rules.before("fence", "end_of_block", end_of_block, ends_text)
    rules.before("fence", "attribute_list", attribute_list, {"alt": ["paragraph", "reference", "blockquote"]})
    rules.after("reference", "reference_with_blanks", reference_with_blanks)
    rules.before("lheading", "abbreviation", abbreviation)  # a line each: the line below is not searched for a heading
    rules.before("paragraph", "glued_heading", glued_heading, {"alt": ["paragraph", "reference"]})


def last_reference_wins(state: StateCore) -> None:
    """A reference that is defined twice has the target of its last definition; CommonMark uses the first."""
    for again in state.env.get("duplicate_refs", ()):
        state.env["references"][again["label"]] = {name: again[name] for name in ("title", "href", "map")}


def _first_line(state: StateBlock, line: int, *, outside: bool = False) -> str:
    """A line's text at the current level; empty if it is code, or belongs to an outer block.

    With `outside` such a line is included: otherwise it would continue this level's paragraph.
    """
    if state.is_code_block(line) or (state.sCount[line] < state.blkIndent and not outside):
        return ""
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def end_of_block(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    """`^` alone on a line ends the block before it: a list, so that the next one starts anew."""
    if _first_line(state, startLine, outside=silent).rstrip() != "^":
        return False
    if not silent:
        state.line = startLine + 1
    return True


def attribute_list(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    """`{: .class}` alone on a line applies to the block before it, and is not text."""
    text = _first_line(state, startLine, outside=silent)
    if not text.startswith("{:") or not _ATTRIBUTES.match(text) or "toc" in text or text.startswith("{::"):
        return False
    if not silent:
        state.line = startLine + 1
        if "=" in text and is_hidden("p", attributes_of(f"<p {text.strip().strip('{:}')}>")):
            _drop_last_block(state)
            state.env.setdefault(HIDDEN, []).append(startLine)
        elif state.tokens and state.tokens[-1].type == "blockquote_close":
            opening = next(t for t in reversed(state.tokens) if t.type == "blockquote_open" and t.level == state.level)
            opening.meta["kind"] = kind_of_classes(text)
    return True


def _drop_last_block(state: StateBlock) -> None:
    tokens = state.tokens
    if tokens and tokens[-1].level == state.level and tokens[-1].nesting != 1:
        first = len(tokens) - 1
        while tokens[-1].nesting == -1 and not (tokens[first].nesting == 1 and tokens[first].level == state.level):
            first -= 1
        del tokens[first:]


def abbreviation(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    """`*[HTML]: Hyper Text Markup Language` defines the abbreviation HTML, and is not shown itself."""
    found = _ABBREVIATION.match(_first_line(state, startLine))
    if not found:
        return False
    if not silent:
        state.env.setdefault(ABBREVIATIONS, {})[found[1]] = found[2].strip()
        state.line = startLine + 1
    return True


def reference_with_blanks(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    """`[ref]: https://example.com/a page.html`: an address up to the line's end, blanks included."""
    found = _REFERENCE.match(_first_line(state, startLine))
    if not found:
        return False
    if not silent:
        href = state.md.normalizeLink(re.sub(r"[ \t]", "%20", found[2]))
        references = state.env.setdefault("references", {})
        references[normalizeReference(found[1])] = {"title": found[4] or "", "href": href, "map": [startLine] * 2}
        state.line = startLine + 1
    return True


def several_terms(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    """Each line before a `: definition` is a term; the last one is left to the rule of definition lists."""
    if silent or not _first_line(state, startLine):
        return False
    # If none was found, later lines have none either: many one-line blocks would each scan the rest.
    place = (state.parentType, state.level, state.blkIndent, endLine)
    none = state.env.get(_NO_TERMS, {}).get(place, range(0))
    if startLine in none:
        return False
    terminators = state.md.block.ruler.getRules("paragraph")
    line = startLine + 1
    ends = False
    while line < endLine and not state.isEmpty(line) and not _DEFINITION.match(_first_line(state, line)):
        if ends := any(rule(state, line, endLine, True) for rule in terminators):
            break
        line += 1
    begins = line + 1 if line < endLine and state.isEmpty(line) else line
    if ends or line - startLine < 2 or begins >= endLine or not _DEFINITION.match(_first_line(state, begins)):
        state.env.setdefault(_NO_TERMS, {})[place] = range(startLine, line)
        return False
    state.push("dl_open", "dl", 1).map = [startLine, line - 1]
    for term in range(startLine, line - 1):
        state.push("dt_open", "dt", 1).map = [term, term + 1]
        inline = state.push("inline", "", 0)
        inline.map = [term, term + 1]
        inline.content = state.getLines(term, term + 1, state.blkIndent, False).strip()
        inline.children = []
        state.push("dt_close", "dt", -1)
    state.push("dl_close", "dl", -1)
    state.line = line - 1
    return True


def glued_heading(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    """`##News`, without a space, is a heading. A single `#` may be a hash tag."""
    found = _GLUED_HEADING.match(_first_line(state, startLine))
    if not found:
        return False
    if not silent:
        level = len(found[1])
        state.line = startLine + 1
        opening = state.push("heading_open", f"h{level}", 1)
        opening.markup, opening.map = found[1], [startLine, startLine + 1]
        inline = state.push("inline", "", 0)
        inline.content, inline.map, inline.children = found[2], [startLine, startLine + 1], []
        state.push("heading_close", f"h{level}", -1)
    return True


def html_element(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    """An HTML element to its end, blank lines included, as in kramdown; others as in CommonMark.

    Unindented Markdown after a blank line inside it is parsed, as on GitHub and in Hugo.
    """
    if silent:
        return html_block(state, startLine, endLine, True)
    text = _first_line(state, startLine)
    found = _OPENING_TAG.match(text) if text.startswith("<") else None
    name = found[1].lower() if found else ""
    if name in _OF_TEXT and startLine + 1 < endLine and _first_line(state, startLine + 1)[:1] not in ("", "<"):
        return False
    end = _end_of_element(state, startLine, endLine, name) if name in _ELEMENTS else None
    if end is None:
        return html_block(state, startLine, endLine, False)
    if name != "pre" and _has_markdown(state, startLine, end) and not _is_hidden(state, startLine, name):
        state.env[_INSIDE_HTML] = max(end, state.env.get(_INSIDE_HTML, 0))
        return html_block(state, startLine, endLine, False)
    state.line = end
    token = state.push("html_block", "", 0)
    token.map = [startLine, end]
    token.content = state.getLines(startLine, end, state.blkIndent, True)
    return True


def _end_of_element(state: StateBlock, start: int, limit: int, name: str) -> int | None:
    """The line after an element's end tag, and after elements that begin on that line.

    None if one is never closed at this level.
    """
    depth = 0
    for line in range(start, min(limit, start + MAX_ELEMENT_LINES)):
        # Otherwise unclosed elements would each be scanned to the end.
        state.env[_LOOKED_THROUGH] = state.env.get(_LOOKED_THROUGH, 0) + 1
        if state.env[_LOOKED_THROUGH] > MAX_LOOKED_THROUGH:
            return None
        if not state.isEmpty(line) and state.sCount[line] < state.blkIndent:
            return None
        for tag in _ANY_TAG.finditer(state.src, state.bMarks[line], state.eMarks[line]):
            found = tag[2].lower()
            if not depth and not tag[1] and found in _ELEMENTS:
                name = found
            if found == name:
                depth = max(depth + (-1 if tag[1] else 1), 0)
        if not depth:
            return line + 1
    return None


def _has_markdown(state: StateBlock, start: int, end: int) -> bool:
    return any(
        state.isEmpty(line - 1)
        and not state.isEmpty(line)
        and not state.is_code_block(line)
        and not _HTML_LINE.match(state.src, state.bMarks[line] + state.tShift[line], state.eMarks[line])
        for line in range(start + 1, end)
    )


def _is_hidden(state: StateBlock, line: int, name: str) -> bool:
    """Whether a browser does not display the element that begins on a line; its Markdown would be published."""
    start = state.bMarks[line] + state.tShift[line]
    end = state.src.find(">", start, start + MAX_TAG)
    return is_hidden(name, attributes_of(state.src[start : end + 1])) if end > 0 else name == "template"


def _code(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:  # noqa: N803
    """Indented code, except at a tag inside an HTML element, where it is the element's next line."""
    inside = startLine < state.env.get(_INSIDE_HTML, 0)
    if inside and state.src.startswith("<", state.bMarks[startLine] + state.tShift[startLine]):
        return False
    return code(state, startLine, endLine, silent)
