"""Connect to a relay as a send does, note its answers, and quit."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime

from newsletter.delivery.smtp.connect import UnreachableError, connect
from newsletter.doctor.judge.relay import RelayAnswer
from newsletter.errors import DeliveryError
from newsletter.model.delivery import Relay

_STEPS = 4
"""Connecting, TLS, EHLO and AUTH: each may take the time limit."""


async def ask_relay(relay: Relay, *, timeout_s: float, tls_context: ssl.SSLContext | None = None) -> RelayAnswer:
    try:
        async with asyncio.timeout(_STEPS * timeout_s):
            connection = await connect(relay, timeout_s=timeout_s, tls_context=tls_context)
    except DeliveryError as error:
        return RelayAnswer(relay, failure=str(error), passing=isinstance(error, UnreachableError))
    except TimeoutError:
        what = f"{relay}: no answer in time; check host, port and firewall"
        return RelayAnswer(relay, failure=what, passing=True)
    transport = connection.transport
    secured = transport.get_extra_info("ssl_object")
    transport.write(b"QUIT\r\n")
    transport.abort()  # closing a TLS connection would wait for the peer's close_notify
    await asyncio.sleep(0)
    until = secured.getpeercert().get("notAfter") if secured else None
    return RelayAnswer(
        relay,
        connection.offers,
        tls_version=secured.version() or "" if secured else "",
        certificate_until=datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) if until else None,
    )
