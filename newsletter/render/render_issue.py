"""Render an `Issue` with a theme into an `Email`: Jinja2 makes MJML, mrml makes HTML, premailer inlines the CSS.

Pure and reproducible: same issue, theme and masthead, same bytes. What differs per subscriber stays a `Slot`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from markupsafe import Markup

from newsletter.model.issue import (
    Block,
    Heading,
    Issue,
    Story,
    Summary,
    plain_text,
)
from newsletter.model.rendered_email import Attachment, Email, Masthead, Theme
from newsletter.post.templating.placeholders import unmark
from newsletter.render.direction import direction_of, isolated
from newsletter.render.inline_css import html_of, inline_css
from newsletter.render.inline_html import clean
from newsletter.render.mirror import CODE_STAYS, mirror_css, mirror_html
from newsletter.render.plain_text import columns, render_text
from newsletter.render.size_budget import STEPS, Drawn, Fit, draw_to_fit, measure, row_mark, section_sizes
from newsletter.render.slots import Marks
from newsletter.render.standfirst import standfirst, stories_are_most
from newsletter.render.templating import render, render_css, template_environment
from newsletter.render.wording import (
    PREHEADER_WIDTH,
    choose_labels,
    count_label,
    format_date,
    lead_words,
    opening_words,
    shorten,
)

_FILLER = "\u034f\u200c\u00a0"  # joiner, non-joiner, no-break space: nothing to see, and no line to break


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
    preheader = shorten(issue.preheader or issue.description or opening_words(issue), PREHEADER_WIDTH)
    environment = template_environment(theme, marks, labels)
    rows = _rows(issue)
    direction = direction_of(issue)
    context: dict[str, Any] = {
        **theme.values,
        "issue": issue,
        "issue_url": issue.url,
        "masthead": masthead,
        "labels": labels,
        "subject": subject,
        "preheader": clean(preheader + _FILLER * ((PREHEADER_WIDTH - columns(preheader)) // 2)),
        "date": isolated(format_date(issue, labels), direction),
        "count": isolated(count_label(labels, "stories", len(issue.stories)), direction)
        if stories_are_most(issue)
        else "",
        "deck": standfirst(issue),
        "hero": issue.hero,
        "sections": _sections(rows),
        "direction": direction,
        "arrow": "←" if direction == "rtl" else "→",
    }
    context |= {name: render_css(environment, theme, name, context) for name in theme.css}
    if direction == "rtl":
        context |= {name: Markup(mirror_css(context[name])) for name in theme.css}  # noqa: S704 (the theme's own)
        context["style"] += CODE_STAYS

    def draw(fit: Fit) -> Drawn:
        mjml = render(environment, theme, "issue.mjml.j2", {**context, **_fitted(rows, theme, labels, fit)})
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
        "more": count_label(labels, "more_stories", left),
        **({"buttons": {**theme.values["buttons"], "style": "link"}} if fit.link_buttons else {}),
    }


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
