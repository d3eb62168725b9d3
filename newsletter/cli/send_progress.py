"""The progress of a send: a bar on a terminal, lines otherwise, and the events of a JSON log."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic, time
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.outcome_lines import EXAMPLES, OutcomeKinds, PersonOutcome
from newsletter.cli.progress import JsonLog, progress_bar
from newsletter.cli.wait_line import wait_text
from newsletter.model.delivery import State
from newsletter.text import printable

if TYPE_CHECKING:
    from newsletter.model.delivery import Outcome, Relay
    from newsletter.model.subscriber import Subscriber
    from newsletter.pipeline.send_to_list import Wait

LINE_EVERY_S = 10.0
"""The interval of progress lines of a long send without a progress bar."""


class SendProgress:
    """The progress of a send: done of all, sent, deferred, refused, rate, time left.

    Refusals are printed as they occur, on a terminal three of each kind.
    """

    def __init__(self, *, quiet: bool, log: JsonLog | None = None, clock: Callable[[], float] = monotonic) -> None:
        self.quiet = quiet
        self.log = log
        self.total = self.done = self.sent = self.deferred = self.refused = 0
        self._clock = clock
        self._started = self._last_line_at = clock()
        self._bar: Any = None
        self._task: Any = None
        self._wait: Wait | None = None
        self._kinds = OutcomeKinds()

    def __enter__(self) -> SendProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def start(self, total: int) -> None:
        """Start with this number of due recipients; the rate is measured from now."""
        self.total = total
        self._started = self._last_line_at = self._clock()
        self._log("start", due=total)
        if total and not self.quiet and sys.stderr.isatty():
            self._bar, self._task = progress_bar("Sending", total, self._counts(), self._wait_text)

    def outcome(self, recipient: Subscriber, outcome: Outcome, relay: Relay) -> None:
        """Count one more outcome."""

        self.done += 1
        if outcome.state is State.SENT:
            self.sent += 1
        else:
            self.deferred += outcome.state is State.DEFERRED
            self.refused += outcome.state is State.REJECTED
            self._name(recipient, outcome)
        self._log(
            "outcome",
            address=recipient.email,
            state=outcome.state.value,
            stage=outcome.stage,
            code=outcome.code,
            text=outcome.text,
            relay=str(relay),
        )
        self._show()

    def counted(self, sent: int, deferred: int, refused: int) -> None:
        """Show these numbers of outcomes, which were counted elsewhere."""
        done = sent + deferred + refused
        if done == self.done:
            return
        self.sent, self.deferred, self.refused, self.done = sent, deferred, refused, done
        self._log("counted", sent=sent, deferred=deferred, refused=refused)
        self._show()

    def _show(self) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, counts=self._counts())
        elif not self.quiet and (self.done == self.total or self._clock() - self._last_line_at >= LINE_EVERY_S):
            self._last_line_at = self._clock()
            self._line(f"{self.done:,} of {self.total:,}: {self._counts()}")

    def _name(self, recipient: Subscriber, outcome: Outcome) -> None:
        """Everyone in a log; on a terminal the first few of those with whom the same went wrong."""
        alike = self._kinds.add(
            PersonOutcome(
                outcome.state.value, recipient.email, outcome.state, outcome.stage, outcome.code, outcome.text
            )
        )
        if self._bar is None or alike <= EXAMPLES:
            why = f"{outcome.code or ''} {outcome.text}".strip()
            self._line(f"{recipient.email}: {outcome.state} at {outcome.stage}: {why}")
        elif alike == EXAMPLES + 1:
            self._line("… others like these are counted, and told of at the end")

    def news(self, text: str) -> None:
        """Print something that the user should know, though the send goes on."""
        self._log("news", text=text)
        self._line(text)

    def waiting(self, wait: Wait | None) -> None:
        """Show until when nothing is sent, in a line below the bar; None once sending goes on."""
        self._wait = wait
        if wait is not None:
            self._log("wait", reason=wait.reason, until=datetime.fromtimestamp(wait.until, UTC).isoformat())
        if self._bar is not None:
            self._bar.refresh()

    def _wait_text(self) -> str:
        wait = self._wait  # another thread draws the bar
        return wait_text(wait.reason, wait.until, time()) if wait else ""

    @property
    def seconds(self) -> float:
        return self._clock() - self._started

    def _counts(self) -> str:
        rate = self.done / self.seconds if self.seconds > 0 else 0.0
        counts = [f"{self.sent:,} sent"]
        counts += [
            f"{number:,} {word}" for number, word in ((self.deferred, "deferred"), (self.refused, "refused")) if number
        ]
        return ", ".join([*counts, f"{rate:,.{0 if rate >= 10 else 1}f}/s"])

    def _line(self, text: str) -> None:
        if self.quiet:
            return
        with contextlib.suppress(OSError):  # a failed progress line must not stop the mail
            if self._bar is not None:
                self._bar.console.print(printable(text), markup=False, highlight=False)
            else:
                click.echo(printable(text), err=True)

    def _log(self, event: str, **values: object) -> None:
        if self.log is not None:
            self.log.write(event, **values)
