"""A section of a TOML file as a dataclass: each field is a key with its meaning, validator and example.

`read_table` turns parsed TOML into a section, and reports all faults at once. Plain dataclasses, since every command
loads them: a schema library took a fifth of a cold `render`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, fields
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from newsletter.errors import InvalidValueError
from newsletter.frozen import frozen
from newsletter.text import kind, shown
from newsletter.toml_file.lines import Where

KEY = "key"

Read = Callable[[Any], Any]
"""A validator: maps a parsed TOML value to the section's, or raises InvalidValueError, whose text follows the key."""


@frozen
class Key:
    """`name` is the key as it is written; `example` a valid value that differs from the default.

    With `free`, the key is a table with names of the author's choice: `read` gets each name with its value, and returns
    the entry of the section.
    """

    about: str
    read: Callable[..., Any]
    example: object
    default: object
    name: str = ""
    free: bool = False


@frozen
class Fault:
    """A fault at one place of the file. `unknown`: the key does not exist, and `what` is empty."""

    where: Where
    what: str
    remedy: str = ""
    unknown: bool = False


def key(
    about: str, read: Callable[..., Any], *, default: Any = "", example: object, name: str = "", free: bool = False
) -> Any:
    """Declare a field as a key. `default` is the value of an unset key, and is documented if not empty."""
    described = {KEY: Key(about, read, example, default, name, free)}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=described)
    return field(default=default, metadata=described)


@frozen(kw_only=True)
class Section:
    """`given` has the names of the fields that the file sets."""

    given: frozenset[str] = field(default=frozenset(), repr=False, compare=False)


S = TypeVar("S", bound=Section)


@frozen
class Schema:
    """The sections of one file, in the order of its documentation. A `Key` in place of a section is a table whose keys
    are of the author's choice.

    `top` has the keys above all sections; `any_section` validates the keys of sections with names of the author's
    choice; `repeated` documents several sections of one name, `[[name]]`.
    """

    sections: Mapping[str, type[Section] | Key] = field(default_factory=dict)
    top: type[Section] = Section
    any_section: Key | None = None
    repeated: Mapping[str, str] = field(default_factory=dict)

    default_section: str = ""
    """The section of a key that is outside all sections and is not one of `top`."""

    hint: str = ""
    """A remark for the error about an unknown name."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """The environment variables of secrets, by section; other variables under the empty name."""

    @property
    def top_keys(self) -> Mapping[str, Key]:
        return {name: key for name, (_, key) in keys_of(self.top).items()}

    def free_key(self, section: str) -> Key | None:
        declared = self.sections.get(section, self.any_section)
        return declared if isinstance(declared, Key) else None

    def keys(self, section: str) -> Mapping[str, Key]:
        declared = self.sections.get(section)
        if declared is None or isinstance(declared, Key):
            return {}
        return {name: key for name, (_, key) in keys_of(declared).items()}


ReadSection = Callable[[object], tuple[Any, tuple["Fault", ...]]]


def read_sections(
    schema: Schema, tree: Mapping[str, Any], special: Mapping[str, ReadSection] = MappingProxyType({})
) -> tuple[dict[str, Any], tuple[Fault, ...]]:
    """The sections of a file by name, and every fault. `special` reads those that are more than one table."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    wrong: tuple[Fault, ...]
    _, top_faults = read_table(schema.top, {name: tree[name] for name in schema.top_keys if name in tree}, ())
    faults += top_faults
    for name, value in tree.items():
        if name in schema.top_keys:
            continue
        declared = schema.sections.get(name)
        free = schema.free_key(name)
        if name in special:
            values[name], wrong = special[name](value)
        elif free is not None and (declared is not None or isinstance(value, dict)):
            values[name], wrong = read_entries(free.read, value, (name,))
        elif declared is None or isinstance(declared, Key):
            wrong = (Fault((name,), "", unknown=True),)
        else:
            values[name], wrong = read_table(declared, value, (name,))
        faults += wrong
    return values, tuple(faults)


def keys_of(section: type[Section]) -> Mapping[str, tuple[str, Key]]:
    """By a key's written name: the field's name, and the key."""
    described = ((each.name, each.metadata[KEY]) for each in fields(section) if KEY in each.metadata)
    return {key.name or name: (name, key) for name, key in described}


def read_table(section: type[S], table: object, where: Where) -> tuple[S, tuple[Fault, ...]]:
    """Validate the table at `where`. A faulty key keeps its default."""
    if not isinstance(table, dict):
        return section(), (Fault(where, f"is {kind(table)}, not a section"),)
    known = keys_of(section)
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in table.items():
        here = (*where, name)
        if name not in known:
            faults.append(Fault(here, "", unknown=True))
            continue
        owner, key = known[name]
        if key.free:
            values[owner], wrong = read_entries(key.read, value, here)
            faults += wrong
            continue
        try:
            values[owner] = key.read(value)
        except InvalidValueError as fault:
            faults.append(Fault(here, fault.what, fault.remedy))
    return section(**values, given=frozenset(values)), tuple(faults)


def read_entries(
    read: Callable[[str, Any], tuple[str, Any]], table: object, where: Where
) -> tuple[dict[str, Any], tuple[Fault, ...]]:
    """Validate a table with names of the author's choice."""
    if not isinstance(table, dict):
        return {}, (Fault(where, f"is {kind(table)}, not a table"),)
    entries: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in table.items():
        try:
            as_kept, kept = read(name, value)
        except InvalidValueError as fault:
            faults.append(Fault((*where, name), fault.what, fault.remedy))
            continue
        if as_kept in entries:
            faults.append(Fault((*where, name), "is there twice", "keep one of them"))
        entries[as_kept] = kept
    return entries, tuple(faults)


def text(check: Callable[[str], Any]) -> Read:
    def read(value: object) -> Any:
        if not isinstance(value, str):
            raise InvalidValueError(f"is {kind(value)}, not a string")
        return check(value)

    return read


def choice(literal: object) -> Read:
    """One of a Literal's values."""
    return one_of(get_args(literal))


def one_of(words: Sequence[str]) -> Read:

    def read(value: object) -> object:
        if not isinstance(value, str) or value not in words:
            *others, last = (f"'{word}'" for word in words)
            raise InvalidValueError(f"is {shown(value)}, not one of {', '.join(others)} or {last}")
        return value

    return read


def whole(low: int, high: int) -> Read:
    """An integer from `low` to `high`."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidValueError(f"is {kind(value)}, not a whole number")
        if not low <= value <= high:
            raise InvalidValueError(f"is {shown(value)}, not a whole number from {low} to {high}")
        return value

    return read


def number(high: float, *, zero: bool = False) -> Read:
    """A number above 0, or with `zero` from 0, and at most `high`."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidValueError(f"is {kind(value)}, not a number")
        # Also rejects NaN.
        if not (0 < value <= high or (zero and value == 0)):
            span = f"from 0 to {high:g}" if zero else f"above 0 and at most {high:g}"
            raise InvalidValueError(f"is {shown(value)}, not a number {span}")
        return float(value)

    return read


def switch(value: object) -> bool:
    """A boolean."""
    if not isinstance(value, bool):
        raise InvalidValueError(f"is {kind(value)}, neither true nor false")
    return value


def array(read_one: Read, items: str) -> Read:
    """A tuple from an array; `items` names its elements in messages."""

    def read(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise InvalidValueError(f"is {kind(value)}, not an array of {items}")
        read_so_far: list[Any] = []
        for index, element in enumerate(value, 1):
            try:
                read_so_far.append(read_one(element))
            except InvalidValueError as fault:
                raise InvalidValueError(f"is wrong at place {index}: it {fault.what}", fault.remedy) from fault
        return tuple(read_so_far)

    return read
