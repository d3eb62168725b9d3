"""Modules that were cut short, or may not be read: a sentence that names the file, and exit code 2."""

from __future__ import annotations

import asyncio
import io
import os
import py_compile
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command_line import CHECKOUT, environment, newsletter

from newsletter.cli import main as command_line
from newsletter.cli.lazy_group import LazyCommand

SOURCE = "import click\n\n\n@click.command()\ndef spoil() -> None:\n    '''Do nothing.'''\n"


def with_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *words: str) -> Path:
    """A command whose module is the file returned."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(command_line.COMMANDS, "spoil", LazyCommand(name, "spoil", "Do nothing"))
    monkeypatch.setattr(sys, "argv", ["newsletter", "spoil", *words])
    source = tmp_path / f"{name}.py"
    source.write_text(SOURCE)
    return source


def run(capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = command_line._run()
    return code, *capsys.readouterr()


def bytecode(source: Path) -> Path:
    return Path(py_compile.compile(str(source), doraise=True))


CUTS: dict[str, Callable[[bytes], bytes]] = {
    "in the middle": lambda whole: whole[: len(whole) // 2],
    "after its head": lambda whole: whole[:17],
    "zeros from a block on": lambda whole: whole[:40] + bytes(len(whole) - 40),
    "no bytecode": lambda whole: whole[:16] + b"N",
}


@pytest.mark.parametrize("cut", CUTS)
def test_bytecode_that_was_cut_short_is_named(
    cut: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = bytecode(with_command(tmp_path, monkeypatch, f"cut_short_{len(cut)}"))
    file.write_bytes(CUTS[cut](file.read_bytes()))
    code, _, said = run(capsys)
    assert (code, "interrupted" in said) == (2, False)
    assert said.strip().startswith(f"{file}: ") or "installation" in said
    assert "install newsletter-press again" in said


def test_programs_are_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = bytecode(with_command(tmp_path, monkeypatch, "cut_for_programs", "--json"))
    file.write_bytes(file.read_bytes()[:60])
    code, out, _ = run(capsys)
    assert code == 2
    assert str(file) in out
    assert '"exit_code": 2' in out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SOURCE[:-30] + "('", "unterminated"),
        ("from newsletter.text import no_such_name\n", "no_such_name"),
        ("import no_such_module_anywhere\n", "no_such_module_anywhere"),
    ],
)
def test_source_that_was_cut_short_is_told(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_command(tmp_path, monkeypatch, f"source_{len(text)}").write_text(text)
    code, _, err = run(capsys)
    assert code == 2
    assert said in err
    assert "install newsletter-press again" in err


@contextmanager
def as_somebody() -> Iterator[None]:
    """Root may read every file."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65_534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files here have no such modes")
def test_source_that_may_not_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        source = with_command(Path(folder), monkeypatch, "may_not_be_read")
        source.chmod(0)
        with as_somebody():
            code, _, err = run(capsys)
    assert (code, err) == (2, f"{source}: a module that may not be read; make it readable for everyone\n")


class OurFaultError(ValueError):
    pass


@pytest.mark.parametrize("fault", [OurFaultError("x"), asyncio.IncompleteReadError(b"", 1), EOFError(), TypeError("x")])
def test_a_fault_of_the_program_is_none_of_the_installation(
    fault: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An end of a file somewhere else was "interrupted", too; it is a fault like any other."""
    with_command(tmp_path, monkeypatch, f"own_fault_{type(fault).__name__}").write_text(
        f"import click\nimport {__name__} as own\n\n@click.command()\ndef spoil() -> None:\n    raise own.FAULT\n"
    )
    monkeypatch.setattr(sys.modules[__name__], "FAULT", fault, raising=False)
    with pytest.raises(type(fault)):
        command_line._run()


def test_ctrl_d_at_a_question_is_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_command(tmp_path, monkeypatch, "asks").write_text(
        "import click\n\n@click.command()\ndef spoil() -> None:\n    click.confirm('Really?')\n"
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    before = signal.getsignal(signal.SIGINT)
    code, _, err = run(capsys)
    signal.signal(signal.SIGINT, before)
    assert (code, "interrupted" in err) == (130, True)


@pytest.mark.parametrize("module", ["cli.main", "cli.lazy_group", "text"])
def test_what_every_command_loads_may_be_cut_short(module: str, tmp_path: Path) -> None:
    source = (CHECKOUT / "newsletter").joinpath(*module.split(".")).with_suffix(".py")
    program = (
        "import importlib.util, py_compile, sys\n"
        "sys.pycache_prefix, source = sys.argv[1:]\n"
        "py_compile.compile(source, doraise=True)\n"
        "print(importlib.util.cache_from_source(source))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(source)], capture_output=True, text=True, check=True
    )
    file = Path(done.stdout.strip())
    file.write_bytes(file.read_bytes()[:100])
    ran = subprocess.run(
        [sys.executable, "-B", "-X", f"pycache_prefix={tmp_path}", "-m", "newsletter", "--version"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(),
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"{file}: a module that was cut short")
    assert ran.stderr.count("\n") == 1


def test_a_whole_installation_runs(tmp_path: Path) -> None:
    assert newsletter("--version", cwd=tmp_path).code == 0
