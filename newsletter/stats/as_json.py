"""The numbers as JSON."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from newsletter.stats.figures import REFUSALS, Growth, IssueNumbers, Stats


def stats_json(stats: Stats) -> dict[str, Any]:
    """Every number for a program. Times are UTC in ISO 8601; months and weeks are called by their first day."""
    cadence, readers = stats.cadence, stats.readers
    return {
        "made": _iso(stats.made),
        "growth": {"months": [_growth(row) for row in stats.months], "weeks": [_growth(row) for row in stats.weeks]},
        "issues": [_issue(row) for row in stats.issues],
        "cadence": {
            "issues": cadence.issues,
            "median_days_between": None if cadence.gap_days is None else round(cadence.gap_days, 3),
            "longest_pause": [_iso(moment) for moment in cadence.longest] if cadence.longest else None,
            "weeks": [{"start": _iso(start), "issues": number} for start, number in cadence.weeks],
            "weekdays": list(cadence.weekdays),
            "hours": list(cadence.hours),
        },
        "readers": {
            "total": readers.total,
            "domains": [{"domain": share.name, "readers": share.number} for share in readers.domains],
            "other_domains": {"domains": readers.other_domains, "readers": readers.others},
            "languages": [{"language": share.name, "readers": share.number} for share in readers.languages],
            "ages": [{"age": share.name, "readers": share.number} for share in readers.ages],
            "median_age_days": readers.median_days,
        },
        "links": [
            {
                "issue": link.issue,
                "number": link.number,
                "section": link.section,
                "address": link.address,
                "clicks": link.clicks,
            }
            for link in stats.links
        ],
        "sections": [{"section": share.name, "clicks": share.number} for share in stats.sections],
    }


def _iso(moment: datetime | date) -> str:
    return moment.isoformat(timespec="milliseconds") if isinstance(moment, datetime) else moment.isoformat()


def _growth(row: Growth) -> dict[str, Any]:
    return {
        "start": _iso(row.start),
        "joined": row.joined,
        "left": row.left,
        "bounced": row.bounced,
        "complained": row.complained,
        "removed": row.removed,
        "net": row.net,
    }


def _issue(row: IssueNumbers) -> dict[str, Any]:
    return {
        "issue": row.issue,
        "subject": row.subject,
        "first_sent": _iso(row.first_sent),
        "audience": row.audience,
        "sent": row.sent,
        "refused": {kind: row.refused.get(kind, 0) for kind in REFUSALS},
        "waiting": row.waiting,
        "uncertain": row.uncertain,
        "suppressed": row.suppressed,
        "bounced": row.returned,
        "complaints": row.complaints,
        "unsubscribed": row.unsubscribed,
        "unsubscribed_within_a_day": row.day,
        "unsubscribed_within_a_week": row.week,
        "up": row.up,
        "down": row.down,
        "clicks": row.clicks,
    }
