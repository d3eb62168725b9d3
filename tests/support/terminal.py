"""A command on a terminal of its own, as wide as a test says (pty(7))."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
from pathlib import Path

from command_line import spawn

_STYLE = re.compile("\x1b\\[[0-9;?]*[A-Za-z]")


def on_terminal(*arguments: str, cwd: Path, columns: int = 80) -> tuple[int, list[str]]:
    """The exit code, and the lines that it wrote, without colours; what a bar drew over is among them."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = spawn(
        *arguments, cwd=cwd, env={"TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs, new_session=True
    )
    os.close(theirs)
    screen = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # Linux: the other side is closed
            break
        if not data:
            break
        screen += data
    os.close(ours)
    text = _STYLE.sub("", screen.decode().replace("\r\n", "\n"))
    return process.wait(60), [line.rpartition("\r")[2].rstrip() for line in text.splitlines()]
