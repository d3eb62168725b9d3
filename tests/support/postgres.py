"""A PostgreSQL server for the tests: a fresh cluster in a temporary folder, reached over a socket in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

# Debian installs the server's programs outside the path, by version.
_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
PASSWORD = "hunter2 and a /"
DATABASE = "ledger"


class Server:
    """A running server; `url` leads to one of its databases."""

    def __init__(self, socket: Path, restart: Callable[[], None]) -> None:
        self.socket = socket
        self.restart = restart
        self._is_made = False

    def url(self, database: str, user: str = "postgres", **query: str) -> str:
        asked = "&".join(f"{key}={quote(value, safe='')}" for key, value in {"host": str(self.socket), **query}.items())
        return f"postgresql://{user}:{quote(PASSWORD, safe='')}@/{database}?{asked}"

    def emptied(self) -> str:
        """The URL of the tests' one database, emptied. Creating another one takes a thousand files and 8 MB."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            if not self._is_made:
                db.execute(f"CREATE DATABASE {DATABASE}")
                self._is_made = True
            # Backends of processes that were killed while connected, with their locks.
            db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (DATABASE,))
            db.execute(f"ALTER DATABASE {DATABASE} RESET ALL")
        with psycopg.connect(self.url(DATABASE), autocommit=True) as db:
            db.execute("DROP SCHEMA public CASCADE")
            db.execute("CREATE SCHEMA public")
            db.execute("DROP SCHEMA IF EXISTS newsletter_jobs_1 CASCADE")  # the workers' queue
        return self.url(DATABASE)

    def end_all(self) -> None:
        """Close every connection to the tests' database."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (DATABASE,))


def program(name: str) -> str | None:
    return next((str(folder / name) for folder in _FOLDERS if (folder / name).exists()), None) or shutil.which(name)


@contextmanager
def running(initdb: str, pg_ctl: str, *, listen: str = "", allow: str = "", durable: bool = False) -> Iterator[Server]:
    """With `listen`, an address, it is reached there as well, from the subnet `allow`. `durable` leaves the server's
    own settings as they are.
    """
    # Under /tmp: a socket's path has at most 107 octets, and the server's user may not enter our own folders.
    folder = Path(tempfile.mkdtemp(prefix="ledger-", dir="/tmp"))
    as_user: list[str] = []
    if os.getuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    data, word = folder / "data", folder / "password"
    word.write_text(PASSWORD)
    settings = f"-c listen_addresses={listen} -c unix_socket_directories={folder} -c max_connections=60"
    if not durable:
        # A test kills processes, never the machine, and its tables are small: no need to fsync, replicate or vacuum.
        settings += " -c fsync=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off"

    def run(*command: str | Path) -> None:
        # Into a file: the server inherits its output, and a pipe would stay open as long as it runs.
        with (folder / "output").open("w+b") as output:
            done = subprocess.run([*as_user, *command], stdout=output, stderr=output, cwd=folder, timeout=600)
            output.seek(0)
            assert done.returncode == 0, output.read().decode()

    try:
        run(initdb, "-D", data, "-U", "postgres", "-A", "scram-sha-256", "-N", "-E", "UTF8", f"--pwfile={word}")
        if listen:
            with (data / "pg_hba.conf").open("a") as file:
                file.write(f"host all all {allow} scram-sha-256\n")
        run(pg_ctl, "-D", data, "-w", "-l", data / "log", "-o", settings, "start")
        try:
            yield Server(folder, lambda: run(pg_ctl, "-D", data, "-w", "-m", "fast", "-l", data / "log", "restart"))
        finally:
            run(pg_ctl, "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    if initdb is None or pg_ctl is None:
        from machine import missing

        missing("PostgreSQL's server is not installed (Debian: postgresql)")
    with running(initdb, pg_ctl) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server) -> str:
    """The URL of an empty database, one for each worker. A test uses at most one."""
    return postgres_server.emptied()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """An empty place for a ledger, for each kind of database."""
    if request.param == "sqlite":
        return tmp_path / "newsletter.db"
    url: str = request.getfixturevalue("postgres_url")
    return url
