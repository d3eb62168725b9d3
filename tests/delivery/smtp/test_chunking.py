"""One session that sends messages ahead, to a real server: what follows them over the same connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from smtp_server import CHUNKS, Fault, Rule, SmtpServer

from newsletter.delivery.smtp.chunking import ChunkingSession
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.model.delivery import Message, Outcome, State

BODY = b"From: daily@example.com\r\nMessage-ID: <1@example.com>\r\n\r\nOne line of text.\r\n"
ADA, BEN, CAL = (
    Message("daily@example.com", f"{name}@example.com", "<1@example.com>", BODY) for name in ("ada", "ben", "cal")
)
Steps = Callable[[ChunkingSession], Coroutine[Any, Any, None]]


def over_one_connection(server: SmtpServer, steps: Steps) -> None:
    """Ada has her message in two chunks before the steps."""

    async def run() -> None:
        session = await ChunkingSession.open(server.relay, timeouts=Timeouts.capped(30.0))
        try:
            session.begin_in_chunks(ADA)
            assert await session.accepted() is None
            assert await session.last_chunk(ADA) is None
            assert (await session.verdict()).state is State.SENT
            await steps(session)
        finally:
            await session.quit()

    asyncio.run(run())


async def by_data(session: ChunkingSession, message: Message) -> Outcome:
    session.begin(message)
    return await session.accepted() or await session.body(message) or session.dot(None) or await session.verdict()


@pytest.mark.parametrize(
    ("point", "refusal"),
    [("RCPT", "550 5.1.1 nobody"), ("RCPT", "450 4.2.1 later"), ("MAIL", "451 4.3.0 busy"), ("dot", "554 5.7.1 no")],
)
def test_a_message_by_data_behind_one_that_was_refused_has_a_transaction_of_its_own(point: Any, refusal: str) -> None:
    """Another connection may have ended sending ahead for all of them meanwhile."""

    async def steps(session: ChunkingSession) -> None:
        assert session.in_step
        assert await session.send_ahead(BEN) is None
        assert (await session.oldest_outcome()).state in (State.REJECTED, State.DEFERRED)
        assert (await by_data(session, CAL)).state is State.SENT

    with SmtpServer(Rule(point, refusal, times=(2,)), extensions=CHUNKS) as server:
        over_one_connection(server, steps)
    assert [received.recipient for received in server.messages] == [ADA.recipient, CAL.recipient]
    assert server.violations == []


def test_a_yes_without_a_status_code_is_not_believed_where_the_others_have_one() -> None:
    """The answer to the message was lost with it; the second of two to its recipient stands in its place."""

    async def steps(session: ChunkingSession) -> None:
        assert await session.send_ahead(BEN) is None
        assert (await session.oldest_outcome()).state is State.UNCERTAIN
        assert not session.usable

    twice = Rule("RCPT", b"250 ok\r\n250 and once more\r\n", about=BEN.recipient)
    with SmtpServer(twice, Rule("dot", Fault.LOSE, about=BEN.recipient), extensions=CHUNKS) as server:
        over_one_connection(server, steps)
    assert [received.recipient for received in server.messages] == [ADA.recipient]


def test_a_relay_with_a_status_code_in_some_of_its_answers_is_not_sent_to_ahead() -> None:
    async def steps(session: ChunkingSession) -> None:
        assert not session.in_step

    with SmtpServer(Rule("dot", b"250 taken\r\n"), extensions=CHUNKS) as server:
        over_one_connection(server, steps)


LATER = b"421 4.3.2 bye, but not yet\r\n"


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        ((), State.SENT),
        ((Rule("RCPT", b"250-2.1.5 yes\r\n550 5.1.1 no\r\n", times=(2,)),), State.UNCERTAIN),
        ((Rule("RCPT", "550 5.1.1 nobody", times=(2,)),), State.REJECTED),
        ((Rule("MAIL", (LATER, Fault.DROP), times=(2,)),), State.DEFERRED),
    ],
    ids=["goes on", "goes on, and breaks", "goes on, and refuses", "goes"],
)
def test_a_421_to_a_reset_says_nothing_of_a_message_that_is_taken_all_the_same(
    rules: tuple[Rule, ...], state: State
) -> None:
    """Nobody may be mailed once more who has the message."""

    async def steps(session: ChunkingSession) -> None:
        assert await session.send_ahead(BEN) is None
        assert (await session.oldest_outcome()).state is state
        assert not session.usable

    with SmtpServer(Rule("RSET", LATER, times=(2,)), *rules, extensions=CHUNKS) as server:
        over_one_connection(server, steps)
    taken = {received.recipient for received in server.messages} - {ADA.recipient}
    assert taken == ({BEN.recipient} if state in (State.SENT, State.UNCERTAIN) else set())
