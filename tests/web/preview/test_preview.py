"""The preview over HTTP: what each address answers, how it follows the files, what it refuses, the command."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CHECKOUT, finish, newsletter, start, write_post
from preview_server import POST, Running, preview_of
from pygments.lexer import Lexer

from newsletter.config.load import load_config
from newsletter.web.catcher.server import Catcher
from newsletter.web.mail_view import read_mail
from newsletter.web.preview.live_rendering import LiveRendering, Snapshot
from newsletter.web.preview.server import PreviewServer
from newsletter.web.preview.source_listing import (
    MAX_MARKED_CHARS,
    MAX_MARKED_PIECE,
    MAX_SHOWN_CHARS,
    lines_of,
    plain_lines,
)

PNG = (CHECKOUT / "examples" / "images" / "chip.png").read_bytes()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with preview_of(tmp_path) as running:
        yield running


# --- what is shown --------------------------------------------------------------------------------------------------


def test_the_page_weighs_little_and_loads_nothing_from_elsewhere(running: Running) -> None:
    page = running.ask("/")
    assert page.status == 200
    assert "script-src 'self'; style-src 'self'" in page.headers["content-security-policy"]
    assets = [running.ask(path).text for path in ("/assets/style.css", "/assets/preview.js")]
    assert sum(len(text.encode()) for text in (page.text, *assets)) < 64_000
    for text in assets:
        assert "@import" not in text
        assert "//" not in text.replace("// ", "").replace('"//"', "")


@pytest.mark.parametrize(
    ("reader", "shown"),
    [
        ("1", ["Hello Ada", "Only for those who pay.", "You live in London."]),
        ("2", ["Hello Bob", "For everyone else."]),
        ("3", ["Hello Cy", "Only for those who pay."]),
        ("4", ["Hello Ada"]),
        ("0", ["Hello Ada"]),
        ("x", ["Hello Ada"]),
        ("9" * 40, ["Hello Ada"]),
    ],
)
def test_the_email_is_that_of_the_reader(running: Running, reader: str, shown: list[str]) -> None:
    html = running.ask(f"/frame/email?reader={reader}").text
    assert all(words in html for words in shown)
    assert ("You live in" in html) is (reader not in ("2", "3"))


def test_every_variant_can_be_chosen_by_its_answers(running: Running) -> None:
    pay, live = "Only for those who pay.", "You live in"
    for answers, seen in {"00": (False, False), "01": (False, True), "10": (True, False), "11": (True, True)}.items():
        html = running.ask(f"/frame/email?reader=2&answers={answers}").text
        assert (pay in html, live in html) == seen
    facts = running.ask("/facts?reader=2&answers=11").json
    assert [(each["source"], each["holds"]) for each in facts["conditions"]] == [
        ('subscriber.plan == "paid"', True),
        ("subscriber.city", True),
    ]
    assert facts["answers"] == "11"
    assert running.ask("/facts?reader=2&answers=00").json["answers"] == ""
    assert running.ask("/facts?reader=1&answers=nonsense").json["conditions"][0]["holds"] is True


def test_without_a_list_a_made_up_reader_sees_it(tmp_path: Path) -> None:
    with preview_of(tmp_path, people=None) as running:
        facts = running.ask("/facts").json
        assert facts["subject"] == "Hello reader"
        assert facts["reader"]["email"] == "subscriber@example.com"
        assert running.ask("/readers").json == {"people": [], "total": 0}


def test_the_views_are_of_one_email(running: Running) -> None:
    frames = {view: running.ask(f"/frame/{view}").text for view in ("email", "clipped", "plain", "word")}
    assert frames["clipped"] == frames["email"]
    assert "<style" in frames["email"]
    assert "<style" not in frames["plain"]
    assert "[if mso" not in frames["word"]
    assert all('<base target="_blank">' in html for html in frames.values())
    assert "The first paragraph." in running.ask("/sheet/text").text
    assert "mj-body" in running.ask("/sheet/mjml").text
    assert "doctype html" in running.ask("/sheet/html").text
    headers = running.ask("/sheet/headers?reader=2").text
    assert "bob@example.com" in headers
    assert "Message-ID" in headers
    assert 'id="L6"' in running.ask("/sheet/post").text


def test_sizes_are_those_of_the_email(running: Running) -> None:
    sizes = running.ask("/facts").json["sizes"]
    assert sizes["decoded"] == len(running.ask("/frame/email").body) - len('<base target="_blank">')
    assert abs(sizes["decoded"] - sum(section["bytes"] for section in sizes["sections"])) < 200
    assert sizes["decoded"] < sizes["encoded"] < sizes["message"]
    assert sizes["clipped"] is False


def test_findings_come_after_the_rendering_with_their_place(tmp_path: Path) -> None:
    with preview_of(tmp_path, POST + "\n[[source](https://example.com)\n") as running, running.events() as events:
        assert events.wait(lambda event: event["rendered"])["revision"] == 1
        events.inspected()
        told = [each for each in running.ask("/facts").json["findings"] if not each["code"].startswith("client-")]
        (finding,) = told
        assert (finding["severity"], finding["line"]) == ("warning", 19)
        assert 'class="remark warning"' in running.ask("/sheet/post").text


def test_local_pictures_come_from_us_and_nothing_else_does(tmp_path: Path) -> None:
    (tmp_path / "chip.png").write_bytes(PNG)
    (tmp_path / "secret.txt").write_text("secret")
    with preview_of(tmp_path, POST + "\n![chip](chip.png)\n") as running:
        html = running.ask("/frame/email").text
        place = html.partition('src="/pictures/')[2].partition('"')[0]
        picture = running.ask(f"/pictures/{place}")
        assert (picture.status, picture.headers["content-type"]) == (200, "image/png")
        assert picture.body == PNG
        for path in ("/pictures/secret.txt", "/pictures/..%2Fsecret.txt", "/assets/..%2fpage.html.j2", "/assets/x"):
            assert running.ask(path).status == 404
        for path in ("/%2e%2e/secret.txt", "/assets/../../secret.txt", "//etc/passwd", "/sheet/..", "/frame/none"):
            assert running.ask(path).status == 404


def test_people_are_searched_by_any_column(running: Running) -> None:
    found = running.ask("/readers?q=PAID").json
    assert found["total"] == 3
    assert [(person["number"], person["name"]) for person in found["people"]] == [(1, "Ada"), (3, "Cy")]


# --- what it refuses ------------------------------------------------------------------------------------------------


def test_the_frame_runs_nothing_and_loads_only_pictures(running: Running) -> None:
    policy = running.ask("/frame/email").headers["content-security-policy"]
    assert "allow-scripts" not in policy
    for rule in ("script-src 'none'", "form-action 'none'", "base-uri 'none'", "default-src 'none'", "frame-ancestors"):
        assert rule in policy
    assert "img-src 'none'" in running.ask("/frame/email?images=off").headers["content-security-policy"]


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "10.0.0.1", "x@localhost", "127.0.0.1/../x"]
)
def test_other_names_are_refused(running: Running, host: str) -> None:
    assert running.ask("/", host=host).status == 421


def test_nothing_leads_elsewhere(running: Running) -> None:
    assert running.ask("/facts/").status == 404


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"origin": "https://evil.example", "content_type": "application/json"}, b"{}", 403),
        ({"sec_fetch_site": "cross-site", "content_type": "application/json"}, b"{}", 403),
        ({"content_type": "text/plain"}, b"{}", 415),
        ({}, b"{}", 415),
        ({"content_type": "application/json"}, b"{", 400),
        ({"content_type": "application/json"}, b"[" * 2_000, 400),
        ({"content_type": "application/json"}, b'{"address": 1}', 400),
        ({"content_type": "application/json"}, b" " * 5_000, 413),
    ],
)
def test_a_test_is_sent_for_our_own_page_alone(
    tmp_path: Path, headers: dict[str, str], body: bytes, status: int
) -> None:
    with Catcher() as catcher, preview_of(tmp_path, relay_url=str(catcher.relay)) as running:
        before = running.ask("/sheet/post").text
        assert running.ask("/test", "POST", body, **headers).status == status
        assert running.ask("/fix", "POST", body, **headers).status == status
        assert running.ask("/test").status == running.ask("/fix").status == 405
        assert running.ask("/sheet/post").text == before
        assert catcher.messages() == ()


def test_a_post_is_mended_only_as_it_is_shown(tmp_path: Path) -> None:
    with preview_of(tmp_path, POST + "\n[[source](https://example.com)\n") as running:
        revision = running.ask("/facts").json["revision"]
        for asked in ({}, {"revision": ""}, {"revision": f"{revision + 1}"}):
            answer = running.ask("/fix", "POST", json.dumps(asked).encode(), content_type="application/json")
            assert answer.status == 409
            assert "changed meanwhile" in answer.text
        body = json.dumps({"revision": f"{revision}"}).encode()
        answer = running.ask("/fix", "POST", body, content_type="application/json")
        assert answer.json["fixed"] == 1
        assert (tmp_path / answer.json["backup"]).is_file()


# --- a test ---------------------------------------------------------------------------------------------------------


def send_test(running: Running, address: str, **more: str) -> dict[str, object]:
    body = json.dumps({"address": address, **more}).encode()
    answer = running.ask("/test", "POST", body, content_type="application/json")
    assert answer.status == 200, answer.text
    result: dict[str, object] = answer.json
    return result


def test_a_test_is_the_copy_that_is_shown(tmp_path: Path) -> None:
    with Catcher() as catcher, preview_of(tmp_path, relay_url=str(catcher.relay)) as running:
        assert running.ask("/facts").json["relay"] == {"text": str(catcher.relay), "ready": True}
        result = send_test(running, "me@example.org", reader="2", answers="10")
        assert result["sent"] is True
        (caught,) = catcher.wait_for(1, 10)
        assert caught.rcpt_to == ("me@example.org",)
        mail = read_mail(caught.data)
        assert mail.text is not None
        assert "Only for those who pay." in (mail.text.text or "")
        subject = next(header.value for header in mail.headers if header.name == "Subject")
        assert subject == "[Test] Hello Bob"


def test_each_test_has_a_message_id_of_its_own(tmp_path: Path) -> None:
    with Catcher() as catcher, preview_of(tmp_path, relay_url=str(catcher.relay)) as running:
        for _ in range(2):
            assert send_test(running, "me@example.org")["sent"] is True
        found = [re.search(rb"(?im)^Message-ID: (.*)$", caught.data) for caught in catcher.wait_for(2, 10)]
        assert len({match[1] for match in found if match}) == 2


def test_a_test_says_what_receivers_will_not_believe(tmp_path: Path) -> None:
    settings = '[newsletter]\nfrom = "daily@gmail.com"\n'
    with Catcher() as catcher, preview_of(tmp_path, settings=settings, relay_url=str(catcher.relay)) as running:
        result = send_test(running, "me@example.org")
    assert result["sent"] is True
    assert "Warning: " in str(result["text"])
    assert "is not Gmail's relay" in str(result["text"])


@pytest.mark.parametrize(
    ("address", "words"),
    [("nonsense", "'nonsense' is not an email address"), ("", "is not an email address")],
)
def test_an_address_that_is_none_earns_a_sentence(tmp_path: Path, address: str, words: str) -> None:
    with preview_of(tmp_path, relay_url="smtp://127.0.0.1:1") as running:
        result = send_test(running, address)
        assert result["sent"] is False
        assert words in str(result["text"])
        assert "--test" not in str(result["text"])


def test_a_relay_that_is_not_there_earns_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with preview_of(tmp_path, relay_url=f"smtp://127.0.0.1:{port}") as running:
        result = send_test(running, "me@example.org")
        assert result["sent"] is False
        assert "127.0.0.1" in str(result["text"])


def test_without_a_relay_the_page_says_what_to_set(running: Running) -> None:
    relay = running.ask("/facts").json["relay"]
    assert relay["ready"] is False
    assert "no [relay] url is set; set it, or write --relay smtp://host:port" in relay["text"]
    assert send_test(running, "me@example.org") == {"sent": False, "text": relay["text"]}


# --- following the files --------------------------------------------------------------------------------------------


def test_saving_draws_it_anew_in_place_or_by_renaming(running: Running) -> None:
    with running.events() as events:
        events.inspected()
        running.post.write_text(POST.replace("first", "second"), "utf-8")
        events.until(lambda: running.shows("The second paragraph."))
        new = running.folder / ".hello.md.tmp"
        new.write_text(POST.replace("first", "third"), "utf-8")
        new.replace(running.post)
        events.until(lambda: running.shows("The third paragraph."))


def test_a_new_rendering_comes_with_the_email_as_it_was_looked_at_last(running: Running) -> None:
    with running.events() as events:
        assert "frame" not in events.wait(lambda event: event["rendered"])  # nobody has looked yet
        asked = "/frame/plain?reader=2&answers=10&colours=forced"
        running.ask(f"{asked}&revision=1")
        events.inspected()
        running.post.write_text(POST.replace("first", "second"), "utf-8")
        told = events.wait(lambda event: event["revision"] == 2)
        assert told["frame"] == {"address": asked, "html": running.ask(asked).text}
        assert "frame" not in events.wait(lambda event: event["inspected"])
        running.post.write_text("---\ntitle: x\n---\n\n{{ subscriber.shoe }}\n", "utf-8")
        assert "frame" not in events.wait(lambda event: event["error"])


def test_the_list_the_settings_a_theme_and_a_picture_count_too(tmp_path: Path) -> None:
    theme = tmp_path / "templates" / "mine"
    shutil.copytree(CHECKOUT / "templates" / "classic", theme)
    (tmp_path / "pictures").mkdir()
    settings = '[newsletter]\nname = "Letters"\n[theme]\nname = "mine"\n'
    with (
        preview_of(tmp_path, POST + "\n![chip](pictures/chip.png)\n", settings=settings) as running,
        running.events() as events,
    ):
        events.inspected()
        (running.folder / "list.csv").write_text("email,name,plan,city\neve@example.com,Eve,free,Rome\n")
        events.until(lambda: running.shows("Hello Eve"))
        (running.folder / "newsletter.toml").write_text(settings.replace("Letters", "Notes"))
        events.until(lambda: running.ask("/facts").json["from"]["name"] == "Notes")
        sheet = theme / "live.css"
        sheet.write_text(sheet.read_text() + "\n@media print{p{color:#123456}}\n")
        events.until(lambda: running.shows("#123456"))
        (tmp_path / "pictures" / "chip.png").write_bytes(PNG)
        events.until(lambda: running.shows("/pictures/"))


def test_what_does_not_count_changes_nothing(running: Running) -> None:
    with running.events() as events:
        revision = events.inspected()["revision"]
        (running.folder / "notes.txt").write_text("x")
        (running.folder / "newsletter.db").write_text("x")
        new = running.folder / "new.md"
        new.write_text(POST + "\nMore.\n", "utf-8")
        new.replace(running.post)
        assert events.until(lambda: running.shows("More."))["revision"] == revision + 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"---\ntitle: x\n", "hello.md:1: the front matter is never closed"),
        (b"", "hello.md: the post is empty"),
        (b"---\ntitle: x\n---\n\n\0\1\2", "hello.md:5: this is a binary file"),
        (b"x" * 3_000_000, "hello.md: the post has more than"),
        (b"\xff\xfea\0", "is UTF-16, not UTF-8"),
        (b"---\ntitle: x\n---\n\n{% if subscriber.plan %}\nx\n", "hello.md:5:"),
        (b"---\ntitle: x\n---\n\n{{ subscriber.shoe }}\n", "hello.md:5: subscriber.shoe is not a column"),
        (None, "hello.md: there is no such file"),
    ],
    ids=["half", "empty", "binary", "long", "utf16", "unclosed", "column", "deleted"],
)
def test_a_broken_post_keeps_the_last_good_rendering_and_recovers(
    running: Running, content: bytes | None, words: str
) -> None:
    with running.events() as events:
        events.inspected()
        if content is None:
            running.post.unlink()
        else:
            running.post.write_bytes(content)
        error = events.error()
        assert words in error
        assert running.troubles == [error]
        assert "The first paragraph." in running.ask("/frame/email").text
        assert running.ask("/facts").json["error"]["text"] == error
        assert running.ask("/sheet/post").status == 200
        running.post.write_text(POST.replace("first", "mended"), "utf-8")
        events.until(lambda: running.shows("The mended paragraph."))


def test_a_post_that_becomes_a_pipe_is_not_waited_for(running: Running) -> None:
    with running.events() as events:
        events.inspected()
        running.post.unlink()
        os.mkfifo(running.post)
        while "a pipe, a socket or a device, not a file" not in (error := events.error()):
            assert "there is no such file" in error, "seen between the two"
        assert "The first paragraph." in running.ask("/frame/email").text


@pytest.mark.parametrize(
    ("name", "broken", "words"),
    [
        ("newsletter.toml", "[newsletter\n", "newsletter.toml:1"),
        ("newsletter.toml", '[newsletter]\nnane = "x"\n', "did you mean name?"),
        ("newsletter.toml", '[theme]\nname = "none"\n', "there is no theme 'none'"),
        ("list.csv", "address\n", "list.csv"),
    ],
)
def test_broken_settings_and_lists_do_the_same(running: Running, name: str, broken: str, words: str) -> None:
    path = running.folder / name
    whole = path.read_text()
    with running.events() as events:
        events.inspected()
        path.write_text(broken)
        assert words in events.error()
        assert running.ask("/frame/email").status == 200
        path.write_text(whole)
        events.good()


def test_a_broken_theme_does_the_same(tmp_path: Path) -> None:
    theme = tmp_path / "templates" / "mine"
    shutil.copytree(CHECKOUT / "templates" / "brief", theme)
    settings = '[theme]\nname = "mine"\n'
    with preview_of(tmp_path, settings=settings) as running, running.events() as events:
        events.inspected()
        whole = (theme / "header.mjml.j2").read_text()
        (theme / "header.mjml.j2").write_text("{% if %}")
        assert "header.mjml.j2:1" in events.error()
        (theme / "header.mjml.j2").write_text(whole)
        events.good()


def test_it_starts_with_a_broken_post_and_shows_it_once_it_is_mended(tmp_path: Path) -> None:
    with preview_of(tmp_path, "---\ntitle: x\n") as running, running.events() as events:
        assert "never closed" in events.error()
        assert running.ask("/frame/email").status == 409
        facts = running.ask("/facts").json
        assert facts["rendered"] is False
        assert facts["error"]["line"] == 1
        body = b'{"address": "me@example.org"}'
        assert running.ask("/test", "POST", body, content_type="application/json").status == 409
        running.post.write_text(POST, "utf-8")
        events.until(lambda: running.shows("The first paragraph."))


def test_a_fault_of_the_program_is_said_and_survived(
    running: Running, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("unforeseen")

    with running.events() as events:
        events.inspected()
        with monkeypatch.context() as patched:
            patched.setattr("newsletter.web.preview.live_rendering.render_post", fail)
            running.post.write_text(POST + "\nMore.\n", "utf-8")
            assert "a fault in newsletter itself (ValueError: unforeseen)" in events.error()
        running.post.write_text(POST, "utf-8")
        events.good()
        with monkeypatch.context() as patched:
            patched.setattr("newsletter.web.preview.live_rendering.findings_of", fail)
            running.post.write_text(POST + "\nMore.\n", "utf-8")
            events.until(lambda: running.shows("ValueError: unforeseen", "/facts"))
    assert "Traceback" not in capfd.readouterr().err


def test_a_variant_that_can_no_longer_be_had_earns_a_sentence(tmp_path: Path) -> None:
    with preview_of(tmp_path) as running, running.events() as events:
        events.inspected()
        live = LiveRendering(running.post, lambda: load_config(None, os.environ, tmp_path))
        snapshot = live.render(Snapshot())
        running.post.write_text("---\ntitle: x\n---\n\nNo conditions.\n")
        assert "No conditions." in str(live.email_for(snapshot, (True, True)).html.parts)
        events.until(lambda: running.shows("No conditions.", "/frame/email?answers=11"))


# --- sources --------------------------------------------------------------------------------------------------------


def test_a_source_keeps_its_lines_and_is_escaped() -> None:
    text = '---\ntitle: "<b>"\n---\n\n\n# A & b\n</pre><script>alert(1)</script>\n```\n{x}\n```\n'
    for listing in (lines_of(text, "post"), lines_of(text, "html"), plain_lines(text)):
        assert len(listing.lines) == 10
        assert not any("<script" in line or "<b>" in line for line in listing.lines)
        assert [line.striptags() for line in listing.lines[5:7]] == ["# A & b", "</pre><script>alert(1)</script>"]


def test_a_long_source_is_plain_and_then_cut() -> None:
    assert "<span" not in "".join(lines_of("# x\n" * (MAX_MARKED_CHARS // 4 + 1), "post").lines)
    assert plain_lines("x" * (MAX_SHOWN_CHARS + 7)).left_out == 7


@pytest.mark.parametrize("piece", ["&", "<!--", "<", "<style>", "[\n", "\n", "```html\n<!--\n"])
def test_a_source_is_marked_in_pieces_of_a_bounded_length(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the marker costs may grow with the square of a piece, so pieces have an end."""
    sizes: list[int] = []
    before = Lexer.get_tokens

    def counted(self: Lexer, text: str, unfiltered: bool = False) -> object:
        sizes.append(len(text))
        return before(self, text, unfiltered)

    monkeypatch.setattr(Lexer, "get_tokens", counted)
    text = "# one\n" + piece * ((MAX_MARKED_CHARS - 100) // len(piece) // 8) + "\ntwo"
    for shown in (lines_of(text, "html"), lines_of(f"---\n{text}\n---\n{text}", "post")):
        assert shown.lines[-1] == "two" or "two" in shown.lines[-1]
    assert 0 < sum(sizes) <= 3 * len(text) + 3_000
    assert max(sizes) <= MAX_MARKED_PIECE + 1


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_says_where_it_is_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    post = write_post(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start("preview", post, "--port", port, "--no-open", cwd=tmp_path)
        assert process.stdout is not None
        line = process.stdout.readline().decode()
    assert process.stderr is not None
    said = [process.stderr.readline().decode() for _ in range(2)]
    assert line.startswith("Preview: http://127.0.0.1:")
    assert f":{port}/" not in line
    process.send_signal(signal.SIGINT)
    run = finish(process)
    assert run.code == 0
    assert f"Port {port} is taken by another program" in said[0]
    assert said[1] == "Press Ctrl-C to stop.\n"
    assert run.err == ""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none.md"], 1, "none.md: there is no such file"),
        ([".", "--host", "0.0.0.0"], 2, "answers this machine alone"),
        ([".", "--images", "embed"], 2, "for the preview of one post"),
        (["--to", "none.csv"], 2, "there is no such file"),
        (["-"], 1, "preview watches a file"),
        (["post.md", "--to", "none.csv"], 2, "none.csv: there is no such file"),
        (["post.md", "--host", "192.0.2.1"], 2, "cannot listen on 192.0.2.1"),
        (["post.md", "--host", ""], 2, "the host to listen on is empty; use 127.0.0.1"),
        (["post.md", "--port", "70000"], 2, "port 70000 does not exist"),
    ],
)
def test_the_command_refuses_what_cannot_be(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    write_post(tmp_path, name="post.md")
    run = newsletter("preview", *arguments, "--no-open", cwd=tmp_path)
    assert run.code == code
    assert words in run.err


def test_the_first_ctrl_c_ends_a_preview_that_is_still_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes while the post is drawn for the first time, before the page can be opened."""
    post = tmp_path / "post.md"
    post.write_text(POST, "utf-8")
    live = LiveRendering(post, lambda: load_config(None, {}, tmp_path))
    draw = live.render

    def interrupted(last: Snapshot) -> Snapshot:
        os.kill(os.getpid(), signal.SIGINT)
        return draw(last)

    monkeypatch.setattr(live, "render", interrupted)
    with pytest.raises(KeyboardInterrupt):
        PreviewServer(live).start()
    assert not [thread for thread in threading.enumerate() if thread.name == "preview"]
