"""Mail behind an answer: sent through a real server, tried again, given up, and never told with an address."""

from __future__ import annotations

import asyncio
import logging

import pytest
from command_line import free_ports
from smtp_server import Rule, SmtpServer

from newsletter.errors import ConfigError
from newsletter.model.delivery import Message, Relay
from newsletter.web.catcher.server import Catcher
from newsletter.web.public import mail_queue as outbox
from newsletter.web.public.mail_queue import MailQueue, QueuedMail

ADA = "ada@example.com"


def letter(address: str = ADA, made: list[str] | None = None) -> QueuedMail:
    def make() -> Message:
        if made is not None:
            made.append(address)
        data = f"From: news@example.com\r\nTo: {address}\r\nSubject: Hello\r\n\r\nHello.\r\n".encode()
        return Message("news@example.com", address, "<1@example.com>", data)

    return QueuedMail("a mail", make)


def send_all(relay: Relay, *letters: QueuedMail) -> list[bool]:
    """Whether each was taken; what could go out at once is sent when it returns."""

    async def run() -> list[bool]:
        box = MailQueue(relay, wait_s=lambda attempt: 60.0)
        running = asyncio.create_task(box.run())
        taken = [box.put(each) for each in letters]
        await box.flush(20)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return taken

    return asyncio.run(run())


def test_letters_go_out_in_order() -> None:
    with Catcher() as catcher:
        people = [f"reader{number}@example.com" for number in range(5)]
        send_all(catcher.relay, *map(letter, people))
        assert [mail.rcpt_to for mail in catcher.messages()] == [(address,) for address in people]


def test_a_letter_that_is_no_longer_wanted_is_not_sent() -> None:
    with Catcher() as catcher:
        send_all(catcher.relay, QueuedMail("a mail", lambda: None), letter())
        assert len(catcher.messages()) == 1


def test_a_relay_that_is_away_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    (port,) = free_ports(1)
    made: list[str] = []
    tries: list[int] = []
    catcher = Catcher(smtp_port=port)

    def wait_s(attempt: int) -> float:
        """Nobody waits here; the relay is there by then."""
        tries.append(attempt)
        catcher.start()
        return 0.0

    async def run() -> None:
        box = MailQueue(Relay("127.0.0.1", port, "none"), wait_s=wait_s)
        running = asyncio.create_task(box.run())
        box.put(letter(made=made))
        await asyncio.to_thread(catcher.wait_for, 1, 20)
        await box.flush(20)
        running.cancel()

    with caplog.at_level(logging.INFO, logger="newsletter.mail_queue"):
        asyncio.run(run())
    assert len(catcher.messages()) == 1
    catcher.stop()
    assert tries == [1]
    assert made == [ADA, ADA], "made anew, with a link that is fresh"
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "a mail waits 0 s for another try: connect" in caplog.text
    assert ADA not in caplog.text


def test_a_refused_letter_is_given_up_and_named_without_its_address(caplog: pytest.LogCaptureFixture) -> None:
    with SmtpServer(Rule("RCPT", f"550 5.1.1 no {ADA}")) as server:
        send_all(server.relay, letter())
    assert "a mail was not sent: RCPT 550 5.1.1 no …" in caplog.text


def test_a_letter_that_cannot_be_made_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Message:
        raise ConfigError("templates/mine/theme.toml:3: not TOML")

    with Catcher() as catcher:
        send_all(catcher.relay, QueuedMail("a mail", broken), letter())
        assert len(catcher.messages()) == 1
    assert "a mail was not sent" in caplog.text
    assert "theme.toml:3: not TOML" in caplog.text


def test_a_full_queue_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(outbox, "MOST_WAITING", 3)
    with Catcher() as catcher:
        assert send_all(catcher.relay, *[letter()] * 5) == [True, True, True, False, False]
        assert len(catcher.messages()) == 3
    assert "a mail was dropped: 3 mails wait for the relay" in caplog.text


def test_the_end_says_how_many_were_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    (port,) = free_ports(1)
    send_all(Relay("127.0.0.1", port, "none"), letter())
    assert "1 mails were not sent; the people may ask again" in caplog.text
