"""The configuration: newsletter.toml, the secrets, and values derived from them.

Every fault is a ConfigError that names file, line and key. The file contains no secret, so no message can show one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.config.env_file import POSTGRESQL_PASSWORD, Environment, invalid_variable
from newsletter.config.ledger_url import parse_ledger, place_of_ledger
from newsletter.config.mail_sections import DKIM_VARIABLE, SECRET_VARIABLE, DkimSection, RelaySection, dkim_variable
from newsletter.config.settings import SCHEMA, Settings
from newsletter.config.signing_secrets import SAMPLE_SECRET, SECRET_REMEDY
from newsletter.config.validators import TOKEN
from newsletter.errors import ConfigError, Located, located
from newsletter.frozen import frozen
from newsletter.model.delivery import Relay, Sender
from newsletter.model.ledger_address import LedgerUrl
from newsletter.text import shown
from newsletter.toml_file.fault_messages import sentence
from newsletter.toml_file.lines import Where
from newsletter.toml_file.section import Fault

if TYPE_CHECKING:
    from newsletter.model.schedule import QuietHours, Rate

FILE_NAME = "newsletter.toml"


@frozen
class RelaySettings:
    """Settings for mail through one relay: the relay's own, else those of [delivery]."""

    relay: Relay
    rates: tuple[Rate, ...]
    domains: Mapping[str, tuple[Rate, ...]]
    warm_up: tuple[int, ...]
    connections: int
    messages_per_connection: int
    timeout_s: float
    dot_timeout_s: float
    window: int | None = None
    """How many messages may be under way over one connection; None decides by the round trip."""

    catches: bool = False
    """The relay is a mail catcher: its mail reaches no recipient, so nothing delays it."""

    def as_catcher(self) -> RelaySettings:
        return replace(self, rates=(), domains={}, warm_up=(), catches=True)


@frozen
class DkimSettings:
    """`pem` is the private key, not yet parsed."""

    domain: str
    selector: str
    pem: bytes = field(repr=False)


@frozen
class Config:
    """The complete configuration. `root` is the folder that relative paths start from."""

    root: Path
    path: Path | None
    settings: Settings
    relays: tuple[Relay, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """The first one signs, each of them verifies."""

    text: str = field(default="", repr=False)
    dkim_pems: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The private keys from the environment, by variable name."""

    env: Environment = field(default_factory=Environment, repr=False)
    """The variables that newsletter reads, those of `.env` included."""

    # --- the sender ---------------------------------------------------------------------------------------------------

    @property
    def secret(self) -> str:
        """The signing secret, or ""."""
        return self.secrets[0] if self.secrets else ""

    @property
    def sender(self) -> Sender:
        """The sender of real mail. Complete even without a file: then mail is from newsletter@localhost.

        Raises ConfigError if {token} is used and there is no secret to make tokens with.
        """
        # Security: anyone could make tokens with an empty key, and unsubscribe any address.
        if self.uses_token and not self.secret:
            keys = self.settings.newsletter
            own = TOKEN in keys.unsubscribe_url + keys.bounce_address
            what = f"not set, and {TOKEN if own else '[serve] url'} in newsletter.toml needs it"
            raise ConfigError(located(SECRET_VARIABLE, None, what, f"set it to {SECRET_REMEDY}"))
        return self._sender(self.secret)

    @property
    def sample_sender(self) -> Sender:
        """The sender for renderings: the same bytes with and without the secret, and only invalid tokens."""
        return self._sender(SAMPLE_SECRET if self.uses_token else "")

    def _sender(self, secret: str) -> Sender:
        keys = self.settings.newsletter
        name, _, address = keys.from_.rpartition(" <")
        address = address.removesuffix(">") or "newsletter@localhost"
        return Sender(
            name=name or keys.name,
            address=address,
            reply_to=keys.reply_to,
            unsubscribe_mailto=keys.unsubscribe_mailto,
            unsubscribe_url=self.unsubscribe_url,
            list_id=keys.list_id or f"{_list_label(keys.name)}.{address.rpartition('@')[2]}",
            list_help=keys.list_help,
            feedback_id=keys.feedback_id or self._own_feedback_id(address),
            bounce_address=keys.bounce_address,
            secret=secret,
            list_name=keys.name if "name" in keys.given else "",
            preferences_url=f"{server}/p/{TOKEN}" if (server := self.settings.serve.url) else "",
            list_archive=f"{archive}/" if (archive := self.archive_url) else self.settings.footer.archive,
        )

    def _own_feedback_id(self, address: str) -> str:
        """Set only if we sign: Gmail counts by a Feedback-ID that the sender's own domain has signed."""
        if not any(keys.domain for keys in self.settings.dkim):
            return ""
        domain = address.rpartition("@")[2]
        own = re.sub("[^A-Za-z0-9]+", "-", domain)[:15].strip("-")
        if len(own) < 5:
            own = f"{own}-{sha256(domain.encode()).hexdigest()[:8]}"
        return f"{{issue}}:{_list_label(self.settings.newsletter.name)[:40]}:issue:{own}"

    @property
    def uses_token(self) -> bool:
        return TOKEN in self.unsubscribe_url + self.settings.newsletter.bounce_address

    @property
    def unsubscribe_url(self) -> str:
        """The configured one, else that of `newsletter serve`; empty if neither is set."""
        own, server = self.settings.newsletter.unsubscribe_url, self.settings.serve.url
        return own or (f"{server}/u/{TOKEN}" if server else "")

    @property
    def archive_url(self) -> str:
        """Where the archive is on the web: the file's own, else where `newsletter serve` shows it."""
        keys, server = self.settings.archive, self.settings.serve.url
        return keys.url or (f"{server}/archive" if keys.folder and server else "")

    @property
    def archive_folder(self) -> Path | None:
        """The folder of its files, if there is one."""
        return self.root / self.settings.archive.folder if self.settings.archive.folder else None

    @property
    def dkim(self) -> tuple[DkimSettings, ...]:
        """The signing keys, read now: a signature for each. ConfigError if a key is missing."""
        sections = self.settings.dkim
        several = len(sections) > 1
        return tuple(
            DkimSettings(keys.domain, keys.selector, self._read_pem(keys, index if several else None))
            for index, keys in enumerate(sections)
            if keys.domain
        )

    def _read_pem(self, keys: DkimSection, index: int | None) -> bytes:
        """The key of a [dkim] section, `index` among several."""
        variable = DKIM_VARIABLE if index is None else dkim_variable(keys.selector)
        own = dkim_variable(keys.selector)
        if own in self.dkim_pems:
            variable = own
        section: Where = ("dkim",) if index is None else ("dkim", index)
        if pem := self.dkim_pems.get(variable, ""):
            if "PRIVATE KEY-----" not in pem:
                raise invalid_variable(
                    self.env, variable, "not a private key in PEM", "set it to the whole file's text"
                )
            return pem.encode()
        file = keys.key_file
        if not file:
            what, remedy = "has no key", f'write key = "dkim.pem", or set the environment variable {variable}'
            raise ConfigError(self._sentence(Fault(section, what, remedy)))
        where = (*section, "key")
        try:
            pem_bytes = (self.root / file).read_bytes()
        except FileNotFoundError:
            fault = Fault(where, f"is {shown(file)}, and there is no such file", "give the path from newsletter.toml")
        except OSError as error:
            fault = Fault(where, f"is {shown(file)}, which cannot be read: {error.strerror}", "make the file readable")
        else:
            if b"PRIVATE KEY-----" in pem_bytes:
                return pem_bytes
            fault = Fault(where, f"is {shown(file)}, not a private key in PEM", "give the private key's file")
        raise ConfigError(self._sentence(fault))

    def _sentence(self, fault: Fault) -> Located:
        return sentence(str(self.path or FILE_NAME), self.text, {}, fault, SCHEMA)

    # --- relays -------------------------------------------------------------------------------------------------------

    @property
    def relay(self) -> Relay | None:
        """The first relay."""
        return self.relays[0] if self.relays else None

    @property
    def relay_settings(self) -> tuple[RelaySettings, ...]:
        """The settings of each relay, in the file's order."""
        sections = self.settings.relays or (self.settings.relay,)
        return tuple(self._settings(relay, section) for relay, section in zip(self.relays, sections, strict=False))

    def settings_for(self, relay: Relay) -> RelaySettings:
        """The settings for a relay that is not in the file: those of [delivery], and the timeouts of [relay]."""
        keys = self.settings.relay
        section = RelaySection(timeout_s=keys.timeout_s, dot_timeout_s=keys.dot_timeout_s)
        return self._settings(relay, section)

    def _settings(self, relay: Relay, own: RelaySection) -> RelaySettings:
        each = self.settings.delivery
        per_connection = own.messages_per_connection
        return RelaySettings(
            relay,
            rates=each.rate if own.rate is None else own.rate,
            domains=each.domains,
            warm_up=each.warm_up,
            connections=each.connections if own.connections is None else own.connections,
            messages_per_connection=each.messages_per_connection if per_connection is None else per_connection,
            window=each.window if own.window is None else own.window,
            timeout_s=own.timeout_s,
            dot_timeout_s=own.dot_timeout_s,
        )

    @property
    def quiet_hours(self) -> QuietHours | None:
        return self.settings.delivery.quiet_times()

    # --- files

    @property
    def images_folder(self) -> Path | None:
        """The folder for mirrored pictures, if any."""
        return self.root / self.settings.images.folder if self.settings.images.folder else None

    @property
    def image_cache(self) -> Path:
        return self.root / ".newsletter" / "images"

    @property
    def link_cache(self) -> Path:
        return self.root / ".newsletter" / "links.json"

    @property
    def ledger_place(self) -> Path | str:
        """A file, or the URL of a PostgreSQL database."""
        keys = self.settings.ledger
        return self._with_password(place_of_ledger(keys.url, self.root)) if keys.url else self.root / keys.path

    def ledger_at(self, given: str | None) -> Path | str:
        """The ledger that a command's --ledger names, else that of the file. Raises ConfigError."""
        return self._with_password(parse_ledger(given)) if given else self.ledger_place

    def with_ledger(self, given: str | None) -> Config:
        """With the ledger that a command's --ledger names in place of the file's. Raises ConfigError."""
        if not given:
            return self
        place = parse_ledger(given)
        keys = self.settings.ledger
        if isinstance(place, str):
            keys = replace(keys, url=str(place))
        else:
            keys = replace(keys, url="", path=str(place.absolute()))
        return replace(self, settings=replace(self.settings, ledger=keys))

    def _with_password(self, place: Path | str) -> Path | str:
        # PostgreSQL's own library reads the process's environment, and knows nothing of .env.
        own = POSTGRESQL_PASSWORD in self.env.lines
        return LedgerUrl.of(place, self.env[POSTGRESQL_PASSWORD]) if own and isinstance(place, str) else place

    def missing_for_send(self) -> tuple[str, ...]:
        """The missing keys that a real send needs. The relay may still come from the command line."""
        keys = self.settings.newsletter
        needed = {
            "newsletter.from": keys.from_,
            "newsletter.postal_address": keys.postal_address,
            "newsletter.unsubscribe_mailto": keys.unsubscribe_mailto or self.unsubscribe_url,
            "relay.url": self.relays,
        }
        return tuple(key for key, value in needed.items() if not value)


def _list_label(name: str) -> str:
    """A newsletter's name as one label of a List-Id. A name that ASCII cannot spell gets a hash."""
    label = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:48].strip("-")
    if name.isascii() and label:
        return label
    return f"{label or 'newsletter'}-{sha256(name.encode()).hexdigest()[:8]}"
