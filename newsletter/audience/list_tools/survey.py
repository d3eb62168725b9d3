"""Survey a list for `subscribers check`: faults, hints and counts, in one pass and constant memory.

It counts with `Audience`, so that a check and a send never differ about who is on a list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from newsletter.audience.audience import Audience
from newsletter.audience.list_tools.address_hints import remarks_on, to_look_at
from newsletter.audience.lists.encoding import UTF_8, Encoding
from newsletter.audience.lists.layout import DELIMITERS
from newsletter.audience.lists.rows import OpenList, Row, RowSource, open_list, split_rows
from newsletter.audience.read_audience import SignUps, is_sign_ups, open_rows, why_empty
from newsletter.audience.segments import parse_segment
from newsletter.audience.unclear_column import UnclearColumn
from newsletter.frozen import frozen
from newsletter.model.column_rules import NO_RULES, Rules
from newsletter.model.findings import Finding

NAMED = 10
"""How many findings of a kind are kept by default; all are counted."""

_ROWS_AT_ONCE = 1_000

# The order of kinds in reports: what prevents mailing comes first.
_ORDER = (
    *("encoding", "no-header", "unclear-column", "unclear", "quotes", "columns", "oversize", "control-character"),
    *("no-address", "invalid-address"),
)


@frozen
class ListSurvey:
    """A list as `check` reports it.

    `findings` holds the first of each kind, by line, `counts` the number of all. `rows` = `good` + `outside` +
    `invalid` + `duplicates` + `excluded`, whose reasons begin with "unclear" if they may have unsubscribed or not;
    `good` are those in the segment, if one was given. `flagged` are rows for a human to check, including those outside
    the segment and duplicates. `why_empty` says why no subscriber is left to mail.
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
    unclear: tuple[UnclearColumn, ...] = ()
    why_empty: str = ""

    @property
    def at_fault(self) -> bool:
        """Whether a row, or all of them, would get no mail for a fault that can be corrected."""
        return bool(self.invalid or self.encoding.guessed or self.unclear or self.why_empty)


def survey_list(
    path: Path | str,
    *,
    where: str = "",
    addresses: bool = True,
    encoding: str = "",
    named: int | None = NAMED,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    sign_ups: SignUps | None = None,
    rules: Rules = NO_RULES,
) -> ListSurvey:
    """Read a whole list and survey it. `named` findings of each kind are kept, all if None.

    Without `addresses` the addresses are not validated: duplicates are counted, nothing else is checked.
    `on_progress` is called with the bytes read and the total. `sign_ups` and `rules` are as in `read_audience`.
    Errors as `open_list`, and SegmentError.
    """
    segment = parse_segment(where) if where else None
    # Only a segment needs more columns than the address.
    values = segment is not None
    with ExitStack() as opened:
        people: OpenList | RowSource
        if is_sign_ups(str(path)):
            people = open_rows(str(path), sign_ups, opened)
        else:
            people = opened.enter_context(
                open_list(Path(path), guess=True, encoding=encoding, addresses=addresses, values=values, rules=rules)
            )
        if segment is not None:
            segment.require_columns(people.columns)
        notes = _Notes(named)
        rows = _noted(people, notes, addresses=addresses, on_progress=_sized(Path(path), on_progress))
        columns = people.columns if values or not isinstance(people, OpenList) else ("email",)
        audience = opened.enter_context(Audience(columns, rows, segment))
        for finding, _ in audience.all_duplicates():
            notes.add(finding)
        return _survey(people, notes, audience)


def _survey(people: OpenList | RowSource, notes: _Notes, audience: Audience) -> ListSurvey:
    listing = people if isinstance(people, OpenList) else None
    encoding = listing.lines.encoding if listing else UTF_8
    if encoding.guessed:
        notes.add(_of_encoding(encoding))
    if listing and listing.header.is_made_up:
        what = f"the list has no header; its columns are called {', '.join(listing.columns)}"
        notes.add(Finding("no-header", what, 'to name them, put a first line such as "email,name" above', 1))
    for column in audience.unclear:
        notes.add(Finding("unclear-column", column.what, column.remedy))
    return ListSurvey(
        encoding=encoding,
        delimiter=DELIMITERS.get(listing.delimiter, listing.delimiter) if listing else "",
        columns=people.columns,
        email_column=listing.header.written if listing else "email",
        provider=listing.header.provider if listing else "",
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
        unclear=audience.unclear,
        why_empty=_why_empty(audience),
    )


def _why_empty(audience: Audience) -> str:
    if audience or audience.unclear:
        return ""
    return why_empty(audience) if audience.rows else "nobody is on the list"


def _of_encoding(encoding: Encoding) -> Finding:
    names = ", ".join(map(repr, encoding.names))
    sample = f", with values such as {names}" if names else ""
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
    people: OpenList | RowSource, notes: _Notes, *, addresses: bool, on_progress: Callable[[int], None]
) -> Iterator[Row | Finding]:
    """Pass the rows through, noting findings of each."""
    while rows := list(islice(people.rows, _ROWS_AT_ONCE)):
        if isinstance(people, OpenList):
            on_progress(people.lines.bytes_read)
        good, bad = split_rows(rows)
        for finding in bad:
            notes.add(finding)
        for place in to_look_at([row.email for row in good]) if addresses else ():
            if remarks := remarks_on(good[place].email, good[place].line):
                notes.flagged += 1
                for remark in remarks:
                    notes.add(remark)
        yield from rows


def _sized(path: Path, on_progress: Callable[[int, int], None]) -> Callable[[int], None]:
    size = path.stat().st_size if path.exists() else 0
    return lambda done: on_progress(min(done, size), size)
