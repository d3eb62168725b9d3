"""A lane slows down, recovers and stops. Relays are simulated: their answers depend on what they are sent, and when."""

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


def answer(lane: RelayThrottle, outcome: Outcome, now: float) -> tuple[float, str]:
    """One message, begun as soon as it may and answered at once -> when that was, and the news."""
    for _ in range(100):
        wait = lane.wait_s(now)
        if not wait:
            break
        now += wait
    else:
        pytest.fail("nothing may ever be sent")
    lane.took(now)
    return now, lane.saw(outcome, now)


def opened(outcome: Outcome = REFUSED, now: float = NOON) -> tuple[RelayThrottle, float]:
    lane = RelayThrottle()
    for _ in range(5):
        now, _ = answer(lane, outcome, now)
    assert lane.trouble.opened == 1
    return lane, now


# --- running --------------------------------------------------------------------------------------------------------


def test_without_trouble_nothing_is_held_back() -> None:
    lane = RelayThrottle()
    for n in range(100):
        assert answer(lane, (SENT, REJECTED, LATER)[n % 3], NOON) == (NOON, "")
    assert (lane.parallel(10), lane.speed, lane.stopped, lane.trouble.refusals) == (10, 0.0, "", 0)


def test_the_first_trouble_slows_down_to_a_known_speed() -> None:
    lane = RelayThrottle()
    _, news = answer(lane, SLOWER, NOON)
    assert news == "slowing down to 2.0/s: 450 4.7.0 rate limited"
    assert lane.speed == 2.0
    assert lane.wait_s(NOON) == 5.0


def test_a_refusal_that_does_not_pass_slows_down_without_a_pause() -> None:
    lane = RelayThrottle()
    _, news = answer(lane, REFUSED, NOON)
    assert news == "slowing down to 2.0/s: 550 frequency limited"
    assert lane.wait_s(NOON) == 0.5


def test_it_slows_down_to_half_of_what_it_was() -> None:
    lane, now = RelayThrottle(), NOON
    for _ in range(40):
        now += 0.1
        answer(lane, SENT, now)
    answer(lane, SLOWER, now)
    assert lane.speed == pytest.approx(5.0)


def test_each_further_trouble_halves_again_down_to_one_a_minute() -> None:
    lane, now, speeds = RelayThrottle(), NOON, []
    for _ in range(9):
        now, _ = answer(lane, SLOWER, now)
        speeds.append(lane.speed)
        now, _ = answer(lane, SENT, now)
    assert speeds == pytest.approx([2, 1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 60, 1 / 60])


def test_slow_speeds_are_told_in_seconds() -> None:
    lane, now, news = RelayThrottle(), NOON, ""
    for _ in range(4):
        now, news = answer(lane, SLOWER, now)
    assert news == "slowing down to one message every 4 s: 450 4.7.0 rate limited"


def test_pauses_double_with_each_refusal_in_a_row() -> None:
    lane, now, pauses = RelayThrottle(ThrottleRules(refusals=100)), NOON, []
    for _ in range(6):
        now, _ = answer(lane, SLOWER, now)
        pauses.append(lane.wait_s(now))
    assert pauses == [5, 10, 20, 40, 60, 60]


def test_an_acceptance_begins_the_pauses_anew() -> None:
    lane = RelayThrottle()
    now, _ = answer(lane, SLOWER, NOON)
    now, _ = answer(lane, SENT, now)
    now, _ = answer(lane, SLOWER, now)
    assert lane.wait_s(now) == 5.0


def test_jitter_makes_pauses_longer() -> None:
    lane = RelayThrottle(jitter=lambda: 0.5)
    answer(lane, SLOWER, NOON)
    assert lane.wait_s(NOON) == 6.25


def test_messages_under_way_are_one_trouble() -> None:
    lane = RelayThrottle()
    told = [lane.saw(SLOWER, NOON + n / 100) for n in range(10)]
    assert [bool(news) for news in told] == [True] + [False] * 9
    assert (lane.speed, lane.parallel(8), lane.trouble.refusals, lane.trouble.opened) == (2.0, 4, 10, 0)


def test_messages_are_kept_apart() -> None:
    lane = RelayThrottle()
    now, _ = answer(lane, SLOWER, NOON)
    now += lane.wait_s(now)
    assert now == NOON + 5
    lane.took(now)
    assert lane.wait_s(now) == 0.5
    assert lane.wait_s(now + 0.2) == pytest.approx(0.3)
    assert lane.wait_s(now + 0.5) == 0.0


@pytest.mark.parametrize(("limit", "uses"), [(1, [1, 1, 1]), (2, [1, 1, 1]), (4, [2, 1, 1]), (10, [5, 2, 1])])
def test_connections_halve(limit: int, uses: list[int]) -> None:
    lane, now, used = RelayThrottle(), NOON, []
    for _ in range(3):
        now, _ = answer(lane, SLOWER, now)
        used.append(lane.parallel(limit))
    assert used == uses


# --- recovery -------------------------------------------------------------------------------------------------------


def test_it_recovers_step_by_step() -> None:
    lane = RelayThrottle()
    now, _ = answer(lane, SLOWER, NOON)
    speeds, connections, told = [], [], []
    for _ in range(450):
        now, news = answer(lane, SENT, now)
        speeds.append(round(lane.speed, 3))
        connections.append(lane.parallel(10))
        told.append(news)
    assert speeds[28:32] == [2.0, 2.4, 2.4, 2.4]
    assert speeds[59] == 2.8
    assert (speeds[448], speeds[449]) == (7.6, 0.0)
    assert connections[28:30] == [5, 6]
    assert connections[-1] == 10
    assert [news for news in told if news] == ["back to full speed"]


def test_refused_recipients_earn_no_step() -> None:
    lane = RelayThrottle()
    now, _ = answer(lane, SLOWER, NOON)
    for _ in range(100):
        now, _ = answer(lane, REJECTED, now)
    assert lane.speed == 2.0


def simulate(lane: RelayThrottle, allowed_per_s: float, seconds: float, refusal: Outcome = SLOWER) -> tuple[int, int]:
    """A relay that refuses what is more than so many in any second -> how many it accepted, and refused."""
    now, accepted, refused = NOON, 0, 0
    recent: deque[float] = deque()
    while now < NOON + seconds and not lane.stopped:
        wait = lane.wait_s(now)
        if wait:
            now += wait
            continue
        lane.took(now)
        while recent and recent[0] <= now - 1:
            recent.popleft()
        fits = len(recent) < allowed_per_s
        if fits:
            recent.append(now)
        accepted, refused = accepted + fits, refused + (not fits)
        lane.saw(SENT if fits else refusal, now)
        now += 0.002  # the relay answers within 2 ms
    return accepted, refused


@pytest.mark.parametrize("refusal", [SLOWER, REFUSED], ids=["450", "550"])
def test_it_finds_the_speed_that_a_relay_allows(refusal: Outcome) -> None:
    lane = RelayThrottle()
    accepted, refused = simulate(lane, 14, 3600, refusal)
    assert not lane.stopped
    assert accepted > 0.45 * 14 * 3600
    assert refused < 0.01 * accepted


def test_a_relay_that_takes_one_a_second_is_not_stopped() -> None:
    lane = RelayThrottle()
    accepted, refused = simulate(lane, 1, 3600)
    assert not lane.stopped
    assert accepted > 0.4 * 3600
    assert refused < 0.1 * accepted


def test_a_relay_whose_trouble_is_over_is_used_in_full_again() -> None:
    lane = RelayThrottle()
    now = NOON
    for _ in range(4):
        now, _ = answer(lane, SLOWER, now)
    for _ in range(450):
        now, _ = answer(lane, SENT, now)
    assert lane.speed == 0.0
    assert lane.parallel(10) == 10


# --- open, probing, stopped -----------------------------------------------------------------------------------------


def test_five_refusals_in_a_row_open_it() -> None:
    lane, now, news = RelayThrottle(), NOON, ""
    for n in range(5):
        assert lane.trouble.opened == 0, n
        now, news = answer(lane, REFUSED, now)
    assert news == "pausing for 60 s after 5 refusals in a row: 550 frequency limited"
    assert (lane.wait_s(now), lane.parallel(10), lane.stopped, lane.trouble.opened) == (60.0, 1, "", 1)


@pytest.mark.parametrize("between", [REJECTED, LATER, SILENCE])
def test_what_speaks_of_recipients_does_not_break_the_row(between: Outcome) -> None:
    lane, now = RelayThrottle(), NOON
    for _ in range(5):
        now, _ = answer(lane, REFUSED, now)
        now, _ = answer(lane, between, now)
    assert lane.trouble.opened == 1


def test_an_acceptance_breaks_the_row() -> None:
    lane, now = RelayThrottle(), NOON
    for _ in range(20):
        for _ in range(4):
            now, _ = answer(lane, REFUSED, now)
        now, _ = answer(lane, SENT, now)
    assert lane.trouble.opened == 0


def test_one_message_probes() -> None:
    lane, now = opened()
    assert lane.wait_s(now + 59.9) == pytest.approx(0.1)
    now += 60
    assert lane.wait_s(now) == 0.0
    lane.took(now)
    assert lane.wait_s(now) == 60.0
    assert lane.parallel(10) == 1


def test_a_probe_that_is_accepted_ends_the_pause() -> None:
    lane, now = opened()
    now, news = answer(lane, SENT, now)
    assert news == "the relay takes mail again; going on at one message every 8 s"
    assert lane.stopped == ""
    assert lane.wait_s(now) == pytest.approx(1 / lane.speed)
    assert lane.parallel(64) == 2


def test_a_probe_that_is_refused_stops_it_with_the_relays_words() -> None:
    lane, now = opened()
    now, news = answer(lane, SLOWER, now)
    assert news == ""
    assert lane.stopped == (
        "5 refusals in a row, and after a pause the next message was refused as well: 450 4.7.0 rate limited"
    )
    assert lane.parallel(10) == 0
    assert lane.wait_s(now + 1e6) > 0


@pytest.mark.parametrize("outcome", [REJECTED, LATER])
def test_a_probe_that_tells_of_a_recipient_is_followed_by_another(outcome: Outcome) -> None:
    lane, now = opened()
    probed, _ = answer(lane, outcome, now)
    assert lane.wait_s(probed) == 0.0
    answer(lane, SENT, probed)
    assert not lane.stopped


def test_a_probe_without_an_answer_is_followed_by_another_after_a_minute() -> None:
    lane, now = opened()
    probed, _ = answer(lane, SILENCE, now)
    assert lane.wait_s(probed) == 60.0
    answer(lane, SENT, probed)
    assert not lane.stopped


def test_late_answers_do_not_stop_an_open_lane() -> None:
    lane, now = opened()
    for _ in range(20):
        assert lane.saw(REFUSED, now + 1) == ""
        assert lane.lost(now + 1) == ""
    assert (lane.stopped, lane.trouble.opened) == ("", 1)


def test_a_late_acceptance_ends_the_pause() -> None:
    lane, now = opened()
    assert lane.saw(SENT, now + 1).startswith("the relay takes mail again")
    assert lane.wait_s(now + 1) < 60


def test_it_may_open_again_after_it_recovered() -> None:
    lane, now = opened()
    for _ in range(3):
        now, _ = answer(lane, SENT, now)
        for _ in range(5):
            now, _ = answer(lane, REFUSED, now)
    assert (lane.trouble.opened, lane.stopped) == (4, "")


def test_a_stopped_lane_stays_so() -> None:
    lane, now = opened()
    answer(lane, REFUSED, now)
    reason = lane.stopped
    assert lane.saw(SENT, now + 61) == ""
    assert lane.lost(now + 62, "gone") == ""
    assert (lane.stopped, lane.parallel(4)) == (reason, 0)


# --- lost connections -----------------------------------------------------------------------------------------------


def lose(lane: RelayThrottle, now: float, words: str = "") -> tuple[float, str]:
    now += lane.wait_s(now)
    return now, lane.lost(now, words)


def test_lost_connections_pause_and_open() -> None:
    lane = RelayThrottle()
    now, news = lose(lane, NOON)
    assert (news, lane.wait_s(now)) == ("", 1.0)
    now, news = lose(lane, now)
    assert (news, lane.wait_s(now)) == ("", 2.0)
    now, news = lose(lane, now, "the relay closed the connection")
    assert news == "pausing for 60 s after 3 connections lost in a row: the relay closed the connection"
    assert lane.trouble.lost == 3
    now, news = lose(lane, now, "cannot connect")
    assert news == ""
    assert (
        lane.stopped == "3 connections lost in a row, and after a pause the connection was lost again: cannot connect"
    )


def test_connections_lost_at_once_are_one_loss() -> None:
    lane = RelayThrottle()
    for n in range(10):
        assert lane.lost(NOON + n / 100) == ""
    assert (lane.trouble.lost, lane.trouble.opened) == (10, 0)
    assert lane.wait_s(NOON + 0.5) == 0.5


@pytest.mark.parametrize("outcome", [SENT, REJECTED, LATER])
def test_any_answer_breaks_the_row_of_losses(outcome: Outcome) -> None:
    lane, now = RelayThrottle(), NOON
    for _ in range(50):
        now, _ = lose(lane, now)
        now, _ = lose(lane, now)
        now, _ = answer(lane, outcome, now)
    assert lane.trouble.opened == 0


def test_silence_breaks_no_row_of_losses() -> None:
    lane, now = RelayThrottle(), NOON
    for _ in range(3):
        lane.saw(SILENCE, now)
        now, _ = lose(lane, now)
    assert lane.trouble.opened == 1


# --- words and clocks -----------------------------------------------------------------------------------------------


def test_a_relays_words_are_shown_harmlessly_and_shortly() -> None:
    lane = RelayThrottle()
    evil = Outcome(State.DEFERRED, "MAIL", 550, "\x1b[2Jspam\r\n" + "x" * 500, sender_fault=True)
    news = lane.saw(evil, NOON)
    assert "\x1b" not in news
    assert "\n" not in news
    assert len(news) < 220
    assert lane.trouble.last.startswith("550 ")


def test_a_clock_set_back_waits_no_longer() -> None:
    lane = RelayThrottle()
    answer(lane, SLOWER, NOON)
    assert lane.wait_s(NOON - 1e6) == pytest.approx(5.0)
    lane, now = opened()
    assert lane.wait_s(now - 1e6) == pytest.approx(60.0)
    assert lane.wait_s(now - 1e6 + 60.001) == 0.0


def test_a_clock_set_forward_ends_the_waits() -> None:
    lane, now = opened()
    assert lane.wait_s(now + 1e6) == 0.0
    answer(lane, SENT, now + 1e6)
    assert not lane.stopped


# --- for any relay --------------------------------------------------------------------------------------------------

OUTCOMES = st.sampled_from([SENT, REJECTED, LATER, SLOWER, REFUSED, SILENCE])


@given(st.lists(st.tuples(OUTCOMES | st.none(), st.floats(-100, 1000)), max_size=200), st.integers(1, 20))
def test_promises_for_any_relay(events: list[tuple[Outcome | None, float]], limit: int) -> None:
    lane, now = RelayThrottle(), NOON
    for outcome, passes in events:
        now += passes
        if outcome is None:
            lane.lost(now, "broke")
        else:
            lane.took(now)
            lane.saw(outcome, now)
        assert 0 <= lane.wait_s(now) <= 90
        assert lane.parallel(limit) <= limit
        assert (lane.parallel(limit) == 0) == bool(lane.stopped)
        assert 0 <= lane.speed <= 100


@given(st.lists(st.tuples(OUTCOMES, st.floats(0, 30)), max_size=200), st.integers(1, 4))
def test_who_accepts_now_and_then_is_never_stopped(events: list[tuple[Outcome, float]], every: int) -> None:
    lane, now = RelayThrottle(), NOON
    for number, (outcome, passes) in enumerate(events):
        now, _ = answer(lane, SENT if number % (every + 1) == every else outcome, now + passes)
        assert not lane.stopped
        assert lane.trouble.opened == 0


@given(st.lists(st.sampled_from([SLOWER, REFUSED]), min_size=6, max_size=6), st.lists(OUTCOMES, max_size=50))
def test_who_takes_nothing_more_is_stopped_after_six(refusals: list[Outcome], before: list[Outcome]) -> None:
    lane, now = RelayThrottle(), NOON
    for outcome in before:
        if lane.stopped:
            return
        now, _ = answer(lane, outcome, now)
    if lane.stopped:
        return
    for outcome in refusals:
        if lane.stopped:
            break
        now, _ = answer(lane, outcome, now)
    assert "450" in lane.stopped or "550" in lane.stopped
