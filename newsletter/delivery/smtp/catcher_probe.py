"""Recognise this program's own mail catcher by its SMTP greeting; on the loopback interface only.

Quiet hours and rates are for mail that leaves the machine. Mail to a catcher reaches no recipient, so it is not
delayed.
"""

from __future__ import annotations

import contextlib
import socket

from newsletter.model.delivery import Relay

IDENT = "newsletter mail catcher"
"""The catcher's greeting is `220 localhost newsletter mail catcher`."""

PATIENCE_S = 2.0


def is_catcher(relay: Relay) -> bool:
    """Connect and read the greeting; False if there is no answer. Sends nothing but QUIT."""
    if not relay.is_loopback or relay.tls != "none":
        return False
    try:
        with socket.create_connection((relay.host, relay.port), timeout=PATIENCE_S) as connection:
            with connection.makefile("rb") as lines:
                greeting = lines.readline(512)
            with contextlib.suppress(OSError):
                connection.sendall(b"QUIT\r\n")
    except OSError:
        return False
    return greeting.startswith(b"220 ") and IDENT.encode() in greeting
