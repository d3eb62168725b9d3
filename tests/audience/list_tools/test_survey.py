"""A list looked over: what is wrong, what is odd, and counts that add up and agree with what a send would do."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.audience.list_tools.survey import NAMED, ListSurvey, survey_list
from newsletter.audience.read_audience import read_audience
from newsletter.audience.segments import SegmentError
from newsletter.errors import ConfigError, ContentError

MIXED = """E-Mail;姓名;plan;status
ann@example.com;Ann;pro;active
bob;Bob;pro;active
ann@gmial.com;Ann;free;
ANN@Example.COM;Ann again;pro;
admin@mailinator.com;;pro;
gone@example.com;Gone;pro;unsubscribed
"open@example.com;Open;pro;
a@example.com;b
;nobody;pro;

zoe@bücher.example;Zoë;free;
zoe@xn--bcher-kva.example;Zoë;free;
"""


def write(folder: Path, content: str | bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def adds_up(survey: ListSurvey) -> bool:
    rest = survey.outside + survey.invalid + survey.duplicates + sum(survey.excluded.values())
    return survey.rows == survey.good + rest


def test_everything_is_found_by_line_with_its_value(tmp_path: Path) -> None:
    survey = survey_list(write(tmp_path, MIXED))
    assert (survey.encoding.name, survey.delimiter, survey.email_column) == ("UTF-8", "semicolon", "E-Mail")
    assert survey.columns == ("email", "姓名", "plan", "status", "name")
    assert [(finding.code, finding.line) for finding in survey.findings] == [
        ("quotes", 8),
        ("columns", 9),
        ("no-address", 10),
        ("invalid-address", 3),
        ("disposable", 6),
        ("duplicate", 5),
        ("duplicate", 13),
        ("excluded", 7),
        ("role", 6),
        ("typo", 4),
    ]
    assert "'bob' is not an address" in survey.findings[3].what
    assert survey.findings[9].remedy == "is it ann@gmail.com?"
    assert (survey.rows, survey.good, survey.invalid, survey.duplicates) == (11, 4, 4, 2)
    assert (dict(survey.excluded), survey.flagged, survey.at_fault) == ({"unsubscribed": 1}, 2, True)
    assert adds_up(survey)


def test_a_check_and_a_send_count_alike(tmp_path: Path) -> None:
    path = write(tmp_path, MIXED)
    for where in ("", "plan == 'pro'"):
        survey = survey_list(path, where=where)
        with read_audience(path, where=where) as audience:
            assert (survey.rows, survey.good, survey.outside) == (audience.rows, len(audience), audience.outside_count)
            assert (survey.invalid, survey.duplicates) == (audience.invalid_count, audience.duplicates_count)
            assert survey.excluded == audience.excluded


def test_a_segment_counts_people_not_rows(tmp_path: Path) -> None:
    """The first row of an address is the person: a later one cannot bring them into a segment."""
    path = write(tmp_path, "email,plan\nann@example.com,free\nANN@example.com,pro\nbo@example.com,pro\n")
    survey = survey_list(path, where="plan == 'pro'")
    assert (survey.good, survey.outside, survey.duplicates) == (1, 1, 1)
    with pytest.raises(SegmentError, match="the list has no column 'plam'; write one of: email, plan"):
        survey_list(path, where="plam == 'pro'")


def test_a_clean_list_is_not_at_fault(tmp_path: Path) -> None:
    survey = survey_list(write(tmp_path, "email,name\nann@example.com,Ann\nANN@example.com,Ann\ninfo@example.com,x\n"))
    assert not survey.at_fault
    assert survey.counts == {"duplicate": 1, "role": 1}


def test_without_addresses_only_the_file_is_looked_at(tmp_path: Path) -> None:
    survey = survey_list(write(tmp_path, MIXED), addresses=False)
    assert {finding.code for finding in survey.findings} == {"quotes", "columns", "no-address", "duplicate", "excluded"}
    assert adds_up(survey)


def test_what_is_named_is_limited_and_all_is_counted(tmp_path: Path) -> None:
    path = write(tmp_path, "email\n" + "".join(f"bad{number}\n" for number in range(50)))
    survey = survey_list(path)
    assert len(survey.findings) == NAMED
    assert (survey.counts["invalid-address"], survey.invalid) == (50, 50)
    assert len(survey_list(path, named=None).findings) == 50


@pytest.mark.parametrize("codec", ["gb18030", "latin-1", "utf-16-le"])
def test_a_guessed_encoding_is_a_fault_of_the_whole_list(tmp_path: Path, codec: str) -> None:
    name = "Jürg" if codec == "latin-1" else "王小明"
    survey = survey_list(write(tmp_path, f"email,name\nann@example.com,{name}\n".encode(codec)))
    assert survey.at_fault
    assert survey.good == 1
    (finding,) = survey.findings
    assert finding.code == "encoding"
    assert survey.encoding.name in finding.what
    assert not survey_list(write(tmp_path, f"email\n{'a@example.com'}\n".encode("utf-16"))).at_fault


def test_an_encoding_may_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, "email,name\nann@example.com,山田\n".encode("shift-jis"))
    assert not survey_list(path, encoding="shift-jis").at_fault


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "email\n" + "".join(f"reader{number}@example.com\n" for number in range(3_000)))
    told: list[tuple[int, int]] = []
    survey_list(path, on_progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (path.stat().st_size, path.stat().st_size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the list is empty"),
        (b"name,city\nAnn,Oslo\n", "no column is named email"),
        (b"email\x00\n", "a binary file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a binary file"),
        (",".join(["email", *(f"c{n}" for n in range(1_000))]).encode(), "the header has 1,001 columns"),
    ],
)
def test_what_is_no_list_gets_a_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(ContentError, match=words):
        survey_list(write(tmp_path, content))
    with pytest.raises(ConfigError, match="there is no such file"):
        survey_list(tmp_path / "none.csv")


def test_strange_rows_cost_themselves_alone(tmp_path: Path) -> None:
    """A line of 10 MB, a NUL, a quote that never closes, a hundred columns, each line end: the rest is read."""
    columns = ",".join(f"c{number}" for number in range(99))
    values = "," * 98
    good = f"ann{{}}@example.com,{values}"
    rows = [
        f"email,{columns}",
        good.format(1),
        "x" * 10_000_000,
        good.format(2),
        f"nul\x00@example.com,{values}",
        f'"open@example.com,{values}',
        good.format(3),
        f"zoe@example.com,{'é' * 9_000}{values}",
    ]
    filler = good.format(0) + "\n"
    for end in ("\n", "\r\n", "\r"):
        survey = survey_list(write(tmp_path, end.join([rows[0], *[filler.strip()] * 90, *rows[1:], ""])))
        assert (survey.good, survey.invalid) == (5, 3)
        assert {finding.code for finding in survey.findings} == {"duplicate", "oversize", "control-character", "quotes"}
        assert len(survey.columns) == 100


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_long_list_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from newsletter.audience.list_tools.survey import survey_list
good = survey_list(Path(sys.argv[1])).good
status = Path("/proc/self/status").read_text()
print(good, next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))
"""
    peaks = []
    for rows in (1_000, 60_000):
        path = write(tmp_path, "email,note\n" + "".join(f"r{n}@example.com,{'x' * 200}\n" for n in range(rows)))
        done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
        good, peak = done.stdout.split()
        assert int(good) == rows
        peaks.append(int(peak))
    assert peaks[1] < peaks[0] + 6_000  # of the 12 MB that the longer one has


_cells = st.sampled_from(
    ["ann@example.com", "ANN@example.com", "bo@bücher.example", "bad", "", " ", "x@gmial.com", "admin@example.com"]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(deadline=None)  # it writes files
@given(st.lists(st.tuples(_cells, _cells, st.sampled_from(["", "active", "unsubscribed"])), max_size=10), st.booleans())
def test_any_list_adds_up(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], addresses: bool
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([("email", "note", "status"), ("first@example.com", "x" * 9_000, ""), *rows])
    survey = survey_list(write(tmp_path_factory.mktemp("any"), text.getvalue()), addresses=addresses, where="note")
    assert adds_up(survey)
    assert survey.rows == 1 + sum(1 for row in rows if any(cell.strip() for cell in row))
    assert all(finding.at("list.csv").isprintable() for finding in survey.findings)
