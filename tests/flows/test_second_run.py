"""The same command again: what a person is shown, asked, and refused when some have the issue already."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Run, newsletter

from newsletter.web.catcher.server import Catcher

POST = "---\ntitle: Hello {{ subscriber.name | default('you') }}\n---\n\nOne paragraph.\n"
CONFIG = '[newsletter]\nname = "Letters"\nfrom = "l@example.com"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "letters"
    (root / "posts").mkdir(parents=True)
    (root / "newsletter.toml").write_text(CONFIG)
    (root / "posts" / "hello.md").write_text(POST)
    (root / "list.csv").write_text("email,name\nada@example.com,Ada\nben@example.com,\n")
    return root


def send(project: Path, catcher: Catcher, *more: str, cwd: Path | None = None) -> Run:
    post, people = project / "posts" / "hello.md", project / "list.csv"
    relay = f"smtp://127.0.0.1:{catcher.smtp_port}"
    return newsletter("send", post, "--to", people, "--relay", relay, "--first", *more, cwd=cwd or project)


def test_the_posts_own_configuration_and_ledger_count_wherever_it_runs(project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "newsletter.toml").write_text('[newsletter]\nname = "Another"\n')
    with Catcher() as catcher:
        first = send(project, catcher, "--yes")
        again = send(project, catcher, "--yes", cwd=elsewhere)
        assert len(catcher.messages()) == 2
    assert "Letters <l@example.com>" in first.out
    assert "Letters <l@example.com>" in again.out
    assert again.code == 0
    assert list(elsewhere.iterdir()) == [elsewhere / "newsletter.toml"]


def test_nothing_is_asked_when_nobody_is_due(project: Path) -> None:
    with Catcher() as catcher:
        send(project, catcher, "--yes")
        again = send(project, catcher)  # no terminal and no --yes: a question would be refused
        assert len(catcher.messages()) == 2
    assert again.code == 0
    assert "2 have it, 0 to be mailed" in again.out
    assert "Already sent        2" in again.out


def test_a_changed_post_is_a_question_only_while_somebody_is_due(project: Path) -> None:
    with Catcher() as catcher:
        send(project, catcher, "--yes")
        (project / "posts" / "hello.md").write_text(POST + "A correction.\n")
        assert send(project, catcher, "--yes").code == 0
        with (project / "list.csv").open("a") as people:
            people.write("cy@example.com,Cy\n")
        refused = send(project, catcher, "--yes")
        assert refused.code == 2
        assert "write --continue to send it as it is now to the other 1" in refused.err
        assert send(project, catcher, "--yes", "--continue").code == 0
        # What is sent now is the issue: the plain command goes on from here.
        with (project / "list.csv").open("a") as people:
            people.write("di@example.com,Di\n")
        assert send(project, catcher, "--yes").code == 0
        assert [message.rcpt_to for message in catcher.messages()[2:]] == [("cy@example.com",), ("di@example.com",)]


def test_the_plan_shows_a_real_subject_and_names_empty_columns(project: Path) -> None:
    (project / "posts" / "hello.md").write_text(POST + "Dear {{ subscriber.name }},\n")
    run = newsletter("send", "posts/hello.md", "--to", "list.csv", "--dry-run", cwd=project)
    assert "Subject   Hello Ada  (the first recipient's)" in run.out
    assert (
        "posts/hello.md:6: subscriber.name is empty for 1 of 2, and leaves a hole; write {{ subscriber.name |"
        in run.err
    )


def test_a_tester_off_the_list_reads_what_the_first_on_it_will(project: Path) -> None:
    with Catcher() as catcher:
        assert send(project, catcher, "--test", "me@example.org", "--yes").code == 0
        (message,) = catcher.messages()
    assert message.rcpt_to == ("me@example.org",)
    assert b"Subject: [Test] Hello Ada\r\n" in message.data


def test_swapped_arguments_are_recognised(project: Path) -> None:
    run = newsletter("send", "list.csv", "--to", "posts/hello.md", "--dry-run", cwd=project)
    assert run.code == 2
    assert "list.csv looks like a list and posts/hello.md like a post" in run.err


def test_a_missing_password_is_said_before_connecting(project: Path) -> None:
    relay = "smtp://me@127.0.0.1:9"
    run = newsletter("send", "posts/hello.md", "--to", "list.csv", "--relay", relay, "--yes", "--first", cwd=project)
    assert run.code == 2
    assert "the environment variable NEWSLETTER_SMTP_PASSWORD is not set; set it to the password of me" in run.err


def test_a_quote_that_is_never_closed_is_named_where_it_opens(project: Path) -> None:
    (project / "posts" / "hello.md").write_text('---\nlayout: post\ntitle: "Hello\ndate: 2026-03-02\n---\n\nText.\n')
    run = newsletter("render", "posts/hello.md", cwd=project)
    assert run.code == 1
    assert run.err == (
        "posts/hello.md:3:8: the quote that opens here is never closed; write the same quote at the value's end\n"
    )


def test_a_field_is_shown_as_it_is_written_and_never_cut_in_two(project: Path) -> None:
    long = "一" * 66 + " {{ subscriber.name | default('you') }} 二三四五六"
    (project / "posts" / "hello.md").write_text(f"---\ntitle: Hi\ndescription: {long}\n---\n\nText.\n", "utf-8")
    with Catcher() as catcher:
        assert send(project, catcher, "--yes").code == 0
        assert newsletter("render", "posts/hello.md", cwd=project).code == 0
        for message in catcher.messages():
            assert b"nlfield" not in message.data
    for name in ("email.html", "email.txt", "issue.json"):
        assert "nlfield" not in (project / "out" / "hello" / name).read_text("utf-8")
