"""How tables are set for a phone: by their words, with given widths, or row by row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.model.issue import Code, Image, Inlines, Link, Table, Text
from newsletter.render.table_form import table_form
from newsletter.render.text_width import longest_run, run_width


def table(*rows: str) -> Table:
    cells = [tuple((Text(cell.strip()),) for cell in row.split("|")) for row in rows]
    return Table(cells[0], tuple(cells[1:]))


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        (("a | b", "1 | 2"), "auto"),
        (("Year | What happened", "2026 | a line of many words that may break wherever there is a space"), "auto"),
        (("名称 | 说明", "模型 | " + "很长的说明" * 30), "auto"),
        (("Provider | Monthly price | Included messages | Dedicated address | Support", "a | b | c | d | e"), "fixed"),
        (("Key | Value", "a | 3f786850e387550fdab836ed7e6dc881de23001b3f786850e387550fdab836ed"), "fixed"),
        (
            ("Key | Value", "a | https://example.com/one_long_slug_that_has_no_place_at_all_for_a_line_to_break"),
            "fixed",
        ),
        ((" | ".join(f"heading{n}" for n in range(9)), " | ".join("x" * 9)), "stacked"),
        ((" | ".join("a" for _ in range(60)),), "stacked"),
        (("",), "auto"),
    ],
)
def test_by_its_words(rows: tuple[str, ...], kind: str) -> None:
    assert table_form(table(*rows)).kind == kind


def test_a_table_in_a_story_has_less_room() -> None:
    rows = table("Provider | Price | Messages | Address", "a | b | c | d")
    assert table_form(rows).kind == "auto"
    assert table_form(rows, nested=True).kind == "fixed"


def test_widths_are_of_the_whole_and_a_long_word_does_not_take_all() -> None:
    form = table_form(table("Key | What it is", f"{'x' * 200} | some words about it"))
    assert sum(form.widths) == 100
    assert form.widths[1] >= 15


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (Image("a", asked_width=16), "auto"),
        (Image("a", width=32), "auto"),
        (Image("a"), "fixed"),
        (Image("a", width=900), "fixed"),
    ],
)
def test_a_picture_that_could_be_squeezed_away_gets_a_width(image: Image, kind: str) -> None:
    cells: tuple[Inlines, ...] = ((image,), (Link("https://a.example", (image,)), Text("words")))
    assert table_form(Table(((), ()), (cells,))).kind == kind


@given(st.lists(st.lists(st.text(max_size=60), min_size=1, max_size=20), min_size=1, max_size=6))
def test_any_table_has_a_form(rows: list[list[str]]) -> None:
    cells = [tuple((Code(cell),) for cell in row) for row in rows]
    form = table_form(Table(cells[0], tuple(cells[1:])))
    assert bool(form.widths) == (form.kind == "fixed")
    assert not form.widths or (len(form.widths) == max(map(len, rows)) and all(width > 0 for width in form.widths))


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("", ""),
        ("some plain words", "words"),
        ("一段没有空格的中文", "一"),
        ("中文GPT-5.2中文", "GPT-5.2"),
        ("well-known", "known"),
        ("https://a.example/some_slug_x", "some_slug_x"),
        ("a/2024", "a/2024"),
        ("soft\u00adhyphen", "hyphen"),
        ("no\u00a0break", "no\u00a0break"),
        ("ภาษาไทย", "ภ"),
    ],
)
def test_what_a_line_cannot_break(text: str, run: str) -> None:
    assert longest_run(text) == run


def test_wide_letters_are_wider() -> None:
    assert run_width("illi", 10) < run_width("abcd", 10) < run_width("WWWW", 10)
    assert run_width("e\u0301", 10) == run_width("e", 10)


def test_short_cells_without_spaces_keep_a_line_where_there_is_room() -> None:
    assert table_form(table("登壇者 | 発表時間", "Ann | 45分")).keeps == 5
    assert table_form(table("a | b", "c | d")).keeps == 0
    many = " | ".join(["四字熟語"] * 6)
    assert table_form(table(many)).keeps < 4, "but for what is wider than a phone"
    picture = Image("https://a.example/a.png")
    with_picture = Table(((Text("発表者"),), (Text("時間"),)), (((picture,), (Text("45分"),)),))
    assert table_form(with_picture).kind == "fixed"
    assert table_form(with_picture).widths[1] > 20
