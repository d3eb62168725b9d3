"""`send --workers`: several processes send one issue, everyone gets it once, and the death of one loses nobody."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import httpx
import psycopg
import pytest
from command_line import CHECKOUT, PROGRAM, Run, environment, finish, newsletter, start
from invariants import Accounts, Arrived
from postgres import PASSWORD, Server
from smtp_server import Fault, Rule, SmtpServer
from sqlalchemy import make_url
from worker_events import another_clock

from newsletter.cluster.job_queue import open_queue
from newsletter.model.delivery import State
from newsletter.web.catcher.server import Catcher

ISSUE = "2026-03-01-hello"
CONNECTIONS = 2
POST = """\
---
title: Hello
date: 2026-03-01
---

Dear {{ subscriber.name | default("reader") }},

{% if subscriber.plan == "pro" %}Only for the paying.{% else %}For everyone else.{% endif %}
"""
SETTINGS = """\
[newsletter]
name = "The Daily"
from = "daily@example.com"
unsubscribe_url = "https://example.com/u/{token}"
postal_address = "1 Street, Town"
"""
SECRET = "a secret of thirty-two characters!!"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A coordinator's folder with post, list and settings; the workers' folder has the settings alone."""

    url: str
    desk: Path
    machine: Path

    @property
    def ledger(self) -> tuple[str, str]:
        return ("--ledger", make_url(self.url)._replace(password=None).render_as_string())

    def send(self, *more: str) -> subprocess.Popen[bytes]:
        command = ("send", f"{ISSUE}.md", "--to", "list.csv", "--workers", "--yes", "--first", *more)
        return start(*command, *self.ledger, cwd=self.desk, PGPASSWORD=PASSWORD, NEWSLETTER_SECRET=SECRET)

    def run(self, *command: str) -> Run:
        return newsletter(*command, *self.ledger, cwd=self.desk, PGPASSWORD=PASSWORD, NEWSLETTER_SECRET=SECRET)

    @contextlib.contextmanager
    def worker(
        self, server: SmtpServer | str, *more: str, secret: str = SECRET, clock: str = ""
    ) -> Iterator[subprocess.Popen[bytes]]:
        url = server if isinstance(server, str) else server.url
        through = ("--relay", url, "--connections", str(CONNECTIONS))
        process = start(
            *("worker", *through, *self.ledger, *more),
            cwd=self.machine,
            PGPASSWORD=PASSWORD,
            NEWSLETTER_SECRET=secret,
            **(another_clock(clock) if clock else {}),
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=600)

    def stored(self) -> int:
        """Rows of shipments and of their recipients' columns."""
        with psycopg.connect(self.url) as db:
            found = db.execute("SELECT (SELECT count(*) FROM shipments) + (SELECT count(*) FROM shipment_rows)")
            return int((found.fetchone() or [0])[0])


def readers(count: int) -> list[str]:
    return [f"p{number}@example.com" for number in range(1, count + 1)]


@pytest.fixture
def cluster(tmp_path: Path, postgres_url: str) -> Cluster:
    desk, machine = tmp_path / "desk", tmp_path / "machine"
    for folder in (desk, machine):
        folder.mkdir()
        (folder / "newsletter.toml").write_text(SETTINGS)
    (desk / f"{ISSUE}.md").write_text(POST)
    return Cluster(postgres_url, desk, machine)


def write_people(cluster: Cluster, count: int) -> list[str]:
    people = readers(count)
    rows = [f"{address},Person {number},{'pro' if number % 2 else ''},secret" for number, address in enumerate(people)]
    (cluster.desk / "list.csv").write_text("email,name,plan,unused\n" + "\n".join(rows) + "\n")
    return people


def arrived(server: SmtpServer) -> list[Arrived]:
    return [Arrived(message.recipient, message.message_id) for message in server.messages]


def text_part(server: SmtpServer, recipient: str) -> str:
    data = next(message.data for message in server.messages if message.recipient == recipient)
    part = message_from_bytes(data, policy=policy.default).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def accounts_of(cluster: Cluster, people: list[str]) -> Accounts:
    return Accounts(cluster.url, ISSUE, people, CONNECTIONS)


def test_two_workers_mail_everyone_once(cluster: Cluster) -> None:
    people = write_people(cluster, 230)
    with SmtpServer() as server, cluster.worker(server), cluster.worker(server, "--concurrency", "2"):
        run = finish(cluster.send("--json"))
        assert run.code == 0, run.err
        assert (run.json["sent"], run.json["left"]) == (230, [])
        accounts_of(cluster, people).at_end(arrived(server))
    first, second = text_part(server, "p1@example.com"), text_part(server, "p2@example.com")
    assert "Dear Person 0," in first
    assert "For everyone else." in first
    assert "Only for the paying." in second
    assert cluster.stored() == 0


def test_a_worker_that_is_killed_is_taken_over_from(cluster: Cluster) -> None:
    people = write_people(cluster, 60)
    accounts = accounts_of(cluster, people)
    with SmtpServer(Rule("dot", Fault.HOLD)) as server, cluster.worker(server) as dying:
        sending = cluster.send("--json")
        server.wait_for(lambda server: server.seen("dot") == CONNECTIONS)
        dying.kill()
        dying.wait()
        with cluster.worker(server):
            server.release(1_000)
            run = finish(sending)
        accounts.unsure = frozenset(run.json["uncertain"])
        counts = accounts.at_end(arrived(server))
    assert run.code == 3
    assert counts[State.UNCERTAIN] == CONNECTIONS
    assert counts[State.SENT] == len(people) - CONNECTIONS


def test_a_worker_that_is_told_to_end_leaves_the_rest_to_others(cluster: Cluster) -> None:
    people = write_people(cluster, 60)
    with SmtpServer(Rule("dot", Fault.HOLD)) as server, cluster.worker(server) as ending:
        sending = cluster.send("--json")
        server.wait_for(lambda server: server.seen("dot") == CONNECTIONS)
        ending.send_signal(signal.SIGTERM)
        server.release(1_000)
        ended = finish(ending)
        assert ended.code == 0, ended.err
        assert 0 < len(server.messages) < len(people)
        with cluster.worker(server):
            run = finish(sending)
        accounts_of(cluster, people).at_end(arrived(server))
    assert (run.code, run.json["sent"]) == (0, len(people))


def test_an_interrupt_stops_the_workers_and_resume_sends_the_rest(cluster: Cluster) -> None:
    people = write_people(cluster, 60)
    with SmtpServer(Rule("dot", Fault.HOLD)) as server, cluster.worker(server) as worker:
        sending = cluster.send()
        server.wait_for(lambda server: server.seen("dot") == CONNECTIONS)
        sending.send_signal(signal.SIGINT)
        read_until(sending, "the workers are asked to stop after the messages under way")
        server.release(1_000)
        run = finish(sending)
        assert run.code == 3
        assert "interrupted" in run.err
        assert 0 < len(server.messages) < len(people)
        rest = cluster.run("resume", ISSUE, "--relay", server.url, "--yes", "--json")
        accounts_of(cluster, people).at_end(arrived(server))
        assert worker.poll() is None
    assert (rest.code, len(server.messages)) == (0, len(people))


def read_until(process: subprocess.Popen[bytes], words: str) -> None:
    """Read what a process says until it says these words."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line.decode()
        if words in said:
            return
    raise AssertionError(said)


def test_a_worker_with_another_secret_sends_nothing(cluster: Cluster) -> None:
    people = write_people(cluster, 5)
    with SmtpServer() as server, cluster.worker(server, secret="x" * 32) as wrong:
        sending = cluster.send("--json")
        read_until(wrong, "is not the one that it was made with")
        assert not server.messages
        with cluster.worker(server):
            sending.send_signal(signal.SIGINT)
            run = finish(sending)
    assert (run.code, run.json["sent"]) == (3, 0)
    assert len(run.json["left"]) == len(people)


def test_detached_it_is_followed_by_status(cluster: Cluster) -> None:
    people = write_people(cluster, 60)
    run = finish(cluster.send("--json", "--detach"))
    assert (run.code, run.json["queued"]) == (0, True)
    with SmtpServer() as server, cluster.worker(server):
        followed = cluster.run("status", ISSUE, "--follow", "--json")
        accounts_of(cluster, people).at_end(arrived(server))
    assert followed.json["sent"] == len(people)


def test_a_send_from_here_waits_for_no_worker_and_shares_nobody(cluster: Cluster) -> None:
    people = write_people(cluster, 60)
    with SmtpServer(Rule("dot", Fault.HOLD)) as server, cluster.worker(server):
        sending = cluster.send("--json")
        server.wait_for(lambda server: server.seen("dot") == CONNECTIONS)
        alone = cluster.run("send", f"{ISSUE}.md", "--to", "list.csv", "--relay", server.url, "--yes", "--json")
        assert alone.code == 4
        assert "another run (process" in alone.err
        server.release(1_000)
        assert finish(sending).code == 0
        accounts_of(cluster, people).at_end(arrived(server))


def test_a_ledger_in_a_file_has_no_workers(cluster: Cluster) -> None:
    write_people(cluster, 5)
    secret = {"NEWSLETTER_SECRET": SECRET}
    command = ("send", f"{ISSUE}.md", "--to", "list.csv", "--workers", "--yes", "--first")
    run = newsletter(*command, cwd=cluster.desk, **secret)
    assert run.code == 2
    assert "workers need a ledger in PostgreSQL; set [ledger] url to one" in run.err
    with SmtpServer() as server:
        run = newsletter("worker", "--relay", server.url, cwd=cluster.machine, **secret)
    assert run.code == 2
    assert "workers need a ledger in PostgreSQL; set [ledger] url to one" in run.err


def test_the_health_page_and_the_log_say_what_a_worker_does(cluster: Cluster) -> None:
    write_people(cluster, 5)
    log = cluster.machine / "events.jsonl"
    more = ("--health-port", "0", "--log-json", str(log))
    with SmtpServer(Rule("dot", Fault.HOLD)) as server, cluster.worker(server, *more) as worker:
        address = read_line(worker, "Health page: ").removeprefix("Health page: ")
        sending = cluster.send("--json")
        server.wait_for(lambda server: server.seen("dot") == 1)
        busy = httpx.get(address, trust_env=False).json()
        server.release(1_000)
        assert finish(sending).code == 0
    assert (busy["state"], busy["under_way"], busy["outcomes"]) == ("sending", 1, {})
    events = [json.loads(line) for line in log.read_text().splitlines()]
    (shard,) = (event for event in events if event["event"] == "shard")
    assert (shard["sending"], shard["outcomes"], shard["why"]) == (ISSUE, {"sent": 5}, "")


def test_the_five_commands_of_the_documentation(tmp_path: Path, postgres_url: str) -> None:
    """As they stand, but for the ports of the catcher: another test may have these."""
    text = (CHECKOUT / "docs" / "cluster.md").read_text("utf-8")
    block = re.search(r"in five commands.*?```sh\n(.*?)```", text, re.DOTALL)
    assert block is not None
    commands = block[1].strip().splitlines()
    assert len(commands) == 5
    for name in ("examples", "subscribers.example.csv"):
        (tmp_path / name).symlink_to(CHECKOUT / name)
    smtp, web = free_ports(2)
    script = re.sub(r"(?m)^newsletter ", f"{PROGRAM} ", "\n".join(commands))
    script = script.replace("1025", str(smtp)).replace("1080", str(web))
    # The tests' server is reached over a socket alone.
    place = f"postgresql://postgres@/newsletter?host={make_url(postgres_url).query['host']}"
    script = script.replace("postgresql://localhost/newsletter", f"'{place}'")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    env = environment(PGHOST=str(make_url(postgres_url).query["host"]), PGUSER="postgres", PGPASSWORD=PASSWORD)
    env["PATH"] = f"{programs}:{env['PATH']}"
    process = subprocess.Popen(
        ["bash", "-ec", f"dropdb --if-exists newsletter\n{script}"],
        cwd=tmp_path,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said = read_all(process)
        assert process.wait(600) == 0, said
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    people = len((CHECKOUT / "subscribers.example.csv").read_text("utf-8").splitlines()) - 1
    assert re.search(rf"^Sent +{people}$", said, re.MULTILINE), said
    assert re.search(r"^Left +0$", said, re.MULTILINE), said


def read_all(process: subprocess.Popen[bytes]) -> str:
    """What is said until the account of the send is whole; the catcher and the workers stay."""
    assert process.stdout is not None
    said = ""
    with process.stdout:
        for line in process.stdout:
            said += line.decode()
            if line.startswith(b"Left") or b"newsletter: " in line or process.poll():
                break
    return said


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def read_line(process: subprocess.Popen[bytes], beginning: str) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if line.decode().startswith(beginning):
            return line.decode().strip()
    raise AssertionError(f"never said: {beginning}")


def test_a_queue_of_another_engine_is_told(cluster: Cluster) -> None:
    write_people(cluster, 5)
    with open_queue(cluster.url):
        pass
    with psycopg.connect(cluster.url) as db:
        db.execute("UPDATE newsletter_jobs_1.engine SET version = '4.0.0'")
    run = finish(cluster.send())
    assert run.code == 2
    assert "its queue was made by Procrastinate 4.0.0, and here is 3." in run.err
    assert "drop the schema newsletter_jobs_1" in run.err


def test_an_issue_that_is_gone_leaves_its_jobs_nothing_to_do(cluster: Cluster) -> None:
    people = write_people(cluster, 5)
    assert finish(cluster.send("--json", "--detach")).code == 0
    with psycopg.connect(cluster.url) as db:
        db.execute("DELETE FROM shipment_rows")
        db.execute("DELETE FROM shipments")
    with SmtpServer() as server, cluster.worker(server) as worker:
        read_until(worker, "nobody was due; it is over")
        assert not server.messages
        again = finish(cluster.send("--json"))
        accounts_of(cluster, people).at_end(arrived(server))
    assert (again.code, again.json["sent"]) == (0, 5)


def test_publish_has_workers_send_and_does_nothing_the_second_time(cluster: Cluster) -> None:
    people = write_people(cluster, 60)
    command = ("publish", ".", "--to", "list.csv", "--workers", "--first", "--max-age", "9999d", "--json")
    with SmtpServer() as server, cluster.worker(server):
        first, second = cluster.run(*command), cluster.run(*command)
        accounts_of(cluster, people).at_end(arrived(server))
    assert (first.code, second.code) == (0, 0), first.err
    assert len(server.messages) == len(people)


def test_the_desk_waits_for_a_database_that_goes_away(cluster: Cluster, postgres_server: Server) -> None:
    people = write_people(cluster, 60)
    with SmtpServer(Rule("dot", Fault.HOLD)) as server, cluster.worker(server):
        sending = cluster.send("--json")
        server.wait_for(lambda server: server.seen("dot") == CONNECTIONS)
        postgres_server.restart()
        server.release(1_000)
        run = finish(sending)
        assert run.code == 3, run.err
        accounts = accounts_of(cluster, people)
        accounts.unsure = frozenset(run.json["uncertain"])
        counts = accounts.at_end(arrived(server))
    assert counts[State.UNCERTAIN] == CONNECTIONS
    assert counts[State.SENT] == len(people) - CONNECTIONS


def test_a_user_who_may_make_no_queue_is_told_what_to_grant(cluster: Cluster) -> None:
    write_people(cluster, 5)
    name = f"clerk{os.getpid()}"
    with psycopg.connect(cluster.url, autocommit=True) as db:
        db.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'pw'")
        db.execute(f"GRANT ALL ON SCHEMA public TO {name}")
    url = make_url(cluster.url)._replace(username=name, password=None)
    try:
        clerk = Cluster(url.render_as_string(), cluster.desk, cluster.machine)
        command = ("send", f"{ISSUE}.md", "--to", "list.csv", "--workers", "--yes", "--first", *clerk.ledger)
        run = newsletter(*command, cwd=cluster.desk, PGPASSWORD="pw", NEWSLETTER_SECRET=SECRET)
    finally:
        with psycopg.connect(cluster.url, autocommit=True) as db:
            db.execute(f"DROP OWNED BY {name}")
            db.execute(f"DROP ROLE {name}")
    assert run.code == 2
    assert "the database user may not make the workers' queue; grant it CREATE on the database, once" in run.err


def test_a_worker_whose_clock_is_ahead_puts_nothing_off(cluster: Cluster) -> None:
    """A shard is tried again in seconds, by the database's clock, though an hour has passed by its own."""
    people = write_people(cluster, 60)
    with SmtpServer(Rule("dot", Fault.HOLD)) as server, cluster.worker(server, clock="+3600s") as ahead:
        sending = cluster.send("--json")
        server.wait_for(lambda server: server.seen("dot") == CONNECTIONS)
        ahead.terminate()
        server.release(1_000)
        assert finish(ahead).code == 0
        with cluster.worker(server):
            run = finish(sending)
        accounts_of(cluster, people).at_end(arrived(server))
    assert (run.code, run.json["sent"]) == (0, len(people))


@pytest.mark.parametrize("damage", ["content = '\\xdeadbeef'", "settings = '{}'"])
def test_a_damaged_shipment_is_told(cluster: Cluster, damage: str) -> None:
    write_people(cluster, 5)
    assert finish(cluster.send("--json", "--detach")).code == 0
    with psycopg.connect(cluster.url) as db:
        db.execute(f"UPDATE shipments SET {damage}")
    with SmtpServer() as server, cluster.worker(server) as worker:
        read_until(worker, f"{ISSUE}: what is stored of it for workers is damaged; send it with --workers again")
        assert not server.messages


def allow_refusals(cluster: Cluster, wait_s: float) -> None:
    (cluster.desk / "newsletter.toml").write_text(f"{SETTINGS}\n[delivery]\ncanary_wait_s = {wait_s}\n")


def test_the_canary_goes_first_and_the_others_after_it(cluster: Cluster) -> None:
    people = write_people(cluster, 60)
    allow_refusals(cluster, 0.1)
    with SmtpServer(Rule("dot", Fault.HOLD)) as server, cluster.worker(server):
        sending = cluster.send("--canary", "5")
        server.wait_for(lambda server: server.seen("dot") == 1)  # a connection for every ten
        server.release(1_000)
        run = finish(sending)
        accounts_of(cluster, people).at_end(arrived(server))
    assert run.code == 0
    assert "the first 5 are out, 0 refused; waiting 0.1 s" in run.err
    assert sorted(message.recipient for message in server.messages[:5]) == sorted(people[:5])


def test_a_canary_that_is_refused_stops_the_others(cluster: Cluster) -> None:
    people = write_people(cluster, 60)
    no = [Rule("RCPT", "550 5.1.1 nobody here", about=f"p{number}@") for number in (2, 3)]
    with SmtpServer(*no) as server, cluster.worker(server):
        run = finish(cluster.send("--json", "--canary", "5"))
        assert run.code == 3
        assert run.json["stopped"] == "the canary: 2 of the first 5 were refused"
        assert (run.json["sent"], len(server.messages)) == (3, 3)
        rest = finish(cluster.send("--json"))
        assert (rest.code, rest.json["sent"]) == (0, len(people) - 5)


def test_ctrl_c_while_the_canary_is_waited_for_sends_no_other(cluster: Cluster) -> None:
    write_people(cluster, 60)
    allow_refusals(cluster, 3_000)
    with SmtpServer() as server, cluster.worker(server):
        sending = cluster.send("--canary", "5")
        read_until(sending, "the first 5 are out")
        sending.send_signal(signal.SIGINT)
        run = finish(sending)
    assert (run.code, len(server.messages)) == (3, 5)


def test_workers_send_a_correction_and_nobody_sends_the_issue_meanwhile(cluster: Cluster) -> None:
    people = write_people(cluster, 60)
    with SmtpServer() as server, cluster.worker(server):
        assert finish(cluster.send()).code == 0
    (cluster.desk / f"{ISSUE}.md").write_text(POST.replace("Dear", "Dearest"))
    with SmtpServer(Rule("dot", Fault.HOLD)) as server, cluster.worker(server):
        sending = cluster.send("--json", "--erratum")
        server.wait_for(lambda server: server.seen("dot") == CONNECTIONS)
        command = ("send", f"{ISSUE}.md", "--to", "list.csv", "--relay", server.url, "--yes", "--continue")
        assert cluster.run(*command).code == 4
        server.release(1_000)
        run = finish(sending)
        assert (run.code, run.json["sent"]) == (0, 60)
        Accounts(cluster.url, f"{ISSUE}+erratum-2", people, CONNECTIONS).at_end(arrived(server))
    assert "Dearest Person 0," in text_part(server, "p1@example.com")
    assert cluster.stored() == 0


def quiet_now() -> str:
    """Settings whose quiet hours go on for three hours."""
    now = datetime.now(UTC)
    hours = f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=3):%H:%M}"
    return f'[delivery]\nquiet_hours = "{hours}"\ntime_zone = "UTC"\n'


def test_the_quiet_hours_are_those_of_the_desk(cluster: Cluster) -> None:
    write_people(cluster, 5)
    (cluster.desk / "newsletter.toml").write_text(f"{SETTINGS}\n{quiet_now()}")
    (cluster.machine / "newsletter.toml").write_text("[delivery]\nmax_wait_s = 1\n")
    with SmtpServer() as server, cluster.worker(server) as worker:
        # A relay on this machine may be a catcher, which has no quiet hours.
        sending = cluster.send()
        read_until(worker, "quiet hours")
        sending.send_signal(signal.SIGINT)
        assert finish(sending).code == 3
    assert not server.messages


def test_a_mail_catcher_keeps_no_quiet_hours_of_the_desk(cluster: Cluster) -> None:
    write_people(cluster, 5)
    (cluster.desk / "newsletter.toml").write_text(f"{SETTINGS}\n{quiet_now()}")
    with Catcher() as catcher, cluster.worker(str(catcher.relay)):
        assert finish(cluster.send()).code == 0
        assert len(catcher.messages()) == 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--test", "p1@example.com"),
            "--catch and --test send from here, by this machine's relay; take --workers out",
        ),
        (("--catch",), "--catch and --test send from here, by this machine's relay; take --workers out"),
        (("--detach", "--canary", "3"), "--canary waits for what becomes of the first ones; take --detach out"),
    ],
)
def test_what_workers_do_not_do_is_told(cluster: Cluster, options: tuple[str, ...], said: str) -> None:
    write_people(cluster, 5)
    run = finish(cluster.send(*options))
    assert run.code == 2
    assert said in run.err
