"""Segments: what an expression means, where it is wrong, and that it can say nothing beyond columns."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.audience.segments import MAX_CHARS, MAX_DEPTH, SegmentError, parse_segment
from newsletter.ledger.list_reference import join_segment, split_segment

ROW = {
    "email": "ann@example.com",
    "plan": "pro",
    "tags": "ai, machine learning;news",
    "words": "red green",
    "count": "10",
    "zip": "01234",
    "joined": "2026-01-31",
    "seen": "2026-01-31T10:00:00+02:00",
    "sign-up form": "footer",
    "城市": "杭州",
    "nothing": "",
    "in": "x",
    "note": 'say "hi" \\ it\'s',
}


@pytest.mark.parametrize(
    "true",
    [
        "plan == 'pro'",
        'plan == "pro"',
        "PLAN == 'pro'",
        "plan != 'free' and not (plan == 'team')",
        "plan == 'free' or plan == 'pro' and tags has 'ai'",
        "(plan == 'free' or plan == 'pro') and tags has 'news'",
        "not plan == 'free'",
        "NOT plan == 'free' AND plan",
        "tags has 'machine learning'",
        "tags not has 'ml'",
        "words has 'green'",
        "plan in ['free', 'pro']",
        "plan not in ['free', 'team']",
        "count in [9, 10]",
        "email ends with '@example.com'",
        "email starts with 'ann'",
        "email contains '@' and email not contains ' '",
        "count > 9",
        "count > '9'",
        "count == 10.0",
        "count != '10.0'",
        "zip == '01234' and zip != '1234' and zip == 1234",
        "joined >= '2026-01-31' and joined < '2026-02-01'",
        "seen <= '2026-01-31' and seen >= '2026-01-31'",
        "seen > '2026-01-31T07:59:00Z' and seen < '2026-01-31 08:01'",
        "seen == seen and joined <= seen",
        "`sign-up form` == 'footer'",
        "城市 == '杭州'",
        "nothing is empty and plan is not empty",
        "not nothing",
        "missing is empty",
        "`in` == 'x'",
        r"""note == 'say "hi" \\ it\'s'""",
        "plan < 'z'",
    ],
)
def test_what_holds(true: str) -> None:
    segment = parse_segment(true)
    assert segment.holds(ROW)
    assert not parse_segment(f"not ({true})").holds(ROW)


@pytest.mark.parametrize(
    "false",
    [
        "plan == 'Pro'",
        "plan == 'free' and plan == 'pro' or nothing",
        "tags has 'machine'",
        "tags has ''",
        "email contains ''",
        "nothing in ['', 'x']",
        "plan > 5",  # a word is neither more nor less than a number
        "plan < 5",
        "nothing < 5",
        "plan >= '2026-01-01'",
        "missing",
        "nothing == 'x'",
        "count == '10.0'",
    ],
)
def test_what_does_not_hold(false: str) -> None:
    assert not parse_segment(false).holds(ROW)


def test_columns_are_those_that_are_read() -> None:
    segment = parse_segment("Plan == `Sign-up Form` or 城市 in ['x', other]")
    assert segment.columns == {"plan", "sign-up form", "城市", "other"}
    segment.require_columns(("email", "plan", "sign-up form", "城市", "other"))


@pytest.mark.parametrize(
    ("source", "what", "under"),
    [
        ("", "a column or a value is missing", 0),
        ("plan = 'pro'", "write == to compare", 5),
        ("plan ==", "a column or a value is missing", 7),
        ("plan == 'pro", "the quote ' is never closed", 8),
        ("plan ‘x’", "‘ is a curly quote; write ' or \"", 5),
        ("plan == 'a' && tags", "write `and` or `or`", 12),
        ("plan is pro", "expected `empty` after `is`; to compare, write ==", 8),
        ("plan in 'pro'", "expected `[` after `in`, and values: in ['pro', 'team']", 8),
        ("plan in ['a' 'b']", "expected `,` or `]`", 13),
        ("plan in []", "`]` is no column or value", 9),
        ("(plan", "expected `)`", 5),
        ("plan)", "expected `and`, `or`, or the end", 4),
        ("plan 'pro'", "expected `and`, `or`, or the end", 5),
        ("'pro'", "expected ==, <, has, in, …", 5),
        ("plan not", "expected `in`, `has` or `contains`", 8),
        ("name starts 'a'", "expected `with` after `starts`", 12),
        ("has has 'a'", "`has` is a word of the language; for a column of that name write `has` in ``", 0),
        ("plan.lower() == 'a'", "'.' means nothing here", 4),
        ("__import__('os')", "expected `and`, `or`, or the end", 10),
        ("plan == 'a'\nor 1", "it has a line break or a control character; write it on one line", 11),
    ],
)
def test_a_fault_has_a_caret_under_its_place(source: str, what: str, under: int) -> None:
    with pytest.raises(SegmentError) as caught:
        parse_segment(source)
    assert str(caught.value) == f"--where: {what}"
    line, caret = caught.value.picture
    assert line == f"  {source}"
    assert caret == f"  {' ' * under}^"


def test_the_caret_stands_right_after_hanzi_and_in_long_expressions() -> None:
    with pytest.raises(SegmentError) as caught:
        parse_segment("城市 = 'x'")
    assert caught.value.picture == ("  城市 = 'x'", "       ^")  # two columns for each hanzi
    with pytest.raises(SegmentError) as caught:
        parse_segment(" or ".join(["plan == 'free'"] * 40) + " or plan = 'x'" + " or plan" * 40)
    line, caret = caught.value.picture
    assert len(line) < 80
    assert line[caret.index("^")] == "="


def test_an_unknown_column_is_named_with_those_there_are() -> None:
    segment = parse_segment("name == 'plam' and plam == 'pro'")
    with pytest.raises(SegmentError) as caught:
        segment.require_columns(("email", "name", "plan", "sign-up form"))
    assert str(caught.value) == (
        "--where: the list has no column 'plam'; write one of: email, name, plan, `sign-up form`"
    )
    assert caught.value.picture[1] == "                     ^"


def test_depth_and_length_are_bounded() -> None:
    assert parse_segment("(" * MAX_DEPTH + "plan" + ")" * MAX_DEPTH).holds(ROW)
    for deep in ("(" * 5_000, "not " * 900 + "plan", "(" * 1_900 + "plan" + ")" * 1_900):
        with pytest.raises(SegmentError):
            parse_segment(deep)
    with pytest.raises(SegmentError, match="keep it under"):
        parse_segment("plan or " * MAX_CHARS)
    assert parse_segment(" or ".join(["plan == 'x'"] * 200) + " or plan").holds(ROW)


def test_numbers_too_large_for_a_float_are_compared_as_text() -> None:
    assert not parse_segment("count > 5").holds({"count": "9" * 400})
    assert parse_segment("count == count").holds({"count": "9" * 400})


def test_a_list_and_its_segment_are_one_text_and_two_again() -> None:
    for path, source in (("/a b/list.csv", ""), ("/a/list.csv", "plan == ' where '"), ("", "")):
        assert split_segment(join_segment(path, source)) == (path, source)


_pieces = st.sampled_from(
    [
        *("plan", "tags", "`a b`", "'x'", '"y"', "1", "2026-01-01", "==", "!=", "<", ">=", "in", "has", "not", "and"),
        *("or", "(", ")", "[", "]", ",", "is", "empty", "contains", "starts", "ends", "with", "=", "'", "`", "邮箱"),
        *("\x00", "{}"),
    ]
)


@given(st.lists(_pieces, max_size=25).map(" ".join) | st.text(max_size=60))
@example("plan == '\\'")
def test_any_text_is_a_segment_or_a_sentence(source: str) -> None:
    carets, answers = [], []
    try:
        segment = parse_segment(source)
    except SegmentError as error:
        carets.append(error.picture[1].strip())
    else:
        answers += [segment.holds(ROW), segment.holds({})]
    assert carets == ["^"] or all(answer in (True, False) for answer in answers)


_texts = st.text(max_size=12).filter(lambda text: text == text.strip() and text.isprintable())


@given(_texts, _texts)
def test_a_quoted_value_is_itself(cell: str, wanted: str) -> None:
    quoted = "'" + wanted.replace("\\", "\\\\").replace("'", "\\'") + "'"
    row = {"plan": cell}
    assert parse_segment(f"plan == {quoted}").holds(row) is (cell == wanted)
    assert parse_segment(f"plan in [{quoted}]").holds(row) is (cell == wanted != "")
    assert parse_segment(f"plan contains {quoted}").holds(row) is (wanted != "" and wanted in cell)


@given(st.integers(-999, 999), st.integers(-999, 999))
def test_numbers_are_ordered_as_numbers(left: int, right: int) -> None:
    row = {"n": str(left)}
    assert parse_segment(f"n < {right}").holds(row) is (left < right)
    assert parse_segment(f"n >= {right}").holds(row) is (left >= right)
    assert parse_segment(f"n == {right}").holds(row) is (left == right)
