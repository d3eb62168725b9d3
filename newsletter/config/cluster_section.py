"""The section about sends by several machines."""

from __future__ import annotations

import re

from newsletter.errors import InvalidValueError
from newsletter.frozen import frozen
from newsletter.text import shown
from newsletter.toml_file.section import Section, key, text

CHORES_QUEUE = "chores"
"""The queue of the periodic jobs."""


def queue_name(value: str) -> str:
    """The name of a queue of shards."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", value):
        raise InvalidValueError(f"is {shown(value)}, not a queue's name", 'write lowercase letters, as in "mail"')
    if value == CHORES_QUEUE:
        raise InvalidValueError("is 'chores', the queue of the periodic jobs", 'choose another name, as "mail"')
    return value


@frozen(kw_only=True)
class ClusterSection(Section):
    queue: str = key(
        "The queue that `send --workers` puts an issue in, and that a worker takes from unless `--queue` names others: "
        "with names of their own, newsletters that share a database go out by machines of their own.",
        text(queue_name),
        default="mail",
        example="mail",
    )
