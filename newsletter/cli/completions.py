"""What a shell completes behind the cursor without looking at anything: posts, lists."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


def complete_file(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The shell's own files and folders."""
    return [CompletionItem(incomplete, type="file")]


def complete_list(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, or `@signups` after an `@`."""
    if incomplete.startswith("@"):
        return [CompletionItem("@signups", help="who signed up")]
    return complete_file(ctx, param, incomplete)
