"""Counted links: sent in a mail, followed through the server, counted by link and section, and no open redirect."""

from __future__ import annotations

import email
import email.policy
import mailbox
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner
from web_site import SECRET, TOML, Site, running

from newsletter.cli.main import cli
from newsletter.ledger.database.schema import links
from newsletter.ledger.database.storage import Storage
from newsletter.stats.figures import Stats
from newsletter.stats.read import read_stats
from newsletter.web.catcher.server import Catcher
from newsletter.web.public.click_counter import HOLD_S

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:125.0) Gecko/20100101 Firefox/125.0"
PLAIN = "https://one.example/a?x=1&y=2#part"
WIDE = "https://例子.example/路径?问=答"
WIRE = "https://xn--fsqu00a.example/%E8%B7%AF%E5%BE%84?%E9%97%AE=%E7%AD%94"
POST = f"""---
title: Links of the week
date: 2026-02-27
---
Before: [the blog](https://blog.example/). Yours: [here](https://own.example/?who={{{{ subscriber.email }}}}).

## Models

1. **A story** in words. [Source]({PLAIN})
2. **Another** one. [More]({WIDE}) and again [the first]({PLAIN})

## Tools

1. **A tool.** [Get it](https://tools.example/get) or [write](mailto:me@example.com)
"""
CONFIG = """
from = "news@example.com"
[site]
url = "https://blog.example"
[serve]
url = "{url}"
count_links = true
"""


@dataclass
class Sent:
    """A site from which an issue was sent to two readers: what they got."""

    site: Site
    folder: Path
    messages: list[EmailMessage]
    server: ExitStack

    @property
    def html(self) -> str:
        body = self.messages[0].get_body(("html",))
        assert body is not None
        return str(body.get_content())

    @property
    def codes(self) -> list[str]:
        return list(dict.fromkeys(re.findall(r'href="http://127\.0\.0\.1:\d+(/l/[^"]+)"', self.html)))

    def stats(self) -> Stats:
        with closing(Storage.open(self.folder / "newsletter.db")) as storage:
            return read_stats(storage, UTC, datetime.now(UTC))

    def clicks(self) -> dict[str, int]:
        """What was counted until the server ended: what it held is written then."""
        self.server.close()
        return {link.address: link.clicks for link in self.stats().links}


def send(folder: Path, *words: str) -> list[EmailMessage]:
    post = str(folder / "post.md")
    Path(post).write_text(POST, "utf-8")
    (folder / "list.csv").write_text("email\nann@example.org\nbo@example.org\n", "utf-8")
    with Catcher() as catcher:
        relay = ("--relay", f"smtp://{catcher.relay.host}:{catcher.relay.port}")
        done = CliRunner().invoke(
            cli,
            ["send", post, "--to", str(folder / "list.csv"), "--now", "--yes", "--first", *relay, *words],
            env={"NEWSLETTER_SECRET": SECRET},
        )
        assert done.exit_code == 0, done.output
        caught = catcher.wait_for(1 if "--test" in words else 2, 60)
        return [email.message_from_bytes(each.data, policy=email.policy.default) for each in caught]  # type: ignore[misc]


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[Sent]:
    with ExitStack() as server:
        site = server.enter_context(running(tmp_path, TOML + CONFIG.format(url="http://127.0.0.1:1")))
        (tmp_path / "newsletter.toml").write_text(TOML + CONFIG.format(url=site.url), "utf-8")
        messages = send(tmp_path)
        site.clock.now = datetime.now(UTC) + timedelta(hours=1)
        yield Sent(site, tmp_path, messages, server)


def test_every_reader_has_the_same_addresses_and_the_text_the_true_ones(sent: Sent) -> None:
    other = sent.messages[1].get_body(("html",))
    assert other is not None
    assert re.findall('/l/[^"]+', sent.html) == re.findall('/l/[^"]+', str(other.get_content()))
    assert len(sent.codes) == 4
    assert PLAIN not in unescape(sent.html)
    assert "https://own.example/?who=ann" in sent.html  # a reader's own address is nobody's to count
    assert "mailto:me@example.com" in sent.html
    text = sent.messages[0].get_body(("plain",))
    assert text is not None
    assert PLAIN in text.get_content()
    assert "/l/" not in text.get_content()


def test_a_link_leads_to_what_the_author_wrote_and_is_counted_by_section(sent: Sent) -> None:
    leads_to = []
    for code in sent.codes:
        answer = sent.site.get(code, user_agent=BROWSER)
        assert answer.status == 302
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        leads_to.append(answer.headers["location"])
        sent.site.clock.forward(seconds=HOLD_S + 1)
    assert {PLAIN, "https://blog.example/", "https://tools.example/get"} < set(leads_to)
    assert all(address.isascii() for address in leads_to)
    assert sent.clicks() == {"https://blog.example/": 1, PLAIN: 1, WIRE: 1, "https://tools.example/get": 1}
    stats = sent.stats()
    assert {share.name: share.number for share in stats.sections} == {"": 1, "Models": 2, "Tools": 1}
    assert [row.clicks for row in stats.issues] == [4]


def test_programs_are_led_on_and_not_counted(sent: Sent) -> None:
    code = sent.codes[1]
    assert sent.site.ask("HEAD", code, headers={"user-agent": BROWSER}).status == 302
    for headers in ({}, {"user-agent": "curl/8"}, {"user-agent": BROWSER, "sec-purpose": "prefetch"}):
        assert sent.site.ask("GET", code, headers=headers).headers["location"] == PLAIN
    assert sent.site.post(code, {}, user_agent=BROWSER).status == 405
    for each in sent.codes:  # all of them in one go
        sent.site.get(each, user_agent=BROWSER)
    assert set(sent.clicks().values()) == {0}


@pytest.mark.parametrize("code", ["AAAAAAAAAAAAAAAA", "x" * 3_000, "..%2f..", "https:%2f%2fevil.example", "%00", "'--"])
def test_a_forged_address_leads_nowhere(sent: Sent, code: str) -> None:
    answer = sent.site.get(f"/l/{code}", user_agent=BROWSER)
    assert answer.status == 404
    assert "location" not in answer.headers
    assert set(sent.clicks().values()) == {0}


def test_links_lead_on_when_counting_is_switched_off(sent: Sent) -> None:
    sent.server.close()
    with running(sent.folder, TOML) as site:
        site.clock.now = datetime.now(UTC) + timedelta(hours=1)
        assert site.get(sent.codes[1], user_agent=BROWSER).headers["location"] == PLAIN
    assert set(sent.clicks().values()) == {0}


def test_a_test_mail_has_the_true_addresses_and_registers_none(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(TOML + CONFIG.format(url="http://127.0.0.1:1"), "utf-8")
    (message,) = send(tmp_path, "--test", "me@example.org")
    body = message.get_body(("html",))
    assert body is not None
    assert PLAIN in unescape(str(body.get_content()))
    assert "/l/" not in str(body.get_content())


def test_no_row_beside_a_click_is_a_person(sent: Sent) -> None:
    sent.site.get(sent.codes[0], user_agent=BROWSER)
    assert sum(sent.clicks().values()) == 1
    with closing(Storage.open(sent.folder / "newsletter.db")) as storage, storage.read() as db:
        assert set(links.c.keys()) == {"code", "issue", "number", "section", "address", "clicks"}
        rows = [str(tuple(row)) for row in db.execute(links.select())]
    assert not any("ann" in row or "bo@" in row or "127.0.0.1" in row for row in rows)


def test_what_goes_into_a_catcher_of_its_own_leads_straight(tmp_path: Path) -> None:
    """A rehearsal is written down nowhere: no server would know its codes."""
    (tmp_path / "newsletter.toml").write_text(TOML + CONFIG.format(url="http://127.0.0.1:1"), "utf-8")
    (tmp_path / "post.md").write_text(POST, "utf-8")
    (tmp_path / "list.csv").write_text("email\nann@example.org\n", "utf-8")
    words = ("--catch", "--no-wait", "--mbox", str(tmp_path / "caught.mbox"), "--now", "--yes")
    done = CliRunner().invoke(
        cli,
        ["send", str(tmp_path / "post.md"), "--to", str(tmp_path / "list.csv"), *words],
        env={"NEWSLETTER_SECRET": SECRET},
    )
    assert done.exit_code == 0, done.output
    with closing(mailbox.mbox(str(tmp_path / "caught.mbox"))) as box:
        (message,) = box
    html = next(part for part in message.walk() if part.get_content_type() == "text/html")
    text = html.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert "/l/" not in text
    assert PLAIN in unescape(text)
