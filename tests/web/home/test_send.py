"""A send from the home, in one process against a real SMTP server: asked, started once, stopped, gone on with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from home_server import SETTINGS, Home, Newsletter, home_of
from smtp_server import Fault, Rule, SmtpServer

from newsletter.ledger.ledger import Ledger
from newsletter.web.home.send_room import SendRoom

PEOPLE = [f"reader{number}@example.org" for number in range(5)]
ONE_CONNECTION = SETTINGS + "connections = 1\n"


@pytest.fixture
def letters(tmp_path: Path) -> Newsletter:
    letters = Newsletter(tmp_path)
    letters.post(f"{datetime.now(UTC):%Y-%m-%d}-today", "Today")
    subscribe(letters, *PEOPLE)
    return letters


def subscribe(letters: Newsletter, *people: str) -> None:
    (letters.folder / "subscribers.csv").write_text("email\n" + "".join(f"{each}\n" for each in people))


@contextmanager
def sending_home(letters: Newsletter, relay: SmtpServer, settings: str = ONE_CONNECTION) -> Iterator[Home]:
    with home_of(letters.folder, settings=settings, relay_url=relay.url) as home:
        yield home


def test_a_send_is_asked_for_with_its_number_and_mails_everyone_once(letters: Newsletter) -> None:
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        planned = home.plan(link)
        assert "Send to 5 subscribers?" in planned.text
        assert "There is no ledger here that knows of any issue" in planned.text
        assert relay.recipients == []
        answer = home.start(link, planned, first="on")
        assert (answer.status, answer.headers["location"]) == (303, "/sending")
        progress = home.room.join()
        assert (progress.phase, progress.done, progress.total) == ("ended", 5, 5)
        assert sorted(relay.recipients) == PEOPLE
        page = home.ask("/sending").text
        assert "Everyone who was to be mailed was answered for" in page
        assert home.rows()["Today"] == ("Sent", "sent to 5")
        report = re.search(r'href="(/report/[^"]+)"', page)
        assert report is not None
        assert "Everyone has it." in home.ask(report[1]).text
        # Once more: nobody is left, and the plan of before starts nothing.
        assert "Nobody is left to mail" in home.plan(link).text
        home.start(link, planned, first="on")
        assert "changed since you confirmed" in home.room.join().error
        assert len(relay.messages) == 5


def test_no_page_of_a_send_has_an_address(letters: Newsletter) -> None:
    subscribe(letters, *PEOPLE, "no address", PEOPLE[0])
    rule = Rule("RCPT", "550 5.1.1 no such reader3@example.org", about="reader3")
    with SmtpServer(rule) as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        planned = home.plan(link)
        home.start(link, planned, first="on")
        home.room.join()
        for page in (planned, home.ask(link), home.ask("/sending"), home.ask(), home.ask("/stats")):
            assert "@example.org" not in page.text
        assert "1 invalid, 1 duplicate" in planned.text
        assert '<dt>Refused</dt><dd class="refused">1</dd>' in home.ask("/sending").text


def test_a_plan_that_is_only_looked_at_leaves_nothing_behind(letters: Newsletter) -> None:
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        assert "Send to 5" in home.plan(home.send_link("Today")).text
        with Ledger.open(letters.folder / "newsletter.db", lambda: datetime.now(UTC)) as ledger:
            assert ledger.is_new()
        assert home.rows()["Today"][0] == "Due"
        assert relay.messages == []


def test_a_second_tab_starts_nothing(letters: Newsletter) -> None:
    with SmtpServer(Rule("dot", Fault.HOLD, times=(1,))) as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        planned = home.plan(link)
        assert home.start(link, planned, first="on").status == 303
        relay.wait_for(lambda server: server.seen("dot") == 1)
        again = home.start(link, planned, first="on")
        assert again.status == 409
        assert "It was not started twice" in again.text
        assert home.plan(link).status == 409  # nor is it planned meanwhile
        page = home.ask("/sending").text  # loaded again, it is still there
        assert '<b id="total">5</b>' in page
        assert "Sending “<bdi>Today</bdi>”" in home.ask().text
        relay.release()
        assert home.room.join().phase == "ended"
        assert sorted(relay.recipients) == PEOPLE


def test_stop_lets_the_message_under_way_finish_and_the_rest_is_gone_on_with(letters: Newsletter) -> None:
    with SmtpServer(Rule("dot", Fault.HOLD, times=(2,))) as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        home.start(link, home.plan(link), first="on")
        relay.wait_for(lambda server: server.seen("dot") == 2)
        assert home.post_form("/sending/stop", {}).status == 303
        assert "Stopping after the messages under way" in home.ask("/sending").text
        relay.release()
        progress = home.room.join()
        assert progress.end is not None
        assert not progress.end.complete
        assert dict(progress.end.rows)["Left"] + dict(progress.end.rows)["Sent"] == 5
        assert "Stopped: interrupted." in home.ask("/sending").text
        label, words = home.rows()["Today"]
        assert label == "Left"
        assert "left unsent" in words
        assert home.post_form("/sending/stop", {}).status == 409
        planned = home.plan(link)  # as `resume`: nothing is asked but the number
        assert "Send to the other" in planned.text
        home.start(link, planned)
        assert home.room.join().phase == "ended"
        assert sorted(relay.recipients) == PEOPLE


def test_what_changed_after_it_was_confirmed_is_asked_again(letters: Newsletter) -> None:
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        planned = home.plan(link)
        subscribe(letters, *PEOPLE, "late@example.org")
        home.start(link, planned, first="on")
        progress = home.room.join()
        assert "the post, the list or the ledger has changed since you confirmed" in progress.error
        assert "Nobody was mailed" in home.ask("/sending").text
        assert relay.messages == []
        assert "Send to 6 subscribers?" in home.plan(link).text


def test_a_first_send_is_not_begun_unasked(letters: Newsletter) -> None:
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        home.start(link, home.plan(link))
        assert "as if for the first time" in home.room.join().error
        assert relay.messages == []


def test_a_changed_list_a_draft_and_a_changed_post_are_questions(letters: Newsletter) -> None:
    subscribe(letters, *(f"old{number}@example.org" for number in range(30)))
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        home.start(link, home.plan(link), first="on")
        home.room.join()
        letters.post(f"{datetime.now(UTC):%Y-%m-%d}-other", "Another", "draft: true")
        subscribe(letters, *PEOPLE)
        other = home.send_link("Another")
        asked = home.plan(other)
        assert asked.status == 409
        assert "it is a draft" in asked.text
        assert 'name="now"' in asked.text.partition("To decide")[2].partition("</fieldset>")[0]
        asked = home.plan(other, now="on")
        assert "30 of the 30 people of the last issue are not on this list" in asked.text
        assert 'name="changed_list"' in asked.text.partition("To decide")[2].partition("</fieldset>")[0]
        planned = home.plan(other, now="on", changed_list="on")
        assert "Send to 5 subscribers?" in planned.text
        home.start(other, planned)
        assert home.room.join().phase == "ended"
        letters.post(f"{datetime.now(UTC):%Y-%m-%d}-other", "Another", body="A correction.\n")
        subscribe(letters, *PEOPLE, "new@example.org")
        asked = home.plan(other, changed_list="on")
        assert "is not what 5 people got" in asked.text
        assert "Send to the other 1 subscriber?" in home.plan(other, changed_list="on", go_on="on").text
        assert "Send to 5 subscribers?" in home.plan(other, erratum="on").text


def test_a_canary_and_a_segment_are_in_the_plan(letters: Newsletter) -> None:
    (letters.folder / "subscribers.csv").write_text("email,plan\n" + "".join(f"{each},pro\n" for each in PEOPLE[:3]))
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        planned = home.plan(link, where="plan == 'pro'", canary="2")
        assert "plan == &#39;pro&#39;" in planned.text
        assert "<dt>First</dt><dd>2, then" in planned.text
        assert "has no column" in home.plan(link, where="colour == 'red'").text


def test_a_test_goes_to_its_address_alone(letters: Newsletter) -> None:
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        answer = home.post_form(f"{link}/test", {"list0": "on", "address": "me@example.org"})
        assert "Sent to me@example.org." in answer.text
        assert relay.recipients == ["me@example.org"]
        assert relay.messages[0].mail["subject"] == "[Test] Today"
        assert "is not an email address" in home.post_form(f"{link}/test", {"address": "nobody"}).text
        assert home.rows()["Today"][0] == "Due"


def test_only_lists_that_the_page_offers_are_read(letters: Newsletter, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere" / "other.csv"
    secret.parent.mkdir()
    secret.write_text("email\nsecret@example.org\n")
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        for fields in ({"list7": "on"}, {"to": str(secret)}, {"list0": "", "list1": str(secret)}):
            answer = home.post_form(f"{link}/plan", fields)
            assert answer.status == 409
            assert "nobody to send to" in answer.text


@pytest.mark.parametrize("action", ["plan", "start", "test"])
def test_a_form_of_another_page_sends_nothing(letters: Newsletter, action: str) -> None:
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        fields = {"list0": "on", "fingerprint": "x", "first": "on", "address": "me@example.org"}
        path = f"{link}/{action}"
        for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec_fetch_site": "cross-site"}):
            assert home.post_form(path, fields, **headers).status == 403
        assert home.post_form(path, {**fields, "token": "guessed"}).status == 403
        assert home.ask(path, "POST", b"{}", content_type="application/json").status == 403
        assert home.ask(path).status == 405
        assert home.post_form("/sending/stop", {}, origin="https://evil.example").status == 403
        assert relay.messages == []
        assert home.room.progress.phase == "idle"


def test_an_issue_that_another_run_holds_is_left_to_it(letters: Newsletter) -> None:
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        name = f"{datetime.now(UTC):%Y-%m-%d}-today"
        with (
            Ledger.open(letters.folder / "newsletter.db", lambda: datetime.now(UTC)) as ledger,
            ledger.hold(name),
        ):
            assert "another" in home.plan(link).text
        assert "Send to 5" in home.plan(link).text


def test_a_relay_that_cannot_be_reached_is_a_sentence_and_nobody_is_lost(letters: Newsletter) -> None:
    with SmtpServer() as relay:
        url = relay.url
    with home_of(letters.folder, settings=ONE_CONNECTION, relay_url=url) as home:
        link = home.send_link("Today")
        home.start(link, home.plan(link), first="on")
        progress = home.room.join()
        assert progress.phase == "failed"
        assert "Nobody was mailed" in home.ask("/sending").text


def test_the_room_of_a_stopped_server_ends_its_send(letters: Newsletter) -> None:
    """The pages are gone; the ledger still gets every outcome."""
    with SmtpServer(Rule("dot", Fault.HOLD, times=(1,))) as relay:
        with sending_home(letters, relay) as home:
            link = home.send_link("Today")
            home.start(link, home.plan(link), first="on")
            relay.wait_for(lambda server: server.seen("dot") == 1)
            room: SendRoom = home.room
        relay.release()
        assert room.join().phase == "ended"
        assert sorted(relay.recipients) == PEOPLE
