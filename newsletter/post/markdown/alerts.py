"""The marks of boxes, and the kind that each one is: GitHub's and Obsidian's `[!NOTE]` at the beginning of a quote.

A blog may write the same as kramdown's class behind the quote: `{: .sponsor}`, and Chirpy's `{: .prompt-tip }`.
"""

from __future__ import annotations

import re

ALERT_MARK = re.compile(r"\[!(\w+)\][+-]?(?=\s|$)[ \t]*")


_CLASS = re.compile(r"\.([\w-]+)")


def kind_of_classes(attributes: str) -> str:
    """The kind that kramdown's attribute list names with one of its classes; empty where none does."""
    names = (name.lower().removeprefix("prompt-") for name in _CLASS.findall(attributes))
    return next((ALERTS[name] for name in names if name in ALERTS), "")


# GitHub's five kinds of notice, and what Obsidian calls its own.
ALERTS = {
    **dict.fromkeys(("note", "info", "abstract", "summary", "tldr", "todo", "quote", "cite", "example"), "note"),
    **dict.fromkeys(("tip", "hint", "success", "check", "done"), "tip"),
    "important": "important",
    **dict.fromkeys(("warning", "attention", "question", "help", "faq"), "warning"),
    # Ours: who paid for the issue, and who wrote it.
    **dict.fromkeys(("sponsor", "sponsored", "ad", "advertisement", "promo"), "sponsor"),
    **dict.fromkeys(("赞助", "贊助", "广告", "廣告"), "sponsor"),
    **dict.fromkeys(("author", "bio", "作者"), "author"),
    **dict.fromkeys(("caution", "danger", "error", "bug", "failure", "fail", "missing"), "caution"),
}
