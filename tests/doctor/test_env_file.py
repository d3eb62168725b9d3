"""`.env` in the doctor's eyes: where secrets come from, who may read the file, git, names that nothing reads."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from machine import RequireProgram

from newsletter.config.load import load_config
from newsletter.doctor.ask.env_file import ask_env_file
from newsletter.doctor.judge.env_file import judge_env_file
from newsletter.doctor.judge.settings import judge_settings
from newsletter.doctor.verdict import Level, Verdict

TOML = '[relay]\nurl = "smtp://ada@mail.quill.test"\n'
WORD = "a-word-that-nobody-sees"


def judged(folder: Path, text: str, env: dict[str, str] | None = None, mode: int = 0o600) -> tuple[Verdict, ...]:
    (folder / "newsletter.toml").write_text(TOML)
    (folder / ".env").write_text(text)
    (folder / ".env").chmod(mode)
    config = load_config(None, env or {}, folder)
    found = (
        *judge_env_file(config, config.env, ask_env_file(config.env)),
        *(each for each in judge_settings(config, config.env) if each.code == "secrets"),
    )
    assert WORD not in f"{found}"
    return found


def test_each_secret_is_named_with_its_source(tmp_path: Path) -> None:
    text = f"NEWSLETTER_SECRET={WORD}\nNEWSLETTER_BREVO_WEBHOOK={WORD}\nOTHER={WORD}\n"
    found = judged(tmp_path, text, {"NEWSLETTER_SMTP_PASSWORD": WORD})
    assert [str(each.level) for each in found] == ["green", "green"]
    assert found[1].what == (
        "secrets set: NEWSLETTER_BREVO_WEBHOOK (.env), NEWSLETTER_SECRET (.env), NEWSLETTER_SMTP_PASSWORD (environment)"
    )


def test_without_the_file_there_is_no_line(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(TOML)
    config = load_config(None, {}, tmp_path)
    assert judge_env_file(config, config.env, ask_env_file(config.env)) == ()


@pytest.mark.parametrize(("mode", "level"), [(0o600, "green"), (0o640, "green"), (0o644, "yellow"), (0o660, "yellow")])
def test_who_may_read_it(tmp_path: Path, mode: int, level: str) -> None:
    assert judged(tmp_path, f"NEWSLETTER_SMTP_PASSWORD={WORD}\n", mode=mode)[0].level == level


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("\nNEWSLETTER_SMTP_PASWORD=x", ".env:2: NEWSLETTER_SMTP_PASWORD is no", "write NEWSLETTER_SMTP_PASSWORD, if"),
        ("NEWSLETER_SECRET=x", ".env:1: NEWSLETER_SECRET is no", "write NEWSLETTER_SECRET, if that is meant"),
        ("NEWSLETTER_COLOUR=x", ".env:1: NEWSLETTER_COLOUR is no", "see the variables in docs/configuration.md"),
    ],
)
def test_a_name_that_nothing_reads(tmp_path: Path, text: str, what: str, remedy: str) -> None:
    first = judged(tmp_path, text)[0]
    assert (first.level, first.what[: len(what)], first.remedy[: len(remedy)]) == (Level.YELLOW, what, remedy)


def test_an_empty_variable_that_hides_the_files(tmp_path: Path) -> None:
    text, env = f"NEWSLETTER_SMTP_PASSWORD={WORD}\n", {"NEWSLETTER_SMTP_PASSWORD": ""}
    hidden, secrets = judged(tmp_path, text, env)
    assert hidden.what == ".env:1: NEWSLETTER_SMTP_PASSWORD counts for nothing: the environment has it, empty"
    assert "the environment sets it to nothing, and that counts" in secrets.what


def test_a_file_that_cannot_be_read_is_said_beside_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(TOML)
    os.mkfifo(tmp_path / ".env")
    config = load_config(None, {}, tmp_path)
    (line,) = judge_env_file(config, config.env, ask_env_file(config.env))
    assert (line.level, "was not read: it is a pipe" in line.what) == (Level.YELLOW, True)
    (secrets,) = (each for each in judge_settings(config, config.env) if each.code == "secrets")
    assert "was not read: it is a pipe" in secrets.what


@pytest.mark.parametrize(
    ("ignored", "added", "level"), [(True, False, "green"), (False, False, "red"), (True, True, "red")]
)
def test_git(tmp_path: Path, ignored: bool, added: bool, level: str, require_program: RequireProgram) -> None:
    program = require_program("git")

    def git(*words: str) -> None:
        subprocess.run([program, "-C", str(tmp_path), *words], check=True, capture_output=True)

    git("init", "--quiet")
    folder = tmp_path / "letters"
    folder.mkdir()
    (tmp_path / ".gitignore").write_text(".env\n" if ignored else "*.db\n")
    if added:
        (folder / ".env").write_text("A=1\n")
        git("add", "--force", "letters/.env")
    first = judged(folder, f"NEWSLETTER_SMTP_PASSWORD={WORD}\n")[0]
    assert str(first.level) == level
    if added:
        assert "git rm --cached .env" in first.remedy
