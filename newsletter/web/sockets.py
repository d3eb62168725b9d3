"""Listening sockets of our own servers."""

from __future__ import annotations

import errno
import socket

from newsletter.errors import ConfigError

NEIGHBOURS = 20
"""How many of the following ports are tried if the wanted one is in use."""


def reachable_host(host: str) -> str:
    """The bound host; the loopback address if it is the wildcard."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def http_url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def listen(host: str, port: int, option: str) -> socket.socket:
    """A listening socket; port 0 selects a free one. Raises ConfigError, naming `option`."""
    if not host:
        # An empty host would be the wildcard, and expose the page to the whole network.
        raise ConfigError("the host to listen on is empty", "use 127.0.0.1, or 0.0.0.0 for every address")
    try:
        host.encode("idna")  # here, since a socket bound to an invalid name would stay open
    except UnicodeError as error:
        remedy = "use 127.0.0.1 or an address of this machine"
        raise ConfigError(f"cannot listen on {host!a}: no name of a host", remedy) from error
    if not 0 <= port <= 65535:
        raise ConfigError(
            f"port {port} does not exist", f"write `{option} N` with N from 1 to 65535, or 0 for any free port"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        match error.errno:
            case errno.EADDRINUSE:
                what, remedy = f"port {port} on {host} is taken by another program", "stop that one, or write"
            case errno.EACCES:
                what, remedy = f"port {port} on {host} is not ours to open (below 1024 only root may)", "write"
            case _:
                raise ConfigError(
                    f"cannot listen on {host}: {error.strerror or error}", "use 127.0.0.1 or an address of this machine"
                ) from error
        raise ConfigError(what, f"{remedy} `{option} N` with a free port, 0 for any") from error


def listen_near(host: str, port: int, option: str) -> socket.socket:
    """As `listen`, but on one of the next free ports if the port is in use."""
    for neighbour in range(port, min(port + NEIGHBOURS, 65536)) if port else ():
        try:
            return listen(host, neighbour, option)
        except ConfigError as error:
            taken = error.__cause__
            if not (isinstance(taken, OSError) and taken.errno == errno.EADDRINUSE):
                raise
    return listen(host, port, option)
