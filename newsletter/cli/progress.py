"""Progress output: bar on a terminal, lines otherwise, optional JSON log."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click

from newsletter.cli.failures import described
from newsletter.errors import ConfigError, NewsletterError
from newsletter.text import json_text, printable


class Progress:
    """A bar for work of known size, such as fetching pictures. Without a terminal it prints nothing."""

    def __init__(self, title: str, *, quiet: bool) -> None:
        self.title = title
        self.quiet = quiet or not sys.stderr.isatty()
        self.total = 0
        self.bar: Any = None
        self.task: Any = None

    def __enter__(self) -> Progress:
        return self

    def show(self, done: int, total: int) -> None:
        if self.quiet or not total:
            return
        if total != self.total:
            self.total = total
            self.bar, self.task = progress_bar(self.title, total)
        self.bar.update(self.task, completed=done)

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()


class JsonLog:
    """One JSON object per line, each with its time; `-` writes to standard error.

    If a line cannot be written the log ends there, and reports that once: the send must go on.
    """

    def __init__(self, path: str, issue: str) -> None:
        self.path = path
        self.issue = issue
        self._file: IO[str] | None = None
        try:
            self._file = sys.stderr if path == "-" else _appended(path)
        except OSError as error:
            raise ConfigError(
                f"the log cannot be written: {error.strerror}", "choose another file", path=path
            ) from error

    def write(self, event: str, **values: object) -> None:
        if self._file is None:
            return
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": event,
            "issue": self.issue,
            **values,
        }
        try:
            self._file.write(json_text(line) + "\n")
        except OSError as error:
            self._close()
            self._file = None
            with contextlib.suppress(OSError):
                what = f"{self.path}: the log cannot be written any more ({error.strerror}) and ends here"
                click.echo(printable(f"warning: {what}; the rest is in the ledger"), err=True)

    def __enter__(self) -> JsonLog:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, NewsletterError):
            self.write("error", **described(error))
            error.is_logged = True
        self._close()

    def _close(self) -> None:
        if self._file is not None and self._file is not sys.stderr:
            with contextlib.suppress(OSError):  # of a line that was not written, which is reported above
                self._file.close()


_LOG_START = b'{"time": '


def may_be_log(path: str) -> bool:
    """Whether a failure may be appended: before a command has checked its files, the log may be one of its inputs."""
    if path == "-":
        return True
    try:
        if not Path(path).is_file():
            return True
        with Path(path).open("rb") as file:
            return file.read(len(_LOG_START)) in (b"", _LOG_START)
    except (OSError, ValueError):
        return False


def _appended(path: str) -> IO[str]:
    return Path(path).open("a", encoding="utf-8", errors="backslashreplace", buffering=1)


def progress_bar(title: str, total: int, counts: str = "", below: Callable[[], str] = str) -> tuple[Any, Any]:
    """A bar, and its task. `below` returns a line to show under it, or an empty text."""
    from rich.console import Console, RenderableType
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Bar(Progress):
        def get_renderables(self) -> Iterable[RenderableType]:
            yield self.make_tasks_table(self.tasks)
            if line := below():
                yield Text(line)

    bar = Bar(
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.start()
    return bar, bar.add_task("", total=total, counts=counts)
