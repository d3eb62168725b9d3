"""`newsletter completion`: the shell completion script for commands, options, posts and issues."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "newsletter"
VARIABLE = "_NEWSLETTER_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL. Commands, options, issues, themes and files are completed.

    Put `eval "$(newsletter completion bash)"` into ~/.bashrc (zsh: the same with zsh into ~/.zshrc). For fish, write
    the script to ~/.config/fish/completions/newsletter.fish.

    \b
    Example:
      newsletter completion bash
    """
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click has the three that the argument allows
    root = click.get_current_context().find_root().command
    # Only the script's text; the installed bash is not checked, since it may be meant for another machine.
    script = found(root, {}, PROGRAM, VARIABLE)
    click.echo(script.source_template % script.source_vars())
