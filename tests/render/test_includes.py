"""What a template includes comes as one text, and is what Jinja2 itself would write."""

from __future__ import annotations

import jinja2
import jinja2.sandbox
import pytest

from newsletter.render.templating import Sandbox

TEMPLATES = {
    "part": "[{{ a }}{{ b | default('-') }}{{ loop.index if loop is defined }}]",
    "sets": "{% set a = 'inner' %}{% include 'part' %}",
    "deep": "{% if n %}{{ n }}{% with n = n - 1 %}{% include 'deep' %}{% endwith %}{% endif %}",
    "macros": "{% macro m(x) %}({{ x }}{{ g }}){% endmacro %}",
    "uses": "{% from 'macros' import m with context %}{{ m(a) }}",
    "faulty": "line\n{{ nowhere }}",
}
PAGES = [
    "{% include 'part' %}",
    "{% set b = 1 %}{% include 'part' %}{{ b }}",
    "{% for a in 'xy' %}{% include 'part' %}{% endfor %}{% include 'part' %}",
    "{% for each in 'xy' %}{% set b = each %}{% include 'part' %}{% endfor %}",
    "{% set text %}{% include 'part' %}{% endset %}{{ text }}{{ text | length }}",
    "{% include 'sets' %}{{ a }}",
    "{% with n = 5 %}{% include 'deep' %}{% endwith %}",
    "{% include 'uses' %}",
    "{% include 'none' ignore missing %}{% include ['none', 'part'] %}{% include 'p' ~ 'art' %}",
    "{% include 'macros' without context %}.",
    "{% macro m() %}{% include 'part' %}{% endmacro %}{{ m() }}",
]


def written(environment: jinja2.Environment, page: str) -> str:
    environment.loader = jinja2.DictLoader({**TEMPLATES, "page": page})
    return environment.get_template("page").render({"a": "<a>", "g": "given"})


@pytest.mark.parametrize("page", PAGES)
def test_as_jinja_has_it(page: str) -> None:
    options = {"autoescape": True, "undefined": jinja2.StrictUndefined}
    assert written(Sandbox(**options), page) == written(jinja2.sandbox.SandboxedEnvironment(**options), page)


def test_a_fault_has_the_included_template_and_its_line() -> None:
    with pytest.raises(jinja2.UndefinedError) as caught:
        written(Sandbox(undefined=jinja2.StrictUndefined), "{% include 'faulty' %}")
    assert caught.traceback[-1].lineno == 1  # counted from 0


def test_a_template_that_is_missing_is_named() -> None:
    with pytest.raises(jinja2.TemplateNotFound, match="none"):
        written(Sandbox(), "{% include 'none' %}")
