"""The subscription status of a list's rows: an unambiguous value excludes a row, an unclear one stops a send.

A column is interpreted by its name and the values of the first rows together:

    left      `unsubscribed`, `opt_out`, `blacklisted`, ...      a true value, a date or a reason: unsubscribed
    joined    `subscribed`, `is_active`, `email consent`, ...    a false value: gets no mail
    status    `status`, `state`, `list status`, 状态, ...          a word of the vocabulary decides
    how often `frequency`, `email frequency`, 频率, ...            `never` and its like: gets no mail
    any other                                                    only a word such as `unsubscribed` or 退订 is noticed

A value of such a column that is not understood is unclear, unless the column is about something else: an order's
status, a state of the USA.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from newsletter.audience.lists.column_names import (
    ABOUT_NAMES,
    ABOUT_PARTS,
    CONSENT_NAMES,
    FREQUENCY_NAMES,
    JOINED_NAMES,
    LEFT_NAMES,
    OTHER_NAMES,
    PLACE_NAMES,
    REGION_NAMES,
    REGIONS,
    STATUS_NAMES,
    UNCLEAR_NAMES,
    UNCLEAR_WORDS,
    WHOLE_LEFT_NAMES,
)
from newsletter.audience.lists.vocabulary import (
    ACTIVE,
    BLANK,
    FALSE,
    GONE,
    KINDS,
    NEVER,
    NONE,
    OTHER_STATUSES,
    STRONG,
    STRONG_SPELLINGS,
    TRUE,
    fold,
    fold_name,
)
from newsletter.model.column_rules import MAIL, Rules

_KEPT_VERDICTS = 5_000
_SHOWN_CHARS = 60

_MOMENT = re.compile(
    r"""\s*(?:
    \d{4}[-/.年]\s?\d{1,2}[-/.月]\s?\d{1,2}日?.{0,40} | \d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}\b.{0,30} | \d{8}(?:\d{6})?
    | \d{9,13}(?:\.\d+)? | (?:[A-Z][a-z]{2,8},?\s+)?\d{1,2}\.?\s+[^\W\d]{3,12}\.?,?\s+\d{4}.{0,30}
    | [^\W\d]{3,12}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4}.{0,30}
    )\s*""",
    re.VERBOSE,
)
_WHEN = frozenset({"date", "time", "at", "on", "since", "changed", "updated", "modified", "datum"})
"""The endings of column names that hold the time of a status."""
_NO_MOMENT = re.compile(
    r"[\s0\-/.:TZ+]*|0?[01]?[-/.]?0?[01]?[-/.]?(?:0001|1900|1970)\b.*|(?:0001|1970)-01-01\b.*", re.DOTALL
)
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?", re.ASCII)
_PARTS = re.compile(r"[,;|\n/、，；]+")
_PART_OF = re.compile(r"^[^:=]{1,60}[:=]\s*")
_WHOLE_LIST_FILES = re.compile(
    r"(?:.*[-_ .])?(?P<word>unsubscribed|unsubscribes|unsubscribers?|bounced|bounces|complaints?|complained|suppressed"
    r"|suppressions?(?:[-_ ]list)?|blacklist(?:ed)?|blocklist(?:ed)?|spam[-_ ]?reports?|opt(?:ed)?[-_ ]?outs?"
    r"|退订(?:名单|列表)?|已退订|退訂(?:名單)?|黑名单|黑名單)(?:[-_ ]?\(?\d[\d_-]*\)?)*",
    re.IGNORECASE,
)
_IN_WORDS = re.compile(
    r"\b(?:unsubscribed|opted[ -]out|abgemeldet|désabonnée?|désinscrite?|dado de baja|desuscrit[oa]|uitgeschreven"
    r"|отписал(?:ся|ась)|отписан)\b|退订|退訂|取消订阅|取消訂閱|配信停止|수신\s?거부|구독\s?(?:취소|해지)",
    re.IGNORECASE,
)


class Verdict(NamedTuple):
    """Why a row is excluded, or, if `unclear`, which value of which column is not understood."""

    reason: str
    column: str = ""
    value: str = ""
    unclear: bool = False


Judge = Callable[[str], Verdict | None]
"""The meaning of a cell for its row; None if the row may be mailed."""


# --- one column -----------------------------------------------------------------------------------------------------


def left_column(column: str, reason: str, *, plain: bool = True) -> Judge:
    """A column that is filled, or true, for unsubscribed rows.

    Not `plain`: values other than false and empty are unclear.
    """

    def judge(cell: str) -> Verdict | None:
        said = fold(cell)
        if not said or said in FALSE or said in BLANK or _NO_MOMENT.fullmatch(cell.strip()) or "://" in cell:
            return None
        if said in ACTIVE:
            return None
        if said in GONE:
            return Verdict(GONE[said])
        if not plain or (_NUMBER.fullmatch(cell.strip()) and said != "1" and not _MOMENT.fullmatch(cell)):
            return _unclear(column, cell)
        return Verdict(reason)

    return judge


def frequency_column(column: str) -> Judge:
    """A column of how often a subscriber wants mail. `never` is a wish; `none` may be that, or no wish at all."""

    def judge(cell: str) -> Verdict | None:
        said = fold(cell)
        if said in NEVER or said in GONE:
            return Verdict(GONE.get(said, "unsubscribed"))
        return _unclear(column, cell) if said in NONE else None

    return judge


def joined_column(column: str, reason: str, *, blank: bool = False, strict: bool = True) -> Judge:
    """A column that is true for rows that get mail. With `blank`, an empty cell beside filled ones is unclear."""

    def judge(cell: str) -> Verdict | None:
        said = fold(cell)
        if not said or said in BLANK:
            return _unclear(column, cell) if blank else None
        if said in FALSE:
            return Verdict(reason)
        if said in GONE:
            return Verdict(GONE[said])
        if said in TRUE or said in ACTIVE or said in KINDS or _MOMENT.fullmatch(cell):
            return Verdict(reason) if _NO_MOMENT.fullmatch(cell.strip()) else None
        return _unclear(column, cell) if strict else None

    return judge


def status_column(
    column: str, gone: Mapping[str, str] = GONE, active: Collection[str] = (), *, strict: bool = True
) -> Judge:
    """A column of words. If `active` is given, these alone get mail; else an unknown word is unclear."""

    def one(said: str) -> Verdict | None:
        if said in gone:
            return Verdict(gone[said])
        if said in GONE and said not in active:
            return Verdict(GONE[said])
        if said in active if active else (said in ACTIVE or said in KINDS):
            return None
        return Verdict("", column, said, unclear=True)

    def judge(cell: str) -> Verdict | None:
        said = fold(cell)
        if not said or said in BLANK:
            return _unclear(column, cell) if active else None
        found = one(said)
        if found is not None and found.unclear and (parts := _parts(cell)):
            each = [one(part) for part in parts]
            if all(verdict is not None and not verdict.unclear for verdict in each):
                return each[0]
            found = found if any(each) else None
        if found is None or not found.unclear:
            return found
        return _unclear(column, cell) if strict or said in STRONG else None

    return judge


def _parts(cell: str) -> list[str]:
    """The values of a cell that has several, such as `News: unsubscribed; Offers: subscribed`."""
    parts = [fold(_PART_OF.sub("", part.strip())) for part in _PARTS.split(cell.strip("[]{}() "))]
    found = [part for part in parts if part]
    return found if len(found) > 1 or (found and ":" in cell) else []


def _unclear(column: str, cell: str) -> Verdict:
    value = " ".join(cell.split())
    value = value if len(value) <= _SHOWN_CHARS else value[: _SHOWN_CHARS - 1] + "…"
    return Verdict(f"unknown {column}", column, value, unclear=True)


# --- any column, by its name and its first values -------------------------------------------------------------------


def judge_of(name: str, values: Sequence[str], neighbours: Collection[str]) -> Judge | None:
    """How to read a column of this name; None if neither the name nor the values are about unsubscribing.

    `values` are the column's first cells, `neighbours` the names of all columns.
    """
    folded = fold_name(name)
    words = folded.split()
    joined = "".join(words)
    column = name.strip().lower()
    said = {value for cell in values if (value := fold(cell)) and value not in BLANK}
    if is_of_other_channel(name):
        return None
    if reason := _reason_of_left(joined):
        return left_column(column, reason)
    bare = joined.removeprefix("is").removesuffix("at")
    if reason := WHOLE_LEFT_NAMES.get(bare, ""):
        return left_column(column, reason)
    if "softbounce" in joined or joined.endswith(("rate", "score")):
        return None
    if any(part in joined for part in UNCLEAR_NAMES) or not UNCLEAR_WORDS.isdisjoint(words):
        return left_column(column, "", plain=False)
    if joined in FREQUENCY_NAMES:
        return frequency_column(column)
    if any(word in STATUS_NAMES for word in words) or joined in STATUS_NAMES or _ends_in_status(joined):
        if words[-1] in _WHEN and said and all(_MOMENT.fullmatch(cell) for cell in values if fold(cell)):
            return None
        return _status(column, folded, said, neighbours)
    return _joined(column, words, joined, values, said)


_OTHER_CHANNELS = frozenset({"sms", "phone", "push", "whatsapp", "mobile", "telefon", "fax", "faxes", "postal"})
_MAIL = frozenset({"email", "mail", "emails", "mails", "newsletter"})


def is_of_other_channel(name: str) -> bool:
    """Whether a column is of texts or calls alone: who left those may get mail, and no word in it is of mail."""
    words = fold_name(name).split()
    return not _OTHER_CHANNELS.isdisjoint(words) and _MAIL.isdisjoint(words)


def _reason_of_left(joined: str) -> str:
    reason = next((why for part, why in LEFT_NAMES.items() if part in joined), "")
    if (reason == "bounced" and joined.startswith(("number", "count"))) or "resub" in joined:
        return ""
    return reason


def _ends_in_status(joined: str) -> bool:
    return any(joined.endswith(name) for name in STATUS_NAMES if len(name) > 1 and not name.isascii())


def _status(column: str, folded: str, said: set[str], neighbours: Collection[str]) -> Judge | None:
    if any(other in folded for other in OTHER_NAMES):
        return None
    spoken = {word for word in said if word in GONE or word in ACTIVE}
    if said and said <= REGIONS and (folded in REGION_NAMES or not said <= ACTIVE):
        return None
    if folded in REGION_NAMES:
        beside = {fold_name(each) for each in neighbours}
        if not spoken & (said - REGIONS) and not PLACE_NAMES.isdisjoint(beside):
            return status_column(column, strict=False) if said else None
    others = said & OTHER_STATUSES
    if others and said <= OTHER_STATUSES | GONE.keys() | KINDS | ACTIVE and not said & STRONG:
        mail = spoken - {"active", "cancelled", "canceled", "pending", "removed", "invalid", "inactive", "live", "new"}
        if not mail & (ACTIVE | STRONG):
            return _only_strong(column)
    return status_column(column)


def _only_strong(column: str) -> Judge:
    """A column about something else; an unambiguous word for unsubscribing is unclear there."""

    def judge(cell: str) -> Verdict | None:
        return _unclear(column, cell) if fold(cell) in STRONG else None

    return judge


def _joined(column: str, words: Sequence[str], joined: str, values: Sequence[str], said: set[str]) -> Judge | None:
    reason = next((why for part, why in JOINED_NAMES.items() if part in joined), "")
    if not reason:
        return None
    about = not ABOUT_NAMES.isdisjoint(words) or any(part in joined for part in ABOUT_PARTS)
    moments = [cell for cell in values if _MOMENT.fullmatch(cell)]
    if reason == "not confirmed" and moments:
        return joined_column(column, reason, blank=any(not fold(cell) for cell in values))
    known = {word for word in said if word in TRUE or word in FALSE or word in ACTIVE or word in GONE}
    understood = bool(known) and known == said
    if about and not (understood and not all(map(str.isdigit, known))):
        return None
    if moments and len(moments) == len([cell for cell in values if fold(cell)]):
        return None
    if understood:
        return joined_column(column, reason, blank=any(not fold(cell) for cell in values))
    if said and (any(part in joined for part in CONSENT_NAMES) or not said.isdisjoint(FALSE | GONE.keys())):
        return joined_column(column, reason)
    return joined_column(column, reason, strict=False) if not said else None


# --- any value ------------------------------------------------------------------------------------------------------

# For non-ASCII lines: parts of words, and the blanks that may surround one.
_FOREIGN_STEMS = (
    *(
        "退订",
        "退訂",
        "取消",
        "拒",
        "停止",
        "解除",
        "オプトアウト",
        "수신",
        "구독",
        "отпис",
        "désa",
        "dési",
        "黑名",
        "\u00a0",
    ),
    *("\u3000", "\ufeff", "\u200b"),
)


def may_speak_of_leaving(cells: Sequence[str], line: str) -> bool:
    """Fast path: whether the cells of a line need a check, which hardly any do."""
    if not STRONG_SPELLINGS.isdisjoint(cells):
        return True
    small = line.lower()
    if "unsub" in small or "opted" in small or "opt-out" in small:
        return True
    if (", " in line or "; " in line) and not STRONG_SPELLINGS.isdisjoint(map(str.strip, cells)):
        return True
    return not line.isascii() and any(stem in small for stem in _FOREIGN_STEMS)


def strong_word(column: str, cell: str) -> Verdict | None:
    """A value that can only mean unsubscribed, in a column without a known meaning."""
    if "://" in cell or "@" in cell or len(cell) > 300:
        return None
    if fold(cell) in STRONG or any(part in STRONG for part in _parts(cell)) or _IN_WORDS.search(cell):
        return _unclear(column, cell)
    return None


def whole_list_word(file_name: str) -> str:
    """The status of all rows by the name of an export, such as `news-unsubscribed.csv`; empty for any other name."""
    stem = file_name.rpartition(".")[0] or file_name
    found = _WHOLE_LIST_FILES.fullmatch(stem)
    if not found:
        return ""
    word = found["word"].lower()
    reasons = (("bounce", "bounced"), ("complain", "complained"), ("spam", "complained"), ("unsub", "unsubscribed"))
    return next((why for start, why in reasons if word.startswith(start)), "") or (
        "unsubscribed" if word.startswith(("opt", "退", "已退")) else "blocked"
    )


def remember(judge: Judge) -> Judge:
    """The same judge with a cache: a status column has few distinct values."""
    seen: dict[str, Verdict | None] = {}

    def remembered(cell: str) -> Verdict | None:
        try:
            return seen[cell]
        except KeyError:
            verdict = judge(cell)
            if len(seen) < _KEPT_VERDICTS:
                seen[cell] = verdict
            return verdict

    return remembered


def with_rules(judge: Judge, column: str, rules: Rules) -> Judge:
    """The same judge, with the author's rules for the column's values applied first."""
    own = {fold(value): word for (of, value), word in rules.values.items() if of == column}
    if not own:
        return judge

    def ruled(cell: str) -> Verdict | None:
        word = own.get(fold(cell))
        if word is None:
            return judge(cell)
        return None if word == MAIL else Verdict(f"{column}: {' '.join(cell.split()) or 'empty'}")

    return ruled
