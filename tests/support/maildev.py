"""The mail catcher maildev, and what it caught."""

from __future__ import annotations

import csv
import http.client
import json
import mailbox
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from command_line import (
    LIST,
    free_ports,
    takes_connections,
    wait_until,
)

NAMES = {row["email"]: row["name"] for row in csv.DictReader(LIST.read_text("utf-8").splitlines())}


def read_mbox(path: Path) -> list[EmailMessage]:
    def parse(file: Any) -> EmailMessage:
        mail = BytesParser(policy=policy.default).parse(file)
        assert isinstance(mail, EmailMessage)
        return mail

    box = mailbox.mbox(path, factory=parse)  # type: ignore[arg-type]
    try:
        return list(box)  # type: ignore[arg-type]
    finally:
        box.close()


@contextmanager
def maildev(program: str, modules: Path) -> Iterator[tuple[int, int]]:
    """maildev on two free ports: SMTP and its REST API."""
    smtp, web = free_ports(2)
    options = ("--smtp", smtp, "--web", web, "--ip", "127.0.0.1", "--web-ip", "127.0.0.1", "--silent")
    process = subprocess.Popen(
        [program, str(modules / ".bin" / "maildev"), *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        for port in (smtp, web):
            wait_until(process, lambda port=port: takes_connections(port), "maildev did not come up")
        yield smtp, web
    finally:
        process.kill()
        process.communicate()


def fetch(port: int, path: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200, (path, answer.status)
        return json.loads(answer.read())
    finally:
        connection.close()
