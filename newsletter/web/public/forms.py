"""Forms without cookies: fields, and the signed time at which the page was made (CSRF and bot protection)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from urllib.parse import parse_qsl

from newsletter.frozen import frozen
from newsletter.text import CONTROL
from newsletter.tokens import derive_key

MAX_FIELDS = 50
MAX_VALUE_CHARS = 500
"""The longest value of a field. A name has a few dozen characters; an address at most 254."""

TOO_QUICK_S = 2
"""A human does not complete the form faster."""

STALE_S = 24 * 3600
"""How long a page may be open before its form expires."""


@frozen
class Form:
    """The submitted fields, each name with its values in order.

    Control characters become blanks, the ends are trimmed.
    """

    values: Mapping[str, tuple[str, ...]]

    def one(self, name: str) -> str:
        """The first value, or an empty text."""
        return self.values.get(name, ("",))[0]

    def all(self, name: str) -> tuple[str, ...]:
        return self.values.get(name, ())


def read_form(body: bytes) -> Form:
    """Parse a body as `application/x-www-form-urlencoded`; any other body gives an empty form."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="replace")
    except ValueError:  # not ASCII, or too many fields
        return Form({})
    values: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        # Security: values go into mail headers, onto pages and into lists: one line each, of bounded length.
        harmless = CONTROL.sub(" ", value[:MAX_VALUE_CHARS]).strip()
        values[name] = (*values.get(name, ()), harmless)
    return Form(values)


class Age(Enum):
    """The check of a form's signed time."""

    GOOD = "good"
    QUICK = "quick"
    STALE = "stale"
    FORGED = "forged"


class FormClock:
    """Signs and verifies the time in a form, for one purpose, with the newest secret."""

    def __init__(self, secrets: Sequence[str], purpose: str) -> None:
        self._keys = tuple(derive_key(secret, f"form {purpose}", 32) for secret in secrets)

    def stamp(self, now: float) -> str:
        return self._signed(self._keys[0], f"{int(now):x}")

    def age(self, stamp: str, now: float) -> Age:
        if not re.fullmatch(r"[0-9a-f]{1,12}\.[0-9a-f]{32}", stamp):
            return Age.FORGED
        time = stamp.partition(".")[0]
        if not any(hmac.compare_digest(self._signed(key, time), stamp) for key in self._keys):
            return Age.FORGED
        seconds = now - int(time, 16)
        if seconds < TOO_QUICK_S:
            return Age.QUICK
        return Age.GOOD if seconds <= STALE_S else Age.STALE

    @staticmethod
    def _signed(key: bytes, time: str) -> str:
        return f"{time}.{hmac.digest(key, time.encode(), 'sha256')[:16].hex()}"
