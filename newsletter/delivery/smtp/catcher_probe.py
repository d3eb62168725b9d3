"""Recognise this program's mail catcher by its greeting; on this machine only.

Quiet hours and rates are for mail that leaves: what a catcher takes reaches nobody, and nothing has to hold it.
"""

from __future__ import annotations

import contextlib
import socket

from newsletter.model.delivery import Relay

IDENT = "newsletter mail catcher"
"""How a catcher greets: `220 localhost newsletter mail catcher`."""

PATIENCE_S = 2.0


def is_catcher(relay: Relay) -> bool:
    """Connect and read the greeting; False where there is no answer. Does not log in and sends nothing but QUIT."""
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
