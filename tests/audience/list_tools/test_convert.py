"""Lists from lists: a clean one, one of several, one for a spreadsheet, and who joined and left."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.audience.audience import ON_ANOTHER_ROW
from newsletter.audience.list_tools.convert import compare_lists, convert_list, export_list, merge_lists
from newsletter.audience.read_audience import read_audience
from newsletter.errors import ConfigError, ContentError

MESSY = """ 姓名 ;邮箱;Plan
王小明;WANG@例え.テスト;pro
;bob;free
王;wang@xn--r8jz45g.xn--zckzah;free
"李; 娜";li@example.com;free
"""


def write(folder: Path, content: str | bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030"])
def test_convert_writes_a_clean_list_that_is_read_without_a_word(tmp_path: Path, codec: str) -> None:
    path = write(tmp_path, MESSY.encode(codec))
    before = path.read_bytes()
    made = convert_list(path, tmp_path / "clean.csv")
    assert (tmp_path / "clean.csv").read_bytes().decode() == (
        "email,name,plan\nWANG@xn--r8jz45g.xn--zckzah,王小明,pro\nli@example.com,李; 娜,free\n"
    )
    assert (made.rows, made.people, made.invalid, made.duplicates) == (4, 2, 1, 1)
    assert path.read_bytes() == before
    with read_audience(made.path) as audience:
        assert (len(audience), audience.rows) == (2, 2)
    assert made.rejected == tmp_path / "clean.rejected.csv"
    header, bad, twice = rows_of(made.rejected)
    assert header == ["line", "kind", "reason", "row"]
    assert bad[:2] == ["3", "invalid-address"]
    assert bad[3] == ";bob;free"
    assert twice[:2] == ["4", "duplicate"]
    assert "is already on line 2" in twice[2]


def test_latin_1_names_come_out_right(tmp_path: Path) -> None:
    path = write(tmp_path, "Vorname;Nachname;E-Mail-Adresse\nJürg;Müller;j@example.ch\n".encode("latin-1"))
    made = convert_list(path, tmp_path / "clean.csv")
    assert made.sources[0].encoding.name == "Latin-1"
    assert rows_of(made.path) == [
        ["email", "name", "vorname", "nachname"],
        ["j@example.ch", "Jürg Müller", "Jürg", "Müller"],
    ]


def test_without_a_bad_row_there_is_no_file_of_them(tmp_path: Path) -> None:
    (tmp_path / "clean.rejected.csv").write_text("of last week")
    made = convert_list(write(tmp_path, "email\nann@example.com\n"), tmp_path / "clean.csv")
    assert made.rejected is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean.csv", "list.csv"]


def test_every_bad_row_is_kept_however_many(tmp_path: Path) -> None:
    rows = "".join(f"bad{number}\nann@example.com\n" for number in range(1_500))
    made = convert_list(write(tmp_path, f"email\n{rows}"), tmp_path / "clean.csv")
    assert made.rejected
    assert len(rows_of(made.rejected)) == 1 + 1_500 + 1_499


def test_a_segment_alone_may_be_written(tmp_path: Path) -> None:
    made = convert_list(write(tmp_path, MESSY), tmp_path / "pro.csv", where="plan == 'pro'")
    assert (made.people, made.outside) == (1, 1)


def test_no_list_is_written_over(tmp_path: Path) -> None:
    path = write(tmp_path, MESSY)
    (tmp_path / "link.csv").symlink_to(path)
    (tmp_path / "x.rejected.csv").symlink_to(path)
    before = path.read_bytes()
    for out in ("list.csv", "link.csv", "x.csv"):
        with pytest.raises(ConfigError, match="is the list that is read, and it is never written over"):
            convert_list(path, tmp_path / out)
    for out in ("list.csv", "link.csv"):
        with pytest.raises(ConfigError, match="never written over"):
            merge_lists([write(tmp_path, "email\n", "b.csv"), path], tmp_path / out)
        with pytest.raises(ConfigError, match="never written over"):
            export_list(path, tmp_path / out)
    assert path.read_bytes() == before


def test_what_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = write(tmp_path, b"email,name\nann@example.com,Ann\n" + b"x" * 20_000 + b"\n\x81\n")
    (tmp_path / "clean.csv").write_text("of last week")
    with pytest.raises(ContentError, match="are not big5"):
        convert_list(path, tmp_path / "clean.csv", encoding="big5")
    assert (tmp_path / "clean.csv").read_text() == "of last week"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean.csv", "list.csv"]
    with pytest.raises(ConfigError, match="cannot be written"):
        convert_list(write(tmp_path, MESSY), tmp_path / "list.csv" / "clean.csv")


# --- exports of providers -------------------------------------------------------------------------------------------

MAILCHIMP = """"Email Address","First Name","Last Name",MEMBER_RATING,OPTIN_TIME,LAST_CHANGED,LEID,EUID,NOTES,TAGS
ann@example.com,Ann,Lee,2,"2026-01-01 10:00:00","2026-01-01 10:00:00",1,e1,,"""
MAILCHIMP += '"""ai"",""news"""\n'
EXPORTS = {
    "Mailchimp": (MAILCHIMP, {}),
    "Substack": (
        "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n"
        "ann@example.com,false,,other,false,2026-01-01,\nbo@example.com,true,2027-01-01,yearly,true,2026-01-01,\n",
        {"unsubscribed": 1},
    ),
    "Ghost": (
        "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels\n"
        "1,ann@example.com,Ann,,true,false,,2026-01-01T10:00:00.000Z,,ai\n"
        "2,bo@example.com,Bo,,false,false,,2026-01-01T10:00:00.000Z,,\n",
        {"unsubscribed": 1},
    ),
    "Buttondown": (
        "id,secondary_id,email,notes,subscriber_type,referrer_url,creation_date,subscription_date,unsubscription_date\n"
        "1,1,ann@example.com,,regular,,2026-01-01,2026-01-01,\n2,2,bo@example.com,,unactivated,,2026-01-01,,\n"
        "3,3,cy@example.com,,undeliverable,,2026-01-01,,\n",
        {"not confirmed": 1, "bounced": 1},
    ),
    "listmonk": (
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        '1,ann@example.com,Ann,"{""plan"": ""pro""}",enabled,2026-01-01,2026-01-01\n'
        "2,bo@example.com,Bo,{},blocklisted,2026-01-01,2026-01-01\n",
        {"blocked": 1},
    ),
}


@pytest.mark.parametrize("provider", EXPORTS)
def test_an_export_is_known_and_its_leavers_are_left_out(tmp_path: Path, provider: str) -> None:
    content, excluded = EXPORTS[provider]
    path = write(tmp_path, content)
    made = convert_list(path, tmp_path / "clean.csv")
    assert made.sources[0].provider == provider
    assert made.excluded == excluded
    header, *people = rows_of(made.path)
    assert header[0] == "email"
    assert [row[0] for row in people] == ["ann@example.com"]
    with read_audience(path) as audience:  # as it stands, too
        assert list(audience.addresses()) == ["ann@example.com"]
        assert audience.excluded == excluded


def test_whoever_is_out_on_one_row_is_out(tmp_path: Path) -> None:
    rows = "email,status\nann@example.com,active\nANN@example.com,unsubscribed\nbo@example.com,\nbad,unsubscribed\n"
    with read_audience(write(tmp_path, rows)) as audience:
        assert list(audience.addresses()) == ["bo@example.com"]
        assert audience.excluded == {"unsubscribed": 2, ON_ANOTHER_ROW: 1}


# --- merge ----------------------------------------------------------------------------------------------------------


def test_merge_takes_the_first_row_of_an_address_and_all_columns(tmp_path: Path) -> None:
    first = write(tmp_path, "city;E-mail\nOslo;ann@example.com\n", "a.csv")
    second = write(tmp_path, "email,姓名,city\nANN@example.com,Ann,Rome\nbo@example.com,Bo,Bern\n", "b.csv")
    third = write(tmp_path, "email\tname\tplan\ncy@example.com\tCy\tpro\nbad\t\t\n".encode("utf-16"), "c.csv")
    made = merge_lists([first, second, third], tmp_path / "all.csv")
    assert rows_of(made.path) == [
        ["email", "name", "city", "plan"],
        ["ann@example.com", "", "Oslo", ""],
        ["bo@example.com", "Bo", "Bern", ""],
        ["cy@example.com", "Cy", "", "pro"],
    ]
    assert (made.rows, made.people, made.duplicates, made.invalid) == (5, 3, 1, 1)
    assert [source.encoding.name for source in made.sources] == ["UTF-8", "UTF-8", "UTF-16"]


@pytest.mark.parametrize("turned", [False, True])
def test_no_merge_brings_back_whoever_left(tmp_path: Path, turned: bool) -> None:
    old = write(tmp_path, "email,name\nann@example.com,Ann\nbo@example.com,Bo\n", "old.csv")
    gone = write(tmp_path, "Email Address,UNSUB_TIME,LEID,EUID\nbo@example.com,2026-01-01 10:00:00,1,2\n", "gone.csv")
    made = merge_lists([gone, old] if turned else [old, gone], tmp_path / "all.csv")
    assert [row[0] for row in rows_of(made.path)[1:]] == ["ann@example.com"]
    assert made.excluded == {"unsubscribed": 1, ON_ANOTHER_ROW: 1}


# --- for a spreadsheet ----------------------------------------------------------------------------------------------


def test_export_leaves_nothing_that_a_spreadsheet_would_run(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "email,name,=cmd,note\n"
        'ann@example.com,"=HYPERLINK(""http://x"")",+1,-2\n'
        '+bo@example.com,@SUM(A1),＝1,"\tx"\n'
        "cy@example.com,'quoted,1=1,王小明\n",
    )
    made = export_list(path, tmp_path / "sheet.csv")
    data = made.path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == 4
    assert rows_of(made.path) == [
        ["\ufeffemail", "name", "'=cmd", "note"],
        ["ann@example.com", '\'=HYPERLINK("http://x")', "'+1", "'-2"],
        ["'+bo@example.com", "'@SUM(A1)", "'＝1", "x"],
        ["cy@example.com", "'quoted", "1=1", "王小明"],
    ]
    assert made.neutralised == 7


@settings(deadline=None)  # it writes files
@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), min_size=1, max_size=6))
def test_no_cell_of_an_export_starts_a_formula(tmp_path_factory: pytest.TempPathFactory, notes: list[str]) -> None:
    folder = tmp_path_factory.mktemp("sheet")
    with (folder / "list.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
            [("email", "note"), *((f"r{number}@example.com", note) for number, note in enumerate(notes))]
        )
    made = export_list(folder / "list.csv", folder / "sheet.csv")
    cells = [cell for row in rows_of(made.path) for cell in row]
    assert len(cells) == 2 + 2 * len(notes)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")) for cell in cells)


# --- diff -----------------------------------------------------------------------------------------------------------


def test_diff_says_who_joined_and_who_left(tmp_path: Path) -> None:
    old = write(tmp_path, "email\nann@example.com\nbo@example.com\ncy@bücher.example\ndi@example.com\n", "old.csv")
    new = write(
        tmp_path,
        "E-mail;status\nANN@example.com;\nnew@example.com;\ncy@xn--bcher-kva.example;\ndi@example.com;unsubscribed\n",
        "new.csv",
    )
    with compare_lists(old, new) as difference:
        assert (difference.old, difference.new) == (4, 3)
        assert list(difference.joined) == ["new@example.com"]
        assert list(difference.left) == ["bo@example.com", "di@example.com"]


_people = st.sets(st.integers(0, 30))


@settings(deadline=None)  # it writes files
@given(_people, _people)
def test_diff_is_the_difference_of_sets(tmp_path_factory: pytest.TempPathFactory, old: set[int], new: set[int]) -> None:
    folder = tmp_path_factory.mktemp("diff")
    paths = [
        write(folder, "email\n" + "".join(f"r{n}@example.com\n" for n in numbers), name)
        for numbers, name in ((old, "old.csv"), (new, "new.csv"))
    ]
    with compare_lists(*paths) as difference:
        assert set(difference.joined) == {f"r{n}@example.com" for n in new - old}
        assert set(difference.left) == {f"r{n}@example.com" for n in old - new}
