"""A page of the project's own that is at fault is a sentence with file and line, and sees what it is given alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.errors import ConfigError
from newsletter.render import template_limits, templating
from newsletter.render.themes.project_pages import ProjectPages

FAULTS = {
    "one\n{% if %}": "2: Expected an expression",
    "{{ nothing }}": "1: 'nothing' is undefined",
    "one\n\n{{ 1 // 0 }}": "3: the template fails (ZeroDivisionError",
    "{{ words + 1 }}": "1: the template fails (TypeError",
    "{{ words.__class__.__mro__ }}": "1: access to attribute '__class__' of 'str' object is unsafe",
    "{{ '{name.__class__}' | fill(name=words) }}": "1: access to attribute '__class__' of 'str' object is unsafe",
    "{% for n in range(10 ** 9) %}{% endfor %}": "1: the template fails (OverflowError",
    "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}": "1: the template fails (RecursionError",
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_fault_has_its_line(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.html.j2"
    page.write_text(text)
    with pytest.raises(ConfigError) as raised:
        ProjectPages([tmp_path]).render("page.html.j2", {"words": "a"})
    assert str(raised.value).startswith(f"{page}:{FAULTS[text]}"), raised.value
    assert str(raised.value).endswith("; mend the template, or take it away")


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in range(999) %}{% for b in range(999) %}{% endfor %}{% endfor %}",
        "{% set few = [1, 2, 3] %}" + "{% for a in few %}" * 12 + "{% endfor %}" * 12,
        "{% macro a(n) %}{% if n %}{{ a(n - 1) }}{{ a(n - 1) }}{% endif %}{% endmacro %}{{ a(99) }}",
        "{% set text = namespace(it='a') %}{% for n in range(60) %}{% set text.it = text.it ~ text.it %}{% endfor %}",
        "{% set text = namespace(it='a') %}{% for n in range(60) %}{% set text.it = text.it + text.it %}{% endfor %}",
        "{% set text = namespace(it=[1]) %}{% for n in range(60) %}{% set text.it = text.it + text.it %}{% endfor %}",
    ],
)
def test_a_template_without_an_end_meets_a_limit(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templating, "MAX_STEPS", 10_000)
    monkeypatch.setattr(template_limits, "MAX_TEXT", 10_000)
    (tmp_path / "page.html.j2").write_text(text)
    (tmp_path / "good.html.j2").write_text("{% for n in range(6000) %}{{ n ~ '' }}{% endfor %}")
    pages = ProjectPages([tmp_path])
    with pytest.raises(ConfigError, match=r"OverflowError: (more than|a text of more than|grown to more than) 10,000"):
        pages.render("page.html.j2", {})
    for _ in range(2):  # the steps of each rendering are its own
        assert pages.render("good.html.j2", {}).startswith("0123")


@pytest.mark.parametrize(
    "expression",
    [
        "'%9999999d' | format(1)",
        "'%*d' | format(9999999, 1)",
        "'%9999999d' % 1",
        "'{:>9999999}'.format(1)",
        "'{:>{n}}'.format(1, n=9999999)",
        "'{:>9999999}' | fill()",
        "'{a:>{n}}' | fill(a=1, n=9999999)",
        "'a' | center(9999999)",
        "'a' | indent(width=9999999)",
        "'a'.ljust(9999999)",
        "'a'.zfill(9999999)",
        "'\t'.expandtabs(tabsize=9999999)",
        "[1] | batch(9999999, 1) | list",
        "[1] | slice(9999999) | list",
        "1.5 | round(9999999, 'ceil')",
        "{'a': 1} | tojson(9999999)",
        "range(9999) | join('a' * 9999)",
        "['a' * 999999] | batch(99, 'a' * 999999) | first | join",
        "('a' * 9999).join(['b'] * 9999)",
        "('a' * 9999) | replace('a', 'b' * 9999)",
        "('a' * 9999).replace('a', 'b' * 9999)",
        "('a' * 9999).replace('', 'b' * 9999)",
    ],
)
def test_an_expression_that_fills_the_memory_is_refused(tmp_path: Path, expression: str) -> None:
    page = tmp_path / "page.html.j2"
    page.write_text("\n{{ (" + expression + ") | length }}")
    with pytest.raises(ConfigError) as raised:
        ProjectPages([tmp_path]).render("page.html.j2", {})
    assert str(raised.value).startswith(f"{page}:2: the template fails (OverflowError: ")


def test_lists_that_double_and_output_without_an_end_are_refused(tmp_path: Path) -> None:
    texts = {
        "list": "{% set a = [1] %}{% for n in range(60) %}{% set _ = a.extend(a) %}{% endfor %}",
        "out": "{% set a = 'a' * 999999 %}{% for n in range(9999) %}{{ a }}{% endfor %}",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.html.j2").write_text(text)
        with pytest.raises(ConfigError, match=f"{name}.html.j2:1: the template fails .OverflowError: "):
            ProjectPages([tmp_path]).render(f"{name}.html.j2", {})


def test_what_a_theme_may_want_of_them_is_done(tmp_path: Path) -> None:
    expressions = {
        "'%05.1f' | format(3.14159)": "003.1",
        "'%d' | format(1700000000)": "1700000000",
        "'{:,}'.format(1700000000)": "1,700,000,000",
        "'{n:>3}' | fill(n=7)": "  7",
        "'+49 1234567890 {n}' | fill(n=7)": "+49 1234567890 7",
        "'a' | center(3)": " a ",
        "1700000000 | round": "1700000000",
        "1700000000 | tojson": "1700000000",
        "['a', 2] | join(', ')": "a, 2",
        "'aXbX' | replace('X', '-')": "a-b-",
        "'100%' ~ ' of 12345678'": "100% of 12345678",
    }
    page = tmp_path / "page.html.j2"
    page.write_text("|".join("{{ " + expression + " }}" for expression in expressions))
    assert ProjectPages([tmp_path]).render("page.html.j2", {}) == "|".join(expressions.values())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"one\ncaf\xe9", ":2: byte 0xe9 is no UTF-8"),
        (bytes(range(256)) * 9, ":2: byte 0x80 is no UTF-8"),
        ("{{ words }}".encode("utf-16"), ":1: byte 0xff is no UTF-8"),
    ],
)
def test_a_file_that_is_no_text_is_named(tmp_path: Path, data: bytes, said: str) -> None:
    page = tmp_path / "page.html.j2"
    page.write_bytes(data)
    with pytest.raises(ConfigError) as raised:
        ProjectPages([tmp_path]).render("page.html.j2", {"words": "a"})
    assert str(raised.value).startswith(f"{page}{said}")


def test_a_template_that_it_includes_is_looked_for_in_each_folder(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
    (theirs / "page.html.j2").write_text("{% include 'part.html.j2' %}")
    (ours / "part.html.j2").write_text("{{ words }}")
    assert ProjectPages([theirs, ours]).render("page.html.j2", {"words": "<b>"}) == "&lt;b&gt;"
    (ours / "part.html.j2").unlink()
    with pytest.raises(ConfigError, match="there is no template part"):
        ProjectPages([theirs, ours]).render("page.html.j2", {"words": "<b>"})
