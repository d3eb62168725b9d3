"""`status` and `resolve`: what a person sees of the ledger, and decides where nobody can know."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import newsletter

from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import State

ADA, BEN, CY, DI = (f"{name}@example.com" for name in ("ada", "ben", "cy", "di"))
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger after a send that went as badly as one can: one sent, one refused, two uncertain."""
    with Ledger.open(tmp_path / "newsletter.db", lambda: NOW) as ledger:
        ledger.plan("hello", [ADA, BEN, CY, DI], content_hash="h", subject="Hello")
        ada, ben, cy, di = (claim.row for claim in ledger.claim("hello", 10))
        ledger.write("hello", [Move(ben, State.REJECTED, stage="RCPT", code=550, reply="5.1.1 no such user")])
        ledger.write("hello", [Move(row, State.COMMITTING, message_id="<1@example.com>") for row in (ada, cy, di)])
        ledger.write("hello", [Move(ada, State.SENT, stage="dot", code=250, reply="ok")])
        ledger.write("hello", [Move(row, State.UNCERTAIN, stage="dot", reply="connection lost") for row in (cy, di)])
    return tmp_path


def test_status_lists_every_issue(folder: Path) -> None:
    run = newsletter("status", cwd=folder)
    assert run.code == 0
    assert run.out.splitlines()[1].split() == ["hello", "2026-03-02", "08:00", "1", "1", "0", "2", "0"]
    (issue,) = newsletter("status", "--json", cwd=folder).json["issues"]
    assert issue == {
        "issue": "hello",
        "subject": "Hello",
        "first_sent": "2026-03-02T08:00:00+00:00",
        "sent": 1,
        "refused": 1,
        "left": 0,
        "uncertain": 2,
        "suppressed": 0,
    }


@pytest.mark.parametrize("name", ["hello", "posts/hello.md"])
def test_status_of_an_issue_names_whoever_did_not_get_it(folder: Path, name: str) -> None:
    lines = newsletter("status", name, cwd=folder).out.splitlines()
    assert lines[0] == "hello: Hello"
    assert lines[-3:] == [
        f"  rejected: {BEN}: 550 5.1.1 no such user",
        f"  uncertain: {CY}: connection lost",
        f"  uncertain: {DI}: connection lost",
    ]
    people = newsletter("status", name, "--json", cwd=folder).json["people"]
    assert [(person["address"], person["state"]) for person in people] == [
        (BEN, "rejected"),
        (CY, "uncertain"),
        (DI, "uncertain"),
    ]


def test_resolve_settles_the_uncertain_one_way_and_the_other(folder: Path) -> None:
    assert newsletter("resolve", "hello", CY.upper(), "--assume-sent", "--yes", cwd=folder).code == 0
    assert newsletter("resolve", "hello", "--resend", "--yes", cwd=folder).out == f"{DI}: to be mailed again\n"
    with Ledger.open(folder / "newsletter.db", lambda: NOW) as ledger:
        counts = ledger.counts("hello")
        plan = ledger.plan("hello", [ADA, BEN, CY, DI], content_hash="h", subject="Hello")
    assert (counts[State.SENT], counts[State.PENDING], counts[State.UNCERTAIN]) == (2, 1, 0)
    assert plan.due == 1
    assert newsletter("resolve", "hello", "--resend", "--yes", cwd=folder).out == "Nobody is uncertain for hello.\n"


def test_resolve_touches_nobody_else(folder: Path) -> None:
    run = newsletter("resolve", "hello", CY, ADA, "--resend", "--yes", cwd=folder)
    assert run.code == 2
    assert run.err == f"{ADA} is not uncertain for hello; `newsletter status hello` lists who is\n"
    assert newsletter("status", "--json", cwd=folder).json["issues"][0]["uncertain"] == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("resolve", "hello", "--yes"), "write one of --resend and --assume-sent"),
        (("resolve", "hello", "--resend", "--assume-sent", "--yes"), "write one of --resend and --assume-sent"),
        (("resolve", "hello", "--resend"), "There is no terminal to ask on"),
        (("resolve", "nope", "--resend", "--yes"), "the ledger has no issue 'nope'; write one of: hello"),
        (("status", "nope"), "the ledger has no issue 'nope'; write one of: hello"),
    ],
)
def test_what_is_refused(folder: Path, arguments: tuple[str, ...], sentence: str) -> None:
    run = newsletter(*arguments, cwd=folder)
    assert run.code == 2
    assert sentence in run.err


def test_without_a_ledger_there_is_nothing_to_show_and_none_is_made(tmp_path: Path) -> None:
    run = newsletter("status", cwd=tmp_path)
    assert run.code == 2
    assert "there is no ledger, so nothing was sent from here" in run.err
    assert list(tmp_path.iterdir()) == []
