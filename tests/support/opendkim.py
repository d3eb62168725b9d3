"""Verify messages with OpenDKIM in an isolated network namespace with a DNS server of its own.

    unshare --map-root-user --mount --net python opendkim.py RECORDS < messages

The namespace has only a loopback interface; a small DNS server runs there, and a file mounted over /etc/resolv.conf
points to it. RECORDS is the text of the TXT records by name, in JSON; standard input has the messages in base64, one a
line. Prints a JSON list with the output of `opendkim-testmsg` for each: empty for a valid signature.
"""

from __future__ import annotations

import base64
import fcntl
import json
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def answer(query: bytes, records: dict[str, str]) -> bytes:
    asked = dns.message.from_wire(query)
    reply = dns.message.make_response(asked)
    reply.flags |= dns.flags.AA
    name = asked.question[0].name.to_text().rstrip(".").lower()
    if name in records:
        text = records[name]
        strings = " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))
        reply.answer.append(dns.rrset.from_text(asked.question[0].name, 60, "IN", "TXT", strings))
    else:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply.to_wire()


def serve(server: socket.socket, records: dict[str, str]) -> None:
    while True:
        query, client = server.recvfrom(4096)
        server.sendto(answer(query, records), client)


def main() -> None:
    records: dict[str, str] = json.loads(Path(sys.argv[1]).read_text())
    raise_loopback()
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        settings = Path(folder) / "resolv.conf"
        settings.write_text("nameserver 127.0.0.1\n")
        subprocess.run(["mount", "--bind", settings, "/etc/resolv.conf"], check=True)
        server.bind(("127.0.0.1", 53))
        threading.Thread(target=serve, args=(server, records), daemon=True).start()
        verdicts = []
        for line in sys.stdin:
            done = subprocess.run(
                ["opendkim-testmsg", "-t", folder], input=base64.b64decode(line), capture_output=True, timeout=600
            )
            said = (done.stdout + done.stderr).decode().strip()
            verdicts.append(said or ("" if done.returncode == 0 else f"exit {done.returncode}"))
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main()
