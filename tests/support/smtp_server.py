"""A scripted SMTP server: real sockets, real TLS, and a fault at any command.

It runs on port 0 of 127.0.0.1, in a thread of its own. `Rule`s define its misbehaviour; `messages`, `commands`,
`connections` and `violations` record what it saw. A message whose final dot was read is kept unless the rule for the
dot refuses or loses it: so a mail can arrive without the sender's knowledge.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeAlias

from newsletter.model.delivery import Relay

Point = Literal[
    "connect", "EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BDAT", "body", "dot", "RSET", "QUIT"
]
"""Where a rule can apply. `body` is within the text, before its dot; `dot` is after it, before the reply; a last chunk
has the same two. `BDAT` is after any other chunk.
"""


class Fault(Enum):
    DROP = "close the connection without a word"
    LOSE = "the same, and forget the message whose dot was just read"
    LEAVE = "say nothing more, and read until the client has closed: nothing is reset"
    SILENCE = "never answer, keep the connection"
    HOLD = "go on once the test calls `release`: with the next matching rule, or as usual"


Action: TypeAlias = "str | bytes | Fault | Callable[[], object] | tuple[bytes | Fault, ...]"
"""A reply line (one that begins with 421 closes), raw bytes, a fault, a callable, or several in a row."""

EXTENSIONS = ("PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8")
CHUNKS = (*EXTENSIONS, "CHUNKING")
PLAIN = EXTENSIONS[1:]
"""The extensions of a relay without PIPELINING."""


HANGS_S = 600.0
"""Longer waits never end; on a busy machine a second's work may take a minute."""


def _most_buffered() -> int:
    """The largest send buffer that the kernel gives a connection (tcp(7), tcp_wmem); 4 MB unless it says more."""
    setting = Path("/proc/sys/net/ipv4/tcp_wmem")
    return int(setting.read_text().split()[2]) if setting.exists() else 4 << 20


BEYOND_BUFFERS = max(_most_buffered(), 4 << 20) + (1 << 20)
"""The size of a body that exceeds all buffers on the way, if the server has `receive_bytes`: its dot waits for the
server to read, however busy the machine. Loopback's send buffers start at 2.5 MB.
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """At `point`, do `action`. A callable runs first, in the server's thread; then the next matching rule applies.

    `times` are the occurrences of that point, from 1, on all connections together (default: all); `about` limits the
    rule to transactions whose recipient contains this text; `once` applies it the first time only.
    """

    point: Point
    action: Action
    times: tuple[int, ...] = ()
    about: str = ""
    once: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """One message: the envelope, and the content between DATA and the dot, unstuffed."""

    connection: int
    mail_from: str
    recipient: str
    data: bytes = field(repr=False)

    @property
    def mail(self) -> EmailMessage:
        return read_mail(self.data)

    @property
    def message_id(self) -> str:
        found = re.search(rb"(?im)^Message-ID:\s*(\S+)", self.data)
        return found[1].decode() if found else ""


def read_mail(data: bytes) -> EmailMessage:
    mail = BytesParser(policy=policy.default).parsebytes(data)
    assert isinstance(mail, EmailMessage)
    return mail


class SmtpServer:
    """Start it with `with`; then `relay` is its address. With `login` it offers AUTH and accepts only these two words.

    `together` answers commands of one segment in one segment; `dribble` answers byte by byte. `empty_data` answers 354
    to a DATA without recipients, as RFC 2920 (3.1) allows. After `messages_per_connection` it answers 421, or `enough`,
    each time.
    `injected` follows the unencrypted reply to STARTTLS. `receive_bytes` limits the kernel's buffer. `forgetful`
    discards what came with a dot, as chasquid does. `knows_chunks` is False for a relay that reads what follows BDAT as
    commands.
    `script` takes precedence over the rules: the point and its recipient -> an action, None for none.
    """

    def __init__(
        self,
        *rules: Rule,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
        mechanisms: str = "PLAIN LOGIN",
        extensions: Sequence[str] = EXTENSIONS,
        together: bool = False,
        dribble: bool = False,
        empty_data: bool = False,
        messages_per_connection: int = 0,
        enough: bytes = b"421 4.7.0 too many messages over one connection",
        injected: bytes = b"",
        receive_bytes: int = 0,
        forgetful: bool = False,
        knows_chunks: bool = True,
        script: Callable[[Point, str], Action | None] = lambda point, recipient: None,
    ) -> None:
        self.rules = list(rules)
        self.port = 0
        self.messages: list[Received] = []
        self.commands: list[str] = []
        self.connections = 0
        self.violations: list[str] = []
        self._tls = tls
        self._implicit = implicit
        self._login = login
        self._mechanisms = mechanisms
        self._extensions = tuple(extensions)
        self._together = together
        self._dribble = dribble
        self._empty_data = empty_data
        self._messages_per_connection = messages_per_connection
        self._enough = enough
        self._injected = injected
        self._receive_bytes = receive_bytes
        self._forgetful = forgetful
        self._knows_chunks = knows_chunks
        self._script = script
        # With messages sent ahead there is always something unread, and a reset may take the 421 with it.
        self._goodbye = Fault.LEAVE if "CHUNKING" in self._extensions else Fault.DROP
        self._seen: Counter[Point] = Counter()
        self._open: set[_Connection] = set()
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._holding = asyncio.Semaphore(0)
        self._thread: threading.Thread | None = None

    # --- for the test -----------------------------------------------------------------------------------------------

    @property
    def relay(self) -> Relay:
        return Relay("127.0.0.1", self.port, "none")

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def recipients(self) -> list[str]:
        return [message.recipient for message in self.messages]

    @property
    def copies(self) -> Counter[str]:
        """How often each Message-ID arrived."""
        return Counter(message.message_id for message in self.messages)

    def seen(self, point: Point) -> int:
        return self._seen[point]

    def wait_for(self, condition: Callable[[SmtpServer], bool], timeout_s: float = HANGS_S) -> None:
        """Block until `condition` holds, checked after each event."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), timeout_s), "the server never saw this"

    def release(self, count: int = 1) -> None:
        """Release this many held replies, present or future."""
        for _ in range(count):
            self._in_loop(self._holding.release)

    def hang_up(self, last_words: bytes = b"") -> None:
        """Close every connection, whatever its state."""

        def close() -> None:
            for connection in self._open:
                connection.writer.write(last_words)
                connection.writer.close()

        self._in_loop(close)

    def _in_loop(self, call: Callable[[], object]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(call)

    def __enter__(self) -> Self:
        ready: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready)), name="SMTP server", daemon=True)
        self._thread.start()
        self.port = ready.result(timeout=HANGS_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._stop is not None
        assert self._thread is not None
        self._in_loop(self._stop.set)
        self._thread.join(timeout=HANGS_S)
        assert not self._thread.is_alive()

    # --- the server -------------------------------------------------------------------------------------------------

    async def _run(self, ready: Future[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        open_connections: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            open_connections.add(task)
            connection = _Connection(self, reader, writer)
            self._open.add(connection)
            try:
                await connection.serve()
            except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, _ClosedError):
                pass
            except asyncio.CancelledError:
                pass  # the test is over
            finally:
                open_connections.discard(task)
                self._open.discard(connection)
                writer.transport.abort()
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    await writer.wait_closed()
                self._notify()

        listening = socket.create_server(("127.0.0.1", 0))
        # asyncio sets this only for its own sockets; without it each reply but the first waits 40 ms for an ACK.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._receive_bytes:  # before anyone connects: an accepted socket inherits it
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_bytes)
        limit = self._receive_bytes or 64 * 1024 * 1024
        context = self._tls if self._implicit else None
        server = await asyncio.start_server(serve, sock=listening, limit=limit, ssl=context)
        ready.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        for task in list(open_connections):
            task.cancel()
        await asyncio.gather(*open_connections, return_exceptions=True)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    async def _rule(self, point: Point, recipient: str) -> tuple[bytes | Fault, ...]:
        """Count the occurrence, and return the action of the first matching rule; None if none matches."""
        with self._changed:
            self._seen[point] += 1
            number = self._seen[point]
            self._changed.notify_all()
        scripted = self._script(point, recipient)
        if scripted is not None:
            return await self._done(scripted) or ()
        for rule in list(self.rules):
            if rule.point == point and number in (rule.times or (number,)) and rule.about in recipient:
                if rule.once:
                    self.rules.remove(rule)
                done = await self._done(rule.action)
                if done is not None:
                    return done
        return ()

    async def _done(self, action: Action) -> tuple[bytes | Fault, ...] | None:
        """An action as a sequence of replies and faults; None if it was only a call or a pause."""
        match action:
            case Fault.HOLD:
                await self._holding.acquire()
                return None
            case str():
                line = f"{action}\r\n".encode()
                return (line, self._goodbye) if action.startswith("421") else (line,)
            case bytes() | Fault():
                return (action,)
            case tuple():
                return action
            case _:
                action()
                return None


class _ClosedError(Exception):
    """We closed the connection, by a rule."""


class _Connection:
    def __init__(self, server: SmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        server.connections += 1
        self.number = server.connections
        self.encrypted = server._implicit
        self.taken = 0
        self.mail_from = ""
        self.recipient = ""
        self.in_mail = self.has_recipient = False
        self.waiting = b""
        self.chunks = b""

    async def serve(self) -> None:
        await self.answer("connect", "220 mail.test ESMTP")
        while line := await self.reader.readline():
            command = line.decode("utf-8", "replace").rstrip("\r\n")
            self.server.commands.append(command)
            verb, _, argument = command.partition(" ")
            await self.handle(verb.upper(), argument)

    async def handle(self, verb: str, argument: str) -> None:
        match verb:
            case "EHLO":
                offers = [*self.server._extensions]
                if self.server._tls and not self.encrypted:
                    offers.append("STARTTLS")
                if self.server._login:
                    offers.append(f"AUTH {self.server._mechanisms}")
                await self.answer(
                    "EHLO", "\r\n".join([*(f"250-{line}" for line in ["mail.test", *offers]), "250 HELP"])
                )
            case "HELO":
                await self.answer("HELO", "250 mail.test")
            case "STARTTLS":
                if await self.answer("STARTTLS", "220 go ahead", self.server._injected):
                    assert self.server._tls is not None
                    await self.writer.start_tls(self.server._tls)
                    self.encrypted = True
            case "AUTH":
                right = await self.login(argument)
                await self.answer("AUTH", "235 2.7.0 welcome" if right else "535 5.7.8 credentials invalid")
            case "MAIL":
                await self.mail(argument)
            case "RCPT":
                self.recipient = _path(argument)
                self.has_recipient = self.in_mail and await self.answer("RCPT", "250 2.1.5 recipient ok")
                if not self.in_mail:
                    await self.say(b"503 5.5.1 MAIL first\r\n")
            case "DATA":
                if self.has_recipient or (self.in_mail and self.server._empty_data):
                    if await self.answer("DATA", "354 end with a dot"):
                        await self.take_message()
                else:
                    await self.say(b"503 5.5.1 no valid recipients\r\n")
            case "BDAT" if self.server._knows_chunks:
                await self.take_chunk(*argument.split(" "))
            case "RSET":
                self.in_mail = self.has_recipient = False
                await self.answer("RSET", "250 2.0.0 reset")
            case "QUIT":
                await self.answer("QUIT", "221 2.0.0 bye")
                raise _ClosedError
            case _:
                if self.server._knows_chunks:
                    self.server.violations.append(f"no command: {verb}")
                await self.say(b"502 5.5.1 not known here\r\n")

    async def mail(self, argument: str) -> None:
        if self.in_mail:
            self.server.violations.append("MAIL in a transaction")
            await self.say(b"503 5.5.1 one at a time\r\n")
            return
        self.mail_from, self.recipient, self.has_recipient, self.chunks = _path(argument), "", False, b""
        if 0 < self.server._messages_per_connection <= self.taken:
            if self.server._enough.startswith(b"421"):
                await self.act((self.server._enough + b"\r\n", self.server._goodbye))
            await self.say(self.server._enough + b"\r\n")
            return
        self.in_mail = await self.answer("MAIL", "250 2.1.0 sender ok")

    async def take_message(self) -> None:
        first = await self.line()
        if first == b".\r\n":
            self.in_mail = False
            await self.say(b"554 5.5.1 no valid recipients\r\n")
            return
        if not self.has_recipient:
            self.server.violations.append("a body for nobody")
        await self.act(await self.server._rule("body", self.recipient))
        text = bytearray(first)
        while not text.endswith(b"\r\n.\r\n"):
            text += await self.line()
        if self.server._forgetful:
            self.reader._buffer.clear()  # type: ignore[attr-defined]
        await self.take(re.sub(rb"(?m)^\.", b"", bytes(text.removesuffix(b".\r\n"))))

    async def take_chunk(self, size: str, last: str = "") -> None:
        """RFC 3030: the octets are read whatever the answer is; a chunk for nobody is refused."""
        if not int(size):
            self.server.violations.append("an empty chunk")
        if last and self.has_recipient:
            await self.act(await self.server._rule("body", self.recipient))
        octets = await self.reader.readexactly(int(size))
        if not self.has_recipient:
            await self.say(b"503 5.5.1 no valid recipients\r\n")
        elif last:
            await self.take(self.chunks + octets)
        else:
            self.chunks += octets
            self.has_recipient = await self.answer("BDAT", f"250 2.0.0 {size} octets")

    async def take(self, text: bytes) -> None:
        """Keep the whole message, and answer it."""
        received = Received(self.number, self.mail_from, self.recipient, text)
        self.in_mail = self.has_recipient = False
        self.taken += 1
        # Stored before anything else happens: if the sender is killed at this point, the mail has arrived.
        self.server.messages.append(received)
        actions = await self.server._rule("dot", self.recipient)
        if actions and (actions[0] is Fault.LOSE or str(actions[0])[:3] in ("b'4", "b'5")):
            self.server.messages.remove(received)
        await self.act(actions or (b"250 2.0.0 queued\r\n",))

    async def line(self) -> bytes:
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise _ClosedError
        return line

    async def login(self, argument: str) -> bool:
        mechanism, _, initial = argument.partition(" ")
        if mechanism == "PLAIN":
            _, user, password = base64.b64decode(initial).decode().split("\0")
        elif mechanism == "XOAUTH2":
            user, bearer, *_ = base64.b64decode(initial).decode().split("\1")
            user, password = user.removeprefix("user="), bearer.removeprefix("auth=Bearer ")
            if (user, password) != self.server._login:
                # The error as Google and Microsoft give it; the client has to answer with an empty line.
                assert await self.ask(base64.b64encode(b'{"status":"401","schemes":"bearer"}').decode()) == b""
        else:
            user = base64.b64decode(initial or await self.ask("VXNlcm5hbWU6")).decode()
            password = base64.b64decode(await self.ask("UGFzc3dvcmQ6")).decode()
        return (user, password) == self.server._login

    async def ask(self, challenge: str) -> bytes:
        await self.say(f"334 {challenge}\r\n".encode())
        return (await self.reader.readline()).strip()

    async def answer(self, point: Point, reply: str, more: bytes = b"") -> bool:
        """Send what the rules say, else `reply`. True if that was a positive reply."""
        actions = await self.server._rule(point, self.recipient) or (f"{reply}\r\n".encode() + more,)
        await self.act(actions)
        return isinstance(actions[0], bytes) and actions[0][:1] in (b"2", b"3")

    async def act(self, actions: tuple[bytes | Fault, ...]) -> None:
        for action in actions:
            match action:
                case bytes():
                    await self.say(action)
                case Fault.LEAVE:
                    await self.writer.drain()
                    if self.writer.can_write_eof():
                        with contextlib.suppress(OSError):  # the client is gone
                            self.writer.write_eof()
                        await self.reader.read()
                    raise _ClosedError
                case Fault.SILENCE:
                    await self.reader.read()  # until the client gives up
                    raise _ClosedError
                case _:
                    await self.writer.drain()
                    raise _ClosedError

    async def say(self, reply: bytes) -> None:
        if self.server._dribble:
            for byte in reply:
                self.writer.write(bytes([byte]))
                await self.writer.drain()
                await asyncio.sleep(0)
            return
        self.waiting += reply
        if self.server._together and b"\n" in self.reader._buffer:  # type: ignore[attr-defined]
            return  # the next command is there already
        self.writer.write(self.waiting)
        self.waiting = b""
        await self.writer.drain()


def _path(argument: str) -> str:
    found = re.search(r"<([^>]*)>", argument)
    return found[1] if found else ""
