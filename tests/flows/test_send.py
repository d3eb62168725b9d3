"""A send as a person sees it from the command line: corrections, lists that look wrong, going on, trying again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Run, newsletter, people, write_list, write_post
from smtp_server import Rule, SmtpServer

POST = "---\ntitle: Hello\n---\n\nVersion {number}.\n"
ISSUE = "2026-03-01-hello"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path, POST.format(number=1))
    return tmp_path


def send(folder: Path, server: SmtpServer, *more: str, post: str = "2026-03-01-hello.md", to: str = "list.csv") -> Run:
    return newsletter("send", post, "--to", to, "--relay", server.url, "--yes", "--first", "--json", *more, cwd=folder)


def counts_by_issue(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["issue"]: row for row in newsletter("status", "--json", cwd=folder).json["issues"]}


def test_an_erratum_goes_to_those_who_have_the_old_version_once(folder: Path) -> None:
    write_list(folder, *people(3))
    with SmtpServer() as server:
        assert send(folder, server).code == 0
        write_post(folder, POST.format(number=2))
        write_list(folder, *people(4)[1:])  # one has left, one is new
        refused = send(folder, server)
        assert refused.code == 2
        assert "is not what 2 people got" in refused.err
        assert "--erratum" in refused.err

        corrected = send(folder, server, "--erratum")
        assert (corrected.code, corrected.json["sent"]) == (0, 2)
        mails = server.messages[3:]
        assert [message.recipient for message in mails] == people(4)[1:3]
        assert {message.mail["Subject"] for message in mails} == {"Correction: Hello"}
        assert all("Version 2." in message.mail.get_body(("plain",)).get_content() for message in mails)  # type: ignore[union-attr]
        assert set(server.copies.values()) == {1}

        again = send(folder, server, "--erratum")
        assert (again.code, again.json["sent"], again.json["already_sent"]) == (0, 0, 2)
        rest = send(folder, server)
        assert (rest.code, rest.json["sent"]) == (0, 1)
        assert server.messages[-1].recipient == people(4)[3]
        assert server.messages[-1].mail["Subject"] == "Hello"
    assert counts_by_issue(folder)[f"{ISSUE}+erratum-2"]["sent"] == 2


def test_there_is_nothing_to_correct_where_nothing_changed(folder: Path) -> None:
    write_list(folder, *people(2))
    with SmtpServer() as server:
        send(folder, server)
        run = send(folder, server, "--erratum")
    assert run.code == 2
    assert "there is nothing to correct" in run.err
    assert len(server.messages) == 2


def test_a_list_that_lost_a_fifth_is_questioned_and_nothing_is_planned(folder: Path) -> None:
    write_list(folder, *people(30))
    write_post(folder, POST.format(number=2), "2026-03-02-next.md")
    with SmtpServer() as server:
        send(folder, server)
        write_list(folder, *people(20))
        run = send(folder, server, post="2026-03-02-next.md")
        assert run.code == 2
        assert "10 of the 30 people of the last issue are not on this list" in run.err
        assert "2026-03-02-next" not in counts_by_issue(folder)
        assert send(folder, server, "--changed-list", post="2026-03-02-next.md").json["sent"] == 20


def test_resume_finds_post_and_list_again_from_anywhere(folder: Path) -> None:
    addresses = people(12)
    write_list(folder, *addresses)
    with SmtpServer(Rule("MAIL", "550 5.7.1 not you", times=(3,))) as server:
        first = send(folder, server, "--connections", "1")
        assert (first.code, first.json["counts"]["sent"]) == (3, 2)
        assert "takes no mail from" in first.json["stopped"]
        config = str(folder / "newsletter.toml")
        (folder / "newsletter.toml").write_text("")
        elsewhere = folder / "elsewhere"
        elsewhere.mkdir()
        second = newsletter("resume", "--config", config, "--relay", server.url, "--yes", "--json", cwd=elsewhere)
        assert second.json["sent"] == 9  # whoever was refused with the sender waits for their time
        assert newsletter("retry", ISSUE, "--relay", server.url, "--yes", "--json", cwd=folder).json["sent"] == 1
        done = newsletter("resume", "--json", cwd=folder)
    assert (done.code, done.json["sent"]) == (0, 0)
    assert sorted(server.recipients) == addresses


def test_retry_failed_tries_the_refused_as_well(folder: Path) -> None:
    write_list(folder, *people(2))
    with SmtpServer(Rule("RCPT", "550 5.1.1 nobody", times=(1,))) as server:
        assert send(folder, server).json["counts"]["refused"] == 1
        assert "Nobody to try again" in newsletter("retry", ISSUE, "--yes", cwd=folder).out
        again = newsletter("retry", ISSUE, "--failed", "--relay", server.url, "--yes", "--json", cwd=folder)
    assert (again.code, again.json["sent"]) == (0, 1)
    assert sorted(server.recipients) == people(2)


def test_a_canary_that_is_refused_stops_the_send(folder: Path) -> None:
    write_list(folder, *people(40))
    with SmtpServer(Rule("RCPT", "550 5.1.1 nobody", times=(1, 2, 3))) as server:
        run = send(folder, server, "--canary", "10", "--connections", "1")
    assert run.code == 3
    assert run.json["stopped"] == "the canary: 3 of the first 10 were refused"
    assert run.json["counts"] == {"sent": 7, "refused": 3, "left": 30, "uncertain": 0, "suppressed": 0}


def test_a_canary_that_lives_lets_the_rest_go(folder: Path) -> None:
    (folder / "newsletter.toml").write_text("[delivery]\ncanary_wait_s = 0.1\n")
    write_list(folder, *people(40))
    with SmtpServer() as server:
        run = send(folder, server, "--canary", "10")
    assert (run.code, run.json["sent"]) == (0, 40)


def test_the_log_has_each_event_as_a_line_of_json(folder: Path) -> None:
    write_list(folder, *people(3))
    with SmtpServer(Rule("RCPT", "550 5.1.1 nobody", about="002")) as server:
        send(folder, server, "--log-json", "log.jsonl", "--connections", "1")
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["start", "outcome", "outcome", "outcome", "report"]
    assert {line["issue"] for line in lines} == {ISSUE}
    (refused,) = (line for line in lines if line.get("state") == "rejected")
    assert (refused["address"], refused["code"], refused["text"]) == (people(2)[1], 550, "5.1.1 nobody")
    assert lines[-1]["counts"] == {"sent": 2, "refused": 1, "left": 0, "uncertain": 0, "suppressed": 0}


def test_a_log_that_is_full_stops_no_send(folder: Path) -> None:
    write_list(folder, *people(3))
    with SmtpServer() as server:
        run = send(folder, server, "--log-json", "/dev/full")  # a device that takes nothing: it is only appended to
    assert (run.code, run.json["sent"], len(server.messages)) == (0, 3, 3)
    assert run.err.count("/dev/full: the log cannot be written any more (No space left on device) and ends here") == 1


def test_two_relays_share_the_mail_and_one_takes_over(folder: Path) -> None:
    write_list(folder, *people(60))
    with SmtpServer() as big, SmtpServer() as small:
        (folder / "newsletter.toml").write_text(
            f'[[relays]]\nname = "big"\nurl = "{big.url}"\nweight = 3\n'
            f'[[relays]]\nname = "small"\nurl = "{small.url}"\n'
        )
        run = newsletter("send", "2026-03-01-hello.md", "--to", "list.csv", "--yes", "--first", "--json", cwd=folder)
        assert (run.code, run.json["sent"]) == (0, 60)
        assert small.messages
        assert len(big.messages) > 1.5 * len(small.messages)
        write_post(folder, POST.format(number=2), "2026-03-02-next.md")
        small.rules.append(Rule("MAIL", "550 5.7.1 not you"))
        run = newsletter("send", "2026-03-02-next.md", "--to", "list.csv", "--yes", "--first", "--json", cwd=folder)
    assert (run.code, run.json["sent"]) == (0, 60)
    assert sorted(big.recipients + small.recipients) == sorted(2 * people(60))
