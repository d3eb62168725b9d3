"""Files that are not what they should be, in the places of themes, posts and ledgers: a sentence that names them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from command_line import newsletter

SETTINGS = '[newsletter]\nname = "A"\nfrom = "a@example.com"\npostal_address = "1 Street"\n'
LONG = "x" * 300
"""More than a file system takes for a name (NAME_MAX is 255): asking after it is an error, and not a no."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "newsletter.toml").write_text(SETTINGS)
    (tmp_path / "post.md").write_text("---\ntitle: Hello\n---\n\nWords.\n")
    (tmp_path / "list.csv").write_text("email\nada@example.com\n")
    (tmp_path / "posts").mkdir()
    return tmp_path


def themed(folder: Path, text: str) -> Path:
    (folder / "newsletter.toml").write_text(f'{SETTINGS}[theme]\nname = "own"\n')
    theme = folder / "templates" / "own"
    theme.mkdir(parents=True)
    (theme / "theme.toml").write_text(text)
    return theme


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "command", "code", "said"),
    [
        ("", ["preview", LONG], 1, "there is no such file"),
        ("", ["preview", "post.md", "--to", LONG], 2, "there is no such file"),
        (f'[theme]\nname = "{LONG}"\n', ["render", "post.md"], 2, "File name too long"),
        (f'[publish]\nposts = "{LONG}"\n', ["publish", "--to", "list.csv"], 2, "there is no such folder"),
        (f'[ledger]\npath = "{LONG}"\n', ["ledger", "restore", "post.md"], 2, "cannot be written"),
    ],
)
def test_a_name_that_no_file_can_have(folder: Path, settings: str, command: list[str], code: int, said: str) -> None:
    (folder / "newsletter.toml").write_text(SETTINGS + settings)
    result = newsletter(*command, cwd=folder)
    assert (result.code, said in result.err, "Traceback" in result.err) == (code, True, False), result.err


def test_a_logo_whose_name_no_file_can_have(folder: Path) -> None:
    themed(folder, f'extends = "classic"\n[brand]\nlogo = "{LONG}.png"\n')
    result = newsletter("render", "post.md", cwd=folder)
    assert (result.code, result.err.startswith("templates/own/theme.toml:3: [brand] logo is")) == (2, True)


# --- themes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["remote", "embed"])
@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(6 * 1024 * 1024)])
def test_a_logo_that_is_no_picture_stops_the_issue(folder: Path, content: bytes, mode: str) -> None:
    theme = themed(folder, 'extends = "classic"\n[brand]\nlogo = "logo.png"\n')
    (theme / "logo.png").write_bytes(content)
    result = newsletter("render", "post.md", "--images", mode, cwd=folder)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("templates/own/logo.png: the theme's logo: the picture logo.png is")
    assert "; " in result.err


@pytest.mark.parametrize("name", ["theme.toml", "labels.toml"])
@pytest.mark.parametrize("kind", ["folder", "broken link"])
def test_a_themes_file_that_is_none_is_named(folder: Path, name: str, kind: str) -> None:
    file = themed(folder, 'extends = "classic"\n') / name
    file.unlink(missing_ok=True)
    if kind == "folder":
        file.mkdir()
    else:
        file.symlink_to("nowhere")
    result = newsletter("render", "post.md", cwd=folder)
    assert (result.code, result.err.startswith(f"templates/own/{name}: cannot be read (")) == (2, True), result.err


@pytest.mark.parametrize("name", ["theme.toml", "labels.toml", "style.css", "paragraph.j2"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("# x\n".encode("utf-16"), ":1: the file is UTF-16, not UTF-8; save it as UTF-8"),
        ("# x\n".encode("utf-16-le"), ": a binary file, not text; write it as text in UTF-8"),
        ("#\n# 今日\n".encode("gbk"), ":2: byte 0xbd is not UTF-8; save the file as UTF-8"),
    ],
)
def test_a_themes_file_in_another_encoding(folder: Path, name: str, content: bytes, said: str) -> None:
    file = themed(folder, 'extends = "classic"\n') / name
    file.write_bytes(content)
    result = newsletter("render", "post.md", cwd=folder)
    assert (result.code, result.err.strip()) == (2, f"templates/own/{name}{said}")


@pytest.mark.parametrize("name", ["theme.toml", "style.css", "live.css", "paragraph.j2"])
def test_a_themes_file_of_a_size_that_no_text_has(folder: Path, name: str) -> None:
    (themed(folder, 'extends = "classic"\n') / name).write_bytes(b"x" * 10_000_000)
    result = newsletter("render", "post.md", cwd=folder)
    assert (result.code, result.err.startswith(f"templates/own/{name}: has more than ")) == (2, True)


@pytest.mark.parametrize("name", ["style.css", "live.css"])
def test_a_word_that_a_css_parser_would_take_minutes_for(folder: Path, name: str) -> None:
    (themed(folder, 'extends = "classic"\n') / name).write_text(f"p {{}}\n{'x' * 190_000}")
    result = newsletter("render", "post.md", cwd=folder)
    assert (result.code, result.err.startswith(f"templates/own/{name}:2: a word of more than 5,000")) == (2, True)


# --- publish --------------------------------------------------------------------------------------------------------


def test_publish_names_the_line_of_a_fault_as_every_command_does(folder: Path) -> None:
    (folder / "posts" / "a.md").write_bytes("---\ntitle: A\n---\n\n今日\n".encode("gbk"))
    result = newsletter("publish", "posts", "--to", "list.csv", "--first", "--catch", cwd=folder)
    assert result.code == 1
    assert "failed     posts/a.md:5:1: tried UTF-8" in result.err


@pytest.mark.parametrize("runs", ["1e999", "NaN", "null", '"x"', "[]"])
def test_a_list_of_issues_with_a_count_that_is_none(folder: Path, runs: str) -> None:
    (folder / "newsletter.toml").write_text(f'{SETTINGS}[ledger]\nexpect = "sent.json"\n')
    (folder / "sent.json").write_text(f'{{"issues": [{{"issue": "a", "runs": {runs}}}]}}')
    result = newsletter("publish", "posts", "--to", "list.csv", "--first", "--catch", cwd=folder)
    assert (result.code, "sent.json: not the list of issues that newsletter writes; " in result.err) == (2, True)


def test_a_list_of_issues_with_an_endless_name_is_told_shortly(folder: Path) -> None:
    (folder / "newsletter.toml").write_text(f'{SETTINGS}[ledger]\nexpect = "sent.json"\n')
    (folder / "sent.json").write_text(json.dumps({"issues": [{"issue": "a" * 100_000}]}))
    result = newsletter("publish", "posts", "--to", "list.csv", "--first", "--catch", cwd=folder)
    assert (result.code, len(result.err) < 1_000) == (2, True)


# --- ledgers --------------------------------------------------------------------------------------------------------


def test_a_database_of_another_program_is_no_backup(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "other.db")) as db:
        db.execute("CREATE TABLE notes (text)")
        db.commit()
    result = newsletter("ledger", "restore", "other.db", "--yes", cwd=folder)
    assert (result.code, result.err.startswith("other.db: a database, but no ledger; ")) == (2, True), result.err
    assert not (folder / "newsletter.db").exists()


def test_a_backup_is_not_restored_below_a_file(folder: Path) -> None:
    (folder / "newsletter.toml").write_text(f'{SETTINGS}[ledger]\npath = "list.csv/news.db"\n')
    with closing(sqlite3.connect(folder / "copy.db")) as db:
        db.execute("CREATE TABLE ledger_version (version INTEGER)")
        db.execute("INSERT INTO ledger_version VALUES (1)")
        db.commit()
    result = newsletter("ledger", "restore", "copy.db", "--yes", cwd=folder)
    assert (result.code, "list.csv/news.db: cannot be written (" in result.err) == (2, True), result.err
    assert (folder / "list.csv").read_text() == "email\nada@example.com\n"


@pytest.mark.parametrize(
    ("page", "command"),
    [
        ("dry_run/index.html.j2", ("send", "post.md", "--to", "list.csv", "--dry-run")),
        ("gallery/index.html.j2", ("theme", "gallery", "post.md", "--out", "themes")),
    ],
)
@pytest.mark.parametrize("data", [b"one\ncaf\xe9", b"one\n{{ 1 // 0 }}", b"one\n{{ words.__class__ }}"])
def test_a_page_of_the_project_s_own_is_named_with_its_line(
    folder: Path, page: str, command: tuple[str, ...], data: bytes
) -> None:
    own = folder / "templates" / page
    own.parent.mkdir(parents=True)
    own.write_bytes(data)
    run = newsletter(*command, cwd=folder)
    assert run.code == 2, run.err
    assert f"templates/{page}:2: " in run.err
