"""The sandboxed Jinja2 environment of the themes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from functools import partial
from types import MemberDescriptorType
from typing import Any

import jinja2
import jinja2.compiler
import jinja2.runtime
import jinja2.sandbox
from jinja2 import nodes
from jinja2.utils import missing
from markupsafe import Markup

from newsletter.errors import ConfigError, located
from newsletter.model.rendered_email import Theme
from newsletter.render.block_kinds import author_parts, callout_parts, quote_parts, with_partials
from newsletter.render.direction import turned
from newsletter.render.highlighting import Highlighter
from newsletter.render.inline_html import clean, code_html, hero, inline_html, linked_picture, with_button_rows
from newsletter.render.slots import Marks
from newsletter.render.source_labels import host_of
from newsletter.render.table_form import is_short, table_form
from newsletter.render.template_limits import (
    MAX_WRITTEN,
    limited_filters,
    refuse_call,
    refuse_operation,
    refuse_specifications,
    refuse_text,
)
from newsletter.render.themes.compiled_templates import CompiledTemplates
from newsletter.render.themes.stylesheets import SHEETS, refuse_rules
from newsletter.text import printable


def template_environment(theme: Theme, marks: Marks, labels: Mapping[str, Any]) -> jinja2.Environment:
    # Security: always autoescape, so that no text of a post becomes markup; themes quote attributes with double quotes.
    # The sandbox confines a theme to the values it is given.
    environment = Sandbox(
        # A file name per template, so that an error's traceback names the template.
        loader=jinja2.FunctionLoader(lambda name: _source_of(theme, name)),
        bytecode_cache=_COMPILED,
        cache_size=-1,  # a theme has some forty templates
        auto_reload=False,
        autoescape=lambda name: not (name or "").endswith(".css"),  # CSS is no HTML, and contains no text of the post
        undefined=jinja2.StrictUndefined,
    )
    environment.finalize = partial(_written, environment)
    environment.filters.update(
        inline=inline_html,
        code=partial(code_html, Highlighter()),
        button_rows=with_button_rows,
        fill=fill,
        table_form=table_form,
        is_short=is_short,
        turned=turned,
        author_parts=author_parts,
        callout_parts=callout_parts,
        quote_parts=quote_parts,
        host=host_of,
    )
    kind = partial(with_partials, theme.partials)
    environment.globals.update(
        kind=kind,
        picture=linked_picture,
        hero_picture=hero,
        slot=marks.slot,
    )
    environment.own_functions = {id(kind)}
    return environment


def _written(environment: Sandbox, value: Any) -> Any:
    """What a template writes of a value: each of the hundred thousands of a long post passes here."""
    if not isinstance(value, str):
        return value
    if len(value) > COUNTED_LENGTH:
        environment.written(value)
    return clean(value)


@jinja2.pass_environment
def fill(environment: Sandbox, text: str, **names: Any) -> str:
    """A label with its `{names}`. Security: str.format itself reads any attribute, and so every password."""
    write = environment.wrap_str_format(text.format)
    return environment.bounded(write(**names)) if write else text


def _source_of(theme: Theme, name: str) -> tuple[str, str, None] | None:
    source = theme.css.get(name.removesuffix(".css")) if name.endswith(".css") else theme.partials.get(name)
    return (source, name, None) if source is not None else None


_COMPILED = CompiledTemplates()


def render(environment: jinja2.Environment, theme: Theme, name: str, context: Mapping[str, Any]) -> str:
    if isinstance(environment, Sandbox):
        environment.begin()
    try:
        return environment.get_template(name).render(context)
    except jinja2.TemplateSyntaxError as error:
        place = theme.file(error.name or name)
        raise ConfigError(located(place, error.lineno, str(error.message), "mend the template")) from error
    except jinja2.TemplateNotFound as error:
        place = theme.file(str(error.name))
        raise ConfigError("the theme lacks this file", "copy it from the classic theme", path=place) from error
    except jinja2.TemplateError as error:  # an undefined value, or one that the sandbox refuses
        place, line = _template_place(error, theme, name)
        raise ConfigError(located(place, line, str(error), "define it in theme.toml or take it out")) from error
    except EXPRESSION_ERRORS as error:  # a filter on a wrong type, a division by zero, an endless macro
        place, line = _template_place(error, theme, name)
        what = f"the template fails ({type(error).__name__}: {printable(str(error))[:200]})"
        raise ConfigError(located(place, line, what, "mend the expression")) from error


def render_css(environment: jinja2.Environment, theme: Theme, name: str, context: Mapping[str, Any]) -> Markup:
    """A stylesheet rendered with the theme's values and the kinds of block, and nothing else."""
    values = {key: context[key] for key in (*theme.values, "used", "callouts")}
    css = render(environment, theme, f"{name}.css", values)
    # Security: check again after rendering, since a value may spell what the source did not.
    refuse_rules(theme.file(f"{name}.css"), css, allowed=SHEETS[name])
    return Markup(css)  # noqa: S704


def _template_place(error: BaseException, theme: Theme, name: str) -> tuple[str, int | None]:
    """File and line of the innermost template frame of an error."""
    place, line = theme.file(name), None
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if _source_of(theme, file):
            place, line = theme.file(file), trace.tb_lineno
        trace = trace.tb_next
    return place, line


EXPRESSION_ERRORS = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
"""Python's exceptions for errors in template expressions; RecursionError is a RuntimeError."""


class CountingGenerator(jinja2.compiler.CodeGenerator):
    """Compile templates whose loops count their steps, and whose `~` has a limit: see `Sandbox`.

    What a template includes comes as one text: a post has ten thousands of includes, one in the other, and each piece
    would pass through all of them.
    """

    def visit_Include(self, node: nodes.Include, frame: jinja2.compiler.Frame) -> None:  # noqa: N802 - Jinja2's name
        if node.ignore_missing or not node.with_context:
            super().visit_Include(node, frame)
            return
        self.writeline("event = concat(environment.included(", node)
        self.visit(node.template, frame)
        self.write(f", {self.name!r}, context, {self.dump_local_context(frame)}))")
        self.simple_write("event", frame)

    def visit_For(self, node: nodes.For, frame: jinja2.compiler.Frame) -> None:  # noqa: N802 - Jinja2's name
        node.body.insert(0, nodes.ExprStmt(nodes.EnvironmentAttribute("step"), lineno=node.lineno))
        super().visit_For(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: jinja2.compiler.Frame) -> None:  # noqa: N802 - Jinja2's name
        self.write("environment.bounded(")
        super().visit_Concat(node, frame)
        self.write(")")


class Sandbox(jinja2.sandbox.SandboxedEnvironment):
    """Security: loops, calls, operators, filters and output are limited: one expression could exhaust the machine.

    The sandbox itself limits a `range` alone: loops within each other, or a macro that calls itself twice, never end.
    """

    code_generator_class = CountingGenerator
    intercepted_binops = frozenset({"*", "**", "+", "%"})
    own_functions: Collection[int] = frozenset()
    """The identities of functions of ours that take plain values, and are never refused."""
    steps = 0
    """Since the rendering began."""
    characters = 0
    """Written since then, in values of more than `COUNTED_LENGTH`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **{"finalize": lambda value: self.written(value) if isinstance(value, str) else value, **options}
        )
        self.filters.update(limited_filters(self.filters))
        self._included: dict[str, jinja2.Template] = {}

    def begin(self) -> None:
        """Each rendering has the limits for itself."""
        self.steps = self.characters = 0

    def written(self, text: str) -> str:
        if len(text) > COUNTED_LENGTH:
            self.characters += len(text)
            refuse_text(self.characters, MAX_WRITTEN)
        return text

    @property
    def step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise OverflowError(f"more than {MAX_STEPS:,} steps of loops and macros")

    @staticmethod
    def bounded(text: str) -> str:
        refuse_text(len(text))
        return text

    def included(
        self, name: Any, parent: str, context: jinja2.runtime.Context, names: Mapping[str, Any]
    ) -> Iterator[str]:
        """The pieces of an included template, which sees the context and the names of the place."""
        template = self._included.get(name) if isinstance(name, str) else None
        if template is None:
            template = self.get_or_select_template(name, parent)
            if isinstance(name, str):
                self._included[name] = template
        values = context.get_all()
        if names:
            values = {**values, **{name: value for name, value in names.items() if value is not missing}}
        inner = self.context_class(self, values, template.name, template.blocks)
        inner.globals_keys = context.globals_keys  # the same for all templates
        return template.root_render_func(inner)

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - as in Jinja2
        __self.step  # noqa: B018 - it counts
        if id(__obj) in __self.own_functions and not kwargs:
            return __obj(*args)  # at once, and thousands of times
        refuse_call(__obj, args, kwargs)
        return super().call(__context, __obj, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        if (write := super().wrap_str_format(value)) is not None:
            refuse_specifications(str(value.__self__))
        return write

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """A plain dictionary: each of a post's thousands of includes reads it whole."""
        return {**self.globals, **(d or {})}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """At once for what most lookups are: a field of our own classes, or a key of a table."""
        kind = type(obj)
        if (kind, attribute) in _FIELDS:
            return getattr(obj, attribute)
        if kind is dict and attribute in obj and attribute not in _OF_DICT:
            return obj[attribute]
        if isinstance(getattr(kind, attribute, None), MemberDescriptorType) and self.is_safe_attribute(
            obj, attribute, None
        ):
            if len(_FIELDS) >= MAX_ASKED:
                _FIELDS.intersection_update(_LOOP)
            _FIELDS.add((kind, attribute))
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Asked once for each type and name, since it depends on nothing else and takes a tenth of a rendering."""
        key = (type(obj), attr)
        if (known := _SAFE.get(key)) is None:
            if len(_SAFE) >= MAX_ASKED:
                _SAFE.clear()
            known = _SAFE[key] = super().is_safe_attribute(obj, attr, value)
        return known

    def call_binop(self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any) -> Any:
        refuse_operation(operator, left, right)
        return super().call_binop(context, operator, left, right)


COUNTED_LENGTH = 100
"""Shorter values are too many to count, and too short to matter."""

_SAFE: dict[tuple[type, str], bool] = {}
_LOOP = frozenset(
    (jinja2.runtime.LoopContext, name)
    for name in ("index", "index0", "first", "last", "length", "revindex", "revindex0")
)
_FIELDS: set[tuple[type, str]] = {*_LOOP}
_OF_DICT = frozenset(dir(dict))
MAX_ASKED = 10_000
"""Attributes whose safety is known."""

MAX_STEPS = 2_000_000
"""Iterations of loops and calls in one rendering. A large post takes a hundredth."""
