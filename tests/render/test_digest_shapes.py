"""Digests of any shape, drawn: the examples of docs/digests.md in every theme, and posts made by chance."""

from __future__ import annotations

import re

import lxml.html
import pytest
from machine import CHECKOUT

from newsletter.message.fill_slots import fill
from newsletter.model.issue import Issue
from newsletter.model.rendered_email import Email, Masthead
from newsletter.post.parse import parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

THEMES = ("classic", "brief", "essay", "magazine", "mono")
EXAMPLES = dict(
    re.findall(
        r"^## ([^\n]+)\n.*?```markdown\n(.*?)\n```", (CHECKOUT / "docs" / "digests.md").read_text("utf-8"), re.S | re.M
    )
)


def issue_of(source: str) -> Issue:
    return parse_post(f"---\ntitle: Of the day\n---\n{source}\n", path="p.md").issue


def email_of(source: str, theme: str = "classic") -> Email:
    return render_issue(issue_of(source), load_theme(theme, CHECKOUT), Masthead("Daily"))


def test_the_page_has_every_shape() -> None:
    assert len(EXAMPLES) == 7
    assert {name: len(issue_of(source).stories) for name, source in EXAMPLES.items()} == {
        name: 0 if name == "What stays as it is" else 3 for name in EXAMPLES
    }


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_each_shape_is_whole_in_each_theme(name: str, theme: str) -> None:
    issue, email = issue_of(EXAMPLES[name]), email_of(EXAMPLES[name], theme)
    html, text = fill(email.html, {}), fill(email.text, {})
    assert "None" not in html
    assert "None" not in text
    links = set(re.findall(r"https://example\.com/\w+", EXAMPLES[name]))
    assert links <= set(lxml.html.fromstring(html).xpath("//a/@href"))
    assert links <= set(text.split())
    assert [f"{story.number}." for story in issue.stories if story.number] == re.findall(r"^\d\.", text, re.M)


@pytest.mark.parametrize("theme", THEMES)
def test_a_bare_address_is_a_button_that_says_its_host(theme: str) -> None:
    html = fill(email_of("1. A tram 🔗 https://www.a.example/very/long/path?of=things\n2. Two.\n", theme).html, {})
    (link,) = lxml.html.fromstring(html).xpath("//a[starts-with(@href, 'https://www.a.example')]")
    assert link.text_content().replace("→", "").strip() == "a.example"


def test_the_count_is_said_of_any_shape() -> None:
    for name, source in EXAMPLES.items():
        words = lxml.html.fromstring(fill(email_of(source).html, {})).text_content()
        assert bool(re.search(r"3\s(?:stories|条)|共\s?3", words)) == (name != "What stays as it is"), name


@pytest.mark.parametrize("theme", THEMES)
def test_the_steps_of_an_article_are_not_counted(theme: str) -> None:
    prose = "The harbour was built in a year, which was a mistake that everybody paid for.\n\n" * 6
    steps = "1. Boil.\n2. Steep.\n3. Drink.\n\n"
    html = fill(email_of("".join(f"## {name}\n\n{prose}{steps}" for name in ("Tea", "Soup")), theme).html, {})
    page = lxml.html.fromstring(html)
    headings = {each.text_content().strip().removeprefix("## ") for each in page.xpath("//h2")}
    assert {"Tea", "Soup"} <= headings
    assert not re.search(r"(Tea|Soup)\s*3", page.text_content())
