"""Publish due posts: decide about each post, check it, send it, report it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from newsletter.errors import (
    EXIT_BUSY,
    EXIT_CONTENT,
    EXIT_OK,
    EXIT_UNSENT,
    EXIT_USAGE,
    LedgerError,
    LostLedgerError,
    NewsletterError,
)
from newsletter.frozen import frozen
from newsletter.model.moments import shown_moment
from newsletter.model.send_window import Place
from newsletter.pipeline.find_due import Found, FoundPost
from newsletter.pipeline.send_result import SendResult
from newsletter.pipeline.series import SeriesReport

Decision = Literal["sent", "unfinished", "due", "early", "late", "failed", "left alone"]

_GRAVITY = (EXIT_UNSENT, EXIT_USAGE, EXIT_CONTENT, EXIT_BUSY, EXIT_OK)
"""Exit codes by severity, for a run with several posts: unsent mail, then the operator's faults, then the author's."""


@frozen
class Published:
    """A post and its result. `reason` is a sentence."""

    post: FoundPost
    decision: Decision
    reason: str
    exit_code: int = EXIT_OK
    result: SendResult | None = None


@frozen
class PublishReport:
    """The report of a run: every post worth reporting, in order, those sent first."""

    folder: str
    posts: tuple[Published, ...]
    archived: int = 0
    series: SeriesReport | None = None

    @property
    def exit_code(self) -> int:
        codes = {each.exit_code for each in self.posts} | ({self.series.exit_code} if self.series else set())
        return next((code for code in _GRAVITY if code in codes), max(codes, default=EXIT_OK))

    @property
    def is_quiet(self) -> bool:
        """Whether there was nothing to do."""
        return all(each.decision == "left alone" for each in self.posts) and (not self.series or self.series.is_quiet)

    def opens_at(self, now: datetime) -> datetime | None:
        """When the first of the early posts may be sent; None if there is none."""
        early = [each.post.window.next_opening(now) for each in self.posts if each.decision == "early"]
        return min(early, default=None)


def publish(
    found: Found,
    now: Callable[[], datetime],
    *,
    check: Callable[[FoundPost], Sequence[str]],
    send: Callable[[FoundPost], SendResult],
    dry: bool = False,
    is_ending: Callable[[], bool] = lambda: False,
    on_post: Callable[[Published], None] = lambda each: None,
) -> PublishReport:
    """Send each due post, one after the other; a fault of one post does not stop the others.

    `check` returns the errors of a post, as sentences; `send` mails one, or raises NewsletterError. A lost ledger ends
    the run, since sends could no longer be recorded. A `dry` run checks and sends nothing. Once `is_ending`, or after a
    send that a signal interrupted, no further post is begun.
    """
    together = Counter(post.since.date() for post in found.due if post.since)
    done: list[Published] = []
    lost: NewsletterError | None = None
    interrupted = False
    for post in found.posts:
        if lost is not None and post.goes_out:
            each = Published(post, "failed", "the ledger is at fault; see above", lost.exit_code)
        elif post.goes_out and (interrupted or is_ending()):
            each = Published(post, "due", "this run was told to end before it; the next one sends it", EXIT_UNSENT)
        else:
            try:
                each = _published(post, now, check, send, dry=dry)
            except (LedgerError, LostLedgerError) as error:
                each, lost = Published(post, "failed", str(error), error.exit_code), error
            except NewsletterError as error:
                each = Published(post, "failed", str(error), error.exit_code)
        if post.goes_out and post.since and together[post.since.date()] > 1:
            day = f"{post.since:%Y-%m-%d}"
            each = replace(each, reason=f"{each.reason} (one of {together[post.since.date()]} posts of {day})")
        interrupted = interrupted or (each.result is not None and each.result.was_interrupted)
        done.append(each)
        on_post(each)
    return PublishReport(found.folder, tuple(done), found.archived)


def _published(
    post: FoundPost,
    now: Callable[[], datetime],
    check: Callable[[FoundPost], Sequence[str]],
    send: Callable[[FoundPost], SendResult],
    *,
    dry: bool,
) -> Published:
    if post.status == "unreadable":
        return Published(post, "failed", post.reason, EXIT_CONTENT)
    if not post.goes_out:
        return Published(post, "left alone", post.reason)
    # A send that has begun is finished at any hour: leaving half of the list until tomorrow helps no reader.
    moment = now()
    place = post.window.place(moment, post.since) if post.status == "due" else "open"
    if place != "open":
        return _held(post, place, moment)
    if post.is_template and dry:
        return Published(post, "due", "it would not be sent: it says what the template says; write it, or take it away")
    if post.is_template:
        what = "nobody was mailed: it says what the template says; write it, or take it away"
        return Published(post, "failed", f"{post.path}: {what}", EXIT_CONTENT)
    if faults := check(post):
        return Published(post, "failed", "\n".join(faults), EXIT_CONTENT)
    if dry:
        return Published(post, "due", "it would be sent" if post.status == "due" else f"{post.reason}; it would go on")
    result = send(post)
    if result.complete:
        return Published(post, "sent", f"sent to {result.sent:,}", EXIT_OK, result)
    left = result.left_count
    uncertain = len(result.uncertain)
    parts = [f"{left:,} left" if left else "", f"{uncertain:,} uncertain" if uncertain else "", result.stopped]
    why = ", ".join(filter(None, parts))
    return Published(post, "unfinished", f"sent to {result.sent:,}; {why}", EXIT_UNSENT, result)


def _held(post: FoundPost, place: Place, now: datetime) -> Published:
    opening = shown_moment(post.window.next_opening(now))
    if place == "late":
        what = (
            f"nobody was mailed: the window of {post.window} is over; the next run from {opening} on sends it, unless"
        )
        return Published(post, "late", f"{what} it is too old by then, or `newsletter send` does now", EXIT_UNSENT)
    if post.since is not None and post.window.was_open(post.since, now):
        what = "it missed its own day's window; see that a run comes inside the window"
        return Published(post, "early", f"{what}: it is sent from {opening} on", EXIT_UNSENT)
    return Published(post, "early", f"it is not time yet: a run from {opening} on sends it", EXIT_OK)
