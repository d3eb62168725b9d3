"""Failures for programs: every command with --json prints one object whatever happens, and --log-json has a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from command_line import newsletter, people, write_list, write_post

from newsletter.cli.failures import MEANINGS, MisuseError, described, described_usage, described_words
from newsletter.cli.main import cli
from newsletter.errors import ContentError, located

SEND = ("send", "2026-03-01-hello.md", "--to", "list.csv", "--yes", "--json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path)
    write_list(tmp_path, *people(2))
    write_post(tmp_path, "---\ntitle: Bad\n---\n\n```\nnever closed\n", "bad.md")
    return tmp_path


def read(text: str) -> dict[str, Any]:
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


CASES = {
    "a post": (("render", "bad.md", "--json"), 1, ("bad.md", 5)),
    "a post that is not there": (("send", "none.md", *SEND[2:]), 1, ("none.md", None)),
    "a list": (("send", SEND[1], "--to", "none.csv", "--yes", "--json"), None, ("none.csv", None)),
    "no relay": (SEND, 2, ("newsletter.toml", None)),
    "no ledger": (("status", "--json"), 2, None),
    "an option": (("send", "--nonsense", "--json"), 2, None),
    "an option's value": (("send", SEND[1], "--connections", "many", "--json"), 2, None),
    "nobody there": ((*SEND, "--first", "--relay", "smtp://127.0.0.1:1"), 3, None),
    "a report": (("report", "none", "--json"), 2, None),
    "a sync": (("sync", "none.jsonl", "--json"), 2, None),
    "bounces": (("bounces", "none", "--json"), 2, None),
    "a person": (("subscribers", "show", "nobody", "--json"), 2, None),
}


@pytest.mark.parametrize("name", CASES)
def test_a_failure_is_an_object_with_its_exit_code_and_meaning(folder: Path, name: str) -> None:
    command, code, place = CASES[name]
    run = newsletter(*command, cwd=folder)
    found = read(run.out)
    assert run.code == found["exit_code"] != 0
    assert found["meaning"] == MEANINGS[run.code]
    assert code in (None, run.code)
    if "error" in found:  # else the object is the command's own, with what it found
        assert found["error"]["text"].partition("\n")[0] in run.err
        assert found["error"]["what"]
        if place is not None:
            assert (Path(found["error"]["path"] or "").name, found["error"]["line"]) in (place, ("", None))


def test_each_fault_of_the_configuration_is_named(folder: Path) -> None:
    (folder / "newsletter.toml").write_text('[delivery]\nrate = "fast"\nconnections = 0\n', "utf-8")
    run = newsletter(*SEND, cwd=folder)
    found = read(run.out)
    assert [fault["line"] for fault in found["errors"]] == [2, 3]
    assert [fault["path"] for fault in found["errors"]] == ["newsletter.toml"] * 2
    assert found["error"]["remedy"].startswith("write 14/s")
    assert "\\x0a" not in run.err
    assert len(run.err.splitlines()) == 2


@pytest.mark.parametrize("form", [("--log-json", "log.jsonl"), ("--log-json=log.jsonl",)])
@pytest.mark.parametrize("more", [("--relay", "smtp://127.0.0.1:1"), ("--to", "none.csv"), ("--nonsense",)])
def test_the_log_has_the_failure_too(folder: Path, form: tuple[str, ...], more: tuple[str, ...]) -> None:
    run = newsletter(*SEND[:-1], *more, *form, cwd=folder)
    lines = [read(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    failures = [line for line in lines if line["event"] == "error"]
    assert [line["exit_code"] for line in failures] == [run.code]
    assert failures[0]["error"]["text"] in run.err


def test_a_send_says_how_it_ended(folder: Path) -> None:
    run = newsletter(*SEND, "--catch", cwd=folder)
    found = read(run.out)
    assert (found["exit_code"], found["meaning"], found["go_on"]) == (0, "everything was done", None)


def test_a_sentence_that_knows_its_parts_gives_them() -> None:
    error = ContentError(located("posts/1.md", 7, "`date` is 'soon'; no date", "write 2026-03-01", 3))
    assert described(error)["error"] == {
        "text": "posts/1.md:7:3: `date` is 'soon'; no date; write 2026-03-01",
        "path": "posts/1.md",
        "line": 7,
        "column": 3,
        "what": "`date` is 'soon'; no date",
        "remedy": "write 2026-03-01",
    }


def test_nothing_is_read_out_of_a_sentence() -> None:
    for words in ("smtp://127.0.0.1:25: cannot connect; start it", "posts/1.md:7: no title"):
        error = described_words(words, 2)["error"]
        assert error == {"text": words, "path": None, "line": None, "column": None, "what": words, "remedy": ""}
        assert described(ContentError(words))["error"] == error


def test_a_command_line_at_fault_says_what_to_write() -> None:
    error = described_usage(MisuseError("--a and --b exclude each other", "choose one"))
    assert error["error"]["text"] == "--a and --b exclude each other; choose one"
    assert (error["error"]["what"], error["error"]["remedy"]) == ("--a and --b exclude each other", "choose one")
    assert error["exit_code"] == 2
    assert described_usage(click.UsageError("No such option"))["error"]["what"] == "No such option"


def test_every_exit_code_has_a_meaning() -> None:
    assert {0, 1, 2, 3, 4} <= MEANINGS.keys()
    assert cli.list_commands(click.Context(cli))


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("send",),
        ("retry",),
        ("theme", "new"),
        ("ledger", "prune"),
        ("subscribers", "merge", "--out", "x.csv"),
        ("completion",),
    ],
)
def test_what_is_missing_is_shown_by_an_example(folder: Path, arguments: tuple[str, ...]) -> None:
    run = newsletter(*arguments, cwd=folder)
    called = " ".join(arguments).partition(" --")[0]
    assert (run.code, f"Write, for instance: newsletter {called} " in run.err) == (2, True), run.err
    assert run.err.count("Write, for instance") == 1


@pytest.mark.parametrize("option", ["--where", "--ledger", "--relay", "--log-json"])
def test_an_option_of_an_unset_variable_is_refused(folder: Path, option: str) -> None:
    run = newsletter(*SEND[:-2], "--dry-run", option, "", cwd=folder)
    assert (run.code, run.err) == (2, f"{option} is empty; write what is meant, or leave the option out\n")


def test_an_option_that_is_left_out_is_not_empty(folder: Path) -> None:
    assert newsletter(*SEND[:-2], "--dry-run", cwd=folder).code == 0
