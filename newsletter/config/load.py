"""Load newsletter.toml and the secrets from the environment. Every fault has file, line and remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from newsletter.config.config import FILE_NAME, Config
from newsletter.config.env_file import ENV_FILE, Environment, process_environment, read_environment
from newsletter.config.mail_sections import DKIM_VARIABLE, RelaySection
from newsletter.config.relay_url import read_relay
from newsletter.config.settings import SCHEMA, Settings, read_settings
from newsletter.config.signing_secrets import read_secrets
from newsletter.errors import ConfigError, ConfigFaultsError, InvalidValueError, located
from newsletter.files import is_missing, open_regular
from newsletter.model.delivery import Relay
from newsletter.toml_file.fault_messages import faults_error
from newsletter.toml_file.lines import Where
from newsletter.toml_file.parse import decode_toml, parse_toml
from newsletter.toml_file.section import Fault


def load_config(path: Path | None, env: Mapping[str, str], start: Path) -> Config:
    """The file at `path`, else the nearest newsletter.toml in `start` or above it, else the defaults.

    `env` is the process's environment; what it lacks comes from `.env` beside the file. Raises ConfigError.
    """
    place = _place_of(path, start)
    if place is None:
        environment = process_environment(env)
        return Config(start, None, Settings(), secrets=read_secrets(environment), env=environment)
    found, name = place
    environment = _environment_beside(found, name, env)
    content = _read_bytes(found)
    if len(environment.faults) > 1:
        raise ConfigFaultsError(environment.faults)
    for fault in environment.faults:
        raise ConfigError(fault)
    return _read_config(found, name, content, environment)


def load_environment(path: Path | None, env: Mapping[str, str], start: Path) -> Environment:
    """The environment that `load_config` would use, also where it fails: alerts of a broken file must be heard."""
    place = _place_of(path, start)
    return _environment_beside(*place, env) if place is not None else process_environment(env)


def _place_of(path: Path | None, start: Path) -> tuple[Path, str] | None:
    """The path of newsletter.toml, and its name for messages."""
    if path is not None:
        return path, str(path)
    for folder in (start, *start.absolute().parents):
        candidate = folder / FILE_NAME
        if not is_missing(candidate):
            return candidate, FILE_NAME if folder == start else str(candidate)
    return None


def _environment_beside(path: Path, name: str, env: Mapping[str, str]) -> Environment:
    return read_environment(env, path.parent / ENV_FILE, str(Path(name).parent / ENV_FILE))


def _read_bytes(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigError(
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


def _read_config(path: Path, name: str, content: bytes, env: Environment) -> Config:
    text = decode_toml(name, content, wanted=FILE_NAME)
    tree = parse_toml(name, text)
    settings, faults = read_settings(tree)
    relays: tuple[Relay, ...] = ()
    if not faults:
        relays, faults = _read_relays(settings, env)
    if faults:
        raise faults_error(name, text, tree, faults, SCHEMA)
    pems = {name: value for name, value in env.items() if name.startswith(DKIM_VARIABLE) and value}
    return Config(path.parent, path, settings, relays, read_secrets(env), text, pems, env)


def _read_relays(settings: Settings, env: Mapping[str, str]) -> tuple[tuple[Relay, ...], tuple[Fault, ...]]:
    places: list[tuple[Where, RelaySection]] = [(("relays", index), each) for index, each in enumerate(settings.relays)]
    if settings.relay.url:
        places.append((("relay",), settings.relay))
    relays: list[Relay] = []
    faults: list[Fault] = []
    for where, keys in places:
        # Token authentication needs no password.
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
