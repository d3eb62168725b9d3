"""Who has left, as the columns of a list say: what is plain excludes, what is unclear stops, nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.audience.audience import Audience
from newsletter.audience.lists.columns import read_header
from newsletter.audience.lists.rows import open_list
from newsletter.audience.lists.standing import whole_list_word
from newsletter.audience.lists.vocabulary import ACTIVE, FALSE, GONE, STRONG, TRUE
from newsletter.audience.read_audience import read_audience
from newsletter.errors import ContentError
from newsletter.model.column_rules import Rules, read_rule, rules_of


def audience_of(folder: Path, text: str, name: str = "list.csv", rules: Rules | None = None) -> Audience:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    with open_list(path, rules=rules or Rules()) as listing:
        return Audience(listing.columns, listing.rows)


def column(folder: Path, name: str, *values: str, rules: Rules | None = None) -> tuple[int, dict[str, int], list[str]]:
    """How many are mailed, why others are not, and which columns are unclear, for a list with such a column."""
    rows = "".join(f'r{number}@example.com,"{value}"\n' for number, value in enumerate(values))
    with audience_of(folder, f'email,"{name}"\n{rows}', rules=rules) as audience:
        return len(audience), dict(audience.excluded), [each.name for each in audience.unclear]


# --- plain ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "stays", "goes", "reason"),
    [
        ("state", "active", "cancelled", "unsubscribed"),
        ("State", "Active", "Deleted", "inactive"),
        ("status", "active", "invalid", "bounced"),
        ("Status", "Active", "Junk", "complained"),
        ("Subscription Status", "subscribed", "Never Subscribed", "never subscribed"),
        ("Email Status", "Active", "Awaiting Confirmation", "not confirmed"),
        ("subscriber_status", "SUBSCRIBED", "UNSUBSCRIBED", "unsubscribed"),
        ("List status", "subscribed", "unconfirmed", "not confirmed"),
        ("Status", "Aktiv", "Abgemeldet", "unsubscribed"),
        ("Statut", "Abonné", "Désabonné", "unsubscribed"),
        ("Estado", "Activo", "Dado de baja", "unsubscribed"),
        ("Stato", "Iscritto", "Disiscritto", "unsubscribed"),
        ("Status", "Ingeschreven", "Uitgeschreven", "unsubscribed"),
        ("Статус", "Подписан", "Отписан", "unsubscribed"),
        ("Status", "Aktywny", "Wypisany", "unsubscribed"),
        ("状态", "正常", "退订", "unsubscribed"),
        ("狀態", "已訂閱", "取消訂閱", "unsubscribed"),
        ("ステータス", "購読中", "配信停止", "unsubscribed"),
        ("상태", "구독중", "수신거부", "unsubscribed"),
        ("unsubscribed_at", "", "2024-01-01", "unsubscribed"),
        ("Unsubscribed At", "0000-00-00 00:00:00", "2024-01-01T10:00:00Z", "unsubscribed"),
        ("UnsubscribedOn", "null", "1 March 2024", "unsubscribed"),
        ("unsubscribed", "false", "true", "unsubscribed"),
        ("IsUnsubscribed", "0", "1", "unsubscribed"),
        ("Opt-Out", "No", "Yes", "unsubscribed"),
        ("opted_out", "n", "x", "unsubscribed"),
        ("Do Not Mail", "FALSE", "TRUE", "unsubscribed"),
        ("Unsubscribed from all email", "", "true", "unsubscribed"),
        ("BLACKLIST", "0", "1", "blocked"),
        ("Is this subscriber blacklisted", "0", "1", "blocked"),
        ("Email Suppressions", "[]", "['UNSUBSCRIBE']", "unsubscribed"),
        ("bounced", "nein", "ja", "bounced"),
        ("Hard bounced at", "-", "2024/02/03", "bounced"),
        ("complained", "off", "on", "complained"),
        ("deactivated", "0", "1704067200", "inactive"),
        ("已退订", "否", "是", "unsubscribed"),
        ("退订时间", "", "2024年1月5日", "unsubscribed"),
        ("Abgemeldet am", "", "05.01.2024", "unsubscribed"),
        ("subscribed", "yes", "no", "unsubscribed"),
        ("is_active", "1", "0", "inactive"),
        ("active", "True", "False", "inactive"),
        ("opt_in", "true", "false", "unsubscribed"),
        ("Accepts Email Marketing", "yes", "no", "unsubscribed"),
        ("email marketing consent", "SUBSCRIBED", "UNSUBSCRIBED", "unsubscribed"),
        ("confirmed", "1", "0", "not confirmed"),
        ("newsletter", "ja", "nein", "unsubscribed"),
        ("wants_newsletter", "yes", "no", "unsubscribed"),
        ("valid", "yes", "no", "bounced"),
        ("blocked", "0", "1", "blocked"),
        ("is_deleted", "f", "t", "deleted"),
        ("Inactive", "", "2024-01-01", "inactive"),
        ("配信", "希望", "停止", "inactive"),
        ("Einwilligung", "ja", "nein", "unsubscribed"),
        ("同意", "是", "否", "unsubscribed"),
        ("수신동의", "예", "아니오", "unsubscribed"),
        ("Status", "News: subscribed", "News: unsubscribed; Offers: unsubscribed", "unsubscribed"),
    ],
)
def test_what_is_plain_excludes(tmp_path: Path, name: str, stays: str, goes: str, reason: str) -> None:
    assert column(tmp_path, name, stays, goes, stays) == (2, {reason: 1}, [])


def test_whoever_is_out_by_one_column_is_out(tmp_path: Path) -> None:
    text = "email,list status,global status\na@x.io,subscribed,subscribed\nb@x.io,unsubscribed,subscribed\n"
    with audience_of(tmp_path, f"{text}c@x.io,subscribed,bounced\nd@x.io,strange,unsubscribed\n") as audience:
        assert [person.email for person in audience] == ["a@x.io"]
        assert (audience.excluded, audience.unclear) == ({"unsubscribed": 2, "bounced": 1}, ())


# --- unclear --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values", "unclear"),
    [
        ("state", ["active", "dormant"], 1),
        ("status", ["weg", "da"], 2),
        ("Status", ["1", "2", "0"], 3),
        ("Account status", ["active", "lapsed"], 1),
        ("状态", ["正常", "冬眠"], 1),
        ("cancelled_at", ["", "2024-01-01"], 1),
        ("churned", ["no", "yes"], 1),
        ("Bounces", ["0", "3"], 1),
        ("out", ["", "x"], 1),
        ("unsubscribes", ["0", "4"], 1),
        ("subscribed", ["yes", ""], 1),
        ("consent", ["I agree to everything", "no"], 1),
        ("confirmed_at", ["2024-01-01", ""], 1),
        ("Status", ["News: subscribed; Offers: unsubscribed", "subscribed"], 1),
        ("note", ["", "unsubscribed"], 1),
        ("tags", ["ai;news", "ai;unsubscribed"], 1),
        ("备注", ["", "退订"], 1),
        ("remarks", ["nice", "opted out by phone"], 1),
        ("state", ["CA", "NY", "unsubscribed"], 0),
    ],
)
def test_what_is_unclear_is_told_with_its_values(tmp_path: Path, name: str, values: list[str], unclear: int) -> None:
    good, excluded, columns = column(tmp_path, name, *values)
    if unclear:
        assert columns == [name.lower()]
        assert excluded[f"unclear: {name.lower()}"] == unclear
    assert good == len(values) - sum(excluded.values())


def test_an_unclear_column_stops_a_send_with_values_counts_and_the_way_on(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("email,state\na@x.io,active\nb@x.io,dormant\nc@x.io,dormant\nd@x.io,asleep\n")
    with pytest.raises(ContentError) as caught:
        read_audience(path)
    sentence = str(caught.value)
    assert "the column 'state' may say who has left, and is not understood: 'dormant' (2), 'asleep' (1)" in sentence
    assert "--column state=ignore" in sentence
    assert "--column state:dormant=skip" in sentence
    rules = rules_of(map(read_rule, ["state:dormant=skip", "state:asleep=mail"]))
    with read_audience(path, rules=rules) as audience:
        assert [person.email for person in audience] == ["a@x.io", "d@x.io"]
    with read_audience(path, rules=rules_of([read_rule("State=ignore")])) as audience:
        assert len(audience) == 4


def test_values_that_are_unclear_are_counted_in_flat_memory(tmp_path: Path) -> None:
    rows = "".join(f"r{number}@x.io,word{number}\n" for number in range(5_000))
    with audience_of(tmp_path, f"email,status\n{rows}") as audience:
        (unclear,) = audience.unclear
        assert (unclear.rows, len(unclear.values)) == (5_000, 20)
        assert "and others (4,980)" in unclear.what


# --- neither --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("State", ["CA", "NY", "TX", "OK", "IN", "OR"]),
        ("State", ["California", "Bayern", "São Paulo", "Nuevo León"]),
        ("Status", ["VIP", "", "member", "customer"]),
        ("Status", ["shipped", "paid", "cancelled", "pending"]),
        ("Order Status", ["completed", "lost in transit"]),
        ("Lead Status", ["NEW", "IN_PROGRESS", "BAD_TIMING"]),
        ("Last email status", ["opened", "clicked", "delivered"]),
        ("Marital status", ["single", "it's complicated"]),
        ("SMS consent", ["", "no", "maybe"]),
        ("Subscribed", ["2024-01-01 10:00:00", "", "2024-02-01"]),
        ("Subscription Date", ["", "2024-01-01"]),
        ("optin_ip", ["", "192.0.2.1"]),
        ("Unsubscribe link", ["https://x.example/u/1", "https://x.example/u/2"]),
        ("unsubscribed", ["", "no"]),
        ("Soft bounces", ["0", "3"]),
        ("Last active", ["2024-01-01", ""]),
        ("newsletter", ["AI Daily", "Weekly"]),
        ("subscription", ["monthly", "yearly"]),
        ("Valid until", ["2027-01-01", ""]),
        ("Mailing address", ["1 Main Street", "2 Side Street"]),
        ("Active campaign", ["Spring", "Summer"]),
        ("Option", ["bounce house", "opt"]),
        ("company", ["Suppression Systems Ltd", "The Bounce Company"]),
        ("page", ["https://x.example/unsubscribed", ""]),
        ("city", ["Baja", "Left Bank"]),
        ("订阅时间", ["2024-01-01", ""]),
    ],
)
def test_harmless_columns_stop_nothing(tmp_path: Path, name: str, values: list[str]) -> None:
    assert column(tmp_path, name, *values) == (len(values), {}, [])


def test_a_state_beside_a_city_is_a_place(tmp_path: Path) -> None:
    with audience_of(tmp_path, "email,city,state\na@x.io,Kyoto,Kansai\nb@x.io,Paris,Île-de-France\n") as audience:
        assert (len(audience), audience.unclear) == (2, ())


# --- whole files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("news-unsubscribed.csv", "unsubscribed"),
        ("suppression_bounces.csv", "bounced"),
        ("daily-complaints (1).csv", "complained"),
        ("blacklist.csv", "blocked"),
        ("退订名单.csv", "unsubscribed"),
        ("unsubscribed_at.csv", ""),
        ("subscribers.csv", ""),
        ("unsubscribed_members_export_3f2a.csv", ""),
        ("bouncers.csv", ""),
    ],
)
def test_a_file_may_be_of_people_who_left_by_its_name(tmp_path: Path, name: str, reason: str) -> None:
    assert whole_list_word(name) == reason
    with audience_of(tmp_path, "email,name\na@x.io,Ann\n", name) as audience:
        assert audience.excluded == ({reason: 1} if reason else {})
    with audience_of(tmp_path, "email,status\na@x.io,active\n", name) as audience:
        assert len(audience) == 1  # its column says it better


# --- the vocabulary -------------------------------------------------------------------------------------------------


def test_no_word_says_two_things() -> None:
    assert not set(GONE) & ACTIVE
    assert not TRUE & FALSE
    assert not STRONG & ACTIVE


@pytest.mark.parametrize(
    "word",
    [
        *("unsubscribed", "Opted out", "bounced", "spam complaint", "blacklisted", "do not mail", "undeliverable"),
        *("abgemeldet", "désabonné", "désinscrite", "dado de baja", "disiscritto", "descadastrado", "uitgeschreven"),
        *(
            "wypisany",
            "отписан",
            "退订",
            "已退订",
            "取消订阅",
            "退訂",
            "配信停止",
            "オプトアウト",
            "수신거부",
            "구독취소",
        ),
    ],
)
def test_a_word_for_leaving_is_noticed_in_any_column(tmp_path: Path, word: str) -> None:
    assert column(tmp_path, "Notes", "", f" {word} ") == (1, {"unclear: notes": 1}, ["notes"])


@pytest.mark.parametrize("text", ["state", "=ignore", "state=drop", "state:=ignored", "=", "state:x=ignored"])
def test_a_rule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no rule"):
        read_rule(text)


@given(st.text(max_size=30), st.lists(st.text(max_size=20), max_size=4))
def test_any_column_is_judged(name: str, values: list[str]) -> None:
    header = read_header(["email", f"x{name}"], "list.csv", [("a@x.io", value) for value in values])
    for value in values:
        verdict = header.judge(["a@x.io", value], f"a@x.io,{value}")
        assert verdict is None or verdict.reason


@pytest.mark.parametrize("name", ["frequency", "Email Frequency", "How often", "Häufigkeit", "频率", "配信頻度"])
def test_who_wants_mail_never_gets_none(tmp_path: Path, name: str) -> None:
    wanted = ["daily", "weekly", "每周", "", "every issue", "monthly"]
    never = ["never", "Never ", "no emails", "off", "nie", "jamais", "从不", "unsubscribed"]
    mailed, excluded, unclear = column(tmp_path, name, *wanted, *never)
    assert (mailed, excluded, unclear) == (len(wanted), {"unsubscribed": len(never)}, [])


@pytest.mark.parametrize("value", ["None", "0", "no", "keine"])
def test_a_frequency_of_none_may_be_no_wish(tmp_path: Path, value: str) -> None:
    assert column(tmp_path, "frequency", "daily", value)[2] == ["frequency"]


def test_a_frequency_of_something_else_is_nobody_s_wish(tmp_path: Path) -> None:
    assert column(tmp_path, "purchase frequency", "never", "monthly") == (2, {}, [])
