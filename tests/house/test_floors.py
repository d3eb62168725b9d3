"""The house's import rules, and what keeps the pure stages pure."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from machine import CHECKOUT

PACKAGE = CHECKOUT / "newsletter"

# Parse, render and compose: no clock, no files, no network, no environment, no chance.
PURE = (
    "errors",
    "model",
    "tree",
    "cjk",
    "inline",
    "front_matter",
    "story",
    "markdown",
    "post",
    "plaintext",
    "render",
    "message",
    "mime",
    "headers",
    "links",
    "dkim",
    "replies",
    "pace",
    "lane",
    "backoff",
    "meanings",
    "webhooks",
    "segments",
    "expression",
    "fields",
    "list_addresses",
    "list_encodings",
    "list_headers",
    "list_layout",
    "list_providers",
    "list_rules",
    "list_standing",
    "list_words",
    "list_checks",
)
IMPURE_MODULES = frozenset(
    {
        *("os", "io", "shutil", "tempfile", "glob", "subprocess", "sys", "signal", "threading", "asyncio"),
        *(
            "socket",
            "ssl",
            "http",
            "urllib.request",
            "smtplib",
            "httpx",
            "aiosmtplib",
            "aiosmtpd",
            "sqlite3",
            "sqlalchemy",
        ),
        *("time", "random", "secrets", "uuid", "locale", "getpass"),
    }
)
IMPURE_CALLS = frozenset(
    {"open", "input", "print", "now", "today", "utcnow", "time", "read_text", "write_text", "getenv"}
)


def test_imports_go_one_way() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([lint, "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kept" in done.stdout


PURE_PACKAGES = ("checks", "bounces")
PURE_FILES = (
    *(PACKAGE / f"{name}.py" for name in PURE),
    *(path for package in PURE_PACKAGES for path in sorted((PACKAGE / package).glob("*.py"))),
)


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", PURE_FILES, ids=_name)
def test_a_pure_stage_reaches_for_nothing(path: Path) -> None:
    name = _name(path)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        imported: list[str] = []
        match node:
            case ast.Import(names=names):
                imported = [each.name for each in names]
            case ast.ImportFrom(module=str(module), names=names):
                imported = [module, *(f"{module}.{each.name}" for each in names)]
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)):
                assert called not in IMPURE_CALLS, f"{name}:{node.lineno} calls {called}"
        for module in imported:
            parents = {module.rsplit(".", depth)[0] for depth in range(module.count(".") + 1)}
            assert not parents & IMPURE_MODULES, f"{name}:{getattr(node, 'lineno', 0)} imports {module}"
            assert module != "pathlib.Path", f"{name} reads files"


def test_no_file_is_named_like_the_standard_library() -> None:
    names = {path.stem for path in PACKAGE.rglob("*.py")} - {"__init__", "__main__"}
    assert names & set(sys.stdlib_module_names) == set()


def test_no_module_swallows_every_exception() -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "everything"
                assert caught not in ("everything", "Exception"), f"{path.name}:{node.lineno} catches {caught}"


def test_no_test_asks_how_long_something_took() -> None:
    """That is the machine's answer, not ours: `growth.calls` counts. A limit in seconds only ends what hangs."""
    clocks = re.compile(r"\b(?:perf_counter|process_time|thread_time|timeit)\b")
    limits = re.compile(r"mark\.timeout\(([\d_]+)\)|deadline=(?:timedelta|\d)")
    usual = 120
    found = [
        f"{path.name}: {match[0]}"
        for path in sorted((CHECKOUT / "tests").glob("*.py"))
        if path != Path(__file__)
        for text in [path.read_text("utf-8")]
        for match in (*clocks.finditer(text), *limits.finditer(text))
        if match.re is clocks or match[1] is None or int(match[1]) < usual
    ]
    assert found == []
