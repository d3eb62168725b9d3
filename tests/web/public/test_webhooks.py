"""Webhooks of mail providers over HTTP: believed where they are signed, acted on before the 200."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from web_site import SECRET, TOML, Clock, Site, running
from webhook_payloads import (
    ADA,
    AMAZON,
    BASIC,
    CERTIFICATE,
    CERTIFICATE_URL,
    MAILGUN_KEY,
    NOW,
    SECRETS,
    STRANGER,
    TOPIC,
    mailgun,
    postmark,
    sendgrid,
    ses,
    sns,
)
from webhook_samples import SAMPLES

from newsletter.audience.people.records import Reason
from newsletter.bounces.webhooks.read import READERS, WebhookSecrets
from newsletter.config.load import load_config
from newsletter.web.public.webhooks import hook_secrets, provider_hooks


@dataclass
class Web:
    """Amazon's certificate, and which addresses were asked for."""

    asked: list[str] = field(default_factory=list)

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        return CERTIFICATE


@dataclass
class Hooked:
    site: Site
    web: Web


@contextmanager
def hooked_site(folder: Path, secrets: WebhookSecrets, web: Web, toml: str = TOML) -> Iterator[Site]:
    """A site with one reader, at the hour of the samples."""
    clock = Clock()
    clock.now = NOW
    (folder / "newsletter.toml").write_text(toml)
    config = load_config(folder / "newsletter.toml", {"NEWSLETTER_SECRET": SECRET}, folder)
    with provider_hooks(config, secrets, clock, web) as hooks, running(folder, hooks=hooks) as site:
        site.people.sign_up(ADA, source="test", wording="")
        site.people.confirm(ADA, source="test")
        yield site


@pytest.fixture
def hooked(tmp_path: Path) -> Iterator[Hooked]:
    web = Web()
    with hooked_site(tmp_path, SECRETS, web) as site:
        yield Hooked(site, web)


def reasons(site: Site) -> list[Reason]:
    return [row.reason for rows in site.people.suppressions_of([ADA]).values() for row in rows]


def test_a_hard_bounce_takes_somebody_off_the_list_before_the_answer(hooked: Hooked) -> None:
    body = sns(ses(status="5.1.1", diagnosticCode="smtp; 550 5.1.1 user unknown"))
    for _ in range(2):
        assert hooked.site.ask("POST", "/hooks/ses", body).status == 200
        assert reasons(hooked.site) == [Reason.HARD_BOUNCE]
    assert hooked.web.asked == [CERTIFICATE_URL], "fetched once"
    assert len(hooked.site.people.history(ADA).bounces) == 1


# --- every provider, over HTTP --------------------------------------------------------------------------------------

Headers = dict[str, str]


def stamp(at: datetime) -> str:
    return str(int(at.timestamp()))


def dead_by_ses(at: datetime, key: rsa.RSAPrivateKey = AMAZON) -> tuple[Headers, bytes]:
    told = ses(status="5.1.1", diagnosticCode="smtp; 550 5.1.1 user unknown")
    return {}, sns(told, key=key, Timestamp=f"{at:%Y-%m-%dT%H:%M:%S}.123Z")


def dead_by_mailgun(at: datetime, key: str = MAILGUN_KEY) -> tuple[Headers, bytes]:
    status = {"code": 550, "message": "5.1.1 user unknown"}
    event = {"event": "failed", "severity": "permanent", "delivery-status": status, "timestamp": at.timestamp()}
    return {}, mailgun(stamp=stamp(at), key=key, **event)


def dead_by_sendgrid(at: datetime) -> tuple[Headers, bytes]:
    event = {"event": "bounce", "status": "5.1.1", "reason": "550 5.1.1 user unknown", "timestamp": int(at.timestamp())}
    body, headers = sendgrid(event, stamp=stamp(at))
    return headers, body


def dead_by_postmark(at: datetime) -> tuple[Headers, bytes]:
    return BASIC, postmark(BouncedAt=f"{at:%Y-%m-%dT%H:%M:%S}Z", Details="smtp;550 5.1.1 user unknown")


DEAD: dict[str, Callable[[datetime], tuple[Headers, bytes]]] = {
    "ses": dead_by_ses,
    "mailgun": dead_by_mailgun,
    "sendgrid": dead_by_sendgrid,
    "postmark": dead_by_postmark,
    **{sample.provider: partial(sample.post, "dead") for sample in SAMPLES},
}
ALL_SECRETS = replace(SECRETS, **{sample.provider: sample.secret for sample in SAMPLES})
of_each = pytest.mark.parametrize("provider", DEAD)


def forged(provider: str) -> tuple[Headers, bytes]:
    """As a stranger would sign it: with a key or a login of their own."""
    if provider in ("ses", "mailgun"):
        return dead_by_ses(NOW, STRANGER) if provider == "ses" else dead_by_mailgun(NOW, "another key")
    headers, body = DEAD[provider](NOW)
    return {
        name: value if value.isdecimal() else value[:-4] + value[-4:][::-1] for name, value in headers.items()
    }, body


@pytest.fixture
def of_all(tmp_path: Path) -> Iterator[Site]:
    with hooked_site(tmp_path, ALL_SECRETS, Web()) as site:
        yield site


def test_every_hook_is_tried() -> None:
    assert set(DEAD) == set(READERS)


@of_each
def test_a_valid_post_lets_a_dead_address_go_and_a_replayed_one_counts_once(of_all: Site, provider: str) -> None:
    headers, body = DEAD[provider](NOW)
    for _ in range(3):
        assert of_all.ask("POST", f"/hooks/{provider}", body, headers).status == 200
        assert reasons(of_all) == [Reason.HARD_BOUNCE]
    assert len(of_all.people.history(ADA).bounces) == 1


@of_each
def test_a_forged_post_changes_nothing(of_all: Site, provider: str) -> None:
    for headers, body in (forged(provider), ({}, b"[]"), ({}, b"{}")):
        assert of_all.ask("POST", f"/hooks/{provider}", body, headers).status == 403
    assert reasons(of_all) == []


@of_each
@pytest.mark.parametrize("hours", [-26, 2])
def test_an_old_post_and_one_of_a_time_to_come_change_nothing(of_all: Site, provider: str, hours: int) -> None:
    headers, body = DEAD[provider](NOW + timedelta(hours=hours))
    assert of_all.ask("POST", f"/hooks/{provider}", body, headers).status == 403
    assert reasons(of_all) == []


def test_a_subscription_of_our_own_topic_is_confirmed(hooked: Hooked) -> None:
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=x"
    body = sns("Do you want it?", kind="SubscriptionConfirmation", SubscribeURL=url, Token="x")
    assert hooked.site.ask("POST", "/hooks/ses", body).status == 200
    assert hooked.web.asked == [CERTIFICATE_URL, url]


@pytest.mark.parametrize(
    ("provider", "body", "status"),
    [
        ("ses", sns(ses(), key=STRANGER), 403),
        ("ses", b"{}", 403),
        ("ses", b"nonsense", 400),
        ("postmark", json.dumps({"RecordType": "Bounce"}).encode(), 403),
        ("mailgun", b"{}", 403),
        ("sendgrid", b"[]", 403),
        ("unknown", b"{}", 404),
    ],
)
def test_what_is_not_shown_to_be_theirs_changes_nothing(
    hooked: Hooked, provider: str, body: bytes, status: int
) -> None:
    assert hooked.site.ask("POST", f"/hooks/{provider}", body).status == status
    assert hooked.site.ask("GET", f"/hooks/{provider}").status in (404, 405)
    assert reasons(hooked.site) == []


def test_a_certificate_that_cannot_be_had_now_may_be_had_later(tmp_path: Path) -> None:
    def away(url: str) -> NoReturn:
        raise OSError("away")

    clock = Clock()
    clock.now = NOW
    (tmp_path / "newsletter.toml").write_text(TOML)
    config = load_config(tmp_path / "newsletter.toml", {"NEWSLETTER_SECRET": SECRET}, tmp_path)
    with provider_hooks(config, SECRETS, clock, away) as hooks, running(tmp_path, hooks=hooks) as site:
        assert site.ask("POST", "/hooks/ses", sns(ses())).status == 503


def test_only_providers_that_are_configured_have_a_hook(tmp_path: Path) -> None:
    toml = f'{TOML}[serve]\nses_topics = ["{TOPIC}"]\n'
    (tmp_path / "newsletter.toml").write_text(toml)
    config = load_config(tmp_path / "newsletter.toml", {}, tmp_path)
    env = {"NEWSLETTER_POSTMARK_WEBHOOK": "user:password", "NEWSLETTER_SENDGRID_WEBHOOK": "key"}
    secrets = hook_secrets(config, env)
    assert secrets == WebhookSecrets((TOPIC,), "user:password", "", "key")
    with provider_hooks(config, secrets, Clock()) as hooks:
        assert sorted(hooks) == ["postmark", "sendgrid", "ses"]


# --- [alerts] on_event ----------------------------------------------------------------------------------------------


def test_the_operators_command_hears_of_bounces_and_departures_by_number(tmp_path: Path) -> None:
    program, told = tmp_path / "hook.py", tmp_path / "told.jsonl"
    program.write_text(f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read())")
    toml = f'{TOML}\n[alerts]\non_event = ["{sys.executable}", "{program}"]\n'
    posts = [
        dead_by_postmark(NOW),
        dead_by_postmark(NOW),  # once more: no news
        (BASIC, json.dumps({"RecordType": "SubscriptionChange", **LEFT}).encode()),
    ]
    with hooked_site(tmp_path, ALL_SECRETS, Web(), toml) as site:
        for headers, body in posts:
            assert site.ask("POST", "/hooks/postmark", body, headers).status == 200
    # The hooks are closed, and with them the thread that tells.
    events = [json.loads(line) for line in told.read_text().splitlines()]
    bounced = [(each["count"], each["suppressed"], each["complaints"]) for each in events if each["event"] == "bounced"]
    assert bounced == [(1, 1, 0)]
    assert [(each["count"], each["how"]) for each in events if each["event"] == "left"] == [(1, "provider")]
    assert "@" not in told.read_text()


LEFT = {
    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
    "Recipient": "grace@example.com",
    "Origin": "Recipient",
    "SuppressSending": True,
    "SuppressionReason": "ManualSuppression",
    "ChangedAt": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
}
"""Grace, whom nobody has mailed yet, clicked at Postmark's own page."""
