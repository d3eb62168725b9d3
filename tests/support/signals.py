"""Wait until a process has handled a signal."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from command_line import (
    wait_until,
)


def wait_until_signal_is_taken(process: subprocess.Popen[bytes]) -> None:
    """Wait until no signal is pending and the process sleeps again: proc(5) shows both."""
    status = Path(f"/proc/{process.pid}")
    if not status.is_dir():
        pytest.skip("needs /proc to see that a signal was delivered")

    def asleep() -> bool:
        lines = (status / "status").read_text().splitlines()
        pending = any(int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd", "ShdPnd")))
        return not pending and "State:\tS (sleeping)" in lines

    wait_until(process, asleep, "the signal is still pending")
