"""The end of each issue, the subject, and the number, as newsletter.toml says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import lxml.html
import pytest
from themes import THEMES

from newsletter.config.load import load_config
from newsletter.ledger.ledger import Ledger, Move
from newsletter.message.fill_slots import fill, slot_values
from newsletter.model.delivery import State
from newsletter.pipeline.render_post import SAMPLE, Rendering, render_post

FOOTER = """[footer]
feedback = "serve"
forward = true
archive = "https://a.example/archive"
social = ["https://mastodon.social/@daily", "https://chaos.example/@daily"]
sponsor = "Kept alive by Example Ltd"
sponsor_url = "https://example.com/?from=letter"
"""
POST = "---\ntitle: Day & night\npermalink: /2026/day/\n---\n\nWords.\n"

Made = Callable[..., tuple[Rendering, str, str]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(toml: str, post: str = POST, theme: str = "classic", keys: str = "") -> tuple[Rendering, str, str]:
        settings = (
            f'[newsletter]\nname = "N"\n{keys}[site]\nurl = "https://a.example"\n[theme]\nname = "{theme}"\n{toml}'
        )
        (tmp_path / "newsletter.toml").write_text(settings, "utf-8")
        (tmp_path / "2026-03-01-day.md").write_text(post, "utf-8")
        config = load_config(None, {}, tmp_path)
        rendering = render_post(str(tmp_path / "2026-03-01-day.md"), config)
        values = slot_values(config.sample_sender, SAMPLE)
        return rendering, fill(rendering.email.html, values), fill(rendering.email.text, values)

    return make


@pytest.mark.parametrize("theme", THEMES)
def test_all_that_a_reader_may_do(made: Made, theme: str) -> None:
    _, html, text = made(f'{FOOTER}[serve]\nurl = "https://n.example"\n', theme=theme)
    links = {link.text_content().strip(): link.get("href") for link in lxml.html.document_fromstring(html).xpath("//a")}
    assert links["👍\xa0Good"] == "https://n.example/f/2026-03-01-day/up"
    assert links["👎\xa0Could be better"] == "https://n.example/f/2026-03-01-day/down"
    assert (
        links["Forward to a friend"] == "mailto:?subject=Day%20%26%20night&body=https%3A%2F%2Fa.example%2F2026%2Fday%2F"
    )
    assert links["Archive"] == "https://a.example/archive"
    assert (links["Mastodon"], links["chaos.example"]) == (
        "https://mastodon.social/@daily",
        "https://chaos.example/@daily",
    )
    assert links["Kept alive by Example Ltd"] == "https://example.com/?from=letter"
    assert re.match(r"https://n\.example/p/\S+", links["Choose what you receive"])
    for words, href in links.items():
        if not href.startswith("mailto:?") and words not in ("N", "Web\u00a0version"):
            assert f"\n{href}\n" in text, words


def test_without_a_footer_nothing_is_added(made: Made) -> None:
    _, html, text = made("")
    for words in ("Good", "Forward to a friend", "Archive", "Choose what you receive"):
        assert words not in html
        assert words not in text


def test_feedback_may_go_elsewhere(made: Made) -> None:
    _, html, _ = made('[footer]\nfeedback = "https://count.example/vote"\n')
    hrefs = lxml.html.document_fromstring(html).xpath("//a/@href")
    assert "https://count.example/vote?issue=2026-03-01-day&answer=up" in hrefs


@pytest.mark.parametrize(("theme", "lang"), [("classic", "ar"), ("mono", "zh")])
def test_another_language(made: Made, theme: str, lang: str) -> None:
    post = POST.replace("---\n", f"---\nlang: {lang}\n", 1)
    _, html, _ = made(FOOTER.replace("serve", "https://c.example/v"), post, theme)
    assert "Forward to a friend" not in html


def test_the_subject_may_follow_the_headline(made: Made) -> None:
    post = '---\ntitle: "N 2026-03-01"\n---\n\n## Summary\n\n```\nA thing happened. Another, too.\n```\n\nWords.\n'
    for keys, subject in (("", "N 2026-03-01"), ('subject = "headline"\n', "A thing happened")):
        rendering, html, _ = made("", post, keys=keys)
        assert rendering.email.subject.parts == (subject,)
        assert f"<title>{subject}</title>" in html


def test_issues_are_counted_by_the_ledger(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text('[newsletter]\nname = "N"\nfirst_number = 300\n')
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.md").write_text(f"# {name}\n\nWords.\n")
    (tmp_path / "own.md").write_text("---\ntitle: T\nissue_number: 7\n---\nWords.\n")

    def number(name: str) -> str:
        return render_post(str(tmp_path / f"{name}.md"), load_config(None, {}, tmp_path)).issue.number

    assert number("a") == "300"
    assert not (tmp_path / "newsletter.db").exists()
    now = [datetime(2026, 3, 1, tzinfo=UTC)]
    with Ledger.open(tmp_path / "newsletter.db", lambda: now[0]) as ledger:
        for day, name in enumerate(("b", "a"), 1):
            now[0] = datetime(2026, 3, day, tzinfo=UTC)
            ledger.plan(name, ["ada@example.org"], content_hash="1", subject=name)
            run = ledger.begin_run(name, "1 here")
            (claim,) = ledger.claim(name, 1)
            ledger.write(name, [Move(claim.row, State.COMMITTING, message_id="<1@a.example>")])
            ledger.write(name, [Move(claim.row, State.SENT, stage="dot", code=250, reply="ok")])
            ledger.end_run(run, "")
        ledger.plan("c", ["ada@example.org"], content_hash="1", subject="c")
    assert [number(name) for name in ("b", "a", "c", "own")] == ["300", "301", "302", "7"]
