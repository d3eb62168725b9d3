"""`newsletter doctor`: a line per verdict, in colour on a terminal, and the exit code."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.console import print_json
from newsletter.cli.failures import MisuseError
from newsletter.cli.load_settings import environment, load
from newsletter.doctor.ask.dns import parse_nameserver
from newsletter.doctor.ask.files import read_mail
from newsletter.doctor.examine import World, examine
from newsletter.doctor.judge.received import judge_received
from newsletter.doctor.judge.settings import domain_of
from newsletter.doctor.send_test import send_test
from newsletter.doctor.try_alerts import try_alerts
from newsletter.doctor.verdict import SECTIONS, Level, Verdict, exit_code, in_order, red
from newsletter.errors import ConfigError
from newsletter.pipeline.alerts import alerts_of
from newsletter.pipeline.event_hook import EventHook, hook_of
from newsletter.pipeline.plan_send import normalized_test_address
from newsletter.text import printable

if TYPE_CHECKING:
    from rich.console import Console

    from newsletter.config.config import Config
    from newsletter.config.env_file import Environment

JSON_VERSION = 1
"""The version of the --json object. It grows when a key is removed or changes its meaning, not when one is added."""

_MARKS = {Level.GREEN: "✓", Level.YELLOW: "!", Level.RED: "✗"}
_ASCII_MARKS = {Level.GREEN: "+", Level.YELLOW: "!", Level.RED: "x"}
_IN_ASCII = str.maketrans({"…": "...", "“": '"', "”": '"'})


@click.pass_context
def doctor(
    context: click.Context,
    offline: bool,
    address: str | None,
    received: Path | None,
    test_alerts: bool,
    nameserver: str,
    timeout_s: float,
    config_path: Path | None,
    as_json: bool,
) -> None:
    if address and offline:
        raise MisuseError("--test needs the network", "leave out --offline")
    if test_alerts and offline:
        raise MisuseError("--test-alerts needs the network", "leave out --offline")
    if nameserver:
        parse_nameserver(nameserver)
    if address:
        address = normalized_test_address(address)
    mail = read_mail(received) if received else None
    verdicts = _examined(offline, address, mail, nameserver, timeout_s, config_path, test_alerts=test_alerts)
    if as_json:
        print_json(_described(verdicts))
    elif sys.stdout.isatty():
        _print_in_colour(verdicts)
    else:
        for verdict in verdicts:
            click.echo(_line(verdict))
        click.echo(_summary(verdicts))
    context.exit(exit_code(verdicts))


def _examined(
    offline: bool,
    address: str | None,
    received: bytes | None,
    nameserver: str,
    timeout_s: float,
    config_path: Path | None,
    *,
    test_alerts: bool,
) -> tuple[Verdict, ...]:
    try:
        config = load(config_path)
    except ConfigError as error:
        # Without a valid file nothing else can be judged, except the alerts of the environment.
        lines = tuple(_of_sentence(line) for line in str(error).splitlines())
        return (*lines, *(_tried(None, environment(config_path)) if test_alerts else ()))
    world = World(
        offline=offline,
        nameserver=nameserver,
        timeout_s=timeout_s,
        machine=socket.gethostname(),
        machine_zone=_zone_name(),
    )
    with _waiting("Looking at files" if offline else "Asking the relay, the DNS and the web"):
        verdicts = examine(config, config.env, world)
    if address:
        with _waiting("Sending the test mail"):
            verdicts = (*verdicts, send_test(config, address, config.env, timeout_s))
    if test_alerts:
        with _waiting("Trying the alerts"):
            verdicts = (*verdicts, *_tried(config, config.env))
    if received is not None:
        author = domain_of(config.settings.newsletter.from_)
        verdicts = (*verdicts, *judge_received(received, author))
    return in_order(verdicts)


def _tried(config: Config | None, env: Environment) -> tuple[Verdict, ...]:
    alerts, faults = alerts_of(config, env)
    return try_alerts(alerts, hook_of(config) if config is not None else EventHook(), faults)


@contextlib.contextmanager
def _waiting(what: str) -> Iterator[None]:
    """Show on a terminal what takes long."""
    if not sys.stderr.isatty() or not _is_unicode(sys.stderr.encoding):
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{what} …"):
        yield


def _of_sentence(sentence: str) -> Verdict:
    what, _, remedy = sentence.rpartition("; ")
    return red("config", what or sentence, remedy)


def _zone_name() -> str:
    now = datetime.now().astimezone()
    return f"{now.tzname()} (UTC{now:%z})"


# --- as text --------------------------------------------------------------------------------------------------------


def _line(verdict: Verdict) -> str:
    words = "; ".join(part for part in (verdict.what, verdict.remedy) if part)
    return printable(f"{verdict.level:<6}  {verdict.code:<15} {words}{f': {verdict.record}' if verdict.record else ''}")


def _print_in_colour(verdicts: Sequence[Verdict]) -> None:
    """On a terminal: under headings, long lines folded with a hanging indent, a record alone on its lines."""
    from rich.console import Console

    console = Console(highlight=False)
    unicode = _is_unicode(console.encoding)
    first = True
    for section in SECTIONS:
        mine = [verdict for verdict in verdicts if verdict.section == section]
        if not mine:
            continue
        console.print(f"{'' if first else chr(10)}[bold]{section}[/bold]")
        first = False
        for verdict in mine:
            _print_verdict(console, verdict, unicode=unicode)
    console.print()
    worst = next((level for level in (Level.RED, Level.YELLOW) if any(v.level is level for v in verdicts)), Level.GREEN)
    console.print(_summary(verdicts), style=f"bold {worst}")


def _print_verdict(console: Console, verdict: Verdict, *, unicode: bool) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    marks, arrow = (_MARKS, "→") if unicode else (_ASCII_MARKS, "->")

    def words(text: str) -> str:
        return printable(text if unicode else text.translate(_IN_ASCII))

    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(marks[verdict.level], style=f"bold {verdict.level}"), Text(words(verdict.what)))
    if verdict.remedy:
        style = "dim" if verdict.level is Level.GREEN else verdict.level.value
        grid.add_row("", Text(f"{arrow} {words(verdict.remedy)}", style=style))
    console.print(Padding(grid, (0, 0, 0, 1)))
    if verdict.record:
        # Not folded by us: a copied record must be one line.
        console.print(Text(printable(verdict.record)), soft_wrap=True)


def _is_unicode(encoding: str | None) -> bool:
    return (encoding or "").lower().startswith("utf")


def _summary(verdicts: Sequence[Verdict]) -> str:
    counts = Counter(verdict.level for verdict in verdicts)
    return ", ".join(f"{counts[level]} {level}" for level in Level)


# --- as JSON --------------------------------------------------------------------------------------------------------


def _described(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The JSON output. docs/doctor.md describes each key; programs rely on them."""
    counts = Counter(verdict.level for verdict in verdicts)
    return {
        "version": JSON_VERSION,
        "exit_code": exit_code(verdicts),
        "counts": {level.value: counts[level] for level in Level},
        "lines": [
            {
                "section": verdict.section,
                "code": verdict.code,
                "level": verdict.level.value,
                "what": verdict.what,
                "remedy": verdict.remedy,
                "record": verdict.record,
                "outside": verdict.outside,
            }
            for verdict in verdicts
        ],
    }
