"""What a database says of its file, server or limits is a sentence; what is a fault of ours is not."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from newsletter.errors import LedgerError
from newsletter.ledger.database.engine import parse_place, translate_db_errors
from newsletter.ledger.database.storage import Storage


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("in SQLite's words")
    error.sqlite_errorcode = code
    return error


OURS = ("ERROR", "INTERNAL", "MISUSE", "CONSTRAINT", "MISMATCH", "RANGE", "SCHEMA", "TOOBIG", "EMPTY", "FORMAT")
"""What SQLite says of a statement, not of a file or of the machine."""

THEIRS = (
    "BUSY",
    "LOCKED",
    "PROTOCOL",
    "NOMEM",
    "READONLY",
    "IOERR",
    "CORRUPT",
    "FULL",
    "CANTOPEN",
    "NOLFS",
    "PERM",
    "NOTADB",
)


@pytest.mark.parametrize("name", THEIRS)
def test_trouble_of_the_file_or_the_machine_is_a_sentence(name: str, tmp_path: Path) -> None:
    error = sqlite_error(getattr(sqlite3, f"SQLITE_{name}"))
    with (
        pytest.raises(LedgerError, match=r"newsletter.db: .+; .+"),
        translate_db_errors(parse_place(tmp_path / "newsletter.db")),
    ):
        raise sa.exc.OperationalError("SELECT 1", {}, error)


@pytest.mark.parametrize("name", OURS)
def test_a_fault_of_ours_is_none(name: str, tmp_path: Path) -> None:
    error = sqlite_error(getattr(sqlite3, f"SQLITE_{name}"))
    with pytest.raises(sqlite3.OperationalError), translate_db_errors(parse_place(tmp_path / "newsletter.db")):
        raise error


@pytest.mark.parametrize(
    "state",
    ["40001", "40P01", "25P03", "53000", "53400", "55P03", "57014", "57P01", "58030", "XX000", "XX001", "08006"],
)
def test_trouble_of_the_server_is_a_sentence(state: str) -> None:
    error = psycopg.errors.lookup(state)("in PostgreSQL's words")
    place = parse_place("postgresql://news@db.example.com/ledger")
    with pytest.raises(LedgerError, match=r"db.example.com/ledger: .+; .+"), translate_db_errors(place):
        raise sa.exc.DBAPIError("SELECT 1", {}, error)


@pytest.mark.parametrize("state", ["42601", "42703", "23505", "22P02"])
def test_a_fault_of_our_sql_is_none(state: str) -> None:
    error = psycopg.errors.lookup(state)("in PostgreSQL's words")
    with pytest.raises(sa.exc.DBAPIError), translate_db_errors(parse_place("postgresql://news@db.example.com/ledger")):
        raise sa.exc.DBAPIError("SELECT 1", {}, error)


def test_ctrl_c_while_a_connection_closes_prints_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    storage = Storage.open(tmp_path / "newsletter.db")

    def struck(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(storage.engine.dialect, "do_close", struck)
    with pytest.raises(KeyboardInterrupt):
        storage.close()
    assert caplog.text == ""
    monkeypatch.undo()
