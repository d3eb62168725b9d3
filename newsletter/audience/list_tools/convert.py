"""Convert, merge, compare and export lists.

No existing list is overwritten; output files appear atomically, once they are complete.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol

from newsletter.addresses import fold_address
from newsletter.audience.audience import Audience
from newsletter.audience.lists.encoding import UTF_8, Encoding
from newsletter.audience.lists.rows import BadRow, OpenList, Row, RowSource, open_list
from newsletter.audience.read_audience import SignUps, is_sign_ups, open_rows, require_clear, why_empty
from newsletter.audience.segments import parse_segment
from newsletter.errors import ConfigError
from newsletter.files import replacing, target_of
from newsletter.frozen import frozen
from newsletter.model.column_rules import NO_RULES, Rules
from newsletter.model.findings import Finding
from newsletter.text import spreadsheet_cell

_LOOKED_UP_AT_ONCE = 500


class _Writer(Protocol):
    def writerow(self, row: Sequence[object], /) -> object: ...


@frozen
class Source:
    """A list that was read: its path, its encoding, and the service it was exported from, empty if unknown."""

    path: Path
    encoding: Encoding
    provider: str


@frozen
class WrittenList:
    """A list that was written. `rows` of the sources = `people` + `invalid` + `duplicates` + the sum of `excluded`.

    `rejected` is the file of the rows that are not in it; None if all are, or if none was requested. `why_empty` says
    why it is empty.
    """

    path: Path
    sources: tuple[Source, ...]
    columns: tuple[str, ...]
    rows: int
    people: int
    invalid: int
    duplicates: int
    excluded: Mapping[str, int]
    outside: int = 0
    neutralised: int = 0
    rejected: Path | None = None
    why_empty: str = ""


@frozen
class Difference:
    """The difference between two lists, by address. `joined` and `left` can be read once, while the lists are open."""

    old: int
    new: int
    joined: Iterator[str]
    left: Iterator[str]


def convert_list(path: Path, out: Path, *, where: str = "", encoding: str = "", rules: Rules = NO_RULES) -> WrittenList:
    """Write the subscribers of a list as CSV in UTF-8 with commas: `email,name`, then its other columns.

    The other rows go to OUT.rejected.csv, each with its line and the reason. ConfigError if `out` is a list that is
    read; otherwise errors as `open_list`, SegmentError, and `require_clear`: then nothing is written.
    """
    _require_apart([path], out)
    rejected = out.with_name(f"{out.stem}.rejected.csv")
    _require_apart([path], rejected)
    segment = parse_segment(where) if where else None
    with ExitStack() as files:
        listing = files.enter_context(open_list(path, guess=True, encoding=encoding, rules=rules))
        if segment is not None:
            segment.require_columns(listing.columns)
        spared = files.enter_context(_Rejects.kept(rejected))
        audience = files.enter_context(Audience(listing.columns, spared.passing(listing.rows), segment))
        require_clear(audience, str(path))
        for finding, values in audience.all_duplicates():
            spared.add(finding, ",".join(values))
        columns = _columns_out([listing])
        write_people(audience, columns, out)
        return _made(audience, [_source(listing)], columns, out, rejected=rejected if spared.count else None)


def merge_lists(paths: Sequence[Path], out: Path, *, encoding: str = "", rules: Rules = NO_RULES) -> WrittenList:
    """Merge the subscribers of several lists: of rows with one address the first counts, the columns are united.

    An address that one of the lists excludes is left out: an export that says "unsubscribed" outweighs an older list.
    """
    _require_apart(paths, out)
    with ExitStack() as files:
        listings = [files.enter_context(open_list(path, guess=True, encoding=encoding, rules=rules)) for path in paths]
        columns = _columns_out(listings)
        audience = files.enter_context(Audience(columns, _united(listings, columns)))
        require_clear(audience, ", ".join(map(str, paths)))
        write_people(audience, columns, out)
        return _made(audience, [_source(listing) for listing in listings], columns, out)


def export_list(
    path: Path | str,
    out: Path,
    *,
    where: str = "",
    encoding: str = "",
    sign_ups: SignUps | None = None,
    rules: Rules = NO_RULES,
) -> WrittenList:
    """Export the subscribers of a list for a spreadsheet: formulas are neutralised, and CJK text is decoded correctly.

    `sign_ups` is as in `read_audience`.
    """
    segment = parse_segment(where) if where else None
    with ExitStack() as files:
        people: OpenList | RowSource
        if is_sign_ups(str(path)):
            people = open_rows(str(path), sign_ups, files)
        else:
            _require_apart([Path(path)], out)
            people = files.enter_context(open_list(Path(path), guess=True, encoding=encoding, rules=rules))
        if segment is not None:
            segment.require_columns(people.columns)
        audience = files.enter_context(Audience(people.columns, people.rows, segment))
        require_clear(audience, str(path))
        columns = _columns_out([people])
        neutralised = write_people(audience, columns, out, for_spreadsheet=True)
        source = _source(people) if isinstance(people, OpenList) else Source(Path(path), UTF_8, "")
        return _made(audience, [source], columns, out, neutralised=neutralised)


@contextmanager
def compare_lists(old: Path, new: Path, *, encoding: str = "", rules: Rules = NO_RULES) -> Iterator[Difference]:
    """Compare two lists by address. An address that the newer list excludes counts as left."""
    with ExitStack() as files:
        before, after = (files.enter_context(_addresses_of(path, encoding, rules)) for path in (old, new))
        yield Difference(len(before), len(after), _lacking(after, before), _lacking(before, after))


# --- writing --------------------------------------------------------------------------------------------------------


def write_people(people: Audience, columns: Sequence[str], out: Path, *, for_spreadsheet: bool = False) -> int:
    """Write all rows of a list, in its order; returns how many values a spreadsheet would have taken for formulas."""
    neutralised = 0
    with replacing(out) as file, _csv(file, for_spreadsheet=for_spreadsheet) as rows:
        header, count = _harmless(columns) if for_spreadsheet else (columns, 0)
        neutralised += count
        rows.writerow(header)
        for subscriber in people:
            values: Sequence[str] = [subscriber.fields.get(column, "") for column in columns]
            if for_spreadsheet:
                values, count = _harmless(values)
                neutralised += count
            rows.writerow(values)
    return neutralised


def _harmless(values: Sequence[str]) -> tuple[list[str], int]:
    """Security: prefix a formula with an apostrophe, which makes it text in a spreadsheet."""
    kept = [spreadsheet_cell(value) for value in values]
    return kept, sum(len(new) > len(old) for new, old in zip(kept, values, strict=True))


@contextmanager
def _csv(file: BinaryIO, *, for_spreadsheet: bool = False) -> Iterator[_Writer]:
    # Without the byte order mark Excel decodes UTF-8 as the machine's code page.
    text = io.TextIOWrapper(file, "utf-8-sig" if for_spreadsheet else "utf-8", newline="")
    yield csv.writer(text, lineterminator="\r\n" if for_spreadsheet else "\n")
    text.flush()
    text.detach()


class _Rejects:
    """The file of rejected rows: line, code, reason, and the row as it was."""

    def __init__(self, rows: _Writer) -> None:
        self.count = 0
        self._rows = rows

    @classmethod
    @contextmanager
    def kept(cls, path: Path) -> Iterator[_Rejects]:
        """Keep the rejected rows as a file at the end. Without any, no file is written, and an older one is removed."""
        with replacing(path) as file, _csv(file) as rows:
            rows.writerow(("line", "kind", "reason", "row"))
            rejects = cls(rows)
            yield rejects
        if not rejects.count:
            path.unlink(missing_ok=True)

    def add(self, finding: Finding, row: str) -> None:
        self.count += 1
        reason = finding.what + (f"; {finding.remedy}" if finding.remedy else "")
        self._rows.writerow((finding.line, finding.code, reason, *_harmless((row,))[0]))

    def passing(self, rows: Iterator[Row | Finding]) -> Iterator[Row | Finding]:
        for row in rows:
            if isinstance(row, BadRow):
                self.add(row, row.row)
            yield row


def _made(
    audience: Audience,
    sources: Sequence[Source],
    columns: Sequence[str],
    out: Path,
    *,
    neutralised: int = 0,
    rejected: Path | None = None,
) -> WrittenList:
    return WrittenList(
        path=out,
        sources=tuple(sources),
        columns=tuple(columns),
        rows=audience.rows,
        people=len(audience),
        invalid=audience.invalid_count,
        duplicates=audience.duplicates_count,
        excluded=audience.excluded,
        outside=audience.outside_count,
        neutralised=neutralised,
        rejected=rejected,
        why_empty="" if audience else why_empty(audience) if audience.rows else "nobody is on the list",
    )


# --- reading --------------------------------------------------------------------------------------------------------


def _require_apart(sources: Sequence[Path], *outputs: Path) -> None:
    """Never overwrite a list that is read. ConfigError, also for an impossible file name."""
    for out in outputs:
        there = target_of(out).exists()
        for source in sources:
            if there and source.exists() and out.samefile(source):
                raise ConfigError(f"{out}: this is the list that is read, and it is never written over", "name another")


def _columns_out(listings: Sequence[OpenList | RowSource]) -> tuple[str, ...]:
    """`email`, `name` if any list has it, then the other columns in order of appearance, but for the name's own."""
    found = dict.fromkeys(
        column for listing in listings for column in listing.columns if column != _name_source(listing)
    )
    first = [column for column in ("email", "name") if column in found]
    return (*first, *(column for column in found if column not in first))


def _name_source(listing: OpenList | RowSource) -> str:
    return listing.header.name_source if isinstance(listing, OpenList) else ""


def _united(listings: Sequence[OpenList], columns: Sequence[str]) -> Iterator[Row | Finding]:
    for listing in listings:
        places = [listing.columns.index(column) if column in listing.columns else None for column in columns]
        for row in listing.rows:
            if isinstance(row, Finding):
                yield row
                continue
            values = ["" if place is None else row.values[place] for place in places]
            yield Row(row.line, row.email, values)


def _source(listing: OpenList) -> Source:
    return Source(listing.lines.path, listing.lines.encoding, listing.header.provider)


@contextmanager
def _addresses_of(path: Path, encoding: str, rules: Rules) -> Iterator[Audience]:
    with (
        open_list(path, guess=True, encoding=encoding, values=False, rules=rules) as listing,
        Audience(("email",), listing.rows) as audience,
    ):
        require_clear(audience, str(path))
        yield audience


def _lacking(here: Audience, there: Audience) -> Iterator[str]:
    """The addresses of one list that are missing from the other, in list order."""
    addresses = here.addresses()
    while batch := list(islice(addresses, _LOOKED_UP_AT_ONCE)):
        found = there.find([fold_address(address) for address in batch])
        yield from (address for address in batch if fold_address(address) not in found)
