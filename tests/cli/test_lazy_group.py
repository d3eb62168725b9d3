"""Commands load when they are asked for, their work when they run: the names are right, help loads neither."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from newsletter.cli.help_page import first_sentence
from newsletter.cli.lazy_group import Deferred
from newsletter.cli.main import COMMANDS, cli

HEAVY = ("sqlalchemy", "httpx", "jinja2", "aiosmtplib", "aiosmtpd", "starlette", "lxml", "PIL", "mjml", "asyncio")
"""What the pipeline is made of. One of them alone takes as long as a whole help page may."""


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name), command


LEAVES = dict(leaves(cli))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_row_names_a_command_and_its_first_sentence(name: str) -> None:
    command = COMMANDS[name].load()
    assert command.name == name
    assert COMMANDS[name].summary == first_sentence(command.help or ""), "whole, and not cut"


@pytest.mark.parametrize("path", sorted(LEAVES), ids=" ".join)
def test_what_a_command_runs_takes_its_options(path: tuple[str, ...]) -> None:
    command = LEAVES[path]
    work = command.callback.load() if isinstance(command.callback, Deferred) else command.callback
    assert work is not None
    taken = set(inspect.signature(work).parameters) - {"context"}
    assert taken == {param.name for param in command.params}


@pytest.mark.parametrize("path", sorted(LEAVES), ids=" ".join)
def test_a_help_page_loads_no_pipeline(path: tuple[str, ...]) -> None:
    code = (
        "import sys\n"
        "from newsletter.cli.main import cli\n"
        f"cli.main([*{path!r}, '--help'], standalone_mode=False)\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage:" in done.stdout
    loaded = done.stderr.split()
    assert "newsletter.cli.lazy_group" in loaded
    assert [name for name in loaded if name in HEAVY] == []


@pytest.mark.parametrize("words", [["--complete-what-is-there"], ["send", "--n"]], ids=" ".join)
def test_a_slip_on_the_command_line_loads_no_pipeline(words: list[str]) -> None:
    code = (
        "import sys\n"
        "from newsletter.cli.main import cli\n"
        "import click\n"
        "try:\n"
        f"    cli.main({words!r}, standalone_mode=False)\n"
        "except click.UsageError:\n"
        "    print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "newsletter.cli.lazy_group" in loaded
    assert [name for name in loaded if name in HEAVY] == []


def test_help_loads_no_command() -> None:
    code = (
        "import sys\n"
        "from newsletter.cli.main import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "print(sorted(name for name in sys.modules if name.startswith('newsletter.')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1]
    assert "newsletter.cli.main" in loaded
    assert "newsletter.cli.commands" not in loaded
    assert "newsletter.pipeline" not in loaded


def test_a_send_loads_no_web_server_and_no_http_client() -> None:
    script = (
        "import sys\n"
        "import newsletter.cli.publish, newsletter.cli.resume, newsletter.cli.send\n"
        "print(sorted({'aiosmtpd', 'httpx', 'starlette', 'uvicorn', 'watchfiles'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
