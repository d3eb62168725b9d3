"""`newsletter stats` on the command line."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from simulated_year import Year

from newsletter.cli.main import cli
from newsletter.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "newsletter.toml").write_text('[newsletter]\nname = "Daily"\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def year(folder: Path) -> Year:
    made = Year(folder / "newsletter.db", issues=3)
    made.live()
    made.close()
    return made


def run(*words: str) -> str:
    done = CliRunner().invoke(cli, ["stats", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_text_json_csv_and_page_say_the_same(year: Year, folder: Path) -> None:
    data = json.loads(run("--json"))
    assert [each["issue"] for each in data["issues"]] == ["issue-00", "issue-01", "issue-02"]
    assert datetime.fromisoformat(data["made"]).tzinfo is not None
    assert run().startswith(f"{data['readers']['total']} readers")
    head, *rows = run("--csv").splitlines()
    assert head.startswith("issue,subject,first_sent,audience,sent,refused")
    assert len(rows) == 3
    assert run("--csv", "domains").startswith("domain,readers\n")
    assert "open it in a browser" in run("--html", "numbers.html")
    assert "<h1>Daily</h1>" in (folder / "numbers.html").read_text("utf-8")


def test_without_a_ledger_it_says_so(folder: Path) -> None:
    with pytest.raises(ConfigError, match="there is no ledger"):
        CliRunner().invoke(cli, ["stats"], catch_exceptions=False, standalone_mode=False)


def test_no_input_is_overwritten(year: Year, folder: Path) -> None:
    with pytest.raises(ConfigError, match="would be overwritten"):
        CliRunner().invoke(cli, ["stats", "--html", "newsletter.db"], catch_exceptions=False, standalone_mode=False)
    assert json.loads(run("--json"))["issues"]
