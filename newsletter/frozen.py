"""Frozen, slotted dataclasses that cost a tenth to define.

`@frozen` makes what `@dataclass(frozen=True, slots=True)` makes: `fields`, `replace`, `asdict`, `match` and type
checkers know no difference. The standard library compiles six methods when a class is defined, which takes half a
millisecond; a rendering loads a hundred and fifty classes, which was a fifth of its time. Here five of the methods are
shared, and `__init__` is compiled when a class is first called, which many never are in a run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def frozen(cls: type[T]) -> type[T]: ...
@overload
def frozen(*, kw_only: bool) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T] | None = None, *, kw_only: bool = False) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class a frozen, slotted dataclass. Whatever extends it as a dataclass is `@frozen` as well."""
    return _freeze(cls, kw_only) if cls else lambda later: _freeze(later, kw_only)


def _freeze(cls: type[T], kw_only: bool) -> type[T]:
    # Without a docstring the standard library writes one from the signature, which it searches for with a parser.
    cls.__doc__ = cls.__doc__ or cls.__name__
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
    equal, hashed = _comparison(tuple(each.name for each in fields(made) if each.compare))
    written = {name for name, value in cls.__dict__.items() if value is not None}
    methods = {
        "__init__": _Init(made),
        "__repr__": _repr,
        "__eq__": equal,
        "__hash__": hashed,
        "__setattr__": _refuse_to_set,
        "__delattr__": _refuse_to_delete,
        "__getstate__": _values,
        "__setstate__": _set_values,
    }
    for name in methods.keys() - written:
        setattr(made, name, methods[name])
    return made  # type: ignore[no-any-return]


# --- __init__ -------------------------------------------------------------------------------------------------------


class _Init:
    """The `__init__` of a class until it is first asked for; then the compiled one takes its place."""

    __slots__ = ("cls",)

    def __init__(self, cls: Any) -> None:
        self.cls = cls

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        self.cls.__init__ = init = _compile_init(self.cls)
        return init if instance is None else init.__get__(instance, owner)


def _compile_init(cls: Any) -> Any:
    """Slots are set through their descriptors, in half the time of `object.__setattr__`."""
    scope: dict[str, object] = {"_absent": MISSING}
    parameters, by_name, lines = ["self"], list[str](), list[str]()
    for each in fields(cls):
        name = each.name
        scope |= {f"_set_{name}": getattr(cls, name).__set__, f"_default_{name}": each.default}
        scope |= {f"_make_{name}": each.default_factory}
        if each.init:
            (by_name if each.kw_only else parameters).append(name + _default(each))
        if value := _value(each):
            lines.append(f" _set_{name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    if by_name:
        parameters += ["*", *by_name]
    # Security: only names of fields become code, and they are identifiers of our own; values stay in the scope.
    exec("\n".join([f"def __init__({', '.join(parameters)}):", *lines, " return"]), scope)  # noqa: S102
    init: Any = scope["__init__"]
    init.__qualname__, init.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    return init


def _default(each: Field[Any]) -> str:
    if each.default_factory is not MISSING:
        return "=_absent"
    return f"=_default_{each.name}" if each.default is not MISSING else ""


def _value(each: Field[Any]) -> str:
    """The expression that a field is set to; empty if `__post_init__` sets it."""
    name = each.name
    if each.default_factory is not MISSING:
        return f"_make_{name}() if {name} is _absent else {name}" if each.init else f"_make_{name}()"
    if each.init:
        return name
    return f"_default_{name}" if each.default is not MISSING else ""


# --- the shared methods ---------------------------------------------------------------------------------------------


def _comparison(names: tuple[str, ...]) -> tuple[Callable[[Any, object], bool], Callable[[Any], int]]:
    """`__eq__` and `__hash__` by the values of these fields."""

    def few(each: object) -> object:
        return tuple(getattr(each, name) for name in names)

    values: Callable[[object], object] = attrgetter(*names) if len(names) > 1 else few

    def equal(self: Any, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(values(self))

    return equal, hashed


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse_to_set(self: object, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _values(self: Any) -> list[object]:
    """For copies, and for pickle: without these two it would assign."""
    return [getattr(self, each.name) for each in fields(self)]


def _set_values(self: Any, values: list[object]) -> None:
    for each, value in zip(fields(self), values, strict=True):
        object.__setattr__(self, each.name, value)
