"""`newsletter.toml`, with the one secret from the environment -> Config.

Each key is described once, on its field; `describe` renders the table in docs/configuration.md from there. Every
fault is a ConfigError that names file, line and key. No secret is in the file, so none can be in a message.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from newsletter.errors import ConfigError, located
from newsletter.labels import check_label
from newsletter.model import Relay, Sender
from newsletter.relay import PASSWORD_VARIABLE, RELAY_EXAMPLE, TlsSetting, read_relay
from newsletter.values import CONTROL, FaultError, kind, line_of, printable, shown, shown_url

FILE_NAME = "newsletter.toml"


# --- values ---------------------------------------------------------------------------------------------------------


def _one_line(value: str) -> str:
    # Header injection ends here: nothing from the file reaches a header with a line break in it.
    if CONTROL.search(value):
        raise FaultError(f"is {shown(value)}, with a line break or control character", "write it on one line")
    return value.strip()


def _lines(value: str) -> str:
    if CONTROL.search(value.replace("\n", "")):
        raise FaultError(f"is {shown(value)}, with a control character", "remove it")
    return value.strip()


def _address(value: str) -> str:
    return _read_address(_one_line(value)) if value.strip() else ""


def _mailbox(value: str) -> str:
    """`Name <address>` or an address, the address normalized."""
    value = _one_line(value)
    named = re.fullmatch(r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^"<>]*?))\s*<(?P<address>[^<>]*)>', value)
    if not named:
        return _address(value)
    name = named["plain"] if named["quoted"] is None else re.sub(r"\\(.)", r"\1", named["quoted"])
    address = _read_address(named["address"].strip())
    return f"{name.strip()} <{address}>" if name.strip() else address


def _read_address(text: str) -> str:
    """The address with its domain in IDNA's ASCII form; `localhost` is as good a domain as any."""
    local, _, domain = text.rpartition("@")
    home = domain.lower() == "localhost" or domain.lower().endswith(".localhost")
    # email_validator refuses localhost whatever one asks of it; `test`, as reserved as that, stands in.
    checked = f"{local}@{domain[: -len('localhost')]}test" if home else text
    from email_validator import EmailNotValidError, validate_email  # 30 ms that only a file with addresses needs

    try:
        parsed = validate_email(checked, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        reason = str(error).rstrip(".")
        raise FaultError(f"is {shown(text)}, not an address: {printable(reason)}") from error
    return f"{local if local.isascii() else parsed.local_part}@{domain.lower() if home else parsed.ascii_domain}"


def _list_id(value: str) -> str:
    value = _one_line(value)
    if value and not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)+", value):
        raise FaultError(f"is {shown(value)}, not two or more ASCII words joined by dots (RFC 2919)")
    return value


def _language(value: str) -> str:
    value = _one_line(value)
    if value and not re.fullmatch(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", value):
        raise FaultError(f"is {shown(value)}, not a language tag (BCP 47)")
    return value


def _web_address(value: str) -> str:
    value = _one_line(value)
    if not value:
        return value
    try:
        parts = urlsplit(value)
        plain = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        plain = False
    if not plain or "@" in value or re.search(r"[\s?#\"'<>\\]", value):
        raise FaultError(f"is {shown_url(value)}, not a plain web address")
    return value.rstrip("/")


def _secure_address(value: str) -> str:
    value = _web_address(value)
    if value.startswith("http:"):
        raise FaultError(f"is {shown_url(value)}, where many mail clients show no picture")
    return value


def _base_path(value: str) -> str:
    value = _one_line(value)
    if re.search(r"[\s?#:\"'<>\\]", value):
        raise FaultError(f"is {shown(value)}, not a path")
    return f"/{value.strip('/')}" if value.strip("/") else ""


def _folder_name(value: str) -> str:
    value = _one_line(value)
    if value in {"", ".", ".."} or re.search(r"[/\\]", value):
        raise FaultError(f"is {shown(value)}, not the name of a folder in templates/")
    return value


def _file_path(value: str) -> str:
    value = _one_line(value)
    if not value:
        raise FaultError("is empty")
    return value


# --- the file's keys ------------------------------------------------------------------------------------------------


def _labels(value: dict[str, str]) -> dict[str, str]:
    for name, words in value.items():
        try:
            check_label(name, words)
        except FaultError as fault:
            raise FaultError(f"{name} {fault.what}", fault.remedy) from fault
    return value


class _Section(BaseModel):
    # Inputs stay out of pydantic's own error texts: one of them may be a URL with a password in it.
    # Built when a file is there to be checked: that takes a tenth of a second, and the defaults need no check.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True)


class NewsletterSection(_Section):
    name: Annotated[str, AfterValidator(_one_line)] = Field(
        default="Newsletter",
        description="The newsletter's name: in From, List-Id and the layout.",
        examples=["AI Daily"],
    )
    from_: Annotated[str, AfterValidator(_mailbox)] = Field(
        default="",
        alias="from",
        description="Who the mail is from: an address, or `Name <address>` to sign with another name than the "
        "newsletter's. Needed to send. Without it, `newsletter@localhost`.",
        examples=["AI Daily <news@example.com>"],
    )
    reply_to: Annotated[str, AfterValidator(_address)] = Field(
        default="", description="Where answers go, when not to `from`.", examples=["editor@example.com"]
    )
    postal_address: Annotated[str, AfterValidator(_lines)] = Field(
        default="",
        description="The postal address in the footer, one line or several. Needed to send: the law asks for it "
        "(CAN-SPAM in the US).",
        examples=["AI Daily, 1 Main Street, Springfield"],
    )
    unsubscribe_mailto: Annotated[str, AfterValidator(_address)] = Field(
        default="",
        description="The address that takes unsubscribe mails: in the header List-Unsubscribe and in the footer. "
        "Needed to send.",
        examples=["unsubscribe@example.com"],
    )
    list_id: Annotated[str, AfterValidator(_list_id)] = Field(
        default="",
        description="The list's lasting name in the header List-Id (RFC 2919). Without it, made from `name` and the "
        "domain of `from`.",
        examples=["ai-daily.example.com"],
    )
    language: Annotated[str, AfterValidator(_language)] = Field(
        default="",
        description="The language of every issue (BCP 47), in place of what the text looks like.",
        examples=["zh-CN"],
    )


class RelaySection(_Section):
    url: Annotated[str, AfterValidator(str.strip)] = Field(
        default="",
        description="The SMTP server that takes the mail: `smtp://[user@]host[:port]`, or `smtps://` where TLS starts "
        "at once. Needed to send. `%40` stands for an @ in the user's name. The password comes from the environment "
        f"variable `{PASSWORD_VARIABLE}`, never from here.",
        examples=[RELAY_EXAMPLE],
    )
    tls: TlsSetting = Field(
        default="auto",
        description="When encryption starts: `starttls`, `implicit` (at once), `none`, or `auto`: `implicit` for "
        "smtps:// and port 465, `none` for this machine itself, else `starttls`. `none` with a user is refused except "
        "for this machine.",
        examples=["starttls"],
    )
    timeout_s: float = Field(
        default=300.0,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="How many seconds to wait for each of the relay's answers (RFC 5321 4.5.3.2: five minutes).",
        examples=[60],
    )


class SiteSection(_Section):
    url: Annotated[str, AfterValidator(_web_address)] = Field(
        default="",
        description="The public address of the blog, as Jekyll's `url`: the links and images of a post start there.",
        examples=["https://blog.example.com"],
    )
    baseurl: Annotated[str, AfterValidator(_base_path)] = Field(
        default="", description="The path below it, as Jekyll's `baseurl`.", examples=["/daily"]
    )
    source: Annotated[str, AfterValidator(_one_line)] = Field(
        default="",
        description="The folder of the Jekyll blog, seen from this file. What `url`, `baseurl` and `permalink` do not "
        "say here is read from its `_config.yml`.",
        examples=["../blog"],
    )
    permalink: Annotated[str, AfterValidator(_one_line)] = Field(
        default="",
        description="Where the blog publishes a post, as Jekyll's `permalink`: a style or a template. The address "
        "stands behind “view in browser” and “read the rest”.",
        examples=["/:year/:month/:day/:title/"],
    )


class ThemeSection(_Section):
    name: Annotated[str, AfterValidator(_folder_name)] = Field(
        default="classic",
        description="The theme: a folder in `templates/` beside this file, or one that newsletter brings along.",
        examples=["classic"],
    )


class ImagesSection(_Section):
    mode: Literal["remote", "embed", "mirror"] = Field(
        default="remote",
        description="Where the pictures of an issue are: `remote` leaves each at its address and sends the files "
        "beside the post along; `embed` fetches all of them once and sends them along; `mirror` writes the same files "
        "into `folder`, to be published with the site. See docs/images.md.",
        examples=["embed"],
    )
    max_total_kb: int = Field(
        default=1500,
        gt=0,
        le=20_000,
        description="How much the pictures that `embed` sends along may weigh together, in KB of the message; they are "
        "compressed until they fit. Gmail takes messages of 25 MB, many relays 10.",
        examples=[1000],
    )
    folder: Annotated[str, AfterValidator(_one_line)] = Field(
        default="",
        description="The site's folder that `mirror` writes to.",
        examples=["../blog/assets/newsletter"],
    )
    url: Annotated[str, AfterValidator(_secure_address)] = Field(
        default="",
        description="The https address under which that folder is published.",
        examples=["https://blog.example.com/assets/newsletter"],
    )


class LedgerSection(_Section):
    path: Annotated[str, AfterValidator(_file_path)] = Field(
        default="newsletter.db",
        description="The file that knows who was mailed, beside this file unless the path is absolute.",
        examples=["newsletter.db"],
    )


class Settings(_Section):
    """What the file may hold, section by section."""

    newsletter: NewsletterSection = Field(default_factory=NewsletterSection.model_construct)
    relay: RelaySection = Field(default_factory=RelaySection.model_construct)
    site: SiteSection = Field(default_factory=SiteSection.model_construct)
    theme: ThemeSection = Field(default_factory=ThemeSection.model_construct)
    images: ImagesSection = Field(default_factory=ImagesSection.model_construct)
    labels: Annotated[dict[str, Annotated[str, AfterValidator(_one_line)]], AfterValidator(_labels)] = Field(
        default={},
        description="The theme's own words, each replaced by yours whatever the issue's language. Example: "
        '`unsubscribe = "Leave this list"`',
    )
    ledger: LedgerSection = Field(default_factory=LedgerSection.model_construct)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything an operator can set. `root` is the folder that relative paths start from."""

    root: Path
    path: Path | None
    settings: Settings
    relay: Relay | None

    @property
    def sender(self) -> Sender:
        """Complete even without a file: then the mail is from newsletter@localhost."""
        keys = self.settings.newsletter
        name, _, address = keys.from_.rpartition(" <")
        address = address.removesuffix(">") or "newsletter@localhost"
        return Sender(
            name=name or keys.name,
            address=address,
            reply_to=keys.reply_to,
            unsubscribe_mailto=keys.unsubscribe_mailto,
            list_id=keys.list_id or f"{_list_label(keys.name)}.{address.rpartition('@')[2]}",
        )

    @property
    def images_folder(self) -> Path | None:
        """Where mirrored pictures are written, if anywhere."""
        return self.root / self.settings.images.folder if self.settings.images.folder else None

    @property
    def image_cache(self) -> Path:
        return self.root / ".newsletter" / "images"

    @property
    def ledger_path(self) -> Path:
        return self.root / self.settings.ledger.path

    def missing_for_send(self) -> tuple[str, ...]:
        """The keys that a real send needs and nobody has set. The relay may still come from the command line."""
        keys = self.settings.newsletter
        needed = {
            "newsletter.from": keys.from_,
            "newsletter.postal_address": keys.postal_address,
            "newsletter.unsubscribe_mailto": keys.unsubscribe_mailto,
            "relay.url": self.settings.relay.url,
        }
        return tuple(key for key, value in needed.items() if not value)


def _list_label(name: str) -> str:
    """A newsletter's name as one word of a List-Id. What ASCII cannot spell is told apart by a hash."""
    label = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:48].strip("-")
    if name.isascii() and label:
        return label
    return f"{label or 'newsletter'}-{sha256(name.encode()).hexdigest()[:8]}"


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
    return Config(root=start, path=None, settings=Settings.model_construct(), relay=None)


class _MissingError(ConfigError):
    """There is no file at all."""


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
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
    except RecursionError as error:
        raise ConfigError(located(name, None, "arrays or tables nested too deeply", "write plain keys")) from error
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        faults = [_describe_fault(name, text, tree, details) for details in error.errors(include_url=False)]
        raise ConfigError("\n".join(faults)) from error
    relay = None
    if settings.relay.url:
        try:
            relay = read_relay(settings.relay.url, env, settings.relay.tls)
        except FaultError as fault:
            raise ConfigError(_key_fault(name, text, ("relay", "url"), fault.what, fault.remedy)) from fault
    return Config(root=path.parent, path=path, settings=settings, relay=relay)


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


def _describe_fault(name: str, text: str, tree: Mapping[str, Any], details: ErrorDetails) -> str:
    where = tuple(str(part) for part in details["loc"])
    match details["type"]:
        case "extra_forbidden":
            return _unknown_key(name, text, where, tree)
        case "value_error":
            fault = details["ctx"]["error"]
            return _key_fault(name, text, where, fault.what, fault.remedy)
        case "literal_error":
            what = f"is {shown(details['input'])}, not one of {details['ctx']['expected']}"
        case "greater_than" | "less_than_equal" | "finite_number":
            what = f"is {shown(details['input'])}, not a number above 0 and at most {_most(where)}"
        case "int_type":
            what = f"is {kind(details['input'])}, not a whole number"
        case "float_type":
            what = f"is {kind(details['input'])}, not a number"
        case "model_type" | "dict_type":
            what = f"is {kind(details['input'])}, not a section"
            return located(name, line_of(text, where), f"{where[0]} {what}", f"write [{where[0]}] and its keys below")
        case _:
            what = f"is {kind(details['input'])}, not a string"
    return _key_fault(name, text, where, what, "")


def _key_fault(name: str, text: str, where: tuple[str, ...], what: str, remedy: str) -> str:
    key = printable(where[-1])
    if not remedy:
        remedy = f"write {key} = {_toml(_example(where))}"
    return located(name, line_of(text, where), f"[{where[0]}] {key} {what}", remedy)


def _unknown_key(name: str, text: str, where: tuple[str, ...], tree: Mapping[str, Any]) -> str:
    line = line_of(text, where)
    key = where[-1]
    if len(where) == 1:
        if not isinstance(tree[key], dict):
            owners = [section for section, keys in _sections().items() if key in keys]
            remedy = f"write it below [{owners[0] if owners else 'newsletter'}]"
            return located(name, line, f"the key {shown(key)} stands outside any section", remedy)
        what, known = f"no section is named [{printable(key)}]", list(_sections())
    else:
        what, known = f"[{where[0]}] has no key {shown(key)}", list(_sections()[where[0]])
        if "pass" in key.lower() or "secret" in key.lower():
            return located(name, line, what, f"remove it, and set the environment variable {PASSWORD_VARIABLE}")
        if key in Settings.model_fields:
            return located(name, line, what, f"write it as a section of its own, [{key}]")
    nearest = difflib.get_close_matches(key.lower(), known, n=1)
    remedy = f"did you mean {nearest[0]}?" if nearest else f"it may have {', '.join(known)}"
    return located(name, line, what, remedy)


# --- the keys, described --------------------------------------------------------------------------------------------


def describe() -> str:
    """Every key in a Markdown table: its default and its meaning."""
    rows = ["| Section | Key | Default | Meaning |", "|---|---|---|---|"]
    for section, keys in _sections().items():
        fields = keys or {"": Settings.model_fields[section]}
        for key, field in fields.items():
            name = f"`{key}`" if key else "any"
            default = f"`{_toml(field.default)}`" if field.default else ""
            example = _example((section, key))
            shown = f" Example: `{key} = {_toml(example)}`" if field.examples and example != field.default else ""
            rows.append(f"| `[{section}]` | {name} | {default} | {field.description}{shown} |")
    return "\n".join(rows) + "\n"


def _sections() -> dict[str, dict[str, FieldInfo]]:
    """Each section's keys as they are written; none for a section whose keys are free."""
    return {
        section: {field.alias or key: field for key, field in model.model_fields.items()}
        if isinstance(model := owner.annotation, type) and issubclass(model, BaseModel)
        else {}
        for section, owner in Settings.model_fields.items()
    }


def _example(where: tuple[str, ...]) -> object:
    field = _sections()[where[0]].get(where[-1])
    return field.examples[0] if field and field.examples else "text"


def _most(where: tuple[str, ...]) -> str:
    limits = (getattr(rule, "le", None) for rule in _sections()[where[0]][where[-1]].metadata)
    return next(f"{limit:g}" for limit in limits if limit is not None)


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else f"{value:g}"
