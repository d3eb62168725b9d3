"""Sign-up data of `newsletter subscribers list` and `export`: consent, counts, growth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import click

from newsletter.audience.people.as_list import CONSENT_COLUMNS
from newsletter.audience.people.sign_up_numbers import SignUpNumbers
from newsletter.audience.read_audience import is_sign_ups
from newsletter.cli.console import print_json
from newsletter.config.config import Config
from newsletter.errors import ConfigError
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.open_store import open_people
from newsletter.text import counted, printable


def require_sign_ups(paths: Sequence[str], *, consent: bool) -> None:
    """ConfigError if consent is requested without sign-ups."""
    if consent and not any(is_sign_ups(path) for path in paths):
        raise ConfigError(
            "consent is kept of those who signed up", "write @signups, or no --consent", path=", ".join(paths)
        )


def consent_words(subscriber: Subscriber, *, consent: bool) -> Iterator[str]:
    """A subscriber's consent, for a line of the list; nothing for rows of a file."""
    if consent:
        yield from (subscriber.fields.get(column, "") or "-" for column in CONSENT_COLUMNS)


def numbers_of(config: Config, paths: Sequence[str], ledger_url: str | None) -> Mapping[str, SignUpNumbers]:
    """The numbers of each list of sign-ups among the paths, by the name given."""
    names = [path for path in paths if is_sign_ups(path)]
    if not names:
        return {}
    place = config.ledger_at(ledger_url)
    with open_people(config, place, lambda: datetime.now(UTC)) as people:
        return {name: people.numbers(name.partition("/")[2]) for name in names}


def print_count(count: int, numbers: Mapping[str, SignUpNumbers], *, as_json: bool) -> None:
    if as_json:
        print_json({"count": count, "sign_ups": {name: _facts(found) for name, found in numbers.items()}})
        return
    click.echo(counted(count, "person", "people"))
    for name, found in numbers.items():
        click.echo(
            printable(
                f"{name}: {found.confirmed:,} confirmed, {found.not_mailed:,} of them not mailed; "
                f"{found.pending:,} have yet to confirm, {found.left:,} left"
            )
        )
        if found.months:
            click.echo("month       joined    left  let go")
        for month in found.months:
            click.echo(f"{month.month:<10}{month.joined:>8,}{month.left:>8,}{month.let_go:>8,}")


def _facts(found: SignUpNumbers) -> dict[str, object]:
    return {
        "confirmed": found.confirmed,
        "not_mailed": found.not_mailed,
        "pending": found.pending,
        "left": found.left,
        "months": [
            {"month": each.month, "joined": each.joined, "left": each.left, "let_go": each.let_go}
            for each in found.months
        ],
    }
