"""`@frozen`: each class that it makes is held to the one that the standard library makes of the same text."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace
from typing import Any

import pytest

from newsletter.frozen import frozen


@frozen
class Point:
    x: int
    y: int = 0


@frozen
class Named(Point):
    name: str = "origin"


def make(freeze: Callable[[type], type], freeze_by_name: Callable[[type], type]) -> dict[str, Any]:
    """A class of each kind that our code has."""

    @freeze
    class Nothing:
        """No fields."""

    @freeze
    class One:
        value: float

    @freeze
    class Defaults:
        first: int
        second: str = "two"
        third: dict[str, int] = field(default_factory=dict)
        secret: str = field(default="s", repr=False)
        note: str = field(default="", compare=False)

    @freeze
    class Made:
        text: str
        size: int = field(init=False)
        kind: str = field(init=False, default="made")
        seen: list[int] = field(init=False, default_factory=list)

        def __post_init__(self) -> None:
            object.__setattr__(self, "size", len(self.text))

    @freeze
    class Extended(Defaults):
        fourth: int = 4

    @freeze_by_name
    class ByName:
        one: int = 1
        two: int

    @freeze
    class Own:
        value: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own) and self.value.lower() == other.value.lower()

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "mine"

    return {each.__name__: each for each in (Nothing, One, Defaults, Made, Extended, ByName, Own)}


OURS = make(frozen, frozen(kw_only=True))
PYTHONS = make(dataclass(frozen=True, slots=True), dataclass(frozen=True, slots=True, kw_only=True))
CALLS: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = (
    ("Nothing", (), {}),
    ("Nothing", (1,), {}),
    ("One", (float("nan"),), {}),
    ("One", (), {}),
    ("One", (1.5,), {"value": 2}),
    ("Defaults", (1,), {}),
    ("Defaults", (1, "b", {"c": 1}, "hidden", "noted"), {}),
    ("Defaults", (), {"second": "b", "first": 1}),
    ("Defaults", (1,), {"unknown": 2}),
    ("Made", ("text",), {}),
    ("Made", ("text",), {"size": 2}),
    ("Extended", (1,), {"fourth": 5}),
    ("ByName", (), {"two": 2}),
    ("ByName", (1, 2), {}),
    ("Own", ("a",), {}),
)


def told(work: Callable[[], object]) -> object:
    try:
        return repr(work())
    except (TypeError, AttributeError, ValueError) as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize(("name", "values", "named"), CALLS)
def test_a_frozen_class_is_made_and_shown_as_pythons(name: str, values: tuple[Any, ...], named: dict[str, Any]) -> None:
    ours, pythons = (told(lambda made=made: made[name](*values, **named)) for made in (OURS, PYTHONS))
    assert ours == pythons


@pytest.mark.parametrize("name", OURS)
def test_the_fields_the_slots_and_the_parameters_are_pythons(name: str) -> None:
    ours, pythons = OURS[name], PYTHONS[name]
    assert [each.name for each in fields(ours)] == [each.name for each in fields(pythons)]
    assert ours.__slots__ == pythons.__slots__
    assert ours.__match_args__ == pythons.__match_args__
    assert [(each.name, each.kind) for each in inspect.signature(ours).parameters.values()] == [
        (each.name, each.kind) for each in inspect.signature(pythons).parameters.values()
    ]


@pytest.mark.parametrize(
    ("name", "values", "named"),
    [call for call in CALLS if "Error" not in str(told(lambda call=call: PYTHONS[call[0]](*call[1], **call[2])))],
)
def test_what_can_be_done_with_one_is_what_python_lets_do(
    name: str, values: tuple[Any, ...], named: dict[str, Any]
) -> None:
    for work in (
        lambda each, twin: each == twin,
        lambda each, twin: each != twin,
        lambda each, twin: each == object(),
        lambda each, twin: hash(each) == hash(twin),
        lambda each, twin: asdict(each),
        lambda each, twin: replace(each, **({"first": 9} if hasattr(each, "first") else {})),
        lambda each, twin: copy.copy(each) == each,
        lambda each, twin: copy.deepcopy(each),
    ):
        ours, pythons = (
            told(lambda made=made, work=work: work(made[name](*values, **named), made[name](*values, **named)))
            for made in (OURS, PYTHONS)
        )
        assert ours == pythons


def test_a_field_that_is_not_compared_makes_no_difference() -> None:
    assert OURS["Defaults"](1, note="a") == OURS["Defaults"](1, note="b")
    assert OURS["Defaults"](1) != OURS["Extended"](1)


def test_each_gets_a_list_of_its_own() -> None:
    first, second = OURS["Defaults"](1), OURS["Defaults"](1)
    first.third["a"] = 1
    assert second.third == {}


def test_pickle_and_match_know_it() -> None:
    point = Named(1, 2, "here")
    assert pickle.loads(pickle.dumps(point)) == point
    match point:
        case Named(x, y, name):
            assert (x, y, name) == (1, 2, "here")
        case _:
            raise AssertionError(point)
    assert {point: 1}[Named(1, 2, "here")] == 1


def test_a_frozen_value_stays() -> None:
    with pytest.raises(FrozenInstanceError):
        Point(1).x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del Point(1).x
    with pytest.raises(FrozenInstanceError):
        Named(1).z = 3  # type: ignore[attr-defined]
