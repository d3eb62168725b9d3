"""The statements behind the numbers: aggregates over the ledger and the people. No row that leaves here is a person.

Both databases understand every statement. Times are grouped by quarters of an hour; see `periods`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from newsletter.ledger.database.schema import feedback, issues, links
from newsletter.stats.figures import LinkNumbers
from newsletter.stats.periods import QUARTER_MS
from newsletter.tokens import FORGOTTEN

# Erased subscribers have no history: neither that they came nor that they went is counted.
_KEPT = f"s.key NOT LIKE '%{FORGOTTEN}'"

# Who joins twice without having left in between came back from a bounce, which then is not counted any more either.
_STEPS = sa.text(
    f"""
    SELECT step, at / {QUARTER_MS} AS quarter, count(*) AS number
    FROM (
      SELECT step, at, lag(step) OVER (PARTITION BY key ORDER BY id) AS before
      FROM (
        SELECT id, key, at, CASE kind WHEN 'withdrawn' THEN 'left' ELSE 'joined' END AS step
        FROM consents WHERE kind IN ('confirmed', 'returned', 'withdrawn')
      ) AS steps
    ) AS changes
    WHERE before IS NULL OR before <> step
    GROUP BY 1, 2
    """  # noqa: S608 - our own words alone
)

# Several reasons are one loss: the first of them. Whose last step was to leave is counted there.
_LOST = sa.text(
    f"""
    SELECT reason, at / {QUARTER_MS} AS quarter, count(*) AS number
    FROM (
      SELECT s.reason, s.at, row_number() OVER (PARTITION BY s.key ORDER BY s.at, s.reason) AS place
      FROM suppressions AS s
      WHERE s.reason <> 'forgotten' AND {_KEPT} AND coalesce((
        SELECT c.kind FROM consents AS c
        WHERE c.key = s.key AND c.kind IN ('confirmed', 'returned', 'withdrawn') ORDER BY c.id DESC LIMIT 1
      ), '') <> 'withdrawn'
    ) AS reasons
    WHERE place = 1
    GROUP BY 1, 2
    """  # noqa: S608
)
_LOSSES = {
    "unsubscribed": "left",
    "hard-bounce": "bounced",
    "soft-bounces": "bounced",
    "complaint": "complained",
    "manual": "removed",
}


def growth(db: sa.Connection) -> Mapping[tuple[str, int], int]:
    """How often what happened in which quarter of an hour: joined, left, bounced, complained, removed."""
    found = {(str(row.step), int(row.quarter)): int(row.number) for row in db.execute(_STEPS)}
    for row in db.execute(_LOST):
        what = (_LOSSES[row.reason], int(row.quarter))
        found[what] = found.get(what, 0) + int(row.number)
    return found


class SentIssue(NamedTuple):
    """An issue that went out: its number, name and subject, the stamp of its first mail, its plan."""

    id: int
    issue: str
    subject: str
    first_sent: int
    plan: int


def sent_issues(db: sa.Connection) -> list[SentIssue]:
    """The first sent first."""
    c = issues.c
    listed = sa.select(c.id, c.issue, c.subject, c.first_sent, c.plan).where(c.first_sent.is_not(None))
    return [SentIssue(*row) for row in db.execute(listed.order_by(c.first_sent, c.id))]


# The index of the states alone answers it, a fifth of the table. PostgreSQL prices its pages as on a rotating disk, and
# would read the whole table instead: 5.1 s for 18 million rows, and 2.0 s from the index.
_PAGES_OF_THE_INDEX = sa.text("SET LOCAL random_page_cost = 1.1")
_STATES = sa.text("SELECT issue, state, count(*) AS number FROM deliveries GROUP BY issue, state")


def states(db: sa.Connection) -> Mapping[tuple[int, str], int]:
    """How many recipients of an issue, by its id, are in which state."""
    if db.dialect.name == "postgresql":
        db.execute(_PAGES_OF_THE_INDEX)
    return {(int(row.issue), str(row.state)): int(row.number) for row in db.execute(_STATES)}


_REFUSED = sa.text(
    """
    SELECT d.issue, d.code, substr(d.reply, 1, 16) AS words, count(*) AS number
    FROM issues AS i JOIN deliveries AS d ON d.issue = i.id AND d.state = 'rejected'
    GROUP BY 1, 2, 3
    """
)


def refused(db: sa.Connection) -> Sequence[tuple[int, int, str, int]]:
    """Issue, code, the first of the server's words (which have the enhanced code), and how many were refused so."""
    return [(int(row.issue), int(row.code), str(row.words), int(row.number)) for row in db.execute(_REFUSED)]


_RETURNED = sa.text(
    """
    SELECT issue, CASE kind WHEN 'complaint' THEN 'complaints' ELSE 'returned' END AS what,
      count(DISTINCT key) AS number
    FROM bounce_events WHERE kind IN ('hard', 'soft', 'complaint') AND issue <> '' GROUP BY 1, 2
    """
)


def came_back(db: sa.Connection) -> Mapping[tuple[str, str], int]:
    """How many recipients of an issue, by its name, bounced (`returned`) or complained (`complaints`)."""
    return {(str(row.issue), str(row.what)): int(row.number) for row in db.execute(_RETURNED)}


_LEFT_BY = sa.text(
    f"""
    SELECT i.id, count(*) AS number,
      sum(CASE WHEN s.at < i.first_sent + :day THEN 1 ELSE 0 END) AS day,
      sum(CASE WHEN s.at < i.first_sent + :week THEN 1 ELSE 0 END) AS week
    FROM suppressions AS s JOIN issues AS i ON i.issue = s.issue
    WHERE s.reason = 'unsubscribed' AND {_KEPT} AND i.first_sent IS NOT NULL
    GROUP BY i.id
    """  # noqa: S608
)
_LEFT_UNNAMED = sa.text(
    f"""
    SELECT s.at FROM suppressions AS s
    WHERE s.reason = 'unsubscribed' AND {_KEPT}
      AND NOT EXISTS (SELECT 1 FROM issues AS i WHERE i.issue = s.issue AND i.first_sent IS NOT NULL)
    """  # noqa: S608
)
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS


def left_by_issue(db: sa.Connection) -> Mapping[int, tuple[int, int, int]]:
    """By an issue's id: how many left because of it, within a day of its first mail, and within a week."""
    found = db.execute(_LEFT_BY, {"day": DAY_MS, "week": WEEK_MS})
    return {int(row.id): (int(row.number), int(row.day), int(row.week)) for row in found}


def left_unnamed(db: sa.Connection) -> list[int]:
    """When those left of whom no issue is known: by the page of preferences, by mail, by hand."""
    return sorted(int(at) for at in db.scalars(_LEFT_UNNAMED))


def answers(db: sa.Connection) -> Mapping[tuple[str, str], int]:
    """Thumbs by an issue's name and the answer."""
    counted = sa.select(feedback.c.issue, feedback.c.answer, feedback.c["count"])
    return {(str(issue), str(answer)): int(number) for issue, answer, number in db.execute(counted)}


def counted_links(db: sa.Connection) -> list[LinkNumbers]:
    """Every link that is counted, by issue and its place there."""
    c = links.c
    listed = sa.select(c.issue, c.number, c.section, c.address, c.clicks).order_by(c.issue, c.number, c.code)
    return [LinkNumbers(*row) for row in db.execute(listed)]


# --- the list as it is now --------------------------------------------------------------------------------------------

# Who signed up and who the last issue was for, once each, without those who must not be mailed.
_READERS = """
    WITH listed AS (
      SELECT key FROM people WHERE state = 'confirmed'
      UNION SELECT recipient_key FROM deliveries WHERE issue = :issue AND plan = :plan
    ), readers AS (
      SELECT l.key, p.lang, p.confirmed FROM listed AS l LEFT JOIN people AS p ON p.key = l.key
      WHERE NOT EXISTS (SELECT 1 FROM suppressions AS s WHERE s.key = l.key)
    )
"""
_BY_DOMAIN = sa.text(
    f"""
    {_READERS}
    SELECT substr(key, length(rtrim(key, replace(key, '@', ''))) + 1) AS name, count(*) AS number
    FROM readers GROUP BY 1
    """  # noqa: S608
)
_BY_LANGUAGE = sa.text(
    f"{_READERS} SELECT lower(coalesce(lang, '')) AS name, count(*) AS number FROM readers GROUP BY 1"  # noqa: S608
)
_BY_AGE = sa.text(
    f"""
    {_READERS}
    SELECT (:now - confirmed) / 86400000 AS days, count(*) AS number FROM readers
    WHERE confirmed IS NOT NULL GROUP BY 1
    """  # noqa: S608
)


def readers_by(db: sa.Connection, what: str, issue: int, plan: int) -> Mapping[str, int]:
    """The readers by `domain` or `language`; `issue` and `plan` are those of the last issue, 0 where there is none."""
    statement = _BY_DOMAIN if what == "domain" else _BY_LANGUAGE
    return {str(row.name): int(row.number) for row in db.execute(statement, {"issue": issue, "plan": plan})}


def readers_by_days(db: sa.Connection, now: int, issue: int, plan: int) -> Mapping[int, int]:
    """How many of those who signed up are on the list for how many whole days."""
    found = db.execute(_BY_AGE, {"issue": issue, "plan": plan, "now": now})
    return {max(int(row.days), 0): int(row.number) for row in found}
