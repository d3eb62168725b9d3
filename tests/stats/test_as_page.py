"""The page of numbers: empty, one issue, many; nothing alive in it, nothing sticking out, read by axe-core."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe import grave_findings
from lxml import html
from machine import PATIENT_MS
from rich.cells import cell_len
from simulated_year import Year
from whole import part_of

from newsletter.stats.as_page import stats_page
from newsletter.stats.as_text import WIDTH, stats_text
from newsletter.stats.figures import Stats
from newsletter.stats.plots import Column, area, columns
from newsletter.stats.read import read_stats

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LENGTHS = {"empty": 0, "one": 1, "many": 30}


@pytest.fixture(scope="module", params=LENGTHS)
def stats(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stats]:
    year = Year(tmp_path_factory.mktemp("year") / "newsletter.db", issues=LENGTHS[request.param])
    year.live()
    yield read_stats(year.ledger.storage, UTC, year.now)
    year.close()


def table(page: html.HtmlElement, caption: str) -> list[list[str]]:
    found = page.xpath("//table[caption=$caption]/tbody/tr", caption=caption)
    return [[" ".join(cell.text_content().split()) for cell in row.xpath("th|td[@class!='bar']")] for row in found]


def number(text: str) -> int:
    return 0 if text == "–" else int(text.replace(",", "").replace("−", "-"))


def test_the_page_has_the_numbers(stats: Stats) -> None:
    page = html.fromstring(stats_page(stats, UTC, "A <newsletter>"))
    assert page.findtext(".//h1") == "A <newsletter>"
    growth = [list(map(number, row[1:])) for row in table(page, "Growth")]
    rows = stats.months if len(stats.weeks) > 13 else stats.weeks
    assert growth == [
        [row.joined, row.left, row.bounced, row.complained, row.removed, row.net] for row in reversed(rows)
    ]
    issues = [list(map(number, row[1:7])) for row in table(page, "Issues")]
    assert issues == [
        [row.sent, row.refusals, row.returned, row.complaints, row.day, row.week] for row in reversed(stats.issues)
    ]
    assert sum(number(row[1]) for row in table(page, "Readers by domain")) == stats.readers.total


def test_every_plot_has_a_table_beside_it_and_nothing_is_alive(stats: Stats) -> None:
    text = stats_page(stats, UTC, "A newsletter")
    page = html.fromstring(text)
    for section in page.iter("section"):
        if section.findall(".//svg"):
            assert section.findall(".//table")
    assert not page.xpath("//script|//link|//img|//iframe|//@onclick|//@href|//@src")
    assert "url(" not in text
    assert len(text) < 400_000


@pytest.mark.parametrize(
    ("stats", "scheme"),
    part_of(
        product(("empty", "one", "many"), ("light", "dark")), ("empty", "light"), ("one", "dark"), ("many", "light")
    ),
    indirect=["stats"],
)
def test_readers_of_every_kind_can_use_the_page(stats: Stats, scheme: str, browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "stats.html"
    file.write_text(stats_page(stats, UTC, "A newsletter"), "utf-8")
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENT_MS)
    page.goto(file.as_uri())
    assert grave_findings(page) == []
    for width in (320, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_lines_for_a_terminal_fit(stats: Stats) -> None:
    lines = list(stats_text(stats, UTC))
    assert max(map(cell_len, lines)) <= WIDTH
    assert "\x1b" not in "".join(lines)


def test_a_hostile_subject_is_only_shown(stats: Stats) -> None:
    hostile = "</svg><script>\x1b[2J" + "中文" * 40
    stats = replace(stats, issues=tuple(replace(row, subject=hostile) for row in stats.issues))
    page = stats_page(stats, UTC, "A newsletter")
    lines = list(stats_text(stats, UTC))
    assert "<script" not in page
    assert "\x1b" not in page + "".join(lines)
    assert max(map(cell_len, lines)) <= WIDTH


# --- plots ------------------------------------------------------------------------------------------------------------


def heights(path: str) -> tuple[int, int]:
    found = re.fullmatch(r"M-?\d+ (-?\d+)h\d+v(\d+)h-\d+z", path)
    assert found
    return int(found[1]), int(found[2])


def test_columns_stand_on_the_line_and_hang_from_it() -> None:
    given = [Column(f"{n}", f"{n}", (("joined", n), ("other", 1)), (("left", 2 * n),)) for n in range(1, 5)]
    plot = columns(given, "a plot")
    assert plot is not None
    assert plot.kinds == ("joined", "other", "left")
    line = round(1000 - 10 * plot.zero)
    for drawn in plot.drawn:
        above, on_top, below = (heights(path) for _, path in drawn.parts)
        assert above[0] + above[1] == line == below[0]
        assert on_top[0] + on_top[1] == above[0]
        assert on_top[0] >= 0
        assert below[0] + below[1] <= 1000
    assert all(0 <= level.height <= 100 for level in plot.levels)


def test_little_is_no_plot() -> None:
    few = [Column("a", "a", (("joined", 3),))] * 2
    assert columns(few, "few") is None
    assert columns([Column("a", "a", (("joined", 0),))] * 9, "empty") is None
    assert area([("a", "a")] * 2, [1, 2], "sent", "few") is None
    assert area([("a", "a")] * 4, [0] * 4, "sent", "empty") is None
