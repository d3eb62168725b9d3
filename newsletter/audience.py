"""Everyone a send is for, once each, in list order: read from a list, kept outside of memory.

The rows lie in a temporary database on disk, so that a million subscribers take no more memory than a thousand, and a
list that is changed or deleted after it was read changes nothing. SQLite puts its file into SQLITE_TMPDIR, TMPDIR,
/var/tmp or /tmp, the first there is, and unlinks it as it opens it: whatever ends the process, nothing is left.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from newsletter.errors import ConfigError, ContentError, located
from newsletter.model import Finding, Subscriber, fold_address
from newsletter.subscribers import Row, as_subscriber, duplicate, open_list

NAMED_ROWS = 1_000
"""How many bad rows of each kind are kept as findings; all are counted."""

_CACHE_KB = 1_000
_PAGE_ROWS = 500
# Between the values of a row. `subscribers` lets no control character but tabs and line breaks into a value.
_SEPARATOR = "\x1f"

_SCHEMA = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA temp_store = FILE;
    PRAGMA cache_size = -{cache_kb};
    CREATE TABLE people (line INTEGER, key TEXT NOT NULL, cells TEXT NOT NULL);
    CREATE TABLE again (person INTEGER PRIMARY KEY, first_line INTEGER);
    BEGIN;
"""
# The index is made in one go, from sorted keys: kept up row by row, it would be read and written all over the disk.
_INDEX = "CREATE INDEX by_key ON people (key)"
_FIND_DUPLICATES = """
    INSERT INTO again
    SELECT later.rowid, (SELECT line FROM people WHERE rowid = twice.first)
    FROM (SELECT key, min(rowid) AS first FROM people GROUP BY key HAVING count(*) > 1) AS twice
    JOIN people AS later ON later.key = twice.key AND later.rowid > twice.first
"""
_NAME_DUPLICATES = """
    SELECT cells, line, first_line FROM again JOIN people ON people.rowid = person ORDER BY person LIMIT ?
"""
_DROP_DUPLICATES = "DELETE FROM people WHERE rowid IN (SELECT person FROM again)"
_PAGE = "SELECT rowid, line, cells FROM people WHERE rowid > ? ORDER BY rowid LIMIT ?"
_FIND = "SELECT key, line, cells FROM people WHERE key IN (SELECT value FROM json_each(?))"
_AT = "SELECT line, cells FROM people ORDER BY rowid LIMIT 1 OFFSET ?"
_SEARCH = """
    SELECT number, line, cells FROM (SELECT row_number() OVER (ORDER BY rowid) AS number, line, cells FROM people)
    WHERE cells LIKE ? ESCAPE '\\' LIMIT ?
"""


class Audience:
    """Who is on a list. `rows` counts what is neither header nor blank: people, invalid rows and duplicates.

    Of rows with one address the first stands. `invalid` and `duplicates` hold the first `NAMED_ROWS` each. Any thread
    may read it, several at a time too. Close it, or let go of it, to free its space on disk.
    """

    def __init__(self, columns: Sequence[str], rows: Iterable[Row | Finding]) -> None:
        """Keep all rows. ConfigError where there is no room for them; whatever `rows` raises."""
        self.columns = tuple(columns)
        self.rows = 0
        self.invalid_count = 0
        self.invalid: tuple[Finding, ...] = ()
        self._email = self.columns.index("email")
        self._lock = threading.Lock()
        self._store = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._closing = weakref.finalize(self, self._store.close)
        try:
            self._keep(rows)
            self.duplicates, self.duplicates_count = self._drop_duplicates()
            self._count = int(self._store.execute("SELECT count(*) FROM people").fetchone()[0])
        except sqlite3.OperationalError as error:
            self.close()
            remedy = "set TMPDIR to a folder with more room"
            raise ConfigError(
                f"the list cannot be kept in the folder for temporary files ({error}); {remedy}"
            ) from error
        except BaseException:
            self.close()
            raise
        if self.rows != self._count + self.invalid_count + self.duplicates_count:
            parts = f"{self._count} people, {self.invalid_count} invalid, {self.duplicates_count} duplicates"
            raise RuntimeError(f"of {self.rows} rows, {parts} are kept")

    @classmethod
    def of(cls, subscribers: Iterable[Subscriber]) -> Self:
        """A handful who are on no list, or chosen from one; each address once. A column that one lacks is empty."""
        people: dict[str, Subscriber] = {}
        for person in subscribers:
            people.setdefault(fold_address(person.email), person)
        columns = tuple(dict.fromkeys(chain(["email"], *(person.fields for person in people.values()))))
        rows = [
            Row(person.line, person.email, [{**person.fields, "email": person.email}.get(c, "") for c in columns])
            for person in people.values()
        ]
        return cls(columns, rows)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Subscriber]:
        for line, cells in self._pages():
            yield as_subscriber(self.columns, cells.split(_SEPARATOR), line)

    def addresses(self) -> Iterator[str]:
        """In list order; cheaper than the subscribers."""
        for _, cells in self._pages():
            yield self._address(cells)

    @property
    def first(self) -> Subscriber | None:
        return next(iter(self), None)

    def find(self, keys: Iterable[str]) -> Mapping[str, Subscriber]:
        """Those of the keys, addresses as `fold_address` makes them, who are on the list. A few hundred at a time."""
        found = self._query(_FIND, json.dumps(list(keys)))
        return {key: as_subscriber(self.columns, cells.split(_SEPARATOR), line) for key, line, cells in found}

    def at(self, number: int) -> Subscriber | None:
        """Who stands at a place of the list, counted from 1."""
        rows = self._query(_AT, number - 1) if 0 < number <= self._count else []
        return next((as_subscriber(self.columns, cells.split(_SEPARATOR), line) for line, cells in rows), None)

    def search(self, words: str, limit: int) -> Iterator[tuple[int, Subscriber]]:
        """The first people with these words in any of their columns, each with their place. Reads the whole list."""
        escaped = re.sub(r"[\\%_]", r"\\\g<0>", words)
        for number, line, cells in self._query(_SEARCH, f"%{escaped}%", limit):
            yield number, as_subscriber(self.columns, cells.split(_SEPARATOR), line)

    def close(self) -> None:
        """Free the space on disk. What is asked for afterwards raises sqlite3.ProgrammingError."""
        self._closing()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _keep(self, rows: Iterable[Row | Finding]) -> None:
        self._store.executescript(_SCHEMA.format(cache_kb=_CACHE_KB))
        self._store.executemany("INSERT INTO people VALUES (?, ?, ?)", self._good(rows))
        self._store.execute(_INDEX)
        self._store.execute("COMMIT")

    def _good(self, rows: Iterable[Row | Finding]) -> Iterator[tuple[int | None, str, str]]:
        """What is kept of each good row; the bad ones are counted."""
        invalid: list[Finding] = []
        for number, row in enumerate(rows, 1):
            self.rows = number
            if isinstance(row, Finding):
                self.invalid_count += 1
                if len(invalid) < NAMED_ROWS:
                    invalid.append(row)
                continue
            cells = _SEPARATOR.join(row.values)
            if cells.count(_SEPARATOR) != len(self.columns) - 1:
                raise ValueError(f"{row.email}: a value with a control character, or not one for each column")
            yield row.line, fold_address(row.email), cells
        self.invalid = tuple(invalid)

    def _drop_duplicates(self) -> tuple[tuple[Finding, ...], int]:
        self._store.execute(_FIND_DUPLICATES)
        named = self._query(_NAME_DUPLICATES, NAMED_ROWS)
        dropped = self._store.execute(_DROP_DUPLICATES).rowcount
        self._store.execute("DROP TABLE again")
        findings = tuple(duplicate(self._address(cells), line, first_line) for cells, line, first_line in named)
        return findings, dropped

    def _address(self, cells: str) -> str:
        return cells.split(_SEPARATOR, self._email + 1)[self._email]

    def _pages(self) -> Iterator[tuple[int | None, str]]:
        last = 0
        while page := self._query(_PAGE, last, _PAGE_ROWS):
            for _, line, cells in page:
                yield line, cells
            last = page[-1][0]

    def _query(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            return self._store.execute(statement, values).fetchall()


def read_audience(path: Path) -> Audience:
    """Everyone on the list once. Errors as `open_list`, and ContentError when the list has no row."""
    with open_list(path) as listing:
        audience = Audience(listing.columns, listing.rows)
    if not audience.rows:
        audience.close()
        raise ContentError(located(str(path), None, "nobody is on the list", "add a row below the header"))
    return audience
