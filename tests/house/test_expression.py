"""One language in two places: what `--where` answers for a row, `{% if %}` answers for it as well."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.audience.segments import parse_segment
from newsletter.post.templating.conditions import parse_condition

WORDS = ["", "pro", "5", "05", "5.0", "-1", "2026-03-01", "2026-03-01 08:00", "2026-03-01T23:59-05:00", "2026-02-30"]
CELLS = st.sampled_from([*WORDS, "pro, team", "Pro", "x y"])


def both(source: str, row: dict[str, str]) -> tuple[bool, bool]:
    """A template with `{}` before each column -> what a segment says, and what a condition says."""
    segment = parse_segment(source.replace("{}", ""))
    condition = parse_condition(source.replace("{}", "subscriber."), 1, "p.md")
    assert segment.columns == condition.columns
    return segment.holds(row), condition.holds(row)


@pytest.mark.parametrize(
    ("cell", "source", "answer"),
    [
        ("2026-03-01 08:00", "{}d <= '2026-03-01'", True),  # a day is the whole day
        ("2026-03-01 08:00", "{}d > '2026-03-01'", False),
        ("2026-03-01", "{}d < '2026-03-01T09:00+02:00'", False),
        ("pro", "{}d > '5'", False),  # a word beside a number is neither less nor more
        ("pro", "{}d < '5'", False),
        ("", "{}d in ['']", False),  # an empty column is in no list
        ("", "{}d < '5'", False),
        ("", "{}d == ''", True),
        ("05", "{}d == '5'", False),
        ("05", "{}d == 5", True),
        # the value that is written says what is compared, whichever side it stands on
        ("pro", "'5' < {}d", False),
        ("7", "5 < {}d", True),
        ("2026-03-01 08:00", "'2026-03-01' >= {}d", True),
        ("pro", "'2026-03-01' >= {}d", False),
        ("5", "5 == {}d", True),
        ("5.0", "5 != {}d", False),
        # chains
        ("7", "5 < {}d <= 7", True),
        ("8", "5 < {}d <= 7", False),
        ("pro", "5 < {}d < 9", False),
    ],
)
def test_a_segment_and_a_condition_agree(cell: str, source: str, answer: bool) -> None:
    assert both(source, {"d": cell}) == (answer, answer)


_values = st.sampled_from([*(f"'{word}'" for word in WORDS), "5", "-1", "5.0", "{}a", "{}b"])
_tests = st.one_of(
    st.tuples(_values, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), _values).map(" ".join),
    st.tuples(st.just("{}a"), st.sampled_from(["has", "contains", "not has", "starts with", "ends with"]), _values).map(
        " ".join
    ),
    st.tuples(st.sampled_from(["{}a in", "{}b not in"]), st.lists(_values, min_size=1, max_size=3)).map(
        lambda pair: f"{pair[0]} [{', '.join(pair[1])}]"
    ),
    st.sampled_from(["{}a", "not {}b", "{}a is empty", "{}b is not empty"]),
)


@given(
    st.recursive(
        _tests,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map(lambda parts: f"({''.join(parts)})"),
            inner.map(lambda test: f"not ({test})"),
        ),
        max_leaves=4,
    ),
    CELLS,
    CELLS,
)
def test_any_segment_and_its_condition_agree(source: str, a: str, b: str) -> None:
    where, condition = both(source, {"a": a, "b": b})
    assert where is condition


@given(_values, st.sampled_from(["<", "<=", ">", ">="]), _values, CELLS, CELLS)
def test_turning_a_comparison_round_changes_nothing(left: str, sign: str, right: str, a: str, b: str) -> None:
    if (left[0] == "{") == (right[0] == "{"):
        return  # of two columns, or two values, the right one says what is compared
    turned = sign.translate(str.maketrans("<>", "><"))
    row = {"a": a, "b": b}
    assert both(f"{left} {sign} {right}", row) == both(f"{right} {turned} {left}", row)
