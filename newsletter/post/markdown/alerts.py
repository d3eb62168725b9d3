"""Alerts and boxes: GitHub's and Obsidian's `[!NOTE]` at the beginning of a quote, mapped to kinds.

kramdown's class after the quote is equivalent: `{: .sponsor}`, and Chirpy's `{: .prompt-tip }`.
"""

from __future__ import annotations

import re

ALERT_MARK = re.compile(r"\[!(\w+)\][+-]?(?=\s|$)[ \t]*")


_CLASS = re.compile(r"\.([\w-]+)")


def kind_of_classes(attributes: str) -> str:
    """The kind in one of the classes of kramdown's attribute list; empty if there is none."""
    names = (name.lower().removeprefix("prompt-") for name in _CLASS.findall(attributes))
    return next((ALERTS[name] for name in names if name in ALERTS), "")


# GitHub's five kinds of alert, and Obsidian's names.
ALERTS = {
    **dict.fromkeys(("note", "info", "abstract", "summary", "tldr", "todo", "quote", "cite", "example"), "note"),
    **dict.fromkeys(("tip", "hint", "success", "check", "done"), "tip"),
    "important": "important",
    **dict.fromkeys(("warning", "attention", "question", "help", "faq"), "warning"),
    # Our own kinds: the sponsor, and its author.
    **dict.fromkeys(("sponsor", "sponsored", "ad", "advertisement", "promo"), "sponsor"),
    **dict.fromkeys(("赞助", "贊助", "广告", "廣告"), "sponsor"),
    **dict.fromkeys(("author", "bio", "作者"), "author"),
    **dict.fromkeys(("caution", "danger", "error", "bug", "failure", "fail", "missing"), "caution"),
}
