"""The installed program in processes of its own: interrupted, ended, started twice, and against Postfix's sink."""

from __future__ import annotations

import re
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from command_line import (
    PROGRAM,
    Run,
    environment,
    finish,
    newsletter,
    people,
    start,
    wait_until,
    write_list,
    write_post,
)
from signals import wait_until_signal_is_taken
from sink import Sink, smtp_sink
from smtp_server import PLAIN, Fault, Rule, SmtpServer

ISSUE = "2026-03-01-hello"
CONNECTIONS = 4
SIXTY = people(60)
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path)
    write_list(tmp_path, *SIXTY)
    return tmp_path


def send_command(url: str, *more: str, connections: int = CONNECTIONS) -> tuple[str, ...]:
    way = ("--to", "list.csv", "--relay", url, "--yes", "--first", "--connections", str(connections))
    return ("send", f"{ISSUE}.md", *way, *more)


def resume_command(url: str, *more: str) -> tuple[str, ...]:
    return ("resume", ISSUE, "--relay", url, "--yes", "--connections", str(CONNECTIONS), *more)


def assert_one_copy_each(server: SmtpServer) -> None:
    assert set(server.copies.values()) <= {1}
    assert set(Counter(server.recipients).values()) <= {1}


# --- Ctrl-C and SIGTERM ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("extensions", [("PIPELINING", *PLAIN), PLAIN], ids=["pipelined", "step by step"])
def test_the_messages_under_way_end_and_the_rest_is_left(
    folder: Path, number: signal.Signals, extensions: tuple[str, ...]
) -> None:
    with SmtpServer(Rule("dot", Fault.HOLD), extensions=extensions) as server:
        process = start(*send_command(server.url, "--json"), cwd=folder)
        server.release(CONNECTIONS)
        server.wait_for(lambda server: server.seen("dot") == 2 * CONNECTIONS)
        process.send_signal(number)
        wait_until_signal_is_taken(process)
        server.release(CONNECTIONS)
        run = finish(process)
        assert run.code == 3, run.err
        assert "Traceback" not in run.err
        assert (run.json["sent"], run.json["uncertain"], run.json["stopped"]) == (2 * CONNECTIONS, [], "interrupted")
        reached = server.recipients
        assert len(reached) == 2 * CONNECTIONS
        assert {entry["address"] for entry in run.json["left"]} == set(SIXTY) - set(reached)
        assert all("code" not in entry for entry in run.json["left"])  # they are untried, not put off

        server.release(len(SIXTY))
        second = newsletter(*resume_command(server.url, "--json"), cwd=folder)
        assert (second.code, second.json["sent"], second.json["already_sent"]) == (0, 52, 8)
    assert sorted(server.recipients) == SIXTY
    assert_one_copy_each(server)
    assert server.violations == []


def test_a_terminal_that_is_closed_may_say_so_twice(folder: Path) -> None:
    """The kernel does, and the shell; a second Ctrl-C would mean haste, a second hang-up means nothing."""
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        process = start(*send_command(server.url, "--json"), cwd=folder)
        server.wait_for(lambda server: server.seen("dot") == CONNECTIONS)
        for _ in range(3):
            process.send_signal(signal.SIGHUP)
            wait_until_signal_is_taken(process)
        server.release(CONNECTIONS)
        run = finish(process)
        assert (run.code, run.json["sent"], run.json["uncertain"]) == (3, CONNECTIONS, []), run.err


def test_nohup_goes_on(folder: Path) -> None:
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        command = " ".join(["trap '' HUP;", "exec", PROGRAM, *send_command(server.url, "--json")])
        process = subprocess.Popen(
            ["sh", "-c", command], cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        server.wait_for(lambda server: server.seen("dot") == CONNECTIONS)
        process.send_signal(signal.SIGHUP)
        server.release(len(SIXTY))
        run = finish(process)
    assert (run.code, run.json["sent"]) == (0, len(SIXTY)), run.err


def test_the_command_that_goes_on_is_printed_and_goes_on(folder: Path) -> None:
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        (folder / "newsletter.toml").write_text(f'[relay]\nurl = "{server.url}"\n')
        process = start("send", f"{ISSUE}.md", "--to", "list.csv", "--yes", "--first", cwd=folder)
        server.wait_for(lambda server: server.seen("dot") == 1)
        process.send_signal(signal.SIGINT)
        wait_until_signal_is_taken(process)
        server.release(2 * len(SIXTY))
        run = finish(process)
        assert run.code == 3
        assert "Stopped: interrupted." in run.err
        printed = re.search(r"`newsletter ([^`]*)` goes on", run.err)
        assert printed, run.err
        second = newsletter(*printed[1].split(), "--yes", cwd=folder)
        assert second.code == 0, second.err
    assert sorted(server.recipients) == SIXTY
    assert_one_copy_each(server)


def test_a_second_ctrl_c_ends_at_once_and_the_next_run_calls_it_uncertain(folder: Path) -> None:
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        process = start(*send_command(server.url), cwd=folder)
        server.wait_for(lambda server: server.seen("dot") == CONNECTIONS)
        process.send_signal(signal.SIGINT)
        wait_until_signal_is_taken(process)
        process.send_signal(signal.SIGINT)
        run = finish(process)
        assert run.code == 130, run.err
        assert run.err.splitlines()[-1] == "interrupted"
        assert "Traceback" not in run.err
        server.release(2 * len(SIXTY))
        second = newsletter(*resume_command(server.url, "--json"), cwd=folder)
    assert second.code == 3
    assert len(second.json["uncertain"]) == CONNECTIONS
    assert second.json["sent"] == len(SIXTY) - CONNECTIONS
    assert sorted(server.recipients) == SIXTY  # those four arrived, and were not sent again
    assert_one_copy_each(server)


def test_ctrl_c_while_the_relay_does_not_answer_ends_it(folder: Path) -> None:
    """Nothing is under way yet: there is no message to wait for, and no time-out of minutes either."""
    with SmtpServer(Rule("connect", Fault.HOLD)) as server:
        process = start(*send_command(server.url, "--json"), cwd=folder)
        server.wait_for(lambda server: server.seen("connect") == 1)
        process.send_signal(signal.SIGINT)
        run = finish(process)
        assert (run.code, run.json["sent"], run.json["stopped"]) == (3, 0, "interrupted"), run.err
        assert run.json["counts"]["left"] == len(SIXTY)


# --- two at once ----------------------------------------------------------------------------------------------------


def test_a_second_sender_of_the_issue_is_told_who_the_first_is(folder: Path) -> None:
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        first = start(*send_command(server.url, "--json"), cwd=folder)
        server.wait_for(lambda server: server.seen("dot") == CONNECTIONS)
        connections = server.connections
        seconds = [newsletter(*command(server.url), cwd=folder) for command in (send_command, resume_command)]
        seconds.append(newsletter("resolve", ISSUE, SIXTY[0], "--resend", "--yes", cwd=folder))
        for second in seconds:
            assert second.code == 4, second.err
            assert f"another run (process {first.pid} on " in second.err
            assert "wait until it has ended" in second.err
        assert server.connections == connections
        server.release(2 * len(SIXTY))
        run = finish(first)
        assert (run.code, run.json["sent"]) == (0, len(SIXTY))
    assert_one_copy_each(server)


def test_another_issue_may_go_out_at_the_same_time(folder: Path) -> None:
    write_post(folder, "---\ntitle: Other\n---\n\nAnother one.\n", "2026-03-02-other.md")
    other = ("send", "2026-03-02-other.md", *send_command("")[2:5])
    with SmtpServer(Rule("dot", Fault.HOLD)) as held, SmtpServer() as server:
        first = start(*send_command(held.url, "--json"), cwd=folder)
        held.wait_for(lambda server: server.seen("dot") == CONNECTIONS)
        second = newsletter(*other[:-1], "--relay", server.url, "--yes", "--json", cwd=folder)
        assert (second.code, second.json["sent"]) == (0, len(SIXTY)), second.err
        held.release(2 * len(SIXTY))
        run = finish(first)
        assert (run.code, run.json["sent"]) == (0, len(SIXTY))


# --- Postfix's own sink ---------------------------------------------------------------------------------------------


def send_to(sink: Sink, folder: Path, *more: str) -> Run:
    return newsletter(*send_command(sink.url, "--json", *more), cwd=folder)


@pytest.mark.parametrize("options", [(), ("-p",)], ids=["pipelined", "step by step"])
def test_postfix_takes_every_message(folder: Path, options: tuple[str, ...]) -> None:
    with smtp_sink(*options) as sink:
        run = send_to(sink, folder)
        kept = sink.messages()
    assert (run.code, run.json["sent"]) == (0, len(SIXTY))
    assert sorted(message.recipient for message in kept) == SIXTY
    assert len({message.message_id for message in kept}) == len(SIXTY)


def test_postfix_hangs_up_after_each_dot_and_nobody_is_resent(folder: Path) -> None:
    """`-q .`: the message is kept, the connection closed without an answer. Each costs one recipient, and a pause."""
    write_list(folder, *SIXTY[:6])
    with smtp_sink("-q", ".") as sink:
        first = interrupted_after(2, sink, folder)
        reached = sink.recipients
        assert first.json["uncertain"] == reached
        assert [entry["address"] for entry in first.json["left"]] == [who for who in SIXTY[:6] if who not in reached]
        second = interrupted_after(len(reached) + 1, sink, folder)
        kept = sink.recipients
    assert second.json["uncertain"] == kept
    assert len(kept) == len(set(kept))


def test_postfix_ends_each_connection_at_the_dot_and_nobody_is_lost(folder: Path) -> None:
    """`-Q .`: 421, a message that is not taken. Whoever it was for is left, and nothing else is tried for a while."""
    write_list(folder, *SIXTY[:3])
    with smtp_sink("-Q", ".") as sink:
        run = interrupted_after(1, sink, folder)
    assert [entry["address"] for entry in run.json["left"]] == SIXTY[:3]
    assert (run.json["sent"], run.json["uncertain"]) == (0, [])


def interrupted_after(messages: int, sink: Sink, folder: Path) -> Run:
    """Send, and press Ctrl-C once the sink has so many in all: the relay would be given a minute's rest."""
    process = start(*send_command(sink.url, "--json"), cwd=folder)
    wait_until(process, lambda: len(sink.messages()) >= messages, "the messages never came")
    process.send_signal(signal.SIGINT)
    run = finish(process)
    assert (run.code, run.json["stopped"]) == (3, "interrupted"), run.err
    return run


def test_postfix_refuses_every_recipient_and_nobody_is_struck_off(folder: Path) -> None:
    """`-f RCPT`: 500 5.3.0, which speaks of the server and of nobody's address."""
    write_list(folder, *SIXTY[:3])
    with smtp_sink("-f", "RCPT") as sink:
        run = send_to(sink, folder)
    assert [entry["address"] for entry in run.json["left"]] == SIXTY[:3]
    assert {(entry["stage"], entry["code"]) for entry in run.json["left"]} == {("RCPT", 500)}
    assert (run.code, run.json["refused"], run.json["uncertain"]) == (3, [], [])
