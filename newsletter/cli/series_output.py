"""What a run did of the series, as `publish` tells of it."""

from __future__ import annotations

from typing import Any

from newsletter.model.delivery import State
from newsletter.model.moments import shown_moment
from newsletter.pipeline.series import SeriesReport


def described_series(report: SeriesReport) -> dict[str, Any]:
    """A report for a program."""
    return {
        "sent": report.outcomes.get(State.SENT, 0),
        "refused": report.outcomes.get(State.REJECTED, 0),
        "uncertain": report.outcomes.get(State.UNCERTAIN, 0),
        "waiting": report.waiting,
        "failure": report.failure,
        "exit_code": report.exit_code,
    }


def series_line(report: SeriesReport) -> str:
    """A report in a line; empty where there was nothing to do."""
    if report.failure:
        return f"failed     the series: {report.failure}"
    if report.is_quiet:
        return ""
    if report.dry:
        return f"due        the series: it would be sent to {report.waiting:,}"
    if report.busy:
        return f"busy       the series: another process sends it; {report.waiting:,} wait"
    if report.closed_until is not None:
        return f"early      the series: {report.waiting:,} wait until {shown_moment(report.closed_until)}"
    counts = {
        "refused": report.outcomes.get(State.REJECTED, 0),
        "uncertain, and not sent again": report.outcomes.get(State.UNCERTAIN, 0),
        "left for the next run": report.waiting,
    }
    more = "".join(f", {count:,} {what}" for what, count in counts.items() if count)
    word = "unfinished" if report.exit_code else "sent"
    return f"{word:<10} the series: sent to {report.outcomes.get(State.SENT, 0):,}{more}"
