"""Several issues as one post: no story twice and none lost, sections together, the best first, read back whole."""

from __future__ import annotations

import json
import random
from datetime import UTC, date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli.main import cli
from newsletter.config.load import load_config
from newsletter.errors import ContentError, InvalidValueError
from newsletter.model.issue import Heading, Issue, Story, Table, plain_text
from newsletter.pipeline.digest import Digest, find_sources, make_digest
from newsletter.pipeline.digest_days import read_day
from newsletter.post.parse import parse_post

MONDAY = """---
title: The first
description: A day.
---
Good morning.

## News

1. **A ferry without a crew**
   It crosses the bay from May on, at the old price, by night as well. [Ferry Post](https://ferry.example/1)
   ![A ferry](https://ferry.example/1.png)
2. The tide tables were wrong for a year, the office says.[^1] [Tide](https://tide.example/7?utm_source=rss)

## Tools

1. **Lantern 2**
   Burns all night. {{ subscriber.name | default("You") }} may try it. [Lantern](https://lantern.example/2)

[^1]: A *footnote* with a [link](https://note.example/1).
"""
TUESDAY = """---
title: The second
top: [2]
---
## News: harbour

1. The office says that its tide tables were wrong for a whole year. [Tide](https://tide.example/7#more) [Law](https://law.example/9)
2. **A bridge is closed**
   For repairs.

   - the north side
   - the south side
"""
WEDNESDAY = """---
title: An essay
---
First of all, hello.

## On slowness

It takes time.

> So it does.

## On haste

![A clock](clock.png)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "newsletter.toml").write_text(
        '[newsletter]\nname = "The Quay"\n[delivery]\ntime_zone = "UTC"\n', "utf-8"
    )
    posts = tmp_path / "posts"
    posts.mkdir()
    for name, text in (("02-one", MONDAY), ("03-two", TUESDAY), ("04-three", WEDNESDAY)):
        (posts / f"2026-03-{name}.md").write_text(text, "utf-8")
    return posts


def made(folder: Path, since: date = date(2026, 3, 2), until: date = date(2026, 3, 8)) -> Digest:
    config = load_config(folder.parent / "newsletter.toml", {}, folder.parent)
    return make_digest(find_sources(folder, config, UTC, since, until), name="The Quay", day=until)


def read(digest: Digest) -> Issue:
    return parse_post(digest.text, path="week.md").issue


def headings(issue: Issue) -> list[str]:
    return [plain_text(block.inlines) for block in issue.blocks if isinstance(block, Heading)]


def words(story: Story) -> str:
    return plain_text(story.lead) or plain_text(getattr(story.body[0], "inlines", ()))


def test_stories_stand_by_section_and_what_is_on_top_comes_first(folder: Path) -> None:
    issue = read(made(folder))
    assert headings(issue) == ["News", "Tools", "An essay", "On slowness", "On haste", "The days"]
    assert [words(story)[:20] for story in issue.stories] == [
        "A bridge is closed",
        "A ferry without a cr",
        "The office says that",
        "Lantern 2",
    ]
    assert [story.number for story in issue.stories] == [1, 2, 3, 1]


def test_a_story_told_twice_is_told_once_with_the_sources_of_both(folder: Path) -> None:
    digest = made(folder)
    (tide,) = [story for story in read(digest).stories if "tide" in words(story)]
    assert [link.label for link in tide.links] == ["Tide", "Law"]
    assert digest.retold == 1
    (said,) = [finding for finding in digest.findings if "told once" in finding]
    assert said.startswith(str(folder / "2026-03-02-one.md"))


def test_what_has_no_place_is_named_and_all_else_is_whole(folder: Path) -> None:
    digest = made(folder)
    assert [finding.rpartition("/")[2] for finding in digest.findings if "left out" in finding] == [
        "2026-03-02-one.md:5: paragraph left out: it belongs to its day, and to no story",
        "2026-03-04-three.md:4: paragraph left out: it belongs to its day, and to no story",
    ]
    assert not any("otherwise" in finding for finding in digest.findings)
    for part in ("So it does.", "the south side", "![A clock]", "![A ferry]", '{{ subscriber.name | default("You") }}'):
        assert part in digest.text


def test_days_are_counted_in_a_table(folder: Path) -> None:
    (table,) = [block for block in read(made(folder)).blocks if isinstance(block, Table)]
    assert [[plain_text(cell) for cell in row] for row in table.rows] == [
        ["2026-03-02", "The first", "2"],
        ["2026-03-03", "The second", "2"],
        ["2026-03-04", "An essay", "2"],
    ]


def test_the_title_says_one_day_once(folder: Path) -> None:
    one = read(made(folder, date(2026, 3, 2), date(2026, 3, 2)))
    assert one.title == "The Quay: 2026-03-02"


def test_a_note_of_the_kept_story_comes_along(folder: Path) -> None:
    (folder / "2026-03-03-two.md").unlink()
    text = made(folder).text
    assert "wrong for a year, the office says.[^1]" in text
    assert "[^1]: A *footnote* with a [link](https://note.example/1)." in text


def test_days_drafts_and_other_digests_are_left_alone(folder: Path) -> None:
    (folder / "2026-03-05-draft.md").write_text(
        "---\ntitle: No\ndraft: true\n---\n## News\n\n1. **Draft** story. Long.\n", "utf-8"
    )
    (folder / "2026-03-05-week.md").write_text(made(folder).text, "utf-8")
    digest = made(folder)
    assert len(digest.sources) == 3
    assert [source.day.day for source in made(folder, since=date(2026, 3, 3)).sources] == [3, 4]
    with pytest.raises(ContentError, match="there is no issue"):
        made(folder, since=date(2026, 4, 1))


def test_the_same_posts_make_the_same_bytes(folder: Path) -> None:
    assert made(folder).text == made(folder).text
    assert "\ndigest: weekly" in made(folder).text.replace("  ", "")
    assert read(made(folder)).digest == "weekly"


def test_of_many_stories_none_is_lost_and_none_is_told_twice(folder: Path) -> None:
    """A year of posts whose stories have words of their own, some of them told again in other issues."""
    chance = random.Random(3)
    syllables = ["ha", "lo", "mi", "ter", "von", "ra", "bel", "qui", "sto", "ne", "pla", "gur"]

    def sentence() -> str:
        return (
            " ".join("".join(chance.choices(syllables, k=chance.randrange(2, 4))) for _ in range(14)).capitalize() + "."
        )

    for path in folder.iterdir():
        path.unlink()
    told: list[str] = []
    for number in range(40):
        lines = ["---", f"title: Issue {number}", f"date: 2026-01-{number % 28 + 1:02}", "---"]
        for section in chance.sample(["News", "Tools", "Papers", "Elsewhere"], 3):
            lines += ["", f"## {section}", ""]
            for place in range(1, 5):
                again = told and chance.random() < 0.15
                text = chance.choice(told) if again else sentence()
                told.append(text)
                lines.append(f"{place}. {text} [Source](https://s.example/{told.index(text)}?utm_source={number})")
        (folder / f"issue-{number:02}.md").write_text("\n".join(lines), "utf-8")
    issue = read(made(folder, since=date(2026, 1, 1), until=date(2026, 1, 31)))
    found = [words(story) for story in issue.stories]
    # Within one issue its author may tell a thing twice.
    assert set(found) == set(told)
    across = {text for text in found if found.count(text) > 1}
    for text in across:
        assert any((folder / f"issue-{n:02}.md").read_text("utf-8").count(text) > 1 for n in range(40))


# --- the command ------------------------------------------------------------------------------------------------------


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["digest", *words], standalone_mode=False)


def test_the_command_writes_a_post_and_keeps_one_that_was_edited(folder: Path) -> None:
    done = run("posts", "--since", "2026-03-02", "--until", "2026-03-08", "--out", "week.md")
    assert done.exit_code == 0, done.exception
    assert "6 stories of 3 issues" in done.output
    assert read(made(folder)).stories == parse_post(Path("week.md").read_text("utf-8"), path="week.md").issue.stories
    again = run("posts", "--since", "2026-03-02", "--until", "2026-03-08", "--out", "week.md")
    assert "may have been edited" in str(again.exception)
    forced = run("posts", "--since", "2026-03-02", "--out", "week.md", "--until", "2026-03-08", "--force", "--json")
    assert json.loads(forced.stdout)["merged"] == 1
    daily = folder / "2026-03-02-one.md"
    refused = run("posts", "--since", "2026-03-02", "--out", str(daily), "--until", "2026-03-08", "--force")
    assert "this is no digest" in str(refused.exception)
    assert daily.read_text("utf-8") == MONDAY


def test_the_command_says_what_is_wrong(folder: Path) -> None:
    assert "is no day" in str(run("posts", "--since", "someday").exception)
    assert "is before" in str(run("posts", "--since", "2026-03-04", "--until", "2026-03-02").exception)


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("monday", date(2026, 3, 2)),
        ("Thu", date(2026, 3, 5)),
        ("friday", date(2026, 2, 27)),
        ("today", date(2026, 3, 5)),
        ("yesterday", date(2026, 3, 4)),
        ("7d", date(2026, 2, 27)),
        ("2w", date(2026, 2, 20)),
        ("2026-02-28", date(2026, 2, 28)),
    ],
)
def test_days_are_said_in_words(words: str, day: date) -> None:
    assert read_day(words, date(2026, 3, 5)) == day


@pytest.mark.parametrize("words", ["", "t", "s", "soon", "2026-02-30", "-1d", "mondays"])
def test_what_is_no_day_is_refused(words: str) -> None:
    with pytest.raises(InvalidValueError):
        read_day(words, date(2026, 3, 5))
