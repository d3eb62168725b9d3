"""Two posts of one name are told apart; a post that is a draft, or for another day, and a ledger that is not there."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from command_line import Run, newsletter, write_list

from newsletter.model.issue_name import Identity, differences, name_of_file, slug_of
from newsletter.post.parse import parse_post
from newsletter.post.publication import held_findings, read_publication
from newsletter.web.catcher.server import Catcher

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    with Catcher() as catcher:
        yield catcher


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_list(tmp_path, "ada@example.com", "ben@example.com")
    return tmp_path


def write(folder: Path, name: str, title: str, text: str = "Some words.", more: str = "") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\ntitle: {title}\n{more}---\n\n{text}\n", "utf-8")
    return name


def send(folder: Path, catcher: Catcher, post: str, *more: str, stdin: bytes = b"", first: bool = True) -> Run:
    relay = f"smtp://127.0.0.1:{catcher.smtp_port}"
    way = ("--relay", relay, "--yes", *(["--first"] if first else []))
    return newsletter("send", post, "--to", "list.csv", *way, *more, cwd=folder, stdin=stdin)


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("posts/2026-03-01-hello.md", "2026-03-01-hello"),
        ("posts/hello/index.md", "hello"),
        ("posts/hello/_index.md", "hello"),
        ("hello/README.md", "hello"),
        ("hello/post.md", "post"),
        ("index.md", "index"),
    ],
)
def test_a_folders_page_is_named_by_its_folder(path: str, name: str) -> None:
    assert name_of_file(path) == name
    assert parse_post("# Title\n\ntext", path=path).issue.slug == slug_of(name)


def test_the_front_matters_name_is_first() -> None:
    issue = parse_post("---\ntitle: x\nnewsletter:\n  issue: Special, No. 1\n---\n\ntext", path="a/index.md").issue
    assert (issue.slug, issue.name) == ("special-no-1", "Special, No. 1")


def test_a_folders_name_has_the_day() -> None:
    issue = parse_post("# Title\n\ntext", path="2026-03-01-hello/index.md").issue
    assert issue.date == date(2026, 3, 1)


def test_what_the_ledger_does_not_know_contradicts_nothing() -> None:
    mine = Identity("Title", date(2026, 3, 1), "a", "list.example")
    assert differences(Identity(""), mine) == frozenset()
    assert differences(Identity(" Title  "), mine) == frozenset()
    assert differences(Identity("Title", None, "a", ""), mine) == frozenset()
    other = Identity("Other", date(2026, 3, 2), "b", "other.example")
    assert differences(other, mine) == {"title", "day", "name", "newsletter"}
    assert differences(mine, Identity("Title", None, "a", "list.example")) == {"day"}


# --- two posts of one name --------------------------------------------------------------------------------------------


def test_posts_of_two_folders_are_two_issues(folder: Path, catcher: Catcher) -> None:
    for name in ("one", "two"):
        assert send(folder, catcher, write(folder, f"{name}/index.md", name)).code == 0
    assert len(catcher.messages()) == 4
    assert newsletter("status", "two/index.md", cwd=folder).out.startswith("two: two\n")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("today.md", "Monday", "date: 2026-03-01\n"), ("today.md", "Monday", "date: 2026-03-02\n")),
        (("2025/11-26.md", "Then", ""), ("2026/11-26.md", "Now", "")),
        (("C++.md", "Same", ""), ("C#.md", "Same", "")),
        (("a.md", "Same", "newsletter:\n  issue: C++\n"), ("b.md", "Same", "newsletter:\n  issue: c\n")),
        pytest.param(("today.md", "Monday", ""), ("today.md", "Tuesday", ""), marks=pytest.mark.whole),
        pytest.param(("v1.2.md", "Same", ""), ("v1-2.md", "Same", ""), marks=pytest.mark.whole),
        pytest.param(("🎉.md", "Same", ""), ("🚀.md", "Same", ""), marks=pytest.mark.whole),
        pytest.param((f"{'x' * 80}-one.md", "Same", ""), (f"{'x' * 80}-two.md", "Same", ""), marks=pytest.mark.whole),
    ],
)
def test_another_post_of_that_name_is_refused_though_nobody_is_left(
    folder: Path, catcher: Catcher, first: tuple[str, str, str], second: tuple[str, str, str]
) -> None:
    assert send(folder, catcher, write(folder, first[0], first[1], more=first[2])).code == 0
    post = write(folder, second[0], second[1], more=second[2])
    refused = send(folder, catcher, post, first=False)
    assert refused.code == 2
    assert f"“{first[1]}”" in refused.err
    assert f"this post is “{second[1]}”" in refused.err
    assert "--continue" in refused.err
    assert "--erratum" in refused.err
    assert "issue: NAME" in refused.err
    before = newsletter("status", "--json", cwd=folder).json
    assert [issue["subject"] for issue in before["issues"]] == [first[1]], "the refused post left no trace"
    looked_at = newsletter("send", post, "--to", "list.csv", "--dry-run", cwd=folder)
    assert looked_at.code == 0
    assert "`send` would refuse" in looked_at.err
    own = second[2].replace("newsletter:\n", "").replace("  issue: c\n", "")
    write(folder, second[0], second[1], more=f"{own}newsletter:\n  issue: my own\n")
    assert send(folder, catcher, post, first=False).code == 0
    assert len(catcher.messages()) == 4


def test_standard_input_twice_with_one_title(folder: Path, catcher: Catcher) -> None:
    text = b"---\ntitle: News\n---\n\n%s\n"
    assert send(folder, catcher, "-", stdin=text % b"One.").code == 0
    assert send(folder, catcher, "-", stdin=text % b"One.").code == 0, "the same post, again"
    refused = send(folder, catcher, "-", stdin=text % b"Two.")
    assert (refused.code, len(catcher.messages())) == (2, 2)
    assert "standard input has no name" in refused.err


def test_two_newsletters_in_one_ledger(folder: Path, catcher: Catcher) -> None:
    for name in ("cats", "dogs"):
        (folder / name).mkdir()
        toml = f'[newsletter]\nname = "{name}"\nfrom = "news@example.com"\n[ledger]\npath = "../shared.db"\n'
        (folder / name / "newsletter.toml").write_text(toml)
        write(folder, f"{name}/2026-03-01.md", "Sunday")
    assert send(folder, catcher, "cats/2026-03-01.md").code == 0
    refused = send(folder, catcher, "dogs/2026-03-01.md")
    assert refused.code == 2
    assert "from cats.example.com" in refused.err
    assert "from dogs.example.com" in refused.err


def test_another_text_alone_is_said_and_names_the_way_on(folder: Path, catcher: Catcher) -> None:
    post = write(folder, "hello.md", "Hello")
    send(folder, catcher, post)
    write(folder, "hello.md", "Hello", "Other words.")
    again = send(folder, catcher, post, "--json")
    assert again.code == 0
    assert "is not what 2 people got, and nobody is left to mail: --erratum mails it again" in again.err
    assert any("--erratum" in warning for warning in again.json["warnings"])
    assert send(folder, catcher, post, "--erratum").code == 0
    assert len(catcher.messages()) == 4
    assert "--erratum" not in send(folder, catcher, post).err


def test_a_title_may_change_until_somebody_has_the_issue(folder: Path, catcher: Catcher) -> None:
    post = write(folder, "hello.md", "Helo")
    nowhere = ("--relay", "smtp://127.0.0.1:1", "--yes", "--first")
    assert newsletter("send", post, "--to", "list.csv", *nowhere, cwd=folder).code == 3
    write(folder, "hello.md", "Hello")
    assert send(folder, catcher, post, first=False).code == 0
    write(folder, "hello.md", "Hello!")
    assert send(folder, catcher, post, first=False).code == 2
    assert send(folder, catcher, post, "--continue", first=False).code == 0
    assert send(folder, catcher, post, first=False).code == 0, "now it is the issue's title"
    assert len(catcher.messages()) == 2


def test_resume_does_not_go_on_with_another_post(folder: Path, catcher: Catcher) -> None:
    post = write(folder, "today.md", "Monday")
    nowhere = ("--relay", "smtp://127.0.0.1:1", "--yes", "--first")
    assert newsletter("send", post, "--to", "list.csv", *nowhere, cwd=folder).code == 3
    write(folder, "today.md", "Tuesday", more="date: 2026-03-03\n")
    send(folder, catcher, post)
    write(folder, "today.md", "Wednesday", more="date: 2026-03-04\n")
    relay = f"smtp://127.0.0.1:{catcher.smtp_port}"
    refused = newsletter("resume", "today", "--relay", relay, "--yes", cwd=folder)
    assert refused.code == 2
    assert "“Wednesday” of 2026-03-04" in refused.err


def as_version_3(ledger: Path, issue: str, name: str) -> None:
    """The ledger as version 3 left it, with the issue under the name that it gave."""
    with closing(sqlite3.connect(ledger)) as db:
        db.execute("DROP TABLE identities")
        db.execute("UPDATE ledger_version SET version = 3")
        db.execute("UPDATE issues SET issue = ? WHERE issue = ?", (name, issue))
        db.execute("UPDATE runs SET issue = ? WHERE issue = ?", (name, issue))
        db.commit()


@pytest.mark.parametrize(
    ("post", "issue", "name"), [("one/index.md", "one", "index"), ("C++.md", "c", "c"), ("hello.md", "hello", "hello")]
)
def test_what_version_3_sent_stays_sent(folder: Path, catcher: Catcher, post: str, issue: str, name: str) -> None:
    write(folder, post, "Sent before")
    send(folder, catcher, post)
    as_version_3(folder / "newsletter.db", issue, name)
    again = send(folder, catcher, post, "--json", first=False)
    assert (again.code, again.json["already_sent"], again.json["issue"]) == (0, 2, name)
    assert len(catcher.messages()) == 2
    assert newsletter("report", post, "--json", cwd=folder).json["issue"] == name
    relay = f"smtp://127.0.0.1:{catcher.smtp_port}"
    assert newsletter("resume", name, "--relay", relay, "--yes", cwd=folder).code == 0
    write(folder, post, "Another post")
    assert send(folder, catcher, post, first=False).code == 2


def test_another_folders_page_is_not_what_version_3_sent(folder: Path, catcher: Catcher) -> None:
    send(folder, catcher, write(folder, "one/index.md", "One"))
    as_version_3(folder / "newsletter.db", "one", "index")
    assert send(folder, catcher, write(folder, "two/index.md", "Two"), first=False).code == 0
    assert len(catcher.messages()) == 4


# --- drafts and dates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    ["false", "False", "FALSE", "no", "No", "off", "n", "0", '"false"', "'No'", "private", "draft"],
)
def test_any_spelling_of_not_published(written: str) -> None:
    assert not parse_post(f"---\ntitle: x\npublished: {written}\n---\ntext", path="p.md").issue.published
    assert not parse_post(f"---\ntitle: x\nPublished: {written}\n---\ntext", path="p.md").issue.published


@pytest.mark.parametrize("written", ["true", "True", "yes", "on", "y", "1", '"true"', "'yes'", "wip", "[a]"])
def test_any_spelling_of_a_draft(written: str) -> None:
    assert parse_post(f"---\ntitle: x\ndraft: {written}\n---\ntext", path="p.md").issue.draft
    assert parse_post(f"---\ntitle: x\nDraft: {written}\n---\ntext", path="p.md").issue.draft


@pytest.mark.parametrize("written", ["false", "no", "off", "n", "0", '"false"', "", "~", "null"])
def test_no_draft(written: str) -> None:
    issue = parse_post(f"---\ntitle: x\ndraft: {written}\npublished:\n---\ntext", path="p.md").issue
    assert (issue.draft, issue.published) == (False, True)


@pytest.mark.parametrize("path", ["_drafts/p.md", "blog/_drafts/deep/p.md", "_Drafts/p.md"])
def test_a_folder_of_drafts(path: str) -> None:
    assert parse_post("# x\n\ntext", path=path).issue.draft


@pytest.mark.parametrize(
    ("front", "zone", "held"),
    [
        ("date: 2026-03-01", UTC, False),
        ("date: 2026-03-02", UTC, True),
        ("date: 2026-03-02", timezone(timedelta(hours=13)), False),  # it is the second there
        ("date: 2026-03-01", timezone(timedelta(hours=-12)), False),
        ("date: 2026-03-02", timezone(timedelta(hours=-12)), True),
        ("date: 2026-03-01 12:00:00 +0000", UTC, False),
        ("date: 2026-03-01 12:00:01 +0000", UTC, True),
        ("date: 2026-03-01 20:00:00 +0800", UTC, False),
        ("date: 2026-03-01 20:01 +08:00", UTC, True),
        ("date: 2026-03-01 08:30:00 -0500", UTC, True),
        ("date: 2026-03-01T12:30:00Z", UTC, True),
        ("date: 2026-03-01 19:00", ZoneInfo("Asia/Shanghai"), False),
        ("date: 2026-03-01 21:00", ZoneInfo("Asia/Shanghai"), True),
        ("date: 2026-03-01\npublishDate: 2026-03-05", UTC, True),
        ("date: 2026-03-01\npublished: 2026-03-05", UTC, True),
        ("date: 2026-03-01\npublished: true", UTC, False),
    ],
)
def test_a_date_is_to_come_or_not(front: str, zone: timezone, held: bool) -> None:
    text = f"---\ntitle: x\n{front}\n---\ntext"
    found = held_findings(parse_post(text, path="p.md").issue, NOON, zone, text)
    assert [finding.code for finding in found] == (["date-future"] if held else [])
    assert all(finding.line in (3, 4) for finding in found)


def test_the_file_names_date_counts() -> None:
    issue = parse_post("# x\n\ntext", path="2026-03-02-x.md").issue
    assert [finding.code for finding in held_findings(issue, NOON, UTC)] == ["date-future"]
    assert held_findings(issue, NOON + timedelta(days=1), UTC) == ()


def test_other_values_are_no_dates() -> None:
    assert read_publication({"date": ["2099-01-01"], "published": 3}, {}).moment is None


HELD = [
    ("post.md", "draft: yes\n", "it is a draft", "draft"),
    ("post.md", "published: 'False'\n", "says not to send this post", "unpublished"),
    ("2999-03-01-post.md", "", "its date is 2999-03-01", "date-future"),
    # Read in the process above, as all are; the commands see what was found.
    pytest.param(
        *("post.md", "date: 2999-03-01\n", "its date is 2999-03-01, which is yet to come", "date-future"),
        marks=pytest.mark.whole,
    ),
    pytest.param("_drafts/post.md", "", "it is a draft", "draft", marks=pytest.mark.whole),
]


@pytest.mark.parametrize(("name", "front", "words", "code"), HELD)
def test_what_is_held_back_is_refused_and_can_be_looked_at(
    folder: Path, catcher: Catcher, name: str, front: str, words: str, code: str
) -> None:
    post = write(folder, name, "Held", more=front)
    refused = send(folder, catcher, post)
    assert (refused.code, catcher.messages()) == (1, ())
    assert words in refused.err
    assert "--now" in refused.err
    assert not (folder / "newsletter.db").exists()
    catch = ("--to", "list.csv", "--catch", "--yes", "--no-wait")
    test = ("--test", "me@example.com", "--relay", f"smtp://127.0.0.1:{catcher.smtp_port}", "--yes")
    for command in (("send", post, *catch), ("send", post, "--to", "list.csv", "--dry-run"), ("send", post, *test)):
        run = newsletter(*command, cwd=folder)
        assert run.code == 0, run.err
        assert f"warning: {post}:" in run.err
        assert words in run.err
    assert words in newsletter("render", post, cwd=folder).err
    rules = [found["rule"] for found in newsletter("check", post, "--json", cwd=folder).json["posts"][0]["findings"]]
    assert code in rules
    assert send(folder, catcher, post, "--now").code == 0
    assert len(catcher.messages()) == 3  # the test, and both


def test_inside_a_folder_of_drafts(folder: Path, catcher: Catcher) -> None:
    write(folder, "_drafts/post.md", "Held")
    write_list(folder / "_drafts", "ada@example.com")
    assert send(folder / "_drafts", catcher, "post.md").code == 1


# --- a ledger that is not there ---------------------------------------------------------------------------------------


def test_a_new_ledger_must_be_meant(folder: Path, catcher: Catcher) -> None:
    post = write(folder, "hello.md", "Hello")
    refused = send(folder, catcher, post, first=False)
    assert (refused.code, catcher.messages()) == (2, ())
    assert "there is no ledger here" in refused.err
    assert "--first" in refused.err
    assert not (folder / "newsletter.db").exists()
    assert send(folder, catcher, post).code == 0
    assert send(folder, catcher, write(folder, "next.md", "Next"), first=False).code == 0
    (folder / "newsletter.db").unlink()
    assert send(folder, catcher, post, first=False).code == 2
    (folder / "newsletter.db").touch()
    assert send(folder, catcher, post, first=False).code == 2
    assert len(catcher.messages()) == 4


def test_a_test_does_not_begin_a_newsletter(folder: Path, catcher: Catcher) -> None:
    post = write(folder, "hello.md", "Hello")
    relay = f"smtp://127.0.0.1:{catcher.smtp_port}"
    assert newsletter("send", post, "--test", "me@example.com", "--relay", relay, "--yes", cwd=folder).code == 0
    assert send(folder, catcher, post, first=False).code == 2
    assert len(catcher.messages()) == 1


def test_a_new_ledger_in_postgresql_must_be_meant(folder: Path, catcher: Catcher, postgres_url: str) -> None:
    from sqlalchemy import create_engine, inspect, make_url

    url = make_url(postgres_url)
    password = str(url.password or "")
    place = url._replace(drivername="postgresql", password=None).render_as_string()
    post = write(folder, "hello.md", "Hello")
    relay = f"smtp://127.0.0.1:{catcher.smtp_port}"
    command = ("send", post, "--to", "list.csv", "--relay", relay, "--yes", "--ledger", place)
    refused = newsletter(*command, cwd=folder, PGPASSWORD=password)
    assert (refused.code, catcher.messages()) == (2, ()), refused.err
    assert "--first" in refused.err
    told = newsletter("status", "--ledger", place, cwd=folder, PGPASSWORD=password)
    assert (told.code, "there is no ledger" in told.err) == (2, True)
    engine = create_engine(url.set(drivername="postgresql+psycopg"))
    assert inspect(engine).get_table_names() == []
    engine.dispose()
    assert newsletter(*command, "--first", cwd=folder, PGPASSWORD=password).code == 0
    assert newsletter(*command, cwd=folder, PGPASSWORD=password).code == 0
    assert len(catcher.messages()) == 2


READING = [
    ("status",),
    ("status", "hello"),
    ("report", "hello"),
    ("resume",),
    ("resume", "hello", "--yes"),
    ("retry", "hello", "--yes"),
    ("resolve", "hello", "--resend", "--yes"),
    ("subscribers", "show", "ada@example.com"),
    ("subscribers", "suppressed"),
    ("send", "hello.md", "--to", "@signups", "--yes"),
]


def reading() -> Iterator[Any]:
    for number, command in enumerate(READING):
        for empty in (False, True):
            marks = () if empty == bool(number % 2) else pytest.mark.whole
            yield pytest.param(
                command, empty, id=f"{' '.join(command)}, {'empty' if empty else 'missing'}", marks=marks
            )


@pytest.mark.parametrize(("command", "empty"), [*reading()])
def test_what_reads_makes_no_ledger(folder: Path, command: tuple[str, ...], empty: bool) -> None:
    write(folder, "hello.md", "Hello")
    typo = folder / "typo.db"
    if empty:
        typo.touch()
    run = newsletter(*command, "--ledger", "typo.db", cwd=folder)
    assert run.code == 2
    assert "typo.db: there is no ledger" in run.err
    assert typo.read_bytes() == b"" if empty else not typo.exists()


@pytest.mark.parametrize(
    "place",
    ["host=db.example password=geheim", "dbname=x", "postgresql:ann:geheim@db/x", "ann:geheim@db/x", "user = ann"],
)
def test_a_connection_string_is_no_file_name(folder: Path, place: str) -> None:
    write(folder, "hello.md", "Hello")
    before = sorted(folder.iterdir())
    for command in (("status",), ("send", "hello.md", "--to", "list.csv", "--yes", "--first")):
        run = newsletter(*command, "--ledger", place, cwd=folder)
        assert run.code == 2
        assert "geheim" not in run.err + run.out
        assert "postgresql://user@host/name" in run.err
    (folder / "newsletter.toml").write_text(f'[ledger]\npath = "{place}"\n')
    run = newsletter("status", cwd=folder)
    assert (run.code, "geheim" in run.err) == (2, False)
    assert [path for path in sorted(folder.iterdir()) if path.name != "newsletter.toml"] == before


@pytest.mark.parametrize("place", ["a=b.db", "state/sent.db", "/tmp/x y.db", "C:\\x\\sent.db", "ann@home.db"])
def test_a_file_name_may_look_odd(place: str) -> None:
    from newsletter.config.ledger_url import parse_ledger

    assert parse_ledger(place) == Path(place)


# --- latecomers -------------------------------------------------------------------------------------------------------


def make_older(ledger: Path, days: float) -> None:
    with closing(sqlite3.connect(ledger)) as db:
        db.execute("UPDATE issues SET first_sent = first_sent - ?", (int(days * 86_400_000),))
        db.commit()


def test_whoever_joins_long_after_gets_no_old_issue(folder: Path, catcher: Catcher) -> None:
    post = write(folder, "hello.md", "Hello")
    send(folder, catcher, post)
    make_older(folder / "newsletter.db", 1.9)
    write_list(folder, "ada@example.com", "ben@example.com", "cy@example.com")
    assert send(folder, catcher, post, "--json").json["sent"] == 1, "a day later they still do"
    make_older(folder / "newsletter.db", 0.2)
    write_list(folder, "ada@example.com", "ben@example.com", "cy@example.com", "di@example.com", "eve@example.com")
    late = send(folder, catcher, post, "--json")
    assert (late.code, late.json["sent"], late.json["already_sent"], late.json["newcomers"]) == (0, 0, 3, 2)
    assert "2 joined the list after the issue hello first went out, more than 2 days ago" in late.err
    assert "--newcomers" in late.err
    relay = f"smtp://127.0.0.1:{catcher.smtp_port}"
    resumed = newsletter("resume", "hello", "--relay", relay, "--yes", "--json", cwd=folder)
    assert (resumed.code, resumed.json["sent"]) == (0, 0)
    assert send(folder, catcher, post, "--newcomers", "--json").json["sent"] == 2
    assert len(catcher.messages()) == 5


def test_the_age_is_a_setting(folder: Path, catcher: Catcher) -> None:
    (folder / "newsletter.toml").write_text("[delivery]\nnewcomers_days = 30\n")
    post = write(folder, "hello.md", "Hello")
    send(folder, catcher, post)
    make_older(folder / "newsletter.db", 29)
    write_list(folder, "ada@example.com", "ben@example.com", "cy@example.com")
    assert send(folder, catcher, post, "--json").json["sent"] == 1


def test_a_list_of_newcomers_alone_is_asked_about(folder: Path, catcher: Catcher) -> None:
    post = write(folder, "hello.md", "Hello")
    send(folder, catcher, post)
    make_older(folder / "newsletter.db", 10)
    write_list(folder, "eve@example.com")
    refused = send(folder, catcher, post)
    assert (refused.code, "--newcomers" in refused.err) == (2, True)
    assert send(folder, catcher, post, "--newcomers").code == 0
    assert len(catcher.messages()) == 3


# --- no output over an input ------------------------------------------------------------------------------------------


@pytest.fixture
def sent(folder: Path, catcher: Catcher) -> Path:
    (folder / "newsletter.toml").write_text('[newsletter]\nname = "News"\n')
    write(folder, "hello.md", "Hello")
    send(folder, catcher, "hello.md")
    (folder / "link.db").symlink_to("newsletter.db")
    (folder / "list-link.csv").symlink_to("list.csv")
    os.link(folder / "hello.md", folder / "hello-too.md")
    return folder


CATCH = ("send", "hello.md", "--to", "list.csv", "--catch", "--yes", "--no-wait")
OVER_THE_LEDGER = [
    ("report", "hello", "--html"),
    (*CATCH, "--mbox"),
    (*CATCH, "--maildir"),
    (*CATCH, "--log-json"),
    ("resume", "hello", "--yes", "--log-json"),
    ("subscribers", "convert", "list.csv", "--out"),
    ("subscribers", "export", "list.csv", "--out"),
    ("subscribers", "merge", "list.csv", "list.csv", "--out"),
]


NAMES = ("newsletter.db", "link.db", "newsletter.db-wal", "newsletter.db-shm", "newsletter.toml")
LOCK = f"newsletter.db.{'0' * 16}.lock"


def over_the_ledger() -> Iterator[Any]:
    """Each command with one name, and each name with a command; in the whole each with each."""
    names = (*NAMES, LOCK)
    for number, command in enumerate(OVER_THE_LEDGER):
        name = f"{command[0]} {command[1]} {command[-1]}"
        turn = names[number % len(names)]
        yield pytest.param(command, [turn], id=name)
        others = [each for each in names if each != turn]
        yield pytest.param(command, others, id=f"{name}, whole", marks=pytest.mark.whole)


@pytest.mark.parametrize(("command", "names"), [*over_the_ledger()])
def test_no_output_takes_the_place_of_the_ledger(sent: Path, command: tuple[str, ...], names: list[str]) -> None:
    before = {path: path.read_bytes() for path in sent.iterdir() if path.is_file()}
    for name in names:
        run = newsletter(*command, name, cwd=sent)
        assert run.code == 2, name
        assert f"{name}: this is " in run.err
    assert {path: path.read_bytes() for path in sent.iterdir() if path.is_file()} == before


def over_what_is_read() -> Iterator[Any]:
    for number, name in enumerate(("list.csv", "list-link.csv", "hello.md", "hello-too.md", "./hello.md")):
        for turn, option in enumerate(("--mbox", "--log-json")):
            yield pytest.param(option, name, marks=() if number % 2 == turn else pytest.mark.whole)


@pytest.mark.parametrize(("option", "name"), [*over_what_is_read()])
def test_no_output_takes_the_place_of_what_is_read(sent: Path, option: str, name: str) -> None:
    before = (sent / name).read_bytes()
    run = newsletter(*CATCH, option, name, cwd=sent)
    assert (run.code, (sent / name).read_bytes()) == (2, before)


@pytest.mark.parametrize("name", ["newsletter.toml", "hello.md", "list.csv"])
def test_a_failure_before_the_files_are_looked_at_is_logged_over_none(sent: Path, name: str) -> None:
    (sent / "newsletter.toml").write_text("[newsletter\n", "utf-8")
    before = (sent / name).read_bytes()
    run = newsletter(*CATCH, "--log-json", name, cwd=sent)
    assert (run.code, (sent / name).read_bytes()) == (2, before)


def test_a_rendering_does_not_take_the_place_of_its_post_or_list(sent: Path) -> None:
    out = sent / "out" / "hello"
    out.mkdir(parents=True)
    (out / "email.txt").write_text("---\ntitle: Text\n---\n\nA post.\n")
    assert newsletter("render", "out/hello/email.txt", "--out", "out/hello", cwd=sent).code == 2
    (out / "recipients.csv").write_text("email\nada@example.com\n")
    dry = ("send", "hello.md", "--to", "out/hello/recipients.csv", "--dry-run")
    assert newsletter(*dry, cwd=sent).code == 2
    assert (out / "recipients.csv").read_text() == "email\nada@example.com\n"


def test_standard_streams_and_new_files_are_free(sent: Path) -> None:
    assert newsletter(*CATCH, "--log-json", "-", "--mbox", "box.mbox", cwd=sent).code == 0
    assert newsletter(*CATCH, "--mbox", "box.mbox", cwd=sent).code == 0
    assert newsletter("report", "hello", "--html", "report.html", cwd=sent).code == 0


def test_on_a_terminal_a_new_ledger_is_part_of_the_question(folder: Path, catcher: Catcher) -> None:
    """Without a terminal the question is in the sentence that says so."""
    write(folder, "hello.md", "Hello")
    command = ("send", "hello.md", "--to", "list.csv", "--relay", f"smtp://127.0.0.1:{catcher.smtp_port}")
    asked = newsletter(*command, cwd=folder)
    assert (asked.code, catcher.messages()) == (2, ())
    assert "mailed as if for the first time. Send to 2 subscribers?" in asked.err
    assert "first time" not in newsletter(*command, "--first", cwd=folder).err
    assert send(folder, catcher, "hello.md", first=False).code == 2, "a question that was not answered began nothing"
