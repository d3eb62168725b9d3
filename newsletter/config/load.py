"""Load newsletter.toml and the secrets from the environment. Every fault has file, line and remedy."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from newsletter.config.config import FILE_NAME, Config
from newsletter.config.fault_messages import sentence
from newsletter.config.mail_sections import DKIM_VARIABLE, RelaySection
from newsletter.config.relay_url import read_relay
from newsletter.config.section import Fault
from newsletter.config.settings import Settings, read_settings
from newsletter.config.signing_secrets import read_secrets
from newsletter.errors import ConfigError, ConfigFaultsError, InvalidValueError, located
from newsletter.files import open_regular
from newsletter.model.delivery import Relay
from newsletter.text import LONG_NUMBER, digits_line
from newsletter.toml_lines import Where, line_of


def load_config(path: Path | None, env: Mapping[str, str], start: Path) -> Config:
    """The file at `path`, else the nearest newsletter.toml in `start` or above it, else the defaults."""
    if path is not None:
        return _read_config(path, str(path), _read_bytes(path), env)
    for folder in (start, *start.absolute().parents):
        candidate = folder / FILE_NAME
        try:
            content = _read_bytes(candidate)
        except _MissingError:
            continue
        return _read_config(candidate, FILE_NAME if folder == start else str(candidate), content, env)
    return Config(start, None, Settings(), secrets=read_secrets(env))


class _MissingError(ConfigError):
    """There is no file at all."""


def _read_bytes(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _MissingError(
            located(str(path), None, "there is no such file", f"give the path of a {FILE_NAME}")
        ) from error
    except IsADirectoryError as error:
        raise ConfigError(
            located(str(path), None, "a folder, not a file", f"give the path of a {FILE_NAME}")
        ) from error
    except OSError as error:
        raise ConfigError(
            located(str(path), None, f"cannot be read: {error.strerror}", "make the file readable")
        ) from error


def _read_config(path: Path, name: str, content: bytes, env: Mapping[str, str]) -> Config:
    text = _decode(name, content)
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_fault(name, text, str(error))) from error
    except ValueError as error:  # of the integers, after TOMLDecodeError, which is one too
        raise ConfigError(located(name, digits_line(text), LONG_NUMBER, "write a shorter one")) from error
    except RecursionError as error:
        raise ConfigError(located(name, None, "arrays or tables nested too deeply", "write plain keys")) from error
    settings, faults = read_settings(tree)
    relays: tuple[Relay, ...] = ()
    if not faults:
        relays, faults = _read_relays(settings, env)
    if faults:
        in_order = sorted(faults, key=lambda fault: line_of(text, fault.where) or 0)
        raise ConfigFaultsError([sentence(name, text, tree, fault) for fault in in_order])
    pems = {name: value for name, value in env.items() if name.startswith(DKIM_VARIABLE) and value}
    return Config(path.parent, path, settings, relays, read_secrets(env), text, pems)


def _read_relays(settings: Settings, env: Mapping[str, str]) -> tuple[tuple[Relay, ...], tuple[Fault, ...]]:
    places: list[tuple[Where, RelaySection]] = [(("relays", index), each) for index, each in enumerate(settings.relays)]
    if settings.relay.url:
        places.append((("relay",), settings.relay))
    relays: list[Relay] = []
    faults: list[Fault] = []
    for where, keys in places:
        # A login by token needs no password, and is given none.
        passwords = {} if keys.auth == "xoauth2" else env
        try:
            relay = read_relay(keys.url, passwords, keys.tls, keys.name)
        except InvalidValueError as fault:
            faults.append(Fault((*where, "url"), fault.what, fault.remedy))
            continue
        if keys.auth != "auto" and not relay.user:
            what = f'is "{keys.auth}", but url names no user'
            faults.append(Fault((*where, "auth"), what, 'write url = "smtp://user@host", or take auth out'))
        relays.append(
            replace(relay, auth=keys.auth, token_command=keys.token_command, weight=keys.weight, ehlo=keys.ehlo)
        )
    return tuple(relays), tuple(faults)


def _decode(name: str, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(located(name, 1, "the file is UTF-16, not UTF-8", "save it as UTF-8"))
    if b"\0" in content:
        raise ConfigError(located(name, None, "a binary file, not TOML", f"give the path of a {FILE_NAME}"))
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise ConfigError(located(name, line, what, "save the file as UTF-8")) from error


def _syntax_fault(name: str, text: str, message: str) -> str:
    """tomllib puts the place at the end of its words: `... (at line 3, column 5)`, `... (at end of document)`."""
    remedy = 'write key = "value", each on a line of its own below its [section]'
    place = re.fullmatch(r"(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)", message, re.DOTALL)
    if place:
        return located(name, int(place["line"]), f"not TOML: {place['what']}", remedy, int(place["column"]))
    lines = text.split("\n")
    what = message.removesuffix(" (at end of document)")
    return located(name, len(lines), f"not TOML: {what}", remedy, len(lines[-1]) + 1)
