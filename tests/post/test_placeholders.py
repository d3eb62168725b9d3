"""Subscriber fields and conditions: what may be written, what is refused, and that no column's value can do harm."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import lxml.html
import pytest
from growth import assert_linear
from hypothesis import example, given, settings
from hypothesis import strategies as st
from machine import CHECKOUT, examples

from newsletter.errors import ContentError
from newsletter.message.fill_slots import fill
from newsletter.model.issue import Paragraph, Site, plain_text
from newsletter.model.rendered_email import Email, Masthead, Slot
from newsletter.post.parse import parse_post
from newsletter.post.templating.conditions import MAX_CONDITION, parse_condition
from newsletter.post.templating.placeholders import mark_fields, unmark
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

PERSON = {"plan": "pro", "city": "杭州", "age": "30", "zip": "01234", "tags": "a,vip", "first name": "Ada", "none": ""}


def holds(source: str, columns: Mapping[str, str] = PERSON) -> bool:
    return parse_condition(source, 1, "p.md").holds(columns)


# --- fields ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "name", "default"),
    [
        ("{{ subscriber.name }}", "name", ""),
        ("{{subscriber.name}}", "name", ""),
        ("{{- subscriber.name -}}", "name", ""),
        ('{{ subscriber.Name | default("friend") }}', "name", "friend"),
        ("{{ subscriber.name | default: 'friend' }}", "name", "friend"),
        ("{{ subscriber.name|default('it\"s') }}", "name", 'it"s'),
        ('{{ subscriber.name | default("it\'s (you)") }}', "name", "it's (you)"),
        ('{{ subscriber.name | default(\\"friend\\") }}', "name", "friend"),
        ('{{ subscriber["First Name"] }}', "first name", ""),
        ("{{ subscriber['城市'] | default('你那里') }}", "城市", "你那里"),
        ("{{ subscriber.城市 }}", "城市", ""),
        ("{{\n  subscriber.name\n  | default('a\nb')\n}}", "name", "a b"),
    ],
)
def test_fields(written: str, name: str, default: str) -> None:
    marked = mark_fields(f"甲\n{written}乙", "p.md")
    assert [(field.name, field.default, field.line) for field in marked.fields] == [(name, default, 2)]
    assert marked.text == f"甲\n{marked.mark}0z" + "\n" * written.count("\n") + "乙"


@pytest.mark.parametrize(
    "written",
    [
        "{{ subscriber }}",
        "{{ subscriber.__class__ }}",
        "{{ subscriber['__class__'] }}",
        "{{ subscriber.name.upper }}",
        "{{ subscriber.name() }}",
        "{{ subscriber.name | upper }}",
        "{{ subscriber.name | default(friend) }}",
        "{{ subscriber.name | default('a') | default('b') }}",
        "{{ subscriber[0] }}",
        "{{ subscriber.0 }}",
        "{{ subscriber.name + 'x' }}",
        "{{ subscriber.first-name }}",
        "{{ subscriber.name",
        "{{ subscriber.name }",
    ],
)
def test_what_is_no_field_is_refused_with_its_line(written: str) -> None:
    with pytest.raises(ContentError) as caught:
        mark_fields(f"{{{{ subscriber.a }}}}\n{{{{ x }}}}\n\n{written}\n", "p.md")
    assert re.fullmatch(
        r"p\.md:4: \{\{ subscriber.* is (not a subscriber's field|never closed); write \{\{ subscriber\.COLUMN \}\} or "
        r'\{\{ subscriber\.COLUMN \| default\("words"\) \}\}',
        str(caught.value),
    )


def test_raw_and_comment_hold_no_fields() -> None:
    text = (
        "{% raw %}{{ subscriber.a }}{% endraw %}{{ subscriber.b }}"
        "{%- comment -%}\n{{ subscriber.c() }}{% raw %}{%- endcomment -%}\n{{ subscriber.d }}"
    )
    marked = mark_fields(text, "p.md")
    assert [(field.name, field.line) for field in marked.fields] == [("b", 1), ("d", 3)]
    assert "{{ subscriber.a }}" in marked.text


def test_other_outputs_stay_for_liquid() -> None:
    text = "{{ page.title }} {{ subscribers.x }} {{ Subscriber.x }} {{}} {{ a }"
    assert mark_fields(text, "p").text == text


def test_one_field_has_one_mark() -> None:
    marked = mark_fields("{{ subscriber.a }}{{ subscriber.A }}{{ subscriber.a | default('x') }}", "p")
    assert [(field.name, field.default) for field in marked.fields] == [("a", ""), ("a", "x")]
    assert marked.text == f"{marked.mark}0z{marked.mark}0z{marked.mark}1z"


def test_the_mark_is_the_texts_own_and_always_the_same() -> None:
    text = "nlfield0x0z {{ subscriber.a }}"
    marks = [mark_fields(each, "p").mark for each in (text, text, text + " ")]
    assert marks[0] == marks[1] != marks[2]
    assert all(re.fullmatch(r"nlfield\d+x", mark) and mark not in text for mark in marks)


def test_fields_are_shown_as_they_were_written() -> None:
    issue = parse_post("---\ntitle: 你好 {{ subscriber.name }}\n---\n\n甲", path="p.md").issue
    assert unmark(issue.title, issue) == "你好 {{ subscriber.name }}"


def test_many_fields_take_calls_in_proportion() -> None:
    lines = [f"{{{{ subscriber.c{number} }}}}\n" for number in range(30_000)]
    assert len(mark_fields("".join(lines), "p").fields) == 30_000
    assert_linear(lambda part: mark_fields("".join(part) + "{% raw %}" * len(part), "p"), lines)


# --- conditions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("subscriber.plan", True),
        ("subscriber.none", False),
        ("subscriber.no_such_column", False),
        ("not subscriber.none", True),
        ('subscriber.plan == "pro"', True),
        ("subscriber.plan == 'PRO'", False),
        ('subscriber["plan"] == "pro"', True),
        ('subscriber.PLAN == "pro"', True),
        ('subscriber["First Name"] == "Ada"', True),
        ('subscriber.plan != "pro"', False),
        ('"pro" == subscriber.plan', True),
        # `and` binds closer than `or`, `not` closer than both
        ("subscriber.plan or subscriber.none and subscriber.none", True),
        ("(subscriber.plan or subscriber.none) and subscriber.none", False),
        ("not subscriber.none and subscriber.plan", True),
        ("not (subscriber.none or subscriber.plan)", False),
        ('subscriber.plan in ["pro", "max"]', True),
        ('subscriber.plan in ("free", "max")', False),
        ('subscriber.plan not in ["free"]', True),
        ("subscriber.age in [29, 30]", True),
        ('subscriber.plan in "prolonged"', True),
        ('subscriber.tags contains "vip"', True),
        ('subscriber.tags contains "x"', False),
        ('not subscriber.tags contains "x" and subscriber.plan', True),
        ('subscriber.plan == "a contains b"', False),
        ('"a contains b" contains "contains"', True),
        ("subscriber.tags contains subscriber.none", False),
        # numbers, where one side is written without quotes or the order is asked for
        ("subscriber.age == 30", True),
        ("subscriber.age == 30.0", True),
        ("subscriber.age > 29.5 and subscriber.age < 31", True),
        ("subscriber.age >= 30 and subscriber.age <= 30", True),
        ("subscriber.age > -5", True),
        ("18 < subscriber.age < 65", True),
        ('subscriber.age > "4"', True),
        ('subscriber.zip == "1234"', False),
        ("subscriber.zip == 1234", True),
        ('subscriber.plan > "a"', True),
        # a column without a value, or with words, is neither less nor more than a number
        ("subscriber.none < 5", False),
        ("subscriber.none >= 5", False),
        ("subscriber.city < 5", False),
        ("subscriber.city == 0", False),
        ("subscriber.city != 0", True),
        ('subscriber.none < "b"', False),
        ("subscriber.none == nil", True),
        ("subscriber.none == blank and subscriber.none == empty and subscriber.none == none", True),
        ("subscriber.plan != blank", True),
    ],
)
def test_conditions(source: str, answer: bool) -> None:
    assert holds(source) is answer


@pytest.mark.parametrize("value", ["nan", "inf", "1e3", "1_000", "０", "٣"])
def test_words_that_python_takes_for_numbers_are_words(value: str) -> None:
    assert holds(f'subscriber.x == "{value}"', {"x": value})
    assert not holds("subscriber.x == 1000", {"x": value})
    assert not holds("subscriber.x < 5", {"x": value})


def test_what_is_longer_than_any_number_is_text() -> None:
    assert not holds("1" * 900 + " == subscriber.age")
    assert not holds("subscriber.x > 5", {"x": "9" * 900})


def test_white_space_around_a_value_does_not_count() -> None:
    assert holds('subscriber.plan == "pro"', {"plan": " pro "})
    assert not holds("subscriber.plan", {"plan": " "})


def test_a_condition_knows_its_columns() -> None:
    condition = parse_condition(
        'subscriber.A and (subscriber["b c"] in [subscriber.d] or not "x" in subscriber.e)', 3, "p"
    )
    assert condition.columns == {"a", "b c", "d", "e"}


@pytest.mark.parametrize(
    ("source", "why", "under"),
    [
        ("subscriber.__class__", "no column begins with __", 0),
        ('subscriber["__class__"]', "no column begins with __", 0),
        ("subscriber.x.y", "a column has no parts", 12),
        ("subscriber.x[0]", "expected `and`, `or`, or the end; write subscriber.plan ==", 12),
        ("subscriber.0", "a column is missing", 0),
        ("subscriber", "a column is missing", 0),
        ("cycler", "the name `cycler` means nothing here; write subscriber.cycler", 0),
        ("range(9)", "the name `range` means nothing here", 0),
        ("subscriber.x()", "nothing can be called", 12),
        ('"a"|upper', "a condition has no filters", 3),
        ("subscriber.x | default('a')", "a condition has no filters", 13),
        ("subscriber.x is defined", "expected `empty` after `is`", 16),
        ("subscriber.x if 1 else 2", "expected `and`, `or`, or the end", 13),
        ("subscriber.x == true", '`true` is no value of a list; write it in quotes: "true"', 16),
        ("[1]", "`[` is no column or value", 0),
        ('subscriber.x == ["a"]', "`[` is no column or value", 16),
        ("subscriber.x + 1", "'+' means nothing here", 13),
        ("subscriber.x ~ 'a'", "'~' means nothing here", 13),
        ("-subscriber.x", "'-' means nothing here", 0),
        ("2 ** 99999999", "'*' means nothing here", 2),
        ("{'a': 1}", "'{' means nothing here", 0),
        ("subscriber.first-name", 'write subscriber["first-name"]', 16),
        ('subscriber.x = "a"', "write == to compare", 13),
        ('subscriber.x == "a', 'the quote " is never closed', 16),
        ("subscriber.x == ‘a’", "‘ is a curly quote", 16),
        ("subscriber.x }", "'}' means nothing here", 13),
        ("subscriber.x }} {{ 1", "'}' means nothing here", 13),
        ("subscriber.x }}{% include 'y' %}{{ 1", "'}' means nothing here", 13),
        ("", "a column or a value is missing", 0),
        ("(" * 400 + "1" + ")" * 400, "more than 30 parentheses", 31),
        ("not " * 200 + "subscriber.x", "more than 30 parentheses", 36),
        # what Jinja2 took once, with what to write in its place
        ("(subscriber.x) == 'a'", "write a comparison inside the parentheses", 15),
        ("subscriber.x in []", "`]` is no column or value", 17),
        ("subscriber.x > 1e3", "write a number in digits alone", 15),
        ('subscriber.x == "\\u4e2d"', "\\u means nothing here; write the letter itself", 16),
        ('"a"', "expected ==, <, has, in", 3),
    ],
)
def test_conditions_that_are_refused(source: str, why: str, under: int) -> None:
    with pytest.raises(ContentError) as caught:
        parse_condition(source, 7, "p.md")
    assert str(caught.value).startswith("p.md:7: the condition `")
    assert why in str(caught.value)
    assert "write" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.picture[1] == f"  {' ' * under}^"


def test_a_condition_without_an_end_is_refused_by_its_length() -> None:
    with pytest.raises(ContentError, match=r"p\.md:7: the condition `.*…` has 1,018 letters; keep it under 1,000"):
        parse_condition("subscriber.x == '" + "a" * MAX_CONDITION + "'", 7, "p.md")


def test_a_condition_may_go_on_over_lines() -> None:
    assert holds('subscriber.plan == "pro"\n  and subscriber.city')


@given(st.text(alphabet="subscriber.x()[]{}%|\"' \\_01=<>!,~andnot\n中", max_size=40))
@example("subscriber.x if")
@settings(max_examples=examples(500))
def test_any_condition_is_an_answer_or_a_sentence(source: str) -> None:
    try:
        condition = parse_condition(source, 1, "p.md")
    except ContentError:
        return
    assert condition.holds({"x": "1"}) in (True, False)


# --- values where they stand ----------------------------------------------------------------------------------------

EVERYWHERE = """---
title: 题 {{ subscriber.v }}
description: 述 {{ subscriber.v }}
author: 者 {{ subscriber.v }}
---

# 首 {{ subscriber.v }}

文 {{ subscriber.v }} **{{ subscriber.v }}** `{{ subscriber.v }}` ![{{ subscriber.v }}](https://a.example/i.png)

[词 {{ subscriber.v }}](https://a.example/{{ subscriber.v }}/x?q={{ subscriber.v }}#{{ subscriber.v }})

[整]({{ subscriber.v }}) [始]({{ subscriber.v }}/x) ![图]({{ subscriber.v }}) https://a.example/?u={{ subscriber.v }}

1. **头 {{ subscriber.v }}**
   文。[源 {{ subscriber.v }}]({{ subscriber.v }})

```python
x = "{{ subscriber.v }}"
```

| {{ subscriber.v }} |
|---|
| [格]({{ subscriber.v }}) |

<a href="{{ subscriber.v }}">标</a>
"""


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> Email:
    theme = load_theme("classic", tmp_path_factory.mktemp("project"))
    issue = parse_post(EVERYWHERE, path="2026-03-01-x.md", site=Site("https://blog.example")).issue
    return render_issue(issue, theme, Masthead("刊"))


def test_every_context_is_met(everywhere: Email) -> None:
    parts = (*everywhere.html.parts, *everywhere.text.parts, *everywhere.subject.parts)
    contexts = {part.context for part in parts if isinstance(part, Slot)}
    assert contexts == {"html", "url", "href", "text", "text_url", "header"}
    shown = "".join(str(part) for part in (*everywhere.html.parts, *everywhere.text.parts) if isinstance(part, str))
    assert "nlfield" not in shown
    assert "subscriber" not in shown


PLAIN = "xvaluex"
HOSTILE_VALUES = [
    '"><script>alert(1)</script>',
    "' onload='x",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    " javascript:x",
    "java\tscript:x",
    "vbscript:x",
    "//evil.example",
    "a\r\nBcc: x@a.example",
    "a\u2028b\u0085c\x00d",
    "{{ 7*7 }} {% raw %}",
    "nlfield0x0z",
    "</style><style>*{}",
    "--> <!-- <![endif]-->",
    "../../x?y=z&w#f",
    "&amp;&#x6a;",
]


@given(st.one_of(st.sampled_from(HOSTILE_VALUES), st.text(st.characters(exclude_categories=["Cs"]), max_size=30)))
@settings(max_examples=examples(150), deadline=None)
def test_any_value_is_harmless_where_it_stands(everywhere: Email, value: str) -> None:
    plain, filled = ({"v": each} for each in (PLAIN, value))
    before = lxml.html.document_fromstring(fill(everywhere.html, plain))
    after = lxml.html.document_fromstring(re.sub("[\ufffe\uffff]", "", fill(everywhere.html, filled)))
    # The same elements with the same attributes: no value made or ended one.
    shapes = [[(node.tag, tuple(node.attrib)) for node in root.iter()] for root in (before, after)]
    assert shapes[0] == shapes[1]
    for old, new in zip(before.iter("a", "img"), after.iter("a", "img"), strict=True):
        for name in ("href", "src"):
            was, now = old.get(name), new.get(name)
            if was is None:
                continue
            assert now == "" or urlsplit(now).scheme in ("http", "https", "mailto", "tel") or now.startswith("/"), now
            if was.startswith("https://a.example/"):
                assert (urlsplit(now).netloc, bool(urlsplit(now).query)) == ("a.example", "?" in was)
                if "?q=" in was and value.strip() == value != "" and value.isprintable():
                    assert parse_qs(urlsplit(now).query, keep_blank_values=True) == {"q": [value]}
    subject = fill(everywhere.subject, filled)
    assert not re.search("[\x00-\x1f\x7f\x85\u2028\u2029]", subject)
    lines = [fill(everywhere.text, each).count("\n") for each in (plain, filled)]
    assert lines[0] == lines[1]


@pytest.mark.parametrize(
    "value", ["javascript:alert(1)", "JAVASCRIPT:x", "data:text/html,x", " https://a", "file:///x"]
)
def test_a_whole_address_of_another_scheme_is_left_out(everywhere: Email, value: str) -> None:
    html = fill(everywhere.html, {"v": value})
    assert all(not link.startswith(value[:5]) for link in lxml.html.document_fromstring(html).xpath("//@href | //@src"))


def test_a_whole_address_that_mail_clients_follow_stands(everywhere: Email) -> None:
    html = fill(everywhere.html, {"v": "https://me.example/?a=1&b=2"})
    assert "https://me.example/?a=1&b=2" in lxml.html.document_fromstring(html).xpath("//a/@href")


@pytest.mark.parametrize(
    "language", ["python", "js", "bash", "json", "html", "css", "sql", "yaml", "diff", "c", "go", ""]
)
def test_a_field_in_code_of_any_language_is_filled(language: str, tmp_path: Path) -> None:
    field = "{{ subscriber.v }}"
    source = f'---\ntitle: t\n---\n\n```{language}\nx = {field} "{field}" #{field}\n```\n'
    issue = parse_post(source, path="p.md").issue
    email = render_issue(issue, load_theme("classic", tmp_path), Masthead())
    assert fill(email.html, {"v": PLAIN}).count(PLAIN) == 3


# --- docs/posts.md --------------------------------------------------------------------------------------------------


def test_the_documentations_examples_are_what_they_say() -> None:
    examples = re.findall(r"```liquid\n(.*?)```", (CHECKOUT / "docs" / "posts.md").read_text("utf-8"), re.DOTALL)
    assert len(examples) == 2
    fields, conditions = (parse_post(f"---\ntitle: t\n---\n{text}", path="p.md") for text in examples)
    assert [field.name for field in fields.issue.fields] == ["name", "id", "first name"]
    assert [field.default for field in fields.issue.fields] == ["friend", "", ""]
    assert {column for each in conditions.conditions for column in each.columns} == {"plan", "city", "age", "since"}
    for columns, wanted in (
        ({"plan": "pro", "city": "Berlin-Mitte"}, "some"),
        ({"plan": "team", "since": "2026"}, "others"),
        ({"age": "18"}, "others"),
        ({"plan": "pro", "city": "Paris"}, "rest"),
    ):
        stories = parse_post(
            f"---\ntitle: t\n---\n{examples[1]}",
            path="p.md",
            choose=lambda condition: condition.holds(columns),  # noqa: B023 (called at once)
        ).issue.stories
        assert [story.number for story in stories] == list(range(1, 3 + ("since" not in columns)))
        assert isinstance(told := stories[1].body[0], Paragraph)
        assert wanted in plain_text(told.inlines)
