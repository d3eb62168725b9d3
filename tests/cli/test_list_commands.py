"""Lists at the front doors: what stops a send and what lets it go on, who signed up, fields that are empty."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import Run, newsletter, write_post
from smtp_server import Rule, SmtpServer

from newsletter.audience.people.records import Reason
from newsletter.audience.people.store import People
from newsletter.config.load import load_config
from newsletter.web.preview.live_rendering import LiveRendering, Snapshot

ISSUE = "2026-03-01-hello"
SECRET = "a secret of the operator"
KIT = (
    "email_address,first_name,state\nann@example.com,Ann,active\nbo@example.com,Bo,dormant\n"
    "cy@example.com,Cy,cancelled\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path, "---\ntitle: Hello\n---\n\nDear {{ subscriber.name }} of {{ subscriber['first name'] }}.\n")
    (tmp_path / "list.csv").write_text(KIT)
    return tmp_path


def run(folder: Path, *arguments: object) -> Run:
    return newsletter(*arguments, cwd=folder, NEWSLETTER_SECRET=SECRET)


def join(folder: Path, *addresses: str, **fields: str) -> None:
    with People.open(folder / "newsletter.db", lambda: datetime.now(UTC), [SECRET]) as store:
        for address in addresses:
            store.sign_up(address, source="https://a.example/join", wording="Mail me", fields=fields)
            store.confirm(address, source="https://a.example/confirm")


# --- columns that are not understood --------------------------------------------------------------------------------

COMMANDS = [
    ["send", f"{ISSUE}.md", "--to", "list.csv", "--dry-run"],
    ["check", f"{ISSUE}.md", "--to", "list.csv", "--no-spam"],
    ["subscribers", "convert", "list.csv", "--out", "clean.csv"],
    ["subscribers", "merge", "list.csv", "--out", "all.csv"],
    ["subscribers", "export", "list.csv", "--out", "sheet.csv"],
    ["subscribers", "diff", "list.csv", "list.csv"],
    ["subscribers", "list", "list.csv"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_every_command_stops_at_what_it_does_not_understand(folder: Path, command: list[str]) -> None:
    write_post(folder)
    stopped = run(folder, *command)
    assert stopped.code == 1
    assert "the column 'state' may say who has left, and is not understood: 'dormant' (1)" in stopped.err
    assert "--column state=ignore" in stopped.err
    assert not list(folder.glob("clean*"))
    assert not (folder / "sheet.csv").exists()
    assert run(folder, *command, "--column", "state:dormant=skip").code == 0
    assert run(folder, *command, "--column", "STATE=ignore").code == 0
    (folder / "newsletter.toml").write_text('[subscribers]\ncolumns = { "state:dormant" = "mail" }\n')
    assert run(folder, *command).code == 0


def test_a_check_never_calls_good_what_it_did_not_understand(folder: Path) -> None:
    checked = run(folder, "subscribers", "check", "list.csv", "--json")
    assert checked.code == 1
    found = checked.json
    assert (found["good"], found["excluded"]) == (1, {"unclear: state": 1, "unsubscribed": 1})
    assert found["unclear"] == [{"column": "state", "rows": 1, "values": {"dormant": 1}}]
    assert run(folder, "subscribers", "check", "list.csv", "--column", "state:dormant=skip").code == 0


def test_nobody_is_mailed_before_the_author_has_said_and_resume_remembers(folder: Path) -> None:
    write_post(folder)
    with SmtpServer(Rule("RCPT", b"450 4.2.1 mailbox busy\r\n", about="bo@", times=(1, 2))) as server:
        way = ("send", f"{ISSUE}.md", "--to", "list.csv", "--relay", server.url, "--yes", "--first")
        assert run(folder, *way).code == 1
        assert server.messages == []
        first = run(folder, *way, "--column", "state:dormant=mail", "--json")
        assert (first.code, first.json["counts"]["left"]) == (3, 1)
        retried = run(folder, "retry", ISSUE, "--relay", server.url, "--yes", "--json")
        assert (retried.code, retried.json["sent"]) == (0, 1), retried.err
        assert [message.recipient for message in server.messages] == ["ann@example.com", "bo@example.com"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ('{ state = "drop" }', 'is "drop"; write "ignore" for a column, "mail" or "skip" for column:value'),
        ('{ "state:x" = 3 }', "is a whole number, not a string"),
    ],
)
def test_a_rule_in_the_configuration_that_is_none_gets_a_sentence(folder: Path, columns: str, words: str) -> None:
    (folder / "newsletter.toml").write_text(f"[subscribers]\ncolumns = {columns}\n")
    refused = run(folder, "subscribers", "check", "list.csv")
    assert (refused.code, words in refused.err) == (2, True), refused.err
    assert "newsletter.toml:2: [subscribers] columns." in refused.err


def test_an_option_that_says_nothing_of_a_column_is_refused(folder: Path) -> None:
    refused = run(folder, "subscribers", "check", "list.csv", "--column", "state")
    assert refused.code == 2
    assert "write state=ignore, or state:dormant=mail, or state:dormant=skip" in refused.err


# --- nobody left ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["check", "convert", "merge", "export", "list"])
def test_a_list_from_which_nobody_is_left_ends_with_1(folder: Path, command: str) -> None:
    (folder / "gone.csv").write_text("email,status\nann@example.com,unsubscribed\nbo@example.com,bounced\n")
    out = () if command in ("check", "list") else ("--out", "o.csv")
    ended = run(folder, "subscribers", command, "gone.csv", *out)
    assert ended.code == 1
    assert "nobody on it is a subscriber, as it says itself in 2 rows; take another list" in ended.err


def test_a_conversion_shows_names_and_writes_them_right(folder: Path) -> None:
    (folder / "list.csv").write_bytes("email,name\na@example.com,林美玲\nb@example.com,陳大文\n".encode("big5"))
    made = run(folder, "subscribers", "convert", "list.csv", "--out", "clean.csv")
    assert made.code == 0
    assert "it was read as Big5, by its looks; see that the names are right, such as '林美玲', '陳大文'" in made.err
    assert (folder / "clean.csv").read_text("utf-8").splitlines()[1:] == [
        "a@example.com,林美玲",
        "b@example.com,陳大文",
    ]
    told = run(folder, "subscribers", "check", "list.csv", "--json")
    assert (told.code, told.json["names"]) == (1, ["林美玲", "陳大文"])
    assert run(folder, "send", f"{ISSUE}.md", "--to", "list.csv", "--dry-run").code == 1  # a guess is not sent to


# --- who signed up --------------------------------------------------------------------------------------------------


def test_who_signed_up_is_a_list_wherever_one_is_taken(folder: Path) -> None:
    write_post(folder, "---\ntitle: Hello\n---\n\nDear {{ subscriber.name }}.\n")
    join(folder, "zoe@example.com", name="Zoe")
    join(folder, "yan@example.com", city="=Ulm")
    checked = run(folder, "subscribers", "check", "@signups", "--json")
    assert (checked.code, checked.json["good"], checked.json["columns"]) == (0, 2, ["email", "name", "lang", "city"])
    assert "@signups: those who signed up and confirmed" in run(folder, "subscribers", "check", "@signups").out
    assert run(folder, "subscribers", "export", "@signups", "--out", "o.csv", "--json").json["people"] == 2
    assert "'=Ulm" in (folder / "o.csv").read_text("utf-8-sig")
    listed = run(folder, "subscribers", "list", "@signups", "--where", "name")
    assert (listed.out, listed.err) == ("zoe@example.com  Zoe\n", "1 person\n")
    told = run(folder, "subscribers", "list", "@signups", "--json").json
    assert (told["count"], [person["email"] for person in told["people"]]) == (
        2,
        ["zoe@example.com", "yan@example.com"],
    )
    post = run(folder, "check", f"{ISSUE}.md", "--to", "@signups", "--no-spam", "--json").json["posts"][0]
    assert [finding["what"] for finding in post["findings"] if finding["rule"] == "field-empty"] == [
        "subscriber.name is empty for 1 of 2, and leaves a hole"
    ]
    live = LiveRendering(folder / f"{ISSUE}.md", lambda: load_config(None, os.environ, folder), to="@signups")
    snapshot = live.render(Snapshot())
    assert snapshot.error == ""
    assert snapshot.audience is not None
    assert len(snapshot.audience) == 2


def test_what_the_people_agreed_to_comes_along(folder: Path) -> None:
    join(folder, "zoe@example.com", name="Zoe")
    listed = run(folder, "subscribers", "list", "@signups", "--consent")
    assert listed.out.startswith("zoe@example.com  Zoe  2")
    assert "  https://a.example/join  Mail me  2" in listed.out
    assert listed.out.endswith("  https://a.example/confirm\n")
    (person,) = run(folder, "subscribers", "list", "@signups", "--consent", "--json").json["people"]
    assert (person["consent_page"], person["consent_wording"]) == ("https://a.example/join", "Mail me")
    assert datetime.fromisoformat(person["consent_asked"]) <= datetime.fromisoformat(person["consent_confirmed"])
    made = run(folder, "subscribers", "export", "@signups", "--consent", "--out", "o.csv", "--json").json
    assert made["columns"][-5:] == [
        *("consent_asked", "consent_page", "consent_wording"),
        *("consent_confirmed", "consent_confirmed_on"),
    ]
    assert "consent_asked" not in run(folder, "subscribers", "list", "@signups", "--json").json["people"][0]
    refused = run(folder, "subscribers", "list", "list.csv", "--consent")
    assert (refused.code, "consent is kept of those who signed up; write @signups" in refused.err) == (2, True)


def test_how_many_signed_up_and_how_many_came_and_went(folder: Path) -> None:
    join(folder, "zoe@example.com", "yan@example.com", "xi@example.com")
    with People.open(folder / "newsletter.db", lambda: datetime.now(UTC), [SECRET]) as store:
        store.sign_up("asks@example.com", source="", wording="")
        store.leave("xi@example.com", "a click")
        store.suppress("yan@example.com", Reason.HARD_BOUNCE)
    told = run(folder, "subscribers", "list", "@signups", "--count", "--json").json
    numbers = told["sign_ups"]["@signups"]
    months = numbers.pop("months")
    assert (told["count"], numbers) == (2, {"confirmed": 2, "not_mailed": 1, "pending": 1, "left": 1})
    assert [sum(month[key] for month in months) for key in ("joined", "left", "let_go")] == [3, 1, 1]
    shown = run(folder, "subscribers", "list", "@signups", "--count").out.splitlines()
    assert shown[:3] == [
        "2 people",
        "@signups: 2 confirmed, 1 of them not mailed; 1 have yet to confirm, 1 left",
        "month       joined    left  let go",
    ]
    assert run(folder, "subscribers", "list", "list.csv", "--column", "state=ignore", "--count").out == "3 people\n"


def test_the_last_one_who_left_is_still_counted(folder: Path) -> None:
    join(folder, "zoe@example.com")
    with People.open(folder / "newsletter.db", lambda: datetime.now(UTC), [SECRET]) as store:
        store.leave("zoe@example.com", "a click")
    counted = run(folder, "subscribers", "list", "@signups", "--count")
    assert counted.code == 0
    assert counted.out.splitlines()[:2] == [
        "0 people",
        "@signups: 0 confirmed, 0 of them not mailed; 0 have yet to confirm, 1 left",
    ]
    refused = run(folder, "subscribers", "list", "@signups")
    assert (refused.code, "nobody has signed up and confirmed" in refused.err) == (1, True)


@pytest.mark.parametrize(
    "command", [["subscribers", "check"], ["subscribers", "list"], ["check", f"{ISSUE}.md", "--to"]], ids=" ".join
)
def test_who_signed_up_without_a_ledger_gets_a_sentence(folder: Path, command: list[str]) -> None:
    refused = run(folder, *command, "@signups")
    assert refused.code == 2
    assert "there is no ledger, so nobody has signed up" in refused.err


# --- fields ---------------------------------------------------------------------------------------------------------


def test_the_remedy_for_an_empty_field_is_valid_in_a_post(folder: Path) -> None:
    (folder / "list.csv").write_text("email,name,First name\nann@example.com,Ann,\nbo@example.com,Bo,B\n")
    found = run(folder, "check", f"{ISSUE}.md", "--to", "list.csv", "--no-spam", "--json").json["posts"][0]["findings"]
    (empty,) = [finding for finding in found if finding["rule"] == "field-empty"]
    assert empty["what"] == 'subscriber["first name"] is empty for 1 of 2, and leaves a hole'
    remedy = empty["remedy"].removeprefix("write ")
    write_post(folder, f"---\ntitle: Hello\n---\n\nDear {remedy.replace('…', 'friend')}.\n")
    again = run(folder, "check", f"{ISSUE}.md", "--to", "list.csv", "--no-spam", "--json")
    assert "field-empty" not in again.out
    assert "unreadable" not in again.out
    dry = run(folder, "send", f"{ISSUE}.md", "--to", "list.csv", "--dry-run")
    assert dry.code == 0
