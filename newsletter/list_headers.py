"""What a list's header says: which column is the address and which the name, in many spellings and languages; whose
export it is; and which of its rows are of people who are not subscribers, or no longer.

Headers of the exports, as the providers write them: Mailchimp, an audience's export, one file for each status;
Substack, `email_list.*.csv`; Ghost, `members.*.csv`; Buttondown, subscribers; listmonk, `subscribers.csv`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from newsletter.values import FaultError

_BLANK = " \t\n\u00a0\u3000\ufeff"  # what may surround a column's name, a second BOM included
_JOINTS = re.compile(r"[\s_.\-‐‑–:：*]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Compared in one spelling: small letters, without spaces, hyphens and the like.
_EMAIL = _words(
    """
    email emails emailaddress mail mailaddress emailid subscriberemail contactemail useremail memberemail customeremail
    youremail primaryemail
    邮箱 邮箱地址 电子邮箱 电子邮件 电子邮件地址 电子邮箱地址 邮件 邮件地址 电邮 信箱
    郵箱 電子郵件 電子郵件地址 電子信箱 電郵 電郵地址 郵件地址
    メール メールアドレス eメール eメールアドレス 電子メール 電子メールアドレス
    이메일 이메일주소 메일 메일주소 전자우편
    correo correoelectrónico correoelectronico direccióndecorreo direccióndecorreoelectrónico
    courriel adressemail adresseemail adresseelectronique adresseélectronique adressedemessagerie adressecourriel
    emailadresse mailadresse emailadres epostadress epostadresse epost sähköposti
    indirizzoemail postaelettronica endereçodeemail enderecodeemail
    почта электроннаяпочта адресэлектроннойпочты элпочта имейл
    adresemail adresпочты eposta epostaadresi البريدالإلكتروني อีเมล
    """
)
_NAME = _words(
    """
    name fullname displayname subscribername contactname yourname membername customername
    姓名 名字 称呼 昵称 全名 稱呼 暱稱
    名前 お名前 氏名 이름 성명 성함
    nombre nombrecompleto nombreyapellidos nom nomcomplet nometprénom vollständigername nomecompleto nome
    naam volledigenaam namn navn nimi имя фио полноеимя imię isim adsoyad الاسم ชื่อ
    """
)
# What is the whole name where it stands alone, and the first where there is a last name beside it.
_GIVEN = _words("nombre nome имя naam namn navn nimi imię isim 名字 이름")
_FIRST_NAME = _words(
    """
    firstname fname givenname forename 名 prénom prenom vorname nombredepila primeironome voornaam förnamn fornavn
    """
)
_LAST_NAME = _words(
    """
    lastname lname surname familyname 姓 apellido apellidos nomdefamille nachname familienname cognome sobrenome
    achternaam efternamn etternavn фамилия
    """
)

_LIKE_EMAIL = re.compile(
    r"mail|address|邮|郵|信箱|地址|メール|アドレス|메일|correo|courriel|adresse|почт", re.IGNORECASE
)


# --- who is not a subscriber ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Status:
    """What a column says of a row's person. What it says counts in small letters.

    Anything in a `filled` column is that reason. Otherwise a value in `gone` has its reason there, and, where `active`
    is not empty, any value outside it is one too: a status that is not known is no consent.
    """

    column: str
    filled: str = ""
    gone: Mapping[str, str] = field(default_factory=dict)
    active: frozenset[str] = frozenset()

    def reason(self, value: str) -> str:
        said = value.strip().lower()
        if self.filled:
            return self.filled if said else ""
        if said in self.gone:
            return self.gone[said]
        return f"unknown {self.column}" if self.active and said not in self.active else ""


@dataclass(frozen=True, slots=True)
class Provider:
    """Whose export a list is: the columns that tell, any of these sets, and what its columns say of people.

    `files` are what the names of files begin with that hold nobody but people to leave alone.
    """

    name: str
    marks: tuple[frozenset[str], ...]
    statuses: tuple[_Status, ...]
    files: Mapping[str, str] = field(default_factory=dict)


_GONE = MappingProxyType(
    {
        **dict.fromkeys(("unsubscribed", "unsubscribe", "opted out", "optout", "opt-out", "removed"), "unsubscribed"),
        **dict.fromkeys(
            ("退订", "已退订", "取消订阅", "已取消订阅", "退訂", "已退訂", "配信停止", "解除"), "unsubscribed"
        ),
        **dict.fromkeys(("cleaned", "bounced", "hard bounced", "undeliverable", "退信"), "bounced"),
        **dict.fromkeys(("complained", "complaint", "spam complaint", "spam"), "complained"),
        **dict.fromkeys(("blocked", "blocklisted", "blacklisted", "suppressed"), "blocked"),
        **dict.fromkeys(("unactivated", "unconfirmed"), "not confirmed"),
    }
)
_PLAIN_STATUSES = ("status", "subscription status", "subscription_status", "email status", "订阅状态", "状态", "狀態")

# Buttondown's subscriber types that get mail, by its API's documentation.
_BUTTONDOWN_TYPES = _words("regular premium trialed unpaid gifted churning churned past_due")
_BUTTONDOWN = tuple(
    _Status(column, gone={**_GONE, "spammy": "blocked", "paused": "paused"}, active=_BUTTONDOWN_TYPES)
    for column in ("subscriber_type", "type")
)

PROVIDERS = (
    Provider(
        "Mailchimp",
        (frozenset({"leid", "euid"}), frozenset({"member_rating", "optin_time"})),
        (
            _Status("unsub_time", filled="unsubscribed"),
            _Status("clean_time", filled="bounced"),
            _Status(
                "status", gone={**_GONE, "non-subscribed": "never subscribed", "nonsubscribed": "never subscribed"}
            ),
        ),
        MappingProxyType(
            {
                "nonsubscribed_": "never subscribed",
                "non-subscribed_": "never subscribed",
                "unsubscribed_": "unsubscribed",
                "cleaned_": "bounced",
            }
        ),
    ),
    Provider(
        "Substack",
        (frozenset({"active_subscription", "email_disabled"}), frozenset({"active_subscription", "expiry"})),
        # A subscription that is not active is a reader who does not pay.
        (_Status("email_disabled", gone={"true": "unsubscribed", "1": "unsubscribed", "yes": "unsubscribed"}),),
    ),
    Provider(
        "Ghost",
        (frozenset({"subscribed_to_emails", "complimentary_plan"}),),
        (
            _Status("deleted_at", filled="deleted"),
            _Status(
                "subscribed_to_emails",
                gone={"false": "unsubscribed", "0": "unsubscribed", "no": "unsubscribed"},
                active=frozenset({"true", "1", "yes"}),
            ),
        ),
    ),
    Provider(
        "Buttondown",
        (frozenset({"subscriber_type", "creation_date"}), frozenset({"email_address", "type", "creation_date"})),
        (
            _Status("unsubscription_date", filled="unsubscribed"),
            _Status("undeliverability_date", filled="bounced"),
            *_BUTTONDOWN,
        ),
    ),
    Provider(
        "listmonk",
        (frozenset({"uuid", "attributes", "status"}),),
        (
            _Status(
                "status",
                gone={"blocklisted": "blocked", "disabled": "disabled", "unsubscribed": "unsubscribed"},
                active=frozenset({"enabled"}),
            ),
        ),
    ),
)


# --- the header -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Header:
    """A list's columns. `names` has one for each cell of a row, in small letters, empty where there is none.

    The column of addresses is called `email`, however it is written; `written` is how. `name_cells` are those that
    make up `name` where no column is called so: one, or the first and the last name. `statuses` are the cells that may
    say why a row's person is to be left alone, and how to read them.
    """

    names: tuple[str, ...]
    written: str
    name_cells: tuple[int, ...] = ()
    provider: str = ""
    everyone: str = ""
    statuses: tuple[tuple[int, Callable[[str], str]], ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """What a subscriber's values are called, in the order of `values_of`."""
        return (*filter(None, self.names), *(("name",) if self.name_cells else ()))

    @property
    def email_cell(self) -> int:
        return self.names.index("email")

    @property
    def name_source(self) -> str:
        """The column that is the name under another name; empty where it is not one alone."""
        return self.names[self.name_cells[0]] if len(self.name_cells) == 1 else ""

    def values_of(self, cells: Sequence[str]) -> list[str]:
        values = [cell.strip() for name, cell in zip(self.names, cells, strict=True) if name]
        if self.name_cells:
            parts = [part for cell in self.name_cells if (part := cells[cell].strip())]
            # 王 and 小明 are 王小明, first name last; Ann and Lee are Ann Lee.
            values.append(" ".join(parts) if "".join(parts).isascii() or not _is_cjk(parts) else "".join(parts[::-1]))
        return values

    def excluded(self, cells: Sequence[str]) -> str:
        """Why mail must not go to a row's person: `unsubscribed`, `bounced`, ...; empty where it may."""
        if self.everyone:
            return self.everyone
        return next((why for cell, reason in self.statuses if (why := reason(cells[cell]))), "")


def read_header(cells: Sequence[str], file_name: str = "") -> Header:
    """What the cells of the first row mean. FaultError where no column, or more than one, can be the address."""
    names = [cell.strip(_BLANK).lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    for name in names:
        if name and names.count(name) > 1:
            raise FaultError(f"the column {_shown(name)} is there twice", "rename or remove one of them")
    address = _address_cell(names, cells)
    written = cells[address].strip(_BLANK)
    found = frozenset(names)  # as the provider wrote them
    provider = next((each for each in PROVIDERS if any(marks <= found for marks in each.marks)), None)
    statuses = provider.statuses if provider else tuple(_Status(name, gone=_GONE) for name in _PLAIN_STATUSES)
    everyone = (
        next((why for start, why in provider.files.items() if file_name.startswith(start)), "") if provider else ""
    )
    readers = tuple((names.index(each.column), each.reason) for each in statuses if each.column in found)
    names[address] = "email"
    provider_name = provider.name if provider else ""
    return Header(tuple(names), written, _name_cells(names), provider_name, everyone, readers)


def is_address_column(name: str) -> bool:
    return _plain(name) in _EMAIL


def _address_cell(names: Sequence[str], cells: Sequence[str]) -> int:
    if "email" in names:
        return names.index("email")
    candidates = [number for number, name in enumerate(names) if _plain(name) in _EMAIL]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        shown = " or ".join(_shown(cells[number].strip(_BLANK)) for number in candidates[:3])
        raise FaultError(f"the address may be in {shown}", "rename the column that mail is to go to to email")
    found = [cell.strip() for cell in cells if cell.strip()]
    what = f"no column is named email; the header has {', '.join(_shown(name) for name in found[:10])}"
    if any("@" in name for name in found):
        raise FaultError(what, 'put a header above the first row, such as "email,name"')
    likely = next((name for name in found if _LIKE_EMAIL.search(name)), None)
    raise FaultError(what, f"rename {_shown(likely)} to email" if likely else "name the column of addresses email")


def _name_cells(names: Sequence[str]) -> tuple[int, ...]:
    if "name" in names:
        return ()
    plain = [_plain(name) for name in names]
    whole, first, last = (_first_of(plain, kind) for kind in (_NAME, _FIRST_NAME, _LAST_NAME))
    if whole is not None:
        if plain[whole] == "nom" and first is not None:
            return first, whole
        return (whole, last) if plain[whole] in _GIVEN and last is not None else (whole,)
    if first is None:
        return ()
    return (first,) if last is None else (first, last)


def _first_of(plain: Iterable[str], spellings: frozenset[str]) -> int | None:
    return next((number for number, name in enumerate(plain) if name in spellings), None)


def _plain(name: str) -> str:
    return _JOINTS.sub("", unicodedata.normalize("NFKC", name).strip(_BLANK).lower())


def _is_cjk(parts: Iterable[str]) -> bool:
    return all("\u3040" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3" for part in parts for char in part)


def _shown(value: str) -> str:
    return repr(value if len(value) <= 60 else value[:57] + "…")
