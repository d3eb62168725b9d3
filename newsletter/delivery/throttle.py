"""Adaptive throttle and circuit breaker of one relay: slow down, recover step by step, stop.

    running --trouble--> running, at half the speed      (additive increase, multiplicative decrease, as in TCP)
    running --5 refusals or 3 lost connections in a row--> open: nothing is sent for a minute
    open    --the minute is over--> probing: one message
    probing --accepted--> running          --refused or lost--> stopped, for this run

A relay that accepts a message now and then is never stopped: each acceptance resets the count. Answers during a pause
belong to messages that were under way already, and change nothing.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable

from newsletter.frozen import frozen
from newsletter.model.delivery import Outcome, State
from newsletter.text import printable


@frozen
class ThrottleRules:
    """The throttle's parameters, each with its reason. In seconds, unless the name says otherwise."""

    refusals: int = 5
    """Refusals in a row that open the circuit. Fewer could be a moment's trouble, more would defer recipients for
    nothing.
    """

    losses: int = 3
    """Connections lost in a row that open the circuit: a relay that restarts drops one, or all of them at once."""

    slow_s: float = 0.5
    """The spacing of messages after the first trouble, if the speed before is unknown."""

    fastest_s: float = 0.01
    """The shortest spacing once there was trouble: relays with limits allow fewer than a hundred messages a second."""

    slowest_s: float = 60.0
    """The longest spacing: below one message a minute, opening the circuit is better."""

    pause_s: float = 5.0
    """The pause after a transient refusal; doubles with each in a row. Amazon SES asks its clients to wait 5 s, then
    10, then 30: https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html
    """

    reconnect_s: float = 1.0
    """The pause after a lost connection; doubles with each in a row."""

    longest_pause_s: float = 60.0
    """The upper limit of the doubling pauses."""

    open_s: float = 60.0
    """How long the circuit stays open. QQ counts by the minute, as do Exchange and most rate limits."""

    recover_after: int = 30
    """Accepted messages before one step of recovery. Fewer find the limit sooner and hit it, with its pause, more
    often: of a relay that allows 14/s, 10 use a third, 30 use half.
    """

    step: float = 0.1
    """The size of a step: this share of the speed at which there was trouble, and of the connections."""


@frozen
class Trouble:
    """Counts of this run's troubles. `last` is the relay's latest refusal, code and text."""

    refusals: int = 0
    lost: int = 0
    opened: int = 0
    last: str = ""


class _Phase(enum.Enum):
    RUNNING = enum.auto()
    OPEN = enum.auto()
    PROBING = enum.auto()
    STOPPED = enum.auto()


_SPEED_OF = 20
"""The speed is measured over this many answers."""

_WORDS_SHOWN = 160


class RelayThrottle:
    """The throttle of one relay. `now` is epoch seconds; `jitter` returns a random number from 0 to 1, which lengthens
    a pause by up to a half.
    """

    def __init__(self, rules: ThrottleRules | None = None, jitter: Callable[[], float] = lambda: 0.0) -> None:
        self.stopped = ""
        """Why nothing more goes through this relay in this run; empty while it is usable."""
        self._rules = rules or ThrottleRules()
        self._jitter = jitter
        self._phase = _Phase.RUNNING
        self._refusals = self._losses = 0  # in a row
        self._counts = [0, 0, 0]  # refusals, lost, opened
        self._last = self._why = ""
        # 0.0: unlimited. `_before_s` is the spacing at which there was trouble last.
        self._delay_s = self._before_s = 0.0
        self._share = 1.0
        self._accepted = 0  # since the last step
        self._answers: deque[float] = deque(maxlen=_SPEED_OF)
        self._paused_until = self._next_at = self._latest = 0.0

    @property
    def trouble(self) -> Trouble:
        refusals, lost, opened = self._counts
        return Trouble(refusals, lost, opened, self._last)

    @property
    def speed(self) -> float:
        """The most messages a second that may be begun now; 0.0 for no limit."""
        return 1 / self._delay_s if self._delay_s else 0.0

    def wait_s(self, now: float) -> float:
        """How long no message may be begun, in seconds; 0.0 when one may. Call again afterwards: answers change it."""
        self._catch_up(now)
        if self._phase is _Phase.STOPPED:
            return self._rules.open_s
        return max(self._paused_until - now, self._next_at - now, 0.0)

    def paused_s(self, now: float) -> float:
        """How long the relay is left alone, in seconds, because it was too much for it; 0.0 if it is not."""
        return max(self._paused_until - now, 0.0)

    def hold(self, now: float, seconds: float) -> None:
        """Begin no message for so long: another machine was told that it is too much."""
        self._paused_until = max(self._paused_until, now + seconds)

    def parallel(self, limit: int) -> int:
        """How many of at most `limit` connections to use now: at least 1, or 0 once the relay is stopped."""
        if self._phase is _Phase.STOPPED:
            return 0
        if self._phase is not _Phase.RUNNING:
            return 1
        return max(1, int(limit * self._share + 1e-9))

    def record_start(self, now: float) -> None:
        """Record the start of a message; enforces the minimum spacing."""
        self._catch_up(now)
        if self._phase is _Phase.PROBING:
            self._next_at = now + self._rules.open_s  # one message; its answer decides, or a minute without an answer
        elif self._delay_s:
            self._next_at = now + self._delay_s

    def record_outcome(self, outcome: Outcome, now: float) -> str:
        """Learn from an outcome. Returns news for the user, or "". An outcome without an answer changes nothing."""
        self._catch_up(now)
        if outcome.code:
            self._losses = 0
        if outcome.sender_fault:
            self._counts[0] += 1
            self._last = _reply_of(outcome)
            return self._refused(outcome.code < 500, now)
        if outcome.state is State.SENT:
            return self._accepted_one(now)
        if outcome.code:
            self._answers.append(now)
            if self._phase is _Phase.PROBING:
                self._next_at = now  # the answer is about a recipient and says nothing of the relay: probe once more
        return ""

    def record_loss(self, now: float, words: str = "") -> str:
        """Note a connection that broke or could not be opened. Returns news for the user. `words` say how it failed."""
        self._catch_up(now)
        self._counts[1] += 1
        self._last = _shown(words) or self._last
        if self._phase is _Phase.PROBING:
            return self._stop("the connection was lost again")
        if self._phase is not _Phase.RUNNING or now < self._paused_until:
            return ""
        self._losses += 1
        if self._losses >= self._rules.losses:
            return self._open(f"{self._losses} connections lost in a row", words, now)
        self._pause(self._rules.reconnect_s, self._losses, now)
        return ""

    # --- inside -----------------------------------------------------------------------------------------------------

    def _catch_up(self, now: float) -> None:
        """Catch up with the clock: probe an open circuit when its time is over; restart the waits if the clock was set
        back.
        """
        if now < self._latest:
            gone = self._latest - now
            self._paused_until -= gone
            self._next_at -= gone
            self._answers.clear()
        self._latest = now
        if self._phase is _Phase.OPEN and now >= self._paused_until:
            self._phase = _Phase.PROBING
            self._next_at = now

    def _refused(self, may_pass: bool, now: float) -> str:
        if self._phase is _Phase.PROBING:
            return self._stop("the next message was refused as well")
        if self._phase is not _Phase.RUNNING or now < self._paused_until:
            return ""
        self._refusals += 1
        self._accepted = 0
        self._slow_down(now)
        if self._refusals >= self._rules.refusals:
            return self._open(f"{self._refusals} refusals in a row", self._last, now)
        if may_pass:
            self._pause(self._rules.pause_s, self._refusals, now)
        return f"slowing down to {_shown_speed(self._delay_s)}: {self._last}"

    def _slow_down(self, now: float) -> None:
        rules = self._rules
        self._before_s = self._delay_s or self._measured_s() or rules.slow_s / 2
        self._delay_s = min(max(2 * self._before_s, rules.fastest_s), rules.slowest_s)
        self._share = max(self._share / 2, 1 / 128)
        self._next_at = max(self._next_at, now + self._delay_s)
        self._answers.clear()

    def _measured_s(self) -> float:
        """The recent time between two answers; 0.0 if there were too few."""
        if len(self._answers) < _SPEED_OF // 2:
            return 0.0
        return (self._answers[-1] - self._answers[0]) / (len(self._answers) - 1)

    def _accepted_one(self, now: float) -> str:
        self._refusals = 0
        self._answers.append(now)
        news = ""
        if self._phase in (_Phase.OPEN, _Phase.PROBING):
            self._phase = _Phase.RUNNING
            self._paused_until = now
            self._next_at = now + self._delay_s
            news = (
                f"the relay takes mail again; going on{f' at {_shown_speed(self._delay_s)}' if self._delay_s else ''}"
            )
        self._accepted += 1
        if self._accepted >= self._rules.recover_after:
            self._accepted = 0
            return self._step_up() or news
        return news

    def _step_up(self) -> str:
        self._share = min(1.0, self._share + self._rules.step)
        if not self._delay_s:
            return ""
        self._delay_s = 1 / (1 / self._delay_s + self._rules.step / self._before_s)
        if self._delay_s > self._before_s / 2:
            return ""
        # Twice the speed at which there was trouble, without trouble: recovery is complete.
        self._delay_s = 0.0
        self._share = 1.0
        return "back to full speed"

    def _pause(self, first_s: float, in_a_row: int, now: float) -> None:
        pause = min(first_s * 2 ** (in_a_row - 1), self._rules.longest_pause_s)
        self._paused_until = max(self._paused_until, now + pause * (1 + self._jitter() / 2))

    def _open(self, why: str, words: str, now: float) -> str:
        self._counts[2] += 1
        self._phase = _Phase.OPEN
        pause = self._rules.open_s * (1 + self._jitter() / 2)
        self._paused_until = now + pause
        self._why = why
        return f"pausing for {pause:.0f} s after {why}" + (f": {_shown(words)}" if words else "")

    def _stop(self, again: str) -> str:
        """Stop the relay. `stopped` keeps the reason, so that it is reported once."""
        self._phase = _Phase.STOPPED
        self.stopped = f"{self._why}, and after a pause {again}" + (f": {self._last}" if self._last else "")
        return ""


def _reply_of(outcome: Outcome) -> str:
    return _shown(f"{outcome.code or ''} {outcome.text}")


def _shown(words: str) -> str:
    words = " ".join(words.split())
    return printable(words if len(words) <= _WORDS_SHOWN else words[: _WORDS_SHOWN - 1] + "…")


def _shown_speed(delay_s: float) -> str:
    return f"{1 / delay_s:.1f}/s" if delay_s <= 2 else f"one message every {delay_s:.0f} s"
