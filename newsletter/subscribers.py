"""A list in CSV -> its rows, in order. A bad row is a finding with its line; the rest of the list goes on.

The file is read line by line in flat memory. A row is known by the line on which it starts, as an editor counts them.
`audience` has a list read whole, and each person on it once.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TextIO

from email_validator import EmailNotValidError, validate_email

from newsletter.errors import ConfigError, ContentError, located
from newsletter.model import Finding, Subscriber

MAX_VALUE_CHARS = 10_000
# A quote that is never closed would swallow the list; past this many characters a row is given up as such.
MAX_ROW_CHARS = 100_000
MAX_ADDRESS_CHARS = 254  # RFC 3696, erratum 1690

_DELIMITERS = ",;\t"
_BLANK = " \t\n\u00a0\u3000\ufeff"  # what may surround a column's name, a second BOM included
_SAVE_AS_UTF8 = 'save it as UTF-8 (in Excel: "CSV UTF-8")'

# A subset of what email_validator takes: ASCII atoms, a domain of two or more plain labels, none of them Punycode, and
# a top-level domain that is not reserved. What does not match is not wrong; it goes to email_validator.
_PLAIN_ADDRESS = re.compile(
    r"""
    (?P<local> [A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]+ (?: \.[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]+ )* )
    @
    (?P<domain>
        (?: (?! ..-- ) [A-Za-z0-9] (?: [A-Za-z0-9-]{0,61} [A-Za-z0-9] )? \. )+
        (?! (?i: arpa | invalid | local | localhost | onion ) \Z ) [A-Za-z]{2,63}
    )
    """,
    re.VERBOSE,
)
_SURROGATE = re.compile("[\ud800-\udfff]")
# Line breaks and tabs may stand in an ordinary value, such as a postal address, but never in what a header carries.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CONTROL_OR_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HEADER_COLUMNS = frozenset({"email", "name"})

_LIKE_EMAIL = re.compile(r"mail|address|邮|郵|信箱|地址|メール|アドレス|메일|correo|courriel|adresse", re.IGNORECASE)


class Row(NamedTuple):
    """A good row: its line, its address as mail goes there, and the values of the list's columns, in their order.

    No value holds a control character, tabs and line breaks apart; `email` is there as the address is. `line` is None
    for who stands on no list.
    """

    line: int | None
    email: str
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Listing:
    """An open list: the names of its columns, lower-cased, and its rows, to be read once."""

    columns: tuple[str, ...]
    rows: Iterator[Row | Finding]


@contextmanager
def open_list(path: Path) -> Iterator[Listing]:
    """A list to be read row by row. Of its errors, those of a row come while `rows` is read.

    ContentError when the list has no email column or is not text in UTF-8; ConfigError when it cannot be read at all.
    """
    with _open(path) as lines:
        columns, delimiter = _read_header(lines)
        yield Listing(tuple(filter(None, columns)), _read_rows(lines, columns, delimiter))


def read_subscribers(path: Path) -> Iterator[Subscriber | Finding]:
    """The rows in order, as they are read: duplicates included, bad rows as findings. Errors as `open_list`."""
    with open_list(path) as listing:
        for row in listing.rows:
            yield row if isinstance(row, Finding) else as_subscriber(listing.columns, row.values, row.line)


def as_subscriber(columns: Sequence[str], values: Sequence[str], line: int | None) -> Subscriber:
    """The person of a row; `email` is among the columns."""
    fields = dict(zip(columns, values, strict=True))
    return Subscriber(fields["email"], MappingProxyType(fields), line)


# --- addresses ------------------------------------------------------------------------------------------------------


def normalize_address(text: str) -> str:
    """The address as it goes out: local part as written (NFC), domain in lower case and IDNA's ASCII form.

    ValueError, its text a phrase for people, when it is no address. Reserved domains such as `.test` are fine;
    nothing is looked up.
    """
    plain = _PLAIN_ADDRESS.fullmatch(text) if len(text) <= MAX_ADDRESS_CHARS else None
    if plain:
        return f"{plain['local']}@{plain['domain'].lower()}"  # the common case, many times cheaper
    return _normalize_any_address(text)


def _normalize_any_address(text: str) -> str:
    if len(text) > MAX_ADDRESS_CHARS:  # before email_validator, whose checks take time quadratic in the length
        raise ValueError(f"it has {len(text)} characters, and an address at most {MAX_ADDRESS_CHARS}")
    try:
        parsed = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(_printable(str(error).rstrip("."))) from error
    local = parsed.local_part
    if parsed.ascii_local_part is not None:  # email_validator lowers `Info`, `Sales`, ...: RFC 2142 names
        local = text.rpartition("@")[0]
    return f"{local}@{parsed.ascii_domain}"


# --- rows -----------------------------------------------------------------------------------------------------------


class _Lines:
    """The file's lines, numbered from 1, each with its line end. Lines may be given back to be read again."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self.path = path
        self.number = 0
        self._file = file
        self._returned: list[str] = []

    def next(self) -> str | None:
        line = self._returned.pop() if self._returned else self._read()
        if not line:
            return None
        self.number += 1
        if not line.isascii() and (bad := _SURROGATE.search(line)):
            byte = ord(bad[0]) & 0xFF
            column = len(line[: bad.start()].encode()) + 1
            what = f"byte {column} of the line, 0x{byte:02x}, is not UTF-8"
            raise ContentError(located(str(self.path), self.number, what, _SAVE_AS_UTF8))
        return line

    def give_back(self, lines: list[str]) -> None:
        self._returned.extend(reversed(lines))
        self.number -= len(lines)

    def _read(self) -> str:
        """At most one character more than a row may have; the rest of an endless line is passed over."""
        line = self._file.readline(MAX_ROW_CHARS + 1)
        rest = line
        while len(rest) > MAX_ROW_CHARS and not rest.endswith("\n"):
            rest = self._file.readline(MAX_ROW_CHARS + 1)
        return line


@contextmanager
def _open(path: Path) -> Iterator[_Lines]:
    try:
        raw = path.open("rb")
    except OSError as error:
        raise ConfigError(_unreadable(path, error)) from error
    with raw:
        head = raw.peek(8192)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ContentError(located(str(path), 1, "the list is UTF-16, not UTF-8", _SAVE_AS_UTF8))
        if b"\0" in head:
            raise ContentError(
                located(str(path), None, "a binary file, not a list in CSV", "export the list as CSV in UTF-8")
            )
        # Bytes that are not UTF-8 come through as surrogates, so that the error can name their line.
        yield _Lines(path, io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape"))


def _unreadable(path: Path, error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return located(str(path), None, "there is no such file", "give the path of a CSV file")
        case IsADirectoryError():
            return located(str(path), None, "a folder, not a list", "give the path of a CSV file")
    return located(str(path), None, f"cannot be read: {error.strerror}", "make the file readable")


def _read_header(lines: _Lines) -> tuple[list[str], str]:
    """The columns' names, lower-cased and possibly empty, and the delimiter between them."""
    path = str(lines.path)
    while (line := lines.next()) is not None and not line.strip():
        pass
    if line is None:
        raise ContentError(located(path, None, "the list is empty", 'begin it with the header "email,name"'))
    start = lines.number
    delimiter = max(_DELIMITERS, key=lambda candidate: _header_score(line, candidate))
    cells = _read_cells(lines, line, delimiter)
    if isinstance(cells, Finding):
        raise ContentError(cells.at(path))
    columns = [cell.strip(_BLANK).lower() for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    if any(_CONTROL_OR_BREAK.search(column) for column in columns):
        what = f"the header {_shown(line.strip())} has a control character or a line break"
        raise ContentError(located(path, start, what, "write the column names on one line"))
    for column in columns:
        if column and columns.count(column) > 1:
            what = f"the column {_shown(column)} is there twice"
            raise ContentError(located(path, start, what, "rename or remove one of them"))
    if "email" not in columns:
        raise ContentError(_without_email(path, start, [cell.strip() for cell in cells if cell.strip()]))
    return columns, delimiter


def _header_score(line: str, delimiter: str) -> tuple[bool, int]:
    cells = next(csv.reader([line], delimiter=delimiter))
    return any(cell.strip(_BLANK).lower() == "email" for cell in cells), len(cells)


def _without_email(path: str, line: int, found: list[str]) -> str:
    what = f"no column is named email; the header has {', '.join(_shown(name) for name in found[:10])}"
    if any("@" in name for name in found):
        return located(path, line, what, 'put a header above the first row, such as "email,name"')
    likely = next((name for name in found if _LIKE_EMAIL.search(name)), None)
    if likely:
        return located(path, line, what, f"rename {_shown(likely)} to email")
    return located(path, line, what, "name the column of addresses email")


def _read_rows(lines: _Lines, columns: list[str], delimiter: str) -> Iterator[Row | Finding]:
    while (line := lines.next()) is not None:
        start = lines.number
        cells = _read_cells(lines, line, delimiter)
        if isinstance(cells, Finding):
            yield cells
            continue
        text = "".join(cells)
        if text and not text.isspace():  # else blank: spreadsheets leave rows like ",,,"
            yield _read_row(cells, text, columns, delimiter, start)


def _read_cells(lines: _Lines, line: str, delimiter: str) -> list[str] | Finding:
    """The cells of the row that `line` starts. When its quotes do not work out, only this line is lost to it."""
    if len(line) > MAX_ROW_CHARS:
        return Finding(
            "oversize",
            f"the row {_shown(line)} has more than {MAX_ROW_CHARS:,} characters",
            "shorten it",
            lines.number,
        )
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
        return Finding("quotes", what, 'close the quoted value, and write "" for a quote inside it', start)


def _read_row(cells: list[str], text: str, columns: list[str], delimiter: str, line: int) -> Row | Finding:
    """`text` is all that stands in the cells."""
    while len(cells) > len(columns) and not cells[-1].strip():
        cells.pop()
    if len(cells) != len(columns):
        what = f"{_shown(delimiter.join(cells))} has {_columns(len(cells))}, the header {len(columns)}"
        remedy = (
            f"quote a value that holds {_shown(delimiter)}" if len(cells) > len(columns) else "add the missing ones"
        )
        return Finding("columns", what, remedy, line)
    # No control character is printable: nearly every row is found good by one look at all of it.
    if len(text) > MAX_VALUE_CHARS or not text.isprintable():
        for column, cell in zip(columns, cells, strict=True):
            fault = _fault(column, cell, line)
            if fault:
                return fault
    at = columns.index("email")
    written = cells[at].strip()
    if not written:
        what = f"{_shown(delimiter.join(cells))} has no address"
        return Finding("no-address", what, "fill in the email column, or remove the row", line)
    try:
        cells[at] = email = normalize_address(written)
    except ValueError as error:
        return Finding("invalid-address", f"{_shown(written)} is not an address: {error}", _mend(written), line)
    return Row(line, email, [cell.strip() for column, cell in zip(columns, cells, strict=True) if column])


def _fault(column: str, cell: str, line: int) -> Finding | None:
    """What keeps a value from being used, whatever the column is for."""
    if len(cell) > MAX_VALUE_CHARS:
        what = f"{_shown(column)} is {_shown(cell)}, with {len(cell):,} characters"
        return Finding("oversize", what, f"keep it below {MAX_VALUE_CHARS:,}", line)
    if (_CONTROL_OR_BREAK if column in _HEADER_COLUMNS else _CONTROL).search(cell):
        what = f"{_shown(column)} is {_shown(cell)}, with a control character or a line break"
        return Finding("control-character", what, "remove it", line)
    return None


def duplicate(email: str, line: int | None, first_line: int | None, first_path: str = "") -> Finding:
    """Of a row whose address stands on an earlier one, of another list where its path is given."""
    where = [f"on line {first_line}"] if first_line else []
    where += [f"in {first_path}"] if first_path else []
    what = f"{_shown(email)} is already {' '.join(where)}; mailed once"
    return Finding("duplicate", what, "remove one of the two rows", line)


def _mend(written: str) -> str:
    inner = re.search(r"<([^<>]+@[^<>]+)>", written)
    if inner:
        return f"write {_shown(inner[1])} alone, the name in a column of its own"
    if "＠" in written:
        return "write @ in place of ＠"
    return "write it as name@example.com, or remove the row"


def _columns(number: int) -> str:
    return "1 column" if number == 1 else f"{number} columns"


def _shown(value: str) -> str:
    """The value in quotes, shortened, harmless on a terminal."""
    return repr(value if len(value) <= 60 else value[:57] + "…")


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
