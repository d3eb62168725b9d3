"""A subscriber: one row of a list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from newsletter.frozen import frozen


@frozen
class Subscriber:
    """One subscriber. `fields` holds every column of the row by its lower-case name, `email` among them."""

    email: str
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    line: int | None = None

    @property
    def name(self) -> str:
        return self.fields.get("name", "").strip()
