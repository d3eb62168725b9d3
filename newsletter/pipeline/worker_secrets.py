"""What identifies the secrets of a newsletter, so that machines with different ones do not send one issue."""

from __future__ import annotations

import hashlib
import hmac

from newsletter.config.config import Config


def secrets_mark(config: Config) -> str:
    """A keyed hash of the signing secret and of the DKIM keys: equal where they are, and of no use otherwise."""
    digest = hmac.new(config.secret.encode(), b"newsletter workers", hashlib.sha256)
    for key in config.dkim:
        digest.update(f"\n{key.domain} {key.selector} ".encode() + hashlib.sha256(key.pem).digest())
    return digest.hexdigest()
