"""An SMTP session that sends whole messages ahead of their answers, by BDAT (RFC 3030) and PIPELINING (RFC 2920).

    begin_in_chunks(message) -> accepted() -> last_chunk() -> verdict()     the first message, alone
    send_ahead(message), send_ahead(message), ... -> oldest_outcome(), ...  the others, once `in_step`

The first message goes in two chunks, of which only the second delivers it: a server that announces CHUNKING and does
not know it delivers nothing, and reads one header as a command. Its answers show besides what this server says to RCPT
and what to a whole message. With messages sent ahead, one answer too many or too few would be taken for the answer to
another command: all are 250. So an answer that looks like another command's ends the connection, and every message that
is still under way is uncertain. A server that answers RCPT and messages alike is not sent to ahead.

Each message begins with RSET: otherwise the recipient after one that was refused would be added to its transaction.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from newsletter.delivery.smtp.replies import Reply, enhanced_code, judge
from newsletter.delivery.smtp.session import BLOCK_BYTES, LostError, Session
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.model.delivery import Message, Outcome, Relay, State

LEAVING_S = 60.0
"""How long a server that has said 421 may take to close the connection, or to go on answering."""

_STAGES = ("RSET", "MAIL", "RCPT", "dot")
"""The answers to a message sent ahead; the one to its BDAT is about the whole message, as the one to a dot is."""

_WORD = re.compile(r"[^\W\d_]+")


class ChunkingSession(Session):
    """`may_chunk`: the server announces all that is needed. `chunked`: the message under way was begun in chunks."""

    def __init__(self, relay: Relay, offers: Mapping[str, str], timeouts: Timeouts) -> None:
        super().__init__(relay, offers, timeouts)
        self.may_chunk = self.pipelining and "chunking" in offers
        self.chunked = False
        self.round_trip_s = math.inf
        """The shortest time from a command, written alone, to its answer."""
        self.out_of_step = ""
        """Why the server's answers are not believed any more; empty while they are."""
        self.chunk_refused = ""
        """Why no message may go in chunks; that of the message under way was not taken, and delivers nothing."""
        self.left = False
        """The server's last word in this session is a 421: it has read nothing after the command that it answered."""
        self._asked_at = math.inf
        self._first = 0
        self._heard: dict[str, Reply] = {}
        self._has_taken_chunks = False

    @property
    def in_step(self) -> bool:
        """Whether messages may be sent ahead: one went in chunks, and its answers cannot be taken for one another's."""
        return self._has_taken_chunks and self._tells_apart("dot")

    def _tells_apart(self, stage: str) -> bool:
        """Whether the last message's yes to `stage` could not be taken for that to RSET, MAIL or RCPT."""
        answers = [self._heard.get(other) for other in ("RSET", "MAIL", "RCPT", stage)]
        if None in answers:
            return False
        reset, mail, rcpt, last = (answer for answer in answers if answer is not None)
        shapes = [_shape(mail), _shape(rcpt), _shape(last)]
        alike_coded = _is_coded(mail) == _is_coded(rcpt) == _is_coded(last)
        return alike_coded and all(shapes) and shapes[2] not in shapes[:2] and last.text != reset.text

    @property
    def has_outcome(self) -> bool:
        """Whether `oldest_outcome` has all its answers already."""
        return len(self._replies) >= len(_STAGES)

    # --- the first message ------------------------------------------------------------------------------------------

    def begin(self, message: Message) -> None:
        self.chunked = False
        self._ask(self._prepare(message))

    def begin_in_chunks(self, message: Message) -> None:
        """Send the envelope and the message's first line, which alone cannot be delivered.

        Not an empty chunk: Postfix refuses that (551 5.7.1 Null BDAT request).
        """
        self.chunked = True
        self._needs_reset = True
        self._heard.clear()
        self._first = max(1, min(message.data.find(b"\n") + 1, len(message.data) - 1))
        self._ask(self._prepare(message, b"BDAT %d\r\n" % self._first + message.data[: self._first]))

    def _ask(self, commands: bytes) -> None:
        if commands:
            self._asked_at = self._loop.time()
            self._write(commands)

    async def accepted(self) -> Outcome | None:
        """The same; `chunk_refused` says why the first chunk was not taken, or how its answer misleads."""
        outcome = await super().accepted()
        if self.chunked and outcome is not None and outcome.stage == "BDAT" and outcome.code not in (0, 421):
            self.chunk_refused = f"{outcome.code} {outcome.text}"
        elif self.chunked and outcome is None and not self._tells_apart("BDAT"):
            self.chunk_refused = "its answers to RCPT and to BDAT look alike"
        return outcome

    async def last_chunk(self, message: Message) -> Outcome | None:
        """Write the rest of the message. An outcome means that its last octets were not written."""
        if (broken := self._broken()) is not None:
            return broken
        rest = _whole(message)[self._first :]
        self._expected.append("dot")
        self._has_taken_chunks = True
        return await self._write_blocks(b"BDAT %d LAST\r\n" % len(rest) + rest)

    async def _write_blocks(self, data: bytes) -> Outcome | None:
        try:
            for start in range(0, len(data), BLOCK_BYTES):
                # Before a block and not after the last: what was written in full may arrive.
                if self._paused:
                    await self._drained()
                if (broken := self._unwritable("body")) is not None:
                    return broken
                self._write(data if len(data) <= BLOCK_BYTES else data[start : start + BLOCK_BYTES])
        except LostError as error:
            return Outcome(State.DEFERRED, "body", 0, str(error))
        return None

    # --- messages sent ahead ----------------------------------------------------------------------------------------

    async def send_ahead(self, message: Message) -> Outcome | None:
        """Write the whole message behind those under way. An outcome means that its last octets were not written."""
        if (broken := self._unwritable("MAIL")) is not None:
            return broken
        self._block_s = max(self._timeouts.block, self._timeouts.dot)  # the server may be busy with those before it
        self.begun += 1
        data = _whole(message)
        commands = b"".join([command for _, command in self._addressed(message, data.isascii())])
        self._expected.extend(_STAGES)
        return await self._write_blocks(b"RSET\r\n%bBDAT %d LAST\r\n%b" % (commands, len(data), data))

    def _unwritable(self, stage: str) -> Outcome | None:
        """An outcome if nothing more can be written. The answers to what was written are still read."""
        if self._transport is not None and self._transport.is_closing():
            self._close("the connection broke")
        return None if self.usable else Outcome(State.DEFERRED, stage, 0, self._farewell() or self._lost)

    async def oldest_outcome(self) -> Outcome:
        """The outcome of the oldest message under way. It is uncertain if its last answer is missing, or not to be
        believed, and no answer before it shows that the message cannot have been taken.
        """
        outcome = await self._oldest_outcome()
        # A refused recipient leaves the transaction open: the next message may be one that goes by DATA.
        self._needs_reset = outcome.state is not State.SENT
        return outcome

    async def _oldest_outcome(self) -> Outcome:
        refusal: Outcome | None = None
        farewell: Outcome | None = None
        named = False
        for stage in _STAGES:
            if self.out_of_step:
                return Outcome(State.UNCERTAIN, "dot", 0, self.out_of_step)
            try:
                reply = await self._reply(LEAVING_S if self._goodbye is not None else math.inf)
            except LostError as error:
                if self.left:
                    return refusal or farewell or Outcome(State.DEFERRED, stage, 0, str(error))
                if refusal is not None and not named:
                    return refusal
                return Outcome(State.UNCERTAIN, "dot", 0, str(error))
            self._note_leaving(reply)
            kind = reply.code // 100
            if kind == 3 or (stage == "RSET" and kind != 2 and reply.code != 421):
                return self._step_out(f"the relay answered {stage} with {reply.code} {reply.text}")
            if stage == "RSET" and kind != 2:
                farewell = judge("MAIL", reply.code, reply.text)  # of a server that may go on, and take the message
            elif kind != 2:
                refusal = refusal or judge(stage, reply.code, reply.text)
            elif not self._looks_like(stage, reply):
                return self._step_out(f"the relay's answers are not in step: {reply.code} {reply.text} to {stage}")
            elif stage == "dot" and refusal is not None:
                return self._step_out(f"the relay took what it had refused: {reply.code} {reply.text}")
            named = named or (stage == "RCPT" and kind == 2)
        return refusal or judge("dot", reply.code, reply.text)

    def _note_leaving(self, reply: Reply) -> None:
        """RFC 5321, 3.8: with a 421 the server closes the channel. Nothing more is written after it.

        What is still to be written to the kernel may fail, and then no answer after the 421 would be read.
        """
        self.left = reply.code == 421 and self._transport is not None and not self._transport.get_write_buffer_size()
        if reply.code == 421:
            self._goodbye = reply

    def _step_out(self, why: str) -> Outcome:
        self.out_of_step = why
        self._close(why)
        return Outcome(State.UNCERTAIN, "dot", 0, why)

    def _looks_like(self, stage: str, reply: Reply) -> bool:
        """Whether a yes looks like the one that this server gave to this command, or at least like no other's.

        A server that has enhanced status codes has one in each answer (RFC 2034, 4).
        """
        if stage == "RSET":
            return True
        if _is_coded(reply) != _is_coded(self._heard[stage]):
            return False
        if stage == "dot" and reply.text == self._heard["RSET"].text:
            return False
        shape = _shape(reply)
        others = [_shape(self._heard[other]) for other in ("MAIL", "RCPT", "dot") if other != stage]
        return shape == _shape(self._heard[stage]) or (bool(shape) and shape not in others)

    # --- replies ----------------------------------------------------------------------------------------------------

    def _take_reply(self, reply: Reply) -> None:
        if reply.code // 100 == 2 and len(self._replies) < len(self._expected):
            self._heard.setdefault(self._expected[len(self._replies)], reply)
        if self._asked_at < math.inf:
            self.round_trip_s = min(self.round_trip_s, self._loop.time() - self._asked_at)
            self._asked_at = math.inf
        super()._take_reply(reply)


def _whole(message: Message) -> bytes:
    """The message's octets; they need no dots doubled."""
    return message.data if message.data.endswith(b"\r\n") else message.data + b"\r\n"


def _is_coded(reply: Reply) -> bool:
    return bool(enhanced_code(reply.text))


def _shape(reply: Reply) -> str:
    """What the yes to one command has and the yes to another has not: the enhanced status code (RFC 2034), else the
    first word. Empty where there is none, or an address.
    """
    if code := enhanced_code(reply.text):
        return code
    head = reply.text.split(" ", 1)[0]
    word = _WORD.search(reply.text)
    return word[0].lower() if word and "<" not in head and "@" not in head else ""
