"""Errors carry path, line, what and remedy as fields: no sentence is written in one piece, to be taken apart again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine import CHECKOUT

from newsletter import errors

ROOMS = ("audience", "delivery", "ledger", "message", "pipeline")
TREE = frozenset(
    name
    for name, each in vars(errors).items()
    if isinstance(each, type) and issubclass(each, errors.NewsletterError) and name != "ConfigFaultsError"
) | {"UnreachableError"}


def modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((CHECKOUT / "newsletter" / room).rglob("*.py"))]


def raised(tree: ast.AST) -> Iterator[ast.Call]:
    """Each place where an error of the tree is made."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TREE:
            yield node


def literal(node: ast.expr) -> str:
    """What is written in a string; None of what is put into it."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(CHECKOUT / "newsletter")))
def test_a_sentence_with_a_remedy_is_not_written_in_one_piece(path: Path) -> None:
    for call in raised(ast.parse(path.read_text("utf-8"))):
        for argument in call.args:
            assert "; " not in literal(argument), f"{path}:{call.lineno}: pass what and remedy to `located`"


def test_a_sentence_with_a_remedy_is_recognised() -> None:
    (call,) = raised(ast.parse('raise ConfigError(f"{path}: cannot be read; check it")'))
    assert "; " in literal(call.args[0])
    assert {"ConfigError", "BusyError", "LostLedgerError"} <= TREE
