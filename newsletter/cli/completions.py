"""Shell completions that need no ledger: posts, lists, themes."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from newsletter.cli.options import load
from newsletter.errors import NewsletterError
from newsletter.render.themes.folders import known_themes, template_roots


def complete_file(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The shell's own files and folders."""
    return [CompletionItem(incomplete, type="file")]


def complete_list(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, or `@signups` after an `@`."""
    if incomplete.startswith("@"):
        return [CompletionItem("@signups", help="who signed up")]
    return complete_file(ctx, param, incomplete)


def complete_theme(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The built-in themes, and those beside newsletter.toml."""
    try:
        names = known_themes(template_roots(load(ctx.params.get("config_path")).root))
    except (NewsletterError, OSError):
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
