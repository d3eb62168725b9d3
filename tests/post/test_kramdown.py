"""Posts as a Jekyll blog shows them: what kramdown's page says, both parts of the email say, in the same order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kramdown import Kramdown, lost_in_html, lost_in_text, said_by
from machine import CHECKOUT, TESTS, RequireProgram
from post_grammar import Writer

from newsletter.message.fill_slots import fill
from newsletter.model.issue import Site
from newsletter.model.rendered_email import Masthead, Theme
from newsletter.post.front_matter import read_front_matter
from newsletter.post.parse import parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

SITE = Site("https://blog.example")


@pytest.fixture(scope="module")
def kramdown(require_program: RequireProgram) -> Iterator[Kramdown]:
    ruby = require_program("ruby")
    with Kramdown(str(ruby)) as process:
        yield process


@pytest.fixture(scope="module")
def theme() -> Theme:
    return load_theme("classic", CHECKOUT)


def lost(source: str, kramdown: Kramdown, theme: Theme) -> list[str]:
    """What the blog says and the email does not, each with the part that lacks it."""
    said = said_by(kramdown.html(source))
    issue = parse_post(f"---\ntitle: T\n---\n{source}", path="p.md", site=SITE).issue
    email = render_issue(issue, theme, Masthead())
    html, text = (fill(part, {}) for part in (email.html, email.text))
    found = [f"html: {each}" for each in lost_in_html(said, html)]
    found += [f"text: {each}" for each in lost_in_text(said, text)]
    left_out = any(finding.code == "table-stories" for finding in email.findings)  # what it names
    return [each for each in found if not (left_out and each.partition(": ")[2].startswith("heading "))]


@pytest.fixture(scope="module")
def lost_of(kramdown: Kramdown, theme: Theme) -> Callable[[str], list[str]]:
    """`lost` by the source alone: hypothesis prints the arguments of a failed test, and a theme is 40 KB."""
    return lambda source: lost(source, kramdown, theme)


CONSTRUCTS = TESTS / "cases" / "kramdown.txt"


def constructs() -> list[str]:
    return [part.strip("\n") for part in CONSTRUCTS.read_text("utf-8").split("\n%%\n")[1:]]


@pytest.mark.parametrize("source", constructs(), ids=lambda source: source.split("\n")[0][:40])
def test_constructs_read_as_on_the_blog(source: str, kramdown: Kramdown, theme: Theme) -> None:
    assert lost(source, kramdown, theme) == []


def test_the_comparison_sees_what_is_lost(kramdown: Kramdown) -> None:
    said = said_by(kramdown.html("One *two* [three](https://a.example) ![](https://a.example/i.png)\n\n    four\n"))
    whole = '<p>One two <a href="https://a.example">three</a> <img src="https://a.example/i.png"> four</p>'
    assert lost_in_html(said, whole) == []
    assert lost_in_text(said, "One two three\nhttps://a.example\nfour") == []
    assert lost_in_html(said, whole.replace("two", "")) == ["text two"]
    assert lost_in_html(said, whole.replace("four", "")) == ["code four"]
    assert lost_in_html(said, whole.replace("One two", "two One")) == ["text two (out of order)"]
    assert lost_in_html(said, whole.replace("//a.example/i", "//b.example/i")) == ["picture https://a.example/i.png"]
    assert lost_in_text(said, "One two three four") == ["link https://a.example"]
    table = said_by(kramdown.html("| five | six |\n|---|---|\n| seven | eight |\n"))
    assert lost_in_text(table, "five: seven, six: eight") == []
    assert lost_in_text(table, "five: seven, eight") == ["heading six"]
    assert lost_in_text(table, "five: eight, six: seven") == ["text eight (out of order)"]


@pytest.mark.parametrize("path", sorted((CHECKOUT / "examples").rglob("*.md")), ids=lambda path: path.stem)
def test_the_examples_are_whole(path: Path, kramdown: Kramdown, theme: Theme) -> None:
    body = read_front_matter(path.read_text("utf-8"), path.name).body
    if "{{" in body or "{%" in body:
        pytest.skip("Liquid is resolved before Markdown, by Jekyll too")
    assert lost(body, kramdown, theme) == []


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_generated_posts_are_whole(lost_of: Callable[[str], list[str]], seed: int) -> None:
    source = Writer(random.Random(seed)).post()
    assert lost_of(source) == [], source


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_generated_digests_are_whole(lost_of: Callable[[str], list[str]], seed: int) -> None:
    source = Writer(random.Random(seed)).digest()
    assert lost_of(source) == [], source
