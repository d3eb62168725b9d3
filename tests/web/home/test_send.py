"""A send from the home, in one process against a real SMTP server: asked, started once, stopped, gone on with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from home_server import SETTINGS, Home, Newsletter, home_of
from postgres import PASSWORD
from smtp_server import Fault, Rule, SmtpServer
from sqlalchemy import make_url

from newsletter.ledger.ledger import Ledger
from newsletter.model.column_rules import read_rule
from newsletter.model.delivery import State
from newsletter.pipeline.list_reference import ListReference, write_reference
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


def test_a_send_waits_for_its_time_and_can_be_stopped_until_then(letters: Newsletter) -> None:
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        assert "not a time" in home.plan(link, at="soon").text
        assert "has passed" in home.plan(link, at="2020-03-02T08:00").text
        later = datetime.now(UTC) + timedelta(days=2)
        planned = home.plan(link, at=f"{later:%Y-%m-%dT%H:%M}")
        assert f"<dt>At</dt><dd><bdi>{later:%Y-%m-%d %H:%M} UTC" in planned.text
        home.start(link, planned, first="on")
        home.wait_for_progress("for its time, and nobody has been mailed yet")
        assert "nobody has been mailed yet" in home.ask("/sending").text
        assert "“<bdi>Today</bdi>” waits for its time" in home.ask().text
        assert home.plan(link).status == 409
        assert home.post_form("/sending/stop", {}).status == 303
        assert "it was stopped before it began" in home.room.join().error
        assert relay.messages == []
        assert home.rows()["Today"][0] == "Due"


def test_after_the_wait_the_list_is_read_again(letters: Newsletter, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(moment: datetime, *_: object) -> None:
        waited.append(moment)
        subscribe(letters, *PEOPLE, "late@example.org")

    waited: list[datetime] = []
    monkeypatch.setattr("newsletter.cli.home_send._wait", wait)
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        planned = home.plan(link, at="23:59")
        home.start(link, planned, first="on", at="2020-03-02T08:00")  # a form that was tampered with sends nothing
        assert "has passed" in home.room.join().error
        home.start(link, planned, first="on")
        assert home.room.join().phase == "ended"
        assert [moment.strftime("%H:%M") for moment in waited] == ["23:59"]
        assert sorted(relay.recipients) == ["late@example.org", *PEOPLE]


def test_who_is_uncertain_is_decided_about_and_mailed_again(letters: Newsletter) -> None:
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        day = datetime.now(UTC).date()
        letters.send(f"{day}-today", "Today", [State.SENT, State.UNCERTAIN, State.UNCERTAIN], day)
        subscribe(letters, *PEOPLE[:3])
        link = home.settle_link("Today")
        page = home.ask(link).text
        assert "2 people may have it" in page
        assert "@example.org" not in page
        for fields in ({"what": "resend", "number": "3"}, {"what": "resend"}, {"what": "", "number": "2"}):
            assert home.post_form(f"{link}/uncertain", fields).status == 409
        assert home.rows()["Today"][0] == "Uncertain"
        answer = home.post_form(f"{link}/uncertain", {"what": "resend", "number": "2"})
        send = home.send_link("Today")
        assert (answer.status, answer.headers["location"]) == (303, send)
        planned = home.plan(send, go_on="on")  # the ledger of the test has another content
        assert "Send to the other 2 subscribers?" in planned.text
        home.start(send, planned)
        assert home.room.join().phase == "ended"
        assert sorted(relay.recipients) == PEOPLE[1:3]
        assert "Nothing is open" in home.ask(link).text


def test_who_is_uncertain_may_count_as_sent(letters: Newsletter) -> None:
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        day = datetime.now(UTC).date()
        letters.send(f"{day}-today", "Today", [State.SENT, State.UNCERTAIN], day)
        answer = home.post_form(f"{home.settle_link('Today')}/uncertain", {"what": "assume-sent", "number": "1"})
        assert "1 counted as sent." in answer.text
        assert home.rows()["Today"] == ("Sent", "sent to 2")
        assert relay.messages == []


def test_those_put_off_and_the_refused_are_tried_again(letters: Newsletter) -> None:
    busy = Rule("RCPT", "450 4.2.0 later", about="reader1", once=True)
    gone = Rule("RCPT", "550 5.1.1 no such user", about="reader2", once=True)
    with SmtpServer(busy, gone) as relay, sending_home(letters, relay, ONE_CONNECTION + "max_wait_s = 0\n") as home:
        link = home.send_link("Today")
        home.start(link, home.plan(link), first="on")
        home.wait_for_progress('"deferred": 1')
        home.post_form("/sending/stop", {})
        assert home.room.join().end is not None
        settle = home.settle_link("Today")
        assert f'href="{settle}"' in home.ask("/sending").text
        page = home.ask(settle).text
        assert "Try 1 again<" in page
        assert "Try 2 again, the refused as well" in page
        home.post_form(f"{settle}/again", {"who": "failed", "number": "7"})
        assert "2 are so now, and not 7. Nothing was done" in home.room.join().error
        assert home.post_form(f"{settle}/again", {"who": "everyone", "number": "2"}).status == 409
        answer = home.post_form(f"{settle}/again", {"who": "failed", "number": "2"})
        assert (answer.status, answer.headers["location"]) == (303, "/sending")
        assert home.room.join().phase == "ended"
        assert home.rows()["Today"] == ("Sent", "sent to 5")
        assert sorted(relay.recipients) == PEOPLE


@pytest.mark.parametrize("action", ["uncertain", "again"])
def test_a_decision_is_this_pages_own(letters: Newsletter, action: str) -> None:
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        day = datetime.now(UTC).date()
        letters.send(f"{day}-today", "Today", [State.UNCERTAIN, State.DEFERRED], day)
        path = f"{home.settle_link('Today')}/{action}"
        fields = {"what": "resend", "who": "deferred", "number": "1"}
        for headers in ({"origin": "https://evil.example"}, {"sec_fetch_site": "cross-site"}):
            assert home.post_form(path, fields, **headers).status == 403
        assert home.post_form(path, {**fields, "token": "guessed"}).status == 403
        assert home.ask(path).status == 405
        assert "1 left unsent, 1 uncertain" in home.rows()["Today"][1]


def test_the_rules_of_columns_are_kept_by_who_goes_on(letters: Newsletter) -> None:
    """What the list's words mean was said to the command that began: whom they take out is not mailed from here."""

    def listed(last: str) -> None:
        rows = "".join(f"{each},active\n" for each in PEOPLE[:3])
        (letters.folder / "subscribers.csv").write_text(f"email,status\n{rows}{PEOPLE[3]},{last}\n")

    listed("active")
    with SmtpServer(Rule("dot", Fault.HOLD, times=(1,))) as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        home.start(link, home.plan(link), first="on")
        relay.wait_for(lambda server: server.seen("dot") == 1)
        home.post_form("/sending/stop", {})
        relay.release()
        home.room.join()
        listed("dormant")
        assert home.plan(link).status == 409  # nobody has said what it means
        with Ledger.open(letters.folder / "newsletter.db", lambda: datetime.now(UTC)) as ledger:
            reference = ListReference(
                (str(letters.folder / "subscribers.csv"),), "", (read_rule("status:dormant=skip"),)
            )
            with ledger.storage.write() as db:
                db.exec_driver_sql("UPDATE issues SET audience = ?", (write_reference(reference),))
        home.start(link, home.plan(link))
        assert home.room.join().phase == "ended"
        assert sorted(relay.recipients) == PEOPLE[:3]


def test_workers_are_offered_where_the_ledger_is_on_a_server_alone(letters: Newsletter) -> None:
    with SmtpServer() as relay, sending_home(letters, relay) as home:
        link = home.send_link("Today")
        assert "newsletter worker" not in home.ask(link).text
        planned = home.plan(link, workers="on")  # as if it had not been ticked
        home.start(link, planned, first="on")
        assert home.room.join().phase == "ended"
        assert sorted(relay.recipients) == PEOPLE


def test_a_send_by_workers_is_queued_watched_and_stopped(
    letters: Newsletter, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any worker: what the page says, and that it ends though its thread gets no signals."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    url = make_url(postgres_url)._replace(drivername="postgresql", password=None).render_as_string()
    settings = f'{ONE_CONNECTION}\n[ledger]\nurl = "{url}"\n'
    with SmtpServer() as relay, sending_home(letters, relay, settings) as home:
        link = home.send_link("Today")
        assert "newsletter worker" in home.ask(link).text
        planned = home.plan(link, workers="on")
        assert "<dd><bdi>those of the workers</bdi>" in planned.text
        home.start(link, planned, first="on")
        home.wait_for_progress('"phase": "sending"')
        home.post_form("/sending/stop", {})
        progress = home.room.join()
        assert progress.error == ""
        assert progress.end is not None
        assert dict(progress.end.rows)["Left"] == 5
        assert relay.messages == []
