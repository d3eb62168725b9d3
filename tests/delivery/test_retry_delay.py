"""The wait before the next try."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.model.retry_delay import retry_delay_s

JITTER = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("attempt", "least_s"),
    [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 960), (7, 1800), (8, 1800), (40, 1800), (10**9, 1800)],
)
def test_half_of_the_span_is_fixed(attempt: int, least_s: int) -> None:
    assert retry_delay_s(attempt, 0.0) == timedelta(seconds=least_s)


def test_the_other_half_is_random() -> None:
    assert retry_delay_s(1, 0.5) == timedelta(seconds=45)
    assert retry_delay_s(7, 0.75) == timedelta(seconds=3150)


@given(st.integers(1, 200), JITTER)
def test_never_under_half_a_minute_nor_over_an_hour(attempt: int, jitter: float) -> None:
    assert timedelta(seconds=30) <= retry_delay_s(attempt, jitter) <= timedelta(hours=1)


@given(st.integers(1, 200), JITTER)
def test_a_later_try_never_waits_less(attempt: int, jitter: float) -> None:
    assert retry_delay_s(attempt, jitter) <= retry_delay_s(attempt + 1, jitter)


@pytest.mark.parametrize(("attempt", "jitter"), [(0, 0.0), (-1, 0.5), (1, 1.0), (1, -0.1), (1, float("nan"))])
def test_what_is_no_attempt_or_no_jitter_is_refused(attempt: int, jitter: float) -> None:
    with pytest.raises(ValueError, match="attempt"):
        retry_delay_s(attempt, jitter)
