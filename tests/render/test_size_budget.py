"""An email that is too long keeps as many rows as fit, in a few drawings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from newsletter.model.issue import Block, Heading, Paragraph, Text
from newsletter.render.size_budget import MAX_BYTES, MAX_GUESSES, Drawn, Fit, draw_to_fit, measure, row_mark

ROWS = st.lists(st.tuples(st.integers(1, 9_000), st.booleans()), min_size=1, max_size=400)


@given(ROWS, st.integers(0, 100_000), st.integers(0, 9_000), st.sampled_from("xé=<"))
def test_as_many_rows_as_fit_in_a_few_drawings(rows: list[tuple[int, bool]], frame: int, note: int, char: str) -> None:
    blocks: list[Block] = [
        Heading(2, (Text("h"),), line) if is_heading else Paragraph((Text("p"),), line)
        for line, (_, is_heading) in enumerate(rows)
    ]
    drawn: list[int] = []

    def draw(fit: Fit) -> Drawn:
        drawn.append(fit.rows)
        shown = "".join(row_mark(row) + char * size for row, (size, _) in enumerate(rows[: fit.rows]))
        end = "n" * note if fit.rows < len(rows) else ""
        return measure("f" * frame + shown + row_mark(fit.rows) + end, "")

    email, fit, findings = draw_to_fit(draw, blocks, (), has_web=False)
    assert len(drawn) <= 1 + MAX_GUESSES + len(rows).bit_length()
    assert email == draw(fit)
    may_end = [count for count in range(len(rows) + 1) if not count or not rows[count - 1][1]]
    whole = Fit(link_buttons=False, pictures_until=len(rows), rows=len(rows))
    expected = next(
        (count for count in reversed(may_end) if not count or draw(Fit(False, len(rows), count)).fits), len(rows)
    )
    assert fit.rows == (len(rows) if draw(whole).fits else expected)
    assert bool(findings) == (not draw(whole).fits)
    assert not fit.rows or email.decoded <= MAX_BYTES
