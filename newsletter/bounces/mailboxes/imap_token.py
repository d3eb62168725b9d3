"""OAuth 2 access token for a mailbox (XOAUTH2), printed by a configured command.

Google's and Microsoft's mailboxes accept one instead of a password (developers.google.com/gmail/imap/xoauth2-protocol).
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from newsletter.errors import ConfigError

TOKEN_TIMEOUT_S = 30.0
MAX_TOKEN = 16 * 1024


def access_token(command: Sequence[str], whose: str) -> str:
    """Get a fresh token, since they expire within about an hour. ConfigError if the command prints none.

    Security: the command is run without a shell, and its output is never shown.
    """
    program = command[0]
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command, as configured
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TOKEN_TIMEOUT_S,
            check=False,
        )
    except OSError as error:
        what = f"token_command cannot be run: {program}: {error.strerror}"
        raise ConfigError(what, "write the program's full path", path=whose) from error
    except subprocess.TimeoutExpired as error:
        what = f"token_command ({program}) printed nothing for {TOKEN_TIMEOUT_S:.0f} s"
        raise ConfigError(what, "run it by hand", path=whose) from error
    token = done.stdout[:MAX_TOKEN].decode("ascii", "replace").strip()
    if done.returncode or not token or not token.isprintable():
        what = f"token_command ({program}) ended with code {done.returncode} and gave no access token"
        raise ConfigError(what, "run it by hand", path=whose)
    return token


def xoauth2(user: str, token: str, challenge: bytes) -> bytes:
    """The SASL response: the token, and an empty response to the server's error, so that it sends NO."""
    return b"" if challenge else f"user={user}\x01auth=Bearer {token}\x01\x01".encode()
