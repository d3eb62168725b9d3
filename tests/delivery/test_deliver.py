"""The send loop against real servers: whom it mails, over which connection and relay, at what pace, and when it stops.

What must hold each time: nobody is lost, nobody is mailed twice, and the ledger says who is where. How each single
fault ends is flows/test_faults.py's; here is how the loop goes on.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import ssl
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import time
from itertools import product
from pathlib import Path
from typing import Any, Literal

import pytest
import trustme
from command_line import people
from send_fixture import COMPOSER, ISSUE, NO_PAUSE, NOON, PATIENT, IssueLedger, assert_accounted, person, route
from smtp_server import CHUNKS, EXTENSIONS, PLAIN, Action, Fault, Point, Rule, SmtpServer
from whole import part_of

from newsletter.audience.people.store import People
from newsletter.delivery import connection, recipient_queue, window
from newsletter.delivery.canary import Canary
from newsletter.delivery.deliver import Stopped
from newsletter.delivery.recipient_queue import TRIES_A_RUN
from newsletter.delivery.smtp import connect as connecting
from newsletter.delivery.smtp import session as smtp
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.delivery.throttle import ThrottleRules
from newsletter.errors import DeliveryError
from newsletter.ledger.ledger import Ledger, Move, Plan
from newsletter.model.delivery import Relay, State
from newsletter.model.schedule import QuietHours, Rate
from newsletter.web.catcher.server import Catcher

ADA, BEN, CAL, DEE, EVE = (f"{name}@example.com" for name in ("ada", "ben", "cal", "dee", "eve"))
FIVE = (ADA, BEN, CAL, DEE, EVE)
FORTY = people(40)


@pytest.fixture
def ledger(store: Path | str) -> Iterator[IssueLedger]:
    """In each database that a ledger can be in."""
    made = IssueLedger(store, FIVE)
    yield made
    made.close()


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[IssueLedger]:
    """Enough for several connections."""
    made = IssueLedger(tmp_path / "newsletter.db", FORTY)
    yield made
    made.close()


@pytest.fixture(params=[EXTENSIONS, PLAIN], ids=["pipelined", "step by step"])
def extensions(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return request.param  # type: ignore[no-any-return]


# How a session goes, and how a database is written to, know nothing of each other.
each_once = pytest.mark.parametrize(
    ("store", "extensions"),
    [
        pytest.param("sqlite", PLAIN, id="sqlite, step by step"),
        pytest.param("postgresql", EXTENSIONS, id="postgresql, pipelined"),
        pytest.param("sqlite", EXTENSIONS, id="sqlite, pipelined", marks=pytest.mark.whole),
        pytest.param("postgresql", PLAIN, id="postgresql, step by step", marks=pytest.mark.whole),
    ],
    indirect=True,
)
in_a_file = pytest.mark.parametrize(
    "store", ["sqlite", pytest.param("postgresql", marks=pytest.mark.whole)], indirect=True
)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for the clock looks again at once."""
    monkeypatch.setattr(connection, "RECHECK_S", 0.02)


def states(**others: str) -> dict[str, str]:
    """Everyone sent, but for these."""
    return {address: others.get(address.partition("@")[0], "sent") for address in FIVE}


def row(ledger: IssueLedger, address: str) -> tuple[str, str, int, str]:
    found = ledger.rows[address]
    return found.state.value, found.stage, found.code, found.reply


@pytest.mark.parametrize("connections", [1, 3])
def test_whoever_leaves_between_text_and_dot_is_not_mailed(
    tmp_path: Path, extensions: tuple[str, ...], connections: int
) -> None:
    """The relay has the whole text by then; the connection ends without its dot, and the others go over a new one."""
    ledger = IssueLedger(tmp_path / "newsletter.db", FORTY)

    def leave() -> None:
        with People.open(ledger.place, ledger.clock.moment) as people:
            people.leave(FORTY[20], "one-click")

    with SmtpServer(Rule("DATA", leave, about=FORTY[20]), extensions=extensions) as server:
        stopped = ledger.run(route(server.relay, connections))
    assert stopped == Stopped()
    assert ledger.counts == {"sent": 39, "suppressed": 1}
    assert ledger.states[FORTY[20]] == "suppressed"
    assert FORTY[20] not in server.recipients
    assert set(server.copies.values()) == {1}
    assert [outcome.state for who, outcome, _ in ledger.reported if who == FORTY[20]] == [State.SUPPRESSED]
    assert len(ledger.reported) == 40
    ledger.close()


# --- one relay, one connection --------------------------------------------------------------------------------------


@each_once
def test_everyone_gets_one_message_over_one_connection(ledger: IssueLedger, extensions: tuple[str, ...]) -> None:
    with SmtpServer(extensions=extensions) as server:
        assert ledger.run(route(server.relay)) == Stopped()
    assert ledger.states == states()
    assert server.recipients == list(FIVE)
    assert server.connections == 1
    assert_accounted(ledger, server)
    assert [address for address, _, _ in ledger.reported] == list(FIVE)


def test_the_ledger_has_what_the_relay_said(ledger: IssueLedger) -> None:
    with SmtpServer() as server:
        ledger.run(route(replace(server.relay, name="first")))
    for address, found in ledger.rows.items():
        assert row(ledger, address) == ("sent", "dot", 250, "2.0.0 queued")
        assert (found.relay, found.attempts) == ("first", 1)
        assert found.message_id == COMPOSER.compose(person(address)).message_id


def test_a_real_server_gets_the_same(tmp_path: Path) -> None:
    ledger = IssueLedger(tmp_path / "newsletter.db", FIVE)
    with Catcher(clock=lambda: NOON) as catcher:
        assert ledger.run(route(catcher.relay)) == Stopped()
        caught = catcher.messages()
    assert ledger.states == states()
    ledger.close()
    assert [message.rcpt_to for message in caught] == [(address,) for address in FIVE]
    assert [message.data for message in caught] == [COMPOSER.compose(person(address)).data for address in FIVE]


@each_once
@pytest.mark.parametrize(
    ("point", "reply", "state"),
    [
        ("RCPT", "550 5.1.1 no such user", "rejected"),
        ("RCPT", "451 4.2.1 busy just now", "deferred"),
        ("DATA", "451 4.2.0 later", "deferred"),
        ("DATA", "554 5.7.1 looks like spam", "deferred"),
        ("dot", "550 5.1.1 no such user", "rejected"),
        ("dot", "554 5.7.1 looks like spam", "deferred"),
        ("dot", "452 4.2.2 mailbox full", "deferred"),
    ],
)
def test_one_refused_address_stops_nobody_else(
    ledger: IssueLedger, extensions: tuple[str, ...], point: Point, reply: str, state: str
) -> None:
    with SmtpServer(Rule(point, reply, about="ben"), extensions=extensions) as server:
        assert ledger.run(route(server.relay)) == Stopped()
    assert ledger.states == states(ben=state)
    assert row(ledger, BEN) == (state, point, int(reply[:3]), reply[4:])
    assert server.recipients == [ADA, CAL, DEE, EVE]
    assert {address: outcome.code for address, outcome, _ in ledger.reported}[BEN] == int(reply[:3])
    assert_accounted(ledger, server)


def test_a_refused_address_is_not_tried_again_and_a_deferred_one_is(ledger: IssueLedger) -> None:
    rules = [Rule("RCPT", "550 5.1.1 nobody", about="ben"), Rule("RCPT", "450 4.2.1 later", about="cal", times=(3,))]
    with SmtpServer(*rules) as server:
        ledger.run(route(server.relay))
        ledger.clock.jump(hours=2)
        ledger.run(route(server.relay))
    assert ledger.states == states(ben="rejected")
    assert server.recipients == [ADA, DEE, EVE, CAL]
    assert server.seen("RCPT") == 6


@in_a_file
def test_a_sender_that_the_relay_refuses_leaves_everyone(ledger: IssueLedger) -> None:
    with SmtpServer(Rule("MAIL", "550 5.7.1 not you")) as server:
        stopped = ledger.run(route(server.relay))
    assert "takes no mail from news@example.com (550 5.7.1 not you)" in stopped.reason
    assert ledger.states == {ADA: "deferred", **dict.fromkeys((BEN, CAL, DEE, EVE), "pending")}
    assert server.seen("MAIL") == 1
    assert server.messages == []


def lost_connections() -> Iterator[Any]:
    """Dropped at each point; what else makes it worthless at two, and at each in the whole."""
    points = ("MAIL", "RCPT", "DATA", "body", "dot")
    for point in points:
        yield pytest.param(point, Fault.DROP)
    for fault, turn in ((b"nonsense\r\n", "dot"), (b"250 ok\r\n250 twice\r\n", "RCPT")):
        for point in points:
            yield pytest.param(point, fault, marks=() if point == turn else pytest.mark.whole)


@each_once
@pytest.mark.parametrize(("point", "fault"), [*lost_connections()])
def test_a_lost_connection_costs_one_recipient_at_most(
    ledger: IssueLedger, extensions: tuple[str, ...], point: Point, fault: Action
) -> None:
    """Whoever provably has nothing is tried again over the next connection; of whoever does not, one is uncertain."""
    with SmtpServer(Rule(point, fault, times=(2,)), extensions=extensions) as server:
        assert ledger.run(route(server.relay)) == Stopped()
        assert server.connections <= 2
        unsure = ledger.those(State.UNCERTAIN)
        assert unsure <= {BEN}
        if point not in ("body", "dot"):
            assert not unsure
        assert ledger.those(State.SENT) | unsure == set(FIVE)
        ledger.run(route(server.relay))
    assert_accounted(ledger, server)
    assert ledger.those(State.UNCERTAIN) == unsure


def test_421_means_another_connection(ledger: IssueLedger) -> None:
    with SmtpServer(Rule("RCPT", "421 4.7.0 enough for now", about="ben")) as server:
        assert ledger.run(route(server.relay)) == Stopped()
    assert ledger.states == states(ben="deferred")
    assert server.connections == TRIES_A_RUN  # ben's last try was the end of the list
    assert ledger.rows[BEN].attempts == TRIES_A_RUN
    assert_accounted(ledger, server)


@in_a_file
def test_421_after_so_many_messages_leaves_nobody(ledger: IssueLedger) -> None:
    with SmtpServer(Rule("MAIL", "421 4.7.0 too many messages over one connection", times=(3,))) as server:
        assert ledger.run(route(server.relay)) == Stopped()
    assert ledger.states == states()
    assert server.connections == 3  # two and two, as was learnt, and one
    assert_accounted(ledger, server)


PER_SESSION = (b"421 too many messages in this session", b"452 4.4.5 Maximum number of messages per session exceeded.")


@pytest.mark.parametrize("enough", PER_SESSION)
@pytest.mark.parametrize("connections", [1, 3])
def test_a_limit_of_the_connection_slows_nothing_down(
    crowd: IssueLedger, extensions: tuple[str, ...], enough: bytes, connections: int
) -> None:
    """The real lane, whose first pause would be seconds: not one is made, and the number is learnt and named."""
    with SmtpServer(extensions=extensions, messages_per_connection=7, enough=enough) as server:
        mine = route(server.relay, connections, rules=ThrottleRules())
        assert crowd.run(mine) == Stopped()
    assert crowd.counts == {"sent": 40}
    assert set(Counter(message.connection for message in server.messages).values()) <= {*range(1, 8)}
    assert mine.throttle.speed == 0.0
    assert mine.throttle.trouble.refusals == mine.throttle.trouble.lost == 0
    assert all(row.attempts == 1 for row in crowd.rows.values()), "whom the relay did not take was not tried"
    (said,) = {text for text in crowd.news if "messages_per_connection = 7" in text}
    assert "takes 7 messages over one connection" in said
    assert enough.decode() in said
    assert_accounted(crowd, server)


def test_a_limit_that_comes_after_the_text_is_of_the_connection_too(crowd: IssueLedger) -> None:
    with SmtpServer(Rule("dot", "421 4.7.0 Too many mails in this session", times=(4, 9))) as server:
        mine = route(server.relay, rules=ThrottleRules())
        assert crowd.run(mine) == Stopped()
    assert crowd.counts == {"sent": 40}
    assert mine.throttle.trouble.refusals == 0


def test_a_first_message_that_hears_it_is_too_much_mail(crowd: IssueLedger) -> None:
    """Else a relay that takes nothing at all would be asked over and over."""
    with SmtpServer(Rule("MAIL", "421 4.7.0 too many messages in this session")) as server:
        stopped = crowd.run(route(server.relay))
    assert "too many messages in this session" in stopped.reason
    assert not server.messages
    assert server.connections < 20


def test_a_relay_that_says_its_limit_beforehand_never_has_to_refuse(crowd: IssueLedger) -> None:
    """RFC 9422, 4.1."""
    with SmtpServer(extensions=("LIMITS RCPTMAX=9 MAILMAX=6", *PLAIN), messages_per_connection=6) as server:
        assert crowd.run(route(server.relay)) == Stopped()
    assert Counter(message.connection for message in server.messages) == {n: 6 if n < 7 else 4 for n in range(1, 8)}
    assert crowd.news == []


def test_so_many_messages_a_connection_are_all(crowd: IssueLedger, extensions: tuple[str, ...]) -> None:
    with SmtpServer(extensions=extensions) as server:
        assert crowd.run(route(server.relay, messages_per_connection=15)) == Stopped()
    assert Counter(message.connection for message in server.messages) == {1: 15, 2: 15, 3: 10}
    assert server.seen("QUIT") == 3
    assert_accounted(crowd, server)


def test_a_relay_that_always_drops_is_given_up(crowd: IssueLedger) -> None:
    with SmtpServer(Rule("RCPT", Fault.DROP)) as server:
        stopped = crowd.run(route(server.relay))
    losses = NO_PAUSE.losses + 1  # and the probe after the pause
    assert f"{NO_PAUSE.losses} connections lost in a row" in stopped.reason
    assert server.connections == losses
    assert sum(found.attempts for found in crowd.rows.values()) == losses
    assert crowd.counts.keys() <= {"deferred", "pending"}
    assert server.messages == []


def test_drops_between_accepted_messages_are_not_in_a_row(crowd: IssueLedger) -> None:
    with SmtpServer(Rule("MAIL", Fault.DROP, times=(2, 4, 6, 8, 10, 12, 14))) as server:
        assert crowd.run(route(server.relay)) == Stopped()
    assert server.connections == 8
    assert set(crowd.states.values()) == {"sent"}
    assert_accounted(crowd, server)


def test_a_relay_that_goes_away_leaves_the_rest(ledger: IssueLedger) -> None:
    rules = (Rule("MAIL", Fault.DROP, times=(2,)), Rule("connect", "554 5.3.2 closed", times=tuple(range(2, 9))))
    with SmtpServer(*rules) as server:
        stopped = ledger.run(route(server.relay))
        assert "554 5.3.2 closed" in stopped.reason
        # ben is due at once: it was not his fault.
        assert ledger.states == {ADA: "sent", **dict.fromkeys((BEN, CAL, DEE, EVE), "pending")}
        server.rules.clear()
        assert ledger.run(route(server.relay)) == Stopped()
    assert ledger.states == states()
    assert_accounted(ledger, server)


def test_a_relay_that_was_away_for_a_moment_is_found_again(crowd: IssueLedger) -> None:
    rules = (Rule("MAIL", Fault.DROP, times=(5,)), Rule("connect", "421 4.3.2 restarting", times=(2,)))
    with SmtpServer(*rules) as server:
        assert crowd.run(route(server.relay)) == Stopped()
    assert server.connections == 3
    assert set(crowd.states.values()) == {"sent"}


@in_a_file
def test_a_relay_that_was_never_there_is_an_error_and_touches_nobody(ledger: IssueLedger) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = Relay("127.0.0.1", unused.getsockname()[1], "none")
        with pytest.raises(DeliveryError, match="cannot connect"):
            ledger.run(route(nowhere, 3))
    assert {(found.state, found.attempts) for found in ledger.rows.values()} == {(State.PENDING, 0)}


# --- the ledger -----------------------------------------------------------------------------------------------------


@each_once
def test_the_commit_is_on_record_before_the_dot_goes_out(ledger: IssueLedger, extensions: tuple[str, ...]) -> None:
    """When the server has the dot, anybody who opens the ledger reads `committing`: the promise everything rests on."""
    seen: list[tuple[str, str]] = []

    def look() -> None:
        with Ledger.open(ledger.place, ledger.clock.moment) as other:
            reached = server.messages[-1]
            stands = {found.address: found for found in other.rows(ISSUE)}[reached.recipient]
            seen.append((stands.state.value, stands.message_id))

    with SmtpServer(Rule("dot", look), extensions=extensions) as server:
        ledger.run(route(server.relay))
    assert seen == [("committing", COMPOSER.compose(person(address)).message_id) for address in FIVE]


def test_nobody_is_committed_whom_the_relay_refused(ledger: IssueLedger) -> None:
    committed: list[int] = []
    ledger.before_write = lambda moves: committed.extend(move.row for move in moves if move.to is State.COMMITTING)
    with SmtpServer(Rule("RCPT", "550 5.1.1 nobody", about="ben")) as server:
        ledger.run(route(server.relay))
    assert len(committed) == 4


def test_whom_another_run_has_is_passed_over(ledger: IssueLedger) -> None:
    plan_usually = ledger.plan

    def plan() -> Plan:
        made = plan_usually()
        assert [claim.address for claim in ledger.store.claim(ISSUE, 2)] == [ADA, BEN]
        return made

    ledger.plan = plan  # type: ignore[method-assign]
    with SmtpServer() as server:
        assert ledger.run(route(server.relay)) == Stopped()
    assert server.recipients == [CAL, DEE, EVE]
    assert ledger.states == states(ada="claimed", ben="claimed")


@pytest.mark.parametrize("connections", [1, 3])
def test_a_ledger_that_fails_sends_nothing_more(
    crowd: IssueLedger, extensions: tuple[str, ...], connections: int
) -> None:
    def fail(moves: object) -> None:
        raise RuntimeError("no ledger")

    crowd.before_write = fail
    with SmtpServer(extensions=extensions) as server, pytest.raises(RuntimeError, match="no ledger"):
        crowd.run(route(server.relay, connections))
    assert server.messages == []
    assert server.seen("dot") == 0


def test_a_ledger_that_cannot_be_read_on_ends_the_run(crowd: IssueLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first claims were mailed; whoever waits for the next ones hears of it, and none waits for ever."""
    monkeypatch.setattr(recipient_queue, "CLAIMED_AT_ONCE", 10)
    claim = crowd.claim

    def fail_later(limit: int, after: int) -> Any:
        if after:
            raise RuntimeError("no ledger")
        return claim(limit, after)

    crowd.claim = fail_later  # type: ignore[method-assign]
    with SmtpServer() as server, pytest.raises(RuntimeError, match="no ledger"):
        crowd.run(route(server.relay, 3))
    assert len(server.messages) <= 10


def test_a_long_list_is_claimed_in_parts_and_in_order(crowd: IssueLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipient_queue, "CLAIMED_AT_ONCE", 7)
    with SmtpServer(Rule("RCPT", Fault.DROP, about=FORTY[3], once=True)) as server:
        assert crowd.run(route(server.relay)) == Stopped()
    assert server.recipients == [*FORTY[:3], *FORTY[4:], FORTY[3]]  # who is tried again comes last
    assert_accounted(crowd, server)


def test_whoever_was_tried_often_enough_is_left(store: Path | str) -> None:
    ledger = IssueLedger(store, FIVE, max_attempts=2)
    with SmtpServer(Rule("RCPT", Fault.DROP, about="ben")) as server:
        assert ledger.run(route(server.relay)) == Stopped()
        assert ledger.states == states(ben="deferred")
        assert ledger.rows[BEN].attempts == 2
        ledger.clock.jump(days=1)
        assert ledger.run(route(server.relay)) == Stopped()
        assert server.seen("RCPT") == 6
    ledger.close()


# --- several connections --------------------------------------------------------------------------------------------


def test_connections_share_the_list(crowd: IssueLedger, extensions: tuple[str, ...]) -> None:
    """Each answer to a dot waits for all three: had fewer the right to send, this would never end."""
    with SmtpServer(Rule("dot", Fault.HOLD), extensions=extensions) as server:
        server.rules.insert(0, Rule("dot", lambda: server.release(40) if server.seen("dot") == 3 else None))
        assert crowd.run(route(server.relay, 3)) == Stopped()
    assert server.connections == 3
    assert_accounted(crowd, server)
    assert set(crowd.states.values()) == {"sent"}


@in_a_file
def test_a_short_list_needs_one_connection(ledger: IssueLedger) -> None:
    with SmtpServer() as server:
        ledger.run(route(server.relay, 10))
    assert server.connections == 1


def test_a_relay_that_allows_fewer_connections_gets_fewer(crowd: IssueLedger) -> None:
    with SmtpServer(Rule("connect", "421 4.7.0 too many connections", times=tuple(range(3, 50)))) as server:
        assert crowd.run(route(server.relay, 4)) == Stopped()
    assert "going on with" in " ".join(crowd.news)
    assert set(crowd.states.values()) == {"sent"}
    assert_accounted(crowd, server)


@pytest.mark.parametrize("lost", range(1, 7))
def test_whichever_connection_is_left_sends_the_rest(crowd: IssueLedger, lost: int) -> None:
    """Two of three break and are not allowed back. The third must not think itself one too many."""
    rules = (
        Rule("RCPT", Fault.DROP, times=(lost, lost + 5)),
        Rule("connect", "421 4.7.0 too many connections", times=tuple(range(4, 50))),
        # Nobody goes on before all three are there.
        Rule("RCPT", Fault.HOLD, times=(1, 2, 3)),
    )
    with SmtpServer(*rules) as server:
        server.rules.insert(0, Rule("connect", lambda: server.release(3), times=(3,)))
        assert crowd.run(route(server.relay, 3)) == Stopped()
    assert set(crowd.states.values()) == {"sent"}
    assert_accounted(crowd, server)


def test_a_relay_in_trouble_gets_fewer_connections(crowd: IssueLedger) -> None:
    """After a 454 half of four are used, and of the four the first two."""
    throttled = "454 Throttling failure: Maximum sending rate exceeded."
    with SmtpServer(Rule("DATA", throttled, times=(8,))) as server:
        assert crowd.run(route(server.relay, 4)) == Stopped()
    assert any("slowing down" in text for text in crowd.news)
    assert set(crowd.states.values()) == {"sent"}
    assert_accounted(crowd, server)


def test_a_relay_that_refuses_everybody_is_stopped_early(crowd: IssueLedger) -> None:
    """And strikes nobody off: five refusals, one probe."""
    with SmtpServer(Rule("RCPT", "550 5.7.1 you are on our black list")) as server:
        stopped = crowd.run(route(server.relay))
    assert f"{NO_PAUSE.refusals} refusals in a row" in stopped.reason
    assert crowd.counts == {"deferred": 6, "pending": 34}
    assert server.seen("RCPT") == 6


@pytest.mark.parametrize("connections", [1, 3])
def test_a_relay_that_forgets_what_comes_with_a_dot_is_found_out_once(
    crowd: IssueLedger, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It offers PIPELINING all the same. One connection finds out, nobody is tried twice for it."""
    monkeypatch.setattr(smtp, "OVERLAP_S", 0.05)
    with SmtpServer(forgetful=True) as server:
        assert crowd.run(route(server.relay, connections)) == Stopped()
    assert {(found.state, found.attempts) for found in crowd.rows.values()} == {(State.SENT, 1)}
    assert server.connections <= connections + 1
    assert_accounted(crowd, server)


def test_who_cannot_be_sent_with_a_dot_proves_nothing_of_the_relay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first envelope that would go out with a dot is not written: its address needs what the relay has not."""
    monkeypatch.setattr(smtp, "OVERLAP_S", 0.05)
    ledger = IssueLedger(tmp_path / "newsletter.db", [ADA, "größe@example.com", BEN, CAL, DEE])
    with SmtpServer(forgetful=True, extensions=("PIPELINING",)) as server:
        assert ledger.run(route(server.relay, timeouts=replace(PATIENT, mail=5.0))) == Stopped()
    assert ledger.counts == {"sent": 4, "rejected": 1}
    assert {found.attempts for found in ledger.rows.values()} == {1}
    assert_accounted(ledger, server)
    ledger.close()


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tls", "point"),
    part_of(
        product(("starttls", "implicit"), ("RCPT", "DATA", "dot")),
        *(("starttls", "RCPT"), ("implicit", "DATA"), ("starttls", "dot")),
    ),
)
def test_over_tls_a_lost_connection_costs_no_more(
    crowd: IssueLedger, tls: Literal["starttls", "implicit"], point: Point
) -> None:
    authority = trustme.CA()
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(shown)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    rule = Rule(point, Fault.DROP, times=(5, 9))
    with SmtpServer(rule, tls=shown, implicit=tls == "implicit", login=("daily", "secret")) as server:
        relay = replace(server.relay, host="localhost", tls=tls, user="daily", password="secret")
        assert crowd.run(route(relay, 3, tls_context=trusting)) == Stopped()
    assert_accounted(crowd, server)
    unsure = 2 if point == "dot" else 0
    assert crowd.counts == ({"sent": 40 - unsure, "uncertain": unsure} if unsure else {"sent": 40})


# --- several relays -------------------------------------------------------------------------------------------------


def named(server: SmtpServer, name: str, weight: int = 1) -> Relay:
    return replace(server.relay, name=name, weight=weight)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (3, 1), (1, 9)])
def test_relays_get_their_weight_of_the_mail(crowd: IssueLedger, first: int, second: int) -> None:
    with SmtpServer() as one, SmtpServer() as two:
        assert crowd.run(route(named(one, "one", first), 2), route(named(two, "two", second), 2)) == Stopped()
    assert_accounted(crowd, one, two)
    assert set(crowd.states.values()) == {"sent"}
    # One message more or less for each connection, and those that the first had before the second was there.
    assert len(one.messages) == pytest.approx(40 * first / (first + second), abs=5)
    assert {found.relay for found in crowd.rows.values()} == {"one", "two"}


def test_a_relay_that_is_not_there_leaves_all_to_the_other(crowd: IssueLedger) -> None:
    with SmtpServer() as one, SmtpServer(Rule("connect", "554 5.3.2 closed")) as two:
        assert crowd.run(route(named(one, "one"), 2), route(named(two, "two"), 2)) == Stopped()
    assert any("the rest goes through the other relays" in text for text in crowd.news)
    assert len(one.messages) == 40
    assert_accounted(crowd, one, two)


@pytest.mark.parametrize("fault", [Fault.DROP, "554 5.3.2 closed", "421 4.3.2 closed"])
def test_a_relay_that_dies_amid_a_run_leaves_the_rest_to_the_other(crowd: IssueLedger, fault: Action) -> None:
    dying = (Rule("dot", Fault.DROP, times=(4,)), Rule("MAIL", Fault.DROP, times=tuple(range(6, 90))))
    refusing = Rule("connect", fault, times=tuple(range(3, 90)))
    with SmtpServer() as one, SmtpServer(*dying, refusing) as two:
        assert crowd.run(route(named(one, "one"), 2), route(named(two, "two"), 2)) == Stopped()
    assert crowd.counts["sent"] + crowd.counts.get("uncertain", 0) == 40
    assert crowd.counts.get("uncertain", 0) <= 1
    assert_accounted(crowd, one, two)


def test_two_relays_that_are_not_there_are_an_error(crowd: IssueLedger) -> None:
    closed = Rule("connect", "554 5.3.2 closed")
    with SmtpServer(closed) as one, SmtpServer(closed) as two:
        routes = (route(named(one, "one"), 2), route(named(two, "two"), 2))
        with pytest.raises(DeliveryError, match=r"554 5\.3\.2 closed"):
            crowd.run(*routes)
    assert crowd.counts == {"pending": 40}


def test_a_relay_that_takes_no_mail_from_us_leaves_all_to_the_other(crowd: IssueLedger) -> None:
    with SmtpServer() as one, SmtpServer(Rule("MAIL", "550 5.7.1 not you")) as two:
        assert crowd.run(route(named(one, "one"), 1), route(named(two, "two"), 1)) == Stopped()
        assert crowd.counts.get("deferred", 0) <= 1
        crowd.clock.jump(hours=2)
        crowd.run(route(named(one, "one"), 1))
    assert set(crowd.states.values()) == {"sent"}
    assert_accounted(crowd, one, two)


def test_a_relay_whose_quota_is_used_up_does_not_hold_the_other(crowd: IssueLedger) -> None:
    """Waiting for its share would take until tomorrow."""
    with SmtpServer() as one, SmtpServer() as two:
        routes = (route(named(one, "one")), route(named(two, "two"), rates=(Rate(3, 86_400),)))
        assert crowd.run(*routes, longest_wait_s=60.0) == Stopped()
    assert (len(one.messages), len(two.messages)) == (37, 3)
    assert_accounted(crowd, one, two)


def test_a_relay_that_does_not_answer_does_not_hold_the_other(crowd: IssueLedger, soon: None) -> None:
    """Its one message, and the envelope behind it, stay out until the other relay has brought all the rest."""
    with SmtpServer() as one, SmtpServer(Rule("dot", Fault.HOLD)) as two:
        one.rules.append(Rule("dot", lambda: two.release(40) if len(one.messages) == 38 else None))
        assert crowd.run(route(named(one, "one")), route(named(two, "two"))) == Stopped()
    assert (len(one.messages), len(two.messages)) == (38, 2)
    assert set(crowd.states.values()) == {"sent"}
    assert_accounted(crowd, one, two)


# --- pace -----------------------------------------------------------------------------------------------------------


def test_a_rate_is_kept_over_all_connections(crowd: IssueLedger) -> None:
    """40 at 100 a second: 0.4 s, less the tenth that may go out at once."""
    begun = crowd.clock()
    with SmtpServer() as server:
        assert crowd.run(route(server.relay, 3, rates=(Rate(100, 1),), now=begun)) == Stopped()
    assert crowd.clock() - begun >= 0.28
    assert_accounted(crowd, server)
    assert any(name.startswith("relay/") for name in crowd.store.rate_limit_state())


def test_a_day_s_quota_leaves_the_rest_to_other_days_whatever_restarts(crowd: IssueLedger) -> None:
    with SmtpServer() as server:

        def run() -> Stopped:
            saved = {name.removeprefix("relay/"): state for name, state in crowd.store.rate_limit_state().items()}
            limits = {"rates": (Rate(15, 86_400),), "saved": saved, "now": crowd.clock()}
            return crowd.run(route(server.relay, 3, **limits), longest_wait_s=60.0)  # type: ignore[arg-type]

        for mailed in (15, 15, 15):
            assert "its limit is used up" in run().reason
            assert len(server.messages) == mailed
        for mailed, reason in ((30, True), (40, False)):
            crowd.clock.jump(days=1, hours=1)
            assert bool(run().reason) == reason
            assert len(server.messages) == mailed
    assert_accounted(crowd, server)


def test_a_refused_turn_is_given_back(crowd: IssueLedger) -> None:
    """Ten a day, and the relay loses the connection at the envelope now and then: still ten are mailed."""
    with SmtpServer(Rule("connect", "421 4.3.2 later", times=(2,)), Rule("QUIT", Fault.DROP)) as server:
        limits = {"rates": (Rate(10, 86_400),), "messages_per_connection": 4}
        crowd.run(route(server.relay, **limits), longest_wait_s=60.0)  # type: ignore[arg-type]
    assert len(server.messages) == 10


def test_a_domain_that_has_to_wait_lets_the_others_pass(tmp_path: Path) -> None:
    slow = [f"{number}@slow.example" for number in range(20)]
    ledger = IssueLedger(tmp_path / "newsletter.db", [*slow, *FORTY])
    with SmtpServer() as server:
        limited = route(server.relay, 2, domains={"slow.example": (Rate(5, 3600),)})
        stopped = ledger.run(limited, longest_wait_s=60.0)
        assert "mail for slow.example: its limit is used up" in stopped.reason
        assert ledger.counts == {"sent": 45, "pending": 15}
        assert_accounted(ledger, server)
        # As if they had not been tried.
        assert {found.attempts for found in ledger.rows.values() if found.state is State.PENDING} == {0}
    ledger.close()


def test_quiet_hours_are_waited_for(crowd: IssueLedger, soon: None) -> None:
    """It is noon; the quiet is from eleven to one. Nobody is claimed for good, and nothing is said meanwhile."""

    def wake(text: str) -> None:
        assert server.connections == 0
        crowd.clock.jump(minutes=61)

    crowd.on_news = wake
    with SmtpServer() as server:
        quiet = QuietHours(time(11), time(13), NOON.tzinfo)
        assert crowd.run(route(server.relay, 2), quiet=quiet) == Stopped()
    assert crowd.news == ["quiet hours; going on at 2026-03-02 13:00 UTC"]


def test_where_nobody_watches_quiet_hours_end_the_run_and_say_until_when(crowd: IssueLedger) -> None:
    with SmtpServer() as server:
        quiet = QuietHours(time(11), time(13), NOON.tzinfo)
        stopped = crowd.run(route(server.relay, 2), quiet=quiet, longest_wait_s=300.0)
    assert stopped == Stopped("quiet hours until 2026-03-02 13:00 UTC", NOON.timestamp() + 3600)
    assert server.connections == 0
    assert crowd.counts == {"pending": 40}


def test_a_wait_that_is_short_enough_is_waited_for_though_nobody_watches(crowd: IssueLedger, soon: None) -> None:
    crowd.on_news = lambda text: crowd.clock.jump(minutes=5)
    with SmtpServer() as server:
        quiet = QuietHours(time(11), time(12, 4), NOON.tzinfo)
        assert crowd.run(route(server.relay), quiet=quiet, longest_wait_s=300.0) == Stopped()
    assert crowd.counts == {"sent": 40}


def test_a_pause_of_the_relay_ends_the_run_where_it_is_too_long_to_wait_for(crowd: IssueLedger) -> None:
    with SmtpServer(Rule("RCPT", "421 4.7.0 slow down", times=(3,))) as server:
        stopped = crowd.run(route(server.relay, rules=ThrottleRules(pause_s=50.0)), longest_wait_s=10.0)
    assert f"{server.relay} pauses until 2026-03-02 12:0" in stopped.reason
    assert stopped.until == pytest.approx(NOON.timestamp() + 50, abs=20)
    assert crowd.counts["sent"] == 2
    assert_accounted(crowd, server)


def test_what_is_not_held_waits_for_neither_quiet_hours_nor_rates_and_counts_all_the_same(crowd: IssueLedger) -> None:
    with SmtpServer() as server:
        quiet = QuietHours(time(11), time(13), NOON.tzinfo)
        free = route(server.relay, rates=[Rate(5, 86_400)], held=False)
        assert crowd.run(free, quiet=quiet, longest_wait_s=0.0) == Stopped()
    assert crowd.counts == {"sent": 40}
    assert free.rate_limiter.wait_s("", NOON.timestamp() + 60) > 3600
    assert_accounted(crowd, server)
    assert set(crowd.states.values()) == {"sent"}


# --- the canary -----------------------------------------------------------------------------------------------------


def test_the_canary_goes_ahead_alone(crowd: IssueLedger, extensions: tuple[str, ...]) -> None:
    """While it is watched nobody else is mailed, over however many connections; then all are."""
    sent: list[int] = []
    crowd.on_news = lambda text: sent.append(len(server.messages)) if "are out" in text else None
    with SmtpServer(Rule("RCPT", "550 5.1.1 nobody", times=(3,)), extensions=extensions) as server:
        assert crowd.run(route(server.relay, 3), canary=Canary(10, 0.05, 0.2)) == Stopped()
    assert sent == [9]
    assert [text for text in crowd.news if "are out" in text] == ["the first 10 are out, 1 refused; waiting 0.05 s"]
    assert crowd.counts == {"sent": 39, "rejected": 1}


def test_a_canary_that_is_refused_too_often_stops_everything(crowd: IssueLedger) -> None:
    with SmtpServer(Rule("RCPT", "550 5.1.1 nobody", times=(2, 4, 6))) as server:
        stopped = crowd.run(route(server.relay, 3), canary=Canary(10, 60.0, 0.2))
    assert stopped.reason == "the canary: 3 of the first 10 were refused"
    assert crowd.counts == {"sent": 7, "rejected": 3, "pending": 30}
    assert_accounted(crowd, server)


def test_a_canary_outlives_lost_connections(crowd: IssueLedger) -> None:
    """Whoever is put back does not use up a place: with a place lost the gate would never open."""
    rules = (Rule("RCPT", Fault.DROP, times=(4,)), Rule("connect", "421 4.3.2 later", times=(2, 3)))
    with SmtpServer(*rules) as server:
        assert crowd.run(route(server.relay, 3), canary=Canary(10, 0.05, 0.5)) == Stopped()
    assert set(crowd.states.values()) == {"sent"}
    assert_accounted(crowd, server)


@in_a_file
def test_a_canary_larger_than_the_list_keeps_nobody_waiting(ledger: IssueLedger) -> None:
    with SmtpServer() as server:
        assert ledger.run(route(server.relay), canary=Canary(50, 60.0, 0.5)) == Stopped()
    assert ledger.states == states()


def test_a_watch_that_fails_ends_the_run(crowd: IssueLedger) -> None:
    """Were it only logged, everybody would wait for a gate that nobody opens."""

    def fail(text: str) -> None:
        if "are out" in text:
            raise RuntimeError("nobody to tell")

    crowd.on_news = fail
    with SmtpServer() as server, pytest.raises(RuntimeError, match="nobody to tell"):
        crowd.run(route(server.relay, 3), canary=Canary(10, 0.05, 0.5))
    assert len(server.messages) == 10


# --- Ctrl-C ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "connections"),
    [
        (signal.SIGINT, 1),
        (signal.SIGTERM, 3),
        pytest.param(signal.SIGINT, 3, marks=pytest.mark.whole),
        pytest.param(signal.SIGTERM, 1, marks=pytest.mark.whole),
    ],
)
def test_ctrl_c_lets_those_under_way_end(
    crowd: IssueLedger, extensions: tuple[str, ...], number: signal.Signals, connections: int
) -> None:
    def kill() -> None:
        os.kill(os.getpid(), number)

    with SmtpServer(Rule("dot", kill, times=(12,)), extensions=extensions) as server:
        assert crowd.run(route(server.relay, connections)) == Stopped("interrupted")
        assert 12 <= len(server.messages) <= 12 + 2 * connections
        assert crowd.counts == {"sent": len(server.messages), "pending": 40 - len(server.messages)}
        assert {found.attempts for found in crowd.rows.values() if found.state is State.PENDING} == {0}
        assert crowd.run(route(server.relay, connections)) == Stopped()
    assert_accounted(crowd, server)
    assert set(crowd.states.values()) == {"sent"}


def test_ctrl_c_ends_every_wait(crowd: IssueLedger) -> None:
    """For a rate, that is, of one an hour."""

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with SmtpServer() as server:
        crowd.on_news = lambda text: kill()  # "its limit is used up; going on at ..."
        assert crowd.run(route(server.relay, 3, rates=(Rate(1, 3600),))).reason == "interrupted"
    assert crowd.counts == {"sent": 1, "pending": 39}


# --- several under way ----------------------------------------------------------------------------------------------


def test_a_near_relay_is_given_one_message_after_the_other(crowd: IssueLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte as if it had not offered chunks. What is near is not what this machine is fast enough for."""
    monkeypatch.setattr(window, "_FAR_S", ((600.0, 8),))
    with SmtpServer(extensions=CHUNKS) as chunks:
        assert crowd.run(route(chunks.relay)) == Stopped()
    with SmtpServer() as server:
        again = IssueLedger(None, FORTY)
        assert again.run(route(server.relay)) == Stopped()
        again.close()
    assert chunks.commands == server.commands


def test_a_far_relay_is_given_several(crowd: IssueLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the second message of the first connection on, whose first was measured."""
    monkeypatch.setattr(window, "_FAR_S", ((0.0, 8),))
    with SmtpServer(extensions=CHUNKS) as server:
        assert crowd.run(route(server.relay)) == Stopped()
    assert server.seen("DATA") == 1
    assert server.seen("BDAT") == 1
    assert sum(command.endswith(" LAST") for command in server.commands) == 39
    assert_accounted(crowd, server)


@pytest.mark.parametrize("lacking", ["CHUNKING", "PIPELINING"])
def test_a_far_relay_that_does_not_offer_both_is_given_one_after_the_other(
    crowd: IssueLedger, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    monkeypatch.setattr(window, "_FAR_S", ((0.0, 8),))
    with SmtpServer(extensions=[name for name in CHUNKS if name != lacking]) as server:
        assert crowd.run(route(server.relay, window=8)) == Stopped()
    assert server.seen("DATA") == 40
    assert server.seen("BDAT") == 0


def test_a_canary_and_a_rate_hold_with_several_under_way(crowd: IssueLedger) -> None:
    sent: list[int] = []
    crowd.on_news = lambda text: sent.append(len(server.messages)) if "are out" in text else None
    with SmtpServer(extensions=CHUNKS) as server:
        quota = {"rates": (Rate(25, 86_400),), "window": 8}
        stopped = crowd.run(route(server.relay, 2, **quota), canary=Canary(10, 0.05, 0.2), longest_wait_s=60.0)  # type: ignore[arg-type]
    assert "its limit is used up" in stopped.reason
    assert sent == [10]
    assert len(server.messages) == 25
    assert_accounted(crowd, server)


def test_a_connection_carries_no_more_for_having_several_under_way(crowd: IssueLedger) -> None:
    with SmtpServer(extensions=CHUNKS) as server:
        assert crowd.run(route(server.relay, window=8, messages_per_connection=7)) == Stopped()
    carried = Counter(message.connection for message in server.messages)
    assert set(carried.values()) == {7, 5}
    assert_accounted(crowd, server)


def test_whoever_leaves_meanwhile_is_not_written_to(crowd: IssueLedger) -> None:
    """Suppressed in the transaction that would have had them committing."""
    gone = FORTY[20]

    def leave(moves: Sequence[Move]) -> None:
        crowd.before_write = lambda moves: None
        with People.open(crowd.place, crowd.clock.moment) as store:
            store.leave(gone, "one-click")

    crowd.before_write = leave
    with SmtpServer(extensions=CHUNKS) as server:
        assert crowd.run(route(server.relay, window=8)) == Stopped()
    assert crowd.states == dict.fromkeys(FORTY, "sent") | {gone: "suppressed"}
    assert not any(gone in command for command in server.commands)
    assert server.connections == 1


# --- anything at any time -------------------------------------------------------------------------------------------

_BREAKS: tuple[Action, ...] = (
    Fault.DROP,
    b"nonsense\r\n",
    (b"250 half an ans", Fault.DROP),
    b"250-2.0.0 yes\r\n550 5.1.1 no\r\n",
    b"199 what\r\n",
    (b"4" * 9000, Fault.DROP),
    "421 4.3.2 bye",
    b"421 4.3.2 bye, but not yet\r\n",
)
_ANYWHERE: tuple[Action, ...] = (
    *_BREAKS,
    "450 4.2.1 later",
    "451 4.3.0 busy",
    "454 4.7.0 Throttling failure",
    "550 denied",
    "554 5.7.1 spam",
    b"250 ok\r\n250 and once more\r\n",
)
FAULTS: dict[Point, tuple[Action, ...]] = {
    "connect": (Fault.DROP, "421 4.3.2 later", "554 5.3.2 no", (b"220 mail.te", Fault.DROP)),
    "EHLO": (Fault.DROP, "421 4.3.2 later"),
    "MAIL": (*_ANYWHERE, "550 5.7.1 not you", "552 5.3.4 too big"),
    "RCPT": (*_ANYWHERE, "550 5.1.1 nobody", "550 Ip frequency limited"),
    "DATA": (*_ANYWHERE, "550 5.1.1 nobody"),
    "BDAT": (*_ANYWHERE, "550 5.1.1 nobody", "502 5.5.1 what"),
    "body": (Fault.DROP, (b"421 4.3.2 bye\r\n", Fault.DROP), b"nonsense\r\n"),
    "dot": (*_ANYWHERE, Fault.LOSE, "550 5.1.1 nobody", b"354 go on\r\n", b"250\r\n"),
    "RSET": (*_BREAKS, "451 4.3.0 busy"),
    "QUIT": (*_BREAKS,),
}


class Chaos:
    """Up to `budget` faults, at random places and each with a chance of `share`; then a good server."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.share = chance.choice((0.02, 0.1, 0.3, 0.6))
        self.budget = chance.randint(0, 25)

    def __call__(self, point: Point, recipient: str) -> Action | None:
        if self.budget <= 0 or point not in FAULTS or self.chance.random() > self.share:
            return None
        if point in ("connect", "EHLO") and self.chance.random() > 0.2:
            return None  # they end a relay's run, and nothing else would be seen
        self.budget -= 1
        return self.chance.choice(FAULTS[point])


def server_of(chance: random.Random, extensions: Sequence[Sequence[str]] = (EXTENSIONS, PLAIN)) -> SmtpServer:
    return SmtpServer(
        extensions=chance.choice(extensions),
        together=chance.random() < 0.5,
        empty_data=chance.random() < 0.5,
        messages_per_connection=chance.choice((0, 0, 0, 3, 7)),
        script=Chaos(chance),
    )


def seeds(default: int, whole: int) -> list[Any]:
    """So many in the default suite and the whole; two hundred in the soak."""
    marks: dict[range, Any] = {range(default): (), range(default, whole): pytest.mark.whole}
    marks[range(whole, 200)] = pytest.mark.soak
    return [pytest.param(seed, marks=mark) for numbers, mark in marks.items() for seed in numbers]


@pytest.mark.parametrize("seed", seeds(20, 40))
def test_whatever_goes_wrong_nobody_is_lost_or_mailed_twice(seed: int, soon: None, tmp_path: Path) -> None:
    """Two relays, up to three connections each, runs until all is done; after each of them the books are checked."""
    carry_out(seed, tmp_path)


@pytest.mark.parametrize("window", [pytest.param(1, marks=pytest.mark.soak), 4, 8])
@pytest.mark.parametrize("seed", seeds(5, 8))
def test_whatever_goes_wrong_with_several_under_way_nobody_is_lost_or_mailed_twice(
    seed: int, window: int, soon: None, tmp_path: Path
) -> None:
    carry_out(seed, tmp_path, window, (CHUNKS, CHUNKS, EXTENSIONS))


def carry_out(
    seed: int, tmp_path: Path, window: int | None = None, extensions: Sequence[Sequence[str]] = (EXTENSIONS, PLAIN)
) -> None:
    chance = random.Random(seed)
    audience = people(chance.choice((3, 25, 45)))
    on_disk = seed % 10 == 0
    ledger = IssueLedger(tmp_path / "newsletter.db" if on_disk else None, audience)
    stop_after = chance.choice((0, 0, chance.randint(1, 40)))

    def reported(ledger: IssueLedger) -> None:
        if stop_after and len(ledger.reported) == stop_after:
            os.kill(os.getpid(), signal.SIGINT)

    ledger.on_outcome = lambda: reported(ledger)
    with server_of(chance, extensions) as one, server_of(chance, extensions) as two:
        routes: list[dict[str, Any]] = [
            {"messages_per_connection": chance.choice((0, 0, 1, 5)), "connections": chance.randint(1, 3)} for _ in "ab"
        ]
        for each in routes:
            each["window"] = window
        weights = [chance.choice((1, 1, 2, 9)) for _ in "ab"]
        for _ in range(12):
            canary = Canary(chance.randint(1, 10), 0.001, 0.9) if chance.random() < 0.2 else None
            made = [
                route(named(server, name, weight), **options)
                for server, name, weight, options in zip((one, two), "ab", weights, routes, strict=True)
            ]
            with suppress(DeliveryError):
                ledger.run(*made, canary=canary)
            assert_accounted(ledger, one, two)
            ledger.clock.jump(days=1)
            if not ledger.those(State.PENDING, State.DEFERRED):
                break
        unsure = ledger.those(State.UNCERTAIN)
        assert ledger.those(State.SENT, State.REJECTED) | unsure == set(audience)
        # Once more, and nothing happens.
        before = len(one.messages) + len(two.messages)
        ledger.run(*[route(named(server, name)) for server, name in ((one, "a"), (two, "b"))])
        assert len(one.messages) + len(two.messages) == before
    ledger.close()


# --- silence --------------------------------------------------------------------------------------------------------


@each_once
@pytest.mark.parametrize("point", ["connect", "EHLO", "MAIL", "RCPT", "DATA", "dot"])
def test_a_silent_relay_is_told_of_once_and_waited_for(
    ledger: IssueLedger, monkeypatch: pytest.MonkeyPatch, point: Point, extensions: tuple[str, ...]
) -> None:
    """The line comes at a tenth of a second here; the answer comes when it was told."""
    monkeypatch.setattr(connecting, "SILENCE_S", 0.1)
    with SmtpServer(Rule(point, Fault.HOLD, times=(1,)), extensions=extensions) as server:
        ledger.on_news = lambda text: server.release() if "Ctrl-C is safe" in text else None
        ledger.run(route(server.relay, connections=2))
    silent = [text for text in ledger.news if text.startswith(f"{server.relay} has ") and "Ctrl-C is safe" in text]
    assert silent
    assert "still waiting, for " in silent[0]
    assert set(ledger.states.values()) == {"sent"}
    assert_accounted(ledger, server)


@in_a_file
def test_a_silent_relay_is_still_given_up_when_its_time_is_over(
    ledger: IssueLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "SILENCE_S", 0.01)
    with SmtpServer(Rule("dot", Fault.SILENCE, times=(1,))) as server:
        ledger.run(route(server.relay, timeouts=Timeouts.capped(20.0, 0.2)))
    uncertain = {outcome.text for _, outcome, _ in ledger.reported if outcome.state is State.UNCERTAIN}
    assert uncertain == {"no answer to dot within 0.2 s"}
    assert any("still waiting" in text for text in ledger.news), ledger.news  # on a busy machine, of an earlier step
