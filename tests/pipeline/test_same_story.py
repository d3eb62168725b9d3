"""Which two stories are one: by the page that they lead to, by their titles, by their words; and which are not."""

from __future__ import annotations

import pytest

from newsletter.model.issue import Story
from newsletter.pipeline.same_story import page_of, repeated
from newsletter.post.parse import parse_post


@pytest.mark.parametrize(
    "address",
    [
        "https://paper.example/news/7?id=3",
        "http://www.paper.example/news/7/?id=3#comments",
        "https://m.paper.example/news/7?utm_source=a&id=3&fbclid=x",
        "HTTPS://Paper.Example/news/7?id=3&spm=1.2.3&UTM_Campaign=z",
    ],
)
def test_one_page_has_many_addresses(address: str) -> None:
    assert page_of(address) == "paper.example/news/7?id=3"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.example/1", "https://a.example/2"),
        ("https://a.example/?p=1", "https://a.example/?p=2"),
        ("https://a.example/watch?s=1", "https://a.example/watch?s=2"),
        ("https://a.example/A", "https://a.example/a"),
    ],
)
def test_two_pages_stay_two(one: str, other: str) -> None:
    assert page_of(one) != page_of(other)


def test_a_share_link_is_that_of_the_page() -> None:
    assert page_of("https://x.com/somebody/status/1?s=20&t=abc") == page_of("https://twitter.com/i/1") or page_of(
        "https://x.com/somebody/status/1?s=20&t=abc"
    ) == page_of("https://x.com/somebody/status/1")


@pytest.mark.parametrize(
    "address", ["https://paper.example", "https://www.paper.example/?utm_source=x", "mailto:a@b.example"]
)
def test_a_front_page_is_the_source_of_anything(address: str) -> None:
    assert page_of(address) == ""


def stories(*issues: str) -> list[tuple[int, Story]]:
    found = []
    for number, text in enumerate(issues):
        issue = parse_post(f"---\ntitle: t\n---\n{text}", path=f"2026-03-0{number + 1}-t.md").issue
        found += [(number, story) for story in issue.stories]
    return found


FERRY = "The harbour authority has ordered three ferries without a crew, which will cross the bay from May on."
LAMP = "A lighthouse keeper has published forty years of diaries; the tides in them differ from the tables."


def test_the_same_page_with_related_words_is_one_story() -> None:
    given = stories(
        f"1. {FERRY} [Post](https://a.example/1?utm_source=x)",
        "1. From May on ferries without a crew cross the bay, says the authority. [Post](http://www.a.example/1)",
    )
    assert repeated(given) == {1: 0}


def test_a_page_that_is_the_source_of_two_stories_keeps_both() -> None:
    given = stories(f"1. {FERRY} [Post](https://a.example/1)", f"1. {LAMP} [Post](https://a.example/1)")
    assert repeated(given) == {}


def test_nearly_the_same_words_are_one_story_without_any_link() -> None:
    given = stories(f"1. {FERRY}", f"1. {LAMP}\n2. News: {FERRY.replace('three', 'four')}")
    assert repeated(given) == {2: 0}


def test_chinese_without_blanks_is_compared_by_letters() -> None:
    first = "1. 港务局订购了三艘无人渡轮，将从五月起横渡海湾，票价与从前相同，夜间也有班次。"
    again = "1. 港务局订购三艘无人渡轮，将从五月起横渡海湾，票价与从前相同，夜间亦有班次。"
    other = "1. 一位灯塔看守人出版了四十年的日记，其中的潮汐与官方的表格并不一致，引起了讨论。"
    assert repeated(stories(first, again, other)) == {1: 0}


def test_one_title_is_one_story() -> None:
    given = stories(f"1. **Ferries without a crew**\n   {FERRY}", f"1. **Ferries without a crew!**\n   {LAMP}")
    assert repeated(given) == {1: 0}


def test_two_of_one_issue_are_two() -> None:
    assert repeated(stories(f"1. {FERRY}\n2. {FERRY}")) == {}


def test_a_third_telling_is_that_of_the_first() -> None:
    assert repeated(stories(f"1. {FERRY}", f"1. {FERRY}", f"1. {FERRY}")) == {1: 0, 2: 0}
