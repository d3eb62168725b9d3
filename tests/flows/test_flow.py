"""The whole way through the real command: a post and a list in, everyone's mail and everyone's account out."""

from __future__ import annotations

import base64
import csv
import json
import mailbox
import os
import re
from collections import Counter
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from command_line import (
    DIGEST,
    LIST,
    finish,
    newsletter,
    people,
    start,
    write_list,
    write_post,
)
from machine import NodeScript, RequireProgram
from maildev import NAMES, fetch, maildev, read_mbox
from smtp_server import Fault, Rule, SmtpServer

PARTS = ["email.html", "email.mjml", "email.txt", "issue.json"]
TOML = """\
[newsletter]
name = "AI 日报"
from = "AI 日报 <daily@example.com>"
postal_address = "杭州市西湖区示例路 1 号"
unsubscribe_mailto = "leave@example.com"

[relay]
url = "{relay}"
"""


def paths(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def words_of(story: dict[str, Any]) -> str:
    return "".join(str(story["text"]).split())


# --- render ---------------------------------------------------------------------------------------------------------


def test_render_writes_the_four_files_and_the_pictures(tmp_path: Path) -> None:
    run = newsletter("render", DIGEST, "--out", "out", cwd=tmp_path)
    assert run.code == 0
    assert f"{DIGEST}:10: " in run.err  # the unescaped quote in the front matter
    written = paths(tmp_path / "out")
    assert [name for name in written if not name.startswith("images")] == PARTS
    tree = json.loads((tmp_path / "out" / "issue.json").read_text("utf-8"))
    assert tree["title"]
    stories = [block for block in tree["blocks"] if block["kind"] == "story"]
    text = "".join((tmp_path / "out" / "email.txt").read_text("utf-8").split())
    assert stories
    for story in stories:
        assert words_of(story) in text
    for name in PARTS[:3]:
        assert "**" not in (tmp_path / "out" / name).read_text("utf-8")
    for name in written:
        assert f"{(tmp_path / 'out' / name).stat().st_size:,} bytes  {Path('out') / name}" in run.out


def test_render_reads_standard_input_and_reports_in_json(tmp_path: Path) -> None:
    post = "---\ntitle: 你好\ndate: 2026-03-01\n---\n\nOne paragraph.\n"
    run = newsletter("render", "-", "--json", cwd=tmp_path, stdin=post.encode())
    assert run.code == 0
    assert [Path(file["path"]).name for file in run.json["files"]] == [
        "email.html",
        "email.txt",
        "email.mjml",
        "issue.json",
    ]
    for file in run.json["files"]:
        assert (tmp_path / file["path"]).stat().st_size == file["bytes"]
    assert run.json["warnings"] == []
    assert "One paragraph." in (tmp_path / "out" / "你好" / "email.html").read_text("utf-8")


def test_the_same_post_renders_to_the_same_bytes(tmp_path: Path) -> None:
    for out in ("a", "b"):
        assert newsletter("render", DIGEST, "--out", out, cwd=tmp_path, PYTHONHASHSEED=str(ord(out))).code == 0
    assert paths(tmp_path / "a") == paths(tmp_path / "b")
    for name in paths(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


# --- to the catcher -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def caught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The mbox of the example digest sent to the example list, and what the command said of it."""
    folder = tmp_path_factory.mktemp("caught")
    run = newsletter(
        "send", DIGEST, "--to", LIST, "--catch", "--yes", "--no-wait", "--mbox", "all.mbox", "--json", cwd=folder
    )
    assert run.code == 0, run.err
    assert (run.json["sent"], run.json["refused"], run.json["left"]) == (len(NAMES), [], [])
    assert paths(folder) == ["all.mbox"]  # no ledger: what a catcher swallows was sent to nobody
    return folder / "all.mbox", run.out


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body(preferencelist=(kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def test_every_subscriber_has_one_message_without_a_defect(caught: tuple[Path, str]) -> None:
    mails = read_mbox(caught[0])
    assert Counter(mail["To"].addresses[0].addr_spec for mail in mails) == Counter(list(NAMES))
    for mail in mails:
        address = mail["To"].addresses[0]
        assert address.display_name == NAMES[address.addr_spec]
        for part in mail.walk():
            assert part.defects == []
            for name, value in part.items():
                assert value.defects == (), (name, value)
        assert {f"cid:{part['Content-ID'][1:-1]}" for part in mail.walk() if part["Content-ID"]} == {
            source.partition('"')[0] for source in body(mail, "html").split('src="')[1:] if source.startswith("cid:")
        }
    assert len({mail["Message-ID"] for mail in mails}) == len(NAMES)
    assert len({mail["Subject"] for mail in mails}) == 1


def test_mailparser_reads_the_same(caught: tuple[Path, str], node_script: NodeScript) -> None:
    ours = {mail["Message-ID"]: mail for mail in read_mbox(caught[0])}
    theirs = node_script("mailparser", {"mbox": base64.b64encode(caught[0].read_bytes()).decode()})
    assert {mail["message_id"] for mail in theirs} == set(ours)
    for mail in theirs:
        assert mail["warnings"] == []
        own = ours[mail["message_id"]]
        assert mail["subject"] == own["Subject"]
        (to,) = mail["to"]
        assert (to["address"], to["name"]) == (own["To"].addresses[0].addr_spec, NAMES[to["address"]])
        assert mail["text"].rstrip() == body(own, "plain").rstrip()
        pictures = {part["Content-ID"].strip("<>"): part for part in own.walk() if part["Content-ID"]}
        assert {picture["cid"] for picture in mail["attachments"]} == set(pictures)
        for picture in mail["attachments"]:
            assert picture["related"]
            assert picture["size"] == len(pictures[picture["cid"]].get_content())
        assert "</html>" in mail["html"]


def test_a_maildir_keeps_what_was_caught(tmp_path: Path) -> None:
    write_post(tmp_path)
    write_list(tmp_path, *people(3))
    run = newsletter(
        "send", "2026-03-01-hello.md", "--to", "list.csv", "--catch", "--yes", "--no-wait", "--maildir", "box",
        cwd=tmp_path,
    )  # fmt: skip
    assert run.code == 0
    folder = mailbox.Maildir(tmp_path / "box", create=False)
    assert sorted(mail["To"] for mail in folder) == [f"{a.partition('@')[0]} <{a}>" for a in people(3)]
    folder.close()


def test_a_catcher_needs_no_configuration_and_no_ledger_stands_in_its_way(tmp_path: Path) -> None:
    """The README's first command, twice: the second catches everything again."""
    write_post(tmp_path)
    write_list(tmp_path, *people(2))
    for _ in range(2):
        run = newsletter(
            "send", "2026-03-01-hello.md", "--to", "list.csv", "--catch", "--yes", "--no-wait", "--json", cwd=tmp_path
        )
        assert (run.code, run.json["sent"], run.json["already_sent"]) == (0, 2, 0)


# --- to maildev -----------------------------------------------------------------------------------------------------


def test_maildev_shows_every_message_intact(
    caught: tuple[Path, str], require_program: RequireProgram, node: Path, tmp_path: Path
) -> None:
    expected = {mail["To"].addresses[0].addr_spec: mail for mail in read_mbox(caught[0])}
    with maildev(require_program("node"), node) as (smtp, web):
        run = newsletter(
            "send",
            DIGEST,
            "--to",
            LIST,
            "--relay",
            f"smtp://127.0.0.1:{smtp}",
            "--yes",
            "--first",
            "--json",
            cwd=tmp_path,
        )
        assert (run.code, run.json["sent"]) == (0, len(NAMES))
        mails = fetch(web, "/api/email" if has_api_prefix(web) else "/email")
    mails = mails if isinstance(mails, list) else mails["emails"]
    assert Counter(mail["to"][0]["address"] for mail in mails) == Counter(list(NAMES))
    for mail in mails:
        own = expected[mail["to"][0]["address"]]
        assert mail["subject"] == own["Subject"]
        assert mail["text"].rstrip() == body(own, "plain").rstrip()
        # maildev shows the pictures under addresses of its own.
        assert without_sources(mail["html"]) == without_sources(body(own, "html"))
        assert {part["contentId"] for part in mail["attachments"]} == {
            part["Content-ID"].strip("<>") for part in own.walk() if part["Content-ID"]
        }


def without_sources(html: str) -> str:
    return re.sub(r'src="[^"]*"', "", html).strip()


def has_api_prefix(port: int) -> bool:
    try:
        fetch(port, "/api/email")
    except (AssertionError, json.JSONDecodeError):
        return False
    return True


# --- dry run --------------------------------------------------------------------------------------------------------


def test_a_dry_run_connects_to_nothing_and_shows_everything(tmp_path: Path) -> None:
    with SmtpServer() as server:
        (tmp_path / "newsletter.toml").write_text(TOML.format(relay=server.url), "utf-8")
        run = newsletter("send", DIGEST, "--to", LIST, "--dry-run", cwd=tmp_path, PYTHONPATH=no_sockets(tmp_path))
        assert server.connections == 0
    assert run.code == 0, run.err
    assert "Nothing was sent. Open out/2026-03-02-ai-daily/index.html" in run.out.replace(os.sep, "/")
    folder = tmp_path / "out" / "2026-03-02-ai-daily"
    files = [name for name in paths(folder) if not name.startswith("images")]
    assert files == sorted([*PARTS, "index.html", "message.eml", "recipients.csv"])
    mail = BytesParser(policy=policy.default).parsebytes((folder / "message.eml").read_bytes())
    assert mail["To"].addresses[0].addr_spec == next(iter(NAMES))
    rows = list(csv.DictReader((folder / "recipients.csv").read_text("utf-8").splitlines()))
    assert {row["email"]: row["name"] for row in rows} == NAMES
    assert not (tmp_path / "newsletter.db").exists()


def no_sockets(folder: Path) -> str:
    """A search path on which a process that opens a socket ends with an error."""
    trap = folder / "trap"
    trap.mkdir()
    (trap / "sitecustomize.py").write_text(
        "import sys\n\ndef trap(event, arguments):\n"
        "    if event.startswith('socket.'):\n        raise RuntimeError(f'{event} {arguments}')\n\n"
        "sys.addaudithook(trap)\n"
    )
    return os.pathsep.join(filter(None, [str(trap), os.environ.get("PYTHONPATH", "")]))


def test_the_trap_for_sockets_works(tmp_path: Path) -> None:
    """The dry run's test rests on it: the same command with a relay runs into it."""
    write_post(tmp_path)
    write_list(tmp_path, *people(1))
    process = start(
        "send", "2026-03-01-hello.md", "--to", "list.csv", "--relay", "smtp://127.0.0.1:1", "--yes", "--first",
        cwd=tmp_path, PYTHONPATH=no_sockets(tmp_path),
    )  # fmt: skip
    assert "RuntimeError: socket." in finish(process).err


# --- a real send, and the next --------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path)
    return tmp_path


def send(folder: Path, server: SmtpServer, *options: str) -> Any:
    """Send the post to the list; the exit code and the report."""
    run = newsletter(
        "send",
        "2026-03-01-hello.md",
        "--to",
        "list.csv",
        "--relay",
        server.url,
        "--yes",
        "--first",
        "--json",
        *options,
        cwd=folder,
    )
    return run.code, run.err if "error" in run.json else run.json


def test_a_second_send_mails_nobody_again_and_says_so(folder: Path) -> None:
    write_list(folder, *people(3))
    with SmtpServer() as server:
        assert send(folder, server)[0] == 0
        run = newsletter(
            "send", "2026-03-01-hello.md", "--to", "list.csv", "--relay", server.url, "--yes", "--first", cwd=folder
        )
        assert run.code == 0
        assert "Already sent        3" in run.out
        assert server.connections == 1
        # Whoever joins later gets it, alone.
        write_list(folder, *people(4))
        assert send(folder, server)[1]["sent"] == 1
    assert server.recipients == people(4)


def test_a_changed_issue_goes_on_only_when_the_person_says_so(folder: Path) -> None:
    write_list(folder, *people(2))
    with SmtpServer() as server:
        assert send(folder, server)[0] == 0
        write_post(folder, "---\ntitle: Hello\n---\n\nAnother paragraph.\n")
        write_list(folder, *people(3))
        code, words = send(folder, server)
        assert code == 2
        assert "is not what 2 people got" in words
        assert "write --continue to send it as it is now to the other 1" in words
        assert server.recipients == people(2)
        code, report = send(folder, server, "--continue")
        assert (code, report["sent"], report["already_sent"]) == (0, 1, 2)
    assert server.recipients == people(3)


def test_a_test_is_marked_and_stands_in_nobody_s_way(folder: Path) -> None:
    first, second = people(2)
    write_list(folder, first, second)
    with SmtpServer() as server:
        code, report = send(folder, server, "--test", first, "--test", "Stranger@Example.com")
        assert (code, report["test"], report["sent"], report["audience"]) == (0, True, 2, 2)
        assert server.recipients == [first, "Stranger@example.com"]
        assert [message.mail["Subject"] for message in server.messages] == ["[Test] Hello"] * 2
        code, report = send(folder, server)
        assert (code, report["test"], report["sent"], report["already_sent"]) == (0, False, 2, 0)
    assert server.recipients[2:] == [first, second]
    assert [message.mail["Subject"] for message in server.messages[2:]] == ["Hello"] * 2


def test_a_test_needs_no_list(folder: Path) -> None:
    with SmtpServer() as server:
        run = newsletter(
            "send", "2026-03-01-hello.md", "--test", "me@example.com", "--relay", server.url, "--yes", cwd=folder
        )
    assert run.code == 0
    assert "Audience  test: me@example.com" in run.out
    assert server.recipients == ["me@example.com"]


def test_a_refused_address_stops_nobody_and_is_reported_in_the_server_s_words(folder: Path) -> None:
    addresses = people(3)
    write_list(folder, *addresses)
    with SmtpServer(Rule("RCPT", "550 5.1.1 no such user", about="002")) as server:
        run = newsletter(
            "send", "2026-03-01-hello.md", "--to", "list.csv", "--relay", server.url, "--yes", "--first", cwd=folder
        )
    assert run.code == 0
    assert f"refused: {addresses[1]}: 550 5.1.1 no such user" in run.out
    assert "Sent           2\nRefused        1\nLeft           0\n" in run.out
    assert server.recipients == [addresses[0], addresses[2]]


def test_a_dry_run_of_a_correction_shows_the_correction_and_changes_nothing(folder: Path) -> None:
    """To those who have another version and are still on the list, marked; the ledger is only read."""
    dry = ("send", "2026-03-01-hello.md", "--to", "list.csv", "--dry-run", "--erratum")
    write_list(folder, *people(3))
    run = newsletter(*dry, cwd=folder)
    assert (run.code, "there is no ledger" in run.err) == (2, True), run.err
    with SmtpServer() as server:
        assert send(folder, server)[0] == 0
        run = newsletter(*dry, cwd=folder)
        assert run.code == 2
        assert "nobody on the list has another version of it; there is nothing to correct" in run.err
        write_post(folder, "---\ntitle: Hello\n---\n\nAnother paragraph.\n")
        write_list(folder, *people(4)[1:])
        before = newsletter("status", "2026-03-01-hello", "--json", cwd=folder).json
        run = newsletter(*dry, cwd=folder)
        assert run.code == 0, run.err
        for words in ("2026-03-01-hello+erratum-2", "Correction: Hello", "2 who have an older version"):
            assert words in run.out
        shown = (folder / "out" / "2026-03-01-hello" / "recipients.csv").read_text()
        assert [address for address in people(4) if address in shown] == people(3)[1:]
        assert newsletter("status", "2026-03-01-hello", "--json", cwd=folder).json == before
        code, report = send(folder, server, "--erratum")
    assert (code, report["sent"]) == (0, 2)


def test_whoever_is_left_makes_exit_3_and_is_named(folder: Path) -> None:
    addresses = people(3)
    write_list(folder, *addresses)
    with SmtpServer(Rule("RCPT", "450 4.2.1 later", about="002", times=(2,))) as server:
        run = newsletter(
            "send", "2026-03-01-hello.md", "--to", "list.csv", "--relay", server.url, "--yes", "--first", cwd=folder
        )
        assert run.code == 3
        assert f"left: {addresses[1]}: 450 4.2.1 later" in run.out
        resume = f"newsletter resume 2026-03-01-hello --relay {server.url}"
        assert f"`{resume}` goes on with those who are left, from " in run.err
        # "Later" is not yet: only a person who says so shortens the wait.
        code, report = send(folder, server)
        assert (code, report["sent"], report["counts"]["left"]) == (3, 0, 1)
        again = newsletter("retry", "2026-03-01-hello", "--relay", server.url, "--yes", "--json", cwd=folder)
        assert (again.code, again.json["sent"]) == (0, 1)
    assert Counter(server.recipients) == Counter(addresses)


def test_an_uncertain_recipient_is_named_and_not_mailed_again(folder: Path) -> None:
    addresses = people(3)
    write_list(folder, *addresses)
    with SmtpServer(Rule("dot", Fault.DROP, about="002")) as server:
        run = newsletter(
            "send", "2026-03-01-hello.md", "--to", "list.csv", "--relay", server.url, "--yes", "--first", cwd=folder
        )
        assert run.code == 3
        assert f"uncertain: {addresses[1]}: " in run.out
        code, report = send(folder, server)
        assert (code, report["uncertain"], report["sent"]) == (3, [addresses[1]], 0)
    assert Counter(server.recipients) == Counter(addresses)


def test_bad_rows_are_reported_by_line_and_the_rest_is_sent(folder: Path) -> None:
    (folder / "list.csv").write_text(
        "email,name\nada@example.com,Ada\nnot an address,Ben\nADA@example.com,Ada again\ncal@example.com,Cal\n,Dee\n"
    )
    with SmtpServer() as server:
        run = newsletter(
            "send", "2026-03-01-hello.md", "--to", "list.csv", "--relay", server.url, "--yes", "--first", cwd=folder
        )
    assert run.code == 0
    assert "warning: list.csv:3: 'not an address' is not an address" in run.err
    assert "warning: list.csv:4: 'ADA@example.com' is already on line 2; mailed once" in run.err
    assert "warning: list.csv:6: ',Dee' has no address" in run.err
    assert "2 of 5 rows in list.csv (2 invalid, 1 duplicate)" in run.out
    assert server.recipients == ["ada@example.com", "cal@example.com"]


def test_two_senders_at_once_are_one(folder: Path) -> None:
    write_list(folder, *people(3))
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        command = (
            "send",
            "2026-03-01-hello.md",
            "--to",
            "list.csv",
            "--relay",
            server.url,
            "--yes",
            "--first",
            "--json",
        )
        first = start(*command, cwd=folder)
        server.wait_for(lambda server: server.seen("dot") == 1)
        second = newsletter(*command, cwd=folder)
        assert second.code == 4
        assert f"another run (process {first.pid} on " in second.err
        assert (second.json["exit_code"], second.json["meaning"]) == (4, "another run is sending this issue")
        server.release(3)
        run = finish(first)
        assert (run.code, run.json["sent"]) == (0, 3)
    assert server.recipients == people(3)


def test_the_configured_relay_and_sender_are_used(folder: Path) -> None:
    write_list(folder, *people(1))
    with SmtpServer(login=("daily", "the word")) as server:
        url = server.url.replace("smtp://", "smtp://daily@")
        (folder / "newsletter.toml").write_text(TOML.format(relay=url), "utf-8")
        run = newsletter(
            "send", "2026-03-01-hello.md", "--to", "list.csv", "--yes", "--first",
            cwd=folder, NEWSLETTER_SMTP_PASSWORD="the word",
        )  # fmt: skip
    assert run.code == 0, run.err
    (message,) = server.messages
    assert message.mail_from == "daily@example.com"
    assert str(message.mail["From"]) == "AI 日报 <daily@example.com>"
    assert "subject=unsubscribe%20reader001%40example.com" in message.mail["List-Unsubscribe"]
    assert "杭州市西湖区示例路 1 号" in body(message.mail, "plain")
    assert "the word" not in run.out + run.err
    assert b"the word" not in (folder / "newsletter.db").read_bytes()
