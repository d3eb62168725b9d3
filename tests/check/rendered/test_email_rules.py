"""What the rendered email lacks: found in themes that were damaged for the purpose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from themes import THEMES

from newsletter.check.rendered.email_rules import CLIPPED_BYTES, HEAVY_BYTES, rendered_findings, size_findings
from newsletter.model.issue import Issue
from newsletter.model.rendered_email import Attachment, Email, Masthead, Template, Theme
from newsletter.post.parse import parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

MASTHEAD = Masthead("Daily", "Daily Ltd, 1 Main Street", unsubscribe=True)
POST = (
    "---\ntitle: March\n---\n## News\n\n1. **A lead**\n   A story with `code`, *more* and a [link](https://a.example).\n\n"
    "> A quote\n\n| a | b |\n|---|---|\n| c | d |\n\nDear {{ subscriber.name }}, the end.\n"
)


@pytest.fixture(scope="module")
def issue() -> Issue:
    return parse_post(POST, path="2026-03-01-march.md").issue


@pytest.fixture(params=THEMES)
def theme(request: pytest.FixtureRequest, tmp_path: Path) -> Theme:
    return load_theme(request.param, tmp_path)


def found(issue: Issue, email: Email, masthead: Masthead = MASTHEAD) -> list[tuple[str, str, str]]:
    return [(finding.code, finding.severity, finding.what) for finding in rendered_findings(issue, email, masthead)]


def test_our_themes_lack_nothing(issue: Issue, theme: Theme) -> None:
    assert found(issue, render_issue(issue, theme, MASTHEAD)) == []


def test_nothing_is_configured(issue: Issue, theme: Theme) -> None:
    bare = Masthead()
    codes = [(code, severity) for code, severity, _ in found(issue, render_issue(issue, theme, bare), bare)]
    assert codes == [("unsubscribe-missing", "warning"), ("address-missing", "warning")]


def damaged(theme: Theme, partial: str, old: str, new: str = "") -> Theme:
    assert old in theme.partials[partial]
    return replace(theme, partials={**theme.partials, partial: theme.partials[partial].replace(old, new)})


def test_a_theme_that_drops_the_way_out(issue: Issue, tmp_path: Path) -> None:
    theme = damaged(load_theme("classic", tmp_path), "footer.mjml.j2", "slot('unsubscribe_url')", "'https://a.example'")
    assert found(issue, render_issue(issue, theme, MASTHEAD)) == [
        ("unsubscribe-missing", "error", "the theme leaves the unsubscribe link out of the HTML part")
    ]


def test_a_theme_that_drops_the_address(issue: Issue, tmp_path: Path) -> None:
    theme = damaged(load_theme("classic", tmp_path), "footer.mjml.j2", "{{ masthead.postal_address }}")
    assert ("address-missing", "error", "the theme leaves the postal address out of the HTML part") in found(
        issue, render_issue(issue, theme, MASTHEAD)
    )


def test_a_theme_that_drops_words(issue: Issue, tmp_path: Path) -> None:
    theme = load_theme("classic", tmp_path)
    email = render_issue(issue, theme, MASTHEAD)
    without = Template(tuple(p.replace("A quote", "") if isinstance(p, str) else p for p in email.html.parts))
    assert found(issue, replace(email, html=without)) == [
        ("parts-differ", "warning", "the HTML part of the email lacks “A quote”")
    ]
    silent = Template(tuple(p.replace("A lead", "") if isinstance(p, str) else p for p in email.text.parts))
    assert found(issue, replace(email, text=silent)) == [
        ("parts-differ", "warning", "the text part of the email lacks “A lead”")
    ]


def test_too_large(issue: Issue, tmp_path: Path) -> None:
    email = render_issue(issue, load_theme("classic", tmp_path), MASTHEAD)
    large = replace(email, html=Template((*email.html.parts, "x" * CLIPPED_BYTES)))
    assert [(finding.code, finding.severity) for finding in size_findings(large)] == [("size", "error")]
    heavy = replace(email, attachments=(Attachment("a", "image/png", "a.png", bytes(HEAVY_BYTES + 1)),))
    assert [finding.what for finding in size_findings(heavy)] == ["the pictures inside weigh 2.0 MB, for every reader"]
    assert list(size_findings(email)) == []
