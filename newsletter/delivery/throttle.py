"""Adaptive throttle and circuit breaker of one relay: slow down, recover step by step, stop.

    running --trouble--> running, at half the speed      (additive increase, multiplicative decrease, as TCP does it)
    running --5 refusals or 3 lost connections in a row--> open: nothing is sent for a minute
    open    --the minute is over--> probing: one message
    probing --accepted--> running          --refused or lost--> stopped, for this run

A relay that accepts a message now and then is never stopped: each acceptance resets the count. Answers during a pause
are to messages that were under way already, and change nothing.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from newsletter.model.delivery import Outcome, State
from newsletter.text import printable


@dataclass(frozen=True, slots=True)
class ThrottleRules:
    """The numbers, each with its reason. Seconds, unless the name says otherwise."""

    refusals: int = 5
    """How many in a row open the circuit. Fewer would be one bad moment, more would defer people for nothing."""

    losses: int = 3
    """How many connections lost in a row open it: a relay that restarts drops one, or all of them at once."""

    slow_s: float = 0.5
    """Between two messages after the first trouble, where nothing is known of the speed before."""

    fastest_s: float = 0.01
    """A speed that is halved is at most this: a hundred a second is more than what relays with limits allow."""

    slowest_s: float = 60.0
    """Between two messages at most: below one a minute, to open the circuit is the better answer."""

    pause_s: float = 5.0
    """Nothing is sent after a refusal that may pass; doubles with each in a row. Amazon SES asks its clients to wait
    5 s, then 10, then 30: https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html"""

    reconnect_s: float = 1.0
    """Nothing is sent after a lost connection; doubles with each in a row."""

    longest_pause_s: float = 60.0
    """What pauses double up to."""

    open_s: float = 60.0
    """Nothing is sent while the circuit is open. QQ counts by the minute, as do Exchange and most rate limits."""

    recover_after: int = 30
    """Accepted messages that earn one step back. Fewer find the limit sooner and meet it, with its pause, more often:
    of a relay that allows 14/s, 10 use a third, 30 use half."""

    step: float = 0.1
    """A step back: this share of the speed at which there was trouble, and of the connections."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """How often there was any, in this run. `last` is what the relay said last, code and words."""

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
"""How many answers the speed is measured over."""

_WORDS_SHOWN = 160


class RelayThrottle:
    """The throttle of one relay. `now` is epoch seconds; `jitter` gives a random number from 0 to 1, which makes a
    pause up to one and a half times as long."""

    def __init__(self, rules: ThrottleRules | None = None, jitter: Callable[[], float] = lambda: 0.0) -> None:
        self.stopped = ""
        """Why nothing more goes through this relay in this run; empty while something may."""
        self._rules = rules or ThrottleRules()
        self._jitter = jitter
        self._phase = _Phase.RUNNING
        self._refusals = self._losses = 0  # in a row
        self._counts = [0, 0, 0]  # refusals, lost, opened
        self._last = self._why = ""
        # 0.0: as fast as it goes. `_before_s` is the time between messages at which there was trouble last.
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
        """The most messages a second that are begun now; 0.0 for as many as it takes."""
        return 1 / self._delay_s if self._delay_s else 0.0

    def wait_s(self, now: float) -> float:
        """How long nothing may be begun, in seconds; 0.0 when something may. Look again then: answers change it."""
        self._catch_up(now)
        if self._phase is _Phase.STOPPED:
            return self._rules.open_s
        return max(self._paused_until - now, self._next_at - now, 0.0)

    def parallel(self, limit: int) -> int:
        """How many of at most `limit` connections to use now: 1 at least, 0 once the relay is stopped."""
        if self._phase is _Phase.STOPPED:
            return 0
        if self._phase is not _Phase.RUNNING:
            return 1
        return max(1, int(limit * self._share + 1e-9))

    def record_start(self, now: float) -> None:
        """Record the start of a message; enforces the minimum spacing."""
        self._catch_up(now)
        if self._phase is _Phase.PROBING:
            self._next_at = now + self._rules.open_s  # one message; its answer decides, or its silence for a minute
        elif self._delay_s:
            self._next_at = now + self._delay_s

    def record_outcome(self, outcome: Outcome, now: float) -> str:
        """Learn from an outcome -> news for the user, or "". An outcome without an answer changes nothing."""
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
                self._next_at = now  # the answer is about a recipient and says nothing of the relay: one more
        return ""

    def record_loss(self, now: float, words: str = "") -> str:
        """A connection broke, or could not be opened -> news. `words` say how."""
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
        """Catch up with the clock: an open circuit may be probed; a clock set back restarts the waits."""
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
        """The time between two answers of late; 0.0 where there were too few."""
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
        # Twice the speed at which there was trouble, and none now: it is over.
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
        """The reason is kept in `stopped`, so that it is reported once."""
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
