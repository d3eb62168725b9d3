"""Letters of the sign-up pages: kept, sent in turn and at the relay's pace, tried again, and never sent on a guess."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import pytest
from command_line import free_ports, start
from smtp_server import Fault, Rule, SmtpServer
from web_site import SECRET, TOML, Clock, running

from newsletter.audience.people.letters import KEPT_FOR, WANTED_FOR, Letter, Letters, add_letter
from newsletter.audience.people.store import People
from newsletter.config.config import RelaySettings
from newsletter.errors import BusyError, ConfigError
from newsletter.group_commit import GroupCommit
from newsletter.ledger.database.timestamps import stamp_of
from newsletter.ledger.ledger import Ledger
from newsletter.model.delivery import Message, Outcome, Relay, State
from newsletter.model.schedule import parse_rate
from newsletter.pipeline.mail_queue import TRIES, MailQueue, Postman
from newsletter.web.catcher.server import Catcher
from newsletter.web.public import membership as steps
from newsletter.web.public.forms import FormClock

ADA = "ada@example.com"


@dataclass
class Office:
    """A store with letters in it, and whom they were made for."""

    people: People
    clock: Clock
    made: list[str] = field(default_factory=list)
    number: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def letters(self) -> Letters:
        return Letters(self.people.storage, self.clock)

    def owe(self, *addresses: str) -> None:
        with self.people.storage.write() as db:
            for address in addresses:
                add_letter(db, "confirm", address, stamp_of(self.clock()), lang="en", fields="{}")

    def message(self, letter: Letter) -> Message | None:
        self.made.append(letter.address)
        data = f"From: news@example.com\r\nTo: {letter.address}\r\nSubject: Hello\r\n\r\nHello.\r\n".encode()
        return Message("news@example.com", letter.address, f"<{next(self.number)}@example.com>", data)

    def states(self) -> list[str]:
        with self.people.storage.read() as db:
            return [str(row.state) for row in db.exec_driver_sql("SELECT state FROM letters ORDER BY id")]

    def send(
        self,
        relay: Relay,
        *,
        until: Callable[[], bool] | None = None,
        make: Callable[[Letter], Message | None] | None = None,
        wait_s: Callable[[int], float] = lambda attempt: 60.0,
        rate: str = "",
    ) -> None:
        """What can go out at once is sent when it returns; or all that `until` asks for."""
        lane = RelaySettings(relay, parse_rate(rate) if rate else (), {}, (), 1, 0, 60.0, 60.0)

        async def run() -> None:
            store = GroupCommit(self.people.leave_all, in_thread=True)
            box = MailQueue(self.letters, store, Postman(lane, make or self.message, self.clock, wait_s))
            running = asyncio.create_task(box.run())
            try:
                async with asyncio.timeout(30):
                    while until is not None and not await store.call(until):
                        pass
                await box.flush(20)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                store.close()

        asyncio.run(run())


@pytest.fixture
def office(store: Path | str) -> Iterator[Office]:
    clock = Clock()
    with People.open(store, clock, [SECRET]) as people:
        yield Office(people, clock)


def received(catcher: Catcher) -> list[str]:
    return [address for mail in catcher.messages() for address in mail.rcpt_to]


def test_letters_go_out_in_order_and_once(office: Office) -> None:
    readers = [f"reader{number}@example.com" for number in range(5)]
    with Catcher() as catcher:
        office.owe(*readers)
        office.send(catcher.relay)
        office.send(catcher.relay)
        assert received(catcher) == readers
    assert office.states() == ["sent"] * 5
    assert office.letters.waiting() == 0


def test_a_letter_that_is_no_longer_wanted_is_not_sent(office: Office) -> None:
    office.owe(ADA, "bo@example.com")
    with Catcher() as catcher:
        office.send(catcher.relay, make=lambda letter: None if letter.address == ADA else office.message(letter))
        assert received(catcher) == ["bo@example.com"]
    assert office.states() == ["sent"]


def test_a_relay_that_is_away_is_tried_again(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    (port,) = free_ports(1)
    tries: list[int] = []
    catcher = Catcher(smtp_port=port)

    def wait_s(attempt: int) -> float:
        """Nobody waits here; the relay is there by then."""
        if not tries:
            catcher.start()
        tries.append(attempt)
        return 0.0

    office.owe(ADA)
    with caplog.at_level(logging.INFO, logger="newsletter.mail_queue"):
        office.send(Relay("127.0.0.1", port, "none"), wait_s=wait_s, until=lambda: office.states() == ["sent"])
    assert received(catcher) == [ADA]
    catcher.stop()
    assert set(tries) == {1}
    assert office.made == [ADA, ADA], "made anew, with a link that is fresh"
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "a mail to confirm waits 0 s for another try: connect" in caplog.text
    assert ADA not in caplog.text


def test_a_relay_that_stays_away_is_given_up_at_last(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    (port,) = free_ports(1)
    office.owe(ADA)
    office.send(
        Relay("127.0.0.1", port, "none"), wait_s=lambda attempt: 0.0, until=lambda: office.letters.waiting() == 0
    )
    assert len(office.made) == TRIES
    assert office.states() == ["rejected"]
    assert "a mail to confirm was not sent: connect" in caplog.text


def test_a_refused_letter_is_given_up_and_named_without_its_address(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.owe(ADA)
    with SmtpServer(Rule("RCPT", f"550 5.1.1 no {ADA}")) as server:
        office.send(server.relay)
    assert "a mail to confirm was not sent: RCPT 550 5.1.1 no …" in caplog.text
    assert office.states() == ["rejected"]


def test_a_letter_that_cannot_be_made_stops_no_other(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    def make(letter: Letter) -> Message | None:
        if letter.address == ADA:
            raise ConfigError("templates/mine/theme.toml:3: not TOML")
        return office.message(letter)

    office.owe(ADA, "bo@example.com")
    with Catcher() as catcher:
        office.send(catcher.relay, make=make)
        assert received(catcher) == ["bo@example.com"]
    assert "a mail to confirm was not sent" in caplog.text
    assert "theme.toml:3: not TOML" in caplog.text
    assert office.states() == ["pending", "sent"], "it is tried again, once the theme is mended"


def test_the_end_says_how_many_wait(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    (port,) = free_ports(1)
    office.owe(ADA, "bo@example.com")
    office.send(Relay("127.0.0.1", port, "none"))
    assert "2 letters wait for the next start" in caplog.text
    assert len(office.made) == 1, "a relay that is away is not asked for each letter"


def test_a_drop_after_the_dot_is_never_sent_again(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.owe(ADA)
    with SmtpServer(Rule("dot", Fault.DROP)) as server:
        office.send(server.relay)
    with Catcher() as catcher:
        office.send(catcher.relay)
        assert received(catcher) == []
    assert office.states() == ["uncertain"]
    assert "a mail to confirm may have arrived, and is not sent again" in caplog.text


def test_the_dot_goes_out_once_it_is_on_disk(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> bool:
        raise ConfigError("newsletter.db: the disk is full")

    office.owe(ADA)
    monkeypatch.setattr(Letters, "commit", full)
    with Catcher() as catcher:
        office.send(catcher.relay, until=lambda: bool(office.made))
        assert received(catcher) == []
    assert office.states() == ["pending"]


def test_what_a_dead_process_was_at_is_told_and_not_sent(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.owe(ADA, "bo@example.com")
    with office.letters.hold():
        letter = office.letters.next().letter
        assert letter is not None
        assert office.letters.commit(letter, "<1@example.com>", {})
    with Catcher() as catcher:
        office.send(catcher.relay)
        assert received(catcher) == ["bo@example.com"]
    assert office.states() == ["uncertain", "sent"]
    assert "1 letters were going out when this was killed, and may have arrived" in caplog.text


def test_one_process_sends_them_at_a_time(office: Office) -> None:
    with office.letters.hold(), pytest.raises(BusyError), office.letters.hold():
        pass


def test_a_second_server_leaves_them_to_the_first(office: Office) -> None:
    office.owe(ADA)
    with Catcher() as catcher:
        with office.letters.hold():
            office.send(catcher.relay)
        assert received(catcher) == []
        office.send(catcher.relay)
        assert received(catcher) == [ADA]


def test_the_pace_of_the_relay_holds_across_restarts(office: Office) -> None:
    office.owe(ADA, "bo@example.com", "cy@example.com")
    with Catcher() as catcher:
        office.send(catcher.relay, rate="2/h")
        office.send(catcher.relay, rate="2/h")
        assert received(catcher) == [ADA, "bo@example.com"]
        office.clock.forward(hours=1, minutes=5)
        office.send(catcher.relay, rate="2/h", until=lambda: office.letters.waiting() == 0)
        assert len(received(catcher)) == 3
    marks = Ledger(office.people.storage, office.clock).rate_limit_state()
    assert "relay/h" in marks, "a send counts them, too"


def test_a_letter_is_not_sent_a_week_late(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.owe(ADA)
    office.clock.now += WANTED_FOR + timedelta(hours=1)
    office.owe("bo@example.com")
    with Catcher() as catcher:
        office.send(catcher.relay)
        assert received(catcher) == ["bo@example.com"]
    assert "1 letters could not be sent in time, and are given up" in caplog.text
    office.clock.now += KEPT_FOR + timedelta(hours=1)
    assert office.letters.forget_old() == 2


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_that_was_wrong_delays_nothing(office: Office, years: int) -> None:
    office.owe(ADA)
    office.clock.now -= timedelta(days=3 if years > 0 else 0)
    with office.letters.hold():
        letter = office.letters.next().letter
        assert letter is not None
        later = office.clock.now + timedelta(days=365 * max(years, 0), seconds=60)
        office.letters.settle(letter, Outcome(State.DEFERRED, "RCPT", 450, "later"), later)
    office.clock.forward(minutes=2)
    with Catcher() as catcher:
        office.send(catcher.relay)
        assert received(catcher) == [ADA]


def test_whoever_is_forgotten_gets_none(office: Office) -> None:
    office.owe(ADA, "bo@example.com")
    office.people.forget(ADA)
    with Catcher() as catcher:
        office.send(catcher.relay)
        assert received(catcher) == ["bo@example.com"]


def test_a_full_queue_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(steps, "MOST_WAITING", 0)
    with running(tmp_path) as site:
        assert site.join(ADA).status == 200
        assert site.people.person(ADA) is not None
        assert Letters(site.people.storage, site.clock).waiting() == 0
    assert "a letter was dropped: 0 wait for the relay" in caplog.text


# --- killed ---------------------------------------------------------------------------------------------------------


def serve(folder: Path, relay: Relay) -> tuple[subprocess.Popen[bytes], int]:
    """The server in a process of its own, and its port, once it answers."""
    (folder / "newsletter.toml").write_text(TOML, "utf-8")
    process = start("serve", "--port", "0", "--relay", str(relay), cwd=folder, NEWSLETTER_SECRET=SECRET)
    assert process.stdout is not None
    return process, int(process.stdout.readline().rpartition(b":")[2])


def ask_to_join(port: int, *addresses: str) -> None:
    for address in addresses:
        stamp = FormClock([SECRET], "join").stamp(datetime.now(UTC).timestamp() - 10)
        body = urlencode({"email": address, "t": stamp}).encode()
        head = f"POST /join HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        kind = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall((head + kind).encode() + body)
            assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 200")


def states(folder: Path) -> Counter[str]:
    with closing(sqlite3.connect(folder / "newsletter.db")) as db:
        return Counter(state for (state,) in db.execute("SELECT state FROM letters"))


def killed(process: subprocess.Popen[bytes]) -> str:
    process.kill()
    return process.communicate(timeout=30)[1].decode()


def test_what_was_accepted_goes_out_once_after_a_kill(tmp_path: Path) -> None:
    (away,) = free_ports(1)
    readers = [f"reader{number}@example.com" for number in range(5)]
    process, port = serve(tmp_path, Relay("127.0.0.1", away, "none"))
    ask_to_join(port, *readers)
    killed(process)
    assert states(tmp_path) == {"pending": 5}
    # The first was put off when its relay was away; nobody waits for that here.
    with closing(sqlite3.connect(tmp_path / "newsletter.db")) as db, db:
        db.execute("UPDATE letters SET due_at = created")
    with Catcher() as catcher:
        for _ in range(2):
            process, _ = serve(tmp_path, catcher.relay)
            catcher.wait_for(5, 30)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
            assert process.returncode == 0
        assert sorted(received(catcher)) == readers
    assert states(tmp_path) == {"sent": 5}


def test_a_kill_between_the_dot_and_its_answer_is_told(tmp_path: Path) -> None:
    with SmtpServer(Rule("dot", Fault.HOLD, times=(2,))) as server:
        process, port = serve(tmp_path, server.relay)
        ask_to_join(port, ADA, "bo@example.com", "cy@example.com")
        while states(tmp_path) != {"sent": 1, "committing": 1, "pending": 1} or len(server.messages) < 2:
            assert process.poll() is None
        killed(process)
        server.release()
        process, port = serve(tmp_path, server.relay)
        while states(tmp_path).keys() - {"sent", "uncertain"}:
            assert process.poll() is None
        assert "1 letters were going out when this was killed" in killed(process)
        copies = Counter(message.recipient for message in server.messages)
    assert copies == dict.fromkeys((ADA, "bo@example.com", "cy@example.com"), 1)
    assert states(tmp_path) == {"sent": 2, "uncertain": 1}
