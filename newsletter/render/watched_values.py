"""A theme's values that note whether a template has read one of them."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any


class WatchedValues(dict[str, Any]):
    """A table of values. `is_read`: one of them, named `watched`, was looked up, or all of them were."""

    def __init__(self, values: Mapping[str, Any], watched: str) -> None:
        super().__init__(values)
        self.watched = watched
        self.is_read = False

    def __getitem__(self, key: str) -> Any:
        self.is_read |= key == self.watched
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.is_read |= key == self.watched
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.is_read |= key == self.watched
        return super().get(key, default)

    def __iter__(self) -> Iterator[str]:
        self.is_read = True
        return super().__iter__()

    def keys(self) -> KeysView[str]:  # type: ignore[override]  # the view of any mapping, not of a dict alone
        return KeysView(self)

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        return ValuesView(self)

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        return ItemsView(self)

    def __repr__(self) -> str:
        self.is_read = True
        return super().__repr__()

    def __eq__(self, other: object) -> bool:
        self.is_read = True
        return super().__eq__(other)

    __hash__ = None
