"""Exports of other services: how to recognise each, and which of its values mean "do not mail".

Sources of the headers: Mailchimp, an audience's export, one file per status; Substack, `email_list.*.csv` and the
details of 2025; Ghost, `members.*.csv`; Buttondown, subscribers; listmonk, `subscribers.csv`; beehiiv, the fixture of
TryGhost/migrate; Kit, Brevo, Mailjet, MailPoet, MailerLite, phpList, Klaviyo, HubSpot, CleverReach, their
documentation. Other services are read by the rules for any list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from types import MappingProxyType

from newsletter.audience.lists.standing import Judge, joined_column, left_column, status_column
from newsletter.audience.lists.vocabulary import GONE, phrases
from newsletter.frozen import frozen

Reader = Callable[[str], Judge]
"""A column's name -> the function that reads its cells."""


@frozen
class Provider:
    """A service's export: the column sets that identify it, and the meaning of its columns.

    A column with None says nothing about unsubscribing, whatever its name suggests. `files` are the prefixes of file
    names whose rows are all excluded.
    """

    name: str
    marks: tuple[frozenset[str], ...]
    columns: Mapping[str, Reader | None] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def _marks(*columns: str) -> frozenset[str]:
    return frozenset(columns)


def _left(reason: str) -> Reader:
    return lambda column: left_column(column, reason)


def _joined(reason: str) -> Reader:
    return lambda column: joined_column(column, reason, blank=True)


def _status(active: str = "", **gone: str) -> Reader:
    """`active` are the comma-separated words for subscribers who get mail; `gone` adds words to the vocabulary."""
    words = {**GONE, **{phrase: why for why, text in gone.items() for phrase in phrases(text)}}
    return lambda column: status_column(
        column, {word: why.replace("_", " ") for word, why in words.items()}, phrases(active)
    )


_BUTTONDOWN_TYPE = _status(
    "regular, premium, trialed, unpaid, gifted, churning, churned, past due", blocked="spammy", paused="paused"
)
_BEEHIIV_STATUS = _status("active", not_confirmed="pending, validating, needs attention", unsubscribed="inactive")

PROVIDERS = (
    Provider(
        "Mailchimp",
        (_marks("leid", "euid"), _marks("member_rating", "optin_time")),
        {
            "unsub_time": _left("unsubscribed"),
            "clean_time": _left("bounced"),
            "status": _status(never_subscribed="non subscribed, nonsubscribed, transactional"),
            "confirm_time": None,
            "optin_time": None,
            "unsub_campaign_title": None,
            "unsub_campaign_id": None,
            "unsub_reason": None,
            "unsub_reason_other": None,
            "clean_campaign_title": None,
            "clean_campaign_id": None,
        },
        MappingProxyType(
            {
                "nonsubscribed_": "never subscribed",
                "non-subscribed_": "never subscribed",
                "unsubscribed_": "unsubscribed",
                "cleaned_": "bounced",
            }
        ),
    ),
    Provider(
        "Substack",
        (
            _marks("active_subscription", "email_disabled"),
            _marks("active_subscription", "expiry"),
            _marks("stripe plan", "cancel date", "start date"),
        ),
        {
            "email_disabled": _left("unsubscribed"),
            "unsubscribed at": _left("unsubscribed"),
            # A subscription that is inactive or was cancelled is a reader who does not pay.
            "active_subscription": None,
            "cancel date": None,
            "type": None,
        },
    ),
    Provider(
        "Ghost",
        (_marks("subscribed_to_emails", "complimentary_plan"),),
        {"deleted_at": _left("deleted"), "subscribed_to_emails": _joined("unsubscribed")},
    ),
    Provider(
        "Buttondown",
        (_marks("subscriber_type", "creation_date"), _marks("email_address", "type", "creation_date")),
        {
            "unsubscription_date": _left("unsubscribed"),
            "undeliverability_date": _left("bounced"),
            "subscriber_type": _BUTTONDOWN_TYPE,
            "type": _BUTTONDOWN_TYPE,
            "churn_date": None,
            "unsubscription_reason": None,
            "undeliverability_reason": None,
        },
    ),
    Provider(
        "listmonk",
        (_marks("uuid", "attributes", "status"),),
        {"status": _status("enabled", blocked="blocklisted, blacklisted", disabled="disabled")},
    ),
    Provider(
        "beehiiv",
        (_marks("status", "tier", "stripe_customer_id"), _marks("status", "subscription tier", "utm source")),
        {"status": _BEEHIIV_STATUS, "unsubscribed_at": _left("unsubscribed")},
    ),
    Provider(
        "Kit",
        (_marks("email_address", "state", "created_at"), _marks("email_address", "state", "referrer")),
        {"state": _status("active")},
    ),
    Provider(
        "Brevo",
        (_marks("contact id", "added_time"), _marks("blacklist", "added_time"), _marks("contact id", "double_opt-in")),
        {"double_opt-in": None, "opt_in": None},
    ),
    Provider(
        "Mailjet",
        (_marks("isexcludedfromcampaigns"),),
        {
            "isexcludedfromcampaigns": _left("blocked"),
            "isunsubscribed": _left("unsubscribed"),
            "isoptinpending": _left("not confirmed"),
        },
    ),
    Provider("MailPoet", (_marks("list status", "global status"),)),
    Provider(
        "MailerLite",
        (_marks("subscriber", "status", "opens", "clicks"), _marks("subscriber", "status", "opened", "clicked")),
        {"status": _status("active"), "subscribed": None, "unsubscribed": _left("unsubscribed")},
    ),
    Provider(
        "phpList",
        (
            _marks("is this subscriber blacklisted"),
            _marks("is this user blacklisted"),
            _marks("is this subscriber confirmed"),
        ),
        {
            "is this subscriber confirmed": _joined("not confirmed"),
            "is this user confirmed": _joined("not confirmed"),
            "number of bounces on this subscriber": None,
            "number of bounces on this user": None,
            "bouncecount": None,
        },
    ),
    Provider("Klaviyo", (_marks("klaviyo id"), _marks("email marketing consent", "email suppressions"))),
    Provider(
        "HubSpot",
        (_marks("record id - contact"), _marks("unsubscribed from all email", "lifecycle stage")),
        {
            "contact unworked": None,
            "marketing contact status": _status("marketing contact", never_subscribed="non marketing contact"),
        },
    ),
    Provider("CleverReach", (_marks("activated", "deactivated", "registered"),), {"registered": None}),
    Provider("Resend", (_marks("id", "created_at", "first_name", "last_name", "email", "unsubscribed"),)),
)


def provider_of(columns: frozenset[str]) -> Provider | None:
    return next((each for each in PROVIDERS if any(marks <= columns for marks in each.marks)), None)


def reply_words(text: str) -> frozenset[str]:
    return frozenset(text.split())
