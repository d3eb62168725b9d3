"""Webhooks of mail providers over HTTP: believed where they are signed, acted on before the 200."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest
from web_site import SECRET, TOML, Clock, Site, running
from webhook_payloads import ADA, CERTIFICATE, CERTIFICATE_URL, NOW, SECRETS, STRANGER, TOPIC, ses, sns

from newsletter.audience.people.records import Reason
from newsletter.bounces.webhooks.read import WebhookSecrets
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


@pytest.fixture
def hooked(tmp_path: Path) -> Iterator[Hooked]:
    clock, web = Clock(), Web()
    clock.now = NOW
    (tmp_path / "newsletter.toml").write_text(TOML)
    config = load_config(tmp_path / "newsletter.toml", {"NEWSLETTER_SECRET": SECRET}, tmp_path)
    with provider_hooks(config, SECRETS, clock, web) as hooks, running(tmp_path, hooks=hooks) as site:
        site.people.sign_up(ADA, source="test", wording="")
        site.people.confirm(ADA, source="test")
        yield Hooked(site, web)


def reasons(site: Site) -> list[Reason]:
    return [row.reason for rows in site.people.suppressions_of([ADA]).values() for row in rows]


def test_a_hard_bounce_takes_somebody_off_the_list_before_the_answer(hooked: Hooked) -> None:
    body = sns(ses(status="5.1.1", diagnosticCode="smtp; 550 5.1.1 user unknown"))
    for _ in range(2):
        assert hooked.site.ask("POST", "/hooks/ses", body).status == 200
        assert reasons(hooked.site) == [Reason.HARD_BOUNCE]
    assert hooked.web.asked == [CERTIFICATE_URL], "fetched once"
    assert len(hooked.site.people.story(ADA).bounces) == 1


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
