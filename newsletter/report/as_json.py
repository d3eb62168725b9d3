"""The report as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from newsletter.report.read import WORDS, IssueReport, People, Tally
from newsletter.report.timeline import SHOWN
from newsletter.report.wording import notices


def report_json(report: IssueReport) -> dict[str, Any]:
    """The report for programs: every number of the page. Times are UTC in ISO 8601, durations in seconds."""
    timeline = report.timeline
    others, people = report.other_replies
    return {
        "issue": report.issue,
        "subject": report.subject,
        "first": _iso(report.first),
        "last": _iso(report.last),
        "counts": _counts(report.tally),
        "underway": report.underway,
        "gone": report.gone,
        "suppressed": dict(report.suppressed),
        "notices": list(notices(report)),
        "rate_per_second": None if report.rate is None else round(report.rate, 3),
        "running_seconds": report.running.total_seconds(),
        "runs": [
            {
                "owner": run.owner,
                "started": _iso(run.started),
                "ended": _iso(run.ended),
                "seconds": (run.ended - run.started).total_seconds() if run.ended else None,
                "reason": run.reason,
            }
            for run in report.runs
        ],
        "versions": [
            {"version": v.number, "subject": v.subject, "since": _iso(v.since), "current": v.current}
            for v in report.versions
        ],
        "errata": list(report.errata),
        "timeline": {
            "bar_seconds": timeline.step.total_seconds() if timeline else None,
            "bars": [
                {"start": _iso(bar.start), **{WORDS[state]: bar.counts[i] for i, state in enumerate(SHOWN)}}
                for bar in (timeline.bars if timeline else ())
            ],
        },
        "domains": [{"domain": group.name, **_counts(group.tally)} for group in report.domains.shown],
        "other_domains": {"domains": report.domains.others, **_counts(report.domains.rest)},
        "relays": [{"relay": group.name, **_counts(group.tally)} for group in report.relays],
        "replies": [
            {
                "outcome": WORDS[reply.state],
                "stage": reply.stage,
                "code": reply.code,
                "enhanced": reply.enhanced,
                "meaning": reply.meaning,
                "remedy": reply.remedy,
                "count": reply.count,
                "example": reply.words,
            }
            for reply in report.replies
        ],
        "other_replies": {"kinds": others, "count": people},
        "uncertain": _named(report.uncertain),
        "refused": _named(report.refused),
        "left": _named(report.left),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds") if moment else None


def _counts(tally: Tally) -> dict[str, int]:
    return {
        "audience": tally.audience,
        "sent": tally.sent,
        "refused": tally.refused,
        "left": tally.left,
        "deferred": tally.deferred,
        "untried": tally.untried,
        "uncertain": tally.uncertain,
        "suppressed": tally.suppressed,
    }


def _named(people: People) -> list[dict[str, Any]]:
    return [
        {
            "address": recipient.address,
            "state": recipient.state.value,
            "stage": recipient.stage,
            "code": recipient.code,
            "text": recipient.reply,
            "attempts": recipient.attempts,
            "updated": _iso(recipient.updated),
            "next_try": _iso(recipient.due_at),
        }
        for recipient in people.shown
    ]
