"""Look at `.env`: its permissions, and whether git ignores it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

from newsletter.config.env_file import Environment
from newsletter.doctor.judge.env_file import EnvFileState, GitState

_TIMEOUT_S = 10.0


def ask_env_file(env: Mapping[str, str]) -> EnvFileState | None:
    """None where there is no file."""
    if not isinstance(env, Environment) or env.file is None:
        return None
    try:
        mode = env.file.stat().st_mode
    except OSError:
        return None
    is_open = os.name == "posix" and bool(
        mode & (stat.S_IRWXO | stat.S_IWGRP)
    )  # a group of the service's own may read it
    return EnvFileState(is_open, _git_state(env.file), env.others)


def _git_state(file: Path) -> GitState:
    folder = file.absolute().parent
    if not any((each / ".git").exists() for each in (folder, *folder.parents)):
        return ""
    git = shutil.which("git")
    if git is None:
        return ""
    if _run(git, folder, "ls-files", "--error-unmatch", "--", file.name) == 0:
        return "tracked"
    states: Mapping[int | None, GitState] = {0: "ignored", 1: "not ignored"}
    return states.get(_run(git, folder, "check-ignore", "--quiet", "--", file.name), "")


def _run(git: str, folder: Path, *words: str) -> int | None:
    """The exit code; None where git does not end."""
    # A hook that runs us has variables which name another repository.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "NEWSLETTER_", "PGPASS"))}
    try:
        done = subprocess.run(  # noqa: S603 - git, with fixed words and the name of the file
            [git, "-C", str(folder), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=env,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.returncode
