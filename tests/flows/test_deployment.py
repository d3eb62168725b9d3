"""What others' machines run: the container, the compose file, the GitHub action, units; each by its own judge."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import CHECKOUT, newsletter, people, shortcut, write_list
from machine import NodeScript, RequireProgram
from smtp_server import SmtpServer

EXAMPLES = CHECKOUT / "examples"
ACTION: dict[str, Any] = yaml.safe_load((CHECKOUT / "action.yml").read_text("utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((EXAMPLES / "compose.yaml").read_text("utf-8"))
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text("utf-8")
SEND = next(step for step in ACTION["runs"]["steps"] if step.get("id") == "send")


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("compose-spec", "examples/compose.yaml"),
        ("compose-spec", "examples/cluster.yaml"),
        ("github-workflows", "examples/publish.yml"),
        ("github-actions", "action.yml"),
    ],
)
def test_the_file_is_one_of_its_schema(schema: str, path: str, tmp_path: Path) -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*check, CHECKOUT / path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    broken = tmp_path / "broken.yml"
    broken.write_text("jobs: 1\nruns: 1\nservices: 1\n")
    assert subprocess.run([*check, broken], capture_output=True).returncode == 1


def test_the_dockerfile_has_no_fault(node_script: NodeScript) -> None:
    assert node_script("dockerfile", DOCKERFILE) == []
    assert node_script("dockerfile", "FROM a\nEXPOSE twelve\n") == ["2: Invalid containerPort: twelve"]


def test_the_image_is_built_of_what_it_is_given(tmp_path: Path) -> None:
    """Of the files that .dockerignore lets in and COPY names, the project builds with all it needs."""
    allowed = {
        line[1:] for line in (CHECKOUT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")
    }
    copied: set[str] = set()
    for line in re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.MULTILINE):
        copied |= set(line.split())
    assert copied == allowed
    for name in copied:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy(source, tmp_path / name)
    build = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=tmp_path, capture_output=True, text=True
    )
    assert build.returncode == 0, build.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "newsletter/templates/classic/theme.toml" in names
    assert "newsletter/cli/main.py" in names


def test_every_command_of_the_containers_is_one_of_ours() -> None:
    for name, service in COMPOSE["services"].items():
        command, *options = service["command"]
        page = newsletter(command, "--help", cwd=CHECKOUT).out
        assert [option for option in options if option.startswith("--") and option not in page] == [], name
    unit = (EXAMPLES / "newsletter-serve.service").read_text("utf-8")
    assert "newsletter serve --port 8080" in unit


def test_the_health_check_asks_for_a_page_that_is_there() -> None:
    source = (CHECKOUT / "newsletter" / "web" / "public" / "app.py").read_text("utf-8")
    asked = re.search(r"127\.0\.0\.1:8080(/\w+)", json.dumps(COMPOSE))
    assert asked is not None
    assert f'Route("{asked[1]}"' in source


def test_systemd_takes_the_unit(require_program: RequireProgram) -> None:
    done = subprocess.run(
        [require_program("systemd-analyze"), "verify", "--man=no", str(EXAMPLES / "newsletter-serve.service")],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if "/newsletter-" in line]) == (0, [])


def _scripts() -> dict[str, str]:
    steps = [*ACTION["runs"]["steps"]]
    for job in yaml.safe_load((EXAMPLES / "publish.yml").read_text("utf-8"))["jobs"].values():
        steps += job["steps"]
    found = {step["name"]: step["run"] for step in steps if "run" in step}
    return found | {"ledger-branch.sh": (EXAMPLES / "ledger-branch.sh").read_text("utf-8")}


@pytest.mark.parametrize("name", _scripts())
def test_shellcheck_finds_nothing(name: str, require_program: RequireProgram, tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    text = _scripts()[name]
    script.write_text(text if text.startswith("#!") else f"#!/bin/bash\n{text}")
    # SC2086: $FIRST of the workflow is one option or none, and must be no word at all where it is empty.
    done = subprocess.run([require_program("shellcheck"), "--exclude=SC2086", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# --- the action, run -------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "posts").mkdir()
    (tmp_path / "newsletter.toml").write_text('[newsletter]\nname = "Daily"\nfrom = "daily@example.com"\n')
    write_list(tmp_path, *people(3))
    for name in ("one", "two's"):
        (tmp_path / "posts" / f"{name}.md").write_text(f"---\ntitle: {name}\n---\n\nNews.\n")
    return tmp_path


def _configure(site: Path, server: SmtpServer, more: str = "") -> None:
    with (site / "newsletter.toml").open("a") as settings:
        settings.write(f'[relay]\nurl = "{server.url}"\n{more}')


def _act(site: Path, **inputs: str) -> tuple[int, dict[str, Any]]:
    """The action's own script, as GitHub runs it: inputs in the environment, `bash -e`, a file for outputs."""
    output = site / "output"
    output.write_text("")
    defaults = {name: str(each.get("default", "")) for name, each in ACTION["inputs"].items()}
    given = {name.upper(): value for name, value in (defaults | inputs).items() if name != "python-version"}
    assert set(SEND["env"]) == set(given)
    (site / "bin").mkdir(exist_ok=True)
    path = shortcut(site / "bin")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", SEND["run"]],
        cwd=site,
        env={**os.environ, **given, "GITHUB_OUTPUT": str(output), "PATH": path},
        capture_output=True,
        text=True,
    )
    name, _, rest = output.read_text().partition("<<")
    end, _, value = rest.partition("\n")
    assert (name, value.endswith(f"\n{end}\n")) == ("result", True), done.stderr
    return done.returncode, json.loads(value.removesuffix(f"\n{end}\n"))


def test_the_action_sends_one_post_once(site: Path) -> None:
    with SmtpServer() as server:
        _configure(site, server)
        once = _act(site, post="posts/two's.md", list="list.csv", first="true")
        again = _act(site, post="posts/two's.md", list="list.csv")
    assert (once[0], once[1]["sent"]) == (0, 3)
    assert (again[0], len(server.messages)) == (0, 3)


def test_the_action_fails_where_the_command_does(site: Path) -> None:
    with SmtpServer() as server:
        _configure(site, server)
        code, told = _act(site, post="posts/one.md", list="list.csv")
    assert code == 2
    assert "--first" in json.dumps(told)
    assert not server.messages


def test_the_action_publishes_what_is_due_within_the_window(site: Path) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    settings = '[publish]\nsend_at = "23:59"\nlatest = "23:59"\n'
    (site / "posts" / "one.md").write_text(f"---\ntitle: one\ndate: {yesterday}\n---\n\nNews.\n")
    with SmtpServer() as server:
        _configure(site, server, settings)
        code, told = _act(site, posts="posts", list="list.csv", window="00:00-23:59", first="true")
    assert code == 0, told
    assert [post["decision"] for post in told["posts"] if post["post"].endswith("one.md")] == ["sent"]
    assert len(server.messages) == 3


def test_a_window_that_is_none_says_what_to_write(site: Path) -> None:
    for wrong in ("8", "25:00-26:00", "-", "08:00"):
        run = newsletter("publish", "posts", "--to", "list.csv", "--window", wrong, cwd=site)
        assert (run.code, "write 08:00-12:00" in run.err) == (2, True)
