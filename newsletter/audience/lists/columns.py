"""Interpret a list's header: the address column, the name column, and the status of a row, in many languages.

If column names are not sufficient, the values of the first rows decide.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from newsletter.audience.lists.cells import TRIMMED, addresses_in, trim
from newsletter.audience.lists.providers import Provider, provider_of, reply_words
from newsletter.audience.lists.standing import (
    Judge,
    Verdict,
    is_of_other_channel,
    judge_of,
    may_speak_of_leaving,
    remember,
    strong_word,
    whole_list_word,
    with_rules,
)
from newsletter.errors import InvalidValueError
from newsletter.frozen import frozen
from newsletter.model.column_rules import NO_RULES, Rules

_JOINTS = re.compile(r"[\s_.\-‐‑–:：*]+")


# Compared in one spelling: lower case, without spaces, hyphens and similar characters.
_EMAIL = reply_words(
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
_NAME = reply_words(
    """
    name fullname displayname subscribername contactname yourname membername customername
    姓名 名字 称呼 昵称 全名 稱呼 暱稱
    名前 お名前 氏名 이름 성명 성함
    nombre nombrecompleto nombreyapellidos nom nomcomplet nometprénom vollständigername nomecompleto nome
    naam volledigenaam namn navn nimi имя фио полноеимя imię isim adsoyad الاسم ชื่อ
    """
)
# Columns that are the whole name if alone, and the first name beside a last name.
_GIVEN = reply_words("nombre nome имя naam namn navn nimi imię isim 名字 이름")
_FIRST_NAME = reply_words(
    """
    firstname fname givenname forename 名 prénom prenom vorname nombredepila primeironome voornaam förnamn fornavn
    """
)
_LAST_NAME = reply_words(
    """
    lastname lname surname familyname 姓 apellido apellidos nomdefamille nachname familienname cognome sobrenome
    achternaam efternamn etternavn фамилия
    """
)

_LIKE_EMAIL = re.compile(
    r"mail|address|邮|郵|信箱|地址|メール|アドレス|메일|correo|courriel|adresse|почт", re.IGNORECASE
)


# --- the header -----------------------------------------------------------------------------------------------------


@frozen
class Header:
    """A list's columns. `names` has one for each cell of a row, in lower case, empty if the header has none.

    The address column is called `email`, whatever the header says; `written` is its original name. `name_cells` are the
    cells that make up `name` if no column is called so: one, or the first and the last name. `judges` are the cells
    that may exclude a row, and how to read them; `others` are the cells without a known meaning. `more_emails` are the
    cells of further addresses of the same subscriber. `is_made_up`: the list has no header.
    """

    names: tuple[str, ...]
    written: str
    name_cells: tuple[int, ...] = ()
    provider: str = ""
    everyone: str = ""
    judges: tuple[tuple[int, Judge], ...] = ()
    others: tuple[int, ...] = ()
    more_emails: tuple[int, ...] = ()
    is_made_up: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of a subscriber's values, in the order of `values_of`."""
        return (*filter(None, self.names), *(("name",) if self.name_cells else ()))

    @property
    def email_cell(self) -> int:
        return self.names.index("email")

    @property
    def name_source(self) -> str:
        """The column that was renamed to `name`; empty if it is not a single one."""
        return self.names[self.name_cells[0]] if len(self.name_cells) == 1 else ""

    def values_of(self, cells: Sequence[str]) -> list[str]:
        values = [trim(cell) for name, cell in zip(self.names, cells, strict=True) if name]
        if self.name_cells:
            parts = [part for cell in self.name_cells if (part := trim(cells[cell]))]
            # 王 and 小明 are 王小明, first name last; Ann and Lee are Ann Lee.
            values.append(" ".join(parts) if "".join(parts).isascii() or not _is_cjk(parts) else "".join(parts[::-1]))
        return values

    def judge(self, cells: Sequence[str], line: str) -> Verdict | None:
        """Why a row is excluded, or what about it is unclear; None if it may be mailed.

        Unambiguous values come before unclear ones. `line` is the whole row; without it, only columns about
        unsubscribing are checked.
        """
        if self.everyone:
            return Verdict(self.everyone)
        unclear: Verdict | None = None
        for cell, judge in self.judges:
            verdict = judge(cells[cell])
            if verdict is not None:
                if not verdict.unclear:
                    return verdict
                unclear = unclear or verdict
        if unclear is None and self.others and line and may_speak_of_leaving(cells, line):
            found = (strong_word(self.names[cell] or f"column {cell + 1}", cells[cell]) for cell in self.others)
            return next(filter(None, found), None)
        return unclear

    def excluded(self, cells: Sequence[str]) -> str:
        """Why a row is excluded: `unsubscribed`, `bounced`, ...; empty if it may be mailed."""
        verdict = self.judge(cells, "")
        return verdict.reason if verdict is not None else ""


def read_header(
    cells: Sequence[str],
    file_name: str = "",
    sample: Sequence[Sequence[str]] = (),
    rules: Rules = NO_RULES,
    *,
    is_made_up: bool = False,
) -> Header:
    """Interpret the cells of the first row, with the rows of the `sample`.

    InvalidValueError if no column, or more than one, can be the address.
    """
    names = [trim(cell).lower() for cell in cells]
    while names and not names[-1]:
        names.pop()
    for name in names:
        if name and names.count(name) > 1:
            raise InvalidValueError(f"the column {_shown(name)} is there twice", "rename or remove one of them")
    rows = [(*row, *[""] * (len(names) - len(row))) for row in sample]
    address, more = _address_cells(names, cells, rows)
    if is_made_up and more and not _are_alike(rows, (address, *more)):
        # Pasted from a mail program's To: they may be several people, and only the first would be mailed.
        raise InvalidValueError(
            "a line has several addresses, and no header says whose they are",
            'write each subscriber on a line of their own, or put a first line such as "email,name,other" above',
        )
    found = frozenset(names)  # as the provider wrote them
    provider = provider_of(found)
    judges = tuple(_judges(names, cells, rows, address, provider, rules))
    watched = {cell for cell, _ in judges}
    known = provider.columns if provider else {}
    others = [
        cell
        for cell, name in enumerate(names)
        if cell != address
        and cell not in more
        and cell not in watched
        and name not in rules.columns
        and name not in known
        and not is_of_other_channel(cells[cell])
    ]
    names[address] = "email"
    return Header(
        tuple(names),
        trim(cells[address]),
        _name_cells(names),
        provider.name if provider else "",
        _everyone(file_name, provider, is_judged=bool(judges)),
        judges,
        tuple(others),
        more,
        is_made_up,
    )


def _judges(
    names: Sequence[str],
    cells: Sequence[str],
    rows: Sequence[Sequence[str]],
    address: int,
    provider: Provider | None,
    rules: Rules,
) -> Iterable[tuple[int, Judge]]:
    known = provider.columns if provider else {}
    for cell, name in enumerate(names):
        if cell == address or not name or name in rules.columns:
            continue
        if name in known:
            reader = known[name]
            judge = reader(name) if reader is not None else None
        else:
            judge = judge_of(trim(cells[cell]), [trim(row[cell]) for row in rows], names)
        if judge is not None:
            yield cell, remember(with_rules(judge, name, rules))


def _everyone(file_name: str, provider: Provider | None, *, is_judged: bool) -> str:
    """The reason that the file's name gives for excluding all its rows, unless a column is more specific."""
    if provider and (why := next((why for start, why in provider.files.items() if file_name.startswith(start)), "")):
        return why
    return "" if is_judged else whole_list_word(file_name)


def is_address_column(name: str) -> bool:
    return _plain(name) in _EMAIL


# --- the address ----------------------------------------------------------------------------------------------------

_NUMBERED = re.compile(r"(?P<number>\d+)")
# Columns of address book exports that accompany an address and are not the address.
_NO_ADDRESS = re.compile(r"\b(?:label|type|display ?name)\b", re.IGNORECASE)
_MOST = 0.5
"""The share of a column's filled cells that must be addresses for it to be the address column."""


def _address_cells(
    names: Sequence[str], cells: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[int, tuple[int, ...]]:
    """The cell of the address to mail, and the cells with further addresses of the same subscriber."""
    counts = [_addresses(rows, cell) for cell in range(len(names))]
    likely = [cell for cell in range(len(names)) if _holds_addresses(rows, cell, counts[cell])]
    if "email" in names:
        return names.index("email"), ()
    named = [cell for cell, name in enumerate(names) if _plain(name) in _EMAIL]
    if not likely:
        return _named_cell(cells, named), ()
    if len(named) == 1 and (named[0] in likely or counts[named[0]]):
        return named[0], tuple(cell for cell in likely if cell != named[0] and _is_sibling(cells, named[0], cell))
    among = [cell for cell in named if cell in likely] or _numbered(cells, likely) or likely
    if len(among) > 1:
        first, *others = among
        if all(_is_sibling(cells, first, other) for other in others) or _are_alike(rows, among):
            return first, tuple(others)
        filled = [cell for cell in among if counts[cell] == max(counts[each] for each in among)]
        if len(filled) == 1 and counts[filled[0]] >= 2 * sorted(counts[each] for each in among)[-2]:
            return filled[0], ()
        shown = " or ".join(_shown(trim(cells[cell])) for cell in among[:3])
        raise InvalidValueError(f"the address may be in {shown}", "rename the column that mail is to go to to email")
    first = among[0]
    return first, tuple(cell for cell in likely if cell != first and _is_sibling(cells, first, cell))


def _addresses(rows: Sequence[Sequence[str]], cell: int) -> int:
    return sum(1 for row in rows if addresses_in(row[cell]))


def _holds_addresses(rows: Sequence[Sequence[str]], cell: int, count: int) -> bool:
    filled = sum(1 for row in rows if trim(row[cell]))
    return count > 0 and count >= _MOST * filled


def _numbered(cells: Sequence[str], likely: Sequence[int]) -> list[int]:
    """Sort numbered columns such as `E-mail 1 - Value` and `E-mail 2 - Value`."""
    found = [cell for cell in likely if _NUMBERED.search(cells[cell]) and _LIKE_EMAIL.search(cells[cell])]
    return sorted(found, key=lambda cell: int(match["number"]) if (match := _NUMBERED.search(cells[cell])) else 0)


def _is_sibling(cells: Sequence[str], first: int, other: int) -> bool:
    """Whether two columns are the first and a further address: `E-mail Address` and `E-mail 2 Address`."""
    one, two = (_plain(_NUMBERED.sub("", cells[cell])) for cell in (first, other))
    return one == two or (one in _EMAIL and two in _EMAIL and bool(_NUMBERED.search(cells[other])))


def _are_alike(rows: Sequence[Sequence[str]], among: Sequence[int]) -> bool:
    first, *others = among
    return all(trim(row[first]).lower() == trim(row[other]).lower() for row in rows for other in others)


def _named_cell(cells: Sequence[str], named: Sequence[int]) -> int:
    """The column by its name alone. InvalidValueError, with the likely one, if there is none or more than one."""
    if len(named) == 1:
        return named[0]
    if named:
        shown = " or ".join(_shown(trim(cells[cell])) for cell in named[:3])
        raise InvalidValueError(f"the address may be in {shown}", "rename the column that mail is to go to to email")
    found = [trim(cell) for cell in cells if trim(cell)]
    what = f"no column is named email; the header has {', '.join(_shown(name) for name in found[:10])}"
    if any("@" in name for name in found):
        raise InvalidValueError(what, 'put a header above the first row, such as "email,name"')
    likely = next((name for name in found if _LIKE_EMAIL.search(name) and not _NO_ADDRESS.search(name)), None)
    raise InvalidValueError(
        what, f"rename {_shown(likely)} to email" if likely else "name the column of addresses email"
    )


# --- the name -------------------------------------------------------------------------------------------------------


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
    return _JOINTS.sub("", unicodedata.normalize("NFKC", name).strip(TRIMMED).lower())


def _is_cjk(parts: Iterable[str]) -> bool:
    return all("\u3040" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3" for part in parts for char in part)


def _shown(value: str) -> str:
    return repr(value if len(value) <= 60 else value[:57] + "…")
