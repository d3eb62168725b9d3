"""The example posts that ship with the code, held to the same account as the real ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from accounting import Rendered, assert_nothing_lost, render_file
from machine import CHECKOUT

from newsletter.model.issue import CodeBlock, Figure, ListBlock, Quote, Rule, Table, walk
from newsletter.render.block_kinds import kinds_used

EXAMPLES = CHECKOUT / "examples"
DIGEST = "2026-03-02-ai-daily"
ESSAY = "2026-03-05-slow-software"
LETTER = "2026-03-07-tools-we-kept"

Load = Callable[[str], Rendered]


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    project = tmp_path_factory.mktemp("project")
    return lambda name: render_file(EXAMPLES / f"{name}.md", project)


def test_no_example_is_left_out() -> None:
    assert sorted(path.stem for path in EXAMPLES.glob("*.md")) == [DIGEST, ESSAY, LETTER]


@pytest.mark.parametrize("name", [DIGEST, ESSAY])
def test_every_sentence_link_and_picture_arrives(load: Load, name: str) -> None:
    assert_nothing_lost(load(name))


def test_the_digest(load: Load) -> None:
    rendered = load(DIGEST)
    assert rendered.counts == (23, 17, 11)
    assert rendered.warnings == [(10, "front-matter-quote")]
    assert rendered.issue.lang == "zh"
    assert "审计组已公开测试页面与打分脚本，供各家自查" in rendered.html_words
    assert len(rendered.html.encode()) <= 30_000


def test_the_essay(load: Load) -> None:
    rendered = load(ESSAY)
    assert rendered.counts == (0, 0, 0)
    assert rendered.warnings == []
    assert rendered.issue.lang == "en"
    kinds = {type(block) for block in walk(rendered.issue.blocks)}
    assert {Quote, Table, Figure, ListBlock, CodeBlock, Rule} <= kinds
    (figure,) = (block for block in walk(rendered.issue.blocks) if isinstance(block, Figure))
    assert rendered.html.count(figure.image.title) == 1
    assert "Thursday, March 5, 2026" in rendered.html


def test_the_letter(load: Load) -> None:
    rendered = load(LETTER)
    assert rendered.counts == (10, 11, 2)
    assert rendered.warnings == []
    used = kinds_used(walk(rendered.issue.blocks))
    assert used >= {"button", "sponsor", "tip", "author", "quote", "video", "postscript"}
    assert "Saturday, March 7, 2026" in rendered.html


@pytest.mark.parametrize("name", [DIGEST, ESSAY, LETTER])
def test_every_local_picture_of_an_example_is_there(load: Load, name: str) -> None:
    sources = [image.src for image in load(name).issue.images if "://" not in image.src]
    assert sources
    assert [source for source in sources if not (EXAMPLES / source).is_file()] == []
