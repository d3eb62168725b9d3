"""`newsletter subscribers`: what a person reads, what a program reads, and the exit codes."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest
from command_line import Run, newsletter, spawn

LIST = "E-mail;姓名;plan\nann@gmial.com;Ann;pro\nbob;Bob;free\nANN@gmial.com;x;pro\nzoe@bücher.example;王小明;pro\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "list.csv").write_text(LIST)
    return tmp_path


def test_check_tells_what_is_wrong_and_counts(folder: Path) -> None:
    run = newsletter("subscribers", "check", "list.csv", cwd=folder)
    assert run.code == 1
    assert run.err == ""
    assert run.out.splitlines() == [
        "list.csv: a list in UTF-8, semicolon between the columns",
        "columns: email, 姓名, plan, name; email is 'E-mail'",
        "",
        "list.csv:3: 'bob' is not an address: An email address must have an @-sign; "
        "write it as name@example.com, or remove the row",
        "",
        "list.csv:4: 'ANN@gmial.com' is already on line 2; mailed once; remove one of the two rows",
        "",
        "list.csv:2: 'ann@gmial.com' may be a slip; is it ann@gmail.com?",
        "list.csv:4: 'ANN@gmial.com' may be a slip; is it ANN@gmail.com?",
        "",
        "rows                4",
        "good                2",
        "invalid             1",
        "duplicates          1",
        "flagged             2",
    ]
    assert newsletter("subscribers", "check", "list.csv", "--no-addresses", cwd=folder).code == 0


def test_check_for_a_program(folder: Path) -> None:
    run = newsletter("subscribers", "check", "list.csv", "--where", "plan == 'pro'", "--json", cwd=folder)
    assert run.code == 1
    found = run.json
    assert {key: found[key] for key in ("encoding", "guessed", "delimiter", "rows", "good", "outside_segment")} == {
        "encoding": "UTF-8",
        "guessed": False,
        "delimiter": "semicolon",
        "rows": 4,
        "good": 2,
        "outside_segment": 0,
    }
    assert found["findings"][0]["kind"] == "invalid-address"
    assert found["findings"][0]["line"] == 3


def test_check_names_the_first_of_a_kind_or_all(folder: Path) -> None:
    (folder / "long.csv").write_text("email\n" + "".join(f"bad{number}\n" for number in range(30)))
    short = newsletter("subscribers", "check", "long.csv", cwd=folder).out
    assert short.count("is not an address") == 10
    assert "… and 20 more of invalid-address; --all names them" in short
    assert newsletter("subscribers", "check", "long.csv", "--all", cwd=folder).out.count("is not an address") == 30


def test_convert_says_what_it_made_of_what(folder: Path) -> None:
    (folder / "list.csv").write_bytes(LIST.encode("gb18030", "replace"))
    run = newsletter("subscribers", "convert", "list.csv", "--out", "clean.csv", cwd=folder)
    assert run.code == 0
    assert "list.csv: a list in GB18030" in run.out
    assert "warning: list.csv: it was read as GB18030, by its looks; see that the names are right" in run.err
    assert "clean.csv: 2 people, columns email, name, plan" in run.out
    assert "clean.rejected.csv: the rows that are not in it, with the reason" in run.out
    assert (folder / "clean.csv").read_text().splitlines()[2] == "zoe@xn--bcher-kva.example,王小明,pro"
    clean = newsletter("subscribers", "check", "clean.csv", "--json", cwd=folder)
    assert (clean.code, clean.json["good"], clean.json["invalid"]) == (0, 2, 0)


def test_convert_refuses_to_write_over_the_list(folder: Path) -> None:
    run = newsletter("subscribers", "convert", "list.csv", "--out", "list.csv", cwd=folder)
    assert run.code == 2
    assert "list.csv: this is the list that is read, and it is never written over; name another" in run.err
    assert (folder / "list.csv").read_text() == LIST


def test_merge_and_export_and_diff(folder: Path) -> None:
    (folder / "more.csv").write_text('email,name\nann@gmial.com,again\nnew@example.com,"=1+1"\n')
    made = newsletter("subscribers", "merge", "list.csv", "more.csv", "--out", "all.csv", "--json", cwd=folder).json
    assert (made["people"], made["duplicates"], made["invalid"]) == (3, 2, 1)
    assert [source["path"] for source in made["sources"]] == ["list.csv", "more.csv"]
    run = newsletter("subscribers", "export", "all.csv", "--out", "sheet.csv", cwd=folder)
    assert "values made harmless          1" in run.out
    assert "new@example.com,'=1+1," in (folder / "sheet.csv").read_text()
    run = newsletter("subscribers", "diff", "list.csv", "more.csv", cwd=folder)
    assert run.out.splitlines()[:2] == ["+ new@example.com", "- zoe@xn--bcher-kva.example"]
    assert newsletter("subscribers", "diff", "list.csv", "more.csv", "--json", cwd=folder).json == {
        "old": 2,
        "new": 2,
        "joined": ["new@example.com"],
        "left": ["zoe@xn--bcher-kva.example"],
    }


def test_diff_names_the_first_and_counts_the_rest(folder: Path) -> None:
    (folder / "old.csv").write_text("email\nann@example.com\n")
    (folder / "new.csv").write_text("email\nann@example.com\n" + "".join(f"r{n}@example.com\n" for n in range(50)))
    run = newsletter("subscribers", "diff", "old.csv", "new.csv", cwd=folder)
    assert run.out.count("@example.com") == 20
    assert "+ … and 30 more; --all names them" in run.out
    assert newsletter("subscribers", "diff", "old.csv", "new.csv", "--all", cwd=folder).out.count("@example.com") == 50


def test_nothing_of_a_file_moves_the_cursor(folder: Path) -> None:
    (folder / "evil.csv").write_text("email,\u202ename,status\n\x1b[2Jx,\x1b]0;t\x07,\u009b1m\nok@example.com,x,y\n")
    for arguments in (
        ("check", "evil.csv"),
        ("convert", "evil.csv", "--out", "c.csv"),
        ("diff", "evil.csv", "list.csv"),
    ):
        run = newsletter("subscribers", *arguments, cwd=folder)
        text = (run.out + run.err).replace("\n", "")
        assert text.isprintable(), text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("check", "none.csv"), 2, "none.csv: there is no such file; give the path of a CSV file"),
        (("check", "."), 2, "a folder, not a list"),
        (("check", "list.csv", "--where", "plan ="), 2, "--where: write == to compare"),
        (("check", "list.csv", "--encoding", "klingon"), 2, "--encoding 'klingon' is no encoding that is known"),
        (("convert", "list.csv"), 2, "Missing option '--out'"),
        (("merge", "--out", "x.csv"), 2, "Missing argument"),
        (("convert", "list.csv", "--out", ""), 2, "--out is empty; write the path that is meant"),
        (("check", ""), 2, "a name is empty; write the path that is meant"),
        (("convert", "list.csv", "--out", "."), 2, ".: not the name of a file; write one"),
        (("merge", "list.csv", "--out", "."), 2, ".: not the name of a file; write one"),
        (("export", "list.csv", "--out", "x" * 300), 2, "cannot be written (File name too long); choose another"),
        (("convert", "list.csv", "--out", "x" * 250), 2, ".rejected.csv: cannot be written (File name too long)"),
        (("diff", "list.csv", "none.csv"), 2, "there is no such file"),
    ],
)
def test_a_wrong_call_gets_a_sentence(folder: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    run = newsletter("subscribers", *arguments, cwd=folder)
    assert run.code == code
    assert words in run.err


def test_a_list_may_come_through_a_pipe(folder: Path) -> None:
    def check(data: bytes, *more: str) -> Run:
        # A cold start: only there is standard input a pipe.
        return newsletter("subscribers", "check", "/dev/stdin", *more, cwd=folder, stdin=data, PYTHONUTF8="1")

    assert check(LIST.encode(), "--json").json["good"] == 2
    assert check(LIST.encode("utf-16"), "--json").json["good"] == 2
    for codec in ("gb18030", "utf-16-le"):
        run = check(LIST.encode(codec, "replace"))
        assert run.code == 1
        assert "is not UTF-8; save it as UTF-8" in run.err


def test_a_terminal_sees_how_far_it_is(folder: Path) -> None:
    (folder / "long.csv").write_text("email\n" + "".join(f"reader{number}@example.com\n" for number in range(20_000)))
    ours, theirs = pty.openpty()
    process = spawn(
        *("subscribers", "check", "long.csv"),
        cwd=folder,
        env={"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # what Linux says at the end of a terminal
        pass
    finally:
        os.close(ours)
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    assert b"Reading, bytes" in seen
    assert b"good           20,000" in out
