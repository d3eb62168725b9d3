"""Completion in a real bash; for zsh and fish, what their scripts ask the command and are told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from newsletter.cli.main import cli
from newsletter.cli.theme_completion import complete_theme
from newsletter.web.catcher.server import Catcher

COMMAND = Path(sys.executable).parent / "newsletter"


def _asked(words: str, shell: str = "bash", **env: str) -> list[str]:
    """What the command answers a shell's script for a line of which the last word is being typed."""
    typed = words.split(" ")
    given = {"COMP_WORDS": words, "COMP_CWORD": str(len(typed) - 1)} | {"_NEWSLETTER_COMPLETE": f"{shell}_complete"}
    if shell == "fish":
        given["COMP_CWORD"] = typed[-1]
    done = subprocess.run([COMMAND], env={**os.environ, **given, **env}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return [line for line in done.stdout.splitlines() if line]


def test_bash_completes_a_command_by_the_printed_script() -> None:
    script = f"""
        PATH={COMMAND.parent}:$PATH
        eval "$(newsletter completion bash)"
        COMP_WORDS=(newsletter statu); COMP_CWORD=1
        _newsletter_completion newsletter
        printf '%s\\n' "${{COMPREPLY[@]}}"
        complete -p newsletter
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["status", "complete -o nosort -F _newsletter_completion newsletter"], (
        done.stderr
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_that_asks_for_its_own_form(shell: str) -> None:
    script = CliRunner().invoke(cli, ["completion", shell]).output
    assert f"_NEWSLETTER_COMPLETE={shell}_complete" in script


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("newsletter se", ["plain,send", "plain,serve"]),
        ("newsletter send --dry", ["plain,--dry-run"]),
        ("newsletter send po", ["file,po"]),
        ("newsletter send post.md --to @", ["plain,@signups"]),
        ("newsletter check post.md --to li", ["file,li"]),
        ("newsletter publish --to @s", ["plain,@signups"]),
        ("newsletter theme new ours --from es", ["plain,essay"]),
        ("newsletter ledger ba", ["plain,backup"]),
    ],
)
def test_words_are_completed(words: str, shown: list[str]) -> None:
    assert _asked(words) == shown


def test_zsh_and_fish_are_told_what_a_command_does() -> None:
    assert _asked("newsletter rend", "zsh")[:2] == ["plain", "render"]
    assert _asked("newsletter rend", "fish")[0].startswith("plain,render\tWrite POST")


def test_issues_come_from_the_ledger_the_newest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("people.csv").write_text("email\nada@example.org\n")
    with Catcher() as catcher:
        for day in (1, 2):
            post = Path(f"2026-03-0{day}-hello.md")
            post.write_text(f"---\ntitle: Hello {day}\n---\n\nHi.\n")
            command = ["send", str(post), "--to", "people.csv", "--yes", "--first", "--relay"]
            sent = CliRunner().invoke(cli, [*command, f"smtp://127.0.0.1:{catcher.smtp_port}"])
            assert sent.exit_code == 0, sent.output
    assert _asked("newsletter report 2026") == ["plain,2026-03-02-hello", "plain,2026-03-01-hello"]
    assert _asked("newsletter resume 2026-03-01") == ["plain,2026-03-01-hello"]
    assert _asked("newsletter status x") == []


@pytest.mark.parametrize("settings", ["not toml", ""])
def test_nothing_is_printed_where_there_is_no_ledger_or_no_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("newsletter.toml").write_text(settings)
    assert _asked("newsletter report 2") == []
    assert list(tmp_path.iterdir()) == [tmp_path / "newsletter.toml"]


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_a_folder_named_to_command_the_terminal_is_not_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ours", "evil\x1b[2J\nplain,rm"):
        (tmp_path / "templates" / name).mkdir(parents=True)
        (tmp_path / "templates" / name / "theme.toml").touch()
    (tmp_path / "newsletter.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    offered = [item.value for item in complete_theme(click.Context(cli), click.Argument(["name"]), "")]
    assert "ours" in offered
    assert all(name.isprintable() for name in offered)
    listed = CliRunner().invoke(cli, ["theme", "list"]).output
    assert r"evil\x1b[2J\nplain,rm" in listed.splitlines()
