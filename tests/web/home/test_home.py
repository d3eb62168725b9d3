"""The home in one process: what it lists and says, where its links lead, and whom it refuses."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path

import pytest
from home_server import SETTINGS, Home, Newsletter, home_of

from newsletter.errors import ConfigError
from newsletter.model.delivery import State
from newsletter.web.home.overview import key_of

GOOD, LEFT, UNSURE = State.SENT, State.DEFERRED, State.UNCERTAIN


@pytest.fixture
def letters(tmp_path: Path) -> Newsletter:
    (tmp_path / "posts").mkdir()
    return Newsletter(tmp_path)


def test_every_post_has_its_state(letters: Newsletter) -> None:
    letters.post("2026-03-10-today", "Today")
    letters.post("2026-03-12-later", "Later")
    letters.post("2026-03-09-draft", "In pieces", "draft: true")
    letters.post("2026-03-01-sent", "Sent one")
    letters.post("2026-03-02-left", "Left one")
    letters.post("2025-12-01-never", "Never one")
    (letters.posts / "2026-03-10-broken.md").write_text('---\ntitle: "Half\n---\n\nText.\n')
    letters.send("2026-03-01-sent", "Sent one", [GOOD] * 3, date(2026, 3, 1))
    letters.send("2026-03-02-left", "Left one", [GOOD, GOOD, LEFT, UNSURE], date(2026, 3, 2))
    with home_of(letters.folder) as home:
        rows = home.rows()
        page = home.ask().text
    assert {title: label for title, (label, _) in rows.items()} == {
        "Later": "Scheduled",
        "Today": "Due",
        "Broken": "Broken",
        "In pieces": "Draft",
        "Left one": "Left",
        "Sent one": "Sent",
        "Never one": "Not sent",
    }
    assert next(iter(rows)) == "Later"
    assert list(rows)[-1] == "Never one"
    assert rows["Sent one"][1] == "sent to 3"
    assert rows["Left one"][1].startswith("sent to 2, 1 left unsent, 1 uncertain")
    assert "the quote that opens here is never closed" in rows["Broken"][1]
    assert "it was begun, and 1 are left; it would go on" in page  # in the words of `publish --dry-run`
    assert "50.0 % have it; 1 is left and 1 is uncertain." in page  # and of the report
    assert "reader0@example.org" not in page


def test_what_goes_out_next_and_when(letters: Newsletter) -> None:
    letters.post("2026-03-12-later", "Later", "newsletter:", "  send_at: 08:00")
    settings = SETTINGS.replace("UTC", "Asia/Shanghai")
    with home_of(letters.folder, settings=settings) as home:
        page = home.ask().text
        assert re.search(r'id="next-title">Next</p>\s*<h2><a href="/post/[^"]+"><bdi>Later', page)
        assert "2026-03-12 08:00 Asia/Shanghai" in page
        assert "08:00 to 24:00 Asia/Shanghai" in page
        (letters.posts / "2026-03-12-later.md").unlink()
        letters.post("2026-03-09-other", "Another")
        assert "Due now" in home.ask().text
        assert "it would be sent" in home.ask().text


def test_a_row_leads_to_preview_report_and_numbers(letters: Newsletter) -> None:
    letters.post("2026-03-01-sent", "Sent one")
    letters.send("2026-03-01-sent", "Sent one", [GOOD] * 3, date(2026, 3, 1))
    with home_of(letters.folder) as home:
        link = home.link("Sent one")
        preview = home.ask(link)
        assert preview.status == 200
        assert f'data-base="{link[:-1]}"' in preview.text
        assert 'href="/"' in preview.text
        assert "The first paragraph." in home.ask(f"{link}frame/email").text
        assert home.ask(link[:-1]).headers["location"] == link
        assert home.ask(f"{link}assets/preview.js").status == 200
        report = home.ask("/report/2026-03-01-sent")
        assert report.status == 200
        assert "Everyone has it." in report.text
        assert "sandbox" in report.headers["content-security-policy"]
        assert home.ask("/stats").status == 200
        assert home.ask("/report/none").status == 404
        assert home.ask("/archive/").status == 404


@pytest.mark.parametrize("name", ["none", "..%2f..%2fetc%2fpasswd", "%2e%2e", "..%5c..", "post-0000000000"])
def test_no_key_leads_out_of_the_folder(letters: Newsletter, name: str) -> None:
    letters.post("2026-03-10-today", "Today")
    with home_of(letters.folder) as home:
        for path in (f"/post/{name}/", f"/post/{name}", f"/post/{name}/frame/email", f"/report/{name}"):
            assert home.ask(path).status == 404, path


def test_links_out_of_the_folder_are_named_and_not_opened(letters: Newsletter, tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("---\ntitle: Secret words\ndate: 2026-03-10\n---\n\nNobody may read this.\n")
    (letters.posts / "2026-03-10-leads-out.md").symlink_to(secret)
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "2026-03-09-hidden.md").write_text(secret.read_text())
    (letters.posts / "folder").symlink_to(outside)
    letters.post("2026-03-08-inside", "Inside")
    (letters.posts / "2026-03-07-alias.md").symlink_to(letters.posts / "2026-03-08-inside.md")
    with home_of(letters.folder) as home:
        page = home.ask().text
        assert "Secret words" not in page
        assert "a link out of the folder" in page
        assert home.ask(f"/post/{key_of('2026-03-10-leads-out.md')}/frame/email").status == 404
        assert page.count("<bdi>Inside</bdi>") == 2  # a link within the folder is a post


HOSTILE = [
    '2026-03-10-<img src=x onerror="alert(1)">',
    "2026-03-10-\"quotes\" and 'more'",
    "2026-03-10-two\nlines",
    "2026-03-10-\u202egnol\u2066 rtl",
    "2026-03-10-100% & #1?x=..%2F..\\..",
    "2026-03-10-日报 第一期",
    os.fsdecode(b"2026-03-10-\xff\xfe in no encoding"),
]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names_are_posts_like_any_other(letters: Newsletter, name: str) -> None:
    title = '<script>alert(1)</script> & \u202e"x"'
    (letters.posts / f"{name}.md").write_text(
        f"---\ntitle: '{title}'\ndate: 2026-03-10\n---\n\nThe first paragraph.\n", "utf-8"
    )
    with home_of(letters.folder) as home:
        page = home.ask().text
        assert "<script>alert" not in page
        assert 'onerror="' not in page
        assert "\u202e" not in re.sub(r"<bdi>.*?</bdi>", "", re.sub(r'(data-words|aria-label)="[^"]*"', "", page))
        (row,) = re.findall(r'href="(/post/[a-z0-9-]+/)"', page)[:1]
        assert "The first paragraph." in home.ask(f"{row}frame/email").text
        assert home.ask(f"{row}facts").status == 200


def test_a_broken_newsletter_toml_is_a_sentence_and_mended_without_a_restart(letters: Newsletter) -> None:
    letters.post("2026-03-10-today", "Today")
    with home_of(letters.folder, settings="[newsletter]\nnam = 1\n") as home:
        page = home.ask()
        assert page.status == 200
        assert "newsletter.toml:2: [newsletter] has no key" in page.text
        (letters.folder / "newsletter.toml").write_text(SETTINGS)
        assert home.rows()["Today"][0] == "Due"
        (letters.folder / "newsletter.toml").write_text("[newsletter\n")
        page = home.ask()  # the posts stay, as the last good file had them
        assert "newsletter.toml:1" in page.text
        assert "Today" in home.rows()


def test_pages_without_posts_without_a_ledger_and_without_a_folder(letters: Newsletter) -> None:
    with home_of(letters.folder) as home:
        page = home.ask().text
        assert "No posts yet" in page
        assert "newsletter new" in page
        assert "there is no ledger" in page
        assert home.ask("/stats").status == 404
        letters.posts.rmdir()
        assert "No posts yet" in home.ask().text  # nobody said where they are: `newsletter new` makes the folder
        settings = SETTINGS + '\n[publish]\nposts = "posts"\n'
        (letters.folder / "newsletter.toml").write_text(settings)
        assert "there is no such folder" in home.ask().text


def test_what_needs_a_hand_is_there_at_once_and_the_network_is_asked_on_demand(letters: Newsletter) -> None:
    letters.send("2026-03-01-sent", "Sent one", [GOOD], date(2026, 3, 1))
    with home_of(letters.folder) as home:
        assert "the ledger was never backed up" in home.ask().text
        answer = home.post_form("/doctor", {})
        assert answer.status == 200
        assert "Mail set-up" in answer.text
        assert "In order: " in answer.text


@pytest.mark.parametrize(
    ("headers", "fields", "status"),
    [
        ({"origin": "https://evil.example"}, {}, 403),
        ({"origin": "null"}, {}, 403),
        ({"sec_fetch_site": "cross-site"}, {}, 403),
        ({"sec_fetch_site": "same-site"}, {}, 403),
        ({}, {"token": ""}, 403),
        ({}, {"token": "of-an-earlier-start"}, 403),
        ({"host": "evil.example"}, {}, 421),
        ({}, {"padding": "x" * 20_000}, 413),
    ],
)
def test_only_a_form_of_this_start_changes_anything(
    letters: Newsletter, headers: dict[str, str], fields: dict[str, str], status: int
) -> None:
    with home_of(letters.folder) as home:
        assert home.post_form("/doctor", fields, **headers).status == status


def test_every_answer_has_the_guards(letters: Newsletter) -> None:
    letters.post("2026-03-10-today", "Today")
    with home_of(letters.folder) as home:
        link = home.link("Today")
        for path in ("/", link, f"{link}facts", "/assets/style.css", "/none"):
            answer = home.ask(path)
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'"), path
            assert answer.headers["cache-control"] == "no-store"
            assert home.ask(path, host="evil.example").status == 421
        assert home.ask().headers["referrer-policy"] == "same-origin"  # or a form's origin would be sent as null
        assert home.ask("/doctor").status == 405


def test_only_who_has_the_key_of_this_start_sees_anything(letters: Newsletter) -> None:
    """Loopback is every user's of a machine."""
    letters.post("2026-03-10-today", "Today")
    with home_of(letters.folder) as home:
        link, name, key = home.link("Today"), home.server.cookie, home.server.key
        for cookie in ("", "x", f"{name}=", f"{name}=wrong", f"other={key}", f"{name}=é", "=;=", f"{name}={key}x"):
            for path in ("/", link, f"{link}facts", "/assets/style.css", "/events", "/?key=wrong", f"{link}?key={key}"):
                answer = home.ask(path, cookie=cookie)
                assert (cookie, path, answer.status) == (cookie, path, 403)
                assert "Today" not in answer.text
        assert home.ask("/doctor", "POST", b"", cookie="").status == 403
        welcome = home.ask(f"/?key={key}", cookie="")
        assert (welcome.status, welcome.headers["location"]) == (303, "/")
        given = welcome.headers["set-cookie"]
        assert given.startswith(f"{name}={key}; HttpOnly; ")
        assert "SameSite=strict" in given
        assert home.ask("/", cookie=f"a=b; {name}={key}").status == 200
        assert key not in home.ask("/").text
        assert home.ask(f"/?key={key}", cookie="", host="evil.example").status == 421


def test_the_home_listens_on_this_machine_alone(letters: Newsletter) -> None:
    with pytest.raises(ConfigError, match="answers this machine alone"), home_of(letters.folder, host="0.0.0.0"):
        pass


def test_many_posts_are_by_month_and_read_once(letters: Newsletter, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(150):
        letters.post(f"20{10 + number // 12}-{number % 12 + 1:02}-01-n{number}", f"Number {number}")
    with home_of(letters.folder) as home:
        _read_out(home)
        page = home.ask().text
        assert page.count('<li class="post') == 150
        assert page.count("<details") == 150
        assert page.count('" open>') == 60
        assert "Reading" not in page


def _read_out(home: Home) -> None:
    """Wait until every post was read: an event says so."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", home.server.port, timeout=600)
    connection.request("GET", "/events", headers={"cookie": f"{home.server.cookie}={home.server.key}"})
    stream = connection.getresponse()
    while 'data-unread="0"' not in home.ask().text:
        assert stream.readline()
    connection.close()
