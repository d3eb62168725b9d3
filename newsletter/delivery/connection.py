"""One connection's worker: idle time-out of a relay's connection."""

from __future__ import annotations

IDLE_S = 20.0
"""A connection with nothing to do for longer is closed; RFC 5321, 4.5.3.2.7 lets a server do so after 5 minutes."""
