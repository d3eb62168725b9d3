"""`newsletter archive`, and `publish`, which brings it up to date."""

from __future__ import annotations

import datetime
import email
import email.policy
from pathlib import Path

import pytest
from archived import SETTINGS, Shelf
from command_line import newsletter
from smtp_server import SmtpServer


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path)
    shelf.publish("2026-02-06-two", "The text of Two.", title="Issue Two", date="2026-02-06")
    return shelf


def test_it_says_where_to_look_and_then_that_nothing_changed(shelf: Shelf) -> None:
    first = newsletter("archive", "--out", "there", cwd=shelf.folder)
    assert first.code == 0, first.err
    assert first.out.startswith("there/index.html: 1 issue; ")
    assert (shelf.folder / "there" / "issues" / "2026-02-06-two.html").exists()
    again = newsletter("archive", "--out", "there", cwd=shelf.folder)
    assert again.out == "there: 1 issue, nothing has changed.\n"


def test_json_and_the_folder_of_the_settings(shelf: Shelf) -> None:
    dry = newsletter("archive", "--dry-run", "--json", cwd=shelf.folder).json
    assert dry["dry_run"] is True
    assert not shelf.site.exists()
    done = newsletter("archive", "--json", cwd=shelf.folder).json
    assert (done["issues"], done["written"]) == (1, dry["written"])
    assert (shelf.site / "index.html").exists()


def test_what_is_left_out_is_said(shelf: Shelf) -> None:
    shelf.send(shelf.write("2026-02-08-paid", date="2026-02-08"), segment="plan == 'pro'")
    run = newsletter("archive", cwd=shelf.folder)
    assert "left out  2026-02-08-paid: it went to a segment alone (plan == 'pro')\n" in run.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--out", ""), "--out is empty"),
        (("--url", "ftp://example.com"), "--url is"),
        (("--out", "posts"), "has files that are not an archive's"),
        (("--out", "newsletter.toml"), "this is a file"),
        (("--ledger", "sqlite:///none.db"), "there is no ledger"),
    ],
)
def test_a_slip_is_a_sentence_and_exits_with_2(shelf: Shelf, arguments: tuple[str, ...], words: str) -> None:
    run = newsletter("archive", *arguments, cwd=shelf.folder)
    assert run.code == 2
    assert words in run.err
    assert (shelf.folder / "posts" / "2026-02-06-two.md").exists()


def test_without_a_folder_it_says_what_to_write(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, settings=SETTINGS.replace('dir = "site"\n', ""))
    shelf.publish("2026-02-06-two", date="2026-02-06")
    run = newsletter("archive", cwd=tmp_path)
    assert (run.code, "write --out site/" in run.err) == (2, True)


def test_publish_brings_it_up_to_date_and_the_mail_leads_there(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    shelf.write(f"{today}-today", "The text of today.", title="Today", date=today)
    (tmp_path / "list.csv").write_text("email\na@example.com\n")
    with SmtpServer() as server:
        run = newsletter(
            *("publish", "posts", "--to", "list.csv", "--relay", server.url, "--first", "--json"), cwd=tmp_path
        )
    assert run.code == 0, run.err
    assert f"issues/{today}-today.html" in run.json["archive"]["written"]
    assert "The text of today." in shelf.page(f"{today}-today")
    (message,) = server.messages
    mail = email.message_from_bytes(message.data, policy=email.policy.default)
    address = f"https://example.com/archive/issues/{today}-today.html"
    assert mail["Archived-At"] == f"<{address}>"
    assert mail["List-Archive"] == "<https://example.com/archive/>"
    assert address in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_a_fault_of_the_archive_is_a_warning_of_publish(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.site.mkdir()
    (shelf.site / "mine.txt").write_text("mine")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    shelf.write(f"{today}-today", title="Today", date=today)
    (tmp_path / "list.csv").write_text("email\na@example.com\n")
    with SmtpServer() as server:
        run = newsletter("publish", "posts", "--to", "list.csv", "--relay", server.url, "--first", cwd=tmp_path)
    assert run.code == 0
    assert "the archive was not brought up to date" in run.err
    assert len(server.messages) == 1


def test_an_issue_of_a_segment_has_no_address_in_the_archive(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.write("2026-02-06-two", date="2026-02-06")
    (tmp_path / "list.csv").write_text("email,plan\na@example.com,pro\nb@example.com,free\n")
    with SmtpServer() as server:
        run = newsletter(
            *("send", "posts/2026-02-06-two.md", "--to", "list.csv", "--where", "plan == 'pro'", "--yes", "--first"),
            *("--relay", server.url),
            cwd=tmp_path,
        )
    assert run.code == 0, run.err
    (message,) = server.messages
    assert b"Archived-At" not in message.data
    assert b"List-Archive" in message.data
