"""`newsletter subscribers show | forget | suppressed`: commands on single subscribers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.addresses import normalize_address
from newsletter.audience.people.records import Reason
from newsletter.audience.people.store import People
from newsletter.cli.console import ask, json_out, print_json
from newsletter.cli.load_settings import load
from newsletter.errors import ConfigError
from newsletter.pipeline.dated_backups import backup_folder
from newsletter.pipeline.open_store import open_people
from newsletter.text import counted, printable

if TYPE_CHECKING:
    from newsletter.audience.people.records import BounceEvent, SubscriberHistory


def show(address: str, ledger_url: str | None, config_path: Path | None, as_json: bool) -> None:
    with open_store(config_path, ledger_url) as people:
        history = people.history(required_address(address))
    if as_json:
        print_json(_history_json(history))
        return
    for line in _history_lines(history):
        click.echo(printable(line))


def forget(address: str, yes: bool, ledger_url: str | None, config_path: Path | None, as_json: bool) -> None:
    normalized = required_address(address)
    with open_store(config_path, ledger_url) as people:
        ask(f"Forget {normalized}? Their consent, bounces and history go.", yes=yes)
        gone = people.forget(normalized)
    config = load(config_path)
    kept = backup_folder(config, config.ledger_at(ledger_url))
    backups = kept.files() if kept is not None else ()
    if as_json:
        may_have_it = {"backups": [str(path) for path in backups]} if kept is not None else {}
        print_json({"rows": gone.rows, "issues": gone.issues, **may_have_it})
        return
    click.echo(
        f"Forgotten: {counted(gone.rows, 'row')} taken out, and a hash in place of the address in "
        f"{counted(gone.issues, 'issue')}."
    )
    click.echo("Take the address off your own list, too, and mind your backups.", err=True)
    if backups:
        click.echo(
            f"{len(backups):,} in {printable(config.settings.ledger.backups)} may still have it. Each goes when "
            f"{config.settings.ledger.keep_backups:,} newer ones are there; delete them, and run "
            "`newsletter ledger backup`, where it must be gone now.",
            err=True,
        )


def suppressed(reason: str | None, ledger_url: str | None, config_path: Path | None, as_json: bool) -> None:
    if reason is not None and reason not in set(Reason):
        raise ConfigError(f"--reason {reason!r} is none", f"write one of: {', '.join(Reason)}")
    with open_store(config_path, ledger_url) as people:
        counts = people.suppressed_count()
        number_of_people = people.suppressed_people()
        rows = people.suppressed(*([Reason(reason)] if reason else []))
        if as_json:
            # Row by row: all of them as one object may not fit into memory.
            head = f'"people": {number_of_people}, "counts": {json_out(dict(counts))}'
            click.echo(f'{{{head}, "suppressed": [', nl=False)
            for number, row in enumerate(rows):
                found = {"address": row.key, "reason": row.reason, "at": _iso(row.at)}
                line = json_out({**found, "issue": row.issue, "detail": row.detail})
                click.echo(f"{',' if number else ''}\n  {line}", nl=False)
            click.echo("\n]}")
            return
        for row in rows:
            words = [f"{row.at:%Y-%m-%d}", f"{row.reason:<12}", row.key, row.issue, _shown(row.detail)]
            click.echo(printable("  ".join(filter(None, words))))
    # An address that was erased after unsubscribing has two reasons, and counts once.
    reasons = ", ".join(f"{number:,} {each}" for each, number in sorted(counts.items()))
    count = counted(number_of_people, "person", "people")
    click.echo(f"{count}: {reasons}." if counts else "Nobody is suppressed.", err=True)


@contextmanager
def open_store(config_path: Path | None, ledger_url: str | None, *, make: bool = False) -> Iterator[People]:
    """Open the subscriber store of the configured ledger; with `make`, a missing one is created."""

    def now() -> datetime:
        return datetime.now(UTC)

    config = load(config_path)
    place = config.ledger_at(ledger_url)
    with People.open(place, now, config.secrets) if make else open_people(config, place, now) as people:
        yield people


def required_address(address: str) -> str:

    try:
        return normalize_address(address)
    except ValueError as error:
        raise ConfigError(f"{address!r} is not an email address ({error})", "write name@example.com") from error


def _history_lines(history: SubscriberHistory) -> Iterator[str]:
    yield history.address
    if history.is_unknown:
        yield "Nothing is known of this address. It may stand on a list all the same."
        return
    if history.suppressions:
        for row in history.suppressions:
            of = f" by {row.issue}" if row.issue else ""
            yield f"Not mailed since {row.at:%Y-%m-%d %H:%M}: {row.reason}{of}" + (
                f" ({_shown(row.detail)})" if row.detail else ""
            )
    else:
        yield "Nothing keeps this address from being mailed."
    if history.person is not None:
        person = history.person
        yield f"Signed up {person.created:%Y-%m-%d %H:%M}, now {person.state}"
        for name, value in person.fields.items():
            yield f"  {name}: {value}"
    wanted = history.preferences
    if wanted is not None:
        paused = f", paused until {wanted.paused_until:%Y-%m-%d}" if wanted.paused_until else ""
        lists = f", lists: {', '.join(wanted.lists)}" if wanted.lists else ""
        yield f"Wants {_OFTEN[wanted.frequency]}{paused}{lists}"
    yield from _part(
        "Consent", (f"{c.at:%Y-%m-%d %H:%M}  {c.kind}  {_shown(c.source)}  {c.wording}" for c in history.consents)
    )
    yield from _part("Bounces", (line for bounce in history.bounces for line in _bounce_lines(*bounce)))
    yield from _part(
        "Issues",
        (
            f"{d.updated:%Y-%m-%d %H:%M}  {d.issue}  {d.state}  {d.code or '-'} {d.reply}"
            for _, d in (*history.deliveries, *history.tests)
        ),
    )
    yield from _part("Series", (f"{at:%Y-%m-%d %H:%M}  {step}  {state}" for step, state, at in history.series))


_OFTEN = {"every": "every issue", "weekly": "one issue a week", "monthly": "one issue a month"}


def _bounce_lines(event: BounceEvent, why: str) -> Iterator[str]:
    """The bounces, each with its consequence below."""
    yield f"{event.at:%Y-%m-%d %H:%M}  {event.kind} {event.status}  {event.diagnostic} (evidence {event.evidence[:16]})"
    yield f"{'':16}  {why}"


def _shown(source: str) -> str:
    """The readable part of the evidence; a mail's hash is only in --json."""
    return re.sub(r" \([0-9a-f]{16,}\)$", "", source)


def _part(title: str, lines: Iterator[str]) -> Iterator[str]:
    found = [f"  {line.rstrip()}" for line in lines]
    if found:
        yield f"{title}:"
        yield from found


def _history_json(history: SubscriberHistory) -> dict[str, Any]:
    """The JSON output; times are UTC in ISO 8601, null if there is none."""
    person, wanted = history.person, history.preferences
    return {
        "address": history.address,
        "suppressions": [
            {"reason": s.reason, "at": _iso(s.at), "issue": s.issue, "detail": s.detail} for s in history.suppressions
        ],
        "sign_up": person
        and {
            "state": person.state,
            "created": _iso(person.created),
            "confirmed": _iso(person.confirmed),
            "lang": person.lang,
            "fields": dict(person.fields),
        },
        "preferences": wanted
        and {
            "lists": list(wanted.lists),
            "paused_until": _iso(wanted.paused_until),
            "frequency": wanted.frequency,
        },
        "consents": [
            {"kind": c.kind, "at": _iso(c.at), "source": c.source, "wording": c.wording} for c in history.consents
        ],
        "bounces": [
            {
                "kind": event.kind,
                "at": _iso(event.at),
                "status": event.status,
                "diagnostic": event.diagnostic,
                "issue": event.issue,
                "evidence": event.evidence,
                "decision": why,
            }
            for event, why in history.bounces
        ],
        "issues": [
            {
                "issue": d.issue,
                "subject": subject,
                "state": d.state,
                "updated": _iso(d.updated),
                "attempts": d.attempts,
                "stage": d.stage,
                "code": d.code,
                "reply": d.reply,
                "message_id": d.message_id,
            }
            for subject, d in history.deliveries
        ],
        "tests": [
            {"issue": d.issue, "state": d.state, "at": _iso(d.updated), "code": d.code, "reply": d.reply}
            for _, d in history.tests
        ],
        "series": [{"step": step, "state": state, "at": _iso(at)} for step, state, at in history.series],
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
