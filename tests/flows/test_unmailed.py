"""An unsubscribed person is never mailed: the whole program, from the command line to a server that counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command_line import Run, newsletter, people, write_list, write_post
from smtp_server import Rule, SmtpServer

from newsletter.audience.people.records import BounceEvent, BounceKind, Preferences, Reason
from newsletter.audience.people.store import People
from newsletter.ledger.ledger import Ledger
from newsletter.tokens import is_address_hash

SECRET = "a secret of the operator"
ISSUE = "2026-03-01-hello"
ADA, BO, CY, DI, EVE = (f"{name}@example.com" for name in ("ada", "bo", "cy", "di", "eve"))
FIVE = (ADA, BO, CY, DI, EVE)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path)
    write_list(tmp_path, *FIVE)
    return tmp_path


@contextmanager
def people_of(folder: Path) -> Iterator[People]:
    with People.open(folder / "newsletter.db", now, [SECRET]) as opened:
        yield opened


def run(folder: Path, *arguments: object, secret: str = SECRET) -> Run:
    return newsletter(*arguments, cwd=folder, NEWSLETTER_SECRET=secret)


def send(folder: Path, server: SmtpServer, *more: str, to: Sequence[str] = ("list.csv",)) -> Run:
    lists = [part for name in to for part in ("--to", name)]
    return run(
        folder, "send", "2026-03-01-hello.md", *lists, "--relay", server.url, "--yes", "--first", "--json", *more
    )


def test_who_left_bounced_or_complained_is_mailed_by_nothing(folder: Path) -> None:
    with people_of(folder) as store:
        store.leave(ADA, "one-click", issue="2026-02-01")
        store.record_bounce(BounceEvent(BO, now(), BounceKind.HARD, "m/1", "5.1.1", "no such user"))
        store.record_bounce(BounceEvent(CY, now(), BounceKind.COMPLAINT, "m/2"))
    with SmtpServer() as server:
        sent = send(folder, server)
        assert (sent.code, sent.json["sent"]) == (0, 2)
        assert sent.json["counts"] == {"sent": 2, "refused": 0, "left": 0, "uncertain": 0, "suppressed": 3}
        assert sent.json["suppressed"] == {"complaint": 1, "hard-bounce": 1, "unsubscribed": 1}
        assert sorted(server.recipients) == [DI, EVE]
        # The same list once more; another tool's export with other spellings; last year's backup of the list.
        write_list(folder, "Ada@Example.COM", "BO@example.com", DI, name="export.csv")
        write_list(folder, CY, BO, ADA, name="old.csv")
        for number, name in enumerate(("list.csv", "export.csv", "old.csv"), 2):
            write_post(folder, f"---\ntitle: Number {number}\n---\n\nText.\n", "2026-03-01-hello.md")
            assert send(folder, server, "--continue", "--changed-list", to=[name]).code == 0
            write_post(folder, f"---\ntitle: Next {number}\n---\n\nText.\n", f"next-{number}.md")
            later = run(
                folder,
                "send",
                f"next-{number}.md",
                "--to",
                name,
                "--relay",
                server.url,
                "--yes",
                "--first",
                "--changed-list",
            )
            assert later.code == 0
            assert "Suppressed" in later.out
        assert not {ADA, BO, CY} & {recipient.lower() for recipient in server.recipients}
    status = run(folder, "status", ISSUE)
    assert "Suppressed         3" in status.out


def test_a_retry_a_resend_and_resume_pass_over_who_left_meanwhile(folder: Path) -> None:
    rules = [Rule("RCPT", "550 5.1.1 nobody", about="ada"), Rule("RCPT", "450 4.2.1 later", about="bo")]
    with SmtpServer(*rules) as server:
        assert send(folder, server).code == 3
        server.rules.clear()
        with people_of(folder) as store:
            for address in (ADA, BO):
                store.leave(address, "one-click")
        for command in (["retry", ISSUE, "--failed"], ["resume", ISSUE]):
            again = run(folder, *command, "--relay", server.url, "--yes", "--json")
            assert again.code == 0, again.err
        assert sorted(server.recipients) == [CY, DI, EVE]
    report = run(folder, "report", ISSUE, "--json").json
    assert report["counts"] == {
        "audience": 5,
        "sent": 3,
        "refused": 0,
        "left": 0,
        "deferred": 0,
        "untried": 0,
        "uncertain": 0,
        "suppressed": 2,
    }
    assert report["suppressed"] == {"unsubscribed": 2}
    text = run(folder, "report", ISSUE)
    assert "Suppressed  2  2 unsubscribed" in text.out
    assert run(folder, "report", ISSUE, "--html", "report.html").code == 0
    page = (folder / "report.html").read_text()
    assert "Everyone has it who is to be mailed." in page
    assert "5 in the audience = 3 sent + 0 refused + 0 left + 0 uncertain + 2 suppressed" in page


def test_who_leaves_while_their_message_is_under_way_is_not_mailed(folder: Path) -> None:
    """They click in the very moment between the text and its final dot."""

    def leave() -> None:
        with people_of(folder) as store:
            store.leave(CY, "one-click")
            store.leave(EVE, "one-click")

    with SmtpServer(Rule("DATA", leave, about="cy")) as server:
        sent = send(folder, server, "--connections", "1")
        assert (sent.code, sent.json["sent"]) == (0, 3), sent.err
        assert sent.json["suppressed"] == {"unsubscribed": 2}
        assert server.recipients == [ADA, BO, DI]
        assert f"{CY}: suppressed" not in sent.out


def test_the_plan_says_whom_it_leaves_out_and_asks_for_the_others(folder: Path) -> None:
    with people_of(folder) as store:
        store.leave(ADA, "one-click")
        store.set_preferences(BO, Preferences(paused_until=now() + timedelta(days=30)))
    with SmtpServer() as server:
        asked = run(folder, "send", "2026-03-01-hello.md", "--to", "list.csv", "--relay", server.url)
        assert asked.code == 2
        assert "Not mailed  1 paused, 1 unsubscribed" in asked.out
        assert "Send to the other 3 subscribers?" in asked.err
        with Ledger.open(folder / "newsletter.db", now) as ledger:
            assert ledger.issues() == (), "the plan was not wanted, and is not kept"
        assert send(folder, server).json["sent"] == 3


def test_a_rehearsal_leaves_out_the_same_people_and_changes_nothing(folder: Path) -> None:
    with people_of(folder) as store:
        store.leave(ADA, "one-click")
    before = (folder / "newsletter.db").read_bytes()
    caught = run(folder, "send", "2026-03-01-hello.md", "--to", "list.csv", "--catch", "--no-wait", "--yes", "--json")
    assert (caught.json["sent"], caught.json["suppressed"]) == (4, {"unsubscribed": 1})
    assert (folder / "newsletter.db").read_bytes() == before


def test_a_test_mail_goes_to_the_author_who_clicked_unsubscribe_in_the_last_one(folder: Path) -> None:
    with people_of(folder) as store:
        store.leave(ADA, "one-click")
    with SmtpServer() as server:
        tested = run(folder, "send", "2026-03-01-hello.md", "--test", ADA, "--relay", server.url, "--yes", "--json")
        assert (tested.code, server.recipients) == (0, [ADA])


# --- who signed up --------------------------------------------------------------------------------------------------


def join(store: People, address: str, *lists: str, **fields: str) -> None:
    store.sign_up(address, source="https://a.example/join", wording="Mail me", lists=lists, fields=fields, lang="de")
    store.confirm(address, source="https://a.example/confirm")


def test_sign_ups_are_mailed_where_they_are_asked_for_and_once_beside_a_list(folder: Path) -> None:
    write_post(folder, "---\ntitle: Hello\n---\n\nDear {{ subscriber.name }}, from {{ subscriber.city }}.\n")
    with people_of(folder) as store:
        join(store, "Zoe@example.com", "ai", name="Zoe", city="Ulm")
        join(store, "ADA@example.com", city="Bonn")
        store.sign_up("unconfirmed@example.com", source="s", wording="w")
        join(store, "gone@example.com")
        store.suppress("gone@example.com", Reason.HARD_BOUNCE)
    with SmtpServer() as server:
        sent = send(folder, server, to=["list.csv", "@signups"])
        assert (sent.code, sent.json["sent"], sent.json["suppressed"]) == (0, 6, {"hard-bounce": 1}), sent.err
        assert sent.json["rows"] == 8
        assert sent.json["duplicates"] == 1
        assert server.recipients == [*FIVE, "Zoe@example.com"]
        assert "Dear Zoe, from Ulm." in server.messages[-1].mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert any("is already on line 2 in list.csv; mailed once" in warning for warning in sent.json["warnings"])
        write_post(folder, name="next.md")
        only = run(
            folder,
            "send",
            "next.md",
            "--to",
            "@signups/ai",
            "--relay",
            server.url,
            "--yes",
            "--first",
            "--changed-list",
        )
        assert only.code == 0
        assert server.recipients[6:] == ["Zoe@example.com"]
        again = run(folder, "resume", "next", "--relay", server.url, "--yes")
        assert again.code == 0, again.err


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("@signups", "newsletter.db: there is no ledger, so nobody has signed up or left here"),
        ("@members", "@members is no list; write @signups, @signups/NAME, or ./@members for a file of that name"),
    ],
)
def test_lists_that_are_none_get_a_sentence(folder: Path, to: str, said: str) -> None:
    refused = run(folder, "send", "2026-03-01-hello.md", "--to", to, "--dry-run")
    assert refused.code == 2
    assert said in refused.err
    assert not (folder / "newsletter.db").exists()


def test_nobody_who_signed_up_gets_a_sentence(folder: Path) -> None:
    with people_of(folder):
        pass
    refused = run(folder, "send", "2026-03-01-hello.md", "--to", "@signups", "--dry-run")
    assert (refused.code, refused.err) == (
        1,
        "@signups: nobody has signed up and confirmed; send to a list in CSV\n",
    )


def test_bad_rows_of_several_lists_are_named_with_their_list(folder: Path) -> None:
    (folder / "a.csv").write_text(f"email,name\n{ADA},Ada\nnot an address,x\n")
    (folder / "b.csv").write_text(f"name;email\nAda again;{ADA}\nBo;{BO}\n;\n;also none\n")
    dry = run(folder, "send", "2026-03-01-hello.md", "--to", "a.csv", "--to", "b.csv", "--dry-run", "--json")
    assert dry.code == 0, dry.err
    assert (dry.json["audience"], dry.json["rows"], dry.json["invalid"], dry.json["duplicates"]) == (2, 5, 2, 1)
    starts = ["a.csv:3: 'not an address'", "b.csv:5: 'also none'", f"b.csv:2: '{ADA}' is already on line 2 in a.csv"]
    assert [w for start in starts for w in dry.json["warnings"] if w.startswith(start)] == dry.json["warnings"][-3:]


# --- the commands ---------------------------------------------------------------------------------------------------


def test_one_persons_story_is_told_whole(folder: Path) -> None:
    with people_of(folder) as store:
        join(store, ADA, city="Bonn")
    with SmtpServer() as server:
        assert send(folder, server).code == 0
    with people_of(folder) as store:
        store.record_bounce(BounceEvent(ADA, now(), BounceKind.SOFT, "m/1", "4.2.2", "mailbox \x1b[2J full", ISSUE))
        store.leave(ADA, "one-click", issue=ISSUE)
    shown = run(folder, "subscribers", "show", "ADA@example.com")
    assert shown.code == 0
    for words in (
        f"unsubscribed by {ISSUE} (one-click)",
        "city: Bonn",
        "confirmed  https://a.example/confirm",
        f"{ISSUE}  sent  250",
        "soft 4.2.2  mailbox \\x1b[2J full (evidence m/1)\n                    a soft bounce (4.2.2), day 1 of 5",
    ):
        assert words in shown.out
    story = run(folder, "subscribers", "show", ADA, "--json").json
    assert [each["kind"] for each in story["consents"]] == ["asked", "confirmed", "withdrawn"]
    assert [(each["issue"], each["state"]) for each in story["issues"]] == [(ISSUE, "sent")]
    assert story["sign_up"]["fields"] == {"city": "Bonn"}
    unknown = run(folder, "subscribers", "show", "nobody@example.com")
    assert "Nothing is known of this address" in unknown.out
    assert run(folder, "subscribers", "show", "nobody").code == 2


def test_the_forgotten_are_not_brought_back_by_a_list_and_their_address_is_nowhere(folder: Path) -> None:
    with SmtpServer() as server:
        assert send(folder, server).code == 0
        assert run(folder, "subscribers", "forget", ADA).code == 2, "nobody to ask"
        assert run(folder, "subscribers", "forget", ADA, "--yes", secret="").code == 2
        gone = run(folder, "subscribers", "forget", ADA, "--yes", "--json")
        assert (gone.code, gone.json) == (0, {"rows": 0, "issues": 1})
        write_post(folder, name="next.md")
        sent = run(folder, "send", "next.md", "--to", "list.csv", "--relay", server.url, "--yes", "--first", "--json")
        assert (sent.code, sent.json["sent"], sent.json["suppressed"]) == (0, 4, {"forgotten": 1})
        assert server.recipients.count(ADA) == 1
        write_post(folder, name="later.md")
        refused = run(
            folder, "send", "later.md", "--to", "list.csv", "--relay", server.url, "--yes", "--first", secret=""
        )
        assert refused.code == 2
        assert "known by a hash alone, made with a secret that is not set" in refused.err
    for file in folder.glob("newsletter.db*"):
        assert b"ada@example.com" not in file.read_bytes()
    listed = run(folder, "subscribers", "suppressed", "--json").json
    assert listed["counts"] == {"forgotten": 1}
    assert [(is_address_hash(row["address"]), row["reason"]) for row in listed["suppressed"]] == [(True, "forgotten")]


def test_one_person_with_two_reasons_is_counted_as_one(folder: Path) -> None:
    with people_of(folder) as store:
        store.leave(ADA, f"mail from {ADA} ({'0123456789abcdef' * 2})")
    shown = run(folder, "subscribers", "show", ADA)
    assert f": unsubscribed (mail from {ADA})\n" in shown.out
    assert "0123456789abcdef" not in shown.out
    assert "0123456789abcdef" in run(folder, "subscribers", "show", ADA, "--json").out
    (folder / "newsletter.toml").write_text('[ledger]\nbackups = "kept"\n')
    (folder / "kept").mkdir()
    (folder / "kept" / "newsletter-2026-03-01.db").touch()
    forgotten = run(folder, "subscribers", "forget", ADA, "--yes")
    assert (forgotten.code, "\n1 in kept may still have it." in forgotten.err) == (0, True), forgotten.err
    listed = run(folder, "subscribers", "suppressed")
    assert (len(listed.out.splitlines()), listed.err) == (2, "1 person: 1 forgotten, 1 unsubscribed.\n")
    assert run(folder, "subscribers", "suppressed", "--json").json["people"] == 1


def test_an_operator_may_suppress_and_list(folder: Path) -> None:
    done = run(folder, "subscribers", "suppress", ADA, "Bo@Example.com", "--detail", "by letter")
    assert (done.code, done.out) == (0, f"{ADA}: not mailed any more\nBo@example.com: not mailed any more\n")
    assert "was not mailed already" in run(folder, "subscribers", "suppress", ADA).out
    listed = run(folder, "subscribers", "suppressed", "--reason", "manual")
    assert [line.split()[1:] for line in listed.out.splitlines()] == [
        ["manual", ADA, "by", "letter"],
        ["manual", BO, "by", "letter"],
    ]
    assert listed.err == "2 people: 2 manual.\n"
    assert "write one of: unsubscribed" in run(folder, "subscribers", "suppressed", "--reason", "x").err
    with SmtpServer() as server:
        assert send(folder, server).json["suppressed"] == {"manual": 2}


def test_a_large_list_is_mailed_without_those_who_left(folder: Path) -> None:
    """More than are claimed at once, and some of each kind."""
    everyone = people(700)
    write_list(folder, *everyone)
    with people_of(folder) as store:
        for address in everyone[::7]:
            store.leave(address, "one-click")
    with SmtpServer() as server:
        sent = send(folder, server)
        assert sent.code == 0
        assert sorted(server.recipients) == [each for number, each in enumerate(everyone) if number % 7]
