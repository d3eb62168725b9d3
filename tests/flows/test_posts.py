"""Five real posts of one digest: every story, link, picture and sentence of theirs is accounted for."""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from accounting import Rendered, assert_nothing_lost, render_file, sentences

from newsletter.model.issue import Story, Strong, Summary

Load = Callable[[str], Rendered]

# Stories, their source links and pictures; then each warning by line.
EXPECTED: dict[str, tuple[tuple[int, int, int], list[tuple[int | None, str]]]] = {
    "2025-12-01-ai-daily": ((45, 26, 16), [(10, "front-matter-quote")]),
    "2025-12-06-ai-daily": (
        (14, 14, 10),
        [(line, "link-wrapped") for line in (*range(35, 45), *range(48, 52))],
    ),
    "2025-12-12-ai-daily": (
        (28, 0, 0),
        [(33, "story-space"), (53, "bold-spaces"), (57, "bold-spaces"), (72, "story-space"), (79, "story-space")],
    ),
    "2025-12-15-ai-daily": ((22, 22, 11), []),
    "2026-01-17-ai-info-hub": ((0, 0, 0), []),
}


@pytest.fixture(scope="session")
def load(posts: Path, tmp_path_factory: pytest.TempPathFactory) -> Load:
    project = tmp_path_factory.mktemp("project")
    done: dict[str, Rendered] = {}

    def once(name: str) -> Rendered:
        if name not in done:
            done[name] = render_file(posts / f"{name}.md", project)
        return done[name]

    return once


@pytest.fixture(scope="session")
def reference(load: Load) -> Rendered:
    return load("2025-12-01-ai-daily")


def test_all_posts_are_expected(posts: Path) -> None:
    assert sorted(path.stem for path in posts.glob("*.md")) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_stories_links_pictures_and_warnings(load: Load, name: str) -> None:
    rendered = load(name)
    assert (rendered.counts, rendered.warnings) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_every_sentence_link_and_picture_arrives(load: Load, name: str) -> None:
    rendered = load(name)
    assert len(sentences(rendered.source)) >= 25
    assert_nothing_lost(rendered)


@pytest.mark.parametrize("name", EXPECTED)
def test_title_date_and_language(load: Load, name: str) -> None:
    issue = load(name).issue
    assert issue.date
    assert name.startswith(issue.date.isoformat())
    assert (issue.slug, issue.lang) == (name, "zh")
    assert issue.hero


def strong_nodes(value: object) -> int:
    """Strong nodes anywhere beneath a value of the tree."""
    if isinstance(value, tuple):
        return sum(strong_nodes(each) for each in value)
    if not hasattr(value, "__slots__"):
        return 0
    return isinstance(value, Strong) + sum(strong_nodes(getattr(value, name)) for name in value.__slots__)


def test_the_reference_keeps_every_bold_run(reference: Rendered) -> None:
    assert strong_nodes(reference.issue.blocks) == 145
    assert reference.html.count("<strong") == 145


def test_the_reference_sections_restart_their_numbers(reference: Rendered) -> None:
    numbers = [story.number for story in reference.issue.stories]
    assert numbers.count(1) == 5
    assert all(after in (before + 1, 1) for before, after in pairwise(numbers))


def test_the_references_title_is_not_repeated(reference: Rendered) -> None:
    # It says no more than the masthead, so the summary's first sentence is the headline.
    assert "AI日报2025/12/1" not in reference.html_words
    assert "AI日报2025年12月1日星期一" in reference.html_words
    assert isinstance(reference.issue.blocks[1], Summary)


def test_the_references_description_is_whole(reference: Rendered) -> None:
    assert reference.issue.description.endswith('同时研究显示大模型面临"压力崩溃”的风险。')
    (finding,) = reference.issue.findings
    assert finding.at("p.md") == (
        'p.md:10: a " stands unescaped inside the quoted value of `description`; write \\" or use a block scalar'
    )


def test_the_reference_stays_under_its_budget(reference: Rendered) -> None:
    html = reference.html.encode()
    encoded = base64.b64encode(html)
    assert len(html) <= 41_000
    assert len(encoded) + 2 * -(-len(encoded) // 76) <= 56_000


def test_leads_of_the_post_that_has_them(load: Load) -> None:
    stories = load("2025-12-15-ai-daily").issue.stories
    assert all(isinstance(story, Story) and story.lead and story.body for story in stories)


def test_bold_with_spaces_inside_is_mended(load: Load) -> None:
    html = load("2025-12-12-ai-daily").html
    assert "<strong>“AI 妙听” 功能</strong>" in html
    assert "<strong>“人工智能的建筑师” 评选为 2025 年年度人物</strong>" in html


def test_bare_urls_end_before_chinese_punctuation(load: Load) -> None:
    html = load("2025-12-12-ai-daily").html
    assert 'href="https://github.com/HKUDS/ViMax"' in html
    assert 'href="https://sites.google.com/view/chaoh"' in html


def test_links_wrapped_twice_are_mended(load: Load) -> None:
    rendered = load("2025-12-06-ai-daily")
    assert "[" not in rendered.html_words
    assert "]]" not in rendered.text
    assert [len(story.links) for story in rendered.issue.stories] == [1] * 14


def test_pictures_that_say_nothing_are_named_after_their_story(load: Load) -> None:
    for name in EXPECTED:
        html = load(name).html
        assert 'alt="图片' not in html
        assert html.count('alt=""') <= 1  # the picture above the text: the headline has said it
