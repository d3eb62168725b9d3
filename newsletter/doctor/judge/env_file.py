"""Judge `.env` beside newsletter.toml: who may read it, whether git would take it along, names that nothing reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Literal

from newsletter.config.config import Config
from newsletter.config.env_file import ENV_FILE, POSTGRESQL_PASSWORD, Environment
from newsletter.config.imap_url import IMAP_VARIABLE
from newsletter.config.mail_sections import DKIM_VARIABLE, SECRET_VARIABLE, dkim_variable
from newsletter.config.publish_sections import ALERT_PASSWORD_VARIABLE, HEARTBEAT_VARIABLE, WEBHOOK_VARIABLE
from newsletter.config.relay_url import PASSWORD_VARIABLE, password_variables
from newsletter.doctor.verdict import Verdict, green, red, yellow
from newsletter.frozen import frozen

SYNC_VARIABLE = "NEWSLETTER_SYNC_TOKEN"

GitState = Literal["", "ignored", "not ignored", "tracked"]
"""Empty: in no repository, or git is not installed."""


@frozen
class EnvFileState:
    """`is_open`: others on this machine may read it."""

    is_open: bool = False
    git: GitState = ""
    others: Mapping[str, int] = field(default_factory=dict)


def provider_hooks_set(env: Mapping[str, str]) -> tuple[str, ...]:
    """The variables of webhooks that providers post bounces to."""
    return tuple(name for name in sorted(env) if _is_provider_hook(name) and env[name])


def secrets_set(config: Config, env: Mapping[str, str]) -> tuple[str, ...]:
    """The names of all secrets that are set and read."""
    known = known_variables(config)
    return tuple(name for name in sorted(env) if env[name] and (name in known or _is_provider_hook(name)))


def known_variables(config: Config) -> tuple[str, ...]:
    """The variables that this configuration may read, but for the providers' webhooks."""
    passwords = (name for relay in config.relays for name in password_variables(relay.name))
    keys = (dkim_variable(key.selector) for key in config.settings.dkim if key.selector)
    fixed = (PASSWORD_VARIABLE, SECRET_VARIABLE, IMAP_VARIABLE, DKIM_VARIABLE, SYNC_VARIABLE, POSTGRESQL_PASSWORD)
    alerts = (HEARTBEAT_VARIABLE, WEBHOOK_VARIABLE, ALERT_PASSWORD_VARIABLE)
    return tuple(dict.fromkeys((*fixed, *alerts, *passwords, *keys)))


def _is_provider_hook(name: str) -> bool:
    return name.startswith("NEWSLETTER_") and name.endswith("_WEBHOOK") and name != WEBHOOK_VARIABLE


def judge_env_file(config: Config, env: Mapping[str, str], state: EnvFileState | None) -> tuple[Verdict, ...]:
    """None where there is no file. Security: names and lines alone, never a value."""
    if state is None or not isinstance(env, Environment):
        return ()
    if env.unread:
        what = f"{ENV_FILE} is there and was not read: {env.unread}"
        return (yellow("env-file", what, "make it a file that this user may read, or set the variables"),)
    found = (*_exposed(state), *_names(config, env, state))
    if found:
        return found
    private = {"ignored": ", and git leaves it out"}.get(state.git, "")
    return (green("env-file", f"{ENV_FILE} is read; only you may read it{private}"),)


def _exposed(state: EnvFileState) -> Iterator[Verdict]:
    if state.git == "tracked":
        what = f"{ENV_FILE} is in the git repository: whoever has that has the passwords, also of older commits"
        remedy = f"git rm --cached {ENV_FILE}, write it into .gitignore, and change the passwords"
        yield red("env-file", what, remedy)
    elif state.git == "not ignored":
        what = f"{ENV_FILE} is not ignored by git: `git add .` would take the passwords along"
        yield red("env-file", what, f"write {ENV_FILE} into .gitignore")
    if state.is_open:
        yield yellow("env-file", f"{ENV_FILE}: others on this machine can read it", f"chmod 600 {ENV_FILE}")


def _names(config: Config, env: Environment, state: EnvFileState) -> Iterator[Verdict]:
    known = known_variables(config)
    ours = {name: line for name, line in {**env.lines, **env.hidden}.items() if name not in known}
    for name, line in ours.items():
        if not _is_provider_hook(name):
            yield _unknown(name, line, known, cutoff=0.8)
    for name, line in state.others.items():
        if difflib.get_close_matches(name, known, 1, cutoff=0.85):
            yield _unknown(name, line, known, cutoff=0.85)
    for name, line in env.hidden.items():
        if not env[name] and name in known:
            what = f"{ENV_FILE}:{line}: {name} counts for nothing: the environment has it, empty"
            yield yellow("env-file", what, "unset it there")


def _unknown(name: str, line: int, known: tuple[str, ...], *, cutoff: float) -> Verdict:
    near = difflib.get_close_matches(name, known, 1, cutoff=cutoff)
    remedy = f"write {near[0]}, if that is meant" if near else "see the variables in docs/configuration.md"
    return yellow("env-file", f"{ENV_FILE}:{line}: {name} is no variable that newsletter reads", remedy)
