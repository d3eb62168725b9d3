"""A running preview for tests: a post in a folder of its own, the server in a thread, its events."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from newsletter.config.load import load_config
from newsletter.web.preview.live_rendering import LiveRendering
from newsletter.web.preview.server import PreviewServer

DEADLINE_S = 10

SETTINGS = """[newsletter]
name = "Letters"
from = "me@example.com"
postal_address = "1 Main Street, Springfield"
unsubscribe_mailto = "leave@example.com"
"""
POST = """---
title: Hello {{ subscriber.name | default("reader") }}
date: 2026-03-01
description: A short one, of three paragraphs and a closing
---

The first paragraph.

{% if subscriber.plan == "paid" %}
Only for those who pay.
{% else %}
For everyone else.
{% endif %}

{% if subscriber.city %}
You live in {{ subscriber.city }}.
{% endif %}
"""
LIST = "email,name,plan,city\nada@example.com,Ada,paid,London\nbob@example.com,Bob,free,\ncy@example.com,Cy,paid,\n"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Running:
    """A server, and the folder of its post."""

    server: PreviewServer
    post: Path
    troubles: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.post.parent

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=DEADLINE_S)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=named)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def shows(self, words: str, path: str = "/frame/email") -> bool:
        return words in self.ask(path).text

    def events(self) -> Events:
        return Events(self.server.port)


class Events:
    """The server's events; `wait` reads until one matches."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        self._connection.request("GET", "/events")
        self._response = self._connection.getresponse()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    def wait(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = monotonic() + DEADLINE_S
        last = None
        while monotonic() < deadline and (line := self._response.readline()):
            if line.startswith(b"data: "):
                event: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
                if condition(event):
                    return event
                last = event
        raise AssertionError(f"no such event came; the last one was {last}")

    def until(self, condition: Callable[[], bool]) -> dict[str, Any]:
        """The first event after which the condition holds, checked after each one without an error."""
        return self.wait(lambda event: event["error"] is None and condition())

    def inspected(self) -> dict[str, Any]:
        return self.wait(lambda event: event["inspected"])

    def error(self) -> str:
        return str(self.wait(lambda event: event["error"] is not None)["error"]["text"])

    def good(self) -> dict[str, Any]:
        return self.wait(lambda event: event["error"] is None)


@contextmanager
def preview_of(
    folder: Path,
    text: str = POST,
    *,
    people: str | None = LIST,
    settings: str = "",
    relay_url: str | None = None,
) -> Iterator[Running]:
    """The preview of a post in this folder, with its list and its newsletter.toml."""
    post = folder / "2026-03-01-hello.md"
    post.write_text(text, "utf-8")
    config = folder / "newsletter.toml"
    config.write_text(settings or SETTINGS, "utf-8")
    to = None
    if people is not None:
        to = folder / "list.csv"
        to.write_text(people, "utf-8")
    live = LiveRendering(post, lambda: load_config(None, os.environ, folder), to=to)
    troubles: list[str] = []
    with PreviewServer(live, relay_url=relay_url, on_trouble=troubles.append) as server:
        yield Running(server, post, troubles)
