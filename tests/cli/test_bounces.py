"""`newsletter bounces` as people start it: a real send, what came back of it, and who is not mailed any more."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import Run, newsletter, write_list, write_post
from dovecot import PASSWORD, dovecot
from machine import RequireProgram
from reports import complaint, hard, letter, soft
from smtp_server import Received, SmtpServer

from newsletter.audience.people.records import Reason
from newsletter.audience.people.store import People
from newsletter.ledger.chores import read_chores

SECRET = "a secret of the operator's own"
CONFIG = """\
[newsletter]
name = "The news"
from = "News <news@example.com>"
postal_address = "1 Main Street"
unsubscribe_mailto = "leave@example.com"
bounce_address = "bounce+{token}@example.com"
"""
NAMES = ("ada", "bo", "cy", "dee", "eve")
ISSUE = "2026-03-01-hello"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where an issue was sent from to five people."""
    (tmp_path / "newsletter.toml").write_text(CONFIG)
    return tmp_path


def send(folder: Path, post: str = f"{ISSUE}.md") -> dict[str, Received]:
    """What each of them got."""
    people = write_list(folder, *(f"{name}@example.net" for name in NAMES))
    with SmtpServer() as relay:
        place = f"smtp://127.0.0.1:{relay.port}"
        sent = newsletter(
            "send",
            write_post(folder, name=post),
            "--to",
            people,
            "--relay",
            place,
            "--yes",
            "--first",
            cwd=folder,
            NEWSLETTER_SECRET=SECRET,
        )
        assert sent.code == 0, sent.err
        return {each.recipient.partition("@")[0]: each for each in relay.messages}


def bounces(folder: Path, *arguments: object, **env: str) -> Run:
    return newsletter("bounces", *arguments, cwd=folder, NEWSLETTER_SECRET=SECRET, **env)


def suppressed(folder: Path) -> dict[str, Reason]:
    with People.open(folder / "newsletter.db", lambda: datetime.now(UTC), [SECRET]) as people:
        return {row.key.partition("@")[0]: row.reason for row in people.suppressed()}


def read_last(folder: Path) -> datetime | None:
    """When the bounces were last read, as the ledger has it."""
    with People.open(folder / "newsletter.db", lambda: datetime.now(UTC)) as people, people.storage.read() as db:
        return read_chores(db).bounces


def came_back(mail: dict[str, Received]) -> dict[str, bytes]:
    """A report of each kind, as servers would write it about what they were given."""
    return {
        "1.eml": hard("ada@example.net", to=mail["ada"].mail_from),
        "2.eml": hard("alias@example.org", returned=f"Message-ID: {mail['bo'].message_id}"),
        "3.eml": complaint(address="", mail_from=mail["cy"].mail_from),
        "4.eml": letter("unsubscribe dee@example.net", "", sender="other@example.org"),
        "5.eml": soft("eve@example.net", to=mail["eve"].mail_from),
        "6.eml": letter("Re: Hello", "Thank you!"),
        "7.eml": letter("Abwesend", "", "Auto-Submitted: auto-replied"),
        "8.eml": hard("stranger@example.org"),
        "9.eml": b"\0\1\2",
    }


EXPECTED = {
    "ada": Reason.HARD_BOUNCE,
    "bo": Reason.HARD_BOUNCE,
    "cy": Reason.COMPLAINT,
    "dee": Reason.UNSUBSCRIBED,
}


def test_what_came_back_of_a_send(folder: Path) -> None:
    box = folder / "box"
    box.mkdir()
    for name, raw in came_back(send(folder)).items():
        (box / name).write_bytes(raw)
    tried = bounces(folder, "box", "--dry-run", "--json").json
    assert read_last(folder) is None, "a dry run read nothing for good"
    assert tried["effects"]["suppressed"] == 4
    assert suppressed(folder) == {}
    run = bounces(folder, "box")
    assert read_last(folder) is not None
    assert run.code == 0, run.err
    assert "9 messages read" in run.out
    assert (
        "suppressed: ada@example.net: the address is dead (5.1.1): not mailed any more "
        "(judged by: unknown recipient, by words) (2026-03-01-hello, by token)" in run.out
    )
    assert (
        "suppressed: bo@example.net: the address is dead (5.1.1): not mailed any more "
        "(judged by: unknown recipient, by words) (2026-03-01-hello, by message id)" in run.out
    )
    assert "counted: eve@example.net: a soft bounce (5.2.2), day 1 of 5: mailed as before" in run.out
    assert "of nobody we know: box/8.eml: a bounce: it names stranger@example.org" in run.out
    assert "unreadable: box/9.eml: a message: it has no headers" in run.out
    assert suppressed(folder) == EXPECTED
    assert set(send(folder, "2026-03-02-next.md")) == {"eve"}, "the same list, and none of them is mailed"
    again = bounces(folder, "box", "--json").json
    effects = {effect: count for effect, count in again["effects"].items() if count}
    assert effects == {"counted before": 5, "of nobody we know": 1, "left alone": 2, "unreadable": 1}
    assert suppressed(folder) == EXPECTED


def test_the_mailbox_of_the_configuration_on_a_server(folder: Path, require_program: RequireProgram) -> None:
    with dovecot(require_program) as server:
        mailbox = f'[bounces]\nmailbox = "{server.url}"\ndone_folder = "Done"\nsoft_threshold = 1\n'
        (folder / "newsletter.toml").write_text(CONFIG + mailbox)
        for name, raw in came_back(send(folder)).items():
            server.put(name.partition(".")[0], raw)
        trusted = {"NEWSLETTER_IMAP_PASSWORD": PASSWORD, "SSL_CERT_FILE": str(server.authority)}
        refused = bounces(folder, **{**trusted, "NEWSLETTER_IMAP_PASSWORD": "wrong"})
        assert refused.code == 2
        assert "refuses the login" in refused.err
        run = bounces(folder, **trusted)
        assert run.code == 0, run.err
        assert suppressed(folder) == {**EXPECTED, "eve": Reason.SOFT_BOUNCES}
        assert len(server.names(".Done")) == 5
        assert server.names() == {"6": "", "7": "", "8": "", "9": ""}, "left for a person, and still new"
        assert PASSWORD not in run.out + run.err + server.log()


def test_letters_that_are_left_alone_are_named_and_machines_are_not(folder: Path) -> None:
    box = folder / "box"
    box.mkdir()
    send(folder)
    (box / "1.eml").write_bytes(letter("A question", "When does the next one come?"))
    (box / "2.eml").write_bytes(letter("Out of office", "I am away.", "Auto-Submitted: auto-replied"))
    run = bounces(folder, "box")
    assert run.code == 0, run.err
    assert [line for line in run.out.splitlines() if line.startswith("  left alone")] == [
        f"  left alone: {box.name}/1.eml: a letter: “A question” from ada@example.net: for a person to read"
    ]


def test_an_unsubscribe_mail_sent_by_swaks(folder: Path, require_program: RequireProgram) -> None:
    """What a mail program sends at a press of its unsubscribe button: the mailto of List-Unsubscribe."""
    program = require_program("swaks")
    way_out = send(folder)["ada"].mail["List-Unsubscribe"]
    assert way_out == "<mailto:leave@example.com?subject=unsubscribe%20ada%40example.net>"
    with SmtpServer() as inbox:
        command = [program, "--server", f"127.0.0.1:{inbox.port}", "--to", "leave@example.com", "--body", "-"]
        command += ["--from", "ada.private@example.org", "--header", "Subject: unsubscribe ada@example.net"]
        done = subprocess.run(command, input=b"\n", capture_output=True, timeout=600)
        assert done.returncode == 0, done.stdout
        (mail,) = inbox.messages
    (folder / "mail.eml").write_bytes(mail.data)
    assert bounces(folder, "mail.eml").code == 0
    assert read_last(folder) is None, "a message is not the mailbox"
    assert suppressed(folder) == {"ada": Reason.UNSUBSCRIBED}


def test_one_mailbox_that_cannot_be_read_does_not_stop_the_others(folder: Path) -> None:
    mail = send(folder)
    (folder / "1.eml").write_bytes(hard(to=mail["ada"].mail_from))
    run = bounces(folder, "missing", "1.eml", "--json")
    assert run.code == 2
    assert run.json["faults"] == [
        "missing: there is no such mailbox; name a .eml file, a folder of them, a Maildir, an mbox, or "
        "imaps://user@host/INBOX"
    ]
    assert suppressed(folder) == {"ada": Reason.HARD_BOUNCE}


def test_what_there_must_be(folder: Path) -> None:
    assert bounces(folder).err.startswith("there is no mailbox to read; name one, or write [bounces] mailbox = ")
    (folder / "1.eml").write_bytes(hard())
    assert "there is no ledger, so nothing was sent from here" in bounces(folder, "1.eml").err
    assert not (folder / "newsletter.db").exists()


def test_nothing_from_a_message_moves_the_cursor(folder: Path) -> None:
    send(folder)
    (folder / "1.eml").write_bytes(hard("a\x1b[2J@example.org").replace(b"550 5.1.1", b"550 5.1.1 \x1b]0;x\x07"))
    (folder / "2.eml").write_bytes(hard("ada@example.net").replace(b"550 5.1.1", b"550 5.7.1 \x1b]0;x\x07"))
    run = bounces(folder, "1.eml", "2.eml")
    assert run.code == 0
    assert all(line.isprintable() for line in (run.out + run.err).splitlines())


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ('mailbox = "imap://a@b"', 'mailbox is "imap://…", not an address that begins with imaps://; write imaps'),
        ('mailbox = "imaps://a:geheim@b"', "with a password in it; write imaps://user@host and put the password into"),
        ("soft_threshold = 0", "soft_threshold is 0, not a whole number from 1 to 1000"),
        ('password = "geheim"', "set the environment variable NEWSLETTER_IMAP_PASSWORD"),
    ],
)
def test_what_the_configuration_may_not_say(folder: Path, keys: str, sentence: str) -> None:
    (folder / "newsletter.toml").write_text(f"{CONFIG}[bounces]\n{keys}\n")
    run = bounces(folder)
    assert run.code == 2
    assert sentence in run.err
    assert "geheim" not in run.err
