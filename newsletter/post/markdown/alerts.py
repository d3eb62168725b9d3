"""Alerts and boxes: GitHub's and Obsidian's `[!NOTE]` at the beginning of a quote, mapped to kinds.

kramdown's class after the quote is equivalent: `{: .sponsor}`, and Chirpy's `{: .prompt-tip }`. Containers (`:::note`)
and admonitions (`!!! note`) have the same kinds.
"""

from __future__ import annotations

import re
from dataclasses import replace

from newsletter.model.issue import Blocks, Paragraph, Strong

ALERT_MARK = re.compile(r"\[!(\w+)\][+-]?(?=\s|$)[ \t]*")


_CLASS = re.compile(r"\.([\w-]+)")


def kind_of_classes(attributes: str) -> str:
    """The kind in one of the classes of kramdown's attribute list; empty if there is none."""
    names = (name.lower().removeprefix("prompt-").removeprefix("callout-") for name in _CLASS.findall(attributes))
    return next((ALERTS[name] for name in names if name in ALERTS), "")


def with_title(body: Blocks, kind: str) -> Blocks:
    """A box's body. Its title becomes words where nothing else is in it, and where the kind has a head of its own."""
    first = body[0] if body else None
    if not isinstance(first, Paragraph) or first.role != "title":
        return body
    if len(body) == 1:
        return (replace(first, role=""),)
    if kind in ("sponsor", "author"):
        return (Paragraph((Strong(first.inlines),), first.line), *body[1:])
    return body


# GitHub's five kinds of alert, and the names of Obsidian, Docusaurus, VitePress, Starlight, MkDocs, Zenn and Sphinx.
ALERTS = {
    **dict.fromkeys(("note", "info", "abstract", "summary", "tldr", "todo", "quote", "cite", "example"), "note"),
    **dict.fromkeys(("details", "spoiler", "message", "admonition", "seealso"), "note"),
    **dict.fromkeys(("tip", "hint", "success", "check", "done"), "tip"),
    "important": "important",
    **dict.fromkeys(("warning", "warn", "attention", "question", "help", "faq", "deprecated"), "warning"),
    # Our own kinds: the issue's sponsor, and its author.
    **dict.fromkeys(("sponsor", "sponsored", "ad", "advertisement", "promo"), "sponsor"),
    **dict.fromkeys(("赞助", "贊助", "广告", "廣告"), "sponsor"),
    **dict.fromkeys(("author", "bio", "作者"), "author"),
    **dict.fromkeys(("caution", "danger", "alert", "error", "bug", "failure", "fail", "missing"), "caution"),
}
