"""Standard streams that are closed, full or without a reader.

A stream that was closed (`<&-`, `2>&-`) leaves its number to the next file that is opened, the ledger it may be, and
whatever is then printed would be written into that file. So all three are open before anything else is.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any


def open_streams() -> None:
    """Have all three standard streams, on nothing where they were closed. Call it first."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = Output(1, sys.stdout)
    sys.stderr = Output(2, sys.stderr)
    sys.stderr.endure()


class Output(io.TextIOWrapper):
    """Standard output or error, with the encoding that Python chose.

    What the terminal's encoding lacks is shown by its number: a letter must not end a run. A failure to write is
    raised, until `endure` is called: from then on what is printed after a failure is lost, and `failure` has it.
    """

    def __init__(self, number: int, chosen: Any) -> None:
        raw = io.FileIO(number, "w", closefd=False)
        encoding = getattr(chosen, "encoding", None) or "utf-8"
        lines = bool(getattr(chosen, "line_buffering", True))
        super().__init__(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=lines)
        self._number = number
        self._endures = False
        self.failure: OSError | None = None

    @property
    def name(self) -> str:
        return "<stdout>" if self._number == 1 else "<stderr>"

    def endure(self) -> None:
        self._endures = True

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._fail(error)
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._fail(error)

    def drop(self) -> None:
        """Write to nothing from here on; what is still buffered goes there, too."""
        with contextlib.suppress(OSError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self._number)
            os.close(nothing)

    def _fail(self, error: OSError) -> None:
        if not self._endures:
            raise error
        self.failure = self.failure or error
        self.drop()


def endure_closed_output() -> None:
    """Go on when standard output takes nothing more: nobody may go without mail because nobody can be told."""
    if isinstance(sys.stdout, Output):
        sys.stdout.endure()
