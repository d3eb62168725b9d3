"""Mail alerts to the operator, through a separate relay if one is configured."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid

from newsletter.config.config import Config
from newsletter.config.publish_sections import ALERT_PASSWORD_VARIABLE
from newsletter.config.relay_url import PASSWORD_VARIABLE, read_relay
from newsletter.delivery.smtp.session import Session
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.errors import ConfigError, DeliveryError, InvalidValueError
from newsletter.frozen import frozen
from newsletter.model.delivery import Message, Relay, State

TIMEOUT_S = 30.0


@frozen
class AlertMail:
    """Sender, recipient and relay of alert mails."""

    to: str
    sender: str
    name: str
    relay: Relay


def alert_mail_of(config: Config, env: Mapping[str, str]) -> AlertMail | None:
    """The alert mail configured by [alerts] `mail`; None if it is not set. Raises InvalidValueError, ConfigError."""
    keys = config.settings.alerts
    if not keys.mail:
        return None
    if keys.mail_relay:
        # Security: never send the newsletter relay's password to this server.
        relay = read_relay(keys.mail_relay, {PASSWORD_VARIABLE: env.get(ALERT_PASSWORD_VARIABLE, "")}, "auto")
    elif config.relay is not None:
        relay = config.relay
    else:
        raise InvalidValueError("has no relay to go through", 'write mail_relay = "smtp://user@mail.example.com:587"')
    return AlertMail(keys.mail, config.sample_sender.address, config.settings.newsletter.name, relay)


def send_alert_mail(alert: AlertMail, subject: str, body: str, now: datetime) -> str:
    """Mail an alert. Returns the fault as a sentence without the address; empty if it was accepted."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = formataddr((alert.name, alert.sender))
    mail["To"] = alert.to
    mail["Subject"] = subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = make_msgid(domain=alert.sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: prevents vacation replies
    mail.set_content(body)
    message = Message(alert.sender, alert.to, str(mail["Message-ID"]), bytes(mail))
    try:
        return asyncio.run(_deliver(alert.relay, message))
    except (DeliveryError, ConfigError, OSError) as error:
        return f"[alerts] mail was not sent: {error}"


async def _deliver(relay: Relay, message: Message) -> str:
    session = await Session.open(relay, timeouts=Timeouts.capped(TIMEOUT_S, TIMEOUT_S))
    try:
        session.begin(message)
        refused = await session.accepted() or await session.body(message) or session.dot()
        outcome = refused or await session.verdict()
    finally:
        await session.quit()
    if outcome.state is State.SENT:
        return ""
    said = f"{outcome.code or ''} {outcome.text}".strip().replace(message.recipient, "…")
    return f"[alerts] mail was not sent: {relay.host} answers {said or 'nothing'}"
