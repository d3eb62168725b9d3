"""A relay -> an open connection: TCP, TLS, EHLO and AUTH, all of them aiosmtplib's work.

What comes after, one message at a time, is `smtp.Session`'s. Every failure is one sentence with a remedy. Those that
another try may mend are an `UnreachableError`; the rest is for the operator.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aiosmtplib

from newsletter.errors import DeliveryError
from newsletter.model import Relay
from newsletter.redaction import login_secrets, redacted

TOKEN_TIMEOUT_S = 60.0
"""How long the command that prints an access token may take: it may ask a server, no person."""


class UnreachableError(DeliveryError):
    """The relay is not to be had now; it may be later."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection, past EHLO and AUTH. `offers` maps each extension's name, in lower case, to its argument."""

    transport: asyncio.Transport
    offers: Mapping[str, str]
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What the login sent: the server may repeat it at any time."""


async def connect(relay: Relay, *, timeout_s: float, tls_context: ssl.SSLContext | None = None) -> Connection:
    """Connect and log in. Raises DeliveryError; each single step may take `timeout_s`."""
    # Security: certificates and host names are verified, always; the parameter is for a private authority.
    context = tls_context or (ssl.create_default_context() if relay.tls != "none" else None)
    client = aiosmtplib.SMTP(
        hostname=relay.host,
        port=relay.port,
        timeout=timeout_s,
        use_tls=relay.tls == "implicit",
        # Never opportunistic: True fails where the server offers no STARTTLS, False never asks for it.
        start_tls=relay.tls == "starttls",
        tls_context=context if relay.tls != "none" else None,
    )
    secrets: tuple[str, ...] = ()
    try:
        await client.connect()
        await _greet(client)
        if relay.user:
            password = await _access_token(relay) if relay.auth == "xoauth2" else relay.password
            secrets = login_secrets(relay.user, password)
            await _login(client, relay, password)
    except aiosmtplib.SMTPAuthenticationError as error:
        await _abandon(client)
        # Security: without the cause, whose own words a traceback would show.
        raise _login_refused(relay, error, secrets) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        logins = client.esmtp_extensions.get("auth", "").upper().split()  # closing forgets them
        await _abandon(client)
        raise _unreachable(relay, error, logins, secrets) from (None if secrets else error)
    except UnicodeError as error:  # Python's own codec for host names: a label is empty, or over 63 octets
        raise DeliveryError(f"{relay}: {relay.host} is no host name; check the relay's address") from error
    except BaseException:
        await _abandon(client)
        raise
    transport = client.transport
    if not isinstance(transport, asyncio.Transport):
        raise UnreachableError(f"{relay}: the connection broke after the login; try again later")
    offers = {name.lower(): value for name, value in client.esmtp_extensions.items()}
    return Connection(transport, offers, secrets)


async def _greet(client: aiosmtplib.SMTP) -> None:
    """Hear what the relay offers, before the first message asks; once more after STARTTLS (RFC 3207, 4.2)."""
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        if not client.is_connected:
            raise
        await client.helo()


async def _login(client: aiosmtplib.SMTP, relay: Relay, password: str) -> None:
    if relay.auth == "xoauth2":
        await client.auth_xoauth2(relay.user, password)
    elif relay.auth == "plain":
        await client.auth_plain(relay.user, password)
    elif relay.auth == "login":
        await client.auth_login(relay.user, password)
    else:
        await client.login(relay.user, password)


async def _access_token(relay: Relay) -> str:
    """What the configured command prints: a fresh token for each connection, since they last an hour or so.

    Security: the command is run without a shell, and nothing that it prints is ever shown.
    """
    program = relay.token_command[0]
    try:
        process = await asyncio.create_subprocess_exec(
            *relay.token_command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise DeliveryError(
            f"{relay}: token_command cannot be run: {program}: {error.strerror}; write the program's full path"
        ) from error
    try:
        async with asyncio.timeout(TOKEN_TIMEOUT_S):
            out, _ = await process.communicate()
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise DeliveryError(
            f"{relay}: token_command ({program}) printed nothing for {TOKEN_TIMEOUT_S:.0f} s; run it by hand"
        ) from error
    token = out.decode("ascii", "replace").strip()
    if process.returncode or not token or not token.isprintable():
        raise DeliveryError(
            f"{relay}: token_command ({program}) ended with code {process.returncode} and gave no access token; "
            "run it by hand"
        )
    return token


async def _abandon(client: aiosmtplib.SMTP) -> None:
    """Let go of the socket now: a TLS connection that is merely closed waits for the other side's goodbye."""
    transport = client.transport
    client.close()
    if isinstance(transport, asyncio.WriteTransport):
        with contextlib.suppress(OSError):
            transport.abort()
        await asyncio.sleep(0)  # abort() leaves the rest to the loop's next round


def _login_refused(relay: Relay, error: aiosmtplib.SMTPAuthenticationError, secrets: Sequence[str]) -> DeliveryError:
    said = f"{relay}: the login as {relay.user} was refused ({error.code} {_words(error.message, secrets)})"
    if 400 <= error.code < 500:
        return UnreachableError(f"{said}; try again later")
    if relay.auth == "xoauth2":
        return DeliveryError(f"{said}; see that token_command prints a token of this user with the right to send")
    return DeliveryError(f"{said}; set NEWSLETTER_SMTP_PASSWORD to this user's password")


def _unreachable(relay: Relay, error: Exception, logins: Sequence[str], secrets: Sequence[str]) -> DeliveryError:
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        what = cause.verify_message or "it could not be verified"
        remedy = "use the host name that the certificate is for, or have the server's certificate renewed"
        return DeliveryError(f"{relay}: the certificate was refused ({what}); {remedy}")
    if isinstance(cause, ssl.SSLError):
        remedy = "write smtps:// for port 465 and smtp:// for 587"
        return DeliveryError(f"{relay}: no TLS session ({cause.reason or cause}); {remedy}")
    if isinstance(error, aiosmtplib.SMTPConnectResponseError):
        return UnreachableError(
            f"{relay}: the relay turned us away ({error.code} {_words(error.message, secrets)}); try again later"
        )
    if isinstance(error, aiosmtplib.SMTPTimeoutError | TimeoutError):
        return UnreachableError(f"{relay}: no answer in time; check host, port and firewall")
    if isinstance(error, aiosmtplib.SMTPResponseException) and error.code < 0:
        return DeliveryError(
            f"{relay}: no SMTP server answers there ({_words(error.message, secrets)}); check host and port"
        )
    if isinstance(error, aiosmtplib.SMTPResponseException):
        said = f"{relay}: the relay said {error.code} {_words(error.message, secrets)} before any mail"
        if 400 <= error.code < 500:
            return UnreachableError(f"{said}; try again later")
        return DeliveryError(f"{said}; ask who runs it")
    if "No suitable authentication method" in str(error):
        offered = " ".join(logins) or "nothing that it names,"
        return DeliveryError(
            f"{relay}: the relay takes logins by {offered} only, and this program has none of these; ask who runs it "
            "for PLAIN or LOGIN over TLS, CRAM-MD5 or XOAUTH2, or for a relay that knows this machine by its address"
        )
    if "SMTP AUTH" in str(error):
        return DeliveryError(
            f"{relay}: the relay offers no login; leave the user out of its address, or check the port"
        )
    if "STARTTLS" in str(error):
        remedy = 'use smtps:// or a relay with STARTTLS; [relay] tls = "none" is for a relay on this machine'
        return DeliveryError(f"{relay}: the relay offers no STARTTLS; {remedy}")
    words = os.strerror(cause.errno) if isinstance(cause, OSError) and cause.errno and cause.errno > 0 else cause
    return UnreachableError(
        f"{relay}: cannot connect ({_words(words, secrets)}); check host and port, and that the relay is running"
    )


def _words(text: object, secrets: Sequence[str]) -> str:
    """A server's words, or an error's, on one line: enhanced status codes and line ends as they came, in order."""
    words = str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    # Security: some servers repeat the password in their refusal.
    return redacted(" ".join(words.split()), secrets) or type(text).__name__
