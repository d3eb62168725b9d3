"""One SMTP connection: connect, TLS, AUTH; then one message at a time, the server's replies -> `Outcome`.

A message may be lost only where nobody can know: a connection that breaks between the body and the reply leaves the
recipient `uncertain`, and nothing here ever sends such a message again. `committing` is recorded, by the caller's
`before_body`, when all that can be refused cheaply has been accepted.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self

import aiosmtplib

from newsletter.errors import DeliveryError
from newsletter.model import Message, Outcome, Relay, State


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
            if relay.user:
                await self._client.login(relay.user, relay.password)
        except aiosmtplib.SMTPAuthenticationError as error:
            self._client.close()
            raise DeliveryError(
                f"{relay}: the login as {relay.user} was refused ({error.code} {error.message}); "
                "set NEWSLETTER_SMTP_PASSWORD to this user's password"
            ) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            self._client.close()
            raise DeliveryError(self._unreachable(error)) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._client.is_connected:
            with contextlib.suppress(aiosmtplib.SMTPException):
                await self._client.quit()
        self._client.close()

    async def send(self, message: Message, before_body: Callable[[], None]) -> Outcome:
        """Hand one message over. `before_body` runs once the recipient was accepted, before any of the body goes out.

        Raises ConnectionLostError where the connection did not survive, SenderRefusedError where MAIL was answered
        with a permanent refusal.
        """
        stage = "MAIL"
        try:
            needs_utf8 = not (message.envelope_from + message.recipient).isascii()
            if needs_utf8 and not self._client.supports_extension("smtputf8"):
                return Outcome(State.REJECTED, "MAIL", 0, "the relay does not offer SMTPUTF8, which this address needs")
            options = [f"SIZE={len(message.data)}"] if self._client.supports_extension("size") else []
            options += ["SMTPUTF8"] if needs_utf8 else []
            encoding = "utf-8" if needs_utf8 else "ascii"
            await self._client.mail(message.envelope_from, options=options, encoding=encoding)
            stage = "RCPT"
            await self._client.rcpt(message.recipient, encoding=encoding)
            before_body()
            stage = "DATA"
            reply = await self._client.data(message.data)
        except aiosmtplib.SMTPResponseException as error:
            return await self._refused(error.code, error.message, stage)
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError) as error:
            self._client.close()
            # The library does not tell a drop before the dot from one after it: both count as the latter.
            state = State.UNCERTAIN if stage == "DATA" else State.DEFERRED
            raise ConnectionLostError(Outcome(state, stage, 0, _words(error))) from error
        return Outcome(State.SENT, stage, reply.code, _words(reply.message))

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
        if "STARTTLS" in str(error):
            remedy = 'use smtps:// or a relay with STARTTLS; [relay] tls = "none" is for a relay on this machine'
            return f"{relay}: the relay offers no STARTTLS; {remedy}"
        words = os.strerror(cause.errno) if isinstance(cause, OSError) and cause.errno and cause.errno > 0 else cause
        return f"{relay}: cannot connect ({_words(words)}); check host and port, and that the relay is running"


def _words(text: object) -> str:
    """A server's words, or an error's, on one line: enhanced status codes and line ends as they came, in order."""
    return " ".join(str(text).split()) or type(text).__name__
