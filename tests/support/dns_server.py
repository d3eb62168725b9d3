"""A DNS server with a few test records: real sockets on port 0, UDP, and TCP for long answers."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

SERVFAIL = "servfail"
SILENT = "silent"
Zone = Mapping[tuple[str, str], Sequence[str] | str]
"""(name, type) -> records, or a fault. A known name without this type gets an empty answer, an unknown name NXDOMAIN.

A TXT record is quoted here, in strings of 255 octets.
"""


@dataclass
class DnsServer:
    port: int
    zone: dict[tuple[str, str], Sequence[str] | str]
    asked: list[tuple[str, str]] = field(default_factory=list)
    over_tcp: int = 0

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, wire: bytes) -> dns.message.Message | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        reply = dns.message.make_response(query, recursion_available=True)
        known = self.zone.get((name, kind), ())
        if known == SILENT:
            return None
        if known == SERVFAIL:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif known:
            texts = [_quoted(text) for text in known] if kind == "TXT" else list(known)
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *texts))
        elif not any(each == name or each.endswith(f".{name}") for each, _ in self.zone):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply


def _quoted(text: str) -> str:
    pieces = [text[start : start + 255] for start in range(0, len(text), 255)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)


def _sockets() -> tuple[socket.socket, socket.socket]:
    """One port for UDP and TCP. If a port is free for one and used for the other, another one is tried."""
    for _ in range(100):
        udp, tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
        udp.bind(("127.0.0.1", 0))
        try:
            tcp.bind(udp.getsockname())
        except OSError:
            udp.close()
            tcp.close()
            continue
        return udp, tcp
    raise OSError("no port is free for both UDP and TCP")


@contextmanager
def dns_server(zone: Zone) -> Iterator[DnsServer]:
    udp, tcp = _sockets()
    tcp.listen()
    server = DnsServer(udp.getsockname()[1], dict(zone))
    stopping = threading.Event()

    def serve_udp() -> None:
        while True:
            wire, client = udp.recvfrom(4096)
            if stopping.is_set():
                return
            reply = server.answer(wire)
            if reply is None:
                continue
            packet = reply.to_wire(max_size=65535)
            if len(packet) > 1232:
                reply.answer.clear()
                reply.flags |= dns.flags.TC
                packet = reply.to_wire(max_size=65535)
            udp.sendto(packet, client)

    def serve_tcp() -> None:
        while True:
            connection, _ = tcp.accept()
            with connection:
                if stopping.is_set():
                    return
                length = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))[0]
                reply = server.answer(connection.recv(length, socket.MSG_WAITALL))
                server.over_tcp += 1
                if reply is not None:
                    packet = reply.to_wire(max_size=65535)
                    connection.sendall(struct.pack("!H", len(packet)) + packet)

    threads = [threading.Thread(target=serve, daemon=True) for serve in (serve_udp, serve_tcp)]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        stopping.set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", udp.getsockname())
        socket.create_connection(tcp.getsockname(), timeout=10).close()
        for thread in threads:
            thread.join(10)
        udp.close()
        tcp.close()
