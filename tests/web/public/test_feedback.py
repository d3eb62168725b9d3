"""Thumbs under an issue: the link asks, a button counts, and nobody is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from web_site import NOW, TOML, Site, running

from newsletter.audience.people.store import People
from newsletter.ledger.ledger import Ledger


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path, TOML) as opened:
        with Ledger.open(tmp_path / "newsletter.db", lambda: NOW) as ledger:
            ledger.plan("第一期", ["ada@example.org"], content_hash="1", subject="One")
        yield opened


def answers(tmp_path: Path, issue: str = "第一期") -> dict[str, int]:
    with Ledger.open(tmp_path / "newsletter.db", lambda: NOW) as ledger:
        return dict(ledger.answers(issue))


ISSUE = "/f/%E7%AC%AC%E4%B8%80%E6%9C%9F"


def test_a_link_asks_and_counts_nothing(site: Site, tmp_path: Path) -> None:
    page = site.get(f"{ISSUE}/down")
    assert page.status == 200
    assert page.text.index('action="down"') < page.text.index('action="up"'), "what was pressed comes first"
    assert answers(tmp_path) == {}


def test_a_button_counts(site: Site, tmp_path: Path) -> None:
    for answer in ("up", "up", "down"):
        page = site.post(f"{ISSUE}/{answer}", {})
        assert page.status == 200
        assert "Thank you" in page.text
    assert answers(tmp_path) == {"up": 2, "down": 1}


def test_another_sites_form_counts_nothing(site: Site, tmp_path: Path) -> None:
    page = site.post(f"{ISSUE}/up", {}, sec_fetch_site="cross-site")
    assert "How was this issue?" in page.text
    assert answers(tmp_path) == {}


@pytest.mark.parametrize("path", [f"{ISSUE}/sideways", "/f/unknown/up"])
def test_an_answer_or_an_issue_that_nobody_knows_is_no_page(site: Site, tmp_path: Path, path: str) -> None:
    assert site.post(path, {}).status == 404
    assert answers(tmp_path, "unknown") == {}


@pytest.mark.parametrize("issue", ["a\0b", "\0", "\ud800", "a\x1b[31mb", "x" * 10_000])
def test_a_name_that_no_database_holds_is_of_no_issue(issue: str, store: Path | str) -> None:
    with People.open(store, lambda: NOW) as people:
        assert people.count_answer(issue, "up") is False
