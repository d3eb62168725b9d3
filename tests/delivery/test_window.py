"""How many messages may be under way: by the setting, or by the shortest round trip."""

from __future__ import annotations

import pytest

from newsletter.delivery.window import MOST, RelayWindow


@pytest.mark.parametrize(
    ("round_trip_s", "size"), [(0.0002, 1), (0.0099, 1), (0.010, 2), (0.020, 4), (0.039, 4), (0.040, 8), (3.0, 8)]
)
def test_the_round_trip_decides(round_trip_s: float, size: int) -> None:
    window = RelayWindow(None)
    assert window.size == 1  # nothing was measured
    window.note_round_trip(round_trip_s)
    assert window.size == size


def test_the_shortest_counts() -> None:
    """The others waited for something else as well."""
    window = RelayWindow(None)
    for seconds in (0.050, 0.0004, 2.0):
        window.note_round_trip(seconds)
    assert window.size == 1


@pytest.mark.parametrize(("setting", "size"), [(0, 1), (1, 1), (3, 3), (8, 8), (99, MOST)])
def test_the_setting_decides(setting: int, size: int) -> None:
    window = RelayWindow(setting)
    window.note_round_trip(0.0001 if setting > 1 else 3.0)
    assert window.size == size


def test_once_closed_it_stays_so() -> None:
    window = RelayWindow(8)
    window.closed = "the relay closed the connection"
    window.note_round_trip(3.0)
    assert window.size == 1
