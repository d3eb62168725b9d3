"""An SMTP session on one connection, one message at a time: maps the server's replies to an `Outcome`.

The session owns its connection and always knows how far a message has come: MAIL, RCPT, DATA, body, dot. If the
connection breaks before the final dot was written, the recipient provably has nothing (`deferred`); if it breaks after
it, the recipient may have the message or not (`uncertain`). A message is never sent a second time here.

    begin(message) -> accepted() -> body() -> dot(next message) -> verdict()

If the server offers PIPELINING (RFC 2920), an envelope goes out in one write, and the next message's envelope with
the dot of this one; else step by step. The calls are the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from typing import Self

from newsletter.delivery.smtp.connect import connect
from newsletter.delivery.smtp.replies import Reply, ends_connection, judge
from newsletter.delivery.smtp.reply_parser import NotSmtpError, ReplyParser
from newsletter.delivery.smtp.reply_timer import ReplyTimer
from newsletter.delivery.smtp.wire import Timeouts, command_bytes, most_messages, reply_words, stuffed
from newsletter.model.delivery import Message, Outcome, Relay, State
from newsletter.redaction import redacted

QUIT_TIMEOUT_S = 5.0
"""How long to wait for the reply to QUIT; nothing depends on it."""

OVERLAP_S = 5.0
"""How long to wait for the reply to the first envelope that was sent along with a dot. Some servers offer PIPELINING
and lose what comes with the dot (chasquid 1.11), against RFC 2920, 3.2; this leaves time to send it again.
"""

BLOCK_BYTES = 256 * 1024
"""How much of a body is passed to the kernel at once; each block has its own time-out."""


class LostError(Exception):
    """No reply will come: the connection is closed, too slow, or does not speak SMTP."""


class Session(asyncio.Protocol):
    """An open connection to a relay. `usable` becomes False once no further message may be begun on it."""

    def __init__(self, relay: Relay, offers: Mapping[str, str], timeouts: Timeouts) -> None:
        self.relay = relay
        self.pipelining = "pipelining" in offers
        self.begun = 0
        self.carried = 0
        """Messages over this connection whose outcome is known; the caller counts them."""
        self.envelope_lost = False
        """The envelope sent along with a dot was lost: its recipient has nothing and was not refused."""
        self._timeouts = timeouts
        self._block_s = timeouts.block
        self._wait_s = {
            "RSET": timeouts.mail,
            "MAIL": timeouts.mail,
            "RCPT": timeouts.rcpt,
            "DATA": timeouts.data,
            "BDAT": timeouts.data,
            "dot": timeouts.dot,
            "QUIT": min(QUIT_TIMEOUT_S, timeouts.mail),
        }
        self._has_size = "size" in offers
        self._max_bytes = int(size) if (size := offers.get("size", "")).strip().isdigit() else 0
        self.most_messages = most_messages(offers.get("limits", ""))
        """How many messages the server takes over one connection by its own account; 0 if it does not say."""
        self._has_8bit = "8bitmime" in offers
        self._has_utf8 = "smtputf8" in offers
        self._secrets: tuple[str, ...] = ()
        self._on_silence: Callable[[str], None] = lambda what: None
        self._transport: asyncio.Transport | None = None
        self._parser = ReplyParser(self._said)
        self._replies: deque[Reply] = deque()
        self._expected: deque[str] = deque()
        self._envelope: tuple[tuple[str, bytes], ...] = ()
        self._refused: Outcome | None = None
        self._needs_reset = False
        self._trying = False
        self._lost = ""
        self._goodbye: Reply | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._paused = False
        self._loop = asyncio.get_running_loop()
        self._timer = ReplyTimer(self._loop, on_silence=lambda what: self._on_silence(what), on_end=self._close)

    @classmethod
    async def open(
        cls,
        relay: Relay,
        *,
        timeouts: Timeouts,
        tls_context: ssl.SSLContext | None = None,
        on_silence: Callable[[str], None] = lambda what: None,
    ) -> Self:
        """Connect, start TLS, log in. Raises DeliveryError with one sentence.

        `on_silence` is called with a description of a step that the relay has not answered for ten seconds; the wait
        continues.
        """
        connection = await connect(relay, timeout_s=timeouts.connect, tls_context=tls_context, on_silence=on_silence)
        session = cls(relay, connection.offers, timeouts)
        session._on_silence = on_silence
        session._secrets = connection.secrets
        session._transport = connection.transport
        connection.transport.set_protocol(session)
        return session

    @property
    def usable(self) -> bool:
        return not self._lost and self._goodbye is None

    @property
    def farewell_for_count(self) -> str:
        """The server's goodbye, if it says that this connection has carried enough messages; else empty."""
        return self._farewell() if self._goodbye is not None and ends_connection(self._goodbye.text) else ""

    # --- one message ------------------------------------------------------------------------------------------------

    def begin(self, message: Message) -> None:
        """Send the envelope; without PIPELINING prepare it for `accepted`."""
        commands = self._prepare(message)
        if commands:
            self._write(commands)

    async def accepted(self) -> Outcome | None:
        """None when the server waits for the body; else the outcome of the message, whose body was not sent."""
        if self._refused is not None:
            return self._refused
        refusal: Outcome | None = None
        waits_for_body = False
        for stage, command in self._envelope:
            if not self.pipelining:
                if refusal is not None:
                    break
                self._write(command)
                self._expected.append(stage)
            trying, self._trying = self._trying, False
            try:
                reply = await self._reply(OVERLAP_S if trying else math.inf)
            except LostError as error:
                self.envelope_lost = trying
                return refusal or Outcome(State.DEFERRED, stage, 0, str(error))
            if reply.code == 421:  # RFC 5321, 3.8: the server closes the channel
                self._close(f"{reply.code} {reply.text}")
                return refusal or judge(stage, reply.code, reply.text)
            if reply.code // 100 == (3 if stage == "DATA" else 2):
                waits_for_body = stage in ("DATA", "BDAT")
            elif reply.code < 400 or stage == "RSET":
                self._close(f"the relay answered {stage} with {reply.code} {reply.text}")
                return refusal or Outcome(State.DEFERRED, stage, 0, self._lost)
            else:
                refusal = refusal or judge(stage, reply.code, reply.text)
        ends_by_dot = waits_for_body and self._envelope[-1][0] == "DATA"
        self._needs_reset = refusal is not None and not ends_by_dot
        if refusal is not None and ends_by_dot:
            await self._say_nothing()
        return refusal

    async def _say_nothing(self) -> None:
        """End a DATA that was accepted without any accepted recipient (RFC 2920, 3.1): send an empty body."""
        self._write(b".\r\n")
        self._expected.append("dot")
        try:
            if (await self._reply()).code == 421:
                self._close("the relay closed the connection")
        except LostError:
            pass  # the outcome is already known; `usable` is False now

    async def body(self, message: Message) -> Outcome | None:
        """Send all but the final dot. Returns an outcome only if the connection broke: nothing was delivered."""
        if self._lost or self._transport is None:
            return Outcome(State.DEFERRED, "body", 0, self._lost)
        data = stuffed(message.data) if message.needs_stuffing else message.data
        try:
            for start in range(0, len(data), BLOCK_BYTES):
                self._transport.write(data if len(data) <= BLOCK_BYTES else data[start : start + BLOCK_BYTES])
                if self._paused:
                    await self._drained()
        except LostError as error:
            return Outcome(State.DEFERRED, "body", 0, str(error))
        return None

    def dot(self, following: Message | None = None, *, trying: bool = False) -> Outcome | None:
        """Write the final dot, with the next message's envelope if that is allowed.

        `trying`: probe whether this server takes the two together; see `envelope_lost`.

        An outcome means that the dot was not written: the connection is closed, or the server replied out of turn.
        """
        if (broken := self._broken()) is not None:
            return broken
        self._expected.append("dot")
        envelope = self._prepare(following) if following else b""
        self._trying = trying and bool(envelope)
        self._write(b".\r\n" + envelope)
        return None

    def _broken(self) -> Outcome | None:
        """An outcome if the message must not be completed: the server replied out of turn, or the connection is closed,
        or about to be.
        """
        if self._replies or self._expected:
            self._close("the relay answered before it was asked")
        if self._goodbye is not None:
            self._close(f"{self._goodbye.code} {self._goodbye.text}")
        if self._transport is not None and self._transport.is_closing():
            # a write failed; `connection_lost` follows in the loop's next iteration
            self._close("the connection broke")
        return Outcome(State.DEFERRED, "body", 0, self._lost) if self._lost else None

    async def verdict(self) -> Outcome:
        """Wait for the server's reply to the whole message. No reply leaves it uncertain."""
        try:
            reply = await self._reply()
        except LostError as error:
            return Outcome(State.UNCERTAIN, "dot", 0, str(error))
        if reply.code == 421:
            self._close(f"{reply.code} {reply.text}")
        if reply.code // 100 == 2:
            return Outcome(State.SENT, "dot", reply.code, reply.text)
        if reply.code < 400:
            self._close(f"the relay answered the message with {reply.code} {reply.text}")
            return Outcome(State.UNCERTAIN, "dot", reply.code, reply.text)
        return judge("dot", reply.code, reply.text)

    def abort(self) -> None:
        """Drop the connection at any point."""
        self._close("closed by us")

    async def quit(self) -> None:
        """Send QUIT if the server still listens, and close. All that was sent has its reply by then."""
        if self.usable and not self._expected and not self._replies:
            self._write(b"QUIT\r\n")
            self._expected.append("QUIT")
            with contextlib.suppress(LostError):
                await self._reply()
        self._close("closed by us")
        await asyncio.sleep(0)  # abort() finishes in the loop's next iteration

    # --- the envelope -----------------------------------------------------------------------------------------------

    def _prepare(self, message: Message, body: bytes = b"") -> bytes:
        """Set the next envelope; with PIPELINING, its commands to be written at once. It ends with DATA, or with
        `body`, a BDAT.
        """
        is_ascii = message.data.isascii()
        self._envelope, self._refused = (), self._refusal(message, is_ascii)
        self.begun += 1
        if self._refused is not None:
            return b""
        last = ("BDAT", body) if body else ("DATA", b"DATA\r\n")
        envelope = (*self._addressed(message, is_ascii), last)
        self._envelope = (("RSET", b"RSET\r\n"), *envelope) if self._needs_reset else envelope
        self._needs_reset = False
        if not self.pipelining:
            return b""
        self._expected.extend([stage for stage, _ in self._envelope])
        return b"".join([command for _, command in self._envelope])

    def refuses(self, message: Message) -> Outcome | None:
        """The outcome of a message that the server cannot take by its own account; None for any other."""
        return self._refusal(message, message.data.isascii())

    def _refusal(self, message: Message, is_ascii: bool) -> Outcome | None:
        if self._needs_utf8(message, is_ascii) and not (self._has_utf8 and self._has_8bit):
            words = "the relay does not offer SMTPUTF8, which this address needs"
            return Outcome(State.REJECTED, "MAIL", 0, words)
        if self._max_bytes and len(message.data) > self._max_bytes:  # RFC 1870, 6
            words = f"the message has {len(message.data):,} bytes, the relay takes {self._max_bytes:,}"
            return Outcome(State.DEFERRED, "MAIL", 552, words, sender_fault=True)
        return None

    def _needs_utf8(self, message: Message, is_ascii: bool) -> bool:
        """RFC 6531: required for an address that is not ASCII, in the envelope or in a header."""
        return not (is_ascii and message.envelope_from.isascii() and message.recipient.isascii())

    def _addressed(self, message: Message, is_ascii: bool) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
        options = f" SIZE={len(message.data)}" if self._has_size else ""
        options += "" if is_ascii else " BODY=8BITMIME"
        options += " SMTPUTF8" if self._needs_utf8(message, is_ascii) else ""
        return (
            ("MAIL", command_bytes("MAIL FROM", message.envelope_from, options)),
            ("RCPT", command_bytes("RCPT TO", message.recipient, "")),
        )

    # --- replies ----------------------------------------------------------------------------------------------------

    async def _reply(self, at_most_s: float = math.inf) -> Reply:
        """The next reply, to the oldest open command. Raises LostError when none will come."""
        if not self._replies and not self._lost:
            self._waiter = self._loop.create_future()
            self._timer.start(self._expected[0], min(self._wait_s[self._expected[0]], at_most_s))
            try:
                await self._waiter
            finally:
                self._timer.stop()
                self._waiter = None
        if not self._replies:
            raise LostError(self._lost)
        self._expected.popleft()
        return self._replies.popleft()

    def data_received(self, data: bytes) -> None:
        if self._lost:
            return
        try:
            for reply in self._parser.feed(data):
                self._take_reply(reply)
                if self._lost:
                    return
        except NotSmtpError as error:
            self._close(f"the relay's answer {error}")

    def _said(self, text: bytes) -> str:
        """A server's text, safe to show, log and store."""
        # Security: a relay may repeat the password in any reply.
        return redacted(reply_words(text), self._secrets) if self._secrets else reply_words(text)

    def _take_reply(self, reply: Reply) -> None:
        if len(self._replies) < len(self._expected):
            self._replies.append(reply)
        elif reply.code == 421:  # RFC 5321, 3.8: a 421 may come at any time
            self._goodbye = reply
        else:
            self._close(f"the relay answered before it was asked: {reply.code} {reply.text}")
        self._wake()

    # --- the transport ----------------------------------------------------------------------------------------------

    def eof_received(self) -> bool:
        self._close("the relay closed the connection")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._close(f"the connection broke ({reply_words(exc)})" if exc else "the relay closed the connection")

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    async def _drained(self) -> None:
        """Wait until the kernel has taken the written bytes."""
        self._room = self._loop.create_future()
        limit = self._block_s
        timer = self._loop.call_later(limit, self._close, f"the relay took nothing of the body for {limit:g} s")
        try:
            await self._room
        finally:
            timer.cancel()
            self._room = None
        if self._lost:
            raise LostError(self._lost)

    def _write(self, data: bytes) -> None:
        if not self._lost and self._transport is not None:
            self._transport.write(data)

    def _close(self, why: str) -> None:
        """Abort the connection. The first reason is kept; replies that came before it are still read."""
        if self._lost:
            return
        self._lost = self._farewell() or why
        self._timer.cancel()
        if self._transport is not None:
            # abort(), not close(): TLS would wait for the peer's close_notify, and buffered bytes must not go out.
            self._transport.abort()
        self._wake()
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def _farewell(self) -> str:
        return f"{self._goodbye.code} {self._goodbye.text}" if self._goodbye else ""

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
