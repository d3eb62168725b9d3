"""The manual page is that of the commands as they are, and a formatter has nothing to say of it."""

from __future__ import annotations

import subprocess
import sys

from machine import CHECKOUT, RequireProgram

PAGE = CHECKOUT / "docs" / "newsletter.1"


def test_the_page_is_that_of_the_commands() -> None:
    made = subprocess.run([sys.executable, CHECKOUT / "docs" / "man_page.py"], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert made.stdout == PAGE.read_text("utf-8"), "run: python docs/man_page.py > docs/newsletter.1"


def test_groff_warns_of_nothing(require_program: RequireProgram) -> None:
    command = [require_program("groff"), "-man", "-ww", "-k", "-T", "utf8", "-P", "-cbou", PAGE]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    for heading in ("NAME", "SYNOPSIS", "newsletter send POST", "EXIT STATUS"):
        assert heading in done.stdout
