"""Parse the ledger's place: an SQLite file or a PostgreSQL URL."""

from __future__ import annotations

import re
from pathlib import Path

from newsletter.config.url_validators import one_piece
from newsletter.config.validators import ledger_path
from newsletter.errors import ConfigError, InvalidValueError
from newsletter.text import shown_url


def parse_ledger(place: str) -> Path | str:
    """A ledger on the command line: a path, or a URL as in [ledger] `url`. Raises ConfigError."""
    try:
        if "://" not in place:
            return Path(ledger_path(place))
        return place_of_ledger(ledger_url(place), Path())
    except InvalidValueError as fault:
        remedy = fault.remedy or "write postgresql://user@host/name, or the path of a file"
        raise ConfigError(f"the ledger {fault.what}", remedy) from fault


def place_of_ledger(url: str, root: Path) -> Path | str:
    scheme, _, rest = url.partition(":///")
    return root / rest if scheme == "sqlite" else url


# libpq's parameter names, without password, sslpassword and passfile, which no URL may contain.
_POSTGRESQL_SETTINGS = {"application_name", "channel_binding", "connect_timeout", "host", "hostaddr", "keepalives"} | {
    *("keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
    *("options", "port", "service", "sslcert", "sslcrl", "sslkey", "sslmode", "sslrootcert", "target_session_attrs"),
}


_POSTGRESQL_PLACE = re.compile(
    r"(?:\[[0-9a-fA-F:.]+\]|[^\[\]:/?#\s]*)(?::(?P<port>[0-9]{1,5}))?"
    r"/(?P<name>[^/?#\s]+)(?:\?(?P<settings>[^#\s]*))?"
)


def ledger_url(value: str) -> str:
    """`postgresql://user@host:port/name`, or `sqlite:///path`. A fault shows the scheme alone."""
    value = one_piece(value)
    scheme, separator, rest = value.partition("://")
    if not value:
        return value
    if scheme not in {"postgresql", "sqlite"} or not separator:
        raise InvalidValueError(f"is {shown_url(value)}, not the address of a ledger")
    if scheme == "sqlite":
        path = rest.removeprefix("/")
        if path == rest or not path or path == ":memory:" or "?" in path:
            raise InvalidValueError(
                f"is {shown_url(value)}, not sqlite:/// and a path", 'write url = "sqlite:///newsletter.db"'
            )
        return value
    login, _, place = rest.rpartition("@")
    if ":" in login:
        # The password may contain any character, so everything before the last @ counts as the login.
        raise InvalidValueError(
            f"is {shown_url(value)}, with a password in it",
            "write postgresql://user@host/name and put the password into ~/.pgpass, or into the environment variable "
            "PGPASSWORD",
        )
    parts = _POSTGRESQL_PLACE.fullmatch(place)
    if not parts or re.search(r"[/?#\s]", login) or (parts["port"] and not 0 < int(parts["port"]) < 65536):
        raise InvalidValueError(f"is {shown_url(value)}, not a host and a database's name")
    names = {setting.partition("=")[0] for setting in (parts["settings"] or "").split("&") if setting}
    if not names <= _POSTGRESQL_SETTINGS:
        raise InvalidValueError(f"is {shown_url(value)}, with a setting behind its ? that is not known, or a secret")
    return value
