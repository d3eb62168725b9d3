"""A send to a segment, and to lists as other programs write them: who gets it, what is shown, and what resume does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import Run, newsletter, write_post
from smtp_server import Rule, SmtpServer

ISSUE = "2026-03-01-hello"


def write_plans(folder: Path, pro: range, free: range, name: str = "list.csv") -> None:
    rows = [f"pro{n:02}@example.com,pro\n" for n in pro] + [f"free{n:02}@example.com,free\n" for n in free]
    (folder / name).write_text("email,plan\n" + "".join(rows))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path)
    write_plans(tmp_path, range(3), range(4))
    return tmp_path


def send(folder: Path, server: SmtpServer, *more: str, post: str = f"{ISSUE}.md", as_json: bool = True) -> Run:
    way = ("--to", "list.csv", "--relay", server.url, "--yes", "--first", *(["--json"] if as_json else []))
    return newsletter("send", post, *way, *more, cwd=folder)


def test_only_the_segment_is_mailed_and_the_plan_says_so(folder: Path) -> None:
    with SmtpServer() as server:
        run = send(folder, server, "--where", "plan == 'pro'", as_json=False)
        assert run.code == 0
        assert "Audience  3 of 7 rows in list.csv (4 outside the segment)" in run.out
        assert "Segment   plan == 'pro'  (3 of 7 people)" in run.out
        assert [message.recipient for message in server.messages] == [f"pro{n:02}@example.com" for n in range(3)]
        rest = send(folder, server)  # the others get it by the list as a whole, nobody twice
        assert (rest.json["sent"], rest.json["already_sent"]) == (4, 3)
        assert set(server.copies.values()) == {1}


def test_json_names_the_segment(folder: Path) -> None:
    with SmtpServer() as server:
        told = send(folder, server, "--where", " plan == 'pro' ").json
    assert (told["segment"], told["audience"], told["outside_segment"], told["rows"]) == ("plan == 'pro'", 3, 4, 7)


def test_resume_keeps_to_the_segment(folder: Path) -> None:
    with SmtpServer(Rule("RCPT", b"450 4.2.1 mailbox busy\r\n", about="pro01@", times=(1, 2, 3))) as server:
        first = send(folder, server, "--where", "plan == 'pro'")
        assert (first.code, first.json["counts"]["left"]) == (3, 1)
        retried = newsletter("retry", ISSUE, "--relay", server.url, "--yes", "--json", cwd=folder)
        assert (retried.json["sent"], retried.json["segment"]) == (1, "plan == 'pro'")
        write_plans(folder, range(4), range(4))
        again = newsletter("resume", ISSUE, "--relay", server.url, "--yes", "--json", cwd=folder)
        assert (again.json["sent"], again.json["audience"]) == (1, 4)
        assert {message.recipient for message in server.messages} == {f"pro{n:02}@example.com" for n in range(4)}


def test_a_segment_is_no_list_that_lost_most_of_its_people(folder: Path) -> None:
    """The question whether a list is the right one is asked of like and like; `test_ledger` has the numbers."""
    write_plans(folder, range(25), range(75))
    write_post(folder, name="next.md")
    with SmtpServer() as server:
        assert send(folder, server).code == 0
        run = send(folder, server, "--where", "plan == 'pro'", post="next.md", as_json=False)
    assert run.code == 0
    assert "Since last" not in run.out


@pytest.mark.parametrize(
    ("where", "err"),
    [
        ("plan = 'pro'", "--where: write == to compare\n  plan = 'pro'\n       ^\n"),
        ("plam", "--where: the list has no column 'plam'; write one of: email, plan\n  plam\n  ^\n"),
        ("plan == 'team'", "list.csv: none of the 7 people on it is in --where plan == 'team'; widen it\n"),
        ("plan == '\x1b[2J' or =", "--where: it has a line break or a control character; write it on one line\n"),
    ],
)
def test_a_segment_that_is_wrong_sends_nothing(folder: Path, where: str, err: str) -> None:
    with SmtpServer() as server:
        run = send(folder, server, "--where", where)
        assert run.code in (1, 2)
        assert run.err.startswith(err)
        assert "\x1b" not in run.err
        assert server.messages == []


def test_a_segment_needs_a_list(folder: Path) -> None:
    run = newsletter(
        "send", f"{ISSUE}.md", "--test", "me@example.com", "--where", "plan", "--catch", "--yes", cwd=folder
    )
    assert run.code == 2
    assert "--where chooses from a list; write --to subscribers.csv as well" in run.err


def test_a_dry_run_shows_the_segment(folder: Path) -> None:
    run = newsletter("send", f"{ISSUE}.md", "--to", "list.csv", "--where", "plan == 'pro'", "--dry-run", cwd=folder)
    assert "Segment   plan == 'pro'  (3 of 7 people)" in run.out
    recipients = (folder / "out" / ISSUE / "recipients.csv").read_text()
    assert recipients.count("@") == 3


def test_a_dry_run_shows_what_the_first_recipient_gets(folder: Path) -> None:
    pro, free = "Only for who pays.", "For all the others. " * 100
    condition = f'{{% if subscriber.plan == "pro" %}}\n{pro}\n{{% else %}}\n{free}\n{{% endif %}}\n'
    write_post(folder, f"---\ntitle: Hello\n---\n\n{condition}")
    run = newsletter("send", f"{ISSUE}.md", "--to", "list.csv", "--dry-run", cwd=folder)
    assert run.code == 0, run.err
    out = folder / "out" / ISSUE
    for name in ("email.html", "email.txt", "index.html"):
        assert pro in (out / name).read_text("utf-8"), name
    assert "For all the others" not in (out / "email.txt").read_text("utf-8")
    size = re.search(r"Size +([0-9.]+) KB HTML at most, [0-9.]+ KB as the first message", run.out)
    assert size
    assert float(size[1]) > (out / "email.html").stat().st_size / 1000, "the heaviest is the others'"


# --- lists of other programs ----------------------------------------------------------------------------------------


def test_nobody_who_left_is_mailed_by_an_export(folder: Path) -> None:
    (folder / "list.csv").write_text(
        "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels\n"
        "1,ann@example.com,Ann,,true,false,,2026-01-01,,\n2,bo@example.com,Bo,,false,false,,2026-01-01,,\n"
    )
    with SmtpServer() as server:
        run = send(folder, server, as_json=False)
        assert "1 of 2 rows in list.csv (1 excluded: unsubscribed)" in run.out
        assert [message.recipient for message in server.messages] == ["ann@example.com"]
        (folder / "list.csv").write_text("email,status\nann@example.com,unsubscribed\n")
        run = send(folder, server)
        assert (run.code, len(server.messages)) == (1, 1)
        assert "list.csv: nobody on it is a subscriber, as it says itself in 1 row; take another list" in run.err


def test_a_list_in_another_spelling_or_in_utf_16_is_sent_to(folder: Path) -> None:
    (folder / "list.csv").write_bytes("姓名;邮箱\n王小明;wang@example.com\n".encode("utf-16"))
    write_post(folder, "---\ntitle: Hello {{ subscriber.name }}\n---\n\nText.\n")
    with SmtpServer() as server:
        assert send(folder, server).code == 0
        assert server.messages[0].mail["Subject"] == "Hello 王小明"


@pytest.mark.parametrize(("codec", "name"), [("gb18030", "GB18030"), ("latin-1", "Latin-1")])
def test_a_guess_is_never_sent_to(folder: Path, codec: str, name: str) -> None:
    person = "Jürg" if codec == "latin-1" else "王小明"
    (folder / "list.csv").write_bytes(f"email,name\nann@example.com,{person}\n".encode(codec))
    with SmtpServer() as server:
        run = send(folder, server)
        assert (run.code, server.messages) == (1, [])
    assert f"is not UTF-8; it looks like {name}, with words such as {person!r}; save it as UTF-8" in run.err
    assert "newsletter subscribers convert" in run.err
