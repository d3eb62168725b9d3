"""Read a CSV list row by row. A bad row is a finding with its line; the rest is read on.

The file is read line by line in constant memory. A row is identified by its first line, numbered as an editor does.
`audience` reads a whole list and deduplicates it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count, islice
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol, cast

from newsletter.addresses import normalize_address
from newsletter.audience.lists.cells import bare_address, one_line, trim
from newsletter.audience.lists.columns import Header, read_header
from newsletter.audience.lists.encoding import MAX_ROW_CHARS, Lines, open_lines
from newsletter.audience.lists.layout import find_layout
from newsletter.audience.lists.plain_rows import MAX_VALUE_CHARS as MAX_VALUE_CHARS
from newsletter.audience.lists.plain_rows import PlainPage, plain_rows
from newsletter.audience.lists.standing import Verdict, may_speak_of_leaving
from newsletter.errors import ContentError, InvalidValueError, located
from newsletter.frozen import frozen
from newsletter.model.column_rules import NO_RULES, Rules
from newsletter.model.findings import Finding
from newsletter.model.subscriber import Subscriber
from newsletter.text import printable

MAX_COLUMNS = 1_000


_SAMPLE_LINES = 1_000
_SAMPLE_CHARS = 200_000
"""How much of a list is read ahead, to sample its columns."""

_PAGE_LINES = 128
"""Lines that are read at once where all of them are plain: more are seldom all plain, fewer cost more each."""

_FEW_LINES = 16
"""Lines that are read at once of a page of which one is not plain."""

# Line breaks and tabs may occur in an ordinary value, such as a postal address, but never in a value for a header.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CONTROL_OR_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Row(NamedTuple):
    """A good row: its line, its normalized address, and the values of the list's columns, in their order.

    No value contains a control character, tabs and line breaks apart; `email` is the normalized address. `line` is None
    for a subscriber who is on no list.
    """

    line: int | None
    email: str
    values: Sequence[str]


@frozen
class BadRow(Finding):
    """A row without a usable address, and its text as far as it was read."""

    row: str = ""


@frozen
class ExcludedRow(BadRow):
    """A row that the list marks as no subscriber. `email` is the address if it is valid, `reason` a word or two."""

    email: str = ""
    reason: str = ""


@frozen
class UnclearRow(ExcludedRow):
    """A row with a `value` that may mean that the subscriber left, and is unclear: the author must decide.

    Until then it is treated as excluded.
    """

    of_column: str = ""
    value: str = ""


class RowSource(Protocol):
    """A source of subscribers, to be read once: a CSV list, or the confirmed sign-ups."""

    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def rows(self) -> Iterator[Row | Finding]: ...


@frozen
class OpenList:
    """An open list: its interpreted header, and its rows, to be read once."""

    header: Header
    delimiter: str
    lines: Lines
    rows: Iterator[Row | Finding]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of a row's values: in lower case, `email` among them."""
        return self.header.columns


@contextmanager
def open_list(
    path: Path,
    *,
    guess: bool = False,
    encoding: str = "",
    addresses: bool = True,
    values: bool = True,
    rules: Rules = NO_RULES,
) -> Iterator[OpenList]:
    """Open a list to read it row by row. Errors of single rows are raised while `rows` is read.

    A list in UTF-8, or in UTF-16 with a byte order mark, is read as it is. Any other encoding is refused, or guessed
    with `guess`; `encoding` names it. Without `addresses` these are not validated; without `values` a row has no value
    but its address. `rules` are the author's rules for columns about unsubscribing.

    ContentError if the list has no email column or is not text; ConfigError if it cannot be read at all.
    """
    with open_lines(path, guess=guess, encoding=encoding) as lines:
        header, delimiter = _read_header(lines, rules)
        yield OpenList(header, delimiter, lines, _read_rows(lines, header, delimiter, addresses, values))


def split_rows(rows: Sequence[Row | Finding]) -> tuple[Sequence[Row], Sequence[Finding]]:
    """The good rows, and the others."""
    if set(map(type, rows)) == {Row}:
        return cast("Sequence[Row]", rows), ()
    return [row for row in rows if isinstance(row, Row)], [row for row in rows if not isinstance(row, Row)]


def as_subscriber(columns: Sequence[str], values: Sequence[str], line: int | None) -> Subscriber:
    """The subscriber of a row; `email` is among the columns."""
    fields = dict(zip(columns, values, strict=True))
    return Subscriber(fields["email"], MappingProxyType(fields), line)


def _read_header(lines: Lines, rules: Rules) -> tuple[Header, str]:
    """Read the columns, and the delimiter between them."""
    path = str(lines.path)
    while (line := lines.next()) is not None and not line.strip():
        pass
    if line is None:
        raise ContentError(located(path, None, "the list is empty", 'begin it with the header "email,name"'))
    lines.give_back([line])
    ahead = lines.peek(_SAMPLE_LINES, _SAMPLE_CHARS)
    layout = find_layout(ahead)
    delimiter = layout.delimiter
    for _ in range(layout.skipped):
        lines.next()
    line = lines.next() or ""
    start = lines.number
    cells = _read_cells(lines, line, delimiter)
    if isinstance(cells, Finding):
        raise ContentError(cells.at(path))
    if len(cells) > MAX_COLUMNS:
        what = f"the header has {len(cells):,} columns"
        raise ContentError(located(path, start, what, f"keep at most {MAX_COLUMNS:,}"))
    if any(_CONTROL_OR_BREAK.search(trim(cell)) for cell in cells):
        what = f"the header {_shown(line.strip())} has a control character or a line break"
        raise ContentError(located(path, start, what, "write the column names on one line"))
    name = lines.path.name
    try:
        if layout.is_bare:
            made_up = [f"column {number}" for number in range(1, len(cells) + 1)]
            header = read_header(made_up, name, layout.sample, rules, is_made_up=True)
            lines.give_back(ahead[layout.skipped : layout.skipped + lines.number - start + 1])
            return header, delimiter
        return read_header(cells, name, layout.sample, rules), delimiter
    except InvalidValueError as fault:
        raise ContentError(located(path, start, fault.what, fault.remedy)) from fault


def _read_rows(lines: Lines, header: Header, delimiter: str, addresses: bool, values: bool) -> Iterator[Row | Finding]:
    width, at = len(header.names), header.email_cell
    plain = not header.name_cells and all(header.names)
    watched = bool(header.judges or header.everyone)
    others = bool(header.others)
    tabs = delimiter == "\t"
    few_until = one_until = 0
    while True:
        at_once = _PAGE_LINES if lines.number >= few_until else _FEW_LINES
        if not watched and lines.number >= one_until and (page := lines.page(at_once)):
            found = plain_rows(page, header, delimiter, addresses=addresses)
            if found is not None:
                start = lines.number - len(page) + 1
                rows = _rows_of(found, start, header, plain=plain, values=values)
                done = 0
                for place in found.odd:
                    yield from islice(rows, place - done)
                    next(rows)
                    done = place + 1
                    cells = page[place].rstrip("\n").split(delimiter)
                    if not _is_blank(cells):
                        yield _read_row(cells, header, delimiter, start + place, addresses, values)
                yield from rows
                continue
            few_until = max(few_until, lines.number)
            if len(page) <= _FEW_LINES:
                one_until = lines.number
            lines.give_back(page)
            continue
        if (line := lines.next()) is None:
            return
        # Fast path: nearly every row passes a few checks of the whole; no control character is printable.
        body = line[:-1] if line.endswith("\n") else line
        text = body.replace("\t", "") if tabs else body
        if '"' not in text and len(text) <= MAX_VALUE_CHARS and text.isprintable():
            cells = body.split(delimiter)
            speaks = watched or (others and may_speak_of_leaving(cells, body))
            if len(cells) == width and (written := cells[at].strip()) and not (speaks and header.judge(cells, body)):
                try:
                    email = normalize_address(written) if addresses else bare_address(written)
                except ValueError:
                    pass  # it may have a name beside it
                else:
                    if not values:
                        yield Row(lines.number, email, (email,))
                        continue
                    cells[at] = email
                    yield Row(lines.number, email, [c.strip() for c in cells] if plain else header.values_of(cells))
                    continue
        start = lines.number
        read = _read_cells(lines, line, delimiter)
        if isinstance(read, Finding):
            yield read
        elif not _is_blank(read):
            yield _read_row(read, header, delimiter, start, addresses, values)


def _is_blank(cells: Sequence[str]) -> bool:
    """Spreadsheets leave rows like ",,,"."""
    return not any(cell and not cell.isspace() for cell in cells)


def _rows_of(page: PlainPage, start: int, header: Header, *, plain: bool, values: bool) -> Iterator[Row]:
    rows: Iterator[Sequence[str]] = zip(page.emails)
    if values:
        rows = zip(*[iter(page.cells)] * len(header.names), strict=True)
        if not plain:
            rows = map(header.values_of, rows)
    return map(_make_row, zip(count(start), page.emails, rows))


_make_row: Callable[[tuple[int | None, str, Sequence[str]]], Row] = partial(tuple.__new__, Row)
"""`Row._make`, without a call into Python for each of a million."""


def _read_cells(lines: Lines, line: str, delimiter: str) -> list[str] | BadRow:
    """The cells of the row that `line` starts. If its quotes are not balanced, only this line is lost."""
    if len(line) > MAX_ROW_CHARS:
        what = f"the row {_shown(line)} has more than {MAX_ROW_CHARS:,} characters"
        return BadRow("oversize", what, "shorten it", lines.number, row=line[:MAX_VALUE_CHARS])
    if '"' not in line:
        return line.rstrip("\n").split(delimiter)
    start = lines.number
    taken = [line]

    def more() -> Iterator[str]:
        yield line
        chars = len(line)
        while chars <= MAX_ROW_CHARS and (following := lines.next()) is not None:
            taken.append(following)
            chars += len(following)
            yield following

    try:
        return next(csv.reader(more(), delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error:
        lines.give_back(taken[1:])
        what = f"the quotes of {_shown(line.rstrip())} do not match"
        remedy = 'close the quoted value, and write "" for a quote inside it'
        return BadRow("quotes", what, remedy, start, row=line.rstrip("\n"))


def _read_row(
    cells: list[str], header: Header, delimiter: str, line: int, addresses: bool, values: bool
) -> Row | BadRow:
    width = len(header.names)
    row = delimiter.join(cells)
    while len(cells) > width and not cells[-1].strip():
        cells.pop()
    if len(cells) != width:
        what = f"{_shown(delimiter.join(cells))} has {_columns(len(cells))}, the header {width}"
        remedy = f"quote a value that holds {_shown(delimiter)}" if len(cells) > width else "add the missing ones"
        return BadRow("columns", what, remedy, line, row=row)
    at = header.email_cell
    if verdict := header.judge([trim(cell) for cell in cells], row):
        return _excluded(cells[at], verdict, row, line)
    for number, (column, cell) in enumerate(zip(header.names, cells, strict=True)):
        in_a_header = column in ("email", "name") or number in header.name_cells
        if in_a_header:
            cells[number] = cell = one_line(cell)
        if fault := _fault(column, cell, in_a_header=in_a_header):
            return BadRow(*fault, line, row=row)
    written = next((address for each in (at, *header.more_emails) if (address := bare_address(cells[each]))), "")
    if not written:
        what = f"{_shown(row)} has no address"
        return BadRow("no-address", what, "fill in the email column, or remove the row", line, row=row)
    try:
        cells[at] = email = normalize_address(written) if addresses else written
    except ValueError as error:
        return _invalid(written, error, row, line)
    return Row(line, email, header.values_of(cells) if values else (email,))


def _fault(column: str, cell: str, *, in_a_header: bool) -> tuple[str, str, str] | None:
    """Why a value cannot be used in any column: a code, a description, and a remedy."""
    if len(cell) > MAX_VALUE_CHARS:
        what = f"{_shown(column)} is {_shown(cell)}, with {len(cell):,} characters"
        return "oversize", what, f"keep it below {MAX_VALUE_CHARS:,}"
    if (_CONTROL_OR_BREAK if in_a_header else _CONTROL).search(cell):
        what = f"{_shown(column)} is {_shown(cell)}, with a control character or a line break"
        return "control-character", what, "remove it"
    return None


def _invalid(written: str, error: ValueError, row: str, line: int) -> BadRow:
    what = f"{_shown(written)} is not an address: {error}"
    return BadRow("invalid-address", what, _address_remedy(written), line, row=row)


def _excluded(cell: str, verdict: Verdict, row: str, line: int) -> ExcludedRow:
    written = bare_address(cell)
    try:
        email = normalize_address(written)
    except ValueError:
        email = ""
    reason = printable(verdict.reason)
    if verdict.unclear:
        what = f"{_shown(written)}: {_shown(verdict.column)} is {_shown(verdict.value)}, and it is not clear whether "
        what += "that person has left"
        reason = f"unclear: {printable(verdict.column)}"
        return UnclearRow(
            "unclear",
            what,
            "",
            line,
            row=row,
            email=email,
            reason=reason,
            of_column=verdict.column,
            value=verdict.value,
        )
    what = f"{_shown(written)} is no subscriber ({reason}); nobody is mailed for this row"
    return ExcludedRow("excluded", what, "", line, row=row, email=email, reason=reason)


def duplicate(email: str, line: int | None, first_line: int | None, first_path: str = "") -> Finding:
    """The finding for a row whose address is on an earlier one, of another list if its path is given."""
    where = [f"on line {first_line}"] if first_line else []
    where += [f"in {first_path}"] if first_path else []
    what = f"{_shown(email)} is already {' '.join(where)}; mailed once"
    return Finding("duplicate", what, "remove one of the two rows", line)


def _address_remedy(written: str) -> str:
    inner = re.search(r"<([^<>]+@[^<>]+)>", written)
    if inner:
        return f"write {_shown(inner[1])} alone, the name in a column of its own"
    if "＠" in written:
        return "write @ in place of ＠"
    return "write it as name@example.com, or remove the row"


def _columns(number: int) -> str:
    return "1 column" if number == 1 else f"{number} columns"


def _shown(value: str) -> str:
    """The value in quotes, truncated, safe to print."""
    return repr(value if len(value) <= 60 else value[:57] + "…")
