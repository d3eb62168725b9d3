"""Help pages: every command with an example that it takes, on a page of 80 columns, its options under headings."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from newsletter.cli.main import cli

WIDTH, HEIGHT = 80, 40


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands(cli))
LEAVES = {path: command for path, command in COMMANDS.items() if not isinstance(command, click.Group)}


def page(path: tuple[str, ...]) -> list[str]:
    shown = CliRunner().invoke(cli, [*path, "--help"], prog_name="newsletter", terminal_width=WIDTH)
    assert shown.exit_code == 0, shown.output
    return shown.output.splitlines()


@pytest.mark.parametrize("path", [(), *COMMANDS], ids=" ".join)
def test_a_page_fits_the_width_and_cuts_nothing(path: tuple[str, ...]) -> None:
    lines = page(path)
    assert [line for line in lines if len(line) > WIDTH] == []
    assert [line for line in lines if line.endswith("...") and not line.startswith("Usage:")] == []


@pytest.mark.parametrize("path", [(), *COMMANDS], ids=" ".join)
def test_a_page_fits_the_height(path: tuple[str, ...]) -> None:
    assert len(page(path)) <= HEIGHT


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_the_example_is_one_that_the_command_takes(path: tuple[str, ...]) -> None:
    lines = [line.strip() for line in page(path)]
    words = shlex.split(lines[lines.index("Example:") + 1])
    assert words[: len(path) + 1] == ["newsletter", *path]
    assert LEAVES[path].make_context(path[-1], words[len(path) + 1 :])


def test_every_option_of_a_send_is_under_a_heading() -> None:
    lines = page(("send",))
    assert "Other:" not in lines
    assert [line for line in lines if line.endswith(":") and line[:1] != " "] == [
        "Who gets it:",
        "When and where it goes:",
        "Output:",
    ]
