"""A sample issue and masthead."""

from __future__ import annotations

from dataclasses import replace

from machine import CHECKOUT

from newsletter.model.issue import (
    Issue,
)
from newsletter.model.rendered_email import Masthead
from newsletter.post.parse import parse_post

EXAMPLE = CHECKOUT / "examples" / "2026-03-02-ai-daily.md"


MASTHEAD = Masthead("AI 日报", "Example Ltd, 1 Example Street", unsubscribe=True)


WEB = "https://a.example/issue?a=1&b=2"


def example_issue() -> Issue:
    return replace(parse_post(EXAMPLE.read_text("utf-8"), path=EXAMPLE.name).issue, url=WEB)
