"""Liquid before Markdown: what it prints, what it takes out and names, and that no line changes its number."""

from __future__ import annotations

import pytest
from cases import Case, parametrize
from growth import assert_linear
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ContentError
from newsletter.model.issue import Site
from newsletter.post.templating.conditions import Condition
from newsletter.post.templating.liquid import MAX_OPEN, Resolved, resolve_liquid

SITE = Site("https://blog.example", "/b", "", {"title": "博客", "author": {"name": "甲"}, "tags": ["a", "b"]})
PAGE = {"title": "题", "date": "2026-03-01", "multi": "a\nb"}


def resolve(text: str, *yes: str, first_line: int = 1) -> Resolved:
    """The text for a subscriber whose named columns are 1 and all others empty."""
    columns = dict.fromkeys(yes, "1")
    return resolve_liquid(
        text, SITE, PAGE, path="post.md", first_line=first_line, choose=lambda condition: condition.holds(columns)
    )


def described(text: str) -> str:
    try:
        resolved = resolve(text, "yes")
    except ContentError as error:
        return f"error {error}"
    found = [f"! {finding.line} {finding.code}: {finding.what}" for finding in resolved.findings]
    return "\n".join([resolved.text, *found])


@parametrize("liquid")
def test_liquid(case: Case) -> None:
    assert described(case.source) == case.expected


def test_text_without_liquid_is_the_same_object() -> None:
    text = "甲 { } % }}"
    assert resolve(text).text is text


def test_conditions_are_each_asked_for_once_hidden_ones_too() -> None:
    text = (
        "{% if subscriber.a %}{% if subscriber.b == 'x  y' %}{% endif %}{% elsif subscriber.a %}{% endif %}\n"
        "{% unless subscriber.a %}{% endunless %}{% if\nsubscriber.c %}{% endif %}"
    )
    conditions = resolve(text, first_line=7).conditions
    assert [(condition.source, condition.line) for condition in conditions] == [
        ("subscriber.a", 7),
        ("subscriber.b == 'x  y'", 7),
        ("subscriber.c", 8),
    ]


@pytest.mark.parametrize(
    ("yes", "words"),
    [((), "else"), (("a",), "a else"), (("b",), "b"), (("a", "b"), "a b"), (("c",), "c"), (("b", "c"), "b c")],
)
def test_every_branch_has_its_readers(yes: tuple[str, ...], words: str) -> None:
    text = (
        "{% if subscriber.a %}a {% endif %}"
        "{% if subscriber.b %}b {% if subscriber.c %}c {% endif %}{% elsif subscriber.c %}c {% else %}else {% endif %}"
    )
    assert resolve(text, *yes).text.strip() == words


def test_conditions_may_stand_inside_one_another_but_not_without_end() -> None:
    deep = "{% if subscriber.a %}" * MAX_OPEN + "x" + "{% endif %}" * MAX_OPEN
    assert resolve(deep, "a").text == "x"
    assert resolve(deep).text == ""
    with pytest.raises(ContentError, match=r"^post\.md:1: more than 100 Liquid tags are open"):
        resolve("{% for x in y %}" * (MAX_OPEN + 1))


def test_what_a_value_prints_is_not_read_again() -> None:
    page = {"title": "{{ site.url }} {% if %}"}
    resolved = resolve_liquid("{{ page.title }}", SITE, page, path="p", first_line=1, choose=Condition.holds.__call__)
    assert resolved.text == "{{ site.url }} {% if %}"


PIECES = [
    *("{% if subscriber.a %}", "{% unless subscriber.b == 'x' %}", "{% else %}", "{% elsif subscriber.c %}"),
    *("{% endif %}", "{% endunless %}", "{% raw %}", "{% endraw %}", "{% comment %}", "{%- endcomment\n-%}"),
    *("{% highlight\npy %}", "{% endhighlight %}", "{% for x in y %}", "{% endfor %}", "{% include\nx %}"),
    *("{{ site.url }}", "{{\npage.multi\n}}", "{{", "}}", "{%", "%}", "{", "\n", "\n\n", "甲", "`", "```\n", "|", "'"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=30), st.sets(st.sampled_from("abc")))
def test_lines_keep_their_numbers(pieces: list[str], yes: set[str]) -> None:
    source = "".join(pieces) + "\n\n\n" * 3  # blank lines for a fence that had to be put on lines of its own
    try:
        resolved = resolve(source, *yes)
    except ContentError as error:
        line = int(str(error).split(":")[1])
        assert 1 <= line <= source.count("\n") + 1
        return
    if "highlight" not in source:
        assert resolved.text.count("\n") == source.count("\n")
    for finding in resolved.findings:
        assert finding.line is not None
        assert 1 <= finding.line <= source.count("\n") + 1


@pytest.mark.parametrize(
    "text",
    [
        *("{%" * 100_000, "{% a" * 50_000, "{{" * 100_000, "{{ a" * 50_000, "{% a %}" * 20_000, "{% endx %}" * 20_000),
        *("{% raw %}x{% endraw %}" * 10_000, "{% ! " * 40_000 + "%}", "{%" + " " * 200_000, "{{ '" * 50_000 + "}}"),
    ],
    ids=lambda text: text[:12],
)
def test_hostile_length_takes_calls_in_proportion(text: str) -> None:
    assert_linear(resolve, text, ContentError)
