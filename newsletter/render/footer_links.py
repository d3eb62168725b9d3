"""The feedback and forward links at the end of an issue."""

from __future__ import annotations

from urllib.parse import quote

from newsletter.model.issue import Issue
from newsletter.model.rendered_email import Footer

ANSWERS = ("up", "down")


def feedback_links(issue: Issue, footer: Footer) -> tuple[str, ...]:
    """A URL for each answer; none without a feedback address."""
    if not footer.feedback:
        return ()
    name = quote(issue.slug, safe="")
    return tuple(footer.feedback.replace("{issue}", name).replace("{answer}", answer) for answer in ANSWERS)


def forward_link(issue: Issue, footer: Footer) -> str:
    """A mailto with the issue's title and address (RFC 6068); empty for an issue that is not on the web."""
    if not footer.forward or not issue.url:
        return ""
    return f"mailto:?subject={quote(issue.title, safe='')}&body={quote(issue.url, safe='')}"
