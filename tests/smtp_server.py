"""A scripted SMTP server: real sockets, real TLS, and at each command the fault that a test asks for.

It runs on port 0 of 127.0.0.1, in a thread of its own. `Rule`s say what it does otherwise than a good server would;
`messages`, `commands` and `connections` are what it saw. A message whose final dot was read is kept unless the rule for
the dot refuses it: that is how a mail arrives whose sender never learns so.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
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
from types import TracebackType
from typing import Literal, Self

from newsletter.model import Relay

Point = Literal["connect", "EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "body", "dot", "RSET", "QUIT"]
"""Where a rule can bite. `body` is amid the text, before its dot; `dot` is after it, before the answer."""


class Fault(Enum):
    DROP = "close the connection without a word"
    SILENCE = "never answer, keep the connection"
    HOLD = "answer as usual once the test calls `release`"


@dataclass(frozen=True, slots=True)
class Rule:
    """At `point`, do `action`: a reply line, or a Fault. A callable runs first, in the server's thread.

    `times` are the occasions at that point, from 1, on all connections together (none given: all); `about` limits the
    rule to transactions whose recipient holds these letters.
    """

    point: Point
    action: str | bytes | Fault | Callable[[], object]
    times: tuple[int, ...] = ()
    about: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """One message: the envelope, and what came between DATA and the dot, unstuffed."""

    connection: int
    mail_from: str
    recipient: str
    data: bytes = field(repr=False)

    @property
    def mail(self) -> EmailMessage:
        return read_mail(self.data)

    @property
    def message_id(self) -> str:
        return str(self.mail["Message-ID"])


def read_mail(data: bytes) -> EmailMessage:
    mail = BytesParser(policy=policy.default).parsebytes(data)
    assert isinstance(mail, EmailMessage)
    return mail


class SmtpServer:
    """Start it with `with`; then `relay` is where it is. `login` makes it offer AUTH and take only these two words."""

    def __init__(
        self,
        *rules: Rule,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
        extensions: Sequence[str] = ("SIZE 50000000", "8BITMIME", "SMTPUTF8"),
    ) -> None:
        self.rules = list(rules)
        self.port = 0
        self.messages: list[Received] = []
        self.commands: list[str] = []
        self.connections = 0
        self._tls = tls
        self._implicit = implicit
        self._login = login
        self._extensions = tuple(extensions)
        self._seen: Counter[Point] = Counter()
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

    def wait_for(self, condition: Callable[[SmtpServer], bool], timeout_s: float = 30.0) -> None:
        """Block until `condition` holds, asked again whenever the server has heard something."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), timeout_s), "the server never saw this"

    def release(self, count: int = 1) -> None:
        """Let as many answers go out as are on hold, or will be."""
        assert self._loop is not None
        for _ in range(count):
            self._loop.call_soon_threadsafe(self._holding.release)

    def __enter__(self) -> Self:
        ready: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready)), name="SMTP server", daemon=True)
        self._thread.start()
        self.port = ready.result(timeout=30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        assert self._stop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=30)
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
            try:
                await _Connection(self, reader, writer).serve()
            except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, _ClosedError):
                pass
            except asyncio.CancelledError:
                pass  # the test is over
            finally:
                open_connections.discard(task)
                writer.transport.abort()
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    await writer.wait_closed()
                self._notify()

        context = self._tls if self._implicit else None
        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=64 * 1024 * 1024, ssl=context)
        ready.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        server.close()
        for task in list(open_connections):
            task.cancel()
        await asyncio.gather(*open_connections, return_exceptions=True)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    async def _rule(self, point: Point, recipient: str) -> str | bytes | Fault | None:
        """Count the occasion, and give what the first rule that fits it says."""
        with self._changed:
            self._seen[point] += 1
            number = self._seen[point]
            self._changed.notify_all()
        for rule in self.rules:
            if rule.point == point and number in (rule.times or (number,)) and rule.about in recipient:
                if not isinstance(rule.action, str | bytes | Fault):
                    rule.action()
                    continue
                if rule.action is Fault.HOLD:
                    await self._holding.acquire()
                    return None
                return rule.action
        return None


class _ClosedError(Exception):
    """We closed the connection, as a rule said."""


class _Connection:
    def __init__(self, server: SmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        server.connections += 1
        self.number = server.connections
        self.encrypted = server._implicit
        self.mail_from = ""
        self.recipient = ""

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
                    offers.append("AUTH PLAIN LOGIN")
                await self.answer(
                    "EHLO", "\r\n".join([*(f"250-{line}" for line in ["mail.test", *offers]), "250 HELP"])
                )
            case "HELO":
                await self.answer("HELO", "250 mail.test")
            case "STARTTLS":
                await self.answer("STARTTLS", "220 go ahead")
                assert self.server._tls is not None
                await self.writer.start_tls(self.server._tls)
                self.encrypted = True
            case "AUTH":
                right = await self.login(argument)
                await self.answer("AUTH", "235 2.7.0 welcome" if right else "535 5.7.8 credentials invalid")
            case "MAIL":
                self.mail_from, self.recipient = _path(argument), ""
                await self.answer("MAIL", "250 2.1.0 sender ok")
            case "RCPT":
                self.recipient = _path(argument)
                await self.answer("RCPT", "250 2.1.5 recipient ok")
            case "DATA":
                if await self.answer("DATA", "354 end with a dot"):
                    await self.take_message()
            case "RSET":
                await self.answer("RSET", "250 2.0.0 reset")
            case "QUIT":
                await self.answer("QUIT", "221 2.0.0 bye")
                raise _ClosedError
            case _:
                await self.say("502 5.5.1 not known here")

    async def take_message(self) -> None:
        first = await self.reader.readexactly(100)
        action = await self.server._rule("body", self.recipient)
        if action is not None:
            await self.act(action)
            return
        rest = bytearray(first)
        while not (rest.endswith(b"\r\n.\r\n")):
            rest += await self.reader.readline() or await self.lost()
        received = Received(
            self.number, self.mail_from, self.recipient, re.sub(rb"(?m)^\.", b"", bytes(rest.removesuffix(b".\r\n")))
        )
        # Kept before anything else happens: whoever kills the sender at this point has let the mail arrive.
        self.server.messages.append(received)
        action = await self.server._rule("dot", self.recipient)
        if action is None:
            await self.say("250 2.0.0 queued")
            return
        if isinstance(action, str) and action[0] in "45":
            self.server.messages.remove(received)
        await self.act(action)

    async def lost(self) -> bytes:
        raise _ClosedError

    async def login(self, argument: str) -> bool:
        mechanism, _, initial = argument.partition(" ")
        if mechanism == "PLAIN":
            _, user, password = base64.b64decode(initial).decode().split("\0")
        else:
            user = base64.b64decode(initial or await self.ask("VXNlcm5hbWU6")).decode()
            password = base64.b64decode(await self.ask("UGFzc3dvcmQ6")).decode()
        return (user, password) == self.server._login

    async def ask(self, challenge: str) -> bytes:
        await self.say(f"334 {challenge}")
        return (await self.reader.readline()).strip()

    async def answer(self, point: Point, reply: str) -> bool:
        """What the rules say, else `reply`. True when it was the latter."""
        action = await self.server._rule(point, self.recipient)
        if action is None:
            await self.say(reply)
            return True
        await self.act(action)
        return False

    async def act(self, action: str | bytes | Fault) -> None:
        match action:
            case Fault.DROP:
                raise _ClosedError
            case Fault.SILENCE:
                await self.reader.read()  # until the other side gives up
                raise _ClosedError
            case bytes():
                self.writer.write(action)
                await self.writer.drain()
            case str():
                await self.say(action)
                if action.startswith("421"):
                    raise _ClosedError

    async def say(self, reply: str) -> None:
        self.writer.write(f"{reply}\r\n".encode())
        await self.writer.drain()


def _path(argument: str) -> str:
    found = re.search(r"<([^>]*)>", argument)
    return found[1] if found else ""
