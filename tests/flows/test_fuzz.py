"""Posts, mutated: each is an email or a sentence. Nothing else may leave the parser or the renderer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from growth import assert_linear
from hostile_posts import PATTERNS, bounded, post, read, render
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machine import CHECKOUT, examples
from words import squeezed, words_of

from newsletter.errors import ConfigError, ContentError
from newsletter.message.fill_slots import fill
from newsletter.model.as_json import as_json
from newsletter.post.parse import MAX_BYTES
from newsletter.render import size_budget as budget

HOSTILE = [
    *(
        ":::",
        ":::note",
        "\n:::tip[",
        "\n::::x ",
        "\n:::\n",
        '\n!!! note "a"\n    ',
        "\n??? x\n\t",
        '\n=== "a"\n',
        "\n> [!TIP] ",
        "](x.md#a)",
        "]({filename}/x.md)",
        "](@/b/x.md)",
        "<a-b>",
        '{{< ref "x.md" >}}',
        "\n    ",
    ),
    *(
        "[",
        "]",
        "![",
        "](",
        "[](",
        "[^1]",
        "^[",
        "[^1]: ",
        "[a]: ",
        "**",
        "*",
        "_",
        "***",
        "~~",
        "`",
        "```",
        "~~~\n",
        "``` ",
    ),
    *(
        "{% if",
        "{% if subscriber.a %}",
        "{% elsif x %}",
        "{% else %}",
        "{% endif %}",
        "{% raw %}",
        "{% endraw %}",
        "%}",
    ),
    *(
        "{% highlight py %}",
        "{% endhighlight %}",
        "{% comment %}",
        "{% endcomment %}",
        "{% for x in y %}",
        "{% include x %}",
    ),
    *(
        "{{",
        "}}",
        "{{ subscriber.a }}",
        '{{ subscriber.a | default("',
        "{{ site.url }}",
        "{{ page.title | x }}",
        "{:",
        "{: .a}",
    ),
    *(
        "<div",
        "<div>",
        "</div>",
        "<b>",
        "</b>",
        "<a href=",
        "<table><tr><td>",
        "</table>",
        "<!--",
        "-->",
        "<![CDATA[",
        "<?x",
    ),
    *(
        "<script>",
        "<style>",
        "</style>",
        "<iframe src=",
        "<video src=x>",
        "<br>",
        "<pre>",
        "</mj-raw>",
        "<mj-include path='x'/>",
    ),
    *(
        "$$",
        "$",
        "$$\n",
        "\\",
        "\\\\",
        "|",
        "|-|\n",
        "| a | b |\n|---|---|\n",
        "\n|",
        ": ",
        "\n: ",
        "---",
        "\n---\n",
        "===",
        "***",
    ),
    *(
        "\x00",
        "\x01",
        "\x0b",
        "\x1b",
        "\x7f",
        "\x85",
        "\u2028",
        "\ufeff",
        "\ufffe",
        "\ufffd",
        "\u200b",
        "\u202e",
        "\u0301" * 50,
    ),
    *(
        "\r",
        "\r\n",
        "\n",
        "\n\n",
        "\t",
        "    ",
        "        ",
        "　",
        "\u00a0",
        "&",
        "&#0;",
        "&#x110000;",
        "&lt;",
        "&nbsp;",
        "&a",
    ),
    *(
        ">" * 1000,
        "> " * 200,
        "- " * 300,
        "1. " * 200,
        "[" * 300,
        "*" * 500,
        "<div>" * 300,
        "<b>" * 200,
        "`" * 300,
        "#" * 100,
    ),
    *(
        "1.",
        "1. ",
        "1.a",
        "999999999. ",
        "- [x] ",
        "- ",
        "+ ",
        "# ",
        "###### ",
        ":smile:",
        ":a:",
        "https://",
        "https://a.b/(",
        "www.",
    ),
    *(
        "title: [",
        "date: 2026-02-30\n",
        "newsletter: 1\n",
        "a: &a [*a]\n",
        "image: javascript:x\n",
        '"',
        "'",
        "description: |\n",
    ),
    *(
        "javascript:x",
        "data:,",
        "nlfield0x0z",
        "中",
        "。",
        "“",
        "😀",
        "é",
        "ﷺ",
        "\U000e0041",
        "![a](b.mp4)",
        "<figure><figcaption>",
    ),
]


@dataclass(frozen=True, slots=True)
class Change:
    """One mutation of a text. `place`, `other` and `length` are shares of the text's length and of 200 letters."""

    kind: str
    place: float
    other: float
    length: float
    fragment: str

    def apply(self, text: str) -> str:
        start, other = int(self.place * len(text)), int(self.other * len(text))
        size = int(self.length * 200)
        piece = text[start : start + size]
        match self.kind:
            case "insert":
                return text[:start] + self.fragment + text[start:]
            case "delete":
                return text[:start] + text[start + size :]
            case "double":
                return text[:start] + piece + text[start:]
            case "swap":
                low, high = sorted((start, other))
                low_end = min(low + size, high)
                high_end = high + size
                return text[:low] + text[high:high_end] + text[low_end:high] + text[low:low_end] + text[high_end:]
            case _:
                return text[:start] + text[start : start + 1] * size + text[start:]


_SHARE = st.floats(0, 1, exclude_max=True)
CHANGES = st.lists(
    st.builds(
        Change,
        st.sampled_from(["insert", "insert", "insert", "delete", "double", "swap", "repeat"]),
        _SHARE,
        _SHARE,
        _SHARE,
        st.sampled_from(HOSTILE),
    ),
    min_size=1,
    max_size=12,
)


@cache
def sources() -> tuple[str, ...]:
    """The examples, and the real posts where they lie beside the checkout."""
    folders = (CHECKOUT / "examples", CHECKOUT.parent / "shared" / "posts")
    paths = sorted(path for folder in folders if folder.is_dir() for path in folder.glob("*.md"))
    return tuple(path.read_text("utf-8") for path in paths)


REFUSAL = re.compile(
    r"(?:posts/2026-03-01-)?p\.md(?::\d+(?::\d+)?: |: the post (?:is empty|has [\d,]+ lines|has more than [\d,]+ ))"
)
"""What is wrong with a whole file has no line."""


def survives(text: str, *, holds: bool) -> None:
    sentence = "an email"
    try:
        render(read(text.encode("utf-8", "surrogatepass"), lambda condition: holds))
    except (ContentError, ConfigError) as error:
        sentence = str(error)
        assert REFUSAL.match(sentence), sentence
    assert "\n" not in sentence


def changed(which: int, changes: list[Change]) -> str:
    text = sources()[which % len(sources())]
    for change in changes:
        text = change.apply(text)
    return text


@given(st.integers(0, 99), CHANGES, st.booleans())
@settings(max_examples=examples(120), deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.timeout(300)
def test_mutated_posts(which: int, changes: list[Change], holds: bool) -> None:
    survives(changed(which, changes), holds=holds)


@pytest.mark.soak
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("part", range(4))
def test_ten_thousand_mutated_posts(part: int) -> None:
    @given(st.integers(0, 99), CHANGES, st.booleans())
    @settings(max_examples=2_500, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def run(which: int, changes: list[Change], holds: bool) -> None:
        survives(changed(which, changes), holds=holds)

    run()


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8)), max_size=40), st.booleans())
@settings(max_examples=examples(200), deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.timeout(300)
def test_nothing_but_hostile_pieces(pieces: list[str], holds: bool) -> None:
    survives("---\ntitle: 题\n---\n\n甲\n\n" + "".join(pieces), holds=holds)
    survives("".join(pieces), holds=holds)


@given(st.binary(max_size=300))
@settings(max_examples=examples(200), deadline=None)
def test_any_bytes(data: bytes) -> None:
    sentence = "p.md is an email"
    try:
        read(data)
    except (ContentError, ConfigError) as error:
        sentence = str(error)
    assert sentence.startswith(("p.md", "posts/2026-03-01-p.md"))


# --- length ---------------------------------------------------------------------------------------------------------


def test_twenty_thousand_nested_tags() -> None:
    issue = read(post("<div>" * 20_000 + "深" + "</div>" * 20_000))
    assert squeezed("".join(words_of(issue.blocks))) == "深"
    assert [finding.code for finding in issue.findings] == ["html-nesting"]
    assert "深" in fill(render(issue).html, {})


@pytest.mark.parametrize("mark", ["> ", "- ", "> - ", "<blockquote>", "<ul><li>"])
def test_what_nests_as_deep_as_may_be_renders(mark: str) -> None:
    for body in (mark * 400 + "深", mark * 40 + "深", "> " * 90 + "<ul><li>" * 29 + "深"):
        email = render(read(post("甲\n\n" + body)))
        assert "甲" in fill(email.html, {})


def test_a_line_of_ten_megabytes_is_refused_with_a_sentence() -> None:
    with pytest.raises(
        ContentError, match=rf"^p\.md: the post has more than {MAX_BYTES:,} bytes; split it, or name a post$"
    ):
        read(post("a" * 10_000_000))


@pytest.mark.parametrize(
    "pattern",
    [pytest.param(each, marks=pytest.mark.whole if turn % 4 else ()) for turn, each in enumerate(PATTERNS)],
)
def test_a_long_line_takes_calls_in_proportion(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "fits", lambda *sizes: True)  # beyond a size an email is drawn five times, not once
    assert_linear(lambda size: bounded(pattern, len(size)), range(8_000))


@pytest.mark.soak
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.timeout(1_800)
def test_a_line_of_a_megabyte_takes_calls_in_proportion(pattern: str) -> None:
    assert_linear(lambda size: bounded(pattern, len(size)), range(1_000_000))


@pytest.mark.parametrize(
    "line", ["- 甲\n", "甲\n\n", "1. 甲\n", "# 甲\n", "| 甲 |\n", "> 甲\n\n", "甲 [^1]\n", "[a]: b\n", "```\n"]
)
def test_many_lines_take_calls_in_proportion(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without the size at which an email is drawn again, more plainly, a few times over.
    monkeypatch.setattr(budget, "fits", lambda *sizes: True)
    assert_linear(lambda part: bounded(line, len(part)), range(1_200 * len(line) - 2))


@pytest.mark.parametrize(
    "line",
    [
        "1. 甲\n",
        "甲 ![乙](https://a.example/丙.png)\n\n",
        *(pytest.param(each, marks=pytest.mark.whole) for each in ("甲\n\n", "## 甲\n乙\n", "甲[^1]\n\n")),
    ],
)
def test_an_email_of_too_many_lines_is_drawn_a_few_times_at_most(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def counting(draw: Callable[[budget.Fit], budget.Drawn], *args: Any, **kwargs: Any) -> object:
        def counted(fit: budget.Fit) -> budget.Drawn:
            drawn.append(fit)
            return draw(fit)

        return budget.draw_to_fit(counted, *args, **kwargs)

    monkeypatch.setattr("newsletter.render.render_issue.draw_to_fit", counting)
    bounded(line, 3_000 * len(line) - 2)
    assert 2 <= len(drawn) <= 8, "the whole, two steps, and a few numbers of rows"


def test_a_long_table_is_read_in_proportion() -> None:
    def rows_of(rows: range) -> None:
        issue = read(post("| a | b |\n|---|---|\n" + "| 甲 | [乙](https://a.example) |\n" * len(rows)))
        assert len(as_json(issue.blocks)[0]["rows"]) == len(rows)

    assert_linear(rows_of, range(1_000))
