"""Read the lists of a send into one audience: CSV files and confirmed sign-ups."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

from newsletter.audience.audience import Audience
from newsletter.audience.lists.rows import RowSource, open_list
from newsletter.audience.segments import parse_segment
from newsletter.errors import ConfigError, ContentError, ContentFaultsError, Located, located
from newsletter.model.column_rules import NO_RULES, Rules
from newsletter.text import counted

SIGN_UPS = "@signups"
"""The name of the confirmed sign-ups, in place of a list's path."""

SignUps = Callable[[str], RowSource]
"""The confirmed sign-ups of a named list; an empty name for all."""


def read_audience(
    *lists: Path | str, where: str = "", sign_ups: SignUps | None = None, rules: Rules = NO_RULES
) -> Audience:
    """Read the lists, each address once; of rows with one address, the first of the first list counts. With `where`,
    only the subscribers in that segment.

    A list is a path, or `@signups`, or `@signups/NAME` for the sign-ups of one list; `sign_ups` returns these by name.
    `rules` are the author's rules for columns about unsubscribing. Errors as `open_list` and `parse_segment`, and
    ContentError if the lists have no row, or an unclear column that may mark unsubscribed rows.
    """
    segment = parse_segment(where) if where else None
    names = [str(each) for each in lists]
    with ExitStack() as opened:
        opened_lists = [open_rows(name, sign_ups, opened, rules) for name in names]
        if segment is not None:
            segment.require_columns(tuple(dict.fromkeys(chain.from_iterable(each.columns for each in opened_lists))))
        first, *more = opened_lists
        audience = Audience(first.columns, first.rows, segment, more=more, names=names)
    if not audience.rows:
        audience.close()
        if all(is_sign_ups(name) for name in names):
            raise ContentError(f"{', '.join(names)}: nobody has signed up and confirmed", "send to a list in CSV")
        raise ContentError(located(", ".join(names), None, "nobody is on the list", "add a row below the header"))
    try:
        require_clear(audience, ", ".join(names))
    except ContentError:
        audience.close()
        raise
    return audience


def require_clear(audience: Audience, name: str) -> None:
    """Security: an unsubscribed address must not be mailed because its list uses words that are unknown here.

    Raises ContentError. `name` is the name of the list.
    """
    if audience.unclear:
        faults = [located(each.path or name, None, each.what, each.remedy) for each in audience.unclear]
        raise ContentFaultsError(faults)


def require_people(audience: Audience, name: str) -> None:
    """Raises ContentError if a list that has rows has no recipient."""
    if not audience:
        why = why_empty(audience)
        raise ContentError(located(name, None, why.what, why.remedy))


def why_empty(audience: Audience) -> Located:
    """Why a list that has rows has no recipient, and the remedy."""
    if audience.outside_count:
        return located(
            "",
            None,
            f"none of the {audience.listed:,} people on it is in --where {audience.segment_source}",
            "widen it",
        )
    if audience.excluded_count:
        return located(
            "",
            None,
            f"nobody on it is a subscriber, as it says itself in {counted(audience.excluded_count, 'row')}",
            "take another list",
        )
    return located(
        "", None, f"none of its {audience.invalid_count:,} rows has an address that mail can go to", "mend them"
    )


def is_sign_ups(name: str) -> bool:
    return name == SIGN_UPS or name.startswith(f"{SIGN_UPS}/")


def open_rows(name: str, sign_ups: SignUps | None, opened: ExitStack, rules: Rules = NO_RULES) -> RowSource:
    """Open a list by its name; `opened` closes it. Errors as `read_audience`."""
    if not is_sign_ups(name):
        if name.startswith("@"):
            raise ConfigError(
                f"{name} is no list", f"write {SIGN_UPS}, {SIGN_UPS}/NAME, or ./{name} for a file of that name"
            )
        return opened.enter_context(open_list(Path(name), rules=rules))
    if sign_ups is None:
        raise ConfigError(located(str(name), None, "nobody can have signed up here", "send to a list in CSV"))
    return sign_ups(name.partition("/")[2])
