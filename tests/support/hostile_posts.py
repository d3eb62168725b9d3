"""Posts that are slow to parse on purpose: a repeated pattern, parsed and rendered."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from newsletter.errors import ContentError
from newsletter.message.fill_slots import fill
from newsletter.model.as_json import as_json
from newsletter.model.issue import Issue, Site
from newsletter.model.rendered_email import Email, Masthead, Theme
from newsletter.post.parse import MAX_BYTES, decode_post, parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

SITE = Site("https://blog.example", "/b", "date", {"title": "博客", "tags": ["a"]})
MASTHEAD = Masthead("刊", "某路 1 号", unsubscribe=True)

PATTERNS = [
    *(
        "*",
        "**",
        "_",
        "`",
        "` ",
        "``` ",
        "~",
        "~~",
        "[",
        "]",
        "![",
        "](",
        "[](",
        "[a](b) ",
        "<",
        "<a ",
        "<b>",
        "<div>",
        "<br>",
    ),
    *(
        "<!--",
        "<?",
        "<![CDATA[",
        "&",
        "&amp;",
        "&#1;",
        "\\",
        "$",
        "$$",
        "$a ",
        "$a$ ",
        "|",
        "a|b",
        "#",
        ">",
        "> ",
        "- ",
        "1. ",
    ),
    *(
        "+",
        "=",
        ":",
        "::",
        ":a:",
        "{:",
        "{: }",
        "{%",
        "{% a",
        "{% raw %}",
        "{% if subscriber.a %}",
        "{% for x %}",
        "{% a %}",
    ),
    *(
        "{{",
        "{{ a }}",
        "{{ site.x }}",
        "{{ subscriber.a }}",
        "}}",
        "^[",
        "[^1]",
        "[^a]: ",
        "http://",
        "https:///",
        "https://a.b)",
    ),
    *(
        "https://a.b/))))",
        "https://[",
        "<a@b.c>",
        "<http://a> ",
        "中",
        "。",
        "中。**",
        "a",
        "a ",
        "\u0301",
        "\u200b",
        "😀",
        "(",
        '"',
    ),
    *(
        "** a ** ",
        "** a",
        "*a_ ",
        "_a* ",
        "a*",
        "*a ",
        "**a",
        "a**b",
        "\x01",
        "\x7f",
        "\ufffe",
        "nlfield0x",
        "<p><b x=1>",
        "<b></i>",
    ),
    *(
        "<table><tr><td>",
        "<div><table></div>",
        "<div x ",
        "<a href=x>",
        "![a](b.mp4) ",
        "{% comment %}x{% endcomment %}",
    ),
]


@cache
def theme() -> Theme:
    return load_theme("classic", Path("/nowhere"))


def read(data: bytes, choose: Callable[[object], bool] = lambda condition: False) -> Issue:
    return parse_post(decode_post(data, "p.md"), path="posts/2026-03-01-p.md", site=SITE, choose=choose).issue


def render(issue: Issue) -> Email:
    json.loads(
        json.dumps({"blocks": as_json(issue.blocks), "front": as_json(issue.extra), "hero": as_json(issue.hero)})
    )
    email = render_issue(issue, theme(), MASTHEAD)
    for template in (email.subject, email.html, email.text):
        fill(template, {"a": "x"}).encode()
    return email


def post(body: str) -> bytes:
    return f"---\ntitle: 题\n---\n\n{body}".encode()


def bounded(pattern: str, size: int) -> None:
    body = (pattern * (size // len(pattern) + 1))[:size]
    with suppress(ContentError):
        render(read(post(body)[:MAX_BYTES]))
