"""The house's rules: floors, purity by folder, no cycles, imports at the top, modules of a readable length."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from machine import CHECKOUT

PACKAGE = CHECKOUT / "newsletter"
MODULES = tuple(sorted(PACKAGE.rglob("*.py")))
LONGEST = 400
"""Lines of a module. More than that, and it has a second subject that wants a file of its own."""

# No clock, no files, no network, no environment, no chance: what differs comes in as an argument.
PURE = (
    *("model", "post", "message", "render", "check", "bounces"),
    *(
        "tokens.py",
        "addresses.py",
        "text.py",
        "toml_file",
        "errors.py",
        "expression.py",
        "frozen.py",
        "quoted_printable.py",
        "redaction.py",
    ),
    *("delivery/throttle.py", "delivery/rate_limits.py", "delivery/smtp/replies.py"),
    *("audience/segments.py", "audience/lists/columns.py", "audience/lists/providers.py", "audience/lists/cells.py"),
    *("audience/lists/standing.py", "audience/lists/vocabulary.py", "audience/lists/layout.py"),
    "audience/lists/column_names.py",
    *("audience/lists/guess_encoding.py",),
    *("audience/list_tools/address_hints.py", "audience/people/bounce_score.py", "report/reply_meanings.py"),
    *("doctor/judge", "doctor/verdict.py"),
    *("archive", "stats"),
)
NOT_PURE = (
    *("render/themes", "render/images", "render/inline_css.py"),
    *("bounces/mailboxes", "bounces/process.py"),
    *("check/links/checker.py", "check/links/follow.py", "check/links/cache.py", "check/spam/spamassassin.py"),
    *("check/clients/load_support.py", "check/check_post.py", "check/fix_post.py"),
    *("stats/queries.py", "stats/read.py", "stats/as_csv.py", "stats/as_page.py"),
    *("archive/appearance.py", "archive/build.py", "archive/find_posts.py", "archive/page_pictures.py"),
    *("archive/read_issue.py", "archive/site_folder.py", "archive/after_send.py", "archive/write_search.py"),
    *("archive/card_fonts.py", "archive/cards.py", "archive/draw_cards.py"),
    "archive/latest_issue.py",
)
IMPURE_MODULES = frozenset(
    {
        *("os", "io", "shutil", "tempfile", "glob", "subprocess", "sys", "signal", "threading", "asyncio"),
        *("socket", "ssl", "http", "urllib.request", "smtplib", "httpx", "aiosmtplib", "aiosmtpd", "sqlite3"),
        *("sqlalchemy", "time", "random", "secrets", "uuid", "locale", "getpass"),
    }
)
IMPURE_CALLS = frozenset(
    {"open", "input", "print", "now", "today", "utcnow", "time", "read_text", "write_text", "getenv"}
)


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def _is_in(path: Path, places: tuple[str, ...]) -> bool:
    name = _name(path)
    return any(name == place or name.startswith(f"{place}/") for place in places)


Nodes = dict[Path, tuple[ast.AST, ...]]


@pytest.fixture(scope="module")
def nodes() -> Nodes:
    """Each module's tree, walked; the tree itself comes first."""
    return {path: tuple(ast.walk(ast.parse(path.read_text("utf-8")))) for path in MODULES}


def pure_files() -> Iterator[Path]:
    return (path for path in MODULES if _is_in(path, PURE) and not _is_in(path, NOT_PURE))


def test_imports_go_one_way() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([lint, "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kept" in done.stdout


def test_a_place_that_the_rules_name_exists() -> None:
    assert [place for place in (*PURE, *NOT_PURE) if not (PACKAGE / place).exists()] == []


def test_a_pure_module_reaches_for_nothing(nodes: Nodes) -> None:
    assert [wrong for path in pure_files() for wrong in reaches(_name(path), nodes[path])] == []


@pytest.mark.parametrize(
    "source", ["import os", "from time import time", "import urllib.request", "from pathlib import Path", "open('x')"]
)
def test_what_a_module_reaches_for_is_seen(source: str) -> None:
    assert len([*reaches("a.py", ast.walk(ast.parse(source)))]) == 1


def reaches(name: str, nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        imported: list[str] = []
        match node:
            case ast.Import(names=names):
                imported = [each.name for each in names]
            case ast.ImportFrom(module=str(module), names=names):
                imported = [module, *(f"{module}.{each.name}" for each in names)]
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if (
                ast.unparse(node.func) != "self.open"
            ):
                if called in IMPURE_CALLS:
                    yield f"{name}:{node.lineno} calls {called}"
        parents = {module.rsplit(".", depth)[0] for module in imported for depth in range(module.count(".") + 1)}
        if parents & IMPURE_MODULES or "pathlib.Path" in imported:
            yield f"{name}:{getattr(node, 'lineno', 0)} imports {', '.join(imported)}"


ENVIRONMENT = (
    *("api.py", "cli/load_settings.py", "cli/command_hints.py"),  # newsletter.toml with `.env`, for everyone else
    *("pipeline/event_hook.py", "doctor/ask/env_file.py"),  # what a command gets: less
    *("render/themes/compiled_templates.py", "cli/main.py"),  # the cache's folder; TZ
)


def test_secrets_are_read_in_one_place() -> None:
    """Whoever needs a variable takes it from `config.env`, which knows `.env` as well."""
    reads = {_name(path) for path in MODULES if re.search(r"\bos\.environ\b|\bgetenv\b", path.read_text("utf-8"))}
    assert reads == set(ENVIRONMENT)


def test_no_file_is_named_like_the_standard_library() -> None:
    names = {path.stem for path in MODULES} - {"__init__", "__main__"}
    assert names & set(sys.stdlib_module_names) == set()


def test_no_module_swallows_every_exception(nodes: Nodes) -> None:
    for path in MODULES:
        for node in nodes[path]:
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "everything"
                assert caught not in ("everything", "Exception"), f"{_name(path)}:{node.lineno} catches {caught}"


def test_no_module_is_too_long() -> None:
    long = {_name(path): lines for path in MODULES if (lines := len(path.read_text("utf-8").splitlines())) > LONGEST}
    assert long == {}


def _own_imports(nodes: list[ast.stmt]) -> Iterator[ast.ImportFrom]:
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "newsletter":
            yield node
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from _own_imports(node.body)


def test_our_own_modules_are_imported_at_the_top(nodes: Nodes) -> None:
    """What is imported inside a function hides an arrow; the command group alone loads by name."""
    for path in MODULES:
        top = {id(node) for node in _own_imports(_body(nodes[path]))}
        for node in nodes[path]:
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "newsletter":
                assert id(node) in top, f"{_name(path)}:{node.lineno} imports inside a function"


def _body(nodes: tuple[ast.AST, ...]) -> list[ast.stmt]:
    module = nodes[0]
    assert isinstance(module, ast.Module)
    return module.body


def test_no_import_goes_in_a_circle(nodes: Nodes) -> None:
    dotted = {
        ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES
    }
    graph = {}
    for name, path in dotted.items():
        targets = set()
        for node in _own_imports(_body(nodes[path])):
            for each in node.names:
                inside = f"{node.module}.{each.name}"
                targets.add(inside if inside in dotted else node.module)
        graph[name] = targets - {name}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_queue_of_the_workers_stands_behind_one_module() -> None:
    using = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "procrastinate." in path.read_text("utf-8")
    }
    assert using == {"cluster/job_queue.py"}
