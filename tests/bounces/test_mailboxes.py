"""Mailboxes of every kind, with the same messages in them: read without a trace, marked only when told to."""

from __future__ import annotations

import os
import signal
import ssl
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from command_line import free_ports, without_root
from dovecot import PASSWORD, WITHOUT_MOVE, Dovecot, dovecot
from machine import RequireProgram
from reports import complaint, hard, letter

from newsletter.bounces.mailboxes.imap import ImapMailbox
from newsletter.bounces.mailboxes.local import open_mailbox
from newsletter.bounces.truncate import MAX_BYTES
from newsletter.config.imap_url import IMAP_VARIABLE, ImapPlace, read_imap
from newsletter.errors import ConfigError, InvalidValueError

MESSAGES = (hard(), complaint(), letter())


@cache
def large() -> bytes:
    return hard(returned="x" * 50_000_000)


def names(source: Path | str) -> list[str]:
    with open_mailbox(str(source), {}) as mailbox:
        return [arrival.evidence for arrival in mailbox.arrivals()]


def write_maildir(folder: Path, *messages: bytes) -> Path:
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number, raw in enumerate(messages):
        (folder / "new" / f"170000000{number}.M1.host").write_bytes(raw.replace(b"\r\n", b"\n"))
    return folder


def write_mbox(path: Path, *messages: bytes) -> Path:
    texts = (raw.replace(b"\r\n", b"\n").replace(b"\nFrom ", b"\n>From ") for raw in messages)
    path.write_bytes(b"".join(b"From MAILER-DAEMON Mon Mar  2 08:00:00 2026\n" + text + b"\n" for text in texts))
    return path


def write_eml(folder: Path, *messages: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for number, raw in enumerate(messages):
        (folder / f"{number}.eml").write_bytes(raw)
    return folder


# --- the same message, wherever it lies -----------------------------------------------------------------------------


def test_a_message_has_the_same_name_in_every_mailbox(tmp_path: Path) -> None:
    quoted = letter(text="Line one.\n\nFrom here on it is quoted.")
    messages = (*MESSAGES, quoted, hard(returned="x" * 2_000_000))
    found = names(write_eml(tmp_path / "eml", *messages))
    assert len(set(found)) == 5
    assert names(write_mbox(tmp_path / "mbox", *messages)) == found
    assert names(write_maildir(tmp_path / "Maildir", *messages)) == found
    assert names(tmp_path / "eml" / "1.eml") == found[1:2]


def test_a_message_of_50_mb_is_read_in_part(tmp_path: Path) -> None:
    for source in (write_eml(tmp_path / "eml", large()), write_mbox(tmp_path / "mbox", large(), hard())):
        with open_mailbox(str(source), {}) as mailbox:
            first, *rest = (len(arrival.raw) for arrival in mailbox.arrivals())
            assert first == MAX_BYTES
            assert all(0 < size < 2_000 for size in rest)


@pytest.mark.parametrize(
    "content", [b"", b"From ", b"From x\n", b"From x\n\n\nFrom y\n\n", b"\0" * 1_000, b"From x\n" + b"y" * 999_999]
)
def test_a_strange_file_is_no_trouble(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert len(names(tmp_path / "file")) == max(1, content.count(b"From "))


def test_a_file_that_cannot_be_read_is_given_with_its_fault(tmp_path: Path) -> None:
    folder = write_eml(tmp_path / "eml", *MESSAGES)
    (folder / "9.eml").symlink_to(folder / "gone")
    with open_mailbox(str(folder), {}) as mailbox:
        *found, last = mailbox.arrivals()
    assert [arrival.fault for arrival in found] == ["", "", ""]
    assert (last.fault, last.raw) == ("cannot be read: No such file or directory", b"")


def test_entries_that_cannot_be_opened_stop_nobody(tmp_path: Path) -> None:
    folder, maildir = write_eml(tmp_path / "eml", *MESSAGES), write_maildir(tmp_path / "Maildir", *MESSAGES)
    for path, last in ((folder, ".eml"), (maildir / "new", "")):
        os.mkfifo(path / f"8{last}")
        (path / f"9{last}").symlink_to(f"9{last}")
    for source in (folder, maildir):
        with open_mailbox(str(source), {}) as mailbox:
            faults = sorted(filter(None, (arrival.fault for arrival in mailbox.arrivals())))
            assert faults == [
                "cannot be read: Too many levels of symbolic links",
                "cannot be read: a pipe, a socket or a device, not a file",
            ]
            assert len(list(mailbox.arrivals())) == 5


def test_a_mailbox_that_is_shut_is_one_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="this is a pipe, a socket or a device, not a file; save the messages"):
        open_mailbox(str(tmp_path / "pipe"), {})
    with tempfile.TemporaryDirectory() as open_to_all:
        Path(open_to_all).chmod(0o755)
        folder = write_maildir(Path(open_to_all) / "Maildir", *MESSAGES)
        (folder / "new" / "shut").touch(mode=0)
        with open_mailbox(str(folder), {}) as mailbox, without_root():
            *found, shut = mailbox.arrivals()
            assert (len(found), shut.fault) == (3, "cannot be read: Permission denied")
            with pytest.raises(ConfigError, match="a message cannot be marked as seen: Permission denied; make the M"):
                mailbox.acknowledge([found[0].key])
        (folder / "cur").chmod(0)
        shut_out = pytest.raises(ConfigError, match="cannot be read: Permission denied; make it readable")
        with open_mailbox(str(folder), {}) as mailbox, without_root(), shut_out:
            list(mailbox.arrivals())


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("", "the name of a mailbox is empty; write a path, or imaps://user@host/INBOX"),
        (
            "missing",
            "missing: there is no such mailbox; name a .eml file, a folder of them, a Maildir, an mbox, or imaps",
        ),
        ("imap://user@host/INBOX", 'the mailbox is "imap://…", not an address that begins with imaps://; write imaps'),
        ("https://example.com", 'the mailbox is "https://…", not an address that begins with imaps://; write imaps://'),
        ("imaps://user:secret@host", 'the mailbox is "imaps://…", with a password in it; write imaps://user@host and'),
        ("imaps://host/INBOX", 'the mailbox is "imaps://…", not a user, a host and a folder; write imaps://'),
        ("imaps://a@b c/INBOX", 'the mailbox is "imaps://…", not a user, a host and a folder; write imaps://'),
        ("imaps://a@b:0/INBOX", 'the mailbox is "imaps://…", not a user, a host and a folder; write imaps://'),
        (
            "imaps://a@b/IN%0d%0aBOX",
            'the mailbox is "imaps://…", with a control character in its user or folder; write',
        ),
        ("imaps://a@b/INBOX", f"{IMAP_VARIABLE}: not set, and b asks for a password; set it"),
    ],
)
def test_what_is_no_mailbox(source: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as error:
        open_mailbox(source, {})
    assert str(error.value).startswith(sentence)
    assert "secret" not in str(error.value)


# --- Maildir --------------------------------------------------------------------------------------------------------


def test_a_maildir_marks_as_seen_what_it_is_told_of(tmp_path: Path) -> None:
    folder = write_maildir(tmp_path / "Maildir", *MESSAGES)
    (folder / "new" / "1700000000.M1.host").rename(folder / "cur" / "1700000000.M1.host:2,F")
    with open_mailbox(str(folder), {}) as mailbox:
        first, second, _ = mailbox.arrivals()
        assert first.received == datetime.fromtimestamp(
            (folder / "cur" / "1700000000.M1.host:2,F").stat().st_mtime, UTC
        )
        mailbox.acknowledge([first.key, second.key])
        mailbox.acknowledge([first.key])
        assert len(list(mailbox.arrivals())) == 1
    found = sorted(f"{path.parent.name}/{path.name}" for part in ("cur", "new") for path in (folder / part).iterdir())
    assert found == ["cur/1700000000.M1.host:2,FS", "cur/1700000001.M1.host:2,S", "new/1700000002.M1.host"]


def test_files_stay_as_they_are(tmp_path: Path) -> None:
    for source in (write_eml(tmp_path / "eml", *MESSAGES), write_mbox(tmp_path / "mbox", *MESSAGES)):
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        with open_mailbox(str(source), {}) as mailbox:
            mailbox.acknowledge([arrival.key for arrival in mailbox.arrivals()])
            assert len(list(mailbox.arrivals())) == 3
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


# --- IMAP -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def servers(require_program: RequireProgram) -> Iterator[tuple[Dovecot, Dovecot]]:
    """One that can move messages, and one that cannot."""
    with dovecot(require_program) as one, dovecot(require_program, WITHOUT_MOVE) as other:
        yield one, other


@pytest.fixture(params=[0, 1], ids=["with MOVE", "without MOVE"])
def server(servers: tuple[Dovecot, Dovecot], request: pytest.FixtureRequest) -> Iterator[Dovecot]:
    chosen = servers[request.param]
    yield chosen
    for folder in ("", ".Done", ".&kABP4Q-"):
        for part in ("new", "cur"):
            for path in (chosen.folder / "mail" / folder / part).glob("*"):
                path.unlink()


def opened(server: Dovecot, done_folder: str = "") -> ImapMailbox:
    trusted = ssl.create_default_context(cafile=server.authority)
    return ImapMailbox(read_imap(server.url, {IMAP_VARIABLE: PASSWORD}), done_folder, trusted)


def test_reading_leaves_no_trace(server: Dovecot, tmp_path: Path) -> None:
    for number, raw in enumerate(MESSAGES):
        server.put(f"m{number}", raw)
    with opened(server) as mailbox:
        found = list(mailbox.arrivals())
        assert [arrival.evidence for arrival in mailbox.arrivals()] == [arrival.evidence for arrival in found]
    assert [arrival.evidence for arrival in found] == names(write_eml(tmp_path / "eml", *MESSAGES))
    assert all(
        arrival.received and abs(arrival.received - datetime.now(UTC)).total_seconds() < 600 for arrival in found
    )
    assert server.names() == {"m0": "", "m1": "", "m2": ""}


def test_what_was_recorded_is_marked_and_not_read_again(server: Dovecot) -> None:
    for number, raw in enumerate(MESSAGES):
        server.put(f"m{number}", raw)
    with opened(server) as mailbox:
        first = next(mailbox.arrivals())
        mailbox.acknowledge([first.key])
        assert len(list(mailbox.arrivals())) == 2
    assert server.names() == {"m0": "S", "m1": "", "m2": ""}


@pytest.mark.parametrize(("folder", "on_disk"), [("Done", ".Done"), ("退信", ".&kABP4Q-")])
def test_what_was_recorded_is_moved_to_a_folder_that_is_made(server: Dovecot, folder: str, on_disk: str) -> None:
    for number, raw in enumerate(MESSAGES):
        server.put(f"m{number}", raw)
    with opened(server, folder) as mailbox:
        mailbox.acknowledge([arrival.key for arrival in mailbox.arrivals()][:2])
        assert len(list(mailbox.arrivals())) == 1
    left = sorted(server.names().values())
    assert left in ([""], ["", "S", "S"]), "without MOVE they stay, marked: to expunge would be to delete"
    assert len(server.names(on_disk)) == 2


def test_a_message_of_50_mb_on_a_server(server: Dovecot, tmp_path: Path) -> None:
    server.put("large", large())
    with opened(server) as mailbox:
        (found,) = mailbox.arrivals()
    assert len(found.raw) == MAX_BYTES
    assert [found.evidence] == names(write_eml(tmp_path / "eml", large()))


def test_more_messages_than_one_request_takes(server: Dovecot) -> None:
    for number in range(50):
        server.put(f"m{number:02}", hard(f"reader{number}@example.net"))
    with opened(server) as mailbox:
        assert len({arrival.evidence for arrival in mailbox.arrivals()}) == 50


def refusal(server: Dovecot, place: ImapPlace, *, trusted: bool = True) -> str:
    context = ssl.create_default_context(cafile=server.authority if trusted else None)
    with pytest.raises(ConfigError) as error:
        ImapMailbox(place, tls_context=context).close()
    assert PASSWORD not in str(error.value)
    return str(error.value)


def test_what_keeps_a_mailbox_shut(servers: tuple[Dovecot, Dovecot]) -> None:
    server, _ = servers
    place = read_imap(server.url, {IMAP_VARIABLE: PASSWORD})
    assert str(place) == server.url
    wrong = ImapPlace(place.host, place.user, port=place.port, password="wrong")
    assert "refuses the login: [AUTHENTICATIONFAILED]" in refusal(server, wrong)
    missing = ImapPlace(place.host, place.user, "Missing", place.port, PASSWORD)
    assert "Missing: cannot be opened: Mailbox doesn't exist" in refusal(server, missing)
    assert "its certificate is not trusted" in refusal(server, place, trusted=False)
    other_name = ImapPlace("127.0.0.1", place.user, port=place.port, password=PASSWORD)
    assert "its certificate is not trusted" in refusal(server, other_name)
    (port,) = free_ports(1)
    assert "cannot be opened: Connection refused" in refusal(
        server, ImapPlace("localhost", "a", port=port, password="x")
    )


def test_a_server_that_goes_away(require_program: RequireProgram) -> None:
    with dovecot(require_program) as server:
        server.put("m0", hard())
        with opened(server) as mailbox:
            (found,) = mailbox.arrivals()
            os.killpg(server.process.pid, signal.SIGKILL)  # its helpers would live on
            server.process.wait(30)
            with pytest.raises(ConfigError, match=r"cannot be (?:opened|marked): "):
                mailbox.acknowledge([found.key])


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("imaps://a@mail.example.com", ImapPlace("mail.example.com", "a")),
        ("imaps://a%40b@mail.example.com:994/", ImapPlace("mail.example.com", "a@b", port=994)),
        ("IMAPS://a@[::1]/Bounces/2026", ImapPlace("[::1]", "a", "Bounces/2026")),
        ("imaps://a@MAIL.example.com/%E9%80%80%E4%BF%A1", ImapPlace("mail.example.com", "a", "退信")),
    ],
)
def test_an_address_of_a_mailbox(url: str, place: ImapPlace) -> None:
    assert read_imap(url, {}) == place
    assert read_imap(str(place), {}) == place


def test_a_password_with_a_line_break_is_refused() -> None:
    with pytest.raises(ConfigError, match="line break"):
        read_imap("imaps://a@b/INBOX", {IMAP_VARIABLE: "x\r\nA1 DELETE INBOX"})
    with pytest.raises(InvalidValueError):
        read_imap("imaps://a@b/IN\r\nBOX", {})
