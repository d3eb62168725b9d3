"""Shell completion of issues from the ledger.

A module of its own, since it loads a database that most commands do not.
"""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from newsletter.cli.load_settings import load
from newsletter.cli.named_ledger import open_named_ledger
from newsletter.errors import NewsletterError
from newsletter.text import printable

SHOWN_ISSUES = 30
"""How many issues are offered, the newest first; an older one needs its first letters."""


def complete_issue(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The issues of the ledger that --ledger or newsletter.toml names, the newest first."""
    try:
        with open_named_ledger(load(ctx.params.get("config_path")), ctx.params.get("ledger_url")) as ledger:
            rows = ledger.issues()
    except (NewsletterError, OSError):  # nothing may be printed into a line that is being typed
        return []
    found = [row for row in reversed(rows) if row.issue.startswith(incomplete)]
    return [CompletionItem(row.issue, help=printable(row.subject)) for row in found[:SHOWN_ISSUES]]
