"""Common parts of the providers' readers: events, errors, the replay window, field access.

Each event has a name, so that a replayed one is recognised and counts once. So the replay window can be as long as
providers retry, which is a day.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta

from newsletter.bounces.failure_kind import failure_of
from newsletter.bounces.json_tree import MAX_LISTED
from newsletter.bounces.results import Bounce, Complaint, Kind, Traces, Unsubscribe
from newsletter.bounces.rules import UNDECIDED
from newsletter.frozen import frozen

MAX_BODY = 1024 * 1024
"""SendGrid's batches are the largest, with 768 KB."""

MAX_EVENTS = MAX_LISTED
REPLAY_WINDOW = timedelta(hours=25)
EARLY = timedelta(minutes=5)
"""How far a provider's clock may be ahead of ours."""


class WebhookError(ValueError):
    """The request is not in its provider's format; `what` is a phrase."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class ForgedError(WebhookError):
    """The request is not authenticated as the provider's: nothing in it may be believed."""


@frozen
class Event:
    """A provider's event. `name` is stable across retries, and begins with the provider's."""

    name: str
    at: datetime
    reading: Bounce | Complaint | Unsubscribe


LoadCertificate = Callable[[str], bytes]
"""The PEM text at a verified address. Raises OSError."""


def _no_certificate(url: str) -> bytes:
    raise OSError(f"{url}: nobody is asked for certificates")


@frozen
class Post:
    """A request to a provider's hook: `headers` by lower-case name, and the provider's credentials: a secret, or for
    SNS our own `topics` and the loader of certificates from Amazon's addresses.
    """

    headers: Mapping[str, str]
    body: bytes
    secret: str = field(repr=False)
    now: datetime
    topics: tuple[str, ...] = ()
    load_certificate: LoadCertificate = _no_certificate


# --- authentication -------------------------------------------------------------------------------------------------


def check_login(post: Post) -> None:
    """Basic authentication in the webhook's URL (RFC 7617), for providers without signatures."""
    expected = "Basic " + base64.b64encode(post.secret.encode()).decode()
    # Security: compare in constant time, and reject everything without a secret.
    if ":" not in post.secret or not _equal(post.headers.get("authorization", ""), expected):
        raise ForgedError("it does not bear the user and password that were configured")


def check_token(post: Post, header: str) -> None:
    """A token of our own that the provider sends along."""
    # Security: as above.
    if not post.secret or not _equal(post.headers.get(header, ""), post.secret):
        raise ForgedError("it does not bear the token that was configured")


def check_hmac(post: Post, key: bytes, signed: bytes, signatures: tuple[str, ...], *, encoding: str = "hex") -> None:
    """HMAC-SHA256 of `signed`: one of the `signatures` must match, in hex or base64."""
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    expected = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    # Security: as above.
    if not key or not any(_equal(each, expected) for each in signatures):
        raise ForgedError("its signature does not hold")


def check_time(at: datetime | None, now: datetime) -> None:
    if at is None or not now - REPLAY_WINDOW <= at <= now + EARLY:
        raise ForgedError("it is too old, or of a time to come")


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


# --- content --------------------------------------------------------------------------------------------------------


def json_of(body: bytes) -> object:
    try:
        tree: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WebhookError("not JSON") from error
    return tree


def events_of(body: bytes) -> list[object]:
    """The events of a request: a list of them, or one."""
    tree = json_of(body)
    if isinstance(tree, list) and len(tree) <= MAX_EVENTS:
        return tree
    if isinstance(tree, dict):
        return [tree]
    raise WebhookError(f"not an event, nor a list of at most {MAX_EVENTS:,}")


def event_name(provider: str, given: str, event: object) -> str:
    """The event's name by the provider's own id, else by all its content."""
    if not given.strip() or len(given) > 200:
        given = hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()
    return f"{provider}:{given}"


def from_iso(text: str) -> datetime | None:
    """An ISO 8601 time; naive times are UTC."""
    try:
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text[:60]))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def from_stamp(text: str) -> datetime | None:
    """Seconds since 1970."""
    try:
        return datetime.fromtimestamp(float(text[:40]), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def refusal(
    address: str,
    words: str,
    provider: str,
    traces: Traces = Traces(),  # noqa: B008 - frozen
    *,
    status: str = "",
    otherwise: Kind = Kind.SOFT,
    delayed: bool = False,
) -> Bounce:
    """A provider's bounce event.

    The refusing server's text is classified by the table for reports; if it is not specific, the provider's own class
    counts: `otherwise`.
    """
    failure = failure_of(address, status, words, delayed=delayed)
    if not delayed and (failure.rule in UNDECIDED or not (words or status)):
        failure = replace(failure, kind=otherwise, rule=f"{provider}'s own class")
    return Bounce((failure,), traces, provider)


@frozen
class Confirmation:
    """SNS asks to confirm a subscription: a GET of `url`, which is Amazon's, does so."""

    topic: str
    url: str
