"""An authorization server's introspection endpoint (RFC 7662): it knows one token of one user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs


@dataclass
class TokenServer:
    user: str
    token: str
    url: str = ""
    asked: list[str] = field(default_factory=list)
    """The tokens that were queried, in order."""


@contextmanager
def token_server(user: str, token: str) -> Iterator[TokenServer]:
    served = TokenServer(user, token)

    class Introspection(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            given = (parse_qs(body).get("token") or [""])[0]
            served.asked.append(given)
            known = given == served.token
            answer = json.dumps({"active": True, "username": served.user} if known else {"active": False}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Introspection)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        served.url = f"http://127.0.0.1:{server.server_port}/introspect"
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
