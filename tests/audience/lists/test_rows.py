"""A list in CSV: every row is a subscriber or a finding with its line, whatever stands in the file."""

from __future__ import annotations

import csv
import io
import tracemalloc
from itertools import islice
from pathlib import Path

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES
from hypothesis import example, given
from hypothesis import strategies as st
from list_rows import read_subscribers

from newsletter.addresses import _PLAIN_ADDRESS, _normalize_any_address, fold_address, normalize_address
from newsletter.audience.audience import Audience
from newsletter.audience.lists.encoding import SAVE_AS_UTF8 as SAVE
from newsletter.audience.lists.encoding import SAVE_OR_CONVERT
from newsletter.audience.read_audience import read_audience
from newsletter.errors import ConfigError, ContentError
from newsletter.model.findings import Finding
from newsletter.model.subscriber import Subscriber


def write_list(folder: Path, content: str | bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def audience_of(folder: Path, content: str | bytes) -> Audience:
    return read_audience(write_list(folder, content))


def refusal_of(folder: Path, content: str | bytes) -> str:
    with pytest.raises(ContentError) as caught:
        audience_of(folder, content)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(folder), "")


# --- rows -----------------------------------------------------------------------------------------------------------


def test_columns_become_fields_in_lower_case(tmp_path: Path) -> None:
    audience = audience_of(tmp_path, "Email,Name,Favourite City\nann@example.com, Ann Lee ,Oslo\nbo@example.com,,\n")
    ann, bo = audience
    assert audience.columns == ("email", "name", "favourite city")
    assert (ann.email, ann.name, ann.line) == ("ann@example.com", "Ann Lee", 2)
    assert dict(ann.fields) == {"email": "ann@example.com", "name": "Ann Lee", "favourite city": "Oslo"}
    assert (bo.name, bo.line) == ("", 3)
    assert (audience.rows, audience.invalid, audience.duplicates) == (2, (), ())


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_dialects_of_spreadsheets(tmp_path: Path, bom: bytes, newline: str, delimiter: str) -> None:
    rows = [["名字", " E-MAIL ".replace("-", ""), "city"], ["王小明", "wang@example.com", "a, b; c"]]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=newline).writerows(rows)
    (wang,) = audience_of(tmp_path, bom + text.getvalue().encode())
    assert dict(wang.fields) == {"名字": "王小明", "email": "wang@example.com", "city": "a, b; c", "name": "王小明"}


def test_delimiter_is_the_one_that_makes_an_email_column(tmp_path: Path) -> None:
    (one,) = audience_of(tmp_path, "email;a,b,c,d\nann@example.com;x\n")
    assert one.fields["a,b,c,d"] == "x"


def test_quoted_line_breaks_keep_line_numbers_right(tmp_path: Path) -> None:
    content = 'email,note\n\n"ann@example.com","one\ntwo ""three"""\n,,\n   \nbo@example.com,x\nbad,y\n'
    audience = audience_of(tmp_path, content)
    assert [(s.email, s.line, s.fields["note"]) for s in audience] == [
        ("ann@example.com", 3, 'one\ntwo "three"'),
        ("bo@example.com", 7, "x"),
    ]
    assert [finding.line for finding in audience.invalid] == [8]
    assert audience.rows == 3


@pytest.mark.parametrize(
    ("row", "code", "words"),
    [
        (",Bob", "no-address", "',Bob' has no address"),
        ("  ,Bob", "no-address", "fill in the email column"),
        ("bob,Bob", "invalid-address", "'bob' is not an address: An email address must have an @-sign"),
        ("bob＠example.com,Bob", "invalid-address", "write @ in place of ＠"),
        ("Bob <bob@example.com> or <b@example.com>,", "invalid-address", "write 'bob@example.com' alone"),
        (f"{'a' * 65}@example.com,", "invalid-address", "the part before the @ has 65 octets, and may have 64"),
        (f"{'é' * 33}@example.com,", "invalid-address", "the part before the @ has 66 octets, and may have 64"),
        ("bob@localhost,", "invalid-address", "'bob@localhost'"),
        ("bob@example..com,", "invalid-address", "two periods in a row"),
        ('"""a b""@example.com",', "invalid-address", "Quoting the part before the @-sign is not allowed"),
        ("bob(work)@example.com,", "invalid-address", "'bob(work)@example.com'"),
        (f"{'a' * 300}@example.com,", "invalid-address", "312 characters, and an address at most 254"),
        ("bob@exa\u202emple.com,", "invalid-address", "'bob@exa\\u202emple.com'"),
        ("bob@example.com", "columns", "has 1 column, the header 2; add the missing ones"),
        ("bob@example.com,Smith,Bob", "columns", "has 3 columns, the header 2; quote a value that holds ','"),
        ("bob@example.com,Bob\x1b[31m", "control-character", "'name' is 'Bob\\x1b[31m'"),
        ("bob@example.com,Bob\x00", "control-character", "'Bob\\x00'"),
        ("bob@example.com,Bob\x85", "control-character", "'Bob\\x85'"),
        ('"bob\n@example.com",Bob', "invalid-address", "'bob @example.com'"),
        ("bob@example.com," + "x" * 10_001, "oversize", "'name' is 'xxx"),
        ("bob@example.com," + "x" * 200_000, "oversize", "more than 100,000 characters"),
        ('bob@example.com,"Bob', "quotes", "close the quoted value"),
        ('bob@example.com,"Bob" Smith', "quotes", "'bob@example.com,\"Bob\" Smith'"),
    ],
)
def test_a_bad_row_is_a_finding_and_the_rest_goes_on(tmp_path: Path, row: str, code: str, words: str) -> None:
    first = "ann@example.com," + "x" * 9_000  # keeps what follows out of the bytes searched for a binary file
    path = write_list(tmp_path, f"email,name\n{first}\n{row}\nzoe@example.com,Zoe\n")
    ann, bad, zoe = read_subscribers(path)
    assert isinstance(ann, Subscriber)
    assert isinstance(bad, Finding)
    assert isinstance(zoe, Subscriber)
    assert (zoe.email, zoe.line) == ("zoe@example.com", 4 + row.count("\n"))
    assert (bad.code, bad.line) == (code, 3)
    sentence = bad.at("list.csv")
    assert words in sentence
    assert bad.remedy
    assert sentence.isprintable()
    assert len(sentence) < 400


def test_a_quote_never_closed_costs_one_row(tmp_path: Path) -> None:
    people = "".join(f"p{number}@example.com,P\n" for number in range(20_000))
    audience = audience_of(tmp_path, f'email,name\nbad@example.com,"Bad\n{people}')
    assert [finding.line for finding in audience.invalid] == [2]
    assert len(audience) == 20_000
    assert list(audience)[-1].line == 20_002


def test_trailing_delimiters_of_spreadsheets_are_no_columns(tmp_path: Path) -> None:
    audience = audience_of(tmp_path, "email,name,,\nann@example.com,Ann,,\nbo@example.com,Bo\n,,,\n")
    assert [dict(s.fields) for s in audience] == [
        {"email": "ann@example.com", "name": "Ann"},
        {"email": "bo@example.com", "name": "Bo"},
    ]
    assert audience.columns == ("email", "name")
    assert audience.rows == 2


def test_streaming_reads_only_what_is_asked_for_in_flat_memory(tmp_path: Path) -> None:
    path = write_list(tmp_path, "email,note\n" + f"p@example.com,{'x' * 5_000}\n" * 4_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_subscribers(path)) == 4_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000 < path.stat().st_size
    rows = read_subscribers(write_list(tmp_path, b"email\nann@example.com\n" + b"x" * 200_000 + b"\n\xff\n"))
    assert [isinstance(row, Finding) for row in islice(rows, 2)] == [False, True]
    with pytest.raises(ContentError, match="csv:4: byte 1 of the line, 0xff, is not UTF-8"):
        next(rows)


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", '/list.csv: the list is empty; begin it with the header "email,name"'),
        (b"\n \n\n", '/list.csv: the list is empty; begin it with the header "email,name"'),
        (b"email,name\n\n,,\n", "/list.csv: nobody is on the list; add a row below the header"),
        (
            b"name,city\nAnn,Oslo\n",
            "/list.csv:1: no column is named email; the header has 'name', 'city'; name the column of addresses email",
        ),
        (
            "\n姓名;收件邮箱\n".encode(),
            "/list.csv:2: no column is named email; the header has '姓名', '收件邮箱'; rename '收件邮箱' to email",
        ),
        (
            b"Name,Work E-mail\n",
            "/list.csv:1: no column is named email; the header has 'Name', 'Work E-mail'; "
            "rename 'Work E-mail' to email",
        ),
        (
            b"Name,E-mail,Mail address\n",
            "/list.csv:1: the address may be in 'E-mail' or 'Mail address'; "
            "rename the column that mail is to go to to email",
        ),
        (
            b"from,to\nann@example.com,bo@example.com\n",
            "/list.csv:1: the address may be in 'from' or 'to'; rename the column that mail is to go to to email",
        ),
        (b"email,Name,name\n", "/list.csv:1: the column 'name' is there twice; rename or remove one of them"),
        (
            b'email,"na\nme"\n',
            "/list.csv:1: the header 'email,\"na' has a control character or a line break; "
            "write the column names on one line",
        ),
        (
            "email,name\nann@example.com,Ann\nbo@example.com,Jürg\n".encode("latin-1"),
            "/list.csv:3: byte 17 of the line, 0xfc, is not UTF-8; it looks like Latin-1, with words such as 'Jürg'; "
            f"{SAVE_OR_CONVERT}",
        ),
        (
            "email,姓名\na@example.com,王\n".encode("gb18030"),
            "/list.csv:1: byte 7 of the line, 0xd0, is not UTF-8; it looks like GB18030, with words such as '姓名'; "
            f"{SAVE_OR_CONVERT}",
        ),
        (
            "email\na@example.com\n".encode("utf-16-le"),
            f"/list.csv:1: the list looks like UTF-16 (LE), without the mark that would say so; {SAVE_OR_CONVERT}",
        ),
        (
            "email\n".encode("utf-32"),
            '/list.csv:1: the list is UTF-32, not UTF-8; save it as UTF-8 (in Excel: "CSV UTF-8")',
        ),
        (
            "email\n".encode("utf-16") + b"a",
            "/list.csv:2: bytes near this line are not UTF-16: truncated data; " + SAVE,
        ),
        (b"PK\x03\x04\x00", "/list.csv: a binary file, not a list in CSV; export the list as CSV in UTF-8"),
    ],
)
def test_a_list_that_cannot_be_used_gets_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    assert refusal_of(tmp_path, content) == sentence


def test_the_byte_is_counted_in_bytes(tmp_path: Path) -> None:
    assert ":2: byte 7 of the line, 0xff" in refusal_of(tmp_path, "email\n王王".encode() + b"\xff")


def test_a_path_that_cannot_be_read_gets_a_sentence(tmp_path: Path) -> None:
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    for path, words in [
        (tmp_path / "none.csv", "there is no such file; give the path of a CSV file"),
        (tmp_path, "a folder, not a list; give the path of a CSV file"),
        (loop, "cannot be read: Too many levels of symbolic links; make the file readable"),
    ]:
        with pytest.raises(ConfigError) as caught:
            read_audience(path)
        assert str(caught.value) == f"{path}: {words}"


# --- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "normalized"),
    [
        ("Info@Example.COM", "Info@example.com"),
        ("Info@BÜCHER.example", "Info@xn--bcher-kva.example"),
        ("用户@例え。テスト", "用户@xn--r8jz45g.xn--zckzah"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("me@host.test", "me@host.test"),
        ("o'neil+news@sub.example.org", "o'neil+news@sub.example.org"),
    ],
)
def test_normalized_addresses(written: str, normalized: str) -> None:
    assert normalize_address(written) == normalized
    assert normalize_address(normalized) == normalized


def _normalized_or_refused(text: str, normalize: object) -> str | None:
    assert callable(normalize)
    try:
        return str(normalize(text))
    except ValueError:
        return None


_labels = st.text(alphabet="abzABZ019-x", min_size=1, max_size=65) | st.sampled_from(["xn--a", "ab--c", "x", "com"])
_tops = st.sampled_from(["com", "Test", "local", "LOCALHOST", "onion", "arpa", "invalid", "c0m", "c", "co-m"]) | _labels
_locals = st.text(alphabet="aZ0._-+'!#\"\\ é", min_size=0, max_size=70)
_near_addresses = st.builds(
    lambda local, labels, top: f"{local}@{'.'.join([*labels, top])}", _locals, st.lists(_labels, max_size=4), _tops
)


@given(st.from_regex(_PLAIN_ADDRESS, fullmatch=True) | _near_addresses | st.emails() | st.text())
@example("a" * 242 + "@example.com")
@example("a" * 243 + "@example.com")
@example("a@" + "b" * 63 + ".com")
@example("a@" + "b" * 64 + ".com")
@example("a@" + ".".join(["b" * 60] * 4) + ".com")
@example("a@b-.com")
@example("a@ab--c.com")
@example("a@XN--BCHER-KVA.example")
@example("a@example.com\n")
def test_the_short_way_agrees_with_email_validator(text: str) -> None:
    assert _normalized_or_refused(text, normalize_address) == _normalized_or_refused(text, _normalize_any_address)


@pytest.mark.parametrize("name", SPECIAL_USE_DOMAIN_NAMES)
def test_the_short_way_knows_every_reserved_domain(name: str) -> None:
    for text in (f"a@{name}", f"a@b.{name}", f"a@b.{name.upper()}"):
        assert _normalized_or_refused(text, normalize_address) == _normalized_or_refused(text, _normalize_any_address)


def test_ordinary_addresses_take_the_short_way() -> None:
    for text in ("ann@example.com", "Ann.Lee+news@Mail-1.Example.co.uk", "王@example.com"):
        assert bool(_PLAIN_ADDRESS.fullmatch(text)) is text.isascii()


@given(st.emails())
def test_spellings_of_one_address_fold_together(address: str) -> None:
    local, _, domain = normalize_address(address).rpartition("@")
    assert fold_address(normalize_address(f"{local.swapcase()}@{domain.upper()}")) == fold_address(f"{local}@{domain}")


# --- any list -------------------------------------------------------------------------------------------------------

_cells = st.sampled_from(["ann@example.com", "ANN@example.com", "bo@bücher.example", "bad", "", " "]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=12
)


@given(st.lists(st.tuples(_cells, _cells), min_size=1, max_size=12), st.sampled_from([",", ";", "\t"]))
def test_every_row_written_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], delimiter: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["email", "note"])
    writer.writerow(["first@example.com", "x" * 9_000])
    writer.writerows(rows)
    audience = audience_of(tmp_path_factory.mktemp("any"), text.getvalue())
    filled = sum(1 for row in rows if any(cell.strip() for cell in row))
    assert audience.rows == 1 + filled
    assert audience.rows == len(audience) + len(audience.invalid) + len(audience.duplicates)
    keys = [fold_address(subscriber.email) for subscriber in audience]
    assert len(keys) == len(set(keys))
    lines = [row.line for row in (*audience, *audience.invalid, *audience.duplicates)]
    assert len(set(lines)) == len(lines)


@given(st.binary(max_size=200) | st.text().map(str.encode))
@example(b'email\n"')
@example(b'"email')
@example(b"\xef\xbb\xbf")
def test_any_bytes_give_an_audience_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    for path in (write_list(folder, content), write_list(folder, b"email,name\n" + content, "body.csv")):
        sentences: list[str] = []
        try:
            audience = read_audience(path)
        except ContentError as error:
            sentences.append(str(error))
        else:
            findings = (*audience.invalid, *audience.duplicates)
            sentences += [finding.at("list.csv") for finding in findings]
            assert audience.rows == len(audience) + len(findings)
        assert all(sentence.isprintable() for sentence in sentences)
