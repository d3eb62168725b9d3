"""The cache of links: what was put in comes out for as long as it holds, and nothing else does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command_line import without_root

from newsletter.check.links.answers import LinkAnswer
from newsletter.check.links.cache import MAX_CHARS, MAX_ENTRIES, LinkCache
from newsletter.errors import ConfigError

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OK = LinkAnswer("https://a.test/", "ok", 200, "the server answers 200 OK")
MOVED = LinkAnswer("https://b.test/é", "moved", 200, "the server answers 200 OK", "https://c.test/")
DEAD = LinkAnswer("https://d.test/", "dead", 404, "the server answers 404 Not Found")
UNSURE = LinkAnswer("https://e.test/", "unsure", 503, "the server answers 503 Service Unavailable")


def by_url(*answers: LinkAnswer) -> dict[str, LinkAnswer]:
    return {answer.url: answer for answer in answers}


@pytest.fixture
def cache(tmp_path: Path) -> LinkCache:
    return LinkCache(tmp_path / ".newsletter" / "links.json")


def test_answers_hold_as_long_as_their_kind_does(cache: LinkCache) -> None:
    assert cache.read(NOON) == {}
    cache.write(by_url(OK, MOVED, DEAD, UNSURE), NOON)
    assert cache.read(NOON) == by_url(OK, MOVED, DEAD)
    assert cache.read(NOON + timedelta(minutes=9, seconds=59)) == by_url(OK, MOVED, DEAD)
    assert cache.read(NOON + timedelta(minutes=10)) == by_url(OK, MOVED)
    assert cache.read(NOON + timedelta(hours=23, minutes=59)) == by_url(OK, MOVED)
    assert cache.read(NOON + timedelta(days=1)) == {}
    assert cache.read(NOON - timedelta(seconds=1)) == {}  # of a clock that was wrong


def test_a_later_answer_replaces_and_an_old_one_goes(cache: LinkCache) -> None:
    cache.write(by_url(OK, DEAD), NOON)
    later = NOON + timedelta(hours=1)
    died = LinkAnswer(OK.url, "dead", 410, "the server answers 410 Gone")
    cache.write(by_url(died, MOVED), later)
    assert cache.read(later) == by_url(died, MOVED)
    assert DEAD.url not in cache.path.read_text()
    # What became unsure is forgotten, not remembered as it was.
    cache.write({MOVED.url: LinkAnswer(MOVED.url, "unsure", 503)}, later)
    assert cache.read(later) == by_url(died)


def test_its_size_is_bounded(cache: LinkCache) -> None:
    many = by_url(*(LinkAnswer(f"https://a.test/{number}", "ok", 200) for number in range(MAX_ENTRIES + 10)))
    cache.write(many, NOON)
    assert list(cache.read(NOON)) == list(many)[10:]
    long = LinkAnswer("https://a.test/" + "x" * MAX_CHARS, "ok", 200)
    cache.write(by_url(long), NOON)
    assert long.url not in cache.read(NOON)


ENTRY = {"asked": NOON.isoformat(), "url": "https://a.test/", "state": "ok", "code": 200, "what": "", "leads_to": ""}


def document(**changes: object) -> bytes:
    return json.dumps({"version": 1, "answers": [{**ENTRY, **changes}]}).encode()


def test_the_entry_that_the_damaged_ones_come_from_is_good(cache: LinkCache) -> None:
    cache.path.parent.mkdir()
    cache.path.write_bytes(document())
    assert list(cache.read(NOON)) == ["https://a.test/"]


@pytest.mark.parametrize(
    "damage",
    [
        *(
            b"",
            b"{",
            b"[]",
            b"3",
            b"\xff",
            b"[" * 100_000,
            b'{"version": 1, "answers": 3}',
            b'{"version": 1, "answers": [3]}',
        ),
        json.dumps({"version": 2, "answers": [ENTRY]}).encode(),
        json.dumps([ENTRY]).encode(),
        document(state="unsure"),
        document(state="fine"),
        document(state=["ok"]),
        document(code="200"),
        document(url=3),
        document(what=None),
        document(leads_to="https://b.test/"),
        document(state="moved"),
        document(what="x" * (MAX_CHARS + 1)),
        document(asked="soon"),
        document(asked="2026-03-02T12:00:00"),
        document(asked=3),
    ],
)
def test_what_is_damaged_or_foreign_counts_as_absent_and_is_replaced(cache: LinkCache, damage: bytes) -> None:
    cache.path.parent.mkdir()
    cache.path.write_bytes(damage)
    assert cache.read(NOON) == {}
    cache.write(by_url(MOVED), NOON)
    assert cache.read(NOON) == by_url(MOVED)


def test_a_good_entry_beside_a_bad_one_is_kept(cache: LinkCache) -> None:
    cache.path.parent.mkdir()
    cache.path.write_text(json.dumps({"version": 1, "answers": [3, {**ENTRY, "url": 3}, ENTRY]}))
    assert list(cache.read(NOON)) == ["https://a.test/"]


def test_a_folder_that_cannot_be_written_says_so(cache: LinkCache) -> None:
    cache.write(by_url(OK), NOON)
    before = cache.path.read_bytes()
    cache.path.parent.chmod(0o555)
    cache.path.parent.parent.chmod(0o755)
    try:
        with without_root(), pytest.raises(ConfigError, match=r"links\.json: cannot be written"):
            cache.write(by_url(MOVED), NOON)
    finally:
        cache.path.parent.chmod(0o755)
    assert cache.path.read_bytes() == before
