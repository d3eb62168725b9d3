"""`newsletter.toml`, with the secrets from the environment -> Config.

Every fault is a ConfigError that names file, line and key. No secret is in the file, so none can be in a message.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.config.imap_url import IMAP_VARIABLE
from newsletter.config.mail_sections import DKIM_VARIABLE, SECRET_VARIABLE, DkimSection, RelaySection, dkim_variable
from newsletter.config.relay_url import PASSWORD_VARIABLE, read_relay
from newsletter.config.section import Fault, Key, keys_of
from newsletter.config.settings import LABELS, RELAYS, SECTIONS, Settings, read_settings
from newsletter.config.validators import TOKEN, ledger_path, ledger_url
from newsletter.errors import ConfigError, ConfigFaultsError, FaultError, located
from newsletter.files import open_regular
from newsletter.model.delivery import Relay, Sender
from newsletter.text import CONTROL, LONG_NUMBER, digits_line, printable, shown
from newsletter.toml_lines import Where, line_of

if TYPE_CHECKING:
    from newsletter.model.schedule import QuietHours, Rate

FILE_NAME = "newsletter.toml"
MIN_SECRET = 16
"""How many characters the secret must have: 16 random letters and digits are 95 bits, past guessing."""

SAMPLE_SECRET = "not a secret: for samples only"  # noqa: S105 - what it says


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """How mail goes to one relay: what the relay says for itself, else what [delivery] says for all."""

    relay: Relay
    rates: tuple[Rate, ...]
    domains: Mapping[str, tuple[Rate, ...]]
    warm_up: tuple[int, ...]
    connections: int
    messages_per_connection: int
    timeout_s: float
    dot_timeout_s: float
    catches: bool = False
    """The relay is a mail catcher: what it takes reaches nobody, so nothing holds it back."""

    def as_catcher(self) -> LaneSettings:
        return replace(self, rates=(), domains={}, warm_up=(), catches=True)


@dataclass(frozen=True, slots=True)
class DkimSettings:
    """`pem` is the private key, not yet parsed."""

    domain: str
    selector: str
    pem: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything an operator can set. `root` is the folder that relative paths start from."""

    root: Path
    path: Path | None
    settings: Settings
    relays: tuple[Relay, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """The first makes links and tokens, each of them reads what it made."""

    text: str = field(default="", repr=False)
    dkim_pems: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The keys that the environment holds, by the name of the variable."""

    # --- who the mail is from

    @property
    def secret(self) -> str:
        """The one that makes links and tokens; empty where none is set."""
        return self.secrets[0] if self.secrets else ""

    @property
    def sender(self) -> Sender:
        """For mail that goes out. Complete even without a file: then the mail is from newsletter@localhost.

        Raises ConfigError where {token} is used and there is no secret to make tokens with.
        """
        # Security: tokens made with an empty key could be made by anyone, and would unsubscribe anyone.
        if self.uses_token and not self.secret:
            keys = self.settings.newsletter
            own = TOKEN in keys.unsubscribe_url + keys.bounce_address
            what = f"not set, and {TOKEN if own else '[serve] url'} in newsletter.toml needs it"
            raise ConfigError(located(SECRET_VARIABLE, None, what, f"set it to {_SECRET_REMEDY}"))
        return self._sender(self.secret)

    @property
    def sample_sender(self) -> Sender:
        """For what is only looked at: the same bytes with and without the secret, and no token that would work."""
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
        )

    def _own_feedback_id(self, address: str) -> str:
        """Made where we sign: Gmail counts by a Feedback-ID that the sender's own domain has signed."""
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
        """The file's own, else where `newsletter serve` answers; empty where neither is set."""
        own, server = self.settings.newsletter.unsubscribe_url, self.settings.serve.url
        return own or (f"{server}/u/{TOKEN}" if server else "")

    @property
    def dkim(self) -> tuple[DkimSettings, ...]:
        """How to sign, with the keys, read now: a signature for each. ConfigError where a key is missing."""
        sections = self.settings.dkim
        several = len(sections) > 1
        return tuple(
            DkimSettings(keys.domain, keys.selector, self._read_pem(keys, index if several else None))
            for index, keys in enumerate(sections)
            if keys.domain
        )

    def _read_pem(self, keys: DkimSection, index: int | None) -> bytes:
        """The key of a section, the one at `index` where there are several."""
        variable = DKIM_VARIABLE if index is None else dkim_variable(keys.selector)
        own = dkim_variable(keys.selector)
        if own in self.dkim_pems:
            variable = own
        section: Where = ("dkim",) if index is None else ("dkim", index)
        if pem := self.dkim_pems.get(variable, ""):
            if "PRIVATE KEY-----" not in pem:
                raise ConfigError(
                    located(variable, None, "not a private key in PEM", "set it to the whole file's text")
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

    def _sentence(self, fault: Fault) -> str:
        return _sentence(str(self.path or FILE_NAME), self.text, {}, fault)

    # --- where the mail goes

    @property
    def relay(self) -> Relay | None:
        """The first relay."""
        return self.relays[0] if self.relays else None

    @property
    def lanes(self) -> tuple[LaneSettings, ...]:
        """A lane for each relay, in the file's order."""
        sections = self.settings.relays or (self.settings.relay,)
        return tuple(self._lane(relay, section) for relay, section in zip(self.relays, sections, strict=False))

    def lane(self, relay: Relay) -> LaneSettings:
        """For a relay that is not the file's: what [delivery] says for all, and the timeouts of [relay]."""
        keys = self.settings.relay
        section = RelaySection(timeout_s=keys.timeout_s, dot_timeout_s=keys.dot_timeout_s)
        return self._lane(relay, section)

    def _lane(self, relay: Relay, own: RelaySection) -> LaneSettings:
        each = self.settings.delivery
        per_connection = own.messages_per_connection
        return LaneSettings(
            relay,
            rates=each.rate if own.rate is None else own.rate,
            domains=each.domains,
            warm_up=each.warm_up,
            connections=each.connections if own.connections is None else own.connections,
            messages_per_connection=each.messages_per_connection if per_connection is None else per_connection,
            timeout_s=own.timeout_s,
            dot_timeout_s=own.dot_timeout_s,
        )

    @property
    def quiet_hours(self) -> QuietHours | None:
        return self.settings.delivery.quiet_times()

    # --- files

    @property
    def images_folder(self) -> Path | None:
        """Where mirrored pictures are written, if anywhere."""
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
        return _ledger_place(keys.url, self.root) if keys.url else self.root / keys.path

    def missing_for_send(self) -> tuple[str, ...]:
        """The keys that a real send needs and nobody has set. The relay may still come from the command line."""
        keys = self.settings.newsletter
        needed = {
            "newsletter.from": keys.from_,
            "newsletter.postal_address": keys.postal_address,
            "newsletter.unsubscribe_mailto": keys.unsubscribe_mailto or self.unsubscribe_url,
            "relay.url": self.relays,
        }
        return tuple(key for key, value in needed.items() if not value)


def _list_label(name: str) -> str:
    """A newsletter's name as one word of a List-Id. What ASCII cannot spell is told apart by a hash."""
    label = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:48].strip("-")
    if name.isascii() and label:
        return label
    return f"{label or 'newsletter'}-{sha256(name.encode()).hexdigest()[:8]}"


def parse_ledger(place: str) -> Path | str:
    """A ledger as a command line names it: a path, or a URL as [ledger] `url` takes it. Raises ConfigError."""
    try:
        if "://" not in place:
            return Path(ledger_path(place))
        return _ledger_place(ledger_url(place), Path())
    except FaultError as fault:
        remedy = fault.remedy or "write postgresql://user@host/name, or the path of a file"
        raise ConfigError(f"the ledger {fault.what}; {remedy}") from fault


def _ledger_place(url: str, root: Path) -> Path | str:
    scheme, _, rest = url.partition(":///")
    return root / rest if scheme == "sqlite" else url


# --- reading --------------------------------------------------------------------------------------------------------


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
    return Config(start, None, Settings(), secrets=_read_secrets(env))


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
        raise ConfigFaultsError([_sentence(name, text, tree, fault) for fault in in_order])
    pems = {name: value for name, value in env.items() if name.startswith(DKIM_VARIABLE) and value}
    return Config(path.parent, path, settings, relays, _read_secrets(env), text, pems)


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
        except FaultError as fault:
            faults.append(Fault((*where, "url"), fault.what, fault.remedy))
            continue
        if keys.auth != "auto" and not relay.user:
            what = f'is "{keys.auth}", but url names no user'
            faults.append(Fault((*where, "auth"), what, 'write url = "smtp://user@host", or take auth out'))
        relays.append(
            replace(relay, auth=keys.auth, token_command=keys.token_command, weight=keys.weight, ehlo=keys.ehlo)
        )
    return tuple(relays), tuple(faults)


_SECRET_REMEDY = "what `openssl rand -hex 32` prints, and keep it: older links stop working with another one"  # noqa: S105


def _read_secrets(env: Mapping[str, str]) -> tuple[str, ...]:
    """One, or the newest first with commas between: the older ones for what was mailed before."""
    text = env.get(SECRET_VARIABLE, "")
    if CONTROL.search(text):
        what = "the secret has a line break or control character"
        raise ConfigError(located(SECRET_VARIABLE, None, what, "set the variable without it"))
    secrets = tuple(secret.strip() for secret in text.split(",")) if text else ()
    for number, secret in enumerate(secrets, 1):
        if len(secret) < MIN_SECRET:
            which = "the secret" if len(secrets) == 1 else f"the secret number {number}, between commas,"
            what = f"{which} has fewer than {MIN_SECRET} characters and could be guessed"
            raise ConfigError(located(SECRET_VARIABLE, None, what, f"set it to {_SECRET_REMEDY}"))
    return secrets


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


# --- faults ---------------------------------------------------------------------------------------------------------


def _sentence(name: str, text: str, tree: Mapping[str, Any], fault: Fault) -> str:
    if fault.unknown:
        return _unknown_key(name, text, tree, fault.where)
    line = line_of(text, fault.where)
    below = ".".join(printable(part) for part in fault.where[1:] if isinstance(part, str))
    what = f"{_title(fault.where)} {below} {fault.what}" if below else f"{_title(fault.where)} {fault.what}"
    remedy = fault.remedy
    if not remedy:
        remedy = _example(fault.where) if below else f"write {_title(fault.where)} and its keys below"
    return located(name, line, what, remedy)


def _title(where: Where) -> str:
    listed = where[0] == "relays" or (len(where) > 1 and isinstance(where[1], int))
    return f"[[{where[0]}]]" if listed else f"[{where[0]}]"


def _example(where: Where) -> str:
    """The remedy for a key that names none."""
    names = [part for part in where[1:] if isinstance(part, str)]
    section = SECTIONS[str(where[0])]
    if section is None:
        return f"write {_toml_key(names[-1])} = {_toml(LABELS.example)}"
    _, key = keys_of(section)[names[0]]
    if len(names) > 1 and isinstance(key.example, dict):
        return f"write {_toml_key(names[-1])} = {_toml(next(iter(key.example.values())))}"
    return f"write {names[0]} = {_toml(key.example)}"


def _unknown_key(name: str, text: str, tree: Mapping[str, Any], where: Where) -> str:
    line = line_of(text, where)
    key = str(where[-1])
    sections = {section: tuple(keys_of(keys)) if keys else () for section, keys in SECTIONS.items()}
    if len(where) == 1:
        if not _is_section(tree[key]):
            owners = [section for section, keys in sections.items() if key in keys]
            remedy = f"write it below [{owners[0] if owners else 'newsletter'}]"
            return located(name, line, f"the key {shown(key)} stands outside any section", remedy)
        what, known = f"no section is named [{printable(key)}]", tuple(sections)
    else:
        what, known = f"{_title(where)} has no key {shown(key)}", sections[str(where[0])]
        if any(word in key.lower() for word in ("pass", "secret", "pem")):
            variable = _SECRETS.get(str(where[0]), PASSWORD_VARIABLE)
            return located(name, line, what, f"remove it, and set the environment variable {variable}")
        if key in SECTIONS:
            return located(name, line, what, f"write it as a section of its own, [{key}]")
    import difflib  # 10 ms that only a fault needs

    nearest = difflib.get_close_matches(key.lower(), known, n=1)
    remedy = f"did you mean {nearest[0]}?" if nearest else f"it may have {', '.join(known)}"
    return located(name, line, what, remedy)


_SECRETS = {"newsletter": SECRET_VARIABLE, "dkim": DKIM_VARIABLE, "ledger": "PGPASSWORD", "bounces": IMAP_VARIABLE}


def _is_section(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(each, dict) for each in value))


# --- the keys, described --------------------------------------------------------------------------------------------


def describe() -> str:
    """Every key in a Markdown table: its default and its meaning."""
    rows = ["| Section | Key | Default | Meaning |", "|---|---|---|---|"]
    for section, keys in SECTIONS.items():
        if section == "relays":
            rows.append(f"| `[[relays]]` | any |  | {RELAYS} |")
        elif keys is None:
            rows.append(f"| `[{section}]` | any |  | {LABELS.about} |")
        else:
            rows += (_row(section, name, key) for name, (_, key) in keys_of(keys).items())
    return "\n".join(rows) + "\n"


def _row(section: str, name: str, key: Key) -> str:
    default = f"`{_toml(key.default)}`" if key.default else ""
    example = f" Example: `{name} = {_toml(key.example)}`" if key.example != key.default else ""
    return f"| `[{section}]` | `{name}` | {default} | {key.about}{example} |"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return "{ " + ", ".join(f"{_toml_key(name)} = {_toml(each)}" for name, each in value.items()) + " }"
        case list():
            return "[" + ", ".join(_toml(each) for each in value) + "]"
        case _:
            return f"{value:g}"


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(printable(name))
