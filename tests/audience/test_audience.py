"""A list read whole: everyone once, in order, counted; out of memory, and gone from the disk with the process."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.addresses import fold_address
from newsletter.audience import audience as reading
from newsletter.audience.audience import NAMED_ROWS, Audience
from newsletter.audience.lists.rows import Row
from newsletter.audience.read_audience import read_audience
from newsletter.cli.send_output import all_warnings, audience_line
from newsletter.config.load import load_config
from newsletter.errors import ContentError
from newsletter.model.findings import Finding
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.plan_send import plan_send

# Enough for SQLite to write to its file: it holds a megabyte in memory.
SPILLING = 40_000


def write_list(path: Path, rows: int, start: int = 0) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write("name,email\n")
        file.writelines(f"读者{n},Reader.{n}@example.com\n" for n in range(start, start + rows))
    return path


def audience_of(folder: Path, content: str) -> Audience:
    path = folder / "list.csv"
    path.write_text(content, "utf-8")
    return read_audience(path)


def emails(audience: Audience) -> list[str]:
    return [person.email for person in audience]


def spools(process: int | str = "self") -> int:
    """How many of SQLite's temporary files a process holds open."""
    links = [file.readlink() for file in Path(f"/proc/{process}/fd").iterdir() if file.is_symlink()]
    return sum(link.name.startswith("etilqs_") for link in links)


# --- who is on it ---------------------------------------------------------------------------------------------------


def test_one_person(tmp_path: Path) -> None:
    audience = audience_of(tmp_path, "Name,City,Email\nAnn , Oslo,Ann@Example.com\n")
    (ann,) = audience
    assert dict(ann.fields) == {"name": "Ann", "city": "Oslo", "email": "Ann@example.com"}
    assert (ann.email, ann.name, ann.line) == ("Ann@example.com", "Ann", 2)
    assert audience.first == ann
    assert list(audience.addresses()) == ["Ann@example.com"]
    assert audience.find(["ann@example.com"]) == {"ann@example.com": ann}
    assert (len(audience), audience.rows, audience.columns) == (1, 1, ("name", "city", "email"))


def test_a_list_without_a_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"list\.csv: nobody is on the list; add a row below the header"):
        audience_of(tmp_path, "email,name\n,,\n")


def test_a_list_of_bad_rows_only_has_nobody(tmp_path: Path) -> None:
    audience = audience_of(tmp_path, "email\nann\nbo@\n")
    assert (len(audience), audience.rows, audience.invalid_count, audience.duplicates_count) == (0, 2, 2, 0)
    assert (list(audience), list(audience.addresses()), audience.first) == ([], [], None)
    assert audience.find(["ann"]) == {}
    assert [finding.line for finding in audience.invalid] == [2, 3]


def test_duplicates_are_mailed_once_and_name_both_lines(tmp_path: Path) -> None:
    content = "email\nAnn@Example.com\nann@example.COM\nbo@bücher.example\nbo@XN--BCHER-KVA.example\nANN@example.com\n"
    audience = audience_of(tmp_path, content)
    assert emails(audience) == ["Ann@example.com", "bo@xn--bcher-kva.example"]
    assert [(f.code, f.line) for f in audience.duplicates] == [("duplicate", 3), ("duplicate", 5), ("duplicate", 6)]
    assert audience.duplicates[0].what == "'ann@example.com' is already on line 2; mailed once"
    assert "is already on line 4" in audience.duplicates[1].what
    assert (audience.rows, audience.duplicates_count) == (5, 3)


@pytest.mark.parametrize("far", [200_000, pytest.param(900_000, marks=pytest.mark.whole)])
def test_a_duplicate_is_found_however_far_away(far: int) -> None:
    def rows() -> Iterator[Row]:
        yield Row(2, "Ann@example.com", ["Ann@example.com"])
        yield from (Row(n + 1, f"r{n}@example.com", [f"r{n}@example.com"]) for n in range(2, far))
        yield Row(far + 1, "aNN@example.com", ["aNN@example.com"])

    with Audience(("email",), rows()) as audience:
        assert (len(audience), audience.rows, audience.duplicates_count) == (far - 1, far, 1)
        (finding,) = audience.duplicates
        assert (finding.line, finding.what) == (far + 1, "'aNN@example.com' is already on line 2; mailed once")
        assert audience.find(["ann@example.com"])["ann@example.com"].line == 2
        assert audience.first == audience.find(["ann@example.com"])["ann@example.com"]


_spellings = st.sampled_from(["a@x.io", "A@x.io", "b@x.io", "B@X.io".lower(), "Ä@x.io", "ä@x.io", "ß@x.io", "ss@x.io"])


@given(st.lists(_spellings | st.none(), max_size=30))
def test_the_first_of_an_address_stands_and_every_row_is_accounted_for(written: list[str | None]) -> None:
    rows = [
        Finding("invalid-address", "bad", line=line) if email is None else Row(line, email, [str(line), email])
        for line, email in enumerate(written, 2)
    ]
    firsts: dict[str, int] = {}
    again: list[tuple[int, int]] = []
    for line, email in enumerate(written, 2):
        if email is not None and firsts.setdefault(email.lower(), line) != line:
            again.append((line, firsts[email.lower()]))
    with Audience(("number", "email"), rows) as audience:
        assert [(person.line, person.fields["number"]) for person in audience] == [
            (line, str(line)) for line in firsts.values()
        ]
        assert list(audience.addresses()) == emails(audience)
        assert [f.line for f in audience.duplicates] == [line for line, _ in again]
        assert all(f"line {first};" in f.what for f, (_, first) in zip(audience.duplicates, again, strict=True))
        assert [f.line for f in audience.invalid] == [n for n, email in enumerate(written, 2) if email is None]
        assert audience.rows == len(audience) + audience.invalid_count + audience.duplicates_count == len(written)
        assert set(audience.find(firsts)) == set(firsts)


def test_only_the_first_bad_rows_are_kept_and_all_are_counted(tmp_path: Path) -> None:
    bad = "".join(f"bad{n}\n" for n in range(NAMED_ROWS + 500))
    twice = "".join(f"p{n}@example.com\n" for n in range(NAMED_ROWS + 2))
    config = tmp_path / "newsletter.toml"
    config.write_text('[newsletter]\nname = "日报"\n', "utf-8")
    post = tmp_path / "2026-03-01-x.md"
    post.write_text("---\ntitle: 题\n---\n\n文\n", "utf-8")
    to = tmp_path / "list.csv"
    to.write_text(f"email\n{bad}{twice}{twice.upper()}", "utf-8")
    when = datetime(2026, 3, 1, 6, tzinfo=UTC)
    sending = plan_send(str(post), load_config(config, {}, tmp_path), to=to, test=(), when=when, dry=True)
    audience = sending.audience
    assert audience is sending.recipients
    assert (len(audience.invalid), audience.invalid_count) == (1_000, 1_500)
    assert (len(audience.duplicates), audience.duplicates_count) == (1_000, 1_002)
    assert [finding.line for finding in audience.invalid] == list(range(2, 1_002))
    assert [finding.line for finding in audience.duplicates] == list(range(2_504, 3_504))
    assert audience_line(sending, [str(to)]) == f"1,002 of 3,504 rows in {to} (1,500 invalid, 1,002 duplicate)"
    warnings = [warning for warning in all_warnings(sending, [str(to)]) if warning.startswith(str(to))]
    assert len(warnings) == 2_002
    assert warnings[0] == f"{to}: 1,500 invalid rows: the first 1,000 are named, … and 500 more"
    assert warnings[1_001] == f"{to}: 1,002 duplicate rows: the first 1,000 are named, … and 2 more"


# --- a handful ------------------------------------------------------------------------------------------------------


def test_of_a_handful_each_address_is_there_once_and_a_missing_column_empty() -> None:
    ann = Subscriber("ann@example.com", {"email": "ann@example.com", "name": "Ann"}, 7)
    bo = Subscriber("bo@example.com", {"city": "Oslo\n1", "email": "bo@example.com"})
    audience = Audience.of([ann, bo, Subscriber("BO@example.com", bo.fields)])
    assert audience.columns == ("email", "name", "city")
    assert [person.line for person in audience] == [7, None]
    assert [dict(person.fields) for person in audience] == [
        {"email": "ann@example.com", "name": "Ann", "city": ""},
        {"email": "bo@example.com", "name": "", "city": "Oslo\n1"},
    ]
    assert (len(audience), audience.rows) == (2, 2)
    assert not len(Audience.of([]))


@pytest.mark.parametrize("value", ["a\x1fb", "\x1f"])
def test_no_value_can_pass_for_two(value: str) -> None:
    with pytest.raises(ValueError, match=r"ann@example\.com: a value with a control character"):
        Audience.of([Subscriber("ann@example.com", {"email": "ann@example.com", "name": value})])


# --- once it was read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_text("email\neve@example.com\n"),
        lambda path: os.truncate(path, 20),
        lambda path: path.unlink(),
    ],
    ids=["changed", "truncated", "deleted"],
)
def test_a_list_may_change_after_it_was_read(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    path = write_list(tmp_path / "list.csv", SPILLING)
    with read_audience(path) as audience:
        before = list(islice(audience, 10))
        spoil(path)
        assert list(islice(audience, 10)) == before
        assert list(audience.addresses()) == [f"Reader.{n}@example.com" for n in range(SPILLING)]
        assert audience.find(["reader.39999@example.com"])["reader.39999@example.com"].name == "读者39999"


def test_people_are_found_while_others_are_walked_through(tmp_path: Path) -> None:
    with read_audience(write_list(tmp_path / "list.csv", 5_000)) as audience:
        walked: list[str] = []
        for person in audience:
            number = len(walked)
            if number % 7 == 0:
                keys = [f"reader.{(number * 31 + n) % 5_100}@example.com" for n in range(300)]
                found = audience.find([*keys, "nobody@example.com"])
                assert set(found) == {key for key in keys if int(key[7:-12]) < 5_000}
                assert all(fold_address(one.email) == key for key, one in found.items())
            walked.append(person.email)
        assert walked == [f"Reader.{n}@example.com" for n in range(5_000)]


def test_threads_read_it_at_the_same_time(tmp_path: Path) -> None:
    with read_audience(write_list(tmp_path / "list.csv", SPILLING)) as audience, ThreadPoolExecutor(4) as threads:
        keys = [f"reader.{n}@example.com" for n in range(0, SPILLING, 100)]
        walks = [threads.submit(emails, audience) for _ in range(2)]
        finds = [threads.submit(audience.find, keys) for _ in range(50)]
        assert {tuple(walk.result()) for walk in walks} == {tuple(f"Reader.{n}@example.com" for n in range(SPILLING))}
        assert all(sorted(find.result()) == sorted(keys) for find in finds)


# --- memory and disk ------------------------------------------------------------------------------------------------

MEASURE = """
import sys
from collections import deque
from pathlib import Path
from newsletter.audience.read_audience import read_audience
with read_audience(Path(sys.argv[1])) as audience:
    assert sum(1 for _ in audience) == len(audience)
    assert len(audience.find(deque(map(str.lower, audience.addresses()), 500))) == 500
    print(len(audience), audience.rows)
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))
"""


def peak_kb(path: Path, people: int, rows: int) -> int:
    """The most memory that another process had while it read a list and walked through it."""
    # Not its `ru_maxrss`: Linux hands the peak of whoever started it on to a child.
    run = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    counts, peak = run.stdout.splitlines()
    assert counts == f"{people} {rows}"
    return int(peak)


def test_a_hundred_times_the_people_take_no_more_memory(tmp_path: Path) -> None:
    few, many = (peak_kb(write_list(tmp_path / f"{n}.csv", n), n, n) for n in (3_000, 300_000))
    assert many < 1.3 * few


def test_bad_rows_and_duplicates_take_no_more_memory_either(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = write_list(tmp_path / f"{rows}.csv", 3_000)
        with path.open("a") as file:
            file.writelines(f"x,bad\nx,reader.{n % 3_000}@example.com\n" for n in range(rows))
        return peak_kb(path, 3_000, 3_000 + 2 * rows)

    assert peak(100_000) < 1.3 * peak(1_000)


def test_what_is_closed_or_let_go_of_is_off_the_disk(tmp_path: Path) -> None:
    path = write_list(tmp_path / "list.csv", SPILLING)
    gc.collect()
    others = spools()
    with read_audience(path) as audience:
        assert spools() == others + 1
    assert spools() == others
    with pytest.raises(sqlite3.ProgrammingError):
        next(iter(audience))
    audience.close()  # and once more
    audience = read_audience(path)
    walk = iter(audience)
    next(walk)
    del audience
    assert spools() == others + 1
    assert sum(1 for _ in walk) == SPILLING - 1  # who walks through it keeps it
    del walk
    gc.collect()
    assert spools() == others


def test_a_list_that_breaks_off_is_off_the_disk(tmp_path: Path) -> None:
    path = write_list(tmp_path / "list.csv", SPILLING)
    with path.open("ab") as file:
        file.write(b"\xff\n")
    gc.collect()
    others = spools()
    with pytest.raises(ContentError, match=r":40002: byte 1 of the line, 0xff, is not UTF-8"):
        read_audience(path)
    assert spools() == others


def test_a_killed_process_leaves_nothing(tmp_path: Path) -> None:
    path = write_list(tmp_path / "list.csv", SPILLING)
    folder = tmp_path / "temporary"
    folder.mkdir()
    script = (
        "import sys; from pathlib import Path; from newsletter.audience.read_audience import read_audience\n"
        "audience = read_audience(Path(sys.argv[1])); print(len(audience), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "SQLITE_TMPDIR": str(folder)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{SPILLING}\n"
        assert spools(process.pid) == 1
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not list(folder.iterdir())


def test_no_room_for_it_is_a_sentence(tmp_path: Path) -> None:
    path = write_list(tmp_path / "list.csv", SPILLING)
    script = """
import resource, sys
from pathlib import Path
from newsletter.audience.read_audience import read_audience
from newsletter.errors import ConfigError
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
try:
    read_audience(Path(sys.argv[1]))
except ConfigError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("the list cannot be kept in the folder for temporary files (")
    assert run.stdout.endswith("); set TMPDIR to a folder with more room\n")


# --- one person, by place or by words -------------------------------------------------------------------------------


def test_a_person_is_found_by_their_place(tmp_path: Path) -> None:
    audience = audience_of(tmp_path, "email,name\na@example.com,A\na@example.com,again\nb@example.com,B\n")
    assert [person.email if (person := audience.at(n)) else None for n in (-1, 0, 1, 2, 3)] == [
        *(None, None, "a@example.com", "b@example.com", None)
    ]


def test_words_are_searched_in_every_column_and_are_no_pattern(tmp_path: Path) -> None:
    rows = "a@example.com,50%,杭州\nb_c@example.com,50,成都\nbxc@example.com,5\\0,杭州\n"
    audience = audience_of(tmp_path, "email,name,city\n" + rows)
    found = {words: [n for n, _ in audience.search(words, 10)] for words in ("杭州", "50%", "B_C", "\\", "nobody")}
    assert found == {"杭州": [1, 3], "50%": [1], "B_C": [2], "\\": [3], "nobody": []}
    assert [(n, person.fields["city"]) for n, person in audience.search("", 2)] == [(1, "杭州"), (2, "成都")]


def test_keys_of_one_hash_are_told_apart() -> None:
    names = ["ann", "bo", "cy", "bo", "ann", "di", "bo"]
    rows = [Row(line, f"{name}@example.com", (f"{name}@example.com",)) for line, name in enumerate(names, 2)]
    with mock.patch.object(reading, "hash", return_value=7, create=True), Audience(("email",), rows) as audience:
        assert [each.email for each in audience] == [f"{name}@example.com" for name in ("ann", "bo", "cy", "di")]
        assert [(each.line, each.what.partition(";")[0]) for each in audience.duplicates] == [
            (5, "'bo@example.com' is already on line 3"),
            (6, "'ann@example.com' is already on line 2"),
            (8, "'bo@example.com' is already on line 3"),
        ]
        assert set(audience.find(["bo@example.com", "di@example.com", "ed@example.com"])) == {
            "bo@example.com",
            "di@example.com",
        }
