"""A long email is drawn again only for a step that a template notices."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from newsletter.render.fitted_rows import FittedRows
from newsletter.render.size_budget import Fit
from newsletter.render.watched_values import WatchedValues

WAYS_TO_READ: dict[str, Callable[[dict[str, Any]], object]] = {
    "by name": lambda values: values["style"],
    "with a default": lambda values: values.get("style"),
    "in": lambda values: "style" in values,
    "a loop": list,
    "keys": lambda values: [*values.keys()],
    "values": lambda values: [*values.values()],
    "items": lambda values: [*values.items()],
    "a copy": dict,
    "another table": lambda values: {**values},
    "as text": str,
    "as JSON": json.dumps,
    "equal": lambda values: values == {"style": "button"},
}


@pytest.mark.parametrize("way", WAYS_TO_READ)
def test_each_way_to_read_a_value_is_noted(way: str) -> None:
    values = {"style": "button", "size": 3}
    watched = WatchedValues(values, "style")
    assert watched["size"] == watched.get("size") == 3
    assert not watched.is_read
    assert WAYS_TO_READ[way](watched) == WAYS_TO_READ[way](values)
    assert watched.is_read


def test_a_step_is_noticed_by_whoever_reads_its_value() -> None:
    values = {"layout": {"images": True}, "buttons": {"style": "button"}}
    rows = FittedRows((), values, {"more_stories": "", "more_stories_one": ""})
    assert rows.noticed(Fit(True, 0, 0)) == Fit(False, 0, 0)
    assert rows.context(Fit(False, 0, 0))["buttons"]["style"] == "button"
    assert rows.noticed(Fit(True, 0, 0)) == Fit(True, 0, 0)
    assert rows.context(Fit(True, 0, 0))["buttons"]["style"] == "link"
