"""The functions for Python programs, and docs/python.md run as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine import CHECKOUT

from newsletter import api

POST = "---\ntitle: Three things\n---\n\nHello {{ subscriber.name | default('you') }}.\n\n1. **First** thing\n"
LIST = "email,name\nada@example.org,Ada\nbob@example.net,Bob\n"
SETTINGS = '[newsletter]\nname = "Things"\nfrom = "Things <things@example.com>"\npostal_address = "1 Main Street"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "2026-03-06-three.md").write_text(POST)
    (tmp_path / "subscribers.csv").write_text(LIST)
    (tmp_path / "newsletter.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def catcher() -> Iterator[api.Catcher]:
    with api.Catcher() as running:
        yield running


def _relay(catcher: api.Catcher) -> str:
    return f"smtp://127.0.0.1:{catcher.smtp_port}"


def test_a_post_is_parsed_without_its_file() -> None:
    issue = api.parse_post(
        POST, name="2026-03-06-three.md", config=api.Config(Path(), None, api.read_config().settings)
    )
    assert issue.title == "Three things"
    assert issue.slug == "2026-03-06-three"


def test_an_issue_is_rendered_for_a_subscriber(folder: Path) -> None:
    rendered = api.render_issue("posts/2026-03-06-three.md", subscriber={"email": "ada@example.org", "name": "Ada"})
    assert rendered.subject == "Three things"
    assert "Hello Ada." in rendered.html
    assert "Hello Ada." in rendered.text
    assert "Hello you." in api.render_issue(folder / "posts" / "2026-03-06-three.md").text


def test_each_subscriber_gets_it_once(folder: Path, catcher: api.Catcher) -> None:
    seen: list[str] = []

    def send(**more: bool) -> api.SendResult:
        return api.send_issue(
            "posts/2026-03-06-three.md",
            "subscribers.csv",
            relay=_relay(catcher),
            on_outcome=lambda address, outcome: seen.append(f"{address} {outcome.state}"),
            **more,
        )

    first, second = send(first=True), send()
    assert (first.sent, first.complete) == (2, True)
    assert (second.sent, second.complete) == (0, True)
    assert sorted(seen) == ["ada@example.org sent", "bob@example.net sent"]
    assert sorted(address for mail in catcher.messages() for address in mail.rcpt_to) == [
        "ada@example.org",
        "bob@example.net",
    ]


def test_a_missing_ledger_is_no_reason_to_mail_everyone(folder: Path, catcher: api.Catcher) -> None:
    with pytest.raises(api.ConfigError, match="--first"):
        api.send_issue("posts/2026-03-06-three.md", "subscribers.csv", relay=_relay(catcher))
    assert not catcher.messages()


def test_an_error_names_the_place_and_the_remedy(folder: Path) -> None:
    with pytest.raises(api.ContentError, match=r"posts/none\.md: there is no such file; check the name"):
        api.render_issue("posts/none.md")


def test_a_segment_is_mailed_alone(folder: Path, catcher: api.Catcher) -> None:
    api.send_issue(
        "posts/2026-03-06-three.md", ["subscribers.csv"], where="name == 'Bob'", relay=_relay(catcher), first=True
    )
    assert [mail.rcpt_to for mail in catcher.messages()] == [("bob@example.net",)]


def test_the_page_runs_as_it_stands(folder: Path, catcher: api.Catcher, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "newsletter.toml").write_text(f'{SETTINGS}\n[relay]\nurl = "{_relay(catcher)}"\n')
    page = (CHECKOUT / "docs" / "python.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 5
    scope: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), scope)
    said = capsys.readouterr().out
    assert "2 sent, 0 refused, 0 left" in said
    assert "2 caught" in said
    assert len(catcher.messages()) == 2


def test_every_name_is_there_and_documented() -> None:
    for name in api.__all__:
        assert getattr(api, name).__doc__
