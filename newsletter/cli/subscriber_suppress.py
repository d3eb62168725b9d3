"""`newsletter subscribers suppress`: by address, from a file, and undo."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click

from newsletter import errors
from newsletter.addresses import fold_address, normalize_address
from newsletter.audience.lists.rows import ExcludedRow, Row, open_list
from newsletter.audience.people.records import Reason
from newsletter.audience.people.store import People
from newsletter.cli.commands.subscribers import BY_HAND
from newsletter.cli.console import print_json
from newsletter.cli.failures import ending
from newsletter.cli.subscriber_people import open_store, required_address
from newsletter.errors import ConfigError
from newsletter.model.findings import Finding
from newsletter.text import counted, printable

_AT_ONCE = 500
_NAMED = 20
"""How many rows without an address are listed."""


def suppress(  # one parameter per option
    addresses: tuple[str, ...],
    path: Path | None,
    undo: bool,
    reason: str | None,
    detail: str,
    ledger_url: str | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    if path is not None and addresses:
        raise ConfigError("there are addresses and --from", "give the one or the other")
    bad: list[Finding] = []
    wanted = _required(addresses) if path is None else _read_file(path, bad)
    if undo:
        _undo(wanted, reason, ledger_url, config_path, as_json)
        return
    why = _reason(reason)
    if path is not None:
        _suppress_file(path, wanted, bad, why, detail, ledger_url, config_path, as_json)
        return
    with open_store(config_path, ledger_url, make=True) as people:
        new = [people.suppress(address, why, detail=detail) for address in wanted]
    if as_json:
        print_json({"suppressed": wanted, "new": sum(new)})
        return
    for address, is_new in zip(wanted, new, strict=True):
        click.echo(printable(f"{address}: {'not mailed any more' if is_new else 'was not mailed already'}"))


def _required(addresses: Sequence[str]) -> list[str]:
    if not addresses:
        raise ConfigError("there is no address", "write name@example.com, or --from FILE")
    return [required_address(address) for address in addresses]


def _reason(given: str | None) -> Reason:
    if given is None:
        return Reason.MANUAL
    if given not in BY_HAND:
        raise ConfigError(f"--reason {given!r} is none", f"write one of: {', '.join(BY_HAND)}")
    return Reason(given)


# --- from a file ----------------------------------------------------------------------------------------------------


def _read_file(path: Path, bad: list[Finding]) -> list[str]:
    """Every address in a file once, including those it marks as unsubscribed or bounced: it is often the list of them.

    The whole file is read first, so that an invalid one suppresses no address.
    """
    with open_list(path, guess=True, values=False) as listed:
        return list(dict.fromkeys(fold_address(address) for address in _addresses(listed.rows, bad)))


def _suppress_file(  # one parameter per option
    path: Path,
    everyone: Sequence[str],
    bad: Sequence[Finding],
    why: Reason,
    detail: str,
    ledger_url: str | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    seen, new = len(everyone), 0
    with open_store(config_path, ledger_url, make=True) as people:
        waiting = iter(everyone)
        while batch := list(islice(waiting, _AT_ONCE)):
            new += people.suppress_all(batch, why, detail=detail or f"from {path.name}")
    code = errors.EXIT_CONTENT if bad or not seen else errors.EXIT_OK
    if as_json:
        rows = [{"line": each.line, "what": each.what, "remedy": each.remedy} for each in bad]
        print_json({"people": seen, "new": new, "invalid": rows, **ending(code)})
        sys.exit(code)
    for each in bad[:_NAMED]:
        click.echo(printable(each.at(str(path))), err=True)
    if len(bad) > _NAMED:
        click.echo(f"and {counted(len(bad) - _NAMED, 'more row')} without an address", err=True)
    count = counted(seen, "address", "addresses")
    click.echo(printable(f"{path}: {count}, {new:,} of them not mailed any more, {seen - new:,} were not already"))
    sys.exit(code)


def _addresses(rows: Iterator[Row | Finding], bad: list[Finding]) -> Iterator[str]:
    for row in rows:
        if isinstance(row, Row):
            yield row.email
        elif isinstance(row, ExcludedRow) and (address := _valid(row.email)):
            yield address
        else:
            bad.append(row)


def _valid(address: str) -> str:
    try:
        return normalize_address(address)
    except ValueError:
        return ""


# --- undo -----------------------------------------------------------------------------------------------------------


def _undo(
    wanted: Sequence[str], reason: str | None, ledger_url: str | None, config_path: Path | None, as_json: bool
) -> None:
    if not (reason and reason.strip()):
        raise ConfigError("--undo needs a reason", 'write --reason "why it was a slip"; it is kept with the address')
    with open_store(config_path, ledger_url) as people:
        lifted = [people.undo_suppression(address, reason.strip()) for address in wanted]
        left = [_reasons(people, address) for address in wanted]
    code = errors.EXIT_OK if all(lifted) else errors.EXIT_CONTENT
    if as_json:
        found: list[dict[str, Any]] = [
            {"address": address, "lifted": was, "still": still}
            for address, was, still in zip(wanted, lifted, left, strict=True)
        ]
        print_json({"undone": found, **ending(code)})
        sys.exit(code)
    for address, was, still in zip(wanted, lifted, left, strict=True):
        click.echo(printable(f"{address}: {_outcome(was, still)}"), err=not was)
    sys.exit(code)


def _reasons(people: People, address: str) -> list[str]:
    return [row.reason for rows in people.suppressions_of([address]).values() for row in rows]


def _outcome(was: bool, still: Sequence[str]) -> str:
    if was:
        return f"taken back, but still not mailed: {', '.join(still)}" if still else "mailed again"
    if not still:
        return "nothing to take back; it is not suppressed"
    return f"nothing was entered by hand: {', '.join(still)}; only the person can come back, by signing up"
