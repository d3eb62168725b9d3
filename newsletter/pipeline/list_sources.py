"""Open the lists that a command names: files, and confirmed sign-ups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from newsletter.audience.audience import Audience
from newsletter.audience.lists.rows import RowSource
from newsletter.audience.people.as_list import list_sign_ups
from newsletter.audience.read_audience import is_sign_ups, read_audience
from newsletter.config.config import Config
from newsletter.model.column_rules import Rule, Rules, rules_of
from newsletter.pipeline.open_store import open_people


def rules_for(config: Config, columns: Sequence[Rule]) -> Rules:
    """The rules for columns from newsletter.toml, then those from the command line."""
    return rules_of((*config.settings.subscribers.columns.values(), *columns))


@contextmanager
def open_sign_ups(
    config: Config, to: Iterable[object], ledger_url: str | None = None, *, consent: bool = False
) -> Iterator[Callable[[str], RowSource] | None]:
    """The confirmed sign-ups by list name, if `to` names them; with their consents if wanted."""
    if not any(is_sign_ups(str(name)) for name in to):
        yield None
        return
    place = config.ledger_at(ledger_url)
    with open_people(config, place, lambda: datetime.now(UTC)) as people:
        yield lambda name: list_sign_ups(people, name, consent=consent)


def read_lists(config: Config, *to: Path | str, columns: Sequence[Rule] = ()) -> Audience:
    """Read the lists, each address once. Errors as `read_audience`."""
    with open_sign_ups(config, to) as sign_ups:
        return read_audience(*to, sign_ups=sign_ups, rules=rules_for(config, columns))
