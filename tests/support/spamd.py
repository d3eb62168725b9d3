"""A SpamAssassin daemon for the tests: Debian's rules, no network, a state folder of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command_line import free_ports, takes_connections, wait_until

if TYPE_CHECKING:
    from machine import RequireProgram


@pytest.fixture(scope="session")
def spamc(require_program: RequireProgram, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """The command that queries the daemon. It runs in the foreground, so that we can stop what we started."""
    program, client = require_program("spamd"), require_program("spamc")
    folder: Path = tmp_path_factory.mktemp("spamd")
    (port,) = free_ports(1)
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [
                program,
                *("--local", "--nouser-config", "--max-children=1"),
                *("--listen=127.0.0.1", f"--port={port}", f"--helper-home-dir={folder}"),
                "--syslog=stderr",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(daemon, lambda: takes_connections(port), (folder / "log").read_text())
        # An empty file instead of the machine's spamc.conf, which may name another daemon.
        (folder / "spamc.conf").write_text("")
        yield client, "-F", str(folder / "spamc.conf"), "-d", "127.0.0.1", "-p", str(port)
    finally:
        daemon.terminate()
        daemon.wait(30)
