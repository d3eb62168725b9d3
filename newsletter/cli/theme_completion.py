"""What a shell completes of the themes. Apart, since it loads what most commands do not need."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from newsletter.cli.load_settings import load
from newsletter.errors import NewsletterError
from newsletter.render.themes.folders import known_themes, template_roots


def complete_theme(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The themes that newsletter brings along, and those beside newsletter.toml."""
    try:
        names = known_themes(template_roots(load(ctx.params.get("config_path")).root))
    except (NewsletterError, OSError):
        return []
    # Security: a folder's name may hold a line break or an escape, and the shell writes it into the line being typed.
    return [CompletionItem(name) for name in names if name.startswith(incomplete) and name.isprintable()]
