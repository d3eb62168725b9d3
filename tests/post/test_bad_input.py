"""Posts that are large or deep on purpose: each is an email or a sentence with its line, in bounded memory."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import pytest
from growth import assert_linear
from hostile_posts import post, read, render

from newsletter.errors import ContentError
from newsletter.message.fill_slots import fill
from newsletter.model.issue import Footnotes
from newsletter.render import size_budget as budget

MEMORY = 200_000_000
NUMBER = "a bad value: a number of more than 4,000 digits"


def yaml(lines: str) -> bytes:
    return f"---\ntitle: T\n{lines}\n---\nWords.\n".encode()


def toml(lines: str) -> bytes:
    return f"+++\ntitle = 'T'\n{lines}\n+++\nWords.\n".encode()


def bomb() -> str:
    """Nine lists of nine names of the list before: a billion words."""
    lines = ["a: &a [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (yaml(bomb()), "4: the front matter uses a YAML alias"),
        (yaml(f"{bomb()}\ntags: *i"), "4: the front matter uses a YAML alias"),
        (yaml("a: &a [*a]"), "3: the front matter uses a YAML alias"),
        (yaml("x: 1\ny: " + "[" * 60 + "]" * 60), "4: the front matter is nested too deep"),
        (yaml("y: " + "9" * 50_000), f"3: the front matter has {NUMBER}"),
        (yaml("x: 1\ny: " + "1:" * 20_000 + "1"), f"4: the front matter has {NUMBER}"),
        (yaml("y: [1, {z: 0x" + "f" * 20_000 + "}]"), f"3: the front matter has {NUMBER}"),
        (toml("x = 1\n" + ".".join("a" * 20_000) + " = 1"), "4: the front matter is nested too deep"),
        (toml("[" + " . ".join("a" * 20_000) + "]"), "3: the front matter is nested too deep"),
        (toml("x = " + "[" * 20_000 + "]" * 20_000), "2: the front matter is nested too deep"),
        (toml("x = 1\ny = " + "[" * 60 + "]" * 60), "4: the front matter is nested too deep"),
        (toml("x = " + "{a = " * 60 + "1" + "}" * 60), "3: the front matter is nested too deep"),
        (toml("x = 1\ny = " + "9" * 50_000), f"4: the front matter has {NUMBER}"),
        (toml("y = 0x" + "f" * 20_000), f"3: the front matter has {NUMBER}"),
    ],
    ids=[
        *("bomb", "bomb-used", "self", "depth", "digits", "sixties", "hex"),
        *("key", "table", "lists", "depth-toml", "tables", "digits-toml", "hex-toml"),
    ],
)
def test_front_matter_without_measure(text: bytes, sentence: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ContentError) as refused:
            read(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert re.search(rf"p\.md:{re.escape(sentence.partition(':')[0])}(?::\d+)?: ", str(refused.value))
    assert sentence.partition(": ")[2] in str(refused.value)
    assert peak < MEMORY


def test_a_toml_block_of_five_megabytes_is_too_much_and_one_of_half_is_read() -> None:
    lines = [f"k{number} = 'value {number}'" for number in range(250_000)]
    with pytest.raises(ContentError, match="the post has more than 1,048,576 bytes"):
        read(toml("\n".join(lines)))
    assert read(toml("\n".join(lines[:20_000]))).title == "T"


@pytest.mark.parametrize(
    "body",
    [
        "\u202b" * 3_000 + "שלום" + "\u202c" * 3_000,
        "\u2067א " * 3_000 + "\u2069" * 10,
        "א\u202e\u2066\u202d ב " * 1_000,
        '<bdo dir="rtl">א<bdi>' * 1_000,
        '<span dir="rtl">' * 2_000 + "שלום" + "</span>" * 2_000,
        "\u200f\u200e\u061c" * 3_000 + "שלום",
        '<div dir="rtl">' * 500 + "שלום" + "</div>" * 500,
    ],
    ids=["embeddings", "isolates", "mixed", "bdo", "spans", "marks", "boxes"],
)
def test_marks_of_direction_within_one_another(body: str) -> None:
    email = render(read(post(f"{body}\n\nסוף.")))
    for part in (email.html, email.text):
        assert "סוף." in fill(part, {})


def test_ten_thousand_footnotes_are_an_email_and_in_one_paragraph_a_sentence() -> None:
    notes = "".join(f"[^{number}]: note {number}\n" for number in range(10_000))
    with pytest.raises(ContentError, match=r"p\.md:5: a paragraph has more than 2,000 opening brackets"):
        read(post("甲" + "".join(f"[^{number}]" for number in range(10_000)) + "\n\n" + notes))
    issue = read(post("".join(f"甲[^{number}]\n\n" for number in range(10_000)) + notes))
    notes_read = issue.blocks[-1]
    assert isinstance(notes_read, Footnotes)
    assert len(notes_read.items) == 10_000


def test_footnotes_take_calls_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "fits", lambda *sizes: True)  # without drawing again, more plainly

    def noted(rows: range) -> Any:
        return render(
            read(post("".join(f"甲[^{n}]\n\n" for n in rows) + "".join(f"[^{n}]: note {n}\n\n" for n in rows)))
        )

    assert_linear(noted, range(1_200))


@pytest.mark.parametrize("columns", [200, 2_000])
def test_a_table_of_many_columns_keeps_every_cell(columns: int) -> None:
    row = "|" + "|".join(f"c{column}" for column in range(columns)) + "|\n"
    issue = read(post(row + "|" + "-|" * columns + "\n" + row.replace("c", "v") * 3))
    email = render(issue)
    text = fill(email.text, {}).split()
    assert {f"v{column}" for column in range(columns)} <= set(text)
    said = fill(email.html, {}) + " ".join(finding.what for finding in email.findings)
    assert f"v{columns - 1}" in said or "ends early" in said
