"""`Issue` + `Theme` -> `Email`: Jinja2 makes MJML, mrml makes HTML, premailer inlines the theme's rules.

Pure and reproducible: same issue, theme and masthead, same bytes. What differs per subscriber stays a `Slot`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jinja2
import jinja2.runtime
import jinja2.sandbox
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from newsletter.errors import ConfigError, located
from newsletter.model.issue import (
    Block,
    Break,
    Code,
    Emphasis,
    Heading,
    Image,
    Inlines,
    Issue,
    Link,
    ListBlock,
    Note,
    Paragraph,
    Span,
    Story,
    Strike,
    Strong,
    Summary,
    Text,
    plain_text,
)
from newsletter.model.rendered_email import Attachment, Email, Masthead, Theme
from newsletter.post.markdown.story import says_nothing
from newsletter.post.templating.placeholders import unmark
from newsletter.render.direction import direction_of, isolated, turned
from newsletter.render.highlighting import Highlighter
from newsletter.render.inline_css import html_of, inline_css
from newsletter.render.mirror import CODE_STAYS, mirror_css, mirror_html
from newsletter.render.picture_html import hero_html, inline_picture, picture_html
from newsletter.render.plain_text import columns, render_text
from newsletter.render.size_budget import STEPS, Drawn, Fit, draw_to_fit, measure, row_mark, section_sizes
from newsletter.render.slots import Marks
from newsletter.render.standfirst import standfirst, stories_are_most
from newsletter.render.table_form import table_form
from newsletter.render.themes.stylesheets import SHEETS, refuse_rules
from newsletter.text import printable

PREHEADER_WIDTH = 140
"""Inbox lists show 90 to 140 characters; a shorter preheader is filled so that the body's first words stay out."""

MAX_TAG_CHARS = 35
"""Of a language tag; no longer one is in use (RFC 5646, 4.4.1), and trying its beginnings would cost their square."""

_BUTTON_ROW_WIDTH = 26  # letters of label that stand side by side on a phone 320 px wide
_FILLER = "\u034f\u200c\u00a0"  # joiner, non-joiner, no-break space: nothing to see, and no line to break
_PIECE = re.compile(r"nlfield[0-9a-f]+x\d+z|.", re.DOTALL)  # a field's mark is cut whole or not at all
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Row:
    """One block of the issue's own level with what its partial needs to know of its neighbours."""

    partial: str
    block: Block
    head: Heading | None = None
    rank: int = 0
    anchor: str = ""
    first: bool = False
    alt: str = ""
    mark: str = ""
    layout: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Section:
    """A line of the table of contents: a heading, how deep it stands (0 or 1), and how many stories follow it."""

    anchor: str
    title: str
    depth: int
    stories: int


def render_issue(issue: Issue, theme: Theme, masthead: Masthead, attachments: Iterable[Attachment] = ()) -> Email:
    """The email for everyone on the list; `attachments` travel with the message.

    Raises ConfigError with file and line where the theme is at fault.
    """
    subject = issue.subject or issue.title
    labels = choose_labels(theme.labels, issue.lang, masthead.labels)
    marks = Marks(issue.mark, issue.fields)
    preheader = _shorten(issue.preheader or issue.description or _opening_words(issue), PREHEADER_WIDTH)
    environment = _environment(theme, marks, labels)
    rows = _rows(issue)
    direction = direction_of(issue)
    context: dict[str, Any] = {
        **theme.values,
        "issue": issue,
        "issue_url": issue.url,
        "masthead": masthead,
        "labels": labels,
        "subject": subject,
        "preheader": _clean(preheader + _FILLER * ((PREHEADER_WIDTH - columns(preheader)) // 2)),
        "date": isolated(format_date(issue, labels), direction),
        "count": isolated(_count(labels, "stories", len(issue.stories)), direction) if stories_are_most(issue) else "",
        "deck": standfirst(issue),
        "hero": issue.hero,
        "sections": _sections(rows),
        "direction": direction,
        "arrow": "←" if direction == "rtl" else "→",
    }
    context |= {name: _render_css(environment, theme, name, context) for name in theme.css}
    if direction == "rtl":
        context |= {name: Markup(mirror_css(context[name])) for name in theme.css}  # noqa: S704 (the theme's own)
        context["style"] += CODE_STAYS

    def draw(fit: Fit) -> Drawn:
        mjml = _render(environment, theme, "issue.mjml.j2", {**context, **_fitted(rows, theme, labels, fit)})
        html = html_of(mjml, theme)
        html = mirror_html(html) if direction == "rtl" else html
        return measure(inline_css(html, context["style"], context["live"] + context["outlook"]), mjml)

    blocks = tuple(row.block for row in rows)
    steps = theme.values.get("budget", {}).get("order", STEPS)
    drawn, _, given_up = draw_to_fit(draw, blocks, steps, has_web=bool(issue.url))
    return Email(
        subject=marks.split(subject, "header"),
        preheader=unmark(preheader, issue),
        html=marks.split(drawn.html, "html"),
        text=marks.split(render_text(issue, masthead, labels, marks.slot), "text"),
        mjml=drawn.mjml,
        lang=issue.lang,
        # A picture that became a link, or was cut off, need not travel.
        attachments=tuple(file for file in attachments if f"cid:{file.content_id}" in drawn.html),
        sections=section_sizes(drawn, blocks),
        findings=(*issue.findings, *given_up),
    )


def _fitted(rows: Sequence[_Row], theme: Theme, labels: Mapping[str, Any], fit: Fit) -> dict[str, Any]:
    """The rows that are shown, each with the layout that its place allows, and what is said of the others."""
    layout = theme.values["layout"]
    shown = [
        replace(
            row,
            mark=Markup(row_mark(index)),  # noqa: S704 (a number)
            layout=layout if index < fit.pictures_until else {**layout, "images": False},
        )
        for index, row in enumerate(rows[: fit.rows])
    ]
    left = sum(isinstance(row.block, Story) for row in rows[fit.rows :])
    return {
        "rows": shown,
        "end_mark": Markup(row_mark(fit.rows)),  # noqa: S704 (a number)
        "cut": fit.rows < len(rows),
        "more": _count(labels, "more_stories", left),
        **({"buttons": {**theme.values["buttons"], "style": "link"}} if fit.link_buttons else {}),
    }


# --- words ----------------------------------------------------------------------------------------------------------


def choose_labels(
    labels: Mapping[str, Mapping[str, Any]], lang: str, overrides: Mapping[str, str]
) -> Mapping[str, Any]:
    """The frame's words for a language: zh-TW falls back to zh-Hant, then zh, then en (RFC 4647, lookup)."""
    parts = lang[:MAX_TAG_CHARS].split("-")
    tags = ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]
    if parts[0].lower() == "zh" and {part.lower() for part in parts[1:]} & {"tw", "hk", "mo"}:
        tags.insert(0, "zh-Hant")
    known = {key.lower(): key for key in labels}
    chosen = next((labels[known[tag.lower()]] for tag in tags if tag.lower() in known), None)
    if chosen is None and parts[0].lower() not in ("en", "und"):
        chosen = {"date": "{iso}"}  # no English month in a text that is not English
    return {**labels["en"], **(chosen or {}), **overrides}


def _count(labels: Mapping[str, Any], name: str, count: int) -> str:
    """So many of something in words; nothing for none."""
    words: str = labels[f"{name}_one" if count == 1 else name]
    return words.format(count=count) if count else ""


def format_date(issue: Issue, labels: Mapping[str, Any]) -> str:
    if issue.date is None:
        return ""
    months = labels["months"]
    day = issue.date
    written: str = labels["date"].format(
        year=day.year,
        month=day.month,
        day=day.day,
        month_name=months[day.month - 1] if months else "",
        iso=day.isoformat(),
    )
    return written


def _opening_words(issue: Issue) -> str:
    words = (plain_text(b.inlines) for b in issue.blocks if isinstance(b, Paragraph))
    stories = (lead_words(story) for story in issue.stories)
    return next((" ".join(text.split())[:PREHEADER_WIDTH] for text in (*words, *stories) if text.strip()), issue.title)


def _shorten(text: str, limit: int) -> str:
    """At most so many columns of a text, cut with an ellipsis."""
    if columns(text) <= limit:
        return text
    kept, room = "", limit
    for piece in _PIECE.finditer(text):
        room -= columns(piece[0])
        if room <= 0:
            break
        kept += piece[0]
    return kept.rstrip() + "…"


def lead_words(story: Story, limit: int = 40) -> str:
    """What a story is about, short: its lead, else its first words up to a comma or full stop."""
    first = next((plain_text(block.inlines) for block in story.body if isinstance(block, Paragraph)), "")
    text = " ".join((plain_text(story.lead) or re.split(r"[，。,;；：:!?！？]", first)[0]).split())
    return _shorten(text, limit)


# --- rows -----------------------------------------------------------------------------------------------------------


def _rows(issue: Issue) -> tuple[_Row, ...]:
    blocks = list(issue.blocks)
    top = min((block.level for block in blocks if isinstance(block, Heading)), default=2)
    rows: list[_Row] = []
    head: Heading | None = None
    anchors = 0
    for index, block in enumerate(blocks):
        following = blocks[index + 1] if index + 1 < len(blocks) else None
        match block:
            case Heading() if isinstance(following, Summary):
                head = block
            case Summary():
                rows.append(_Row("summary.mjml.j2", block, head=head))
                head = None
            case Heading(level):
                anchors += 1
                rows.append(_Row("heading.mjml.j2", block, rank=min(2 + level - top, 4), anchor=f"s{anchors}"))
            case Story():
                first = not (rows and isinstance(rows[-1].block, Story))
                rows.append(_Row("story.mjml.j2", block, first=first, alt=lead_words(block)))
            case _:
                rows.append(_Row("block.mjml.j2", block))
    return tuple(rows)


def _sections(rows: Iterable[_Row]) -> tuple[_Section, ...]:
    """What a table of contents lists. Anchors work in most web mail; elsewhere the list still says what is inside."""
    sections: list[_Section] = []
    for row in rows:
        if isinstance(row.block, Heading) and row.anchor:
            sections.append(_Section(row.anchor, plain_text(row.block.inlines), int(row.rank > 2), 0))
        elif isinstance(row.block, Story) and sections:
            sections[-1] = replace(sections[-1], stories=sections[-1].stories + 1)
    return tuple(sections)


def _button_rows(links: Iterable[Link]) -> list[list[Link]]:
    """Link buttons in rows that fit a phone; a long label stands alone."""
    rows: list[list[Link]] = []
    width = 0
    for link in links:
        size = columns(link.label) + 4
        if not rows or width + size > _BUTTON_ROW_WIDTH:
            rows.append([])
            width = 0
        rows[-1].append(link)
        width += size
    return rows


# --- Jinja2 ---------------------------------------------------------------------------------------------------------


def _environment(theme: Theme, marks: Marks, labels: Mapping[str, Any]) -> jinja2.Environment:
    # Security: autoescape always, so that no word of a post becomes markup; themes write attributes in double quotes.
    # The sandbox keeps a theme from reaching Python beyond the values it is given.
    environment = _Sandbox(
        # A file name for each template, so that an error's traceback tells which one it came through.
        loader=jinja2.FunctionLoader(lambda name: _source_of(theme, name)),
        bytecode_cache=_COMPILED,
        autoescape=lambda name: not (name or "").endswith(".css"),  # CSS is no HTML, and sees no word of the post
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: _clean(value) if isinstance(value, str) else value,
    )
    environment.filters.update(
        inline=inline_html,
        code=partial(_code_html, Highlighter()),
        button_rows=_button_rows,
        fill=lambda text, **names: text.format(**names),
        table_form=table_form,
        turned=turned,
    )
    environment.globals.update(
        kind=lambda block: "list" if isinstance(block, ListBlock) else type(block).__name__.lower(),
        picture=_picture,
        hero_picture=_hero,
        slot=marks.slot,
    )
    return environment


def _source_of(theme: Theme, name: str) -> tuple[str, str, None] | None:
    source = theme.css.get(name.removesuffix(".css")) if name.endswith(".css") else theme.partials.get(name)
    return (source, name, None) if source is not None else None


class _Compiled(jinja2.BytecodeCache):
    """Templates compiled in this process, found by name and by the hash of their source: half of a rendering's time."""

    def __init__(self) -> None:
        self.codes: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if len(self.codes) >= MAX_COMPILED:
            self.codes.clear()
        self.codes[bucket.key, bucket.checksum] = bucket.code


MAX_COMPILED = 500
"""Templates kept; a theme has some thirty."""

_COMPILED = _Compiled()

_EXPRESSION_ERRORS = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
"""What Python raises for what a template asks of it; RecursionError is a RuntimeError."""

MAX_REPEATED = 1_000_000
"""Of a text or list that a template repeats, and of digits' powers: as the sandbox limits `range`."""


class _Sandbox(jinja2.sandbox.SandboxedEnvironment):
    """Security: `*` and `**` are limited too, since one expression could hold a machine."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "*":
            for many, count in ((left, right), (right, left)):
                is_repeated = isinstance(count, int) and isinstance(many, str | bytes | list | tuple)
                if is_repeated and len(many) * count > MAX_REPEATED:
                    raise OverflowError(f"repeated to more than {MAX_REPEATED:,}")
        elif isinstance(left, int) and isinstance(right, int) and abs(left).bit_length() * right > 10_000:
            raise OverflowError("a power of too many digits")
        return super().call_binop(context, operator, left, right)


def _clean(text: str) -> str:
    """Drops what XML cannot hold (XML 1.0, production 2); Markup stays Markup."""
    cleaned = _NOT_XML.sub("", text)
    return Markup(cleaned) if isinstance(text, Markup) else cleaned  # noqa: S704 (was Markup already)


def _render(environment: jinja2.Environment, theme: Theme, name: str, context: Mapping[str, Any]) -> str:
    try:
        return environment.get_template(name).render(context)
    except jinja2.TemplateSyntaxError as error:
        place = theme.file(error.name or name)
        raise ConfigError(located(place, error.lineno, str(error.message), "mend the template")) from error
    except jinja2.TemplateNotFound as error:
        place = theme.file(str(error.name))
        raise ConfigError(f"{place}: the theme lacks this file; copy it from the classic theme") from error
    except jinja2.TemplateError as error:  # an undefined value, or what the sandbox refuses
        place, line = _template_place(error, theme, name)
        raise ConfigError(located(place, line, str(error), "define it in theme.toml or take it out")) from error
    except _EXPRESSION_ERRORS as error:  # a filter on what it does not take, a division by zero, a macro without end
        place, line = _template_place(error, theme, name)
        what = f"the template fails ({type(error).__name__}: {printable(str(error))[:200]})"
        raise ConfigError(located(place, line, what, "mend the expression")) from error


def _render_css(environment: jinja2.Environment, theme: Theme, name: str, context: Mapping[str, Any]) -> Markup:
    """A stylesheet with the theme's values, and with nothing else in reach."""
    values = {key: context[key] for key in theme.values}
    css = _render(environment, theme, f"{name}.css", values)
    # Security: once more, now that every expression is text. A value may spell what the source did not.
    refuse_rules(theme.file(f"{name}.css"), css, allowed=SHEETS[name])
    return Markup(css)  # noqa: S704


def _template_place(error: BaseException, theme: Theme, name: str) -> tuple[str, int | None]:
    """File and line of the innermost template frame that an error came through."""
    place, line = theme.file(name), None
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if _source_of(theme, file):
            place, line = theme.file(file), trace.tb_lineno
        trace = trace.tb_next
    return place, line


def inline_html(inlines: Inlines) -> Markup:
    """Inline content as HTML that is also well-formed XML, every word escaped."""
    parts: list[str] = []
    for node in inlines:
        match node:
            case Text(text):
                parts.append(escape(_clean(text)))
            case Strong(children):
                parts.append(f"<strong>{inline_html(children)}</strong>")
            case Emphasis(children):
                parts.append(f"<em>{inline_html(children)}</em>")
            case Strike(children):
                parts.append(f"<s>{inline_html(children)}</s>")
            case Span(kind, children, note):
                parts.append(_span_html(kind, inline_html(children), note))
            case Code(text):
                parts.append(f"<code>{escape(_clean(text))}</code>")
            case Break():
                parts.append("<br />")
            case Note(number):
                parts.append(f"<sup>{number}</sup>")
            case Link(href, children):
                parts.append(f'<a class="a" href="{escape(_clean(href))}">{inline_html(children)}</a>')
            case Image(src, alt):
                parts.append(inline_picture(replace(node, src=_clean(src), alt=_clean(alt))))
    return Markup("".join(parts))  # noqa: S704 (every part is escaped above)


def _span_html(kind: str, words: Markup, note: str) -> Markup:
    match kind:
        case "ruby":
            markup = Markup("<ruby>{}<rp>（</rp><rt>{}</rt><rp>）</rp></ruby>")
        case "abbr" if note:
            return Markup('<abbr title="{1}">{0}</abbr>').format(words, _clean(note))
        case "sup" | "sub":
            markup = Markup(f"<{kind}>{{}}</{kind}>")  # noqa: S704 (one of two names)
        case _:
            return words
    return markup.format(words, _clean(note))


def _code_html(highlighter: Highlighter, text: str, language: str = "") -> Markup:
    """Code that keeps its line ends and indents where `white-space` is ignored, and wraps rather than overflows.

    With a language that Pygments knows, words carry a class that the theme colours.
    """
    pieces = highlighter.pieces(text.expandtabs(4), language)
    parts: list[str] = []
    line_start = True
    for kind, piece in pieces:
        for number, part in enumerate(piece.split("\n")):
            if number:
                parts.append("<br />")
                line_start = True
            if not part:
                continue
            spaced = re.sub("^ +| {2,}" if line_start else " {2,}", lambda run: "\u00a0" * len(run[0]), part)
            shown = escape(_clean(spaced))
            parts.append(f'<span class="{kind}">{shown}</span>' if kind and part.strip() else str(shown))
            line_start = False
    return Markup("".join(parts))  # noqa: S704 (every part is escaped above)


def _picture(image: Image, fallback: str, width: int) -> Markup:
    """A picture as wide as its column at most, linked where its author linked it."""
    alt = fallback if says_nothing(image.alt) else image.alt
    picture = picture_html(replace(image, src=_clean(image.src)), _clean(alt), width)
    return Markup('<a href="{}">{}</a>').format(_clean(image.href), picture) if image.href else picture


def _hero(image: Image, width: int) -> Markup:
    return hero_html(replace(image, src=_clean(image.src), alt=_clean(image.alt)), width)
