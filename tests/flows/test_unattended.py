"""The recipes for whom nobody watches, run as they stand: the workflow on runners without a disk, units, cron."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import CHECKOUT, environment, newsletter, people, shortcut, start, write_list
from machine import RequireProgram
from postgres import PASSWORD
from smtp_server import Fault, Rule, SmtpServer
from sqlalchemy import make_url

EXAMPLES = CHECKOUT / "examples"
WORKFLOW: dict[Any, Any] = yaml.safe_load((EXAMPLES / "publish.yml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = WORKFLOW["jobs"]["publish"]["steps"]
RUNS = {step["name"]: step for step in STEPS if "run" in step and step["name"] != "Install"}
UNITS = ("newsletter-publish.service", "newsletter-publish.timer", "newsletter-watch.service")
SHELLS = ("newsletter.cron", "newsletter-publish.service", "newsletter-watch.service")


def today() -> date:
    """By the clock as it is now: a run of the tests may go over midnight, and a post of yesterday is due for a day."""
    return datetime.now(UTC).date()


def git(*arguments: object, cwd: Path) -> str:
    identity = ("-c", "user.name=author", "-c", "user.email=author@example.com", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *identity, *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Site:
    """The author's repository of posts and the private one, both bare; each run is a runner with a new disk."""

    folder: Path
    relay_url: str
    path: str
    runs: int = 0

    def __post_init__(self) -> None:
        for name in ("posts.git", "private.git"):
            git("init", "--bare", "--quiet", name, cwd=self.folder)
        self.change("posts.git", "main", self._write_posts)
        self.change(
            "private.git", "newsletter-ledger", lambda place: write_list(place, *people(3), name="subscribers.csv")
        )

    def _write_posts(self, place: Path) -> None:
        (place / "newsletter.toml").write_text(
            f'[newsletter]\nfrom = "daily@example.com"\n\n[relay]\nurl = "{self.relay_url}"\n\n'
            '[ledger]\nexpect = "newsletter.sent.json"\n'
        )
        shutil.copy(EXAMPLES / "ledger-branch.sh", place)
        (place / ".gitignore").write_text(".ledger/\nnewsletter.db*\n")
        self.write_post(place, "one")

    def write_post(self, place: Path, name: str) -> None:
        (place / "posts").mkdir(exist_ok=True)
        text = f"---\ntitle: The {name}\ndate: {today() - timedelta(days=1)}\n---\n\nNews.\n"
        (place / "posts" / f"{name}.md").write_text(text)

    def change(self, repository: str, branch: str, edit: Callable[[Path], object]) -> None:
        """A commit by the author."""
        place = self.folder / "desk"
        git("clone", "--quiet", repository, place, cwd=self.folder)
        known = git("ls-remote", "origin", f"refs/heads/{branch}", cwd=place)
        git("checkout", "--quiet", *((branch,) if known else ("-B", branch)), cwd=place)
        edit(place)
        git("add", "--all", cwd=place)
        git("commit", "--quiet", "-m", "a change", cwd=place)
        git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}", cwd=place)
        shutil.rmtree(place)

    def runner(self) -> Path:
        self.runs += 1
        place = self.folder / f"runner-{self.runs}"
        git("clone", "--quiet", self.folder / "posts.git", place, "--branch", "main", cwd=self.folder)
        return place

    def step(self, name: str, place: Path, *, first: bool = False) -> subprocess.CompletedProcess[str]:
        env = environment(
            LEDGER_REMOTE=str(self.folder / "private.git"),
            FIRST="--first" if first else "",
            PATH=self.path,
        )
        # As GitHub runs a step (https://docs.github.com/actions/reference/workflow-syntax-for-github-actions, `shell`).
        shell = ["bash", "-e", "-c", RUNS[name]["run"]]
        return subprocess.run(shell, cwd=place, env=env, capture_output=True, text=True, timeout=600, check=False)

    def run(self, *, first: bool = False, dies_after: str = "") -> dict[str, int]:
        """The whole job on a new runner -> the exit code of each step that ran."""
        place = self.runner()
        codes: dict[str, int] = {}
        for name, step in RUNS.items():
            condition = step.get("if", "success()")
            is_cleanup = "always()" in condition
            if codes.get("Take the ledger") == 0 if is_cleanup else not any(codes.values()):
                done = self.step(name, place, first=first)
                codes[name] = done.returncode
                assert "Traceback" not in done.stderr
            if name == dies_after:
                break
        shutil.rmtree(place)
        return codes


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, server: SmtpServer) -> Site:
    (tmp_path / "bin").mkdir()
    return Site(tmp_path, server.url, shortcut(tmp_path / "bin"))


TAKE, PUBLISH, GIVE, COMMIT = RUNS


def test_runners_without_a_disk_mail_everyone_once(site: Site, server: SmtpServer) -> None:
    assert site.run(first=True) == {TAKE: 0, PUBLISH: 0, GIVE: 0, COMMIT: 0}
    assert site.run() == {TAKE: 0, PUBLISH: 0, GIVE: 0, COMMIT: 0}
    assert len(server.messages) == 3
    site.change("posts.git", "main", lambda place: site.write_post(place, "two"))
    site.run()
    site.run()
    assert Counter(message.mail["Subject"] for message in server.messages) == {"The one": 3, "The two": 3}
    log = git("log", "--oneline", "newsletter-ledger", cwd=site.folder / "private.git")
    assert len(log.splitlines()) == 1  # no old ledger keeps the addresses of those who have left
    assert "newsletter.sent.json" in git("ls-tree", "--name-only", "main", cwd=site.folder / "posts.git")


def test_a_runner_that_died_stops_the_next_until_somebody_has_looked(site: Site, server: SmtpServer) -> None:
    site.run(first=True, dies_after=PUBLISH)
    assert len(server.messages) == 3
    assert site.run() == {TAKE: 4}
    assert len(server.messages) == 3


def test_a_ledger_that_is_older_than_the_posts_stops_the_run(site: Site, server: SmtpServer) -> None:
    site.run(first=True)
    old = git("rev-parse", "newsletter-ledger", cwd=site.folder / "private.git").strip()
    site.change("posts.git", "main", lambda place: site.write_post(place, "two"))
    site.run()
    git("update-ref", "refs/heads/newsletter-ledger", old, cwd=site.folder / "private.git")
    assert site.run() == {TAKE: 0, PUBLISH: 2, GIVE: 0, COMMIT: 0}
    assert len(server.messages) == 6


def test_of_two_runners_at_once_one_takes_the_ledger(site: Site) -> None:
    one, other = site.runner(), site.runner()
    assert site.step(TAKE, one).returncode == 0
    refused = site.step(TAKE, other)
    assert refused.returncode == 4
    assert "locked by" in refused.stderr
    assert not (other / ".ledger").exists()
    assert site.step(GIVE, one).returncode == 0
    assert site.step(TAKE, other).returncode == 0


def test_a_ledger_in_postgresql_needs_no_branch(tmp_path: Path, server: SmtpServer, postgres_url: str) -> None:
    """As docs/unattended.md has it: only `--ledger` differs; each runner is a new folder."""
    url = make_url(postgres_url)._replace(drivername="postgresql", password=None).render_as_string()
    for number in range(2):
        place = tmp_path / f"runner-{number}"
        (place / "posts").mkdir(parents=True)
        (place / "newsletter.toml").write_text('[newsletter]\nfrom = "daily@example.com"\n')
        write_list(place, *people(3))
        text = f"---\ntitle: The one\ndate: {today() - timedelta(days=1)}\n---\n\nNews.\n"
        (place / "posts" / "one.md").write_text(text)
        more = () if number else ("--first",)
        secret = {"PGPASSWORD": PASSWORD}
        if number:  # the file does as well as the environment
            (place / ".env").write_text(f"PGPASSWORD='{secret.pop('PGPASSWORD')}'\n")
        run = newsletter(
            *("publish", "--to", "list.csv", "--relay", server.url, "--ledger", url, *more), cwd=place, **secret
        )
        assert run.code == 0, run.err
    assert len(server.messages) == 3


def test_a_runner_killed_in_the_middle_and_two_in_one_minute_with_postgresql(tmp_path: Path, postgres_url: str) -> None:
    """The second ends with 4 while the first sends; the third, after a kill, mails the rest and nobody twice."""
    url = make_url(postgres_url)._replace(drivername="postgresql", password=None).render_as_string()

    def runner(name: str) -> Path:
        place = tmp_path / name
        (place / "posts").mkdir(parents=True)
        (place / "newsletter.toml").write_text(
            '[newsletter]\nfrom = "daily@example.com"\n[delivery]\nconnections = 1\n'
        )
        write_list(place, *people(4))
        text = f"---\ntitle: The one\ndate: {today() - timedelta(days=1)}\n---\n\nNews.\n"
        (place / "posts" / "one.md").write_text(text)
        return place

    reached = threading.Event()
    rules = (Rule("dot", reached.set, times=(2,)), Rule("dot", Fault.HOLD, times=(2,)))
    with SmtpServer(*rules) as server:
        publish = ("publish", "--to", "list.csv", "--relay", server.url, "--ledger", url)
        first = start(*publish, "--first", cwd=runner("1"), PGPASSWORD=PASSWORD)
        assert reached.wait(60)
        assert newsletter(*publish, cwd=runner("2"), PGPASSWORD=PASSWORD).code == 4
        first.kill()
        first.communicate()
        server.release()
        third = newsletter(*publish, "--json", cwd=runner("3"), PGPASSWORD=PASSWORD)
        assert third.code == 3, "of one nobody knows"
        (post,) = third.json["posts"]
        assert post["report"]["counts"]["uncertain"] == 1
        resolve = ("resolve", "one", "--assume-sent", "--yes", "--ledger", url)
        assert newsletter(*resolve, cwd=tmp_path / "3", PGPASSWORD=PASSWORD).code == 0
        assert newsletter(*publish, cwd=runner("4"), PGPASSWORD=PASSWORD).code == 0
    assert Counter(message.recipient for message in server.messages) == dict.fromkeys(people(4), 1)


# --- what the files say ---------------------------------------------------------------------------------------------


def test_the_workflow_keeps_what_matters() -> None:
    assert WORKFLOW["concurrency"] == {"group": "newsletter-publish", "cancel-in-progress": False}
    triggers = WORKFLOW[True]  # YAML 1.1 takes `on` for a yes
    assert all(re.fullmatch(r"\d+ \d+ \* \* \*", each["cron"]) for each in triggers["schedule"])
    assert len(triggers["schedule"]) > 1
    assert WORKFLOW["permissions"] == {"contents": "write"}
    assert [step["name"] for step in STEPS if "name" in step] == ["Install", *RUNS]
    assert all("always()" in RUNS[name]["if"] for name in (GIVE, COMMIT))
    assert all("steps.take.outcome" in RUNS[name]["if"] for name in (GIVE, COMMIT))
    assert RUNS[TAKE]["id"] == "take"
    # No secret in a command line, where a log would show it.
    assert not any("secrets." in step["run"] for step in RUNS.values())


def test_every_option_of_the_recipes_is_one_of_ours() -> None:
    texts = [(EXAMPLES / name).read_text("utf-8") for name in SHELLS]
    texts += [(EXAMPLES / "publish.yml").read_text("utf-8"), (CHECKOUT / "docs" / "unattended.md").read_text("utf-8")]
    used = set(re.findall(r"newsletter publish[^\n`|]*", "\n".join(texts)))
    help_text = newsletter("publish", "--help", cwd=CHECKOUT).out
    options = {option for line in used for option in re.findall(r"--[a-z-]+", line)}
    assert options
    assert {option for option in options if option not in help_text} == set()


def test_systemd_takes_the_units(tmp_path: Path, require_program: RequireProgram) -> None:
    program = require_program("systemd-analyze")
    units = [shutil.copy(EXAMPLES / name, tmp_path) for name in UNITS]
    done = subprocess.run(
        [program, "verify", "--man=no", *map(str, units)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if "/newsletter-" in line]) == (0, [])


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_shell_can_read_the_script(shell: str, require_program: RequireProgram) -> None:
    done = subprocess.run(
        [require_program(shell), "-n", str(EXAMPLES / "ledger-branch.sh")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_cron_knows_the_secrets(tmp_path: Path, require_program: RequireProgram) -> None:
    """cron's environment is all but empty, and its lines load nothing: each command finds `.env` by itself."""
    begin = ("init", ".", "--name", "Quill", "--from", "Ada <ada@quill.test>", "--language", "en")
    assert newsletter(*begin, cwd=tmp_path).code == 0
    (tmp_path / ".env").write_text("NEWSLETTER_SECRET=too-short\n")  # who reads it refuses it
    lines = [*(EXAMPLES / "newsletter.cron").read_text("utf-8").splitlines()]
    lines += re.findall(r"^[0-9 *]+  cd ~.*$", (CHECKOUT / "docs" / "doctor.md").read_text("utf-8"), re.MULTILINE)
    shells = [line.split("  ", 1)[1].strip() for line in lines if re.match(r"[0-9*]", line)]
    assert len(shells) == 3
    script = "\n".join(re.sub(r"cd \S+", f"cd {tmp_path}", shell) for shell in shells)
    (tmp_path / "bin").mkdir()
    path = shortcut(tmp_path / "bin")
    done = subprocess.run(
        [require_program("sh"), "-c", f"exec 2>&1; {script}"],
        env={"PATH": path, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.count("NEWSLETTER_SECRET: the secret has fewer than 16") == len(shells), done.stdout
