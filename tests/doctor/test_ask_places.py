"""A relay, a web address, a ledger and files, asked for real on this machine."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from link_server import LinkServer, redirect, serving
from postgres import Server
from smtp_server import Fault, Rule, SmtpServer

from newsletter.config.load import load_config
from newsletter.doctor.ask.files import find_exposed
from newsletter.doctor.ask.ledger import read_ledger
from newsletter.doctor.ask.relay import ask_relay
from newsletter.doctor.ask.web import ask_web
from newsletter.doctor.judge.one_click import WebAnswer
from newsletter.ledger.chores import note_chore
from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import Relay, State
from newsletter.safe_http import is_public, resolve_name, system_trust

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PATIENT_S = 600.0
HASTY_S = 0.2


# --- relay ----------------------------------------------------------------------------------------------------------


def test_a_relay_shows_its_certificate_and_what_it_offers() -> None:
    authority = trustme.CA()
    server_tls, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server_tls)
    authority.configure_trust(trusting)
    with SmtpServer(tls=server_tls, login=("ada", "word")) as server:
        relay = Relay("localhost", server.port, "starttls", "ada", "word")
        answer = asyncio.run(ask_relay(relay, timeout_s=PATIENT_S, tls_context=trusting))
        assert answer.failure == ""
        assert {"pipelining", "size", "8bitmime", "smtputf8"} <= set(answer.offers)
        assert answer.tls_version.startswith("TLS")
        assert answer.certificate_until is not None
        assert answer.certificate_until > NOW
        assert server.messages == []
        assert not any(command.startswith("MAIL") for command in server.commands)


@pytest.mark.parametrize(
    ("rule", "passing"),
    [
        (Rule("connect", "421 4.3.2 come back later"), True),
        (Rule("connect", Fault.SILENCE), True),
        (Rule("connect", Fault.DROP), True),
        (Rule("AUTH", "535 5.7.8 no"), False),
    ],
)
def test_a_relay_that_fails_is_a_sentence(rule: Rule, passing: bool) -> None:
    with SmtpServer(rule, login=("ada", "the-secret-word")) as server:
        relay = Relay("127.0.0.1", server.port, "none", "ada", "the-secret-word")
        answer = asyncio.run(ask_relay(relay, timeout_s=HASTY_S if rule.action is Fault.SILENCE else PATIENT_S))
    assert answer.failure
    assert "the-secret-word" not in answer.failure
    assert answer.passing == passing


# --- web ------------------------------------------------------------------------------------------------------------


def asked(url: str, *, method: str = "GET", local: bool = True, timeout_s: float = PATIENT_S) -> WebAnswer:
    async def run() -> WebAnswer:
        return await ask_web(
            method,
            url,
            timeout_s=timeout_s,
            resolve=resolve_name,
            allow=(lambda address: address.is_loopback) if local else is_public,
            trust=system_trust(),
        )

    return asyncio.run(run())


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with serving() as server:
        url = server.serve("/u", redirect(302, "/elsewhere"))
        answer = asked(url)
        assert (answer.status, answer.location) == (302, "/elsewhere")
        assert answer.date
        assert server.requests == ["GET /u"]


@pytest.mark.parametrize("fault", ["silent", "hang up", "reset", "noise"])
def test_a_broken_server_is_a_sentence(fault: str) -> None:
    with serving() as server:
        url = server.serve("/u", fault)
        answer = asked(url, timeout_s=HASTY_S if fault == "silent" else PATIENT_S)
    assert answer.status == 0
    assert answer.failure
    assert not answer.private


def test_a_body_without_an_end_is_left() -> None:
    with serving() as server:
        assert asked(server.serve("/u", "endless")).status == 200


def test_a_private_address_is_not_asked() -> None:
    with serving() as server:
        answer = asked(server.serve("/u"), local=False)
        assert answer.private
        assert server.requests == []


def test_nobody_and_a_certificate_of_nobody() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with serving(context) as server:
        assert "certificate" in asked(server.serve("/u", host="localhost")).failure
    closed: LinkServer = server
    assert asked(closed.url("/u")).failure == "nobody answers there"


# --- ledger ---------------------------------------------------------------------------------------------------------


def fill(place: Path | str) -> None:
    with Ledger.open(place, lambda: NOW) as ledger:
        where = "lists/all.csv\n@signups\nwhere plan == 'pro'"
        ledger.plan("hello", ["ada@quill.test"], content_hash="h", subject="Hello", audience=where)
        (claim,) = ledger.claim("hello", 10)
        ledger.write("hello", [Move(claim.row, State.COMMITTING, message_id="<1@quill.test>")])
        ledger.write("hello", [Move(claim.row, State.SENT, stage="dot", code=250, reply="ok")])
        note_chore(ledger.storage, "bounces", NOW)


def test_a_ledger_is_read_and_not_written(store: Path | str) -> None:
    fill(store)
    before = {path.name: path.read_bytes() for path in store.parent.iterdir()} if isinstance(store, Path) else {}
    health = read_ledger(store, PATIENT_S)
    assert (health.failure, health.issues, health.last_sent, health.last_bounce) == ("", 1, NOW, None)
    assert (health.bounces_read, health.backed_up, health.is_file) == (NOW, None, isinstance(store, Path))
    assert health.version == health.known_version
    assert health.lists == ("lists/all.csv", "@signups")
    if isinstance(store, Path):
        assert {path.name: path.read_bytes() for path in store.parent.iterdir()} == before
        assert health.free_bytes


def test_a_ledger_in_use_can_be_examined(tmp_path: Path) -> None:
    place = tmp_path / "newsletter.db"
    fill(place)
    with Ledger.open(place, lambda: NOW) as ledger:
        assert read_ledger(place, PATIENT_S).failure == ""
        ledger.plan("second", ["ada@quill.test"], content_hash="i", subject="Again")
        assert read_ledger(place, PATIENT_S).issues == 2


def test_no_ledger_is_made(tmp_path: Path) -> None:
    health = read_ledger(tmp_path / "deep" / "newsletter.db", PATIENT_S)
    assert not health.exists
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_ledger_a_foreign_one_and_none(tmp_path: Path) -> None:
    place = tmp_path / "newsletter.db"
    fill(place)
    with sqlite3.connect(place) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    data = bytearray(place.read_bytes())
    data[4096 : 4096 * 6] = bytes(4096 * 5)
    place.write_bytes(data)
    assert "damaged" in read_ledger(place, PATIENT_S).failure

    text = tmp_path / "text.db"
    text.write_text("email\nada@quill.test\n" * 50)
    assert "not a ledger" in read_ledger(text, PATIENT_S).failure

    old = tmp_path / "old.db"
    with sqlite3.connect(old) as db:
        db.execute("CREATE TABLE ledger_version (version INTEGER)")
        db.execute("INSERT INTO ledger_version VALUES (1)")
    db.close()
    assert (read_ledger(old, PATIENT_S).failure, read_ledger(old, PATIENT_S).version) == ("", 1)

    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE things (name TEXT)")
    db.close()
    assert (read_ledger(other, PATIENT_S).failure, read_ledger(other, PATIENT_S).version) == ("", 0)

    pipe = tmp_path / "pipe.db"
    os.mkfifo(pipe)
    assert read_ledger(pipe, PATIENT_S).failure
    assert read_ledger(tmp_path, PATIENT_S).failure


def test_a_database_that_is_not_there(postgres_server: Server) -> None:
    health = read_ledger(postgres_server.url("nobody"), PATIENT_S)
    assert health.failure
    assert health.remedy
    assert "hunter2" not in health.failure + health.name


# --- files ----------------------------------------------------------------------------------------------------------


def exposed(folder: Path, newsletter: str = ".") -> tuple[Sequence[str], int]:
    root = folder / newsletter
    root.mkdir(parents=True, exist_ok=True)
    (root / "newsletter.toml").write_text('[dkim]\ndomain = "quill.test"\nselector = "s"\nkey = "dkim.pem"\n')
    for name, text in {
        "subscribers.csv": "Email,Name\nada@quill.test,Ada\n",
        "figures.csv": "year;count\n2026;7\n",
        "newsletter.db": "",
        "dkim.pem": "",
        ".env": "",
    }.items():
        (root / name).write_text(text)
    found, count = find_exposed(load_config(root / "newsletter.toml", {}, root))
    return sorted(each.file for each in found), count


def test_a_folder_of_its_own_publishes_nothing(tmp_path: Path) -> None:
    assert exposed(tmp_path) == ([], 4)


def test_jekyll_publishes_what_it_is_not_told_to_leave_out(tmp_path: Path) -> None:
    (tmp_path / "_config.yml").write_text("title: Quill\n")
    assert exposed(tmp_path)[0] == ["dkim.pem", "newsletter.db", "subscribers.csv"]
    (tmp_path / "_config.yml").write_text('exclude: ["*.csv", newsletter.db, dkim.pem]\n')
    assert exposed(tmp_path)[0] == []


def test_jekyll_s_own_folders_and_a_folder_that_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "_config.yml").write_text("exclude: [mail/]\n")
    assert exposed(tmp_path, "mail")[0] == []
    assert exposed(tmp_path, "_letters")[0] == []
    assert len(exposed(tmp_path, "letters")[0]) == 3


def test_a_list_elsewhere_is_known_from_the_ledger(tmp_path: Path) -> None:
    home, site = tmp_path / "mail", tmp_path / "site"
    (site / "static").mkdir(parents=True)
    home.mkdir()
    (site / "hugo.toml").write_text("")
    (site / "static" / "all.csv").write_text("email\nada@quill.test\n")
    (home / "newsletter.toml").write_text("")
    config = load_config(home / "newsletter.toml", {}, home)
    assert find_exposed(config) == ((), 0)
    (found,) = find_exposed(config, ["../site/static/all.csv", "../gone.csv", "@signups"])[0]
    assert found.kind == "a list of addresses"


@pytest.mark.parametrize(
    ("mark", "folder", "published"),
    [
        ("hugo.toml", "static/mail", True),
        ("hugo.toml", "mail", False),
        ("hugo.toml", ".", False),
        ("pelicanconf.py", "content", True),
        ("astro.config.mjs", "public", True),
        (".eleventy.js", "posts", False),
        (".nojekyll", "mail", True),
        ("README.md", "public_html/mail", True),
    ],
)
def test_other_sites(tmp_path: Path, mark: str, folder: str, published: bool) -> None:
    (tmp_path / mark).write_text("")
    assert bool(exposed(tmp_path, folder)[0]) == published


def test_a_bare_jekyll_site_needs_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "_posts").mkdir()
    (tmp_path / "index.md").write_text("")
    assert exposed(tmp_path)[0] == ["dkim.pem", "newsletter.db", "subscribers.csv"]
