"""Compiled templates on disk: taken from there by the next process, and never from where another could have written."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jinja2
import pytest

from newsletter.render.themes import compiled_templates
from newsletter.render.themes.compiled_templates import CompiledTemplates, cache_folder

SOURCE = "{% for name in names %}{{ name }}, {% endfor %}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "pycache_prefix", None)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "newsletter" / "templates"


def compiled_count(monkeypatch: pytest.MonkeyPatch, source: str = SOURCE) -> int:
    """Render as a new process would -> how often it had to compile."""
    compiled = 0
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({"a.j2": source}), bytecode_cache=CompiledTemplates(), autoescape=True
    )
    compile_source = environment.compile

    def counted(*arguments: object, **more: object) -> object:
        nonlocal compiled
        compiled += 1
        return compile_source(*arguments, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(environment, "compile", counted)
    assert environment.get_template("a.j2").render(names=["x", "<y>"]) == "x, &lt;y&gt;, "
    return compiled


def test_the_next_process_compiles_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [compiled_count(monkeypatch), compiled_count(monkeypatch)] == [1, 0]
    (file,) = folder.iterdir()
    assert [folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777] == [0o700, 0o600]


def test_another_text_or_another_version_is_compiled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled_count(monkeypatch)
    assert compiled_count(monkeypatch, f"{{# new #}}{SOURCE}") == 1
    monkeypatch.setattr(compiled_templates, "_COMPILER", ["another"])
    assert compiled_count(monkeypatch) == 1
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    compiled_count(monkeypatch)
    folder.chmod(mode)
    assert compiled_count(monkeypatch) == 1
    assert len(list(folder.iterdir())) == 1


def test_a_file_that_others_may_write_is_compiled_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled_count(monkeypatch)
    (file,) = folder.iterdir()
    file.chmod(0o602)
    assert compiled_count(monkeypatch) == 1
    assert compiled_count(monkeypatch) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file away")
@pytest.mark.parametrize("place", ["folder", "file"])
def test_what_another_user_owns_is_not_run(folder: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    compiled_count(monkeypatch)
    os.chown(folder if place == "folder" else next(folder.iterdir()), 65534, 65534)
    assert compiled_count(monkeypatch) == 1


def test_a_link_in_place_of_the_folder_is_not_followed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled_count(monkeypatch)
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(folder.with_name("moved"))
    assert compiled_count(monkeypatch) == 1


def test_a_damaged_file_is_compiled_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled_count(monkeypatch)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    for content in (b"", whole[:40], whole[:-1], whole[:32], whole.replace(b"names", b"nomes"), whole * 50_000):
        file.write_bytes(content)
        assert compiled_count(monkeypatch) == 1
        assert file.read_bytes() == whole


def test_a_pipe_of_that_name_is_not_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled_count(monkeypatch)
    (file,) = folder.iterdir()
    file.unlink()
    os.mkfifo(file, 0o600)
    assert compiled_count(monkeypatch) == 1


@pytest.mark.parametrize("cache", ["", "relative/cache", "/dev/null/cache", "/proc/nothing", "/tmp/\0"])
def test_no_folder_is_no_fault(folder: Path, monkeypatch: pytest.MonkeyPatch, cache: str) -> None:
    monkeypatch.setenv("HOME", "")
    if "\0" in cache:
        monkeypatch.setattr(sys, "pycache_prefix", cache)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", cache)
    assert compiled_count(monkeypatch) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")
def test_nothing_is_made_in_the_home_of_another_user(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    os.chown(tmp_path, 65534, 65534)
    assert compiled_count(monkeypatch) == 1
    assert list(tmp_path.iterdir()) == []


def test_who_wants_no_bytecode_gets_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert compiled_count(monkeypatch) == 1
    assert not folder.exists()


def test_the_folder_is_where_python_is_told_to_keep_bytecode(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "prefix"))
    assert cache_folder() == tmp_path / "prefix" / "newsletter-templates"
    compiled_count(monkeypatch)
    assert not folder.exists()


def test_many_files_make_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_templates, "MAX_COMPILED", 3)
    for number in range(4):
        compiled_count(monkeypatch, f"{SOURCE}{{# {number} #}}")
    assert len(list(folder.iterdir())) == 1
