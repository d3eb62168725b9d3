"""`newsletter publish` from the command line: what it prints, its exit codes, and that it goes the way of `send`."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from command_line import DEADLINE_S, PROGRAM, environment, finish, free_ports, newsletter, people, start, write_list
from machine import RequireProgram
from smtp_server import Fault, Rule, SmtpServer


def today() -> date:
    """By the clock as it is now: a run of the tests may go over midnight, and a post of yesterday is due for a day."""
    return datetime.now(UTC).date()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "posts").mkdir()
    (tmp_path / "newsletter.toml").write_text('[newsletter]\nname = "Daily"\nfrom = "daily@example.com"\n')
    write_list(tmp_path, *people(3))
    write(tmp_path, "daily")
    return tmp_path


def write(folder: Path, name: str, *lines: str, days: int = -1) -> Path:
    path = folder / "posts" / f"{name}.md"
    head = "\n".join((f"title: The {name}", f"date: {today() + timedelta(days=days)}", *lines))
    path.write_text(f"---\n{head}\n---\n\nNews of the day.\n")
    return path


def test_publish_send_and_publish_again(folder: Path) -> None:
    write(folder, "next", days=3)
    with SmtpServer() as server:
        run = newsletter("publish", "--to", "list.csv", "--relay", server.url, "--first", cwd=folder)
        assert run.code == 0, run.err
        assert "sent       posts/daily.md: sent to 3" in run.out.replace(f"{folder}/", "")
        assert "future" in run.out
        assert "no mail" not in run.out

        again = newsletter("publish", "posts", "--to", "list.csv", "--relay", server.url, cwd=folder)
        assert again.code == 0
        assert "Nothing is due in posts: nobody was mailed." in again.out
        sent = newsletter("send", "posts/daily.md", "--to", "list.csv", "--relay", server.url, "--yes", cwd=folder)
        assert sent.code == 0
    assert Counter(message.recipient for message in server.messages) == dict.fromkeys(people(3), 1)


def test_what_send_has_sent_publish_leaves_alone(folder: Path) -> None:
    with SmtpServer() as server:
        newsletter("send", "posts/daily.md", "--to", "list.csv", "--relay", server.url, "--yes", "--first", cwd=folder)
        run = newsletter("publish", "--to", "list.csv", "--relay", server.url, "--json", cwd=folder)
    (post,) = run.json["posts"]
    assert (run.code, post["status"], post["decision"], run.json["sent"]) == (0, "sent", "left alone", 0)
    assert len(server.messages) == 3


def test_one_json_object_with_every_post(folder: Path) -> None:
    write(folder, "draft", "draft: true")
    with SmtpServer(Rule("RCPT", "450 4.2.1 later", about="reader002")) as server:
        run = newsletter("publish", "--to", "list.csv", "--relay", server.url, "--first", "--json", cwd=folder)
    assert (run.code, run.json["exit_code"], run.json["meaning"]) == (3, 3, "somebody was not mailed")
    told = {post["issue"]: post for post in run.json["posts"]}
    assert told["draft"]["status"] == "draft"
    assert told["daily"]["decision"] == "unfinished"
    assert told["daily"]["report"]["counts"]["left"] == 1
    assert run.json["sent"] == 2


def test_quiet_says_nothing_of_a_run_that_does_nothing(folder: Path) -> None:
    with SmtpServer() as server:
        first = newsletter("publish", "--to", "list.csv", "--relay", server.url, "--first", "--quiet", cwd=folder)
        assert "sent to 3" in first.out
        second = newsletter("publish", "--to", "list.csv", "--relay", server.url, "--quiet", cwd=folder)
    assert (second.code, second.out, second.err) == (0, "", "")


def test_a_bad_post_is_named_by_file_and_line_and_the_others_go(folder: Path) -> None:
    path = write(folder, "bad")
    path.write_text(path.read_text() + "\n{% if subscriber.plan %}never closed\n")
    with SmtpServer() as server:
        run = newsletter("publish", "--to", "list.csv", "--relay", server.url, "--first", cwd=folder)
    assert run.code == 1
    assert "failed" in run.err
    assert "bad.md" in run.err
    assert len(server.messages) == 3


def test_a_dry_run_needs_neither_relay_nor_ledger(folder: Path) -> None:
    run = newsletter("publish", "--to", "list.csv", "--dry-run", cwd=folder)
    assert (run.code, run.err) == (0, "")
    assert "it would be sent" in run.out
    assert not (folder / "newsletter.db").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("publish",), "write --to subscribers.csv"),
        (("publish", "none", "--to", "list.csv"), "none: there is no such folder"),
        (("publish", "list.csv", "--to", "list.csv"), "list.csv: is not a folder"),
        (("publish", "--to", "list.csv", "--max-age", "soon"), "write 36h, 2d or 1w"),
        (("publish", "--to", "list.csv", "--max-age", "0d"), "write 36h, 2d or 1w"),
    ],
)
def test_what_the_operator_has_to_mend(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    run = newsletter(*arguments, cwd=folder)
    assert (run.code, words in run.err) == (2, True), run.err


def test_two_at_once_are_one(folder: Path) -> None:
    """The second ends with 4 while the first is in the middle; everyone is mailed once."""
    reached = threading.Event()
    with SmtpServer(Rule("dot", reached.set, times=(2,)), Rule("dot", Fault.HOLD, times=(2,))) as server:
        first = start(
            *("publish", "--to", "list.csv", "--relay", server.url, "--first", "--json"),
            cwd=folder,
        )
        assert reached.wait(60)
        second = newsletter("publish", "--to", "list.csv", "--relay", server.url, "--json", cwd=folder)
        server.release()
        assert finish(first).code == 0
    assert (second.code, second.json["meaning"]) == (4, "another run is sending this issue")
    assert Counter(message.recipient for message in server.messages) == dict.fromkeys(people(3), 1)


def test_an_old_ledger_stops_publish_send_and_resume(folder: Path) -> None:
    settings = folder / "newsletter.toml"
    settings.write_text(settings.read_text() + '\n[ledger]\nexpect = "sent.json"\n')
    with SmtpServer() as server:
        relay = ("--relay", server.url)
        sent = newsletter("send", "posts/daily.md", "--to", "list.csv", *relay, "--yes", "--first", cwd=folder)
        assert sent.code == 0, sent.err
        assert [each["issue"] for each in json.loads((folder / "sent.json").read_text())["issues"]] == ["daily"]
        (folder / "newsletter.db").unlink()
        for command in (
            ("publish", "--to", "list.csv", "--first"),
            ("send", "posts/daily.md", "--to", "list.csv", "--yes", "--first"),
        ):
            run = newsletter(*command, *relay, cwd=folder)
            assert run.code == 2
            assert "the ledger does not know the issue daily" in run.err
        assert not (folder / "newsletter.db").exists()
    assert len(server.messages) == 3


def test_a_rehearsal_sends_into_a_catcher_at_any_hour_and_counts_for_nobody(folder: Path) -> None:
    settings = folder / "newsletter.toml"
    night = f"{(datetime.now(UTC) + timedelta(hours=12)):%H:%M}"
    settings.write_text(f'{settings.read_text()}\n[delivery]\ntime_zone = "UTC"\n\n[publish]\nsend_at = "{night}"\n')
    write(folder, "next", days=3)
    for _ in range(2):
        run = newsletter("publish", "--to", "list.csv", "--catch", cwd=folder)
        assert run.code == 0, run.err
        assert "sent       posts/daily.md: sent to 3" in run.out.replace(f"{folder}/", "")
        assert "Caught 3 messages; nobody counts as mailed" in run.out
    assert not (folder / "newsletter.db").exists()
    told = newsletter("publish", "--to", "list.csv", "--catch", "--json", cwd=folder)
    assert (told.json["sent"], told.json["exit_code"]) == (3, 0)
    for option in ("--dry-run", "--wait", "--watch"):
        assert newsletter("publish", "--to", "list.csv", "--catch", option, cwd=folder).code == 2


# --- what may be wrong where nobody watches ---------------------------------------------------------------------------


def of_another_program(ledger: Path) -> None:
    ledger.write_text("a list of something else")


def truncated(ledger: Path) -> None:
    ledger.write_bytes(ledger.read_bytes()[:5000])


def emptied(ledger: Path) -> None:
    ledger.write_bytes(b"")


@pytest.mark.parametrize("damage", [of_another_program, truncated, emptied])
def test_a_ledger_that_cannot_be_believed_stops_the_run_and_the_next_one_recovers(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    ledger = folder / "newsletter.db"
    with SmtpServer() as server:
        publish = ("publish", "--to", "list.csv", "--relay", server.url)
        assert newsletter(*publish, "--first", cwd=folder).code == 0
        assert newsletter("ledger", "backup", "kept.db", cwd=folder).code == 0
        for file in folder.glob("newsletter.db-*"):
            file.unlink()
        damage(ledger)
        write(folder, "second")
        run = newsletter(*publish, cwd=folder)
        assert run.code == 2
        assert "newsletter.db" in run.err
        assert len(server.messages) == 3, "nobody was mailed by it"
        assert newsletter("ledger", "restore", "kept.db", "--yes", cwd=folder).code == 0
        assert newsletter(*publish, cwd=folder).code == 0
    sent = Counter((message.recipient, message.mail["Subject"]) for message in server.messages)
    assert sent == {(address, f"The {name}"): 1 for address in people(3) for name in ("daily", "second")}


def test_no_network_is_a_sentence_and_the_next_run_sends(folder: Path) -> None:
    (port,) = free_ports(1)
    run = newsletter("publish", "--to", "list.csv", "--relay", f"smtp://127.0.0.1:{port}", "--first", cwd=folder)
    assert run.code == 3
    assert f"127.0.0.1:{port}" in run.err
    with SmtpServer() as server:
        again = newsletter("publish", "--to", "list.csv", "--relay", server.url, "--first", cwd=folder)
        assert again.code == 0, again.err
    assert Counter(message.recipient for message in server.messages) == dict.fromkeys(people(3), 1)


def test_a_full_disk_is_a_sentence_and_nobody_gets_it_twice(folder: Path, require_program: RequireProgram) -> None:
    """No file may grow past a few blocks: for SQLite that is a disk without room."""
    bash = require_program("bash")
    with SmtpServer() as server:
        command = [PROGRAM, "publish", "--to", "list.csv", "--relay", server.url, "--first"]
        full = subprocess.run(
            [bash, "-c", 'ulimit -f 4; exec "$@"', "full", *command],
            cwd=folder,
            env=environment(PYTHONDONTWRITEBYTECODE="1"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert full.returncode in (2, 3), full.stderr
        assert "Traceback" not in full.stderr
        assert "newsletter.db" in full.stderr
        assert server.messages == []
        for file in folder.glob("newsletter.db*"):
            file.unlink()  # what a disk without room left of a ledger that had not begun
        again = newsletter(*command[1:], cwd=folder)
        assert again.code == 0, again.err
    assert Counter(message.recipient for message in server.messages) == dict.fromkeys(people(3), 1)


def test_what_was_sent_before_is_told_apart_and_paths_are_short(folder: Path) -> None:
    write(folder, "other")
    with SmtpServer() as server:
        run = newsletter("publish", "--to", "list.csv", "--relay", server.url, "--first", cwd=folder)
        again = newsletter("publish", "--to", "list.csv", "--relay", server.url, cwd=folder)
    assert [re.sub(r"\d{4}-\d\d-\d\d", "DAY", line) for line in run.out.splitlines()[:2]] == [
        "sent       posts/daily.md: sent to 3 (one of 2 posts of DAY)",
        "sent       posts/other.md: sent to 3 (one of 2 posts of DAY)",
    ]
    assert again.out.splitlines() == [
        "done       posts/daily.md: it was sent",
        "done       posts/other.md: it was sent",
        "Nothing is due in posts: nobody was mailed.",
    ]


def test_a_missing_ledger_is_told_once(folder: Path) -> None:
    for name in ("second", "third"):
        write(folder, name)
    with SmtpServer() as server:
        run = newsletter("publish", "--to", "list.csv", "--relay", server.url, cwd=folder)
    assert run.code == 2
    assert run.err.count("there is no ledger here that knows of any issue") == 1
    assert run.err.count("the ledger is at fault; see above") == 2
    assert not server.messages


def test_a_template_that_nobody_touched_is_not_sent(folder: Path) -> None:
    (folder / "posts" / "daily.md").unlink()
    run = newsletter("new", "The daily", "--date", f"{today()}", cwd=folder)
    assert run.code == 0, run.err
    template = Path(run.out.strip())
    write(folder, "news", days=0)
    with SmtpServer() as server:
        publish = ("publish", "--to", "list.csv", "--relay", server.url, "--first")
        rehearsed = newsletter("publish", "--to", "list.csv", "--catch", "--json", cwd=folder)
        assert rehearsed.code == 0, rehearsed.err
        dry = newsletter(*publish, "--dry-run", cwd=folder)
        assert dry.code == 0
        assert dry.out.count("it would be sent") == 1
        assert dry.out.count("it would not be sent: it says what the template says") == 1
        assert server.messages == []

        run = newsletter(*publish, cwd=folder)
        assert run.code == 1
        assert "it says what the template says; write it, or take it away" in run.out + run.err
        assert {message.mail["Subject"] for message in server.messages} == {"The news"}

        quiet = newsletter(*publish, "--quiet", cwd=folder)
        assert quiet.code == 1
        assert "the template" in quiet.out + quiet.err

        template.write_text(template.read_text("utf-8").replace("Two or three sentences on", "All of"), "utf-8")
        assert newsletter(*publish, cwd=folder).code == 0
    assert Counter(message.mail["Subject"] for message in server.messages) == {"The news": 3, "The daily": 3}


def test_a_template_keeps_no_written_post_of_its_title_and_day_from_going(folder: Path) -> None:
    (folder / "posts" / "daily.md").unlink()
    assert newsletter("new", "The news", "--date", f"{today()}", cwd=folder).code == 0
    write(folder, "zz", days=0).write_text(f"---\ntitle: The news\ndate: {today()}\n---\n\nNews of the day.\n")
    with SmtpServer() as server:
        run = newsletter("publish", "--to", "list.csv", "--relay", server.url, "--first", cwd=folder)
    assert run.code == 1, run.err
    assert len(server.messages) == 3


# --- what cannot even begin ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "arguments"),
    [("[newsletter\n", ()), ("[newsletter\n", ("--watch",)), ("", ("--log-json", "list.csv"))],
    ids=["broken", "broken, watch", "a log over the list"],
)
def test_a_run_that_cannot_begin_is_told_to_the_alerts_of_the_environment(
    folder: Path, settings: str, arguments: tuple[str, ...]
) -> None:
    """Nothing listens at the addresses: the warnings say that both were about to be told."""
    if settings:
        (folder / "newsletter.toml").write_text(settings)
    env = {name: f"http://127.0.0.1:9/{name}" for name in ("NEWSLETTER_HEARTBEAT_URL", "NEWSLETTER_ALERT_WEBHOOK")}
    run = newsletter("publish", "--to", "list.csv", *arguments, cwd=folder, **env)
    assert run.code == 2
    for name in ("heartbeat", "webhook"):
        assert f"warning: [alerts] {name} was not told (ConnectError)" in run.err
    dry = newsletter("publish", "--to", "list.csv", "--dry-run", cwd=folder, **env)
    assert "was not told" not in dry.err
