"""Conditions on subscriber columns: `{% if subscriber.plan == "pro" %}`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from newsletter.errors import ContentError, located
from newsletter.expression import Dialect, ExpressionError, Test, parse_expression
from newsletter.frozen import frozen
from newsletter.post.templating.placeholders import CONDITION_REMEDY, ConditionError

MAX_CONDITION = 1_000
"""Characters. A longer condition is text with a missing `%}`; the limit also bounds the parser's work."""


@frozen
class Condition:
    """An expression over a subscriber's columns. `line` counts in the file, from 1."""

    source: str
    line: int
    columns: frozenset[str]
    _test: Test = field(repr=False, compare=False)

    def holds(self, columns: Mapping[str, str]) -> bool:
        """The result for a subscriber. A column alone is true if it is not empty."""
        return self._test(columns)


def parse_condition(source: str, line: int, path: str) -> Condition:
    """Parse an expression such as `subscriber.plan == "pro" and subscriber.city`. Raises ContentError."""
    source = " ".join(source.splitlines()) if "\n" in source else source
    shown = " ".join(source.split())
    shown = shown if len(shown) <= 60 else shown[:59] + "…"
    if len(source) > MAX_CONDITION:
        what = f"the condition `{shown}` has {len(source):,} letters"
        raise ContentError(located(path, line, what, f"keep it under {MAX_CONDITION:,}, and close it with %}}"))
    try:
        test, columns = parse_expression(source, Dialect.POST)
    except ExpressionError as error:
        what, remedy = (error.what, error.remedy or CONDITION_REMEDY) if error.what else (error.remedy, "")
        raise ConditionError(located(path, line, f"the condition `{shown}`: {what}", remedy), error.picture) from error
    return Condition(source, line, frozenset(columns), test)
