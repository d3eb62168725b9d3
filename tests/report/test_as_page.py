"""The report as a page: every number of the ledger on it, nothing alive in it, small, and legible in the dark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import html
from report_fixture import FULL, GONE, ISSUE, LOST, TAKEN, IssueLedger, cycle, people

from newsletter.ledger.ledger import Claim, Move
from newsletter.model.delivery import State
from newsletter.report.as_json import report_json
from newsletter.report.as_page import MAX_BYTES, render_page
from newsletter.report.read import LISTED

MADE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


@pytest.fixture
def book_of(tmp_path: Path) -> Iterator[Callable[..., IssueLedger]]:
    books: list[IssueLedger] = []

    def made(listed: list[str], **more: str) -> IssueLedger:
        books.append(IssueLedger(tmp_path / "newsletter.db", listed, **more))
        return books[-1]

    yield made
    for ledger in books:
        ledger.store.close()


def page_of(ledger: IssueLedger) -> html.HtmlElement:
    return html.fromstring(render_page(ledger.report(), UTC, MADE))


def words(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def number(text: str) -> int:
    return 0 if text.strip() == "–" else int(text.replace(",", ""))


def tiles(page: html.HtmlElement) -> dict[str, int]:
    found = page.xpath("//dl[@class='sum']/div")
    return {words(tile.find("dt")): number(tile.xpath("dd[@class='number']")[0].text) for tile in found}


def rows(page: html.HtmlElement, caption: str) -> list[list[str]]:
    """The cells of a table's body; empty where there is no such table."""
    found = page.xpath("//table[caption=$caption]/tbody/tr", caption=caption)
    return [[words(cell) for cell in row.xpath("th|td")] for row in found]


def headings(page: html.HtmlElement) -> list[str]:
    return [words(heading) for heading in page.iter("h2")]


# --- the numbers ----------------------------------------------------------------------------------------------------


def test_the_numbers_of_the_page_are_those_of_the_ledger_and_of_json(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(1_200, domains=30))
    ledger.run(
        cycle(TAKEN, TAKEN, GONE, FULL, LOST), batch=20, most=1_000, relay=lambda claim: f"relay-{claim.row % 2}"
    )
    page, data, counts = page_of(ledger), report_json(ledger.report()), ledger.store.counts(ISSUE)

    assert tiles(page) == {
        "Audience": 1_200,
        "Sent": counts[State.SENT],
        "Refused": counts[State.REJECTED],
        "Left": counts[State.DEFERRED] + counts[State.PENDING],
        "Uncertain": counts[State.UNCERTAIN],
    }
    names = ("audience", "sent", "refused", "left", "uncertain")
    assert list(tiles(page).values()) == [data["counts"][name] for name in names]
    assert "1,200 in the audience = 400 sent + 200 refused + 400 left + 200 uncertain" in words(page)

    domains = rows(page, "Outcomes by domain")
    assert len(domains) == 21
    assert domains[-1][0] == "10 more domains"
    for row, entry in zip(domains, [*data["domains"], data["other_domains"]], strict=True):
        assert [number(cell) for cell in row[2:]] == [entry[name] for name in names]
    assert sum(number(row[2]) for row in domains) == 1_200
    relays = rows(page, "Outcomes by relay")
    assert {row[0]: number(row[2]) for row in relays} == {"relay-0": 500, "relay-1": 500}

    chart = rows(page, "Outcomes over time")
    bars = data["timeline"]["bars"]
    outcomes = ("sent", "deferred", "refused", "uncertain")
    assert [[number(cell) for cell in row[1:]] for row in chart] == [[bar[name] for name in outcomes] for bar in bars]
    assert sum(number(cell) for row in chart for cell in row[1:]) == 1_000

    replies = rows(page, "Replies")
    assert [number(row[1]) for row in replies] == [reply["count"] for reply in data["replies"]]
    assert sum(number(row[1]) for row in replies) == 1_000
    assert ["550 5.1.1", "200", "Refused", "The address does not exist: no such user"] in replies

    for caption, name in (("The uncertain", "uncertain"), ("Those who were refused", "refused")):
        assert [row[0] for row in rows(page, caption)] == [entry["address"] for entry in data[name]]
        assert len(data[name]) == LISTED


def test_the_chart_draws_what_its_table_says(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(400))
    ledger.run(cycle(TAKEN, TAKEN, TAKEN, GONE), batch=10, most=300)
    ledger.clock.now += timedelta(days=1)
    ledger.run(batch=10)
    page = page_of(ledger)
    first, second = page.xpath("//figure//svg")
    heights = {
        kind: sum(int(re.findall(r"v(\d+)", path.get("d"))[0]) for path in page.xpath(f"//svg//path[@class='{kind}']"))
        for kind in ("sent", "refused")
    }
    assert heights["sent"] / heights["refused"] == pytest.approx(325 / 75, rel=0.05)
    assert words(first.find("desc")).startswith("225 sent, 75 refused")
    assert words(second.find("desc")).startswith("100 sent")
    assert all(svg.find("title").text for svg in (first, second))
    assert len(page.xpath("//svg/g")) == len(rows(page, "Outcomes over time"))
    assert {span.text for span in page.xpath("//span[contains(@class,'tick')]/b")} == {"2 Mar", "3 Mar"}
    assert rows(page, "Runs")[1][1:3] == ["3 Mar, 07:00:30", "10 s"]


def test_a_person_who_is_left_sees_when_they_are_tried_again(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(3))
    (claim,) = ledger.store.claim(ISSUE, 1)
    due = ledger.clock.now + timedelta(hours=1)
    ledger.store.write(ISSUE, [Move(claim.row, State.DEFERRED, "", *FULL[1:], due_at=due)])
    left = rows(page_of(ledger), "Those who are left")
    assert left[0] == [claim.address, "452 4.2.2 over quota", "1", "2 Mar, 08:00"]
    assert [row[1:] for row in left[1:]] == [["not tried yet", "–", ""]] * 2


# --- empty states ---------------------------------------------------------------------------------------------------


def test_an_issue_that_was_planned_only(book_of: Callable[..., IssueLedger]) -> None:
    page = page_of(book_of(people(900)))
    assert "Planned for 900 people, and not sent yet." in words(page)
    assert "Nobody was mailed yet." in words(page)
    assert f"newsletter resume {ISSUE}" in words(page)
    assert headings(page) == []


def test_everyone_has_it(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(3))
    ledger.run()
    page = page_of(ledger)
    assert "Everyone has it." in words(page)
    assert headings(page) == ["Over time", "One run, 3.0 s", "By domain", "What the servers said", "No problems"]
    assert not page.xpath("//svg")
    assert not page.xpath("//dl[@class='commands']")


def test_everyone_was_refused(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(40))
    ledger.run(cycle(GONE))
    page = page_of(ledger)
    assert "Nobody has it: everyone was refused." in words(page)
    assert headings(page)[-1] == "40 refused"
    assert f"newsletter retry {ISSUE} --failed" in words(page)


def test_nobody_is_on_the_list(book_of: Callable[..., IssueLedger]) -> None:
    assert "Nobody is on the list." in words(page_of(book_of([])))


# --- hostile input --------------------------------------------------------------------------------------------------

HOSTILE = (
    "</style></title><script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{7*7}}&lt;\x00\x07\x1b[2J\u202e\ud800"
)

LISTED_AS = HOSTILE.removesuffix("\ud800").replace("\0", "")  # what no list reader lets through, no ledger has


def test_nothing_from_outside_is_alive_on_the_page(book_of: Callable[..., IssueLedger]) -> None:
    listed = [f'"<script>x{n}</script>"@<img src=x>{LISTED_AS}.example' for n in range(12)]
    ledger = book_of(listed, subject=HOSTILE, issue="<script>issue</script>")
    ledger.run(
        cycle(*((state, stage, code, HOSTILE) for state, stage, code, _ in (TAKEN, GONE, FULL, LOST))),
        reason=HOSTILE,
        relay=lambda claim: f"{claim.row % 2}{LISTED_AS}",
    )
    source = render_page(ledger.report(), UTC, MADE)
    page = html.fromstring(source)
    for tag in ("script", "img", "iframe", "link", "object", "base", "form"):
        assert not list(page.iter(tag)), tag
    assert len(list(page.iter("style"))) == 1
    assert not [name for element in page.iter() for name in element.attrib if name.startswith("on")]
    assert all(char == "\n" or char.isprintable() for char in source)
    assert "<script>alert(1)</script>" in page.findtext(".//h1")
    assert "{{7*7}}" in page.findtext(".//h1")


def test_an_emoji_of_several_parts_stays_whole(book_of: Callable[..., IssueLedger]) -> None:
    assert page_of(book_of(people(1), subject="👨‍👩‍👧 日报")).findtext(".//h1") == "👨‍👩‍👧 日报"


def test_the_page_loads_nothing_and_runs_nothing(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(30))
    ledger.run(cycle(TAKEN, GONE, FULL, LOST))
    page = page_of(ledger)
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert not page.xpath("//@src")
    assert all(link.startswith("#") for link in page.xpath("//@href"))
    assert "url(" not in page.findtext(".//style")
    targets = {link[1:] for link in page.xpath("//@href")}
    assert targets == {"uncertain", "left", "refused"} <= set(page.xpath("//@id"))


# --- size and form --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [16_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_many_people_of_many_domains_stay_below_the_limit(book_of: Callable[..., IssueLedger], count: int) -> None:
    ledger = book_of([f"{'reader' * 8}{n}@{'sub.' * 6}d{n % (count // 20)}.example" for n in range(count)])
    long = ' <b>&"' * 100

    def outcome(claim: Claim) -> tuple[State, str, int, str]:
        state, stage, code, _ = (TAKEN, GONE, FULL, LOST)[claim.row % 4]
        return state, stage, code, f"5.{claim.row % 7}.{claim.row % 90}{long}"

    ledger.run(outcome, batch=5_000)
    source = render_page(ledger.report(), UTC, MADE)
    assert len(source.encode()) <= MAX_BYTES
    page = html.fromstring(source)
    assert tiles(page)["Audience"] == count
    shown = rows(page, "Those who were refused")
    assert shown
    assert f"{count // 4 - len(shown):,} more; newsletter status {ISSUE} names all of them." in words(page)


def test_every_table_has_a_caption_and_heads(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(40))
    ledger.run(cycle(TAKEN, GONE, FULL, LOST))
    page = page_of(ledger)
    tables = list(page.iter("table"))
    assert len(tables) == 7
    for table in tables:
        assert table.findtext("caption")
        columns = len(table.xpath("thead/tr/*"))
        assert {len(row) for row in table.xpath("tbody/tr")} == {columns}
        assert all(cell.get("scope") for cell in table.iter("th"))
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    for label in page.xpath("//@aria-labelledby"):
        assert set(label.split()) <= set(ids)


def schemes(css: str) -> list[dict[str, str]]:
    """The colours of each scheme, light first."""
    return [
        dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", css, re.S)
    ]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1.4.3."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_and_bars_stand_out_in_light_and_dark(book_of: Callable[..., IssueLedger]) -> None:
    light, dark, *_ = schemes(page_of(book_of(people(1))).findtext(".//style"))
    for colours in (light, dark):
        assert len(colours) >= 13
        for text, ground in [
            ("ink", "paper"),
            ("soft", "paper"),
            ("soft", "ground"),
            ("accent", "ground"),
            ("ink", "tint"),
        ]:
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for bar in ("sent", "deferred", "refused", "uncertain", "untried"):
            assert contrast(colours[bar], colours["paper"]) >= 3, bar
