"""What a shell completes behind the cursor: posts, lists, issues of the ledger, themes."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from newsletter.cli.ledger_option import open_named_ledger
from newsletter.cli.options import load
from newsletter.errors import NewsletterError
from newsletter.render.themes.folders import known_themes, template_roots

SHOWN_ISSUES = 30
"""The newest; for an older one its first letters are typed."""


def complete_file(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The shell's own files and folders."""
    return [CompletionItem(incomplete, type="file")]


def complete_list(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, or `@signups` behind an `@`."""
    if incomplete.startswith("@"):
        return [CompletionItem("@signups", help="who signed up")]
    return complete_file(ctx, param, incomplete)


def complete_issue(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The issues of the ledger that --ledger or newsletter.toml names, the newest first."""
    try:
        with open_named_ledger(load(ctx.params.get("config_path")), ctx.params.get("ledger_url")) as ledger:
            rows = ledger.issues()
    except (NewsletterError, OSError):  # nothing may be printed into a line that is being typed
        return []
    found = [row for row in reversed(rows) if row.issue.startswith(incomplete)]
    return [CompletionItem(row.issue, help=row.subject) for row in found[:SHOWN_ISSUES]]


def complete_theme(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The themes that newsletter brings along, and those beside newsletter.toml."""
    try:
        names = known_themes(template_roots(load(ctx.params.get("config_path")).root))
    except (NewsletterError, OSError):
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
