"""What may come from outside costs no more than its length: every pattern of the program, counted in steps.

Each pattern is tried on texts that are made for it: what it begins to match, repeated. Twice the length may cost twice
the steps. A pattern that costs more is in `BOUNDED`, with what keeps its text short.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from regex_steps import Steps, TooManyStepsError, hostile_texts, parser

PACKAGE = Path(__file__).parents[2] / "newsletter"
SHORT, LONG = 40, 160
MOST = 300_000
MOST_PIECES = 40
"""Texts that a pattern is tried on; a quarter of them if it is a vocabulary of this many letters."""
LONG_PATTERN = 2_000

OWN_EMAIL = "the email that we rendered: well-formed, and Gmail's 102 KB long at most"
OPERATOR = "newsletter.toml or a theme: the operator's own, a line"

WELL_FORMED = "the email that we rendered: each comment and style block has its end"

BOUNDED = {
    ("bounces/alternatives.py", r"\\(?P<escaped>.)"): "it reads the program's own patterns, never a mail",
    ("bounces/detectors.py", r"\\[A-Za-z0-9]"): "it reads the patterns of flufl.bounce itself, never a mail",
    ("bounces/failure_kind.py", r"([45]\.\d{1,3}\.\d{1,3}) - "): "its repeat has an end: 60 letters after each code",
    ("bounces/mime_parts.py", r"[^\s<>;,:()"): "its repeats have an end: 64 steps for each letter",
    ("bounces/own_text.py", r"^[ \t]{0,8}(?:[45]"): "its repeats have an end: 64 letters and 255, from a line's start",
    ("bounces/own_text.py", r"^[ \t>*_=-]{0,80}"): "its repeats have an end: 80 steps for each letter",
    ("bounces/own_text.py", "further assistance"): "300 letters of a line",
    ("check/clients/features.py", r"\s*([>+~,])"): OWN_EMAIL,
    ("check/rendered/email_rules.py", "<!--.*?-->"): OWN_EMAIL,
    ("check/rendered/email_rules.py", "<[^>]*>"): OWN_EMAIL,
    ("check/source/fixes.py", r"!\[(?P<alt>"): "its repeat has an end: 500 steps for each picture",
    ("check/clients/outlook_word.py", r"<!--\[if\s([^\]]*)\]>(.*?)"): OWN_EMAIL,
    ("check/clients/outlook_word.py", r"(<style\b"): OWN_EMAIL,
    ("config/validators.py", '(?:"(?P<quoted>'): OPERATOR,
    ("render/compact_frame.py", "(<style[^>]*>)(.*?)"): WELL_FORMED,
    ("render/compact_frame.py", r"<!--\[if mso\]>\s*<noscript>"): WELL_FORMED,
    ("render/compact_frame.py", r"<!--\[if lte mso 11\]>"): WELL_FORMED,
    ("render/compact_frame.py", r"<style[^>]*>\s*@media only"): WELL_FORMED,
    ("render/inline_css.py", r"([^{}]+)\{"): OPERATOR,
    ("render/plain_css.py", "[ \t\r\n\x0c]*([^{}]+)"): OPERATOR,
    ("render/plain_css.py", "\n    (?P<between>"): OPERATOR,
    ("render/mirror.py", "<!--.*?-->|<style"): WELL_FORMED,
    ("post/markdown/raw_html.py", r"[a-z][a-z0-9+.\-]{1,30}"): "its repeat has an end: 31 steps for each letter",
    ("quoted_printable.py", r"^([^\n]{74,})"): "a line of b2a_qp, 78 bytes long at most",
    ("render/images/svg.py", r"\s*([0-9]*"): "MAX_LENGTH_CHARS of svg",
    ("render/themes/values.py", r"[\w\s"): OPERATOR,
}
"""What keeps the text of a costly pattern short, by its file and how it begins."""


def excuse(place: str, text: str) -> str:
    return next((why for (file, start), why in BOUNDED.items() if file == place and text.startswith(start)), "")


FOLDERS = sorted({path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")})
"""The packages, and the modules that stand beside them."""


@cache
def patterns(folder: str) -> dict[tuple[str, str], tuple[re.Pattern[Any], str]]:
    """Every pattern that is written out in a call of `re`, by its file and text, with the function's name."""
    found: dict[tuple[str, str], tuple[re.Pattern[Any], str]] = {}
    for path in sorted((PACKAGE / folder).rglob("*.py")) or [PACKAGE / folder]:
        name = str(path.relative_to(PACKAGE))
        source = path.read_text("utf-8")
        if "re." not in source:
            continue
        nodes = tuple(ast.walk(ast.parse(source)))
        how = _uses(nodes)
        for node in nodes:
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "re"):
                continue
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str | bytes):
                pattern = re.compile(first.value, _flags(node))
                text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
                found[name, text] = (pattern, how.get(text, node.func.attr))
        module = importlib.import_module(".".join(("newsletter", *Path(name).with_suffix("").parts)))
        for value in vars(module).values():
            if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                found.setdefault((name, value.pattern), (value, "compile"))
    return found


def _uses(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """Of patterns that a module compiles and uses at the beginning of texts only: "match", by the pattern's text."""
    names: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            first = node.value.args[0] if node.value.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str | bytes):
                text = first.value if isinstance(first.value, str) else first.value.decode("latin-1")
                names[node.targets[0].id] = text
    methods: dict[str, set[str]] = {name: set() for name in names}
    for node in nodes:
        if isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load):
            methods[node.id].add("?")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            methods[node.value.id].add(node.attr)
    return {
        names[name]: "match" for name, used in methods.items() if used - {"?"} and used <= {"?", "match", "fullmatch"}
    }


def _flags(call: ast.Call) -> int:
    names = {
        node.attr
        for each in (*call.args[1:], *(keyword.value for keyword in call.keywords if keyword.arg == "flags"))
        for node in ast.walk(each)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "re"
    }
    flags = 0
    for name in names:
        flags |= getattr(re, name) if name.isupper() else 0
    return int(flags)


def steps(pattern: re.Pattern[Any], how: str, text: str) -> int:
    counter = Steps(pattern, MOST)
    deep = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    try:
        if how in ("fullmatch", "match"):
            return counter.full_match(text)
        return counter.find_all(text)
    except TooManyStepsError:
        return MOST
    finally:
        sys.setrecursionlimit(deep)


@cache
def worst_growth(pattern: re.Pattern[Any], how: str) -> tuple[float, str]:
    """How many times the steps of a text are those of one a quarter as long; 4 is in step with the length."""
    worst = (0.0, "")
    pieces = sorted(hostile_texts(pattern))
    # A vocabulary of a thousand words is one form a thousand times: some of them, evenly, tell as much as all.
    most = MOST_PIECES if len(pattern.pattern) < LONG_PATTERN else MOST_PIECES // 4
    for piece in pieces[:: -(-len(pieces) // most)]:
        short = steps(pattern, how, piece * (SHORT // len(piece) + 1) + "\0")
        long = steps(pattern, how, piece * (LONG // len(piece) + 1) + "\0")
        growth = float("inf") if short >= MOST else long / max(short, SHORT)
        worst = max(worst, (growth, piece))
        if growth > 5:
            break
    return worst


def fault(place: str, text: str, pattern: re.Pattern[Any], how: str) -> str:
    growth, piece = worst_growth(pattern, how)
    if excuse(place, text):
        return "" if growth > 5 else "it need not be excused any more"
    return "" if growth <= 5 else f"{piece!r} repeated costs {growth:.1f} times the steps for 4 times the length"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_pattern_costs_no_more_than_its_text_is_long(folder: str) -> None:
    assert [f"{key}: {wrong}" for key, value in patterns(folder).items() if (wrong := fault(*key, *value))] == []


def test_every_excuse_is_of_a_pattern() -> None:
    found = [key for folder in FOLDERS for key in patterns(folder)]
    assert {key for key in BOUNDED if not any(p == key[0] and t.startswith(key[1]) for p, t in found)} == set()
    assert len(found) > 200


@pytest.mark.parametrize(
    ("pattern", "is_square"),
    [(r"<head\b[^>]*>", True), (r"<head\b[^<>]*>", False), (r"(a+)+b", True), (r"<!--.*?-->", True), (r"a*b", True)],
)
def test_the_count_tells_a_square_from_a_line(pattern: str, is_square: bool) -> None:
    assert (worst_growth(re.compile(pattern), "search")[0] > 5) == is_square


@pytest.mark.parametrize(
    "pattern", [r"(?P<a>x|y)+z", r"a{2,3}?b", r"(?<=q)u", r"\bfoo\b", r"(a|ab)(c|bcd)", r"[^\W\d]+"]
)
@pytest.mark.parametrize("text", ["xyxyz", "aaab", "quick q", "a foo b", "abcd", "héllo 12"])
def test_the_walk_finds_what_re_finds(pattern: str, text: str) -> None:
    compiled = re.compile(pattern)
    found = compiled.search(text)
    counter = Steps(compiled, MOST)
    counter.text = text
    ends = [counter._match_at(position) for position in range(len(text) + 1)]
    first = next(((start, end) for start, end in enumerate(ends) if end is not None), None)
    assert first == (found.span() if found else None)


SINGLE = frozenset({"LITERAL", "NOT_LITERAL", "IN", "ANY", "CATEGORY"})


def possessive_groups(nodes: Any) -> Iterator[str]:
    """The possessive repeats of more than one character, and the atomic groups."""
    for kind, value in nodes:
        inner = list(_subpatterns(value))
        if str(kind) == "ATOMIC_GROUP":
            yield "an atomic group"
        if str(kind) == "POSSESSIVE_REPEAT" and (len(inner[0]) > 1 or str(inner[0][0][0]) not in SINGLE):
            yield "a possessive group"
        for each in inner:
            yield from possessive_groups(each)


def _subpatterns(value: Any) -> Iterator[Any]:
    if isinstance(value, parser.SubPattern):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _subpatterns(part)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_group_is_possessive(folder: str) -> None:
    """Python before 3.11.5 misses matches where such a group may backtrack inside; of one character each is right.

    https://github.com/python/cpython/issues/106052; Debian 12 has 3.11.2.
    """
    assert [key for key, (pattern, _) in patterns(folder).items() if [*possessive_groups(parsed(pattern))]] == []


def parsed(pattern: re.Pattern[Any]) -> Any:
    flags = int(pattern.flags) & ~int(re.DEBUG) & ~(int(re.UNICODE) if isinstance(pattern.pattern, bytes) else 0)
    return parser.parse(pattern.pattern, flags)


def test_a_possessive_group_is_seen() -> None:
    for text in (r"(?:a|b\d)*+c", r"(?:ab)*+", r"(?>a|ab)c", r"x(?:(?:ab){2}+|y)"):
        assert list(possessive_groups(parser.parse(text))), text
    for text in (r"a*+b", r"[ab]++", r"\w{2,3}+", r".?+", r"(?:a|b)*+"):
        assert not list(possessive_groups(parser.parse(text))), text
