"""A throttle slows down, recovers and stops. Relays are simulated: their answers depend on what is sent, and when."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.throttle import RelayThrottle, ThrottleRules
from newsletter.model.delivery import Outcome, State

NOON = 1_700_000_000.0
SENT = Outcome(State.SENT, "dot", 250, "2.0.0 Ok")
REJECTED = Outcome(State.REJECTED, "RCPT", 550, "5.1.1 user unknown")
LATER = Outcome(State.DEFERRED, "RCPT", 451, "4.2.0 greylisted")
SLOWER = Outcome(State.DEFERRED, "RCPT", 450, "4.7.0 rate limited", sender_fault=True)
REFUSED = Outcome(State.DEFERRED, "RCPT", 550, "frequency limited", sender_fault=True)
SILENCE = Outcome(State.UNCERTAIN, "dot", 0, "no answer")


def answer(throttle: RelayThrottle, outcome: Outcome, now: float) -> tuple[float, str]:
    """One message, begun as soon as it may and answered at once -> when that was, and the news."""
    for _ in range(100):
        wait = throttle.wait_s(now)
        if not wait:
            break
        now += wait
    else:
        pytest.fail("nothing may ever be sent")
    throttle.record_start(now)
    return now, throttle.record_outcome(outcome, now)


def opened(outcome: Outcome = REFUSED, now: float = NOON) -> tuple[RelayThrottle, float]:
    throttle = RelayThrottle()
    for _ in range(5):
        now, _ = answer(throttle, outcome, now)
    assert throttle.trouble.opened == 1
    return throttle, now


# --- running --------------------------------------------------------------------------------------------------------


def test_without_trouble_nothing_is_held_back() -> None:
    throttle = RelayThrottle()
    for n in range(100):
        assert answer(throttle, (SENT, REJECTED, LATER)[n % 3], NOON) == (NOON, "")
    assert (throttle.parallel(10), throttle.speed, throttle.stopped, throttle.trouble.refusals) == (10, 0.0, "", 0)


def test_the_first_trouble_slows_down_to_a_known_speed() -> None:
    throttle = RelayThrottle()
    _, news = answer(throttle, SLOWER, NOON)
    assert news == "slowing down to 2.0/s: 450 4.7.0 rate limited"
    assert throttle.speed == 2.0
    assert throttle.wait_s(NOON) == 5.0


def test_a_refusal_that_does_not_pass_slows_down_without_a_pause() -> None:
    throttle = RelayThrottle()
    _, news = answer(throttle, REFUSED, NOON)
    assert news == "slowing down to 2.0/s: 550 frequency limited"
    assert throttle.wait_s(NOON) == 0.5


def test_it_slows_down_to_half_of_what_it_was() -> None:
    throttle, now = RelayThrottle(), NOON
    for _ in range(40):
        now += 0.1
        answer(throttle, SENT, now)
    answer(throttle, SLOWER, now)
    assert throttle.speed == pytest.approx(5.0)


def test_each_further_trouble_halves_again_down_to_one_a_minute() -> None:
    throttle, now, speeds = RelayThrottle(), NOON, []
    for _ in range(9):
        now, _ = answer(throttle, SLOWER, now)
        speeds.append(throttle.speed)
        now, _ = answer(throttle, SENT, now)
    assert speeds == pytest.approx([2, 1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 60, 1 / 60])


def test_slow_speeds_are_told_in_seconds() -> None:
    throttle, now, news = RelayThrottle(), NOON, ""
    for _ in range(4):
        now, news = answer(throttle, SLOWER, now)
    assert news == "slowing down to one message every 4 s: 450 4.7.0 rate limited"


def test_pauses_double_with_each_refusal_in_a_row() -> None:
    throttle, now, pauses = RelayThrottle(ThrottleRules(refusals=100)), NOON, []
    for _ in range(6):
        now, _ = answer(throttle, SLOWER, now)
        pauses.append(throttle.wait_s(now))
    assert pauses == [5, 10, 20, 40, 60, 60]


def test_an_acceptance_begins_the_pauses_anew() -> None:
    throttle = RelayThrottle()
    now, _ = answer(throttle, SLOWER, NOON)
    now, _ = answer(throttle, SENT, now)
    now, _ = answer(throttle, SLOWER, now)
    assert throttle.wait_s(now) == 5.0


def test_jitter_makes_pauses_longer() -> None:
    throttle = RelayThrottle(jitter=lambda: 0.5)
    answer(throttle, SLOWER, NOON)
    assert throttle.wait_s(NOON) == 6.25


def test_messages_under_way_are_one_trouble() -> None:
    throttle = RelayThrottle()
    told = [throttle.record_outcome(SLOWER, NOON + n / 100) for n in range(10)]
    assert [bool(news) for news in told] == [True] + [False] * 9
    assert (throttle.speed, throttle.parallel(8), throttle.trouble.refusals, throttle.trouble.opened) == (2.0, 4, 10, 0)


def test_messages_are_kept_apart() -> None:
    throttle = RelayThrottle()
    now, _ = answer(throttle, SLOWER, NOON)
    now += throttle.wait_s(now)
    assert now == NOON + 5
    throttle.record_start(now)
    assert throttle.wait_s(now) == 0.5
    assert throttle.wait_s(now + 0.2) == pytest.approx(0.3)
    assert throttle.wait_s(now + 0.5) == 0.0


@pytest.mark.parametrize(("limit", "uses"), [(1, [1, 1, 1]), (2, [1, 1, 1]), (4, [2, 1, 1]), (10, [5, 2, 1])])
def test_connections_halve(limit: int, uses: list[int]) -> None:
    throttle, now, used = RelayThrottle(), NOON, []
    for _ in range(3):
        now, _ = answer(throttle, SLOWER, now)
        used.append(throttle.parallel(limit))
    assert used == uses


# --- recovery -------------------------------------------------------------------------------------------------------


def test_it_recovers_step_by_step() -> None:
    throttle = RelayThrottle()
    now, _ = answer(throttle, SLOWER, NOON)
    speeds, connections, told = [], [], []
    for _ in range(450):
        now, news = answer(throttle, SENT, now)
        speeds.append(round(throttle.speed, 3))
        connections.append(throttle.parallel(10))
        told.append(news)
    assert speeds[28:32] == [2.0, 2.4, 2.4, 2.4]
    assert speeds[59] == 2.8
    assert (speeds[448], speeds[449]) == (7.6, 0.0)
    assert connections[28:30] == [5, 6]
    assert connections[-1] == 10
    assert [news for news in told if news] == ["back to full speed"]


def test_refused_recipients_earn_no_step() -> None:
    throttle = RelayThrottle()
    now, _ = answer(throttle, SLOWER, NOON)
    for _ in range(100):
        now, _ = answer(throttle, REJECTED, now)
    assert throttle.speed == 2.0


def simulate(
    throttle: RelayThrottle, allowed_per_s: float, seconds: float, refusal: Outcome = SLOWER
) -> tuple[int, int]:
    """A relay that refuses what is more than so many in any second -> how many it accepted, and refused."""
    now, accepted, refused = NOON, 0, 0
    recent: deque[float] = deque()
    while now < NOON + seconds and not throttle.stopped:
        wait = throttle.wait_s(now)
        if wait:
            now += wait
            continue
        throttle.record_start(now)
        while recent and recent[0] <= now - 1:
            recent.popleft()
        fits = len(recent) < allowed_per_s
        if fits:
            recent.append(now)
        accepted, refused = accepted + fits, refused + (not fits)
        throttle.record_outcome(SENT if fits else refusal, now)
        now += 0.002  # the relay answers within 2 ms
    return accepted, refused


@pytest.mark.parametrize("refusal", [SLOWER, REFUSED], ids=["450", "550"])
def test_it_finds_the_speed_that_a_relay_allows(refusal: Outcome) -> None:
    throttle = RelayThrottle()
    accepted, refused = simulate(throttle, 14, 3600, refusal)
    assert not throttle.stopped
    assert accepted > 0.45 * 14 * 3600
    assert refused < 0.01 * accepted


def test_a_relay_that_takes_one_a_second_is_not_stopped() -> None:
    throttle = RelayThrottle()
    accepted, refused = simulate(throttle, 1, 3600)
    assert not throttle.stopped
    assert accepted > 0.4 * 3600
    assert refused < 0.1 * accepted


def test_a_relay_whose_trouble_is_over_is_used_in_full_again() -> None:
    throttle = RelayThrottle()
    now = NOON
    for _ in range(4):
        now, _ = answer(throttle, SLOWER, now)
    for _ in range(450):
        now, _ = answer(throttle, SENT, now)
    assert throttle.speed == 0.0
    assert throttle.parallel(10) == 10


# --- open, probing, stopped -----------------------------------------------------------------------------------------


def test_five_refusals_in_a_row_open_it() -> None:
    throttle, now, news = RelayThrottle(), NOON, ""
    for n in range(5):
        assert throttle.trouble.opened == 0, n
        now, news = answer(throttle, REFUSED, now)
    assert news == "pausing for 60 s after 5 refusals in a row: 550 frequency limited"
    assert (throttle.wait_s(now), throttle.parallel(10), throttle.stopped, throttle.trouble.opened) == (60.0, 1, "", 1)


@pytest.mark.parametrize("between", [REJECTED, LATER, SILENCE])
def test_what_speaks_of_recipients_does_not_break_the_row(between: Outcome) -> None:
    throttle, now = RelayThrottle(), NOON
    for _ in range(5):
        now, _ = answer(throttle, REFUSED, now)
        now, _ = answer(throttle, between, now)
    assert throttle.trouble.opened == 1


def test_an_acceptance_breaks_the_row() -> None:
    throttle, now = RelayThrottle(), NOON
    for _ in range(20):
        for _ in range(4):
            now, _ = answer(throttle, REFUSED, now)
        now, _ = answer(throttle, SENT, now)
    assert throttle.trouble.opened == 0


def test_one_message_probes() -> None:
    throttle, now = opened()
    assert throttle.wait_s(now + 59.9) == pytest.approx(0.1)
    now += 60
    assert throttle.wait_s(now) == 0.0
    throttle.record_start(now)
    assert throttle.wait_s(now) == 60.0
    assert throttle.parallel(10) == 1


def test_a_probe_that_is_accepted_ends_the_pause() -> None:
    throttle, now = opened()
    now, news = answer(throttle, SENT, now)
    assert news == "the relay takes mail again; going on at one message every 8 s"
    assert throttle.stopped == ""
    assert throttle.wait_s(now) == pytest.approx(1 / throttle.speed)
    assert throttle.parallel(64) == 2


def test_a_probe_that_is_refused_stops_it_with_the_relays_words() -> None:
    throttle, now = opened()
    now, news = answer(throttle, SLOWER, now)
    assert news == ""
    assert throttle.stopped == (
        "5 refusals in a row, and after a pause the next message was refused as well: 450 4.7.0 rate limited"
    )
    assert throttle.parallel(10) == 0
    assert throttle.wait_s(now + 1e6) > 0


@pytest.mark.parametrize("outcome", [REJECTED, LATER])
def test_a_probe_that_tells_of_a_recipient_is_followed_by_another(outcome: Outcome) -> None:
    throttle, now = opened()
    probed, _ = answer(throttle, outcome, now)
    assert throttle.wait_s(probed) == 0.0
    answer(throttle, SENT, probed)
    assert not throttle.stopped


def test_a_probe_without_an_answer_is_followed_by_another_after_a_minute() -> None:
    throttle, now = opened()
    probed, _ = answer(throttle, SILENCE, now)
    assert throttle.wait_s(probed) == 60.0
    answer(throttle, SENT, probed)
    assert not throttle.stopped


def test_late_answers_do_not_stop_an_open_lane() -> None:
    throttle, now = opened()
    for _ in range(20):
        assert throttle.record_outcome(REFUSED, now + 1) == ""
        assert throttle.record_loss(now + 1) == ""
    assert (throttle.stopped, throttle.trouble.opened) == ("", 1)


def test_a_late_acceptance_ends_the_pause() -> None:
    throttle, now = opened()
    assert throttle.record_outcome(SENT, now + 1).startswith("the relay takes mail again")
    assert throttle.wait_s(now + 1) < 60


def test_it_may_open_again_after_it_recovered() -> None:
    throttle, now = opened()
    for _ in range(3):
        now, _ = answer(throttle, SENT, now)
        for _ in range(5):
            now, _ = answer(throttle, REFUSED, now)
    assert (throttle.trouble.opened, throttle.stopped) == (4, "")


def test_a_stopped_lane_stays_so() -> None:
    throttle, now = opened()
    answer(throttle, REFUSED, now)
    reason = throttle.stopped
    assert throttle.record_outcome(SENT, now + 61) == ""
    assert throttle.record_loss(now + 62, "gone") == ""
    assert (throttle.stopped, throttle.parallel(4)) == (reason, 0)


# --- lost connections -----------------------------------------------------------------------------------------------


def lose(throttle: RelayThrottle, now: float, words: str = "") -> tuple[float, str]:
    now += throttle.wait_s(now)
    return now, throttle.record_loss(now, words)


def test_lost_connections_pause_and_open() -> None:
    throttle = RelayThrottle()
    now, news = lose(throttle, NOON)
    assert (news, throttle.wait_s(now)) == ("", 1.0)
    now, news = lose(throttle, now)
    assert (news, throttle.wait_s(now)) == ("", 2.0)
    now, news = lose(throttle, now, "the relay closed the connection")
    assert news == "pausing for 60 s after 3 connections lost in a row: the relay closed the connection"
    assert throttle.trouble.lost == 3
    now, news = lose(throttle, now, "cannot connect")
    assert news == ""
    assert (
        throttle.stopped
        == "3 connections lost in a row, and after a pause the connection was lost again: cannot connect"
    )


def test_connections_lost_at_once_are_one_loss() -> None:
    throttle = RelayThrottle()
    for n in range(10):
        assert throttle.record_loss(NOON + n / 100) == ""
    assert (throttle.trouble.lost, throttle.trouble.opened) == (10, 0)
    assert throttle.wait_s(NOON + 0.5) == 0.5


@pytest.mark.parametrize("outcome", [SENT, REJECTED, LATER])
def test_any_answer_breaks_the_row_of_losses(outcome: Outcome) -> None:
    throttle, now = RelayThrottle(), NOON
    for _ in range(50):
        now, _ = lose(throttle, now)
        now, _ = lose(throttle, now)
        now, _ = answer(throttle, outcome, now)
    assert throttle.trouble.opened == 0


def test_silence_breaks_no_row_of_losses() -> None:
    throttle, now = RelayThrottle(), NOON
    for _ in range(3):
        throttle.record_outcome(SILENCE, now)
        now, _ = lose(throttle, now)
    assert throttle.trouble.opened == 1


# --- words and clocks -----------------------------------------------------------------------------------------------


def test_a_relays_words_are_shown_harmlessly_and_shortly() -> None:
    throttle = RelayThrottle()
    evil = Outcome(State.DEFERRED, "MAIL", 550, "\x1b[2Jspam\r\n" + "x" * 500, sender_fault=True)
    news = throttle.record_outcome(evil, NOON)
    assert "\x1b" not in news
    assert "\n" not in news
    assert len(news) < 220
    assert throttle.trouble.last.startswith("550 ")


def test_a_clock_set_back_waits_no_longer() -> None:
    throttle = RelayThrottle()
    answer(throttle, SLOWER, NOON)
    assert throttle.wait_s(NOON - 1e6) == pytest.approx(5.0)
    throttle, now = opened()
    assert throttle.wait_s(now - 1e6) == pytest.approx(60.0)
    assert throttle.wait_s(now - 1e6 + 60.001) == 0.0


def test_a_clock_set_forward_ends_the_waits() -> None:
    throttle, now = opened()
    assert throttle.wait_s(now + 1e6) == 0.0
    answer(throttle, SENT, now + 1e6)
    assert not throttle.stopped


# --- for any relay --------------------------------------------------------------------------------------------------

OUTCOMES = st.sampled_from([SENT, REJECTED, LATER, SLOWER, REFUSED, SILENCE])


@given(st.lists(st.tuples(OUTCOMES | st.none(), st.floats(-100, 1000)), max_size=200), st.integers(1, 20))
def test_promises_for_any_relay(events: list[tuple[Outcome | None, float]], limit: int) -> None:
    throttle, now = RelayThrottle(), NOON
    for outcome, passes in events:
        now += passes
        if outcome is None:
            throttle.record_loss(now, "broke")
        else:
            throttle.record_start(now)
            throttle.record_outcome(outcome, now)
        assert 0 <= throttle.wait_s(now) <= 90
        assert throttle.parallel(limit) <= limit
        assert (throttle.parallel(limit) == 0) == bool(throttle.stopped)
        assert 0 <= throttle.speed <= 100


@given(st.lists(st.tuples(OUTCOMES, st.floats(0, 30)), max_size=200), st.integers(1, 4))
def test_who_accepts_now_and_then_is_never_stopped(events: list[tuple[Outcome, float]], every: int) -> None:
    throttle, now = RelayThrottle(), NOON
    for number, (outcome, passes) in enumerate(events):
        now, _ = answer(throttle, SENT if number % (every + 1) == every else outcome, now + passes)
        assert not throttle.stopped
        assert throttle.trouble.opened == 0


@given(st.lists(st.sampled_from([SLOWER, REFUSED]), min_size=6, max_size=6), st.lists(OUTCOMES, max_size=50))
def test_who_takes_nothing_more_is_stopped_after_six(refusals: list[Outcome], before: list[Outcome]) -> None:
    throttle, now = RelayThrottle(), NOON
    for outcome in before:
        if throttle.stopped:
            return
        now, _ = answer(throttle, outcome, now)
    if throttle.stopped:
        return
    for outcome in refusals:
        if throttle.stopped:
            break
        now, _ = answer(throttle, outcome, now)
    assert "450" in throttle.stopped or "550" in throttle.stopped
