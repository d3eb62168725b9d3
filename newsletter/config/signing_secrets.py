"""The signing secrets from the environment: the newest signs, the older ones still verify."""

from __future__ import annotations

from collections.abc import Mapping

from newsletter.config.env_file import invalid_variable
from newsletter.config.mail_sections import SECRET_VARIABLE
from newsletter.text import CONTROL

MIN_SECRET = 16
"""The shortest secret: 16 random letters and digits are 95 bits, beyond guessing."""


SAMPLE_SECRET = "not a secret: for samples only"  # noqa: S105 - a literal for samples


SECRET_REMEDY = "what `openssl rand -hex 32` prints, and keep it: older links stop working with another one"  # noqa: S105


def read_secrets(env: Mapping[str, str]) -> tuple[str, ...]:
    """The secrets, comma-separated, the newest first: older ones verify what was mailed before."""
    text = env.get(SECRET_VARIABLE, "")
    if CONTROL.search(text):
        what = "the secret has a line break or control character"
        raise invalid_variable(env, SECRET_VARIABLE, what, "set the variable without it")
    secrets = tuple(secret.strip() for secret in text.split(",")) if text else ()
    for number, secret in enumerate(secrets, 1):
        if len(secret) < MIN_SECRET:
            which = "the secret" if len(secrets) == 1 else f"the secret number {number}, between commas,"
            what = f"{which} has fewer than {MIN_SECRET} characters and could be guessed"
            raise invalid_variable(env, SECRET_VARIABLE, what, f"set it to {SECRET_REMEDY}")
    return secrets
