"""Limits of what one filter or method of a theme may grow: a width of a billion is a gigabyte."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sized
from functools import wraps
from string import Formatter
from types import BuiltinMethodType, MethodType
from typing import Any

MAX_REPEATED = 1_000_000
"""Of a width, a count, or a list: the limit of the sandbox's own `range`."""

MAX_TEXT = 10_000_000
"""Characters of one text."""

MAX_WRITTEN = 100_000_000
"""Characters of all values that one rendering writes. What a part writes is counted again where the part is written."""

_SIZED_FILTERS = {"batch": 1, "center": 1, "indent": 1, "round": 1, "slice": 2, "tojson": 2}
"""Filters, and where among their arguments the size is: behind the value, and what Jinja2 itself passes."""

_SIZED_METHODS = {"center", "expandtabs", "ljust", "rjust", "to_bytes", "zfill"}
_LARGE = re.compile(r"[0-9]{7}")
_WIDTH_FROM_VALUE = re.compile(r"[%)][-+ #0-9.]*\*")


def refuse_text(length: int, limit: int | None = None) -> None:
    limit = MAX_TEXT if limit is None else limit
    if length > limit:
        raise OverflowError(f"a text of more than {limit:,} characters")


def refuse_operation(operator: str, left: Any, right: Any) -> None:
    """`*`, `+`, `%` and `**`, before they are done."""
    if operator == "*":
        for many, count in ((left, right), (right, left)):
            is_repeated = isinstance(count, int) and isinstance(many, str | bytes | list | tuple)
            if is_repeated and len(many) * count > MAX_REPEATED:
                raise OverflowError(f"repeated to more than {MAX_REPEATED:,}")
    elif operator == "+":
        if isinstance(left, str | list | tuple) and isinstance(right, type(left)) and len(left) > MAX_TEXT:
            raise OverflowError(f"grown to more than {MAX_TEXT:,}")
    elif operator == "%":
        refuse_widths(left)
    elif isinstance(left, int) and isinstance(right, int) and abs(left).bit_length() * right > 10_000:
        raise OverflowError("a power of too many digits")


def refuse_widths(template: object) -> None:
    """Of `%`: numbers of seven digits, and widths that a value gives."""
    if isinstance(template, str) and (_LARGE.search(template) or _WIDTH_FROM_VALUE.search(template)):
        raise OverflowError("a width that is too large, or given by a value")


def refuse_specifications(template: str) -> None:
    """Of `str.format`: a width of seven digits, and one that a value gives. Raises ValueError as str.format does."""
    for _, _, specification, _ in Formatter().parse(template):
        if specification and ("{" in specification or _LARGE.search(specification)):
            raise OverflowError("a width that is too large, or given by a value")


def refuse_call(method: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """A method of a built-in value, before it runs."""
    if not isinstance(method, BuiltinMethodType | MethodType):
        return
    name, owner = method.__name__, method.__self__
    if name in _SIZED_METHODS:
        _refuse_sizes((*args, *kwargs.values()))
    elif name == "replace" and isinstance(owner, str) and len(args) > 1:
        _refuse_replacement(owner, *args[:2])
    elif name == "join" and isinstance(owner, str) and args:
        _refuse_joined(args[0], owner)
    elif name in ("extend", "update") and any(isinstance(each, Sized) and len(each) > MAX_REPEATED for each in args):
        raise OverflowError(f"grown to more than {MAX_REPEATED:,}")


def limited_filters(filters: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Those of Jinja2's filters whose result may be far larger than what they are given."""
    limited = {name: _limited(filters[name], _sizes_behind(first)) for name, first in _SIZED_FILTERS.items()}
    limited["format"] = _limited(filters["format"], lambda value, *_, **__: refuse_widths(value))
    limited["replace"] = _limited(filters["replace"], _refuse_replacement_filter)
    limited["join"] = _limited(filters["join"], lambda _, value, d="", **__: _refuse_joined(value, d))
    return limited


def _limited(function: Callable[..., Any], refuse: Callable[..., None]) -> Callable[..., Any]:
    @wraps(function)  # with Jinja2's mark of what the function is passed first
    def within_limits(*args: Any, **kwargs: Any) -> Any:
        refuse(*args, **kwargs)
        return function(*args, **kwargs)

    return within_limits


def _sizes_behind(first: int) -> Callable[..., None]:
    return lambda *args, **kwargs: _refuse_sizes((*args[first:], *kwargs.values()))


def _refuse_sizes(sizes: Iterable[Any]) -> None:
    if any(isinstance(size, int) and abs(size) > MAX_REPEATED for size in sizes):
        raise OverflowError(f"a size of more than {MAX_REPEATED:,}")


def _refuse_replacement_filter(_: Any, s: Any, old: Any, new: Any, count: Any = None) -> None:
    _refuse_replacement(str(s), old, new)


def _refuse_replacement(text: str, old: Any, new: Any) -> None:
    places = len(text) // max(len(str(old)), 1) + 1
    refuse_text(len(text) + places * len(str(new)) if len(str(new)) > 1 else 0)


def _refuse_joined(value: Any, separator: Any) -> None:
    if isinstance(value, Collection) and not isinstance(value, str):
        refuse_text(sum(len(each) for each in value if isinstance(each, str)) + len(value) * len(str(separator)))
