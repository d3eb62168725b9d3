"""Clicks that count, and those of scanners: by their name, by what they open, by when; bounded whatever comes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping

import pytest

from newsletter.web.public.click_counter import (
    AGAIN_S,
    HOLD_S,
    MOST_HELD,
    MOST_LINKS,
    PER_HOUR,
    TOO_SOON_S,
    ClickCounter,
    is_program,
)

LATER = 10_000.0
"""Seconds after the first mail: nothing is too soon."""


class Counting:
    def __init__(self) -> None:
        self.counter = ClickCounter(b"a key of this process")
        self.counted: Counter[str] = Counter()

    def click(self, at: float, network: str, code: str, *, sent_s_ago: float = LATER, sending: bool = False) -> None:
        self.counted.update(self.counter.take(at))
        self.counter.note(code, network, at, sent_s_ago=sent_s_ago, while_sending=sending)

    def end(self, at: float = 1e9) -> Mapping[str, int]:
        self.counted.update(self.counter.take(at))
        return +self.counted


def test_readers_count_once_for_each_link() -> None:
    counting = Counting()
    for at, network, code in ((0, "a", "x"), (30, "a", "y"), (60, "b", "x"), (90, "a", "x")):
        counting.click(at, network, code)
    assert counting.end() == {"x": 2, "y": 1}  # the last one is the first again


def test_after_some_minutes_it_is_another_reader_of_that_network() -> None:
    counting = Counting()
    for turn in range(3):
        counting.click(turn * (AGAIN_S + 1), "office", "x")
    assert counting.end() == {"x": 3}


def test_a_click_is_held_until_it_is_known_to_be_no_burst() -> None:
    counting = Counting()
    counting.click(0, "a", "x")
    assert counting.counter.take(HOLD_S - 1) == {}
    assert counting.counter.take(HOLD_S) == {"x": 1}
    assert counting.counter.take(1e9) == {}


@pytest.mark.parametrize(
    ("links", "sending", "counts"),
    [(MOST_LINKS, False, True), (MOST_LINKS + 1, False, False), (1, True, True), (2, True, False)],
)
def test_who_opens_many_links_at_once_is_a_scanner(links: int, sending: bool, counts: bool) -> None:
    counting = Counting()
    for number in range(links):
        counting.click(number * 0.5, "gateway", f"link {number}", sending=sending)
    counting.click(1, "reader", "link 0")
    expected = Counter({"link 0": 1}) + (Counter(f"link {n}" for n in range(links)) if counts else Counter())
    assert counting.end() == expected


def test_what_a_scanner_opens_later_does_not_count_either() -> None:
    counting = Counting()
    for number in range(MOST_LINKS + 1):
        counting.click(number, "gateway", f"link {number}")
    counting.click(60, "gateway", "another")
    counting.click(AGAIN_S + 120, "gateway", "much later")
    assert counting.end() == {"much later": 1}


def test_nobody_reads_within_seconds_of_the_first_mail() -> None:
    counting = Counting()
    counting.click(0, "a", "x", sent_s_ago=TOO_SOON_S - 1)
    counting.click(0, "b", "x", sent_s_ago=TOO_SOON_S)
    assert counting.end() == {"x": 1}


def test_a_flood_moves_no_total_and_takes_no_room() -> None:
    counting = Counting()
    for number in range(600):
        counting.click(number * (HOLD_S + 1) / 2, "flooder", f"link {number % 200}")
    hours = 600 * (HOLD_S + 1) / 2 / 3_600
    assert sum(counting.end().values()) <= PER_HOUR * (1 + hours) + 1
    for number in range(MOST_HELD + 500):
        counting.counter.note("x", f"network {number}", 1e8, sent_s_ago=LATER, while_sending=False)
    assert sum(counting.counter.take(1e9).values()) == MOST_HELD


def test_a_year_of_readers_and_scanners_is_counted_as_it_was() -> None:
    """Readers open a link or two, far apart; scanners open an issue's links in one go, under whatever name."""
    chance = random.Random(5)
    wanted: Counter[str] = Counter()
    events: list[tuple[float, str, str, bool]] = []
    for day in range(120):
        start = day * 86_400.0
        links = [f"{day}/{number}" for number in range(12)]
        for reader in range(20):
            at = start + 120 + chance.random() * 60_000
            for code in chance.sample(links, chance.randrange(3)):
                events.append((at, f"reader {reader}", code, False))
                wanted[code] += 1
                at += HOLD_S + chance.random() * 600
        for scanner in range(4):
            at = start + 60 + chance.random() * 3_000
            sending = chance.random() < 0.5
            for code in chance.sample(links, 2 if sending else chance.randrange(MOST_LINKS + 1, 13)):
                at += chance.random()
                events.append((at, f"scanner {scanner}", code, sending))
    counting = Counting()
    for at, network, code, sending in sorted(events):
        counting.click(at, network, code, sending=sending)
    assert counting.end() == wanted
    assert wanted.total() > 1_000


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "  ",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "curl/8.5.0",
        "python-requests/2.32",
        "Go-http-client/2.0",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120 Safari/537.36",
        "BarracudaCentral",
        "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
        "WhatsApp/2.23",
        "Slackbot-LinkExpanding 1.0",
    ],
)
def test_programs_say_their_names(agent: str) -> None:
    assert is_program(agent)


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Version/17.4 Safari/604.1",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:125.0) Gecko/20100101 Firefox/125.0",
        "Mozilla/5.0 (Linux; Android 14; CUBOT P80) AppleWebKit/537.36 Chrome/122.0 MicroMessenger/8.0",
    ],
)
def test_browsers_are_readers(agent: str) -> None:
    assert not is_program(agent)
    assert is_program(agent, "prefetch;prerender")
