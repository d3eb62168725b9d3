"""What is wrong with a list, what is odd about it, and how many people it has: read once, in flat memory.

It counts with `Audience`, so that a check and a send never differ about who is on a list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from newsletter.audience import Audience
from newsletter.list_checks import remarks_on
from newsletter.list_layout import DELIMITERS
from newsletter.list_text import Encoding
from newsletter.model import Finding
from newsletter.segments import parse_segment
from newsletter.subscribers import Listing, Row, open_list

NAMED = 10
"""How many findings of a kind are kept by default; all are counted."""

_ROWS_AT_ONCE = 1_000

# The order in which kinds are told: what keeps people from being mailed first.
_ORDER = ("encoding", "quotes", "columns", "oversize", "control-character", "no-address", "invalid-address")


@dataclass(frozen=True, slots=True)
class Survey:
    """A list as `check` tells of it.

    `findings` holds the first of each kind, by line, `counts` how many there were. `rows` = `good` + `outside` +
    `invalid` + `duplicates` + `excluded`; `good` are those in the segment, where one was asked for. `flagged` are
    rows that a person should look at, whoever is outside the segment and duplicates included.
    """

    encoding: Encoding
    delimiter: str
    columns: tuple[str, ...]
    email_column: str
    provider: str
    segment: str
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]
    rows: int
    good: int
    outside: int
    invalid: int
    duplicates: int
    excluded: Mapping[str, int]
    flagged: int

    @property
    def at_fault(self) -> bool:
        """Whether a row, or all of them, would go without mail for a fault that somebody can mend."""
        return bool(self.invalid or self.encoding.guessed)


def survey_list(
    path: Path,
    *,
    where: str = "",
    addresses: bool = True,
    encoding: str = "",
    named: int | None = NAMED,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Survey:
    """Read a list whole and say what it is like. `named` findings of each kind are kept, all with None.

    Without `addresses` the addresses are taken as they stand: duplicates are counted, nothing else is looked at.
    `on_progress` is told the bytes read, and of how many. Errors as `open_list`, and SegmentError.
    """
    segment = parse_segment(where) if where else None
    # Only a segment needs more of a row than its address.
    values = segment is not None
    with open_list(path, guess=True, encoding=encoding, addresses=addresses, values=values) as listing:
        if segment is not None:
            segment.require_columns(listing.columns)
        notes = _Notes(named)
        rows = _noted(listing, notes, addresses=addresses, on_progress=_sized(path, on_progress))
        with Audience(listing.columns if values else ("email",), rows, segment) as audience:
            for finding, _ in audience.all_duplicates():
                notes.add(finding)
            return _survey(listing, notes, audience)


def _survey(listing: Listing, notes: _Notes, audience: Audience) -> Survey:
    encoding = listing.lines.encoding
    if encoding.guessed:
        notes.add(_of_encoding(encoding))
    return Survey(
        encoding=encoding,
        delimiter=DELIMITERS[listing.delimiter],
        columns=listing.columns,
        email_column=listing.header.written,
        provider=listing.header.provider,
        segment=audience.segment_source,
        findings=notes.in_order(),
        counts=notes.counts,
        rows=audience.rows,
        good=len(audience),
        outside=audience.outside_count,
        invalid=audience.invalid_count,
        duplicates=audience.duplicates_count,
        excluded=audience.excluded,
        flagged=notes.flagged,
    )


def _of_encoding(encoding: Encoding) -> Finding:
    sample = f", with words such as {encoding.sample!r}" if encoding.sample else ""
    remedy = "send refuses it; `newsletter subscribers convert` makes a list in UTF-8 of it, look at the names there"
    return Finding("encoding", f"the list is not UTF-8 and looks like {encoding.name}{sample}", remedy)


class _Notes:
    """Findings: the first of each kind, and the count of all."""

    def __init__(self, named: int | None) -> None:
        self.counts: Counter[str] = Counter()
        self.flagged = 0
        self._named = named
        self._findings: list[Finding] = []

    def add(self, finding: Finding) -> None:
        self.counts[finding.code] += 1
        if self._named is None or self.counts[finding.code] <= self._named:
            self._findings.append(Finding(finding.code, finding.what, finding.remedy, finding.line))

    def in_order(self) -> tuple[Finding, ...]:
        """By kind, the worst first, then by line."""

        def place(finding: Finding) -> tuple[int, str, int]:
            rank = _ORDER.index(finding.code) if finding.code in _ORDER else len(_ORDER)
            return rank, finding.code, finding.line or 0

        return tuple(sorted(self._findings, key=place))


def _noted(
    listing: Listing, notes: _Notes, *, addresses: bool, on_progress: Callable[[int], None]
) -> Iterator[Row | Finding]:
    """The rows as they pass, each looked at."""
    while rows := list(islice(listing.rows, _ROWS_AT_ONCE)):
        on_progress(listing.lines.bytes_read)
        for row in rows:
            if not isinstance(row, Row):
                notes.add(row)
            elif addresses and (remarks := remarks_on(row.email, row.line)):
                notes.flagged += 1
                for remark in remarks:
                    notes.add(remark)
        yield from rows


def _sized(path: Path, on_progress: Callable[[int, int], None]) -> Callable[[int], None]:
    size = path.stat().st_size
    return lambda done: on_progress(min(done, size), size)
