"""Errors say what is wrong and what to write instead in fields of their own; nothing takes a sentence apart again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine import CHECKOUT

from newsletter import errors
from newsletter.errors import ConfigError, ConfigFaultsError, ContentError, ContentFaultsError, Located, located

PACKAGE = CHECKOUT / "newsletter"
OURS = {name for name in dir(errors) if name.endswith("Error")} - {"InvalidValueError"}
OURS |= {"MisuseError", "SegmentError", "UnreachableError"}


def sentences(path: Path) -> Iterator[tuple[int, str]]:
    """The words of each error that is made of one text."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OURS and node.args:
            match node.args[0]:
                case ast.Constant(value=str(text)):
                    yield node.lineno, text
                case ast.JoinedStr(values=values):
                    yield node.lineno, "".join(part.value for part in values if isinstance(part, ast.Constant))


def test_no_error_has_its_remedy_in_the_same_text() -> None:
    said = ((path, line, text) for path in sorted(PACKAGE.rglob("*.py")) for line, text in sentences(path))
    assert [f"{path.relative_to(CHECKOUT)}:{line}: {text}" for path, line, text in said if "; " in text] == []


def test_an_error_keeps_its_parts() -> None:
    error = ContentError("the date is 'soon'", "write 2026-03-01", path=Path("posts/12.md"), line=7)
    assert str(error) == "posts/12.md:7: the date is 'soon'; write 2026-03-01"
    (fault,) = error.faults
    assert (fault.path, fault.line, fault.column, fault.what, fault.remedy) == (
        *("posts/12.md", 7, None),
        *("the date is 'soon'", "write 2026-03-01"),
    )
    assert ContentError(fault).faults == (fault,)


@pytest.mark.parametrize("text", ["a; b", "a: b", "", "a\nb"])
def test_a_text_is_never_taken_apart(text: str) -> None:
    (fault,) = ConfigError(text).faults
    assert (str(fault), fault.what, fault.remedy, fault.path, fault.line) == (text, text, "", "", None)


@pytest.mark.parametrize("kind", [ConfigFaultsError, ContentFaultsError])
def test_several_faults_are_told_line_by_line(kind: type[ConfigFaultsError | ContentFaultsError]) -> None:
    faults: list[Located] = [located("a.toml", line, "wrong", "mend it") for line in (1, 2)]
    error = kind(faults)
    assert error.faults == error.lines == tuple(faults)
    assert str(error) == "a.toml:1: wrong; mend it\na.toml:2: wrong; mend it"
