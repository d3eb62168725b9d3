"""Variants of an issue: one composer for each combination of its conditions' results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from newsletter.frozen import frozen
from newsletter.model.rendered_email import Email
from newsletter.model.subscriber import Subscriber
from newsletter.post.templating.conditions import Condition


@frozen
class Variants:
    """An issue rendered once per combination of its conditions' results; selects the one of a subscriber."""

    conditions: tuple[Condition, ...]
    emails: Mapping[tuple[bool, ...], Email]

    def email_for(self, subscriber: Subscriber) -> Email:
        return self.emails[answers(self.conditions, subscriber)]


def answers(conditions: Sequence[Condition], subscriber: Subscriber) -> tuple[bool, ...]:
    """The results of the conditions for a subscriber's columns."""
    if not conditions:
        return ()
    columns = {**subscriber.fields, "email": subscriber.email}
    return tuple(condition.holds(columns) for condition in conditions)
