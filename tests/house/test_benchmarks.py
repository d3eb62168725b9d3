"""Every script of benchmarks/ runs to its end, on as little as it takes; its figures are then of no use."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import environment
from machine import CHECKOUT, RequireProgram, missing

FOLDER = CHECKOUT / "benchmarks"
MAILS = "a folder of mails"
BOUNCE = b"""\
From: MAILER-DAEMON@mx.example
To: news@blog.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=cut

--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ann@reader.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--cut--
"""
SMALL: dict[str, tuple[str, ...]] = {
    "archive": ("12",),
    "audience": ("1000",),
    "bounces": (MAILS,),
    "check": ("--rounds", "1"),
    "clients": ("2",),
    "cluster": ("60", "1000", "1"),
    "commit": ("3",),
    "compose": ("10",),
    "corpus": ("examples", "--most", "2"),
    "delivery": ("--rounds", "1", "--messages", "20"),
    "first_message": ("300", "--rounds", "1"),
    "hostile": ("100", "1"),
    "ledger": ("200",),
    "lists": ("1000", "--rounds", "1"),
    "long_posts": ("headings alone", "--rounds", "1"),
    "memory": ("2",),
    "preview": ("--rounds", "1"),
    "render": ("--rounds", "1"),
    "serve": ("1",),
    "sizes": ("2",),
    "start": ("--rounds", "1"),
    "stats": ("3", "200"),
    "suppressions": ("200", "20", "5"),
}
PARTS = {"delivery_aiosmtplib", "delivery_proxy"}
"""Processes that delivery.py starts."""
NEEDS = {"corpus": "ruby", "delivery": "npm", "preview": "chromium", "serve": "wrk"}


def test_no_script_is_forgotten() -> None:
    scripts = {path.stem for path in FOLDER.glob("*.py") if "__main__" in path.read_text("utf-8")}
    assert scripts == SMALL.keys() | PARTS


@pytest.mark.benchmark
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_runs_to_its_end(name: str, require_program: RequireProgram, tmp_path: Path) -> None:
    if name in NEEDS:
        require_program(NEEDS[name])
    env = environment(PYTHONWARNINGS="default")
    if name == "delivery":
        if not (sink := os.environ.get("NEWSLETTER_SMTP_SINK")):
            missing("NEWSLETTER_SMTP_SINK is not set, and Postfix would have to be fetched")
        env["NEWSLETTER_SMTP_SINK"] = sink
    (tmp_path / "mx-1.eml").write_bytes(BOUNCE)
    options = [str(tmp_path) if option == MAILS else option for option in SMALL[name]]
    command = [sys.executable, FOLDER / f"{name}.py", *options]
    done = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    assert any(char.isdigit() for char in done.stdout)


def _imports() -> list[tuple[str, str, str]]:
    """What scripts import of the package and of the tests' helpers: mypy reads no script, and a name may move."""
    found = []
    helpers = {path.stem for path in (CHECKOUT / "tests" / "support").glob("*.py")}
    for folder in ("benchmarks", "docs", "examples"):
        for path in sorted((CHECKOUT / folder).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in {
                    "newsletter",
                    *helpers,
                }:
                    found += [(f"{folder}/{path.name}", str(node.module), each.name) for each in node.names]
    return found


def test_what_a_script_imports_is_there() -> None:
    def is_there(module: str, name: str) -> bool:
        return hasattr(importlib.import_module(module), name) or bool(importlib.util.find_spec(f"{module}.{name}"))

    imported = _imports()
    assert [one for one in imported if not is_there(*one[1:])] == []
    assert len(imported) > 100
