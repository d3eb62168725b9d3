"""The marks of alerts: GitHub's and Obsidian's `[!NOTE]` at the beginning of a quote, and the kind that each one is."""

from __future__ import annotations

import re

ALERT_MARK = re.compile(r"\[!([A-Za-z]+)\][+-]?(?=\s|$)[ \t]*")


# GitHub's five kinds of notice, and what Obsidian calls its own.
ALERTS = {
    **dict.fromkeys(("note", "info", "abstract", "summary", "tldr", "todo", "quote", "cite", "example"), "note"),
    **dict.fromkeys(("tip", "hint", "success", "check", "done"), "tip"),
    "important": "important",
    **dict.fromkeys(("warning", "attention", "question", "help", "faq"), "warning"),
    **dict.fromkeys(("caution", "danger", "error", "bug", "failure", "fail", "missing"), "caution"),
}
