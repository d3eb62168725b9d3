"""Commands that are loaded when they are asked for: the table names what is there, and help loads none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from newsletter.cli.help_page import first_sentence
from newsletter.cli.main import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_a_row_names_a_command_and_its_first_sentence(name: str) -> None:
    command = COMMANDS[name].load()
    assert command.name == name
    assert COMMANDS[name].summary == first_sentence(command.help or ""), "whole, and not cut"


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
    assert "newsletter.cli.send" not in loaded
    assert "newsletter.pipeline" not in loaded
