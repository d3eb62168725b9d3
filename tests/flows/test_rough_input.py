"""What is no file, has too many digits or pixels, or asks too much of a template: a sentence and an exit code."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from command_line import PROGRAM, environment, newsletter
from web_site import ADA, TOML, Site, running

POST = "---\ntitle: Hello\n---\n\nWords.\n"
DIGITS = "9" * 100_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "newsletter.toml").write_text('[newsletter]\nname = "A"\n')
    (tmp_path / "post.md").write_text(POST)
    (tmp_path / "list.csv").write_text("email\nada@example.com\n")
    return tmp_path


# --- no files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize(
    "command",
    [
        ["render", "post.md", "--config"],
        ["send", "post.md", "--dry-run", "--to"],
        ["subscribers", "check"],
        ["status", "--config"],
    ],
)
def test_a_pipe_or_a_device_in_a_files_place_is_refused(folder: Path, kind: str, command: list[str]) -> None:
    place = "/dev/zero"
    if kind == "pipe":
        place = str(folder / "pipe")
        os.mkfifo(place)
    result = newsletter(*command, place, cwd=folder)
    assert result.code == 2
    assert f"{place}: cannot be read: a pipe, a socket or a device, not a file" in result.err


def test_a_list_may_come_through_what_the_shell_opened(folder: Path) -> None:
    result = newsletter("send", "post.md", "--dry-run", "--to", "/dev/stdin", cwd=folder, stdin=b"email\nbo@x.org\n")
    assert result.code == 0, result.err


@pytest.mark.parametrize(
    "command",
    [
        ["render", "post.md"],
        ["render", "{}/post.md"],
        ["check", "{}/post.md"],
        ["send", "{}/post.md", "--to", "{}/list.csv"],
        ["status"],
        ["report", "x"],
        ["resume", "x"],
        ["bounces"],
        ["serve"],
        ["theme", "list"],
        ["subscribers", "show", "a@example.com"],
        ["catch"],
        ["preview", "{}/post.md"],
    ],
)
def test_in_a_folder_that_is_gone_every_command_says_so(folder: Path, tmp_path: Path, command: list[str]) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    arguments = [part.format(folder) for part in command]
    # The folder goes after the process has begun in it, and before the program does.
    code = "import os, sys; os.rmdir(os.getcwd()); os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, PROGRAM, *arguments],
        cwd=gone,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.stderr == "the folder that this runs in was deleted; change to one that is there\n"
    assert done.returncode == 2


# --- digits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "code", "line"),
    [
        ("post.md", f"---\ntitle: Hello\nweight: {DIGITS}\n---\n\nWords.\n", 1, 3),
        ("newsletter.toml", f'[newsletter]\nname = "A"\n[send]\nrate = {DIGITS}\n', 2, 4),
        ("_config.yml", f"title: A\nbig: {DIGITS}\n", 2, None),
        ("templates/own/theme.toml", f'extends = "classic"\nx = {DIGITS}\n', 2, 2),
    ],
)
def test_a_number_of_too_many_digits(folder: Path, name: str, text: str, code: int, line: int | None) -> None:
    if name == "_config.yml":
        (folder / "newsletter.toml").write_text('[newsletter]\nname = "A"\n[site]\nsource = "."\n')
    if name.startswith("templates"):
        (folder / "newsletter.toml").write_text('[newsletter]\nname = "A"\n[theme]\nname = "own"\n')
        (folder / "templates" / "own").mkdir(parents=True)
    (folder / name).write_text(text)
    result = newsletter("render", "post.md", cwd=folder)
    assert result.code == code, result.err
    assert "a number of more than 4,000 digits" in result.err
    assert len(result.err) < 400
    assert line is None or f"{Path(name).name}:{line}:" in result.err


@pytest.mark.parametrize("mode", ["remote", "embed"])
def test_a_picture_of_too_many_pixels_is_called_too_large(folder: Path, mode: str) -> None:
    head = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    (folder / "big.png").write_bytes(data + b"\0\0\0\0IDAT\x35\xaf\x06\x1e")
    (folder / "post.md").write_text(f"{POST}\n![A map](big.png)\n")
    result = newsletter("render", "post.md", "--images", mode, cwd=folder)
    assert "more than 40 million" in result.err
    assert "no PNG" not in result.err


# --- templates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "{{ {'a b': 1} | xmlattr }}",
        "{{ 'x' | xmlattr }}",
        "{{ 1 / 0 }}",
        "{{ 'a' + 1 }}",
        "{{ issue | length }}",
        "{{ range(10 ** 9) | list }}",
        "{{ '{}'.format() }}",
        "{{ 'x' * 10 ** 9 }}",
        "{{ [1] * 10 ** 9 }}",
        "{{ 10 ** 100000 }}",
        "{{ picture(1) }}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{{ [1, 'a'] | sort }}",
        "{{ '%d' | format('x') }}",
    ],
)
def test_a_template_that_fails_gets_a_sentence(folder: Path, expression: str) -> None:
    own = folder / "templates" / "own"
    own.mkdir(parents=True)
    (own / "theme.toml").write_text('extends = "classic"\n')
    (own / "issue.mjml.j2").write_text(f"<mjml>\n<mj-body>\n{expression}\n</mj-body></mjml>\n")
    (folder / "newsletter.toml").write_text('[newsletter]\nname = "A"\n[theme]\nname = "own"\n')
    result = newsletter("render", "post.md", cwd=folder)
    assert result.code == 2
    assert "templates/own/issue.mjml.j2:3: the template fails (" in result.err
    assert result.err.count("\n") == 1


# --- who is who -----------------------------------------------------------------------------------------------------


def confirm_path(site: Site) -> str:
    body = site.mail().get_body(("plain",))
    assert body is not None
    return "/c/" + body.get_content().partition("/c/")[2].split()[0]


def test_a_name_is_that_of_the_form_whose_mail_was_answered(tmp_path: Path) -> None:
    with running(tmp_path, TOML + '[serve]\nfields = ["name"]\n') as site:
        site.join(ADA, name="Ada")
        own = confirm_path(site)
        site.join(ADA, "/join?lang=de", name="You fool")
        confirm_path(site)
        assert site.post(own).status == 200
        person = site.people.person(ADA)
        assert person is not None
        assert (dict(person.fields), person.lang) == ({}, "")


def test_a_name_may_be_corrected_before_the_last_mail_is_answered(tmp_path: Path) -> None:
    with running(tmp_path, TOML + '[serve]\nfields = ["name"]\n') as site:
        site.join(ADA, name="Aad")
        confirm_path(site)
        site.join(ADA, name="Ada")
        assert site.post(confirm_path(site)).status == 200
        person = site.people.person(ADA)
        assert person is not None
        assert dict(person.fields) == {"name": "Ada"}
