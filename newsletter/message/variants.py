"""Variants of an issue: one composer for each combination of answers to its conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from newsletter.model.rendered_email import Email
from newsletter.model.subscriber import Subscriber
from newsletter.post.templating.conditions import Condition


@dataclass(frozen=True, slots=True)
class Variants:
    """An issue rendered once per combination of answers to its conditions, and which one is whose."""

    conditions: tuple[Condition, ...]
    emails: Mapping[tuple[bool, ...], Email]

    def email_for(self, subscriber: Subscriber) -> Email:
        return self.emails[answers(self.conditions, subscriber)]


def answers(conditions: Sequence[Condition], subscriber: Subscriber) -> tuple[bool, ...]:
    """How a subscriber's columns answer each of the conditions."""
    columns = {**subscriber.fields, "email": subscriber.email}
    return tuple(condition.holds(columns) for condition in conditions)
