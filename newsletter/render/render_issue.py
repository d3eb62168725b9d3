"""Render an `Issue` with a theme into an `Email`: Jinja2 makes MJML, mrml makes HTML, premailer inlines the CSS.

Pure and reproducible: the same issue, theme and masthead give the same bytes. Per-subscriber values stay `Slot`s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from newsletter.model.issue import Image, Issue, walk
from newsletter.model.rendered_email import Attachment, Email, Masthead, Theme
from newsletter.post.templating.placeholders import unmark
from newsletter.render.block_kinds import kinds_used
from newsletter.render.columns import columns
from newsletter.render.compact_frame import compact_frame
from newsletter.render.direction import direction_of, isolated
from newsletter.render.fitted_rows import FittedRows
from newsletter.render.footer_links import feedback_links, forward_link
from newsletter.render.headline import headline
from newsletter.render.inline_css import html_of, inline_css
from newsletter.render.inline_html import clean
from newsletter.render.issue_rows import Section, issue_rows, sections_of
from newsletter.render.line_breaks import keeps_words
from newsletter.render.link_addresses import with_addresses
from newsletter.render.mirror import CODE_STAYS, mirror_css, mirror_html
from newsletter.render.picture_backing import mark_backed
from newsletter.render.picture_html import UNKNOWN_RULE
from newsletter.render.plain_text import render_text
from newsletter.render.reading_time import reading_minutes
from newsletter.render.script_fonts import fonts_for
from newsletter.render.section_colours import callout_colours, dark_rules, light_rules
from newsletter.render.size_budget import STEPS, Drawn, Fit, draw_to_fit, measure, section_sizes
from newsletter.render.slots import Marks
from newsletter.render.source_labels import SourceLabels
from newsletter.render.standfirst import standfirst, stories_are_most
from newsletter.render.templating import render, render_css, template_environment
from newsletter.render.wording import (
    PREHEADER_WIDTH,
    bound_dots,
    choose_labels,
    count_label,
    dated,
    format_date,
    monogram,
    opening_words,
    shorten,
)

MIN_MINUTES = 2
"""Shorter reading times are not shown."""

CJK_LANGUAGES = frozenset({"zh", "ja", "ko"})
"""Languages without spaces between words: their lines are filled, never balanced."""

MIN_CHIPS = 3
"""The fewest sections with stories for a table of contents."""

PREHEADER_ROOM = 190
"""The columns that an inbox may show of a preheader; the rest is padded, to hide the body's first words."""

_FILLER = "\u034f\u00a0"  # a joiner, so that the no-break spaces are not collapsed


def render_issue(
    issue: Issue,
    theme: Theme,
    masthead: Masthead,
    attachments: Iterable[Attachment] = (),
    addresses: Mapping[str, str] = MappingProxyType({}),
) -> Email:
    """The email for every recipient of the list; `attachments` are embedded in the message.

    `addresses` replace the addresses of links in the HTML.

    Raises ConfigError with file and line if the theme is at fault.
    """
    theme = replace(theme, values={**theme.values, "fonts": fonts_for(theme.values["fonts"], issue.lang)})
    labels = choose_labels(theme.labels, issue.lang, masthead.labels)
    shown_headline = headline(issue, masthead.name, labels)
    subject = issue.subject or (shown_headline if masthead.headline_as_subject else issue.title)
    marks = Marks(issue.mark, issue.fields)
    preheader = shorten(issue.preheader or issue.description or opening_words(issue), PREHEADER_WIDTH)
    minutes = reading_minutes(issue)
    environment = template_environment(theme, marks, labels)
    rows = issue_rows(issue)
    is_digest = stories_are_most(issue)
    sections = sections_of(rows)
    if not is_digest:  # the steps of an article are not counted either
        sections = tuple(replace(section, stories=0, colour="") for section in sections)
    chips = tuple(section for section in sections if section.is_leaf and section.stories)
    direction = direction_of(issue)
    used = kinds_used(walk(issue.blocks)) | ({"forward"} if forward_link(issue, masthead.footer) else set())
    if issue.lang.partition("-")[0] in CJK_LANGUAGES:
        used |= {"cjk"}
    if keeps_words(issue):
        used |= {"korean"}
    context: dict[str, Any] = {
        **theme.values,
        "issue": issue,
        "issue_url": issue.url,
        "masthead": masthead,
        "labels": labels,
        "subject": subject,
        "preheader": clean(preheader + _FILLER * (PREHEADER_ROOM - columns(preheader))),
        "date": isolated(format_date(issue, labels), direction),
        "count": isolated(count_label(labels, "stories", len(issue.stories)).replace(" ", "\u00a0"), direction)
        if is_digest
        else "",
        "deck": standfirst(issue),
        "headline": bound_dots(shown_headline),
        "feedback": feedback_links(issue, masthead.footer),
        "forward_url": forward_link(issue, masthead.footer),
        "day": isolated(dated(issue, labels), direction),
        "number": isolated(labels["number"].format(number=issue.number).replace(" ", "\u00a0"), direction)
        if issue.number
        else "",
        "minutes": isolated(labels["reading_time"].format(minutes=minutes).replace(" ", "\u00a0"), direction)
        if minutes >= MIN_MINUTES
        else "",
        "monogram": monogram(masthead.name),
        "ai": labels[f"ai_{issue.ai}"] if issue.ai else "",
        "source": SourceLabels(issue.stories),
        "hero": _hero(issue, shown_headline, labels),
        "sections": sections,
        "section_of": {section.anchor: section for section in sections},
        "chips": chips if len(chips) >= MIN_CHIPS else (),
        "direction": direction,
        "arrow": "←" if direction == "rtl" else "→",
        "used": used,
        "callouts": callout_colours(used, theme.values["light"]["tint"], theme.values["dark"]["tint"]),
    }
    context |= {name: render_css(environment, theme, name, context) for name in theme.css}
    context = _with_written_rules(context, sections, theme)
    if direction == "rtl":
        context |= {name: Markup(mirror_css(context[name])) for name in theme.css}  # noqa: S704 (the theme's own)
        context["style"] += CODE_STAYS

    files = tuple(attachments)

    @cache  # what has no buttons and no pictures is the same without them
    def drawn_from(mjml: str) -> Drawn:
        html = html_of(mjml, theme)
        html = mirror_html(html) if direction == "rtl" else html
        html = mark_backed(html, issue.hero.src if issue.hero else "", files)
        inlined = inline_css(html, context["style"], context["live"] + context["outlook"])
        return measure(with_addresses(compact_frame(inlined, theme), addresses), mjml)

    @cache
    def drawn_as(fit: Fit) -> Drawn:
        return drawn_from(render(environment, theme, "issue.mjml.j2", {**context, **fitted.context(fit)}))

    fitted = FittedRows(rows, theme.values, labels)
    blocks = tuple(row.block for row in rows)
    steps = theme.values.get("budget", {}).get("order", STEPS)
    drawn, _, given_up = draw_to_fit(lambda fit: drawn_as(fitted.noticed(fit)), blocks, steps, has_web=bool(issue.url))
    return Email(
        subject=marks.split(subject, "header"),
        preheader=unmark(preheader, issue),
        html=marks.split(drawn.html, "html"),
        text=marks.split(render_text(issue, masthead, labels, marks.slot), "text"),
        mjml=drawn.mjml,
        lang=issue.lang,
        # Drop pictures that became links or were cut off.
        attachments=tuple(file for file in files if f"cid:{file.content_id}" in drawn.html),
        sections=section_sizes(drawn, blocks),
        findings=(*issue.findings, *given_up),
    )


def _hero(issue: Issue, shown_headline: str, labels: Mapping[str, Any]) -> Image | None:
    """The picture above the text. Where it is not loaded, it says where it leads, not the headline once more."""
    if issue.hero is None or issue.hero.alt not in (issue.title, shown_headline):
        return issue.hero
    return replace(issue.hero, alt=labels["web_version"] if issue.url else "")


def _with_written_rules(context: Mapping[str, Any], sections: Sequence[Section], theme: Theme) -> dict[str, Any]:
    """The sheets with a rule for each colour of the issue's sections, and for pictures of unknown size."""
    classes = [section.colour for section in sections if section.stories]
    light, dark = (theme.values[scheme]["card"] for scheme in ("light", "dark"))
    return {
        **context,
        "style": context["style"] + Markup(light_rules(classes, light)),  # noqa: S704 (classes and colours of ours)
        "live": context["live"] + Markup(dark_rules(classes, dark) + UNKNOWN_RULE),  # noqa: S704 (as above)
    }
