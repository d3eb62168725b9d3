"""Connect to a relay: TCP, TLS, EHLO and AUTH, by aiosmtplib.

`smtp.Session` sends the messages afterwards. Every failure is one sentence with a remedy. Transient failures are an
`UnreachableError`; the others are for the operator to fix.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field

import aiosmtplib

from newsletter.errors import DeliveryError
from newsletter.frozen import frozen
from newsletter.model.delivery import Relay
from newsletter.redaction import login_secrets, redacted

TOKEN_TIMEOUT_S = 60.0
"""Time limit of the command that prints an access token: it may query a server, but not a user."""

SILENCE_S = 10.0
"""Report a relay that has not answered for this long. The RFC's time-outs are minutes; the wait continues."""

EHLO_REMEDY = 'set ehlo = "…" in [relay] to the full name that this machine has in the DNS'

_FULL_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.(?=[0-9-]*[a-z])[a-z0-9-]{2,63}")
_LOCAL_NAMES = (".localhost", ".localdomain", ".local", ".lan", ".home", ".internal", ".arpa", ".invalid", ".test")
"""Names that no public DNS has: RFC 6761, RFC 6762, and what routers invent. macOS reports a .arpa name for an address
without a name.
"""

_LOGINS = frozenset(name.upper() for name in aiosmtplib.SMTP.AUTH_METHODS)

_SELF_SIGNED = (18, 19)
"""OpenSSL's X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT and X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN."""

_NEEDS_TLS = (530, 538)
"""The codes by which a server asks for TLS first: RFC 3207, 4 and RFC 4954, 6."""

_OF_TLS = re.compile(r"\b5\.7\.1[01]\b|starttls|encryption", re.IGNORECASE)
_OF_EHLO = re.compile(r"\b(?:ehlo|helo)\b|need fully-?qualified hostname", re.IGNORECASE)


def refuses_ehlo(words: str) -> bool:
    """Whether a refusal is about the name in our EHLO."""
    return _OF_EHLO.search(words) is not None


class UnreachableError(DeliveryError):
    """The relay cannot be reached now; a retry may succeed."""


@frozen
class Connection:
    """An open connection after EHLO and AUTH. `offers` maps each extension's lower-case name to its argument."""

    transport: asyncio.Transport
    offers: Mapping[str, str]
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """The secrets that the login sent: the server may repeat them at any time, so they are redacted."""


async def connect(
    relay: Relay,
    *,
    timeout_s: float,
    tls_context: ssl.SSLContext | None = None,
    on_silence: Callable[[str], None] = lambda what: None,
) -> Connection:
    """Connect and log in. Raises DeliveryError; each single step may take `timeout_s`.

    `on_silence` is called with a sentence once the relay has not answered for `SILENCE_S`; the wait continues.
    """
    # Security: certificates and host names are verified, always; the parameter is for a private authority.
    uses_tls = relay.tls != "none" or relay.may_start_tls
    context = tls_context or (ssl.create_default_context() if uses_tls else None)
    client = aiosmtplib.SMTP(
        hostname=relay.host,
        port=relay.port,
        local_hostname=relay.ehlo or "localhost",  # no EHLO before `_ehlo_name` has chosen the name
        timeout=timeout_s,
        use_tls=relay.tls == "implicit",
        start_tls=False,
        tls_context=context if uses_tls else None,
    )
    secrets: tuple[str, ...] = ()
    try:
        with _reporting_silence(on_silence, lambda: _unanswered(client)):
            await client.connect()
        client.local_hostname = relay.ehlo or await _ehlo_name(client)
        with _reporting_silence(on_silence, lambda: "has not answered EHLO"):
            await _greet(client)
        if relay.tls == "starttls" or (relay.may_start_tls and _needs_tls_to_log_in(client, relay)):
            # Never opportunistic: without STARTTLS in the offer this fails.
            with _reporting_silence(on_silence, lambda: "has not answered STARTTLS"):
                await client.starttls()
                await _greet(client)
        if relay.user:
            password = await _access_token(relay) if relay.auth == "xoauth2" else relay.password
            secrets = login_secrets(relay.user, password)
            with _reporting_silence(on_silence, lambda: "has not answered the login"):
                await _login(client, relay, password)
    except aiosmtplib.SMTPAuthenticationError as error:
        await _abandon(client)
        # Security: drop the cause, whose text a traceback would print.
        raise _login_refused(relay, error, secrets) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        logins = client.esmtp_extensions.get("auth", "").upper().split()  # read now: closing clears them
        behind_tls = _needs_tls_to_log_in(client, relay)
        await _abandon(client)
        raise _unreachable(relay, error, logins, secrets, behind_tls=behind_tls) from (None if secrets else error)
    except UnicodeError as error:  # raised by Python's codec for host names: a label is empty, or over 63 octets
        raise DeliveryError(f"{relay}: {relay.host} is no host name", "check the relay's address") from error
    except BaseException:
        await _abandon(client)
        raise
    transport = client.transport
    if not isinstance(transport, asyncio.Transport):
        raise UnreachableError(f"{relay}: the connection broke after the login", "try again later")
    offers = {name.lower(): value for name, value in client.esmtp_extensions.items()}
    return Connection(transport, offers, secrets)


@contextlib.contextmanager
def _reporting_silence(tell: Callable[[str], None], what: Callable[[], str]) -> Iterator[None]:
    """Call `tell` with a description of the step when the block takes longer than `SILENCE_S`."""
    timer = asyncio.get_running_loop().call_later(SILENCE_S, lambda: tell(f"{what()} for {SILENCE_S:g} s"))
    try:
        yield
    finally:
        timer.cancel()


def _unanswered(client: aiosmtplib.SMTP) -> str:
    """The description of a connection that has not sent its greeting."""
    if client.transport is not None:
        return "has taken the connection and not said a word"
    return "has not answered the start of TLS" if client.use_tls else "has not taken the connection"


async def _ehlo_name(client: aiosmtplib.SMTP) -> str:
    """The name for EHLO: this machine's FQDN, else its address as an address literal (RFC 5321, 4.1.1.1 and 4.1.4).

    Relays refuse "localhost" and names without a dot (Postfix: reject_non_fqdn_helo_hostname).
    """
    name = (await asyncio.to_thread(socket.getfqdn)).lower().rstrip(".")
    if _FULL_NAME.fullmatch(name) and len(name) <= 255 and not name.endswith(_LOCAL_NAMES):
        return name
    return address_literal(client.get_transport_info("sockname"))


def address_literal(sockname: object) -> str:
    """A socket's own address as an EHLO address literal: [192.0.2.1], [IPv6:2001:db8::1]."""
    host = str(sockname[0]) if isinstance(sockname, tuple) and sockname else "127.0.0.1"
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return "[127.0.0.1]"
    if isinstance(address, ipaddress.IPv6Address):
        return f"[{address.ipv4_mapped}]" if address.ipv4_mapped else f"[IPv6:{address}]"
    return f"[{address}]"


def _needs_tls_to_log_in(client: aiosmtplib.SMTP, relay: Relay) -> bool:
    """Whether the relay offers STARTTLS, and no login of ours before it: none at all, or GSSAPI and NTLM alone."""
    offered = set(client.esmtp_extensions.get("auth", "").upper().split())
    ours = _LOGINS if relay.auth == "auto" else {relay.auth.upper()}
    return client.supports_extension("starttls") and not offered & ours


async def _greet(client: aiosmtplib.SMTP) -> None:
    """Send EHLO and read the extensions; again after STARTTLS (RFC 3207, 4.2)."""
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
    """Run the configured command and return the access token it prints. Each connection gets a fresh one, since they
    expire within about an hour.

    Security: the command is run without a shell, and its output is never shown.
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
            f"{relay}: token_command cannot be run: {program}: {error.strerror}", "write the program's full path"
        ) from error
    try:
        async with asyncio.timeout(TOKEN_TIMEOUT_S):
            out, _ = await process.communicate()
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise DeliveryError(
            f"{relay}: token_command ({program}) printed nothing for {TOKEN_TIMEOUT_S:.0f} s", "run it by hand"
        ) from error
    token = out.decode("ascii", "replace").strip()
    if process.returncode or not token or not token.isprintable():
        raise DeliveryError(
            f"{relay}: token_command ({program}) ended with code {process.returncode} and gave no access token",
            "run it by hand",
        )
    return token


async def _abandon(client: aiosmtplib.SMTP) -> None:
    """Abort the socket now: closing a TLS connection would wait for the peer's close_notify."""
    transport = client.transport
    client.close()
    if isinstance(transport, asyncio.WriteTransport):
        with contextlib.suppress(OSError):
            transport.abort()
        await asyncio.sleep(0)  # abort() finishes in the loop's next iteration


def _login_refused(relay: Relay, error: aiosmtplib.SMTPAuthenticationError, secrets: Sequence[str]) -> DeliveryError:
    said = f"{relay}: the login as {relay.user} was refused ({error.code} {_words(error.message, secrets)})"
    if 400 <= error.code < 500:
        return UnreachableError(said, "try again later")
    if relay.tls == "none" and (error.code in _NEEDS_TLS or _OF_TLS.search(error.message)):
        return DeliveryError(said, 'write tls = "starttls" in [relay]')
    if relay.auth == "xoauth2":
        return DeliveryError(said, "see that token_command prints a token of this user with the right to send")
    return DeliveryError(said, "set NEWSLETTER_SMTP_PASSWORD to this user's password")


def _unreachable(
    relay: Relay, error: Exception, logins: Sequence[str], secrets: Sequence[str], *, behind_tls: bool
) -> DeliveryError:
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        what = cause.verify_message or "it could not be verified"
        remedy = "use the host name that the certificate is for, or have the server's certificate renewed"
        if cause.verify_code in _SELF_SIGNED and relay.is_loopback:
            remedy = "set the environment variable SSL_CERT_FILE to a file with the server's own certificate"
        return DeliveryError(f"{relay}: the certificate was refused ({what})", remedy)
    if isinstance(cause, ssl.SSLError):
        remedy = "write smtps:// for port 465 and smtp:// for 587"
        return DeliveryError(f"{relay}: no TLS session ({cause.reason or cause})", remedy)
    if isinstance(error, aiosmtplib.SMTPConnectResponseError):
        return UnreachableError(
            f"{relay}: the relay turned us away ({error.code} {_words(error.message, secrets)})", "try again later"
        )
    if isinstance(error, aiosmtplib.SMTPTimeoutError | TimeoutError):
        remedy = "check host, port and firewall"
        if relay.port == 465 and relay.tls != "implicit":
            remedy = "write smtps://: on port 465 TLS starts at once"
        return UnreachableError(f"{relay}: no answer in time", remedy)
    if isinstance(error, aiosmtplib.SMTPResponseException) and error.code < 0:
        return DeliveryError(
            f"{relay}: no SMTP server answers there ({_words(error.message, secrets)})", "check host and port"
        )
    if isinstance(error, aiosmtplib.SMTPResponseException):
        said = f"{relay}: the relay said {error.code} {_words(error.message, secrets)} before any mail"
        if 400 <= error.code < 500:
            return UnreachableError(said, "try again later")
        if refuses_ehlo(error.message):
            return DeliveryError(said, EHLO_REMEDY)
        return DeliveryError(said, "ask who runs it")
    if behind_tls and ("No suitable authentication method" in str(error) or "SMTP AUTH" in str(error)):
        return DeliveryError(
            f"{relay}: the relay offers no login before STARTTLS", 'write tls = "starttls" in [relay], or leave tls out'
        )
    if "No suitable authentication method" in str(error):
        offered = " ".join(logins) or "nothing that it names,"
        return DeliveryError(
            f"{relay}: the relay takes logins by {offered} only, and this program has none of these",
            "ask who runs it for PLAIN or LOGIN over TLS, CRAM-MD5 or XOAUTH2, or for a relay that knows "
            "this machine by its address",
        )
    if "SMTP AUTH" in str(error):
        return DeliveryError(
            f"{relay}: the relay offers no login", "leave the user out of its address, or check the port"
        )
    if "STARTTLS" in str(error):
        remedy = 'use smtps:// or a relay with STARTTLS; [relay] tls = "none" is for a relay on this machine'
        return DeliveryError(f"{relay}: the relay offers no STARTTLS", remedy)
    words = os.strerror(cause.errno) if isinstance(cause, OSError) and cause.errno and cause.errno > 0 else cause
    return UnreachableError(
        f"{relay}: cannot connect ({_words(words, secrets)})", "check host and port, and that the relay is running"
    )


def _words(text: object, secrets: Sequence[str]) -> str:
    """A server's reply, or an error's text, on one line: enhanced status codes and lines in their order."""
    words = str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    # Security: some servers repeat the password in their refusal.
    return redacted(" ".join(words.split()), secrets) or type(text).__name__
