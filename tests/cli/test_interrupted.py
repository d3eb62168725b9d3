"""Ctrl-C while a command starts, and once more while the first is told: a word at most, and no traceback."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from command_line import environment

from newsletter import __main__ as entry


def test_ctrl_c_while_the_program_loads(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "import_module", interrupted)
    with pytest.raises(SystemExit) as ending:
        entry.main()
    assert (ending.value.code, capsys.readouterr()) == (130, ("", "interrupted\n"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signal to one process")
def test_ctrl_c_again_while_the_first_is_told() -> None:
    program = (
        "import os, signal\n"
        "from newsletter.cli import main\n"
        "def again(*words):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "def interrupted(**options):\n"
        "    raise KeyboardInterrupt\n"
        "main.described_words, main.cli.main = again, interrupted\n"
        "main.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment())
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "interrupted\n")
