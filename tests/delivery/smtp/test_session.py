"""One connection to a real server that answers as it likes: every reply becomes the outcome that smtp.py promises."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from smtp_server import BEYOND_BUFFERS, EXTENSIONS, PLAIN, Action, Fault, Point, Rule, SmtpServer

from newsletter.delivery.smtp import session as sessions
from newsletter.delivery.smtp.reply_parser import MAX_LINE_BYTES, MAX_REPLY_BYTES
from newsletter.delivery.smtp.session import BLOCK_BYTES, Session
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.model.delivery import Message, Outcome, Relay, State

BODY = b"From: daily@example.com\r\nMessage-ID: <1@example.com>\r\n\r\n" + b"One line of text.\r\n" * 40
BIG = BODY + b"x" * 998 + b"\r\n" * 2 + (b"y" * 78 + b"\r\n") * (BEYOND_BUFFERS // 80)
PATIENT = Timeouts.capped(30.0)


@pytest.fixture(params=[EXTENSIONS, PLAIN], ids=["pipelined", "step by step"])
def extensions(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return request.param  # type: ignore[no-any-return]


def message(recipient: str = "ada@example.com", data: bytes = BODY) -> Message:
    return Message("daily@example.com", recipient, "<1@example.com>", data)


ADA, BEN, CAL = (message(f"{name}@example.com") for name in ("ada", "ben", "cal"))


def send(
    relay: Relay,
    *messages: Message,
    timeouts: Timeouts = PATIENT,
    before_dot: Callable[[Session], None] = lambda session: None,
) -> tuple[list[Outcome], bool]:
    """What became of each, as far as one connection went; and whether it could be used further."""

    async def run() -> tuple[list[Outcome], bool]:
        session = await Session.open(relay, timeouts=timeouts)
        outcomes: list[Outcome] = []
        try:
            session.begin(messages[0])
            for each, following in zip(messages, (*messages[1:], None), strict=True):
                outcome = await session.accepted() or await session.body(each)
                overlaps = outcome is None
                if outcome is None:
                    before_dot(session)
                    outcome = session.dot(following) or await session.verdict()
                outcomes.append(outcome)
                if not session.usable:
                    break
                if following is not None and not overlaps:
                    session.begin(following)
            return outcomes, session.usable
        finally:
            await session.quit()

    return asyncio.run(run())


def test_a_password_that_comes_back_later_is_in_no_outcome() -> None:
    """A relay may repeat it in any answer, and outcomes are printed, logged and stored."""
    with SmtpServer(
        Rule("RCPT", b"550-5.7.1 not for hunter\r\n550 22xyz aHVudGVyMjJ4eXo= no\r\n"), login=("me", "hunter22xyz")
    ) as server:
        relay = Relay("127.0.0.1", server.port, "none", "me", "hunter22xyz")
        (outcome,), _ = send(relay, ADA)
    assert outcome.text == "5.7.1 not for … … no"


# --- answers --------------------------------------------------------------------------------------------------------


def test_an_accepted_message_is_sent_and_arrives_as_it_was(extensions: tuple[str, ...]) -> None:
    data = b".\r\n" + BODY + b".\r\n..two\r\n.one more\r\n"
    with SmtpServer(extensions=extensions) as server:
        (outcome,), usable = send(server.relay, message(data=data))
    assert outcome == Outcome(State.SENT, "dot", 250, "2.0.0 queued")
    assert usable
    (received,) = server.messages
    assert (received.mail_from, received.recipient, received.data) == ("daily@example.com", "ada@example.com", data)
    assert server.commands[-1] == "QUIT"


def test_a_body_without_a_last_line_end_gets_one() -> None:
    with SmtpServer() as server:
        send(server.relay, message(data=BODY + b"the end"))
    assert server.messages[0].data == BODY + b"the end\r\n"


def test_a_body_of_some_megabytes_arrives_whole(extensions: tuple[str, ...]) -> None:
    assert len(BIG) > 10 * BLOCK_BYTES
    with SmtpServer(extensions=extensions) as server:
        outcomes, _ = send(server.relay, message(data=BIG), ADA)
    assert [outcome.state for outcome in outcomes] == [State.SENT] * 2
    assert [received.data for received in server.messages] == [BIG, BODY]


def test_one_connection_carries_many_messages(extensions: tuple[str, ...]) -> None:
    with SmtpServer(extensions=extensions) as server:
        outcomes, _ = send(server.relay, *(message(f"{number}@example.com") for number in range(20)))
    assert [outcome.state for outcome in outcomes] == [State.SENT] * 20
    assert server.connections == 1
    assert server.recipients == [f"{number}@example.com" for number in range(20)]
    assert server.violations == []
    assert server.seen("RSET") == 0


@pytest.mark.parametrize(
    ("point", "reply", "expected"),
    [
        ("MAIL", "451 4.3.0 busy", Outcome(State.DEFERRED, "MAIL", 451, "4.3.0 busy", sender_fault=True)),
        ("MAIL", "553 5.7.1 not you", Outcome(State.DEFERRED, "MAIL", 553, "5.7.1 not you", sender_fault=True)),
        ("RCPT", "450 4.2.1 full", Outcome(State.DEFERRED, "RCPT", 450, "4.2.1 full")),
        ("RCPT", "550 5.1.1 nobody", Outcome(State.REJECTED, "RCPT", 550, "5.1.1 nobody")),
        ("DATA", "451 4.2.0 busy", Outcome(State.DEFERRED, "DATA", 451, "4.2.0 busy")),
        ("DATA", "554 5.7.1 spam", Outcome(State.DEFERRED, "DATA", 554, "5.7.1 spam", sender_fault=True)),
        ("dot", "454 4.7.0 throttled", Outcome(State.DEFERRED, "dot", 454, "4.7.0 throttled", sender_fault=True)),
        ("dot", "554 5.7.1 spam", Outcome(State.DEFERRED, "dot", 554, "5.7.1 spam", sender_fault=True)),
        ("dot", "550 5.1.1 gone", Outcome(State.REJECTED, "dot", 550, "5.1.1 gone")),
        (
            "RCPT",
            "550-5.1.1 no such\r\n550 5.1.1 user",
            Outcome(State.REJECTED, "RCPT", 550, "5.1.1 no such 5.1.1 user"),
        ),
        ("RCPT", b"550 gr\xfc\xdfe\r\n", Outcome(State.DEFERRED, "RCPT", 550, "gr\ufffd\ufffde", sender_fault=True)),
        ("dot", b"250 gr\xfc\xdfe \0\x1b[31m\r\n", Outcome(State.SENT, "dot", 250, "gr\ufffd\ufffde \0\x1b[31m")),
        ("dot", b"250\r\n", Outcome(State.SENT, "dot", 250, "")),
        ("dot", b"250-2.0.0 ok\n250 queued as 7\n", Outcome(State.SENT, "dot", 250, "2.0.0 ok queued as 7")),
    ],
)
def test_an_answer_is_an_outcome_in_the_server_s_words(
    extensions: tuple[str, ...], point: Point, reply: str | bytes, expected: Outcome
) -> None:
    with SmtpServer(Rule(point, reply, times=(1,)), extensions=extensions) as server:
        (first, second), usable = send(server.relay, ADA, BEN)
    assert first == expected
    assert second.state is State.SENT
    assert usable
    assert server.recipients[-1] == BEN.recipient
    assert (server.connections, server.violations) == (1, [])
    assert ("RSET" in server.commands) == (point != "dot")


def impatient(point: Point) -> Timeouts:
    """With a short limit for the answer to this alone. MAIL and RSET have one limit: there MAIL is answered in time."""
    limits = {"MAIL": {"mail": 0.2}, "RCPT": {"rcpt": 0.2}, "DATA": {"data": 0.2}, "RSET": {"mail": 2.0}}
    return replace(PATIENT, **limits.get(point, {"dot": 0.2}))


NO_SMTP = (b"nonsense\r\n", b"199 what\r\n", b"250", b"250-one\r\n251 two\r\n", b"250-half of it\r\n", b"\0\xff\r\n")


@pytest.mark.parametrize("point", ["MAIL", "RCPT", "DATA", "body", "dot", "RSET"])
@pytest.mark.parametrize(
    "fault", [Fault.DROP, Fault.SILENCE, *((words, Fault.DROP) for words in NO_SMTP), b"nonsense\r\n", b"199 no\r\n"]
)
def test_a_lost_connection_is_told_by_its_stage(extensions: tuple[str, ...], point: Point, fault: Action) -> None:
    """Before the dot the recipient provably has nothing; after it nobody can know."""
    rules = [Rule(point, fault), *([Rule("RCPT", "450 4.2.1 later", times=(1,))] if point == "RSET" else [])]
    with SmtpServer(*rules, extensions=extensions) as server:
        outcomes, usable = send(
            server.relay, ADA, BEN, timeouts=impatient(point) if fault is Fault.SILENCE else PATIENT
        )
    # A silence amid the body is one before the answer to the dot: the kernel had taken it all.
    unknown = point == "dot" or (point == "body" and fault is Fault.SILENCE)
    outcome = outcomes[-1]
    if point == "body" and fault is not Fault.SILENCE:
        assert (outcome.state, outcome.stage) in ((State.DEFERRED, "body"), (State.UNCERTAIN, "dot"))
    else:
        assert outcome.state is (State.UNCERTAIN if unknown else State.DEFERRED)
        assert outcome.stage == ("dot" if unknown else point)
    assert (outcome.code, outcome.sender_fault) == (0, False)
    assert outcome.text
    assert len(outcome.text) < 300
    assert not usable
    assert len(outcomes) == (2 if point == "RSET" else 1)
    assert server.connections == 1


@pytest.mark.parametrize("stage", ["MAIL", "RCPT"])
def test_go_ahead_where_nothing_was_asked_for_ends_the_connection(extensions: tuple[str, ...], stage: Point) -> None:
    """354 is DATA's. A server that says it elsewhere waits for a text, and would take our next command for its line."""
    with SmtpServer(Rule(stage, "354 go ahead"), extensions=extensions) as server:
        outcomes, usable = send(server.relay, ADA, BEN)
    assert outcomes == [Outcome(State.DEFERRED, stage, 0, f"the relay answered {stage} with 354 go ahead")]
    assert not usable
    assert server.messages == []


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "dot"])
@pytest.mark.parametrize("reply", ["421 4.7.0 too many", b"421 4.7.0 too many\r\n"], ids=["and closes", "and lingers"])
def test_421_ends_the_connection_and_defers(extensions: tuple[str, ...], stage: Point, reply: str | bytes) -> None:
    with SmtpServer(Rule(stage, reply), extensions=extensions) as server:
        outcomes, usable = send(server.relay, ADA, BEN)
    assert outcomes == [Outcome(State.DEFERRED, stage, 421, "4.7.0 too many", sender_fault=True)]
    assert not usable
    assert server.seen("RSET") == server.seen("QUIT") == 0


def test_a_definite_no_stands_although_the_connection_breaks_after_it() -> None:
    rules = (Rule("RCPT", "550 5.1.1 nobody"), Rule("DATA", Fault.DROP))
    with SmtpServer(*rules, empty_data=True) as server:
        (outcome,), usable = send(server.relay, ADA)
    assert outcome == Outcome(State.REJECTED, "RCPT", 550, "5.1.1 nobody")
    assert not usable


def test_a_yes_stands_although_the_connection_breaks_after_it(extensions: tuple[str, ...]) -> None:
    with SmtpServer(Rule("dot", (b"250 2.0.0 ok\r\n", Fault.DROP)), extensions=extensions) as server:
        outcomes, usable = send(server.relay, ADA, BEN)
    assert outcomes[0] == Outcome(State.SENT, "dot", 250, "2.0.0 ok")
    assert not usable
    assert [outcome.state for outcome in outcomes[1:]] in ([], [State.DEFERRED])


@pytest.mark.parametrize(
    "fault",
    [
        (b"2" * (MAX_LINE_BYTES + 1), Fault.SILENCE),
        b"250-on and on\r\n" * 3000,
        b"250 " + b"x" * MAX_REPLY_BYTES + b"\r\n",
    ],
)
def test_an_endless_answer_is_cut_off(fault: Action) -> None:
    with SmtpServer(Rule("RCPT", fault)) as server:
        (outcome,), usable = send(server.relay, ADA)
    assert (outcome.state, outcome.stage, usable) == (State.DEFERRED, "RCPT", False)
    assert "bytes" in outcome.text


@pytest.mark.parametrize("fault", [Fault.DROP, b"what\r\n", "500 5.5.1 no"])
def test_a_relay_that_will_not_say_goodbye_changes_nothing(fault: Fault | bytes | str) -> None:
    with SmtpServer(Rule("QUIT", fault)) as server:
        (outcome,), _ = send(server.relay, ADA)
    assert outcome.state is State.SENT


def test_a_silent_goodbye_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "QUIT_TIMEOUT_S", 0.1)
    with SmtpServer(Rule("QUIT", Fault.SILENCE)) as server:
        (outcome,), _ = send(server.relay, ADA)
    assert outcome.state is State.SENT


@pytest.mark.parametrize(("stage", "words"), [("MAIL", "MAIL"), ("RCPT", "RCPT"), ("DATA", "DATA"), ("dot", "dot")])
def test_each_answer_has_a_limit_of_its_own(stage: Point, words: str) -> None:
    """The others are patient: only the limit of the silent stage can have ended the wait."""
    limits = dict.fromkeys(("connect", "mail", "rcpt", "data", "block", "dot"), 30.0) | {stage.lower(): 0.05}
    with SmtpServer(Rule(stage, Fault.SILENCE)) as server:
        (outcome,), _ = send(server.relay, ADA, timeouts=Timeouts(**limits))
    assert outcome.text == f"no answer to {words} within 0.05 s"


def test_a_relay_that_takes_no_more_of_the_body_ends_the_wait_for_room() -> None:
    """Its buffers are full long before the dot, which is provably not written."""
    with SmtpServer(Rule("body", Fault.HOLD), receive_bytes=4096) as server:
        (outcome,), usable = send(server.relay, message(data=BIG), timeouts=Timeouts(block=0.05))
    assert outcome == Outcome(State.DEFERRED, "body", 0, "the relay took nothing of the body for 0.05 s")
    assert not usable


def test_a_drop_amid_a_body_that_is_not_through_leaves_the_dot_unwritten(extensions: tuple[str, ...]) -> None:
    with SmtpServer(Rule("body", Fault.DROP), extensions=extensions, receive_bytes=4096) as server:
        (outcome,), usable = send(server.relay, message(data=BIG))
    assert (outcome.state, outcome.stage, usable) == (State.DEFERRED, "body", False)
    assert server.messages == []


# --- pipelining -----------------------------------------------------------------------------------------------------


@contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[Relay]:
    """One connection, past an EHLO that offers PIPELINING; then `serve` has it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(30)
                connection.sendall(b"220 mail.test\r\n")
                read_until(connection, b"EHLO")
                connection.sendall(b"250-mail.test\r\n250 PIPELINING\r\n")
                serve(connection)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield Relay("127.0.0.1", listening.getsockname()[1], "none")
        finally:
            thread.join(30)
            assert not thread.is_alive()


def read_until(connection: socket.socket, *wanted: bytes) -> bytes:
    """What came until each of the words had come; the last of them ends the reading at the end of its line."""
    text = b""
    while not all(words in text for words in wanted) or not text.endswith(b"\n"):
        more = connection.recv(65536)
        assert more, f"the client hung up after {text!r}"
        text += more
    return text


def test_a_pipelined_message_needs_two_round_trips() -> None:
    """The server answers nothing before it has the whole envelope, and the next one before it answers the dot."""
    seen: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        seen.append(read_until(connection, b"DATA\r\n"))
        connection.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
        seen.append(read_until(connection, b"\r\n.\r\n", b"DATA\r\n"))
        connection.sendall(b"250 first\r\n250 ok\r\n250 ok\r\n354 go\r\n")
        seen.append(read_until(connection, b"\r\n.\r\n"))
        connection.sendall(b"250 second\r\n")
        read_until(connection, b"QUIT")

    with raw_server(serve) as relay:
        outcomes, _ = send(relay, ADA, BEN)
    assert [outcome.text for outcome in outcomes] == ["first", "second"]
    envelope = b"MAIL FROM:<daily@example.com>\r\nRCPT TO:<%b@example.com>\r\nDATA\r\n"
    assert seen == [envelope % b"ada", BODY + b".\r\n" + envelope % b"ben", BODY + b".\r\n"]


def test_without_pipelining_every_answer_is_waited_for() -> None:
    """A server that answers all that it has read in one segment never has more than one command to answer."""
    with SmtpServer(extensions=PLAIN, together=True) as server:
        outcomes, _ = send(server.relay, ADA, BEN)
    assert [outcome.state for outcome in outcomes] == [State.SENT] * 2


@pytest.mark.parametrize("options", [{"together": True}, {"dribble": True}], ids=["one segment", "byte by byte"])
def test_replies_find_their_commands_however_they_are_cut(
    extensions: tuple[str, ...], options: dict[str, bool]
) -> None:
    """One in three is refused, at another stage each time: a reply that went astray would hit somebody else."""
    people = [message(f"{number}@example.com") for number in range(12)]
    rules = (
        Rule("RCPT", "550 5.1.1 nobody", times=(2, 8)),
        Rule("DATA", "451 4.2.0 later", times=(4,)),
        Rule("dot", "550 5.1.1 gone", times=(5,)),
        Rule("MAIL", "451 4.2.0 later", times=(11,)),
    )
    with SmtpServer(*rules, extensions=extensions, **options) as server:  # type: ignore[arg-type]
        outcomes, _ = send(server.relay, *people)
    assert server.violations == []
    assert server.connections == 1
    sent = {each.recipient for each, outcome in zip(people, outcomes, strict=True) if outcome.state is State.SENT}
    assert sent == set(server.recipients)
    stages = [(number, outcome.stage) for number, outcome in enumerate(outcomes) if outcome.state is not State.SENT]
    assert stages == [(1, "RCPT"), (4, "DATA"), (6, "dot"), (7, "RCPT"), (10, "MAIL")]


def test_a_data_that_nobody_may_receive_ends_with_a_lone_dot() -> None:
    """RFC 2920, 3.1: all RCPT were refused, and DATA was allowed all the same. No body may follow."""
    with SmtpServer(Rule("RCPT", "550 5.1.1 nobody", times=(1,)), empty_data=True) as server:
        (first, second), usable = send(server.relay, ADA, BEN)
    assert (first.state, first.stage, first.text) == (State.REJECTED, "RCPT", "5.1.1 nobody")
    assert second.state is State.SENT
    assert usable
    assert server.recipients == [BEN.recipient]
    assert (server.violations, server.connections, server.seen("RSET")) == ([], 1, 0)


@pytest.mark.parametrize("action", [Fault.DROP, b"what\r\n", "421 4.3.2 bye"])
def test_a_lone_dot_that_goes_wrong_changes_nothing_of_the_no(action: Action) -> None:
    def serve(connection: socket.socket) -> None:
        read_until(connection, b"DATA\r\n")
        connection.sendall(b"250 ok\r\n550 5.1.1 nobody\r\n354 go\r\n")
        assert read_until(connection, b".\r\n") == b".\r\n"
        if isinstance(action, bytes):
            connection.sendall(action)
        elif isinstance(action, str):
            connection.sendall(action.encode() + b"\r\n")

    with raw_server(serve) as relay:
        (outcome,), usable = send(relay, ADA)
    assert (outcome.state, outcome.code, usable) == (State.REJECTED, 550, False)


# --- words out of turn ----------------------------------------------------------------------------------------------


def test_words_before_the_dot_keep_it_from_being_written(extensions: tuple[str, ...]) -> None:
    """Were the dot written, they would be taken for its answer."""

    def heard(session: Session) -> None:
        session.data_received(b"250 2.0.0 too early\r\n")

    with SmtpServer(extensions=extensions) as server:
        outcomes, usable = send(server.relay, ADA, before_dot=heard)
    (outcome,) = outcomes
    assert (outcome.state, outcome.stage, usable) == (State.DEFERRED, "body", False)
    assert outcome.text == "the relay answered before it was asked: 250 2.0.0 too early"
    assert server.messages == []


def test_a_goodbye_before_the_dot_keeps_it_from_being_written() -> None:
    with SmtpServer() as server:
        (outcome,), usable = send(
            server.relay, ADA, before_dot=lambda session: session.data_received(b"421 4.3.2 shutting down\r\n")
        )
    assert (outcome.state, outcome.stage, usable) == (State.DEFERRED, "body", False)
    assert outcome.text == "421 4.3.2 shutting down"
    assert server.messages == []


def test_a_second_answer_to_the_dot_ends_the_connection_and_not_the_message() -> None:
    def serve(connection: socket.socket) -> None:
        read_until(connection, b"DATA\r\n")
        connection.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
        read_until(connection, b"\r\n.\r\n")
        connection.sendall(b"250 taken\r\n550 or not\r\n")
        assert connection.recv(100) == b""

    with raw_server(serve) as relay:
        (outcome,), usable = send(relay, ADA)
    assert outcome == Outcome(State.SENT, "dot", 250, "taken")
    assert not usable


@pytest.mark.parametrize("words", [b"250 and more\r\n", b"354 and more\r\n", b"550 5.1.1 and more\r\n"])
def test_a_reply_too_many_in_a_pipeline_never_makes_a_sent(words: bytes) -> None:
    """It stands where the next message's first reply is due. Whatever it says, nobody is sent who was not taken."""
    kept = []

    def serve(connection: socket.socket) -> None:
        read_until(connection, b"DATA\r\n")
        connection.sendall(b"250 ok\r\n250 ok\r\n354 go\r\n")
        read_until(connection, b"\r\n.\r\n", b"DATA\r\n")
        connection.sendall(b"250 taken\r\n" + words + b"250 ok\r\n250 ok\r\n354 go\r\n")
        text = b""
        while more := connection.recv(65536):
            text += more
            if text.endswith(b"\r\n.\r\n"):
                kept.append(text)

    with raw_server(serve) as relay:
        outcomes, usable = send(relay, ADA, BEN, CAL)
    assert outcomes[0].state is State.SENT
    assert State.SENT not in [outcome.state for outcome in outcomes[1:]]
    assert not usable
    assert kept == []


# --- extensions -----------------------------------------------------------------------------------------------------


def mail_commands(server: SmtpServer) -> list[str]:
    return [command for command in server.commands if command.startswith("MAIL")]


def test_the_size_is_announced_where_the_relay_asks_for_it() -> None:
    with SmtpServer() as server:
        send(server.relay, ADA)
    assert mail_commands(server) == [f"MAIL FROM:<daily@example.com> SIZE={len(BODY)}"]
    with SmtpServer(extensions=()) as server:
        send(server.relay, ADA)
    assert mail_commands(server) == ["MAIL FROM:<daily@example.com>"]


@pytest.mark.parametrize(
    ("limit", "fits"), [(f" {len(BODY) - 1}", False), (f" {len(BODY)}", True), (" 0", True), ("", True), (" x", True)]
)
def test_a_message_over_the_announced_size_is_not_even_begun(limit: str, fits: bool) -> None:
    """RFC 1870, 4: 0, or nothing, is no limit. It says nothing about the recipient."""
    with SmtpServer(extensions=("PIPELINING", f"SIZE{limit}")) as server:
        (outcome,), usable = send(server.relay, ADA)
    assert usable
    assert outcome.state is (State.SENT if fits else State.DEFERRED)
    if not fits:
        assert (outcome.stage, outcome.code, outcome.sender_fault) == ("MAIL", 552, True)
        assert outcome.text == f"the message has {len(BODY):,} bytes, the relay takes {len(BODY) - 1:,}"
        assert server.seen("MAIL") == 0


def test_smtputf8_is_asked_for_only_where_an_address_needs_it() -> None:
    with SmtpServer() as server:
        send(server.relay, message("größe@example.com"), ADA)
    assert [command.endswith(" SMTPUTF8") for command in mail_commands(server)] == [True, False]
    assert server.recipients == ["größe@example.com", "ada@example.com"]


def test_eight_bits_are_announced_where_they_go_out() -> None:
    data = "Reply-To: größe@example.com\r\n\r\n".encode() + BODY
    with SmtpServer() as server:
        send(server.relay, message(data=data), ADA)
    assert [command.endswith(" BODY=8BITMIME SMTPUTF8") for command in mail_commands(server)] == [True, False]
    assert server.messages[0].data == data


def test_a_relay_without_smtputf8_refuses_only_that_address(extensions: tuple[str, ...]) -> None:
    without = tuple(name for name in extensions if name != "SMTPUTF8")
    with SmtpServer(extensions=without) as server:
        (first, second, third), usable = send(server.relay, message("größe@example.com"), ADA, BEN)
    assert (first.state, first.stage, "SMTPUTF8" in first.text) == (State.REJECTED, "MAIL", True)
    assert second.state is third.state is State.SENT
    assert usable
    assert server.recipients == [ADA.recipient, BEN.recipient]


@pytest.mark.parametrize("address", ["a\r\nRSET@example.com", "a>@example.com", "\0@example.com", "<@example.com"])
def test_an_address_that_would_end_its_command_is_never_written(address: str) -> None:
    with SmtpServer() as server:
        with pytest.raises(ValueError, match="control character or bracket"):
            send(server.relay, message(address))
        assert mail_commands(server) == []
