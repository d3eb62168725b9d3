"""Standard streams that are closed, full or without a reader.

The descriptor of a closed stream (`<&-`, `2>&-`) is reused by the next opened file, possibly the ledger, and output
would then be written into that file. So all three are opened before anything else.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any


def open_streams() -> None:
    """Open all three standard streams, closed ones on the null device. Call it first."""
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

    Characters that the terminal cannot encode are escaped instead of raising. A failed write raises until `endure` is
    called: from then on output after a failure is lost, and `failure` has the error.
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
        """Write to the null device from now on, including what is still buffered."""
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
    """Continue without standard output: a closed terminal must not stop the mail."""
    if isinstance(sys.stdout, Output):
        sys.stdout.endure()
