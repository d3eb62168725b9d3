"""The providers that have a module each: their posts, valid, forged, told twice and old."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from webhook_samples import ADA, LOGIN, NOW, SAMPLES, Sample, login

from newsletter.bounces.results import Bounce, Complaint, Kind, Unsubscribe
from newsletter.bounces.webhooks.read import (
    READERS,
    Event,
    ForgedError,
    Provider,
    WebhookError,
    WebhookSecrets,
    read_webhook,
)
from newsletter.web.public.webhooks import VARIABLES

of_each = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.provider)


def read(sample: Sample, headers: dict[str, str], body: bytes, now: datetime = NOW, secret: str | None = None) -> Any:
    secrets = WebhookSecrets(**{sample.provider: sample.secret if secret is None else secret})
    return read_webhook(sample.provider, headers, body, secrets, now, lambda url: b"")  # type: ignore[arg-type]


def only(sample: Sample, kind: str) -> Event:
    (event,) = read(sample, *sample.post(kind))
    assert isinstance(event, Event)
    assert event.name.startswith(f"{sample.provider}:")
    assert abs(event.at - NOW) < timedelta(seconds=2)
    return event


def test_every_provider_has_a_sample_and_a_variable() -> None:
    assert set(READERS) == set(get_args(Provider))
    assert {sample.provider for sample in SAMPLES} == set(READERS) - {"ses", "postmark", "mailgun", "sendgrid"}
    assert set(VARIABLES) == set(READERS) - {"ses"}


@of_each
def test_a_dead_address(sample: Sample) -> None:
    reading = only(sample, "dead").reading
    assert isinstance(reading, Bounce)
    assert [(each.address, each.kind) for each in reading.failures] == [(ADA, Kind.HARD)]
    assert reading.failures[0].rule


@of_each
def test_a_complaint(sample: Sample) -> None:
    reading = only(sample, "complaint").reading
    assert isinstance(reading, Complaint)
    assert reading.traces.addresses == (ADA,)


@of_each
def test_a_wish_to_leave(sample: Sample) -> None:
    if sample.provider == "resend":
        assert read(sample, *sample.post("unsubscribe")) == ()  # it tells of none
    else:
        assert only(sample, "unsubscribe").reading == Unsubscribe(ADA, "")


@of_each
def test_a_delay_is_no_failure(sample: Sample) -> None:
    if sample.provider in ("mailjet", "aliyun"):
        assert read(sample, *sample.post("delayed")) == ()
    else:
        reading = only(sample, "delayed").reading
        assert isinstance(reading, Bounce)
        assert reading.failures[0].kind is Kind.DELAYED


@of_each
def test_what_else_it_tells_is_left_out(sample: Sample) -> None:
    if sample.provider == "generic":
        with pytest.raises(WebhookError, match="event 1 lacks"):
            read(sample, *sample.post("opened"))
    else:
        assert read(sample, *sample.post("opened")) == ()


@of_each
def test_told_twice_it_has_one_name(sample: Sample) -> None:
    first, second = sample.post("dead"), sample.post("dead")
    assert read(sample, *first)[0].name == read(sample, *second)[0].name
    assert only(sample, "dead").name != only(sample, "complaint").name or sample.provider in (
        *("generic", "resend", "mailersend", "sparkpost", "aliyun"),  # by their own id, which the samples share
    )


@of_each
def test_a_forged_post_is_refused(sample: Sample) -> None:
    headers, body = sample.post("dead")
    with pytest.raises(ForgedError):
        read(sample, {}, body)
    with pytest.raises(ForgedError):
        read(sample, {name: value[:-2] + "xx" for name, value in headers.items()}, body)
    with pytest.raises(ForgedError):
        read(sample, headers, body, secret="another:secret")
    with pytest.raises(ForgedError):
        read(sample, headers, body, secret="")


@pytest.mark.parametrize("provider", ["resend", "mailersend"])
def test_a_word_that_was_changed_breaks_the_signature(provider: str) -> None:
    (sample,) = (each for each in SAMPLES if each.provider == provider)
    headers, body = sample.post("dead")
    with pytest.raises(ForgedError, match="signature does not hold"):
        read(sample, headers, body.replace(b"ada@", b"bob@"))


@of_each
@pytest.mark.parametrize("hours", [-26, 1])
def test_a_post_of_another_day_is_refused(sample: Sample, hours: int) -> None:
    headers, body = sample.post("dead", NOW + timedelta(hours=hours))
    with pytest.raises(ForgedError, match="too old, or of a time to come"):
        read(sample, headers, body)


@of_each
@settings(max_examples=40, deadline=None)
@given(
    tree=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: (
            st.lists(each)
            | st.dictionaries(st.sampled_from(["email", "event", "type", "data", "msys", "to", "kind", "id"]), each)
        ),
        max_leaves=8,
    )
)
def test_anything_behind_a_good_signature_is_read_or_refused(sample: Sample, tree: object) -> None:
    body = json.dumps(tree).encode()
    with suppress(WebhookError):
        read(sample, sample.sign(body, sample.secret, NOW), body)


GENERIC = SAMPLES[0]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("hard", Kind.HARD), ("soft", Kind.SOFT), ("ours", Kind.SENDER_FAULT), ("delayed", Kind.DELAYED)],
)
def test_the_generic_hook_takes_the_posters_word(kind: str, expected: Kind) -> None:
    body = json.dumps({"id": "7", "email": ADA, "kind": kind}).encode()
    (event,) = read(GENERIC, login(body, LOGIN, NOW), body)
    assert event.name == "generic:7"
    assert event.reading.failures[0].kind is expected


@pytest.mark.parametrize("missing", ["id", "email", "kind"])
def test_the_generic_hook_says_what_is_missing(missing: str) -> None:
    whole = {"id": "7", "email": ADA, "kind": "hard"}
    body = json.dumps([whole, {name: value for name, value in whole.items() if name != missing}]).encode()
    with pytest.raises(WebhookError, match="event 2 lacks"):
        read(GENERIC, login(body, LOGIN, NOW), body)


def test_the_senders_trouble_is_nobodys_whatever_the_provider_calls_it() -> None:
    for sample in SAMPLES:
        _, body = sample.post("dead")
        if b"User unknown" not in body:
            continue
        body = body.replace(b"User unknown", b"blocked using a block list")
        (event,) = read(sample, sample.sign(body, sample.secret, NOW), body)
        assert event.reading.failures[0].kind is Kind.SENDER_FAULT, sample.provider
