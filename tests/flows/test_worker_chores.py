"""`newsletter worker --chores`: two machines that both have the folder, and each chore is run once."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from alert_listener import Listener, listening
from command_line import finish, newsletter, people, start, write_list
from postgres import PASSWORD
from smtp_server import Fault, Rule, SmtpServer
from sqlalchemy import make_url

SECRET = "a secret of thirty-two characters!!"
READERS = 12


class Machine:
    """A worker's process, and the lines that it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self.lines.append(line.decode().rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def until(self, words: str) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._over or any(words in line for line in self.lines))
        assert any(words in line for line in self.lines), self.lines

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self._reader.join()
        self.process.communicate()


class Home:
    """A folder with a post that is due, a mailbox and collected clicks, on a disk that several machines have."""

    def __init__(self, folder: Path, url: str, alerts: str) -> None:
        self.folder = folder
        self.url = url
        (folder / "_posts").mkdir()
        self.day = datetime.now(UTC).date()
        (folder / "_posts" / f"{self.day}-daily.md").write_text(f"---\ntitle: Daily\ndate: {self.day}\n---\n\nNews.\n")
        for name in ("new", "cur", "tmp"):
            (folder / "bounced" / name).mkdir(parents=True)
        (folder / "clicks.jsonl").write_text("")
        (folder / "newsletter.toml").write_text(
            '[newsletter]\nname = "Daily"\nfrom = "daily@example.com"\npostal_address = "1 Street, Town"\n'
            'unsubscribe_url = "https://example.com/u/{token}"\n'
            '[bounces]\nmailbox = "bounced"\n[watch]\nsync = "clicks.jsonl"\n'
            f'[alerts]\nwebhook = "{alerts}/told"\n'
        )
        write_list(folder, *people(READERS))

    @property
    def ledger(self) -> tuple[str, str]:
        return ("--ledger", make_url(self.url)._replace(password=None).render_as_string())

    @contextlib.contextmanager
    def worker(self, server: SmtpServer, *more: str, folder: Path | None = None) -> Iterator[Machine]:
        command = ("worker", "--relay", server.url, *self.ledger, *more)
        machine = Machine(start(*command, cwd=folder or self.folder, PGPASSWORD=PASSWORD, NEWSLETTER_SECRET=SECRET))
        try:
            yield machine
        finally:
            machine.end()

    @contextlib.contextmanager
    def home(self, server: SmtpServer, *more: str) -> Iterator[Machine]:
        with self.worker(server, "--chores", "--to", "list.csv", "--first", *more) as machine:
            yield machine

    def database(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True, options="-c search_path=newsletter_jobs_1,public")

    def ask_again(self, *chores: str) -> None:
        """Put more jobs for these chores into the queue, as if the engine had lost count, and wait for their end."""
        with self.database() as db:
            for name in chores:
                db.execute(
                    "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('chores', 'chore', %s)",
                    (json.dumps({"name": name, "timestamp": 0}),),
                )
            while self.waiting(db):
                db.execute("SELECT pg_sleep(0.05)")

    @staticmethod
    def waiting(db: psycopg.Connection) -> int:
        found = db.execute("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")
        return int((found.fetchone() or [0])[0])


@pytest.fixture
def alerts() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def home(tmp_path: Path, postgres_url: str, alerts: Listener) -> Home:
    return Home(tmp_path, postgres_url, alerts.url)


def events(*machines: Machine) -> Counter[str]:
    """How often each chore was said to be run, over all machines."""
    words = ("publish sent:", "bounces read:", "sync read:", "sync failed:", "backup failed:")
    return Counter(word for machine in machines for line in machine.lines for word in words if word in line)


def test_two_machines_with_the_folder_run_each_chore_once(home: Home) -> None:
    with SmtpServer() as server, home.home(server) as first, home.home(server) as second:
        server.wait_for(lambda server: len(server.messages) == READERS)
        for _ in range(3):
            home.ask_again("publish", "bounces", "sync", "backup", "letters")
    assert events(first, second) == {"publish sent:": 1, "bounces read:": 1, "sync read:": 1}
    assert sorted(message.recipient for message in server.messages) == sorted(people(READERS))


def test_a_worker_without_chores_leaves_them(home: Home, tmp_path: Path) -> None:
    bare = tmp_path / "machine"
    bare.mkdir()
    with SmtpServer() as server, home.worker(server, folder=bare) as worker:
        worker.until("waiting for shards")
        command = ("send", f"_posts/{home.day}-daily.md", "--to", "list.csv", "--workers", "--yes", "--first")
        sent = newsletter(*command, *home.ledger, cwd=home.folder, PGPASSWORD=PASSWORD, NEWSLETTER_SECRET=SECRET)
        assert sent.code == 0, sent.err
        with home.database() as db:
            db.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args) "
                """VALUES ('chores', 'chore', '{"name": "sync", "timestamp": 0}')"""
            )
            again = newsletter(*command, *home.ledger, cwd=home.folder, PGPASSWORD=PASSWORD, NEWSLETTER_SECRET=SECRET)
            assert again.code == 0, again.err
            assert home.waiting(db) == 1
        with home.home(server, "--queue", "chores") as machine:
            machine.until("sync read:")
    assert not events(worker)
    assert any("chores: publish, bounces, sync, backup, letters" in line for line in machine.lines)
    assert not any("waiting for shards" in line for line in machine.lines)


def test_a_chore_that_fails_is_told_once_over_all_machines_and_so_is_its_end(home: Home, alerts: Listener) -> None:
    (home.folder / "clicks.jsonl").unlink()

    def told() -> list[str]:
        return [json.loads(body)["event"] for method, _, body in alerts.asked if method == "POST"]

    with SmtpServer() as server, home.home(server) as first, home.home(server) as second:
        server.wait_for(lambda server: len(server.messages) == READERS)
        for _ in range(2):
            again(home, "sync")
        assert events(first, second)["sync failed:"] == 3
        (home.folder / "clicks.jsonl").write_text("")
        again(home, "sync")
    assert events(first, second)["sync read:"] == 1
    assert Counter(told()) == {"failure": 1, "success": 2}


def again(home: Home, chore: str) -> None:
    """Have the chore run once more, as if its time had come."""
    home.ask_again(chore)
    with psycopg.connect(home.url) as db:
        db.execute("UPDATE chores SET at = 0 WHERE name = %s", (f"{chore}, due",))
    home.ask_again(chore)


def test_a_home_that_ends_leaves_the_issue_to_the_workers(home: Home, tmp_path: Path) -> None:
    bare = tmp_path / "machine"
    bare.mkdir()
    with SmtpServer(Rule("dot", Fault.HOLD)) as server, home.worker(server, folder=bare):
        with home.home(server, "--queue", "chores") as machine:
            server.wait_for(lambda server: server.seen("dot") > 0)
        assert any("publish unfinished:" in line for line in machine.lines), machine.lines
        server.release(1_000)
        server.wait_for(lambda server: len(server.messages) == READERS)
    assert sorted(message.recipient for message in server.messages) == sorted(people(READERS))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--to", "list.csv"), "--to and --first go with --chores"),
        (("--queue", "chores"), "--queue chores goes with --chores"),
        (("--queue", "Two words"), '--queue is "Two words", not a queue'),
        (("--chores", "--to", "list.csv", "--config", "bare/newsletter.toml"), "there is no such folder"),
    ],
)
def test_what_cannot_be_is_told(home: Home, more: tuple[str, ...], said: str) -> None:
    (home.folder / "bare").mkdir()
    (home.folder / "bare" / "newsletter.toml").write_text("")
    command = ("worker", "--relay", "smtp://127.0.0.1:1", *home.ledger, *more)
    run = newsletter(*command, cwd=home.folder, PGPASSWORD=PASSWORD, NEWSLETTER_SECRET=SECRET)
    assert run.code == 2
    assert said in run.err


def test_an_issue_goes_out_by_the_queue_of_its_newsletter(home: Home) -> None:
    settings = home.folder / "newsletter.toml"
    settings.write_text(settings.read_text() + '[cluster]\nqueue = "sundays"\n')
    command = ("send", f"_posts/{home.day}-daily.md", "--to", "list.csv", "--workers", "--yes", "--first")
    with SmtpServer() as server, home.worker(server, "--queue", "mail", "--queue", "news") as other:
        sending = start(*command, *home.ledger, cwd=home.folder, PGPASSWORD=PASSWORD, NEWSLETTER_SECRET=SECRET)
        other.until("waiting for shards")
        with home.worker(server) as own:
            assert finish(sending).code == 0
            own.until(f"{home.day}-daily")
    assert not any(f"{home.day}-daily" in line for line in other.lines)
