"""Our subset of Liquid against python-liquid: what both know gives the same bytes; what differs is listed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liquid import Environment

from newsletter.model.issue import Site
from newsletter.post.templating.liquid import resolve_liquid

SITE: Mapping[str, object] = {"title": "博客 & Co", "author": {"name": "O'Neil"}, "count": 12}
PAGE: Mapping[str, object] = {"title": " 题 <1> ", "date": "2026-03-01", "lines": "a\nb", "tags": ["a", "b"]}
ORACLE = Environment()


def ours(template: str, columns: Mapping[str, str]) -> str:
    site = Site("", "", "", SITE)
    return resolve_liquid(
        template, site, PAGE, path="post.md", first_line=1, choose=lambda condition: condition.holds(columns)
    ).text


def theirs(template: str, columns: Mapping[str, str]) -> str:
    return str(ORACLE.from_string(template).render(site=SITE, page=PAGE, subscriber=columns))


# --- templates that both understand ---------------------------------------------------------------------------------

COLUMNS = ("plan", "city")
VALUES = ("pro", "free", "x y", "甲", "")

words = st.text(alphabet="abC 甲.,:-_*#|'\"\n", max_size=12)
literals = st.text(alphabet="abC 甲.,-&<>'", max_size=8).map(lambda text: f'"{text}"')
values = literals | st.sampled_from(
    ["site.title", "site.author.name", "site.count", "page.title", "page.date", "page['title']", "site.none"]
)
filters = st.sampled_from(
    ["upcase", "downcase", "strip", "escape", 'append: "甲"', "prepend: 'b, '", "append: page.date"]
)
spaces = st.sampled_from(["", " ", "  "])


@st.composite
def outputs(draw: st.DrawFn) -> str:
    parts = [draw(values), *draw(st.lists(filters, max_size=3))]
    before, after = draw(spaces), draw(spaces)
    return f"{{{{{before}{' | '.join(parts)}{after}}}}}"


raws = words.map(lambda text: f"{{% raw %}}{text}{{{{ x }}}}{{% endraw %}}")
comments = words.map(lambda text: f"{{% comment %}}{text.replace(chr(10), ' ')}{{% endcomment %}}")
comparisons = st.builds(
    lambda column, sign, value: f'subscriber.{column} {sign} "{value}"',
    st.sampled_from(COLUMNS),
    st.sampled_from(["==", "!="]),
    st.sampled_from(VALUES),
)
conditions = st.one_of(
    comparisons,
    st.lists(comparisons, min_size=2, max_size=3).map(" and ".join),
    st.lists(comparisons, min_size=2, max_size=3).map(" or ".join),
)


def branched(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """`if` or `unless` with more branches; `unless` takes `elsif` in Liquid, too."""
    branch = st.tuples(conditions, inner)
    return st.builds(
        lambda tag, first, others, otherwise: "".join(
            (
                f"{{% {tag} {first[0]} %}}{first[1]}",
                *(f"{{% elsif {condition} %}}{text}" for condition, text in others),
                *([] if otherwise is None else [f"{{% else %}}{otherwise}"]),
                f"{{% end{tag} %}}",
            )
        ),
        st.sampled_from(["if", "unless"]),
        branch,
        st.lists(branch, max_size=2),
        st.none() | inner,
    )


flat = words | outputs() | raws | comments
templates = st.lists(
    st.recursive(flat, lambda inner: branched(st.lists(inner, max_size=3).map("".join)), max_leaves=8), max_size=5
).map("".join)
subscribers = st.fixed_dictionaries({column: st.sampled_from(VALUES) for column in COLUMNS})


def one_line(text: str) -> str:
    """Without the line ends of what is not shown: ours stay, so that later lines keep their numbers."""
    return text.replace("\n", "")


@given(templates, subscribers)
def test_a_template_of_our_subset_prints_what_liquid_prints(template: str, columns: Mapping[str, str]) -> None:
    assert one_line(ours(template, columns)) == one_line(theirs(template, columns))


@given(st.lists(words | outputs() | raws, max_size=6).map("".join))
def test_without_conditions_not_even_a_line_end_differs(template: str) -> None:
    assert ours(template, {}) == theirs(template, {})


# --- what differs, and why ------------------------------------------------------------------------------------------

PRO = {"plan": "pro", "city": ""}


@pytest.mark.parametrize(
    ("template", "here", "there"),
    [
        pytest.param("a{% comment %}x\ny{% endcomment %}b", "a\nb", "ab", id="lines keep their numbers for findings"),
        pytest.param("{{ page.lines }}", "a b", "a\nb", id="a value with a line end would begin another block"),
        pytest.param("{{ page.tags }}", "a, b", "ab", id="a list without commas is no words"),
        pytest.param("a {{- site.count -}} b", "a 12 b", "a12b", id="white space is Markdown's to judge"),
        pytest.param("{{ site.count | plus: 1 }}", "12", "13", id="filters beyond text are named in a finding"),
        pytest.param(
            "{% if subscriber.city %}yes{% endif %}", "", "yes", id="an empty cell is no value: in Liquid it is true"
        ),
        pytest.param(
            '{% if subscriber.plan == "pro" or subscriber.plan == "pro" and subscriber.city == "x" %}yes{% endif %}',
            "yes",
            "yes",
            id="`and` binds closer than `or`, as in --where",
        ),
        pytest.param(
            '{% if subscriber.city == "x" and subscriber.city == "x" or subscriber.plan == "pro" %}yes{% endif %}',
            "yes",
            "",
            id="`and` binds closer than `or`: Liquid reads from the right",
        ),
        pytest.param("{% if page.title %}a{% else %}b{% endif %}", "ab", "a", id="a condition of the page shows all"),
        pytest.param("{% assign x = 1 %}{{ x }}", "", "1", id="variables are taken out, with a finding"),
        pytest.param("{% for i in page.tags %}a{% endfor %}", "a", "aa", id="a loop shows once what it holds"),
    ],
)
def test_what_differs_on_purpose(template: str, here: str, there: str) -> None:
    assert (ours(template, PRO), theirs(template, PRO)) == (here, there)
