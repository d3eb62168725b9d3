"""Dates of the first and the last years: a program's zero, and a post that is held back for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from newsletter.config.publish_sections import a_day
from newsletter.errors import InvalidValueError
from newsletter.model.age import parse_age
from newsletter.model.schedule import parse_at
from newsletter.post.parse import parse_post
from newsletter.post.post_dates import day_on_site, named_day
from newsletter.post.publication import due_moment

ZONES = (None, UTC, ZoneInfo("America/New_York"), ZoneInfo("Pacific/Auckland"), timezone(timedelta(hours=-12)))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("written", ["0001-01-01", "0001-01-01T00:00:00Z", "0001-01-01 00:00:00 +1400"])
def test_the_zero_of_a_program_is_no_date(written: str, zone: tzinfo | None) -> None:
    parsed = parse_post(f"---\ntitle: Hello\ndate: {written}\n---\n\nWords.\n", path="hello.md")
    assert (parsed.issue.date, due_moment(parsed.issue, zone)) == (None, None)
    assert [each.line for each in parsed.issue.findings if "not a date, and is left out" in each.what] == [3]
    assert named_day("0001-01-01-hello") is None


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("key", ["date", "publish_date"])
@pytest.mark.parametrize("written", ["9999-12-31", "9999-12-31T23:59:59Z", "9999-12-31 23:59:59 -1400"])
def test_the_last_day_holds_a_post_back_in_every_zone(written: str, key: str, zone: tzinfo | None) -> None:
    issue = parse_post(f"---\ntitle: Hello\n{key}: {written}\n---\n\nWords.\n", path="hello.md").issue
    due = due_moment(issue, zone)
    assert due is not None
    assert due > datetime(9999, 12, 29, tzinfo=UTC)
    assert all(due.astimezone(each).year == 9999 for each in ZONES)


@pytest.mark.parametrize("written", ["0001-01-01 00:00:00 +1400", "9999-12-31 23:59:59 -1400"])
def test_such_a_day_has_a_place_in_an_address(written: str) -> None:
    day = day_on_site(written, "Asia/Tokyo")
    assert day is None or day.year == 9999


@pytest.mark.parametrize("zone", ZONES, ids=str)
@pytest.mark.parametrize("text", ["9999-12-31T23:59", "0001-01-01T00:00", "9999-12-31T23:59-14:00"])
def test_a_send_is_not_put_off_to_the_end_of_time(text: str, zone: tzinfo | None) -> None:
    with pytest.raises(InvalidValueError):
        parse_at(text, NOW, zone)


@pytest.mark.parametrize("text", ["9999y", "1000y"])
def test_no_age_is_longer_than_a_thousand_years(text: str) -> None:
    assert parse_age(text) is None


@pytest.mark.parametrize("text", ["999y", "9999m", "9999w", "9999d", "9999h"])
def test_whatever_age_is_taken_leads_to_a_date(text: str) -> None:
    age = parse_age(text)
    assert age is not None
    assert NOW - age < NOW


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31"])
def test_a_setting_is_a_day_that_every_zone_has(text: str) -> None:
    with pytest.raises(InvalidValueError):
        a_day(text)
