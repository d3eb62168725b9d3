"""The mail that follows leaving: to the reader themself, with a way back, whoever pressed the button."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from command_line import free_ports, start
from web_site import ADA, NOW, SECRET, TOML, Site, button_of, running

from newsletter.audience.people.letters import GOODBYES_IN_A_DAY
from newsletter.audience.people.records import Reason, SignUpState
from newsletter.audience.people.store import People
from newsletter.ledger.database.schema import VERSION
from newsletter.model.delivery import Relay
from newsletter.tokens import Link, make_link
from newsletter.web.catcher.server import Catcher
from newsletter.web.page_templates import page_folder, page_words
from newsletter.web.public import membership as steps

BO = "bo@example.com"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path) as opened:
        yield opened


def leave(site: Site, address: str = ADA) -> None:
    assert site.post(f"/u/{site.link('unsubscribe', address)}?page").status == 200


def reasons(site: Site, address: str = ADA) -> list[Reason]:
    return [row.reason for rows in site.people.suppressions_of([address]).values() for row in rows]


def owed(site: Site) -> list[tuple[str, str]]:
    """Every letter there ever was: its kind and to whom."""
    with site.people.storage.read() as db:
        rows = db.exec_driver_sql("SELECT kind, coalesce(address, key) AS whom FROM letters ORDER BY id")
        return [(str(row.kind), str(row.whom)) for row in rows]


def test_who_was_taken_off_by_a_friend_is_told_and_comes_back(site: Site) -> None:
    leave(site)
    mail = site.mail()
    assert mail["to"] == ADA
    assert mail["subject"] == "You have left AI Daily"
    assert mail["list-unsubscribe"] is None
    assert mail["auto-submitted"] == "auto-generated"
    body = mail.get_body(("plain",))
    assert body is not None
    assert "somebody pressed “Unsubscribe” in an issue of AI Daily" in " ".join(body.get_content().split())
    undo = button_of(mail)
    assert undo.startswith("/r/")
    site.clock.forward(days=20)
    assert site.get(undo).status == 200
    assert reasons(site) == [Reason.UNSUBSCRIBED], "a look changes nothing"
    assert "Welcome back" in site.post(undo).text
    assert reasons(site) == []


def test_its_link_ends_after_a_month(site: Site) -> None:
    leave(site)
    undo = button_of(site.mail())
    site.clock.forward(days=31)
    assert site.post(undo).status == 410
    assert reasons(site) == [Reason.UNSUBSCRIBED]


def test_leaving_twice_is_told_once(site: Site) -> None:
    leave(site)
    leave(site)
    site.mail()
    assert owed(site) == [("goodbye", ADA)]


def test_a_mail_programs_one_click_is_followed_by_nothing(site: Site) -> None:
    site.one_click(site.link("unsubscribe"))
    leave(site)
    assert reasons(site) == [Reason.UNSUBSCRIBED]
    assert owed(site) == []


@pytest.mark.parametrize("reason", [Reason.HARD_BOUNCE, Reason.SOFT_BOUNCES, Reason.COMPLAINT, Reason.MANUAL])
def test_an_address_that_is_not_to_be_mailed_gets_none(site: Site, reason: Reason) -> None:
    site.people.suppress(ADA, reason)
    leave(site)
    assert set(reasons(site)) == {reason, Reason.UNSUBSCRIBED}
    assert owed(site) == []


def test_who_was_erased_gets_none(site: Site) -> None:
    site.people.forget(ADA)
    leave(site)
    assert Reason.FORGOTTEN in reasons(site)
    assert owed(site) == []


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda site: site.people.undo_leave(ADA, "page"),
        lambda site: site.people.suppress(ADA, Reason.COMPLAINT),
        lambda site: site.people.forget(ADA),
    ],
    ids=["back", "complained", "erased"],
)
def test_what_happens_while_it_waits_counts(tmp_path: Path, meanwhile: Callable[[Site], object]) -> None:
    with running(tmp_path) as site:
        letters = steps.Letters(site.people.storage, site.clock)
        site.catcher.stop()  # the relay is away
        leave(site)
        while letters.next().letter is not None:
            pass  # it was tried, and waits
        meanwhile(site)
    with running(tmp_path) as site:
        site.clock.forward(days=1)
        leave(site, BO)
        assert site.mail()["to"] == BO
        letters = steps.Letters(site.people.storage, site.clock)
        while letters.waiting():
            pass
        assert [kind for kind, whom in owed(site) if whom == ADA] == []
        assert {mail.rcpt_to[0] for mail in site.catcher.messages()} == {BO}


def test_whoever_has_both_links_cannot_mail_somebody_all_day(site: Site) -> None:
    for _ in range(GOODBYES_IN_A_DAY + 2):
        leave(site)
        if len(site.catcher.messages()) < GOODBYES_IN_A_DAY:
            site.mail()
        while steps.Letters(site.people.storage, site.clock).waiting():
            pass
        assert site.people.undo_leave(ADA, "page")
        site.clock.forward(minutes=1)
    assert owed(site) == [("goodbye", ADA)] * GOODBYES_IN_A_DAY
    site.clock.forward(days=1)
    leave(site)
    site.mail()
    assert len(owed(site)) == GOODBYES_IN_A_DAY + 1


def test_a_full_queue_hinders_nobody_from_leaving(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "MOST_WAITING", 0)
    leave(site)
    assert reasons(site) == [Reason.UNSUBSCRIBED]
    assert owed(site) == []


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    with running(tmp_path, TOML + "[serve]\ngoodbye = false\n") as site:
        leave(site)
        assert reasons(site) == [Reason.UNSUBSCRIBED]
        assert owed(site) == []


def test_it_speaks_the_readers_language_not_the_friends(tmp_path: Path) -> None:
    with running(tmp_path, TOML + 'language = "ko"\n') as site:
        site.people.sign_up(ADA, source="test", wording="test", lang="zh")
        assert site.people.confirm(ADA, source="test") is SignUpState.CONFIRMED
        site.post(f"/u/{site.link('unsubscribe')}?page", accept_language="de")
        assert site.mail()["subject"] == "您已退订《AI Daily》"
        site.post(f"/u/{site.link('unsubscribe', BO)}?page", accept_language="de")
        assert site.mail()["subject"] == "구독이 해지되었습니다: AI Daily", "who is on a list alone: the newsletter's"


def test_every_language_has_one(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        for lang, words in page_words(page_folder("web")).items():
            address = f"{lang.lower()}@example.com"
            site.people.sign_up(address, source="test", wording="test", lang=lang)
            assert site.people.confirm(address, source="test") is SignUpState.CONFIRMED
            leave(site, address)
            mail = site.mail()
            assert (mail["to"], "AI Daily" in mail["subject"]) == (address, True)
            body = mail.get_body(("html",))
            assert body is not None
            html = body.get_content()
            for key in ("text", "why"):
                assert words[f"mail_goodbye_{key}"].format(name="AI Daily") in html, lang
            assert words["mail_goodbye_not"] in html, lang
            assert words["undo_button"] in html, lang
            assert f'lang="{lang}"' in html


# --- killed ---------------------------------------------------------------------------------------------------------


def serve(folder: Path, relay: Relay) -> tuple[subprocess.Popen[bytes], int]:
    """The server in a process of its own, and its port, once it answers."""
    (folder / "newsletter.toml").write_text(TOML, "utf-8")
    process = start("serve", "--port", "0", "--relay", str(relay), cwd=folder, NEWSLETTER_SECRET=SECRET)
    assert process.stdout is not None
    return process, int(process.stdout.readline().rpartition(b":")[2])


def press_leave(port: int, address: str) -> None:
    token = make_link(SECRET, Link("unsubscribe", address))
    head = f"POST /u/{token}?page HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head.encode())
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 200")


def test_it_survives_a_kill_and_goes_out_once(tmp_path: Path) -> None:
    (away,) = free_ports(1)
    readers = [f"reader{number}@example.com" for number in range(5)]
    process, port = serve(tmp_path, Relay("127.0.0.1", away, "none"))
    for reader in readers:
        press_leave(port, reader)
    process.kill()
    process.communicate(timeout=30)
    with closing(sqlite3.connect(tmp_path / "newsletter.db")) as db, db:
        assert db.execute("SELECT count(*) FROM letters WHERE state = 'pending'").fetchone() == (5,)
        db.execute("UPDATE letters SET due_at = created")  # the first was put off; nobody waits for that here
    with Catcher() as catcher:
        for _ in range(2):
            process, _ = serve(tmp_path, catcher.relay)
            catcher.wait_for(5, 30)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
            assert process.returncode == 0
        copies = Counter(address for mail in catcher.messages() for address in mail.rcpt_to)
    assert copies == dict.fromkeys(readers, 1)


# --- the table of version 7 -----------------------------------------------------------------------------------------


def test_letters_of_a_ledger_that_knew_no_goodbye_come_along(store: Path | str) -> None:
    with People.open(store, lambda: NOW, [SECRET]) as people:
        people.sign_up(ADA, source="page", wording="yes", lang="zh", fields={"name": "Ada"}, by_letter=True)
        with people.storage.write() as db:
            if db.dialect.name == "postgresql":
                db.exec_driver_sql("ALTER TABLE letters DROP CONSTRAINT known_kind")
                kinds = "CHECK (kind IN ('confirm', 'already', 'welcome'))"
                db.exec_driver_sql(f"ALTER TABLE letters ADD CONSTRAINT known_kind {kinds}")
            else:
                made = db.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'letters'").scalar_one()
                db.exec_driver_sql("ALTER TABLE letters RENAME TO today")
                db.exec_driver_sql("DROP INDEX letters_due")
                db.exec_driver_sql(made.replace(", 'goodbye'", ""))
                db.exec_driver_sql("INSERT INTO letters SELECT * FROM today")
                db.exec_driver_sql("DROP TABLE today")
                db.exec_driver_sql("CREATE INDEX letters_due ON letters (state, due_at)")
            db.exec_driver_sql("UPDATE ledger_version SET version = 7")
    for _ in range(2):
        with People.open(store, lambda: NOW, [SECRET]) as people:
            assert people.storage.version() == VERSION
            letter = steps.Letters(people.storage, lambda: NOW).next().letter
            assert letter is not None
            assert (letter.kind, letter.address, letter.lang, letter.fields) == ("confirm", ADA, "zh", {"name": "Ada"})
    with People.open(store, lambda: NOW, [SECRET]) as people:
        people.leave_all([steps.Unsubscription(BO, "page", goodbye=True)])
        with people.storage.read() as db:
            assert db.exec_driver_sql("SELECT count(*) FROM letters WHERE kind = 'goodbye'").scalar_one() == 1
