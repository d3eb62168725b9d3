"""Where a list has its header and its addresses: titles, `sep=`, no header, several addresses, white space."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from list_rows import read_subscribers

from newsletter.audience.lists.cells import bare_address, one_line, trim
from newsletter.audience.lists.layout import find_layout
from newsletter.audience.lists.rows import Row, open_list
from newsletter.errors import ContentError
from newsletter.model.findings import Finding


def people_of(folder: Path, text: str) -> list[tuple[str, str]]:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return [
        (person.email, person.fields.get("name", ""))
        for person in read_subscribers(path)
        if not isinstance(person, Finding)
    ]


ANN = [("ann@example.com", "Ann"), ("bo@example.com", "Bo")]


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\r\nemail;name\r\nann@example.com;Ann\r\nbo@example.com;Bo\r\n",
        '\ufeff"sep=,"\nemail,name\nann@example.com,Ann\nbo@example.com,Bo\n',
        "sep=|\nemail|name\nann@example.com|Ann\nbo@example.com|Bo\n",
        "SEP=:\nemail:name\nann@example.com:Ann\nbo@example.com:Bo\n",
        "email|name\nann@example.com|Ann\nbo@example.com|Bo\n",
        "Our readers\n\nemail,name\nann@example.com,Ann\nbo@example.com,Bo\n",
        "Export of 2026-01-01,,\nemail,name,\nann@example.com,Ann,\nbo@example.com,Bo,\n",
        "Readers\nKontakt;Name\nann@example.com;Ann\nbo@example.com;Bo\n",
        "Subscriber,Name\nann@example.com,Ann\nbo@example.com,Bo\n",
        "name,wohin damit\nAnn,ann@example.com\nBo,bo@example.com\n",
        "Name,E-mail 1 - Label,E-mail 1 - Value\nAnn,* Home,ann@example.com\nBo,,bo@example.com\n",
        "Name,E-mail Address,E-mail 2 Address\nAnn,ann@example.com,a2@example.com\nBo,,bo@example.com\n",
        "E-mail 2 - Value,E-mail 1 - Value,Name\na2@example.com,ann@example.com,Ann\n,bo@example.com,Bo\n",
        'name,email\nAnn,"Ann Lee <ann@example.com>"\nBo,<bo@example.com>\n',
        "name,email\nAnn,mailto:ann@example.com\nBo,MAILTO:bo@example.com?subject=x\n",
        "name,email\nAnn,ann@example.com ::: a2@example.com\nBo,bo@example.com\n",
        "name,email\nAnn,ann@example.com\t\nBo,\u00a0bo@example.com\u3000\n",
        "name,email\n\u200bAnn\u200b,\ufeffann@example.com\nBo,bo@\u200bexample.com\u2060\n",
        'name,email\n" Ann\n",ann@example.com\n"Bo","bo@example.com\n"\n',
        "Mail,Email Address,name\nyes,ann@example.com,Ann\nno,bo@example.com,Bo\n",
    ],
)
def test_addresses_are_found_wherever_they_are(tmp_path: Path, text: str) -> None:
    assert people_of(tmp_path, text) == ANN


def test_a_list_without_a_header_has_made_up_columns(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("ann@example.com,Ann,pro\nbo@example.com,Bo,free\n")
    with open_list(path) as listing:
        rows = [row for row in listing.rows if isinstance(row, Row)]
    assert listing.header.is_made_up
    assert listing.columns == ("email", "column 2", "column 3")
    assert [(row.line, row.email) for row in rows] == [(1, "ann@example.com"), (2, "bo@example.com")]


@pytest.mark.parametrize(
    "text",
    [
        "Ann <ann@example.com>; Bo <bo@example.com>\n",
        "ann@example.com, bo@example.com, cy@example.com\n",
        "ann@example.com\tbo@example.com\ncy@example.com\tdi@example.com\n",
        "Ann,ann@example.com,bo@example.com\nCy,cy@example.com,\n",
    ],
)
def test_several_addresses_of_a_line_without_a_header_are_not_one_subscriber(tmp_path: Path, text: str) -> None:
    with pytest.raises(ContentError, match="each subscriber on a line of their own"):
        people_of(tmp_path, text)


def test_the_same_address_twice_on_a_line_is_one_subscriber(tmp_path: Path) -> None:
    assert people_of(tmp_path, "ann@example.com,ANN@example.com\n") == [("ann@example.com", "")]


def test_a_break_inside_a_name_is_a_space(tmp_path: Path) -> None:
    assert people_of(tmp_path, 'email,name\na@x.io,"Ann\r\n Lee"\n') == [("a@x.io", "Ann Lee")]
    assert one_line(" Bo\nBcc: e@x.io ") == "Bo Bcc: e@x.io"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("from,to\na@x.io,b@x.io\n", "the address may be in 'from' or 'to'"),
        ("name,E-mail 1 - Label\nAnn,Home\n", "name the column of addresses email"),
    ],
)
def test_advice_names_the_right_column(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ContentError, match=words):
        people_of(tmp_path, text)


def test_line_numbers_count_what_is_above_the_header(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("\nsep=,\n\nA title\nemail,name\nann@example.com,Ann\nbad,Bo\n")
    assert [person.line for person in read_subscribers(path)] == [6, 7]


def test_white_space_of_every_kind_is_trimmed() -> None:
    assert trim("\u200b \t\u00a0Ann\u3000\ufeff\r\n") == "Ann"
    assert trim("Ann\x85") == "Ann\x85"  # a control character of Latin-1, that is to be told
    assert bare_address("Ann <\u200bann@example.com> ,") == "ann@example.com"


@given(st.lists(st.text(alphabet='a@.,;|\t"\n sep=<>', max_size=20).map(lambda text: text + "\n"), min_size=1))
def test_any_first_lines_have_a_layout(lines: list[str]) -> None:
    if any(line.strip() for line in lines):
        layout = find_layout(lines)
        assert 0 <= layout.skipped < len(lines)
        assert len(layout.delimiter) == 1
