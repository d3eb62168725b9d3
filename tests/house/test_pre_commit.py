"""The hooks for pre-commit, run by pre-commit itself over a repository of posts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from command_line import PROGRAM, environment, write_post
from machine import CHECKOUT, RequireProgram

GOOD = "---\ntitle: March\ndate: 2026-03-01\n---\nOne paragraph.\n"
SLIP = "---\ntitle: March\ndate: 2026-03-01\n---\n** Bold ** words.\n"
HOOKS = ("newsletter-check", "newsletter-check-json", "newsletter-fix")


class Repository:
    """A repository of posts that uses our hooks, installed as pre-commit does or with the command at hand."""

    def __init__(self, folder: Path, git: str, hooks: Path, *, installs: bool) -> None:
        self.folder = folder
        self.git = git
        self.env = environment(
            PRE_COMMIT_HOME=str(folder.parent / "cache"),
            PATH=f"{Path(PROGRAM).parent}{os.pathsep}{os.environ['PATH']}",
            GIT_CONFIG_GLOBAL=os.devnull,
        )
        self.env.pop("PYTHONWARNINGS")  # pre-commit's own, and pip's
        self.run(git, "init", "-q")
        revision = self.run(git, "-C", hooks, "rev-parse", "HEAD").stdout.strip()
        override = {} if installs else {"language": "unsupported"}
        used = [{"id": hook, "files": "^_posts/", **override} for hook in HOOKS]
        config = {"repos": [{"repo": str(hooks), "rev": revision, "hooks": used}]}
        (folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
        (folder / "_posts").mkdir()

    def run(self, *command: object, ok: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*map(str, command)],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0 or not ok, done.stdout + done.stderr
        return done

    def hook(self, name: str) -> subprocess.CompletedProcess[str]:
        self.run(self.git, "add", "-A")
        return self.run(sys.executable, "-m", "pre_commit", "run", name, "--all-files", "--verbose", ok=False)


def our_hooks(folder: Path, git: str) -> Path:
    """The hook definitions of the checkout, as they stand, committed."""
    folder.mkdir()
    (folder / ".pre-commit-hooks.yaml").write_text((CHECKOUT / ".pre-commit-hooks.yaml").read_text())
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "hooks")):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(
            [git, "-C", folder, *identity, *command], check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
        )
    return folder


@pytest.fixture
def repository(tmp_path: Path, require_program: RequireProgram) -> Repository:
    git = require_program("git")
    (tmp_path / "blog").mkdir()
    return Repository(tmp_path / "blog", git, our_hooks(tmp_path / "hooks", git), installs=False)


def test_posts_are_checked_and_nothing_else(repository: Repository) -> None:
    write_post(repository.folder / "_posts", GOOD)
    (repository.folder / "README.md").write_text("no post at all")
    done = repository.hook("newsletter-check")
    assert done.returncode == 0, done.stdout
    assert "_posts/2026-03-01-hello.md: " in done.stdout
    assert "README.md" not in done.stdout


def test_an_error_stops_the_commit(repository: Repository) -> None:
    write_post(repository.folder / "_posts", "---\ntitle: March\n")
    done = repository.hook("newsletter-check")
    assert done.returncode == 1
    assert "_posts/2026-03-01-hello.md:1: error: the front matter is never closed" in done.stdout


def test_json_for_another_program(repository: Repository) -> None:
    for name in ("2026-03-01-one.md", "2026-03-02-two.md"):
        write_post(repository.folder / "_posts", SLIP, name)
    done = repository.hook("newsletter-check-json")
    printed = re.search(r"^\{.*^\}$", done.stdout, re.DOTALL | re.MULTILINE)
    assert printed, done.stdout
    report = json.loads(printed[0])
    assert report["version"] == 1
    assert [post["post"] for post in report["posts"]] == ["_posts/2026-03-01-one.md", "_posts/2026-03-02-two.md"]
    assert "bold-spaces" in {finding["rule"] for finding in report["posts"][0]["findings"]}


def test_what_was_mended_stops_the_commit_once(repository: Repository) -> None:
    post = write_post(repository.folder / "_posts", SLIP)
    done = repository.hook("newsletter-fix")
    assert done.returncode == 1
    assert "files were modified by this hook" in done.stdout
    assert post.read_text() == GOOD.replace("One paragraph.", "**Bold** words.")
    assert repository.hook("newsletter-fix").returncode == 0


@pytest.mark.soak
def test_pre_commit_installs_them(tmp_path: Path, require_program: RequireProgram) -> None:
    """As a stranger's machine does it: an environment of its own, built from this checkout."""
    git = require_program("git")
    clone = tmp_path / "newsletter"
    subprocess.run([git, "clone", "-q", CHECKOUT, clone], check=True)
    (tmp_path / "blog").mkdir()
    repository = Repository(tmp_path / "blog", git, clone, installs=True)
    write_post(repository.folder / "_posts", SLIP)
    done = repository.hook("newsletter-check")
    assert done.returncode == 0, done.stdout
    assert "[bold-spaces]" in done.stdout
