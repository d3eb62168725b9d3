"""The deduplicated recipients of a send, in list order, stored in a temporary SQLite file.

Keeping the rows on disk makes memory use independent of the list's length, and a list that is changed or deleted after
it was read does not matter. SQLite puts the file into the first of SQLITE_TMPDIR, TMPDIR, /var/tmp and /tmp, and
unlinks it when it opens it, so nothing is left however the process ends.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice, repeat
from types import TracebackType
from typing import Any, NamedTuple, Self

from newsletter.addresses import fold_address, fold_addresses
from newsletter.audience.lists.rows import ExcludedRow, Row, RowSource, UnclearRow, as_subscriber, duplicate, split_rows
from newsletter.audience.segments import Segment
from newsletter.audience.unclear_column import UnclearColumn
from newsletter.errors import ConfigError
from newsletter.model.findings import Finding
from newsletter.model.subscriber import Subscriber

NAMED_ROWS = 1_000
"""How many bad rows of each kind are kept as findings; all are counted."""

NAMED_VALUES = 20
"""How many unclear values are kept for each column; all are counted."""

ON_ANOTHER_ROW = "on another row"
"""The reason for excluding an address when another row of it is excluded."""

_KEPT_VALUES = 1_000
_OTHERS = "\x00others"
_CACHE_KB = 1_000
_PAGE_ROWS = 500
_STORED_AT_ONCE = 100
"""Rows of a statement: one for each would take twice the time. SQLite may allow no more than 999 values."""
# Separates the values of a row. `subscribers` allows no control characters but tabs and line breaks in a value.
_SEPARATOR = "\x1f"

_SCHEMA = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA temp_store = FILE;
    PRAGMA cache_size = -{cache_kb};
    -- `inside` the segment: 1 or 0; NULL on the row of somebody who is no subscriber
    CREATE TABLE people (
        list INTEGER, line INTEGER, key TEXT NOT NULL, hash INTEGER NOT NULL, cells TEXT NOT NULL, inside INTEGER
    );
    CREATE TABLE again (person INTEGER PRIMARY KEY, first INTEGER);
    CREATE TABLE twice (list INTEGER, line INTEGER, first_list INTEGER, first_line INTEGER, cells TEXT NOT NULL);
    BEGIN;
"""
# Create the index once, from sorted hashes: maintaining it row by row would cause random disk access. A hash takes a
# third of its key's size, and is compared as a number. Keys of one hash are told apart.
_INDEX = "CREATE INDEX by_hash ON people (hash)"
_FIND_DUPLICATES = """
    INSERT INTO again
    SELECT later.rowid, twice.first
    FROM (
        SELECT people.hash, people.key, min(people.rowid) AS first
        FROM (SELECT hash FROM people GROUP BY hash HAVING count(*) > 1) AS shared
        CROSS JOIN people ON people.hash = shared.hash
        GROUP BY people.hash, people.key HAVING count(*) > 1
    ) AS twice
    CROSS JOIN people AS later ON later.hash = twice.hash AND later.key = twice.key AND later.rowid > twice.first
"""
_KEEP_DUPLICATES = """
    INSERT INTO twice SELECT later.list, later.line, earlier.list, earlier.line, later.cells FROM again
    JOIN people AS later ON later.rowid = again.person JOIN people AS earlier ON earlier.rowid = again.first
    ORDER BY again.person
"""
_STORE, _ONE = "INSERT INTO people VALUES ", "(?, ?, ?, ?, ?, ?)"
_DROP_DUPLICATES = "DELETE FROM people WHERE rowid IN (SELECT person FROM again)"
_DUPLICATES = """
    SELECT rowid, list, line, first_list, first_line, cells FROM twice WHERE rowid > ? ORDER BY rowid LIMIT ?
"""
# Security: an address that one row of the list excludes is excluded in all rows.
_DROP_EXCLUDED = """
    DELETE FROM people WHERE inside IS NOT NULL AND key IN (SELECT key FROM people WHERE inside IS NULL)
"""
_DROP_MARKS = "DELETE FROM people WHERE inside IS NULL"
_DROP_OUTSIDE = "DELETE FROM people WHERE inside = 0"
_PAGE = "SELECT rowid, line, cells FROM people WHERE rowid > ? ORDER BY rowid LIMIT ?"
_FIND = """
    SELECT people.key, line, cells FROM json_each(?) AS asked
    CROSS JOIN people
    ON people.hash = json_extract(asked.value, '$[0]') AND people.key = json_extract(asked.value, '$[1]')
"""
_AT = "SELECT line, cells FROM people ORDER BY rowid LIMIT 1 OFFSET ?"
_SEARCH = """
    SELECT number, line, cells FROM (SELECT row_number() OVER (ORDER BY rowid) AS number, line, cells FROM people)
    WHERE cells LIKE ? ESCAPE '\\' LIMIT ?
"""


class _Rows(NamedTuple):
    columns: tuple[str, ...]
    rows: Iterator[Row | Finding]


def _named_values(values: Counter[str]) -> Iterator[tuple[str, int]]:
    return ((value, count) for value, count in values.most_common() if value != _OTHERS)


_Kept = tuple[int, int | None, str, int, str, int | None]
"""The stored part of a row: list, line, key, hash, cells, inside, as in the schema."""


def _in_pages(rows: Iterable[Row | Finding]) -> Iterator[Sequence[Row] | Finding]:
    """The good rows of each page at once: over a million rows each step of one takes a tenth of a second."""
    waiting = iter(rows)
    while page := list(islice(waiting, _PAGE_ROWS)):
        good, bad = split_rows(page)
        yield from bad
        if good:
            yield good


class Audience:
    """The recipients of one list or several. `rows` counts all but header and blank rows; each is a recipient, invalid,
    a duplicate, excluded because the list marks it as no subscriber, or outside the requested segment.

    Of the rows with one address the first counts, unless any of them is excluded: then none does. `invalid` and
    `duplicates` hold the first `NAMED_ROWS` each; `excluded` counts by reason. `unclear` are the columns that may mark
    unsubscribed rows with unclear values: no mail goes out before the author has said what they mean. `may_be_blank`
    are the columns without a value in some row, be it a recipient's or not.
    Any thread may read it, several at a time too. Close it, or drop the last reference, to free its disk space.
    """

    def __init__(
        self,
        columns: Sequence[str],
        rows: Iterable[Row | Finding],
        segment: Segment | None = None,
        *,
        more: Sequence[RowSource] = (),
        names: Sequence[str] = (),
    ) -> None:
        """Store all rows, those of `more` lists after the first's.

        ConfigError if the disk is full; raises whatever their `rows` raise. `names` are what findings call the lists,
        if several.
        """
        lists: tuple[RowSource, ...] = (_Rows(tuple(columns), iter(rows)), *more)
        self.columns = tuple(dict.fromkeys(chain.from_iterable(each.columns for each in lists)))
        self._names = tuple(names) if len(lists) > 1 else ("",) * len(lists)
        self.segment = segment
        self.rows = 0
        self.invalid_count = 0
        self.outside_count = 0
        self.invalid: tuple[Finding, ...] = ()
        self.excluded: Mapping[str, int] = {}
        self.may_be_blank: frozenset[str] = frozenset()
        self.unclear: tuple[UnclearColumn, ...] = ()
        self._email = self.columns.index("email")
        self._lock = threading.Lock()
        self._store = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._closing = weakref.finalize(self, self._store.close)
        try:
            self._keep(lists)
            self._drop_excluded()
            self.duplicates_count = self._drop_duplicates()
            self.duplicates = tuple(finding for finding, _ in islice(self.all_duplicates(), NAMED_ROWS))
            if segment is not None:
                self.outside_count = self._store.execute(_DROP_OUTSIDE).rowcount
            self._count = int(self._store.execute("SELECT count(*) FROM people").fetchone()[0])
        except sqlite3.OperationalError as error:
            self.close()
            remedy = "set TMPDIR to a folder with more room"
            raise ConfigError(f"the list cannot be kept in the folder for temporary files ({error})", remedy) from error
        except BaseException:
            self.close()
            raise
        parts = {
            "people": self._count,
            "invalid": self.invalid_count,
            "duplicates": self.duplicates_count,
            "excluded": self.excluded_count,
            "outside": self.outside_count,
        }
        if self.rows != sum(parts.values()):
            raise RuntimeError(f"of {self.rows} rows, {parts} are kept")

    @classmethod
    def of(cls, subscribers: Iterable[Subscriber]) -> Self:
        """The audience of a few subscribers without a list; each address once. Missing columns are empty."""
        people: dict[str, Subscriber] = {}
        for subscriber in subscribers:
            people.setdefault(fold_address(subscriber.email), subscriber)
        columns = tuple(dict.fromkeys(chain(["email"], *(subscriber.fields for subscriber in people.values()))))
        rows = [
            Row(
                subscriber.line,
                subscriber.email,
                [{**subscriber.fields, "email": subscriber.email}.get(c, "") for c in columns],
            )
            for subscriber in people.values()
        ]
        return cls(columns, rows)

    def __len__(self) -> int:
        return self._count

    @property
    def excluded_count(self) -> int:
        return sum(self.excluded.values())

    @property
    def segment_source(self) -> str:
        """The segment's expression; empty for the whole list."""
        return self.segment.source if self.segment is not None else ""

    @property
    def listed(self) -> int:
        """The number of subscribers on the list, in the segment or not."""
        return self._count + self.outside_count

    def __iter__(self) -> Iterator[Subscriber]:
        for line, cells in self._pages():
            yield as_subscriber(self.columns, cells.split(_SEPARATOR), line)

    def addresses(self) -> Iterator[str]:
        """The addresses in list order; cheaper than the subscribers."""
        for _, cells in self._pages():
            yield self._address(cells)

    @property
    def first(self) -> Subscriber | None:
        return next(iter(self), None)

    def find(self, keys: Iterable[str]) -> Mapping[str, Subscriber]:
        """Those of the keys (addresses folded by `fold_address`) that are on the list. A few hundred at a time."""
        found = self._query(_FIND, json.dumps([(hash(key), key) for key in keys]))
        return {key: as_subscriber(self.columns, cells.split(_SEPARATOR), line) for key, line, cells in found}

    def all_duplicates(self) -> Iterator[tuple[Finding, Sequence[str]]]:
        """Every row whose address is on an earlier row, and its values."""
        last = 0
        while page := self._query(_DUPLICATES, last, _PAGE_ROWS):
            for _, number, line, first, first_line, cells in page:
                elsewhere = "" if number == first else self._names[first]
                finding = duplicate(self._address(cells), line, first_line, elsewhere)
                yield replace(finding, path=self._names[number]), cells.split(_SEPARATOR)
            last = page[-1][0]

    def at(self, number: int) -> Subscriber | None:
        """The subscriber at a position of the list, counted from 1."""
        rows = self._query(_AT, number - 1) if 0 < number <= self._count else []
        return next((as_subscriber(self.columns, cells.split(_SEPARATOR), line) for line, cells in rows), None)

    def search(self, words: str, limit: int) -> Iterator[tuple[int, Subscriber]]:
        """The first subscribers with these words in any of their columns, each with their position.

        Scans the whole list.
        """
        escaped = re.sub(r"[\\%_]", r"\\\g<0>", words)
        for number, line, cells in self._query(_SEARCH, f"%{escaped}%", limit):
            yield number, as_subscriber(self.columns, cells.split(_SEPARATOR), line)

    def close(self) -> None:
        """Free the disk space. Later reads raise sqlite3.ProgrammingError."""
        self._closing()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _keep(self, lists: Sequence[RowSource]) -> None:
        self._store.executescript(_SCHEMA.format(cache_kb=_CACHE_KB))
        excluded: Counter[str] = Counter()
        for number, each in enumerate(lists):
            unclear: dict[str, Counter[str]] = {}
            kept = self._kept(number, each, excluded, unclear)
            while several := list(islice(kept, _STORED_AT_ONCE)):
                self._store.execute(_STORE + ",".join([_ONE] * len(several)), list(chain.from_iterable(several)))
            self.unclear += tuple(
                UnclearColumn(
                    column, values.total(), dict(islice(_named_values(values), NAMED_VALUES)), self._names[number]
                )
                for column, values in unclear.items()
            )
        self.rows += excluded.total() + self.invalid_count
        self.excluded = excluded
        self._store.execute(_INDEX)
        self._store.execute("COMMIT")

    def _kept(
        self, number: int, rows: RowSource, excluded: Counter[str], unclear: dict[str, Counter[str]]
    ) -> Iterator[_Kept]:
        """Store each good row, and of each excluded one its address; all others are only counted."""
        invalid: list[Finding] = []
        good = 0
        joints = len(self.columns) - 1
        holds = self.segment.holds if self.segment is not None else None
        place = {column: at for at, column in enumerate(rows.columns)}
        # If the list's columns differ from the union, its values are moved to their places.
        order = None if rows.columns == self.columns else [place.get(column) for column in self.columns]
        for row in _in_pages(rows.rows):
            if not isinstance(row, Finding):
                good += len(row)
                lines, emails, values = zip(*row, strict=True)
                if order is not None:
                    values = tuple(["" if at is None else each[at] for at in order] for each in values)
                cells = list(map(_SEPARATOR.join, values))
                if {each.count(_SEPARATOR) for each in cells} != {joints}:
                    row_at_fault = next(
                        email for email, each in zip(emails, cells, strict=True) if each.count(_SEPARATOR) != joints
                    )
                    raise ValueError(f"{row_at_fault}: a value with a control character, or not one for each column")
                self.may_be_blank |= self._with_blanks(values)
                inside: Iterable[int] = repeat(1, len(row))
                if holds is not None:
                    inside = [int(holds(dict(zip(self.columns, each, strict=True)))) for each in values]
                keys = list(fold_addresses(emails))
                yield from zip(repeat(number), lines, keys, map(hash, keys), cells, inside)
            elif isinstance(row, ExcludedRow):
                excluded[row.reason] += 1
                if isinstance(row, UnclearRow):
                    values_seen = unclear.setdefault(row.of_column, Counter())
                    known = row.value in values_seen or len(values_seen) < _KEPT_VALUES
                    values_seen[row.value if known else _OTHERS] += 1
                if row.email:
                    key = fold_address(row.email)
                    yield number, row.line, key, hash(key), "", None
            else:
                self.invalid_count += 1
                if len(self.invalid) + len(invalid) < NAMED_ROWS:
                    # Drop the row's text: a thousand rows of the longest would take a hundred megabytes.
                    invalid.append(Finding(row.code, row.what, row.remedy, row.line, path=self._names[number]))
        self.rows += good
        self.invalid = (*self.invalid, *invalid)

    def _with_blanks(self, values: Sequence[Sequence[str]]) -> frozenset[str]:
        """The columns that are blank in one of these rows, but for those of whom that is known."""
        of_columns = zip(self.columns, zip(*values, strict=True), strict=True)
        return frozenset(
            column for column, each in of_columns if column not in self.may_be_blank and not all(map(str.strip, each))
        )

    def _drop_excluded(self) -> None:
        if not self.excluded:
            return
        if also := self._store.execute(_DROP_EXCLUDED).rowcount:
            self.excluded = Counter({**self.excluded, ON_ANOTHER_ROW: also})
        self._store.execute(_DROP_MARKS)

    def _drop_duplicates(self) -> int:
        self._store.execute(_FIND_DUPLICATES)
        self._store.execute(_KEEP_DUPLICATES)
        dropped = self._store.execute(_DROP_DUPLICATES).rowcount
        self._store.execute("DROP TABLE again")
        return dropped

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
