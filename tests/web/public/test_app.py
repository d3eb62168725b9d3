"""The public pages over HTTP, against the real server: joining, leaving, choosing, and the mails that go with them."""

from __future__ import annotations

import http.client
import socket
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from command_line import Run, newsletter, start, write_list, write_post
from web_site import ADA, LISTS, NOW, SECRET, TOML, Answer, Site, button_of, running

from newsletter.audience.people.records import Preferences, Reason, SignUpState
from newsletter.config.load import load_config
from newsletter.errors import ConfigError
from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import Relay, State
from newsletter.tokens import Link, make_link
from newsletter.web.public.service import public_config, require_relay


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path, TOML + LISTS) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """For tests that leave nothing behind."""
    with running(tmp_path_factory.mktemp("site"), TOML + LISTS) as opened:
        yield opened


def joined(site: Site, address: str = ADA) -> None:
    site.people.sign_up(address, source="test", wording="test")
    assert site.people.confirm(address, source="test") is SignUpState.CONFIRMED


def reasons(site: Site, address: str = ADA) -> list[Reason]:
    return [row.reason for rows in site.people.suppressions_of([address]).values() for row in rows]


# --- joining --------------------------------------------------------------------------------------------------------


def test_joining_takes_a_form_a_mail_and_a_button(site: Site) -> None:
    answer = site.join("Ada@Example.com", name="Ada", lists=["ai", "made up"], company="not asked for")
    assert answer.status == 200
    assert "Ada@example.com" in answer.text
    assert "Open the link in it and press the button there" in answer.text
    person = site.people.person(ADA)
    assert person
    assert person.state is SignUpState.PENDING
    assert dict(person.fields) == {"name": "Ada"}
    assert list(site.people.confirmed()) == []

    mail = site.mail()
    assert (mail["to"], mail["subject"]) == ("Ada@example.com", "Please confirm: AI Daily")
    assert "1 Main Street" in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert mail["list-unsubscribe"] is None, "there is no list to leave yet"
    assert mail.get_body(("plain",)).get_content().count("Confirm") == 1  # type: ignore[union-attr]
    path = button_of(mail)
    assert path.startswith("/c/")
    page = site.get(path)
    assert (page.status, "Yes, subscribe me" in page.text) == (200, True)
    assert list(site.people.confirmed()) == [], "a look changes nothing"

    assert "You are subscribed" in site.post(path).text
    (subscriber,) = site.people.confirmed("ai")
    assert (subscriber.email, subscriber.name) == ("Ada@example.com", "Ada")
    assert [(each.kind, each.source, each.wording) for each in site.people.history(ADA).consents] == [
        ("asked", f"{site.url}/join", "I would like to get AI Daily by email. I can leave at any time."),
        ("confirmed", f"{site.url}/c", ""),
    ]
    welcome = site.mail()
    assert welcome["subject"] == "Welcome to AI Daily"
    assert f"{site.url}/u/" in welcome["list-unsubscribe"]


def test_the_mail_speaks_the_readers_language(site: Site) -> None:
    page = site.get("/join?lang=zh").text
    assert '<html lang="zh">' in page
    site.join(ADA, "/join?lang=zh")
    mail = site.mail()
    assert mail["subject"] == "请确认订阅《AI Daily》"
    # Without a word of it in the address: the person's own language.
    assert '<html lang="zh">' in site.get(button_of(mail), Accept_Language="de").text
    assert '<html lang="ja">' in site.get(button_of(mail) + "?lang=ja", Accept_Language="de").text


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("fi, en;q=0.1, zh-TW;q=0.8", "zh-Hant"),
        ("zh-CN", "zh"),
        ("xx", "en"),
        ("*", "en"),
        (";;;q=,,,ko;q=x,ja;q=0", "en"),
        ("", "en"),
    ],
)
def test_the_browsers_language_is_taken(shared: Site, accepted: str, lang: str) -> None:
    assert shared.get("/join", Accept_Language=accepted).headers["content-language"] == lang


def test_who_is_subscribed_is_told_so_by_mail_alone(site: Site) -> None:
    joined(site)
    known, unknown = site.join(ADA), site.join("bo@example.com")
    assert known.text.replace(ADA, "X") == unknown.text.replace("bo@example.com", "X")
    mail = site.mail()
    assert (mail["to"], mail["subject"]) == (ADA, "You are subscribed already: AI Daily")
    assert button_of(mail).startswith("/p/")
    assert site.get(button_of(mail)).status == 200


@pytest.mark.parametrize(
    "address",
    ["", "ada", "ada@", "ada@b", "a b@example.com", "ada@example..com", "a" * 300 + "@example.com", "<a@example.com>"],
)
def test_what_is_no_address_is_said_at_its_field(shared: Site, address: str) -> None:
    answer = shared.join(address)
    assert answer.status == 422
    assert 'aria-invalid="true" aria-describedby="email-fault"' in answer.text
    assert "Write it like name@example.com" in answer.text
    assert not shared.catcher.messages()


def test_nothing_is_ticked_beforehand(shared: Site) -> None:
    assert "checked" not in shared.get("/join").text


def test_a_form_keeps_what_was_filled_in(shared: Site) -> None:
    answer = shared.join("ada@", name="Ada <Lovelace>", lists=["ai"])
    assert 'value="Ada &lt;Lovelace&gt;"' in answer.text
    assert 'value="ai" checked' in answer.text
    assert 'value="daily" checked' not in answer.text


def test_a_form_that_was_sent_too_quickly_or_too_late_is_asked_for_once_more(site: Site) -> None:
    def send(page: Answer) -> Answer:
        stamp = page.text.partition('name="t" value="')[2].partition('"')[0]
        return site.post("/join", {"email": ADA, "t": stamp})

    page = site.get("/join")
    quick = send(page)
    assert (quick.status, "That was quick" in quick.text) == (422, True)
    site.clock.forward(seconds=3)
    assert send(quick).status == 200, "the same page, a moment later"
    page = site.get("/join")
    site.clock.forward(hours=25)
    late = send(page)
    assert (late.status, "open for long" in late.text) == (422, True)
    site.clock.forward(seconds=3)
    assert send(late).status == 200


def test_a_program_that_fills_in_every_field_gets_the_usual_answer_and_nothing_else(site: Site) -> None:
    assert "Look into your inbox" in site.join(ADA, website="https://spam.example").text
    assert site.people.person(ADA) is None


def test_an_old_or_used_link_to_confirm_says_so(site: Site) -> None:
    site.people.sign_up(ADA, source="test", wording="")
    expired = site.link("confirm", within_s=60)
    good = site.link("confirm", within_s=3600)
    site.clock.forward(seconds=61)
    for method in ("GET", "POST"):
        answer = site.ask(method, f"/c/{expired}")
        assert (answer.status, "This link has expired" in answer.text) == (410, True)
    assert site.people.person(ADA).state is SignUpState.PENDING  # type: ignore[union-attr]
    assert "You are subscribed" in site.post(f"/c/{good}").text
    assert "You are subscribed" in site.post(f"/c/{good}").text, "a second press of the button"
    site.one_click(site.link("unsubscribe"))
    answer = site.post(f"/c/{good}")
    assert "This link is used up" in answer.text
    assert reasons(site) == [Reason.UNSUBSCRIBED], "an old link brings nobody back"
    assert len(site.catcher.wait_for(1, 20)) == 1, "one welcome"


def test_a_link_for_somebody_who_never_asked_changes_nothing(site: Site) -> None:
    assert "This link is used up" in site.post(f"/c/{site.link('confirm', within_s=60)}").text
    assert site.people.history(ADA).is_unknown


def test_the_welcome_has_the_latest_issue(site: Site, tmp_path: Path) -> None:
    post = tmp_path / "2026-02-28-news.md"
    post.write_text(
        "---\ntitle: The latest news\n---\n\nSomething {{ subscriber.name | default('dear reader') }} saw.\n"
    )
    with Ledger.open(tmp_path / "newsletter.db", lambda: NOW) as ledger:
        for issue, path in (("2026-02-27-old", "/nowhere.md"), ("2026-02-28-news", str(post))):
            ledger.plan(issue, ["bo@example.com"], content_hash="h", subject="News", post=path)
            (claim,) = ledger.claim(issue, 1)
            ledger.write(issue, [Move(claim.row, State.COMMITTING, message_id="<1@x.test>")])
            ledger.write(issue, [Move(claim.row, State.SENT, stage="dot", code=250, reply="ok")])
    site.people.sign_up(ADA, source="test", wording="", lang="en", fields={"name": "Ada"})
    site.post(f"/c/{site.link('confirm', within_s=60)}")
    mail = site.mail()
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert mail["subject"] == "Welcome to AI Daily"
    assert "here is the latest issue" in " ".join(text.split())
    assert "Something Ada saw." in text
    # Where the post has gone, a welcome without it.
    post.rename(tmp_path / "moved.md")
    site.people.sign_up("bo@example.com", source="test", wording="", lang="de")
    site.post(f"/c/{site.link('confirm', 'bo@example.com', within_s=60)}")
    assert "Die nächste Ausgabe kommt von selbst" in site.mail().get_body(("plain",)).get_content()  # type: ignore[union-attr]


# --- leaving --------------------------------------------------------------------------------------------------------

BOUNDARY = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (BOUNDARY, "multipart/form-data; boundary=x"),
        (b"", ""),
    ],
)
def test_one_click_leaves_without_cookie_or_redirect(site: Site, body: bytes, kind: str) -> None:
    joined(site)
    answer = site.ask("POST", f"/u/{site.link('unsubscribe', issue='daily-7')}", body, {"content-type": kind})
    assert (answer.status, answer.text) == (200, "Your request was taken.\n")
    assert "set-cookie" not in answer.headers
    (suppression,) = site.people.suppressions_of([ADA])[ADA]
    assert (suppression.reason, suppression.issue, suppression.detail) == (
        Reason.UNSUBSCRIBED,
        "daily-7",
        "one-click",
    )


def test_one_click_answers_everybody_alike(site: Site) -> None:
    joined(site)
    link = site.link("unsubscribe")
    tokens = (link, link, site.link("unsubscribe", "stranger@example.com"), link[:-1], "x", "a/b", "%00", link + "x")
    answers = [site.one_click(token) for token in tokens]
    assert {(each.status, each.body, tuple(sorted(set(each.headers) - {"date"}))) for each in answers} == {
        (200, answers[0].body, tuple(sorted(set(answers[0].headers) - {"date"})))
    }
    assert reasons(site) == [Reason.UNSUBSCRIBED]
    assert reasons(site, "stranger@example.com") == [Reason.UNSUBSCRIBED], "who is on a list file leaves, too"
    assert site.people.suppressed_count() == {Reason.UNSUBSCRIBED: 2}


def test_a_look_at_the_page_changes_nothing_and_its_button_leaves(site: Site) -> None:
    joined(site)
    path, before = f"/u/{site.link('unsubscribe')}", site.state()
    assert site.get(path).status == site.ask("HEAD", path).status == 200
    assert site.state() == before
    page = site.get(path).text
    assert page.count("<button") == 1
    action = page.partition('action="')[2].partition('"')[0]
    assert "You have left" in site.post(action).text
    assert reasons(site) == [Reason.UNSUBSCRIBED]


def test_leaving_can_be_undone_from_its_page(site: Site) -> None:
    joined(site)
    page = site.post(f"/u/{site.link('unsubscribe')}?page").text
    undo = page.partition('action="')[2].partition('"')[0]
    assert undo.startswith("/r/")
    assert site.get(undo).status == 200
    assert reasons(site) == [Reason.UNSUBSCRIBED]
    assert "Welcome back" in site.post(undo).text
    assert reasons(site) == []
    assert site.people.person(ADA).state is SignUpState.CONFIRMED  # type: ignore[union-attr]
    site.one_click(site.link("unsubscribe"))
    site.clock.forward(hours=25)
    assert site.post(undo).status == 410
    assert reasons(site) == [Reason.UNSUBSCRIBED]


def test_undo_lifts_no_other_reason(site: Site) -> None:
    site.people.suppress(ADA, Reason.COMPLAINT)
    site.one_click(site.link("unsubscribe"))
    assert site.post(f"/r/{site.link('undo', within_s=60)}").status == 200
    assert reasons(site) == [Reason.COMPLAINT]


def test_a_hundred_at_once_are_all_on_disk(site: Site) -> None:
    people = [f"reader{number}@example.com" for number in range(100)]
    statuses: list[int] = []

    def leave(mine: list[str]) -> None:
        statuses.extend(site.one_click(site.link("unsubscribe", address)).status for address in mine)

    threads = [threading.Thread(target=leave, args=(people[start::10],)) for start in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 100
    assert site.people.suppressed_count() == {Reason.UNSUBSCRIBED: 100}


def test_what_cannot_be_written_is_not_acknowledged(site: Site, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "newsletter.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # another program holds the store for longer than ours waits
        link = site.link("unsubscribe")
        assert site.one_click(link).status == 503
        other.execute("ROLLBACK")
    assert reasons(site) == []
    assert site.one_click(link).status == 200
    assert reasons(site) == [Reason.UNSUBSCRIBED]


# --- choosing -------------------------------------------------------------------------------------------------------


def test_people_choose_lists_pace_and_a_pause(site: Site) -> None:
    joined(site)
    path = f"/p/{site.link('preferences')}"
    page = site.get(path).text
    assert 'value="every" checked' in page
    answer = site.post(path, {"lists": ["ai", "secret"], "often": "weekly", "pause": "yes"})
    assert "Your choices are saved." in answer.text
    assert "No mail until 2026-03-31" in answer.text
    month = NOW + timedelta(days=30)
    assert site.people.preferences(ADA) == Preferences(("ai",), month, "weekly")
    site.clock.forward(days=10)
    site.post(path, {"lists": ["ai", "daily"], "often": "every", "pause": "yes"})
    assert site.people.preferences(ADA) == Preferences(("ai", "daily"), month, "every"), "a pause keeps its end"
    site.post(path, {"lists": ["daily"], "often": "every"})
    assert site.people.preferences(ADA) == Preferences(("daily",))


def test_a_list_that_is_not_offered_is_kept(site: Site) -> None:
    joined(site)
    site.people.set_preferences(ADA, Preferences(("founders", "ai")))
    site.post(f"/p/{site.link('preferences')}", {"often": "every"})
    assert site.people.preferences(ADA).lists == ("founders",)


def test_who_has_left_is_told_so_beside_their_choices(site: Site) -> None:
    joined(site)
    site.one_click(site.link("unsubscribe"))
    assert "You have left AI Daily" in site.get(f"/p/{site.link('preferences')}").text


# --- the rest -------------------------------------------------------------------------------------------------------


def test_health_says_that_the_store_is_there(shared: Site) -> None:
    assert shared.get("/health").text == '{"status":"ok","mails_waiting":0}'


def test_a_hook_gets_headers_and_body(tmp_path: Path) -> None:
    seen: list[tuple[str, bytes]] = []

    async def postmark(headers: Mapping[str, str], body: bytes) -> int:
        seen.append((headers["x-kind"], body))
        return 200 if body != b"bad" else 403

    with running(tmp_path, hooks={"postmark": postmark}) as site:
        body = b"x" * 100_000
        assert site.ask("POST", "/hooks/postmark", body, {"X-Kind": "bounce"}).status == 200
        assert site.ask("POST", "/hooks/postmark", b"bad", {"X-Kind": "bounce"}).status == 403
        assert site.ask("POST", "/hooks/other", body).status == 404
        assert site.ask("POST", "/hooks/postmark", b"", {"Content-Length": "1100000"}).status == 413
    assert seen == [("bounce", body), ("bounce", b"bad")]


def test_the_form_for_other_sites_may_be_framed_by_those_alone(tmp_path: Path) -> None:
    with running(tmp_path, TOML + '[serve]\nembed_on = ["https://blog.example.com"]\n') as site:
        framed = site.get("/join/form").headers
        assert "frame-ancestors https://blog.example.com" in framed["content-security-policy"]
        assert "x-frame-options" not in framed
        answer = site.join(ADA, "/join/form")
        assert "frame-ancestors https://blog.example.com" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in site.get("/join").headers["content-security-policy"]
        assert site.people.history(ADA).consents[0].source == f"{site.url}/join/form"


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:

    (tmp_path / "newsletter.toml").write_text(TOML + '[relay]\nurl = "smtp://127.0.0.1:9"\n')
    process = start("serve", "--port", "0", cwd=tmp_path, NEWSLETTER_SECRET=SECRET)
    try:
        assert process.stdout
        port = int(process.stdout.readline().decode().rpartition(":")[2])
        assert process.stdout.readline().decode() == f"Sign-up page: http://127.0.0.1:{port}/join\n"
        assert b"Issues carry no link to these pages until [serve] url is set" in process.stdout.readline()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        connection.close()
        process.terminate()
        _, err = process.communicate(timeout=600)
    finally:
        process.kill()
    assert process.returncode == 0, err.decode()
    assert "GET /health 200" in err.decode()


def test_who_leaves_has_left_whatever_other_commands_do_meanwhile(tmp_path: Path) -> None:
    """Each of them opens the same file; one that ends must not take the server's log away with it."""
    config = TOML + '[relay]\nurl = "smtp://127.0.0.1:9"\n[serve]\nurl = "http://127.0.0.1:8080"\n'
    (tmp_path / "newsletter.toml").write_text(config)
    write_post(tmp_path)
    write_list(tmp_path, ADA)

    def run(*arguments: str) -> Run:
        return newsletter(*arguments, cwd=tmp_path, NEWSLETTER_SECRET=SECRET)

    process = start("serve", "--port", "0", "--quiet", cwd=tmp_path, NEWSLETTER_SECRET=SECRET)
    try:
        assert process.stdout
        port = int(process.stdout.readline().decode().rpartition(":")[2])
        assert process.stdout.readline().decode() == "Sign-up page: http://127.0.0.1:8080/join\n"
        assert "Nothing is known of this address" in run("subscribers", "show", ADA).out
        sent = run("send", "2026-03-01-hello.md", "--to", "list.csv", "--catch", "--no-wait", "--yes")
        assert sent.code == 0, sent.err
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        connection.request("POST", f"/u/{make_link(SECRET, Link('unsubscribe', ADA))}", "List-Unsubscribe=One-Click")
        assert connection.getresponse().status == 200
        connection.close()
        assert ": unsubscribed (one-click)" in run("subscribers", "show", ADA).out
        process.kill()
        process.wait(20)
        assert ": unsubscribed (one-click)" in run("subscribers", "show", ADA).out
    finally:
        process.kill()
        _, err = process.communicate()
    assert err == b""


def test_half_a_request_is_answered_when_the_server_ends(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(TOML + '[relay]\nurl = "smtp://127.0.0.1:9"\n')
    process = start("serve", "--port", "0", cwd=tmp_path, NEWSLETTER_SECRET=SECRET)
    try:
        assert process.stdout
        port = int(process.stdout.readline().decode().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=600) as connection:
            head = b"POST /join HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\nExpect: 100-continue\r\n\r\n"
            connection.sendall(head)
            assert connection.recv(1_000).startswith(b"HTTP/1.1 100 "), "it waits for the body"
            process.terminate()
            assert connection.recv(1_000).startswith(b"HTTP/1.1 503 ")
        _, err = process.communicate(timeout=600)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "POST /join 503" in err.decode()
    assert "Traceback" not in err.decode()


def test_a_database_that_was_moved_away_is_told_in_a_sentence(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running(tmp_path) as site:
        for name in ("newsletter.db", "newsletter.db-wal", "newsletter.db-shm"):
            (tmp_path / name).rename(tmp_path / f"moved-{name}")
        assert site.get("/health").status == 503, "it is still open, but nobody else will find what is written to it"
    assert "newsletter.db: the ledger's file was moved, deleted or replaced while it was in use; put it" in caplog.text
    assert "Traceback" not in caplog.text
    assert not (tmp_path / "newsletter.db").exists(), "an empty ledger took the place of the one that was moved"


def test_what_lacks_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(TOML)
    run = newsletter("serve", "--port", "0", cwd=tmp_path, NEWSLETTER_SECRET=SECRET)
    assert run.code == 2
    assert "newsletter.toml: no [relay] url is set, and who joins is sent a mail; set it, or write --relay" in run.err

    config = load_config(tmp_path / "newsletter.toml", {}, tmp_path)
    with pytest.raises(ConfigError, match="NEWSLETTER_SECRET: not set, and every link is made with it"):
        public_config(config, "127.0.0.1", 80)
    config = load_config(tmp_path / "newsletter.toml", {"NEWSLETTER_SECRET": SECRET}, tmp_path)
    with pytest.raises(ConfigError, match=r"no \[serve\] url is set, and links to 0\.0\.0\.0 would lead nowhere"):
        public_config(config, "0.0.0.0", 80)
    assert public_config(config, "::1", 80).unsubscribe_url == "http://[::1]:80/u/{token}"
    with pytest.raises(ConfigError, match=r"newsletter\.from must be set before mail may leave this machine"):
        require_relay(config, config.settings_for(Relay("mail.example.com", 587, "starttls")))
