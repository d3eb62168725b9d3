"""Plain rows, read by the page, are those that are read one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.addresses import MAX_LOCAL_OCTETS, normalize_address, normalize_plain
from newsletter.audience.audience import Audience
from newsletter.audience.lists import rows as reading
from newsletter.audience.lists.encoding import MAX_ROW_CHARS, Lines
from newsletter.audience.lists.plain_rows import MAX_VALUE_CHARS
from newsletter.audience.lists.rows import Row, open_list
from newsletter.errors import ContentError
from newsletter.model.findings import Finding

ADDRESSES = (
    *(
        "ann@example.com",
        "Bo.Li+x@Example.COM",
        "o'neil@a-b.example.org",
        "li@例え.jp",
        "王@example.com",
        "x@example.test",
    ),
    *(f"{'l' * 64}@example.com", f"{'l' * 65}@example.com", "a@xn--bcher-kva.example", "a..b@example.com", "ann@local"),
    *("nobody", "", " ann@example.com ", "Ann <ann@example.com>", "ann@example.com.", "a@b", "ann@localhost", "＠"),
)
CELLS = (
    *(
        "",
        "Ann",
        " Bo ",
        "王小明",
        "Łukasz",
        "a b",
        "pro",
        "unsubscribed",
        "UNSUB",
        "opted out",
        "退订",
        "opt-out",
        "no",
    ),
    *('"quoted"', '"', '"a,b"', "x,y", "\u3000王", "\u00a0", "\u200b", "\t", "\x07", "\u2028", "\x85", "l" * 300),
    "l" * MAX_VALUE_CHARS,
)
ENDS = ("\n", "\n", "\n", "\r\n", "\r")


HEADERS = (
    ("email", "name"),
    ("name", "email", "plan"),
    ("First name", "email", "Last name"),
    ("email",),
    ("n", "Email", ""),
)
ROWS_OF_CELLS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(CELLS), st.sampled_from(ADDRESSES)), max_size=12)


@st.composite
def lists(draw: st.DrawFn) -> str:
    """A list of plain rows, every other of them with one odd cell, or an odd address, or a cell too many."""
    delimiter, end = draw(st.sampled_from(",;\t")), draw(st.sampled_from(ENDS))
    header = draw(st.sampled_from(HEADERS))
    if draw(st.integers(0, 3)) == 0:
        header = (*header, "status")
    at = next(number for number, name in enumerate(header) if name.lower() == "email")
    lines = [delimiter.join(header)]
    for number, (oddity, cell, address) in enumerate(draw(ROWS_OF_CELLS)):
        cells = ["x"] * len(header)
        cells[at] = address if oddity == 0 else f"reader{number}@example.com"
        if oddity == 1:
            cells.append(cell)
        elif oddity < 4 and len(cells) > 1:
            cells[0 if at else -1] = cell
        lines.append(delimiter.join(cells))
    return end.join(lines) + draw(st.sampled_from(("", end, end * 2)))


@contextmanager
def one_by_one() -> Iterator[None]:
    with mock.patch.object(Lines, "page", return_value=[]):
        yield


def read(path: Path, *, addresses: bool, values: bool) -> list[Row | Finding] | str:
    found: list[Row | Finding] = []
    try:
        with open_list(path, addresses=addresses, values=values) as listing:
            found.extend(Row(r.line, r.email, tuple(r.values)) if isinstance(r, Row) else r for r in listing.rows)
            return [*found, Finding("end", str(listing.lines.number))]
    except ContentError as error:
        return f"{found}{error}"


@given(lists(), st.booleans(), st.booleans(), st.integers(1, 9))
@example(
    "email,name\n" + "a@example.com,x\n" * 3 + f"b@example.com,{'y' * (MAX_ROW_CHARS + 9)}\nc@example.com,z\n",
    True,
    True,
    9,
)
@example("email,name\na@example.com,\udcff\nc@example.com,z\n", True, True, 9)
@example('email,name\na@example.com,"Ann"\nb@example.com,x\n', True, True, 2)
@example("email,name\na@example.com, Ann\nb@example.com,x\n", True, True, 2)
@example("email,name,plan\na@example.com,Ann ,x\nb@example.com,x,\u3000y\n", True, True, 2)
@example(
    "email\nmailto:a@example.com\n<b@example.com>\na\u200b@example.com\nc@example.com:::d@example.com\n",
    False,
    False,
    2,
)
@example("email\n a@example.com\nb@example.com \n", True, True, 9)
@example(
    "email,name\na@example.com,x\nnobody,y\n,\n,z\nb@example.com,x\nli@例え.jp,z\nAnn <c@example.com>,z", True, True, 9
)
@example(
    "\ufeffemail,name\r\n" + "a@example.com,x\r\n" * 5 + '"b@example.com","x\r\ny"\r\n' + "\r\nc@example.com,z\r\n" * 5,
    True,
    True,
    6,
)
@example("email,name\na@example.com, \nb@example.com,x", True, True, 9)
def test_the_rows_and_findings_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, content: str, addresses: bool, values: bool, at_once: int
) -> None:
    path = tmp_path_factory.mktemp("lists") / "list.csv"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with mock.patch.object(reading, "_SAMPLE_LINES", 1), mock.patch.object(reading, "_PAGE_LINES", at_once):
        with mock.patch.object(reading, "_FEW_LINES", max(1, at_once // 3)):
            found = read(path, addresses=addresses, values=values)
        with one_by_one():
            assert found == read(path, addresses=addresses, values=values)


def test_a_plain_list_is_read_by_the_page(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("email,name\n" + "".join(f"p{number}@example.com,王 {number}\n" for number in range(300)))
    with (
        mock.patch.object(reading, "_SAMPLE_LINES", 1),
        mock.patch.object(reading, "normalize_address", side_effect=AssertionError("one by one")),
        open_list(path) as listing,
    ):
        rows = [row for row in listing.rows if isinstance(row, Row)]
    assert [(row.line, row.email, *row.values) for row in rows[::100]] == [
        (number + 2, f"p{number}@example.com", f"p{number}@example.com", f"王 {number}") for number in (0, 100, 200)
    ]


LOCALS = st.text("aZ0.!#'+-_@é ", max_size=MAX_LOCAL_OCTETS + 2)
DOMAINS = st.text("aZ09.-_@é", max_size=20) | st.sampled_from(("a.local", "xn--a.de", "a.onion", "a.b.com", "a.c1"))


@given(st.lists(st.builds("{}@{}".format, LOCALS, DOMAINS) | st.text(max_size=20), max_size=3))
@example([f"{'l' * 64}@a.de", f"{'l' * 65}@a.de"])
@example(["ann@example.com\n"])
@example(["a@b@a.de", "a.de"])
@example(["a@a.de", "a.@a.de"])
@example(["a@a.de", ".a@a.de"])
@example(["@a.de", "a@a.de"])
@example(["a@a.de", "a.a.de\nb@a.de"])
def test_many_addresses_are_normalized_as_each_is(texts: list[str]) -> None:
    for text, found in zip(texts, normalize_plain(texts), strict=True):
        assert found is None or found == normalize_address(text)


def test_common_addresses_are_plain() -> None:
    common = ["ann@example.com", "Bo.Li+x@Example.COM", f"{'l' * 64}@example.com"]
    assert normalize_plain(common) == ["ann@example.com", "Bo.Li+x@example.com", f"{'l' * 64}@example.com"]
    odd = [
        "ann",
        "ann@example",
        "a..b@example.com",
        "a@b@example.com",
        "@example.com",
        "li@例え.jp",
        f"{'l' * 65}@a.de",
    ]
    for address in odd:
        assert normalize_plain(["ann@example.com", address]) == ["ann@example.com", None]


def test_columns_that_may_be_blank_are_known(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("email,name,plan,city\na@example.com,Ann,pro,\nb@example.com,Bo,,x\nno,, ,\n")
    with open_list(path) as listing, Audience(listing.columns, listing.rows) as audience:
        assert audience.may_be_blank == {"plan", "city"}
