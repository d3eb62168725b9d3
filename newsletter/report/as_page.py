"""The report as one self-contained HTML page.

The layout is report_page.html.j2. All text from a list or a server is escaped by Jinja2, and its control characters are
made visible. The page's own Content-Security-Policy is a second defence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

import jinja2

from newsletter.files import package_folder
from newsletter.frozen import frozen
from newsletter.model.delivery import State
from newsletter.report.chart import chart, short_day
from newsletter.report.read import RUNS, UNNAMED, WORDS, Group, IssueReport, People, Tally
from newsletter.report.wording import at, ending, last_words, left_out, notices, own_words, pace, remedies, took
from newsletter.text import counted, percent, printable

MAX_BYTES = 150_000
"""The largest page, so that it can be mailed. Beyond it fewer recipients are listed."""

_NAMED = (200, 100, 50, 20, 5, 0)
_LONGEST_WORDS, _LONGEST_NAME, _LONGEST_SUBJECT = 200, 100, 300

_JOINERS = "\u200c\u200d"
"""Invisible joiners inside emoji sequences and Persian words."""


def render_page(report: IssueReport, zone: tzinfo | None, made: datetime) -> str:
    """Render the page, below MAX_BYTES. `made` is the time in its footer; `zone` None is the machine's own."""
    template = _template()
    for named in _NAMED:
        page = template.render(_content(report, zone, made, named))
        if len(page.encode()) <= MAX_BYTES:
            break
    return page


def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(package_folder("templates", "report"))
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined).get_template(
        "page.html.j2"
    )


def _content(report: IssueReport, zone: tzinfo | None, made: datetime, named: int) -> dict[str, object]:
    tally = report.tally
    domains = [_Row.of(group) for group in report.domains.shown]
    if report.domains.others:
        domains.append(_Row(counted(report.domains.others, "more domain"), report.domains.rest, is_rest=True))
    return {
        "issue": _shown(report.issue, _LONGEST_SUBJECT),
        "subject": _shown(report.subject, _LONGEST_SUBJECT) or "(no subject)",
        "when": _when(report, zone),
        "verdict": verdict(tally),
        "whole": _parts(tally),
        "tiles": _tiles(tally),
        "sum_line": f"{tally.audience:,} in the audience = {tally.sent:,} sent + {tally.refused:,} refused "
        f"+ {tally.left:,} left + {tally.uncertain:,} uncertain"
        + (f" + {tally.suppressed:,} suppressed" if tally.suppressed else ""),
        "left_out": left_out(report.suppressed),
        "notices": [_shown(sentence) for sentence in notices(report)],
        "chart": chart(report.timeline, zone) if report.timeline else None,
        "runs": _runs(report, zone),
        "domains": domains,
        "relays": [_Row.of(group) for group in report.relays],
        "replies": [
            {
                "code": f"{reply.code or '–'} {reply.enhanced}".rstrip(),
                "count": reply.count,
                "outcome": WORDS[reply.state],
                "meaning": reply.meaning,
                "remedy": reply.remedy,
                "words": own_words(_shown(reply.words), reply.enhanced, _LONGEST_WORDS),
            }
            for reply in report.replies
        ],
        "other_replies": report.other_replies,
        "uncertain": _people(report.uncertain, zone, named),
        "left": _people(report.left, zone, named),
        "refused": _people(report.refused, zone, named),
        "tally": tally,
        "remedies": {kind: [(_shown(command), what) for command, what in found] for kind, found in remedies(report)},
        "made": f"Made from the ledger on {_day(made, zone)}, {at(made, zone, '%H:%M %Z')}; all times in that zone.",
    }


def _shown(text: str, longest: int = 500) -> str:
    """Untrusted text, escaped and truncated."""
    safe = "".join(char if char in _JOINERS else printable(char) for char in text[:longest])
    return safe if len(text) <= longest else f"{safe}…"


# --- the head -------------------------------------------------------------------------------------------------------


def _day(moment: datetime, zone: tzinfo | None) -> str:
    local = moment.astimezone(zone)
    return f"{local.day} {local:%B %Y}"


def _when(report: IssueReport, zone: tzinfo | None) -> str:
    if report.first is None or report.last is None:
        return "Nobody was mailed yet."
    first, last = report.first.astimezone(zone), report.last.astimezone(zone)
    form = "%H:%M:%S" if last - first < timedelta(hours=1) else "%H:%M"
    if first.date() == last.date():
        same = f"{first:{form}}" == f"{last:{form}}"
        span = f"{first:%A}, {_day(first, zone)}, {first:{form}}" + ("" if same else f" to {last:{form}}")
    else:
        span = f"{_day(first, zone)}, {first:{form}} to {_day(last, zone)}, {last:{form}}"
    said = [f"{span} {last:%Z}".rstrip()]
    if report.rate is not None:
        said.append(pace(report.rate))
    return " · ".join(said)


def verdict(tally: Tally) -> str:
    """How a send stands, in a sentence."""
    if not tally.audience:
        return "Nobody is on the list."
    if not tally.mailable:
        return "Nobody is mailed: everyone on the list has left, bounced, or paused."
    if not tally.tried:
        return f"Planned for {_people_count(tally.mailable)}, and not sent yet."
    if tally.sent == tally.mailable:
        return "Everyone has it." if not tally.suppressed else "Everyone has it who is to be mailed."
    if tally.refused == tally.mailable:
        return "Nobody has it: everyone was refused."
    rest = [
        f"{tally.refused:,} {'was' if tally.refused == 1 else 'were'} refused" if tally.refused else "",
        f"{tally.left:,} {'is' if tally.left == 1 else 'are'} left" if tally.left else "",
        f"{tally.uncertain:,} {'is' if tally.uncertain == 1 else 'are'} uncertain" if tally.uncertain else "",
    ]
    whom = " of those to be mailed" if tally.suppressed else ""
    return f"{percent(tally.sent, tally.mailable)}{whom} have it; {_and([part for part in rest if part])}."


def _people_count(number: int) -> str:
    return counted(number, "person", "people")


def _and(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _parts(tally: Tally) -> tuple[tuple[str, int], ...]:
    """The parts of a bar, in drawing order."""
    return (
        ("sent", tally.sent),
        ("deferred", tally.deferred),
        ("untried", tally.untried),
        ("refused", tally.refused),
        ("uncertain", tally.uncertain),
        ("suppressed", tally.suppressed),
    )


@frozen
class _Tile:
    """A number with its name; `more` are lines beneath it, each with its colour in the chart, or none."""

    name: str
    number: int
    kind: str
    more: tuple[tuple[str, str], ...] = ()
    target: str = ""


_UNLISTED = ("sent", "suppressed")
"""Kinds whose recipients the page does not list."""


def _tiles(tally: Tally) -> tuple[_Tile, ...]:
    def tile(kind: str, number: int) -> _Tile:
        more = (("", percent(number, tally.audience)),) if number else ()
        return _Tile(kind.capitalize(), number, kind, more, kind if number and kind not in _UNLISTED else "")

    left = [("deferred", tally.deferred, "put off"), ("untried", tally.untried, "not tried yet")]
    parts = [(kind, f"{number:,} {words}") for kind, number, words in left if number]
    # A single colour goes beside the name, two go beside their own lines.
    kind = parts[0][0] if len(parts) == 1 else "" if parts else "deferred"
    more = tuple(("" if kind else colour, words) for colour, words in parts)
    return (
        _Tile("Audience", tally.audience, ""),
        tile("sent", tally.sent),
        tile("refused", tally.refused),
        _Tile("Left", tally.left, kind, more, "left" if tally.left and tally.tried else ""),
        tile("uncertain", tally.uncertain),
        *([tile("suppressed", tally.suppressed)] if tally.suppressed else []),
    )


# --- tables ---------------------------------------------------------------------------------------------------------


@frozen
class _Row:
    """A row of a table of groups."""

    name: str
    tally: Tally
    is_rest: bool = False

    @classmethod
    def of(cls, group: Group) -> _Row:
        return cls(_shown(group.name, _LONGEST_NAME) or UNNAMED, group.tally)

    @property
    def parts(self) -> tuple[tuple[str, int], ...]:
        return _parts(self.tally)


def _runs(report: IssueReport, zone: tzinfo | None) -> dict[str, object]:
    numbered = [*enumerate(report.runs, 1)][-RUNS:]
    count = len(report.runs)
    total = took(report.running)
    return {
        "title": f"One run, {total}" if count == 1 and report.running else f"{count:,} run{'s' if count > 1 else ''}",
        "says": f"{total} in all" if count > 1 else "",
        "hidden": count - len(numbered),
        "rows": [
            {
                "number": number,
                "started": f"{short_day(run.started, zone)}, {at(run.started, zone, '%H:%M:%S')}",
                "took": took(run.ended - run.started) if run.ended else "–",
                "ending": _shown(ending(run), _LONGEST_WORDS),
                "owner": _shown(run.owner, _LONGEST_NAME),
            }
            for number, run in numbered
        ],
    }


def _people(people: People, zone: tzinfo | None, named: int) -> dict[str, object]:
    shown = people.shown[:named]
    return {
        "count": people.count,
        "hidden": people.count - len(shown),
        "has_due": any(recipient.due_at for recipient in shown),
        "rows": [
            {
                "address": _shown(recipient.address),
                "words": _shown(last_words(recipient), _LONGEST_WORDS),
                "attempts": recipient.attempts or "–",
                "due": f"{short_day(recipient.due_at, zone)}, {at(recipient.due_at, zone, '%H:%M')}"
                if recipient.due_at and recipient.state is State.DEFERRED
                else "",
            }
            for recipient in shown
        ],
    }
