"""One SMTP connection: connect, TLS, AUTH; then one message at a time, the server's replies -> `Outcome`.

A message may be lost only where nobody can know: a connection that breaks between the body and the reply leaves the
recipient `uncertain`, and nothing here ever sends such a message again. `committing` is recorded, by the caller's
`before_body`, when all that can be refused cheaply has been accepted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self

import aiosmtplib

from newsletter.errors import DeliveryError
from newsletter.model import Message, Outcome, Relay, State

QUIT_TIMEOUT_S = 5.0
"""How long to wait for the answer to QUIT, on which nothing depends."""

# A response exception is also raised for an answer that RFC 5321 does not have; a TimeoutError is an OSError.
_SMTP_ERRORS = (aiosmtplib.SMTPException, OSError)


class ConnectionLostError(Exception):
    """The connection is gone; the outcome of the message under way is in `outcome`, the next needs a new one."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


class SenderRefusedError(Exception):
    """The relay takes no mail from our address: nothing that another recipient would change."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


class Session:
    """A connection to a relay, open inside `async with`. Entering raises DeliveryError in one sentence."""

    def __init__(self, relay: Relay, *, timeout_s: float, tls_context: ssl.SSLContext | None = None) -> None:
        self.relay = relay
        self._timeout_s = timeout_s
        self._transport: asyncio.BaseTransport | None = None
        # Security: certificates and host names are verified, always; the parameter is for a private authority.
        context = tls_context or ssl.create_default_context()
        self._client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            timeout=timeout_s,
            use_tls=relay.tls == "implicit",
            # Never opportunistic: True fails where the server offers no STARTTLS, False never asks for it.
            start_tls=relay.tls == "starttls",
            tls_context=context if relay.tls != "none" else None,
        )

    async def __aenter__(self) -> Self:
        relay = self.relay
        try:
            await self._client.connect()
            self._transport = self._client.transport
            await self._greet()
            if relay.user:
                await self._client.login(relay.user, relay.password)
        except aiosmtplib.SMTPAuthenticationError as error:
            await self._close()
            raise DeliveryError(
                f"{relay}: the login as {relay.user} was refused ({error.code} {error.message}); "
                "set NEWSLETTER_SMTP_PASSWORD to this user's password"
            ) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            await self._close()
            raise DeliveryError(self._unreachable(error)) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._client.is_connected:
            # All that was to be sent has its answer: a relay that will not say goodbye takes nothing back.
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await self._client.quit(timeout=min(self._timeout_s, QUIT_TIMEOUT_S))
        await self._close()

    async def _close(self) -> None:
        """Let go of the socket now: a TLS connection that is merely closed waits for the other side's goodbye."""
        self._client.close()
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.abort()
            await asyncio.sleep(0)  # abort() leaves the rest to the loop's next round

    async def _greet(self) -> None:
        """Hear what the relay offers, before the first message asks; once more after STARTTLS (RFC 3207, 4.2)."""
        try:
            await self._client.ehlo()
        except aiosmtplib.SMTPHeloError:
            if self._client.is_connected:
                await self._client.helo()

    async def send(self, message: Message, before_body: Callable[[], None]) -> Outcome:
        """Hand one message over. `before_body` runs once the recipient was accepted, before any of the body goes out.

        Raises ConnectionLostError where the connection did not survive, SenderRefusedError where MAIL was answered
        with a permanent refusal.
        """
        client = self._client
        # RFC 6531: for an address that is not ASCII, be it in the envelope or in a header.
        needs_utf8 = not ((message.envelope_from + message.recipient).isascii() and message.data.isascii())
        if needs_utf8 and not client.supports_extension("smtputf8"):
            return Outcome(State.REJECTED, "MAIL", 0, "the relay does not offer SMTPUTF8, which this address needs")
        options = [f"SIZE={len(message.data)}"] if client.supports_extension("size") else []
        options += ["SMTPUTF8"] if needs_utf8 else []
        encoding = "utf-8" if needs_utf8 else "ascii"
        stage = "MAIL"
        try:
            await client.mail(message.envelope_from, options=options, encoding=encoding)
            stage = "RCPT"
            await client.rcpt(message.recipient, encoding=encoding)
        except _SMTP_ERRORS as error:
            return await self._failed(error, stage)
        before_body()  # outside: a ledger that cannot be written is no fault of the connection
        try:
            reply = await client.data(message.data)
        except _SMTP_ERRORS as error:
            return await self._failed(error, "DATA")
        return Outcome(State.SENT, "DATA", reply.code, _words(reply.message))

    async def _failed(self, error: Exception, stage: str) -> Outcome:
        """The outcome of a refusal; ConnectionLostError where the connection is gone or speaks no SMTP."""
        if isinstance(error, aiosmtplib.SMTPResponseException) and 400 <= error.code < 600:
            return await self._refused(error.code, error.message, stage)
        self._client.close()
        # The library does not tell a drop before the dot from one after it: both count as the latter.
        state = State.UNCERTAIN if stage == "DATA" else State.DEFERRED
        raise ConnectionLostError(Outcome(state, stage, 0, _words(error))) from error

    async def _refused(self, code: int, text: str, stage: str) -> Outcome:
        outcome = Outcome(State.DEFERRED if 400 <= code < 500 else State.REJECTED, stage, code, _words(text))
        if stage == "MAIL" and outcome.state is State.REJECTED:
            raise SenderRefusedError(Outcome(State.DEFERRED, stage, code, outcome.text))
        if code == 421:  # RFC 5321 3.8: the server closes the channel
            self._client.close()
            raise ConnectionLostError(outcome)
        try:
            await self._client.rset()
        except (aiosmtplib.SMTPException, OSError) as error:
            self._client.close()
            raise ConnectionLostError(outcome) from error
        return outcome

    def _unreachable(self, error: Exception) -> str:
        relay = self.relay
        cause = error.__cause__ or error
        if isinstance(cause, ssl.SSLCertVerificationError):
            what = cause.verify_message or "it could not be verified"
            remedy = "use the host name that the certificate is for, or have the server's certificate renewed"
            return f"{relay}: the certificate was refused ({what}); {remedy}"
        if isinstance(cause, ssl.SSLError):
            remedy = "write smtps:// for port 465 and smtp:// for 587"
            return f"{relay}: no TLS session ({cause.reason or cause}); {remedy}"
        if isinstance(error, aiosmtplib.SMTPConnectResponseError):
            return f"{relay}: the relay turned us away ({error.code} {_words(error.message)}); try again later"
        if isinstance(error, aiosmtplib.SMTPTimeoutError | TimeoutError):
            return f"{relay}: no answer in time; check host, port and firewall"
        if isinstance(error, aiosmtplib.SMTPResponseException) and error.code < 0:
            return f"{relay}: no SMTP server answers there ({_words(error.message)}); check host and port"
        if isinstance(error, aiosmtplib.SMTPResponseException):
            return f"{relay}: the relay said {error.code} {_words(error.message)} before any mail; ask who runs it"
        if "SMTP AUTH" in str(error):
            return f"{relay}: the relay offers no login; leave the user out of its address, or check the port"
        if "STARTTLS" in str(error):
            remedy = 'use smtps:// or a relay with STARTTLS; [relay] tls = "none" is for a relay on this machine'
            return f"{relay}: the relay offers no STARTTLS; {remedy}"
        words = os.strerror(cause.errno) if isinstance(cause, OSError) and cause.errno and cause.errno > 0 else cause
        return f"{relay}: cannot connect ({_words(words)}); check host and port, and that the relay is running"


def _words(text: object) -> str:
    """A server's words, or an error's, on one line: enhanced status codes and line ends as they came, in order."""
    words = str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join(words.split()) or type(text).__name__
