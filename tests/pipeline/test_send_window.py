"""The hours in which an issue may begin to go out: early, open and late, over midnight and where clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from newsletter.errors import InvalidValueError
from newsletter.model.send_window import SendWindow, window_of

BERLIN = ZoneInfo("Europe/Berlin")
MORNING = window_of("08:00", "12:00", UTC)
NIGHT = window_of("22:00", "02:00", UTC)


def at(text: str, zone: ZoneInfo | None = None) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone or UTC)


@pytest.mark.parametrize(
    ("now", "place"),
    [
        ("2026-03-02T00:00", "early"),
        ("2026-03-02T07:59:59", "early"),
        ("2026-03-02T08:00", "open"),
        ("2026-03-02T12:00:59", "open"),
        ("2026-03-02T12:01", "late"),
        ("2026-03-02T23:59", "late"),
    ],
)
def test_a_window_of_a_morning(now: str, place: str) -> None:
    assert MORNING.place(at(now)) == place


@pytest.mark.parametrize(
    ("now", "place"),
    [
        ("2026-03-02T00:30", "early"),  # of the post's own day: its evening is yet to come
        ("2026-03-02T21:59", "early"),
        ("2026-03-02T22:00", "open"),
        ("2026-03-03T02:00", "open"),
        ("2026-03-03T12:00", "early"),
    ],
)
def test_a_window_over_midnight(now: str, place: str) -> None:
    assert NIGHT.place(at(now), at("2026-03-02T00:00")) == place


def test_no_times_are_always_open() -> None:
    assert {SendWindow(zone=UTC).place(at(f"2026-03-02T{hour:02}:30")) for hour in range(24)} == {"open"}


def test_one_time_alone() -> None:
    assert window_of("08:00", None, UTC).place(at("2026-03-02T23:59")) == "open"
    assert window_of(None, "12:00", UTC).place(at("2026-03-02T00:01")) == "open"
    assert window_of(None, "12:00", UTC).place(at("2026-03-02T12:01")) == "late"


def test_the_clock_on_the_wall_counts_in_its_zone() -> None:
    window = window_of("08:00", "12:00", ZoneInfo("Asia/Shanghai"))
    assert window.place(at("2026-03-02T00:00")) == "open"
    assert window.place(at("2026-03-02T08:00")) == "late"


def test_an_hour_that_is_left_out_opens_at_the_next() -> None:
    window = window_of("02:30", "04:00", BERLIN)
    assert window.place(at("2026-03-29T01:59", BERLIN)) == "early"
    assert window.place(at("2026-03-29T01:00")) == "open"  # UTC: 03:00 in Berlin


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    window = window_of("02:00", "02:59", BERLIN)
    assert [window.place(at(f"2026-10-25T0{hour}:30")) for hour in (0, 1, 2)] == ["open", "open", "late"]


def test_the_next_opening() -> None:
    assert MORNING.next_opening(at("2026-03-02T05:00")) == at("2026-03-02T08:00")
    assert MORNING.next_opening(at("2026-03-02T13:00")) == at("2026-03-03T08:00")


@pytest.mark.parametrize(
    ("since", "now", "was"),
    [
        ("2026-03-02T00:00", "2026-03-02T05:00", False),
        ("2026-03-01T00:00", "2026-03-02T05:00", True),
        ("2026-03-01T20:00", "2026-03-02T05:00", False),  # due when that day's window was over
        ("2026-02-28T20:00", "2026-03-02T05:00", True),
    ],
)
def test_whether_a_window_was_missed(since: str, now: str, was: bool) -> None:
    assert MORNING.was_open(at(since), at(now)) is was


def test_times_as_yaml_and_toml_give_them() -> None:
    assert window_of("8:05", 750, UTC) == SendWindow(time(8, 5), time(12, 30), UTC)
    assert window_of(time(8, 5), "", UTC) == SendWindow(time(8, 5), None, UTC)


@pytest.mark.parametrize("value", ["soon", "24:00", "8", 8, 1440, True, 7.5, [8], "08:00\n"[:-1] + "x", "８:００"])
def test_what_is_no_time_of_day(value: object) -> None:
    with pytest.raises(InvalidValueError) as caught:
        window_of(value, None, UTC)
    assert caught.value.what.startswith("send_at is ")
