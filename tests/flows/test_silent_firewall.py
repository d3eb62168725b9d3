"""A database behind a firewall that drops in silence, amid a send: it ends with a sentence, nobody is mailed twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from command_line import newsletter, people, write_list, write_post
from postgres import DATABASE, PASSWORD, Server
from silent_network import SilentNetwork, behind_firewall
from smtp_server import Rule, SmtpServer

# What `_postgresql` asks for by itself is a minute; test_database.py compares these with it.
SHORT = "connect_timeout=4&tcp_user_timeout=3000&keepalives_idle=1&keepalives_interval=1&keepalives_count=2"


def place(network: SilentNetwork) -> str:
    return f"postgresql://postgres@{network.address}:{network.port}/{DATABASE}?{SHORT}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path)
    write_list(tmp_path, *people(12))
    return tmp_path


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_firewall_that_forgets_the_connection_amid_a_send(
    folder: Path, postgres_server: Server, postgres_url: str, pipelining: bool
) -> None:
    assert postgres_url
    with behind_firewall(postgres_server.socket / ".s.PGSQL.5432") as network:
        extensions = ("PIPELINING", "8BITMIME") if pipelining else ("8BITMIME",)
        with SmtpServer(Rule("dot", network.drop, times=(4,)), extensions=extensions) as server:
            way = ["--relay", server.url, "--ledger", place(network), "--connections", "2", "--yes"]
            cut = newsletter(
                "send", "2026-03-01-hello.md", "--to", "list.csv", "--first", *way, cwd=folder, PGPASSWORD=PASSWORD
            )
            assert cut.code == 3, cut.err
            assert f"{network.address}:{network.port}/{DATABASE}" in cut.err
            assert PASSWORD not in cut.out + cut.err
            before = Counter(message.recipient for message in server.messages)
            assert len(before) < 12
            again = newsletter("resume", "--yes", *way[:4], cwd=folder, PGPASSWORD=PASSWORD)
            assert again.code == 2, "the firewall still drops: it cannot be reached"
            assert "cannot be reached" in again.err or "lost" in again.err
            network.pass_on()
            postgres_server.end_all()  # as its own keepalives would, in time
            rest = newsletter("resume", "--yes", *way, cwd=folder, PGPASSWORD=PASSWORD)
            assert rest.code in (0, 3), rest.err
            copies = Counter(message.recipient for message in server.messages)
            status = newsletter("status", "2026-03-01-hello", "--json", *way[2:4], cwd=folder, PGPASSWORD=PASSWORD)
    assert set(copies.values()) == {1}, copies
    assert len(copies) == 12 or '"uncertain"' in status.out
    assert 12 - len(copies) <= 2, "one for each connection at most"
