"""Headers: the address and the name in many spellings, the exports of providers, and who is no subscriber."""

from __future__ import annotations

import pytest

from newsletter.audience.lists.columns import Header, read_header
from newsletter.errors import InvalidValueError


def header(text: str, file_name: str = "list.csv") -> Header:
    return read_header(text.split(","), file_name)


@pytest.mark.parametrize(
    "written",
    [
        *("email", "Email", "E-mail", "E-Mail Address", "EMAIL_ADDRESS", " Email Address ", "Mail", "subscriber_email"),
        *(
            "邮箱",
            "电子邮件",
            "电子邮箱地址",
            "電子郵件",
            "メール",
            "メールアドレス",
            "Ｅメール",
            "이메일",
            "이메일 주소",
        ),
        *("Correo electrónico", "Adresse e-mail", "Courriel", "E-Mail-Adresse", "Электронная почта", "E-posta"),
        "*Email",
    ],
)
def test_the_address_in_many_spellings(written: str) -> None:
    found = header(f"Plan,{written},City")
    assert found.columns == ("plan", "email", "city")
    assert (found.email_cell, found.written) == (1, written.strip())


def test_email_itself_comes_before_any_other_spelling() -> None:
    assert header("E-mail address,email").columns == ("e-mail address", "email")


@pytest.mark.parametrize(
    ("written", "cells", "name"),
    [
        ("email,Full Name", "a@x.io,Ann Lee", "Ann Lee"),
        ("email,姓名", "a@x.io,王小明", "王小明"),
        ("email,お名前", "a@x.io,田中 遥", "田中 遥"),
        ("email,First Name,Last Name", "a@x.io, Ann ,Lee", "Ann Lee"),
        ("email,First Name,Last Name", "a@x.io,,Lee", "Lee"),
        ("email,last_name,first_name", "a@x.io,王,小明", "王小明"),
        ("email,姓,名", "a@x.io,王,小明", "王小明"),
        ("email,Vorname,Nachname", "a@x.io,Jürg,Müller", "Jürg Müller"),
        ("email,Nom,Prénom", "a@x.io,Noël,Zoé", "Zoé Noël"),
        ("email,Nombre,Apellidos", "a@x.io,Ana,Gil", "Ana Gil"),
        ("email,Fname", "a@x.io,Ann", "Ann"),
    ],
)
def test_a_name_is_made_where_no_column_is_called_so(written: str, cells: str, name: str) -> None:
    found = header(written)
    values = dict(zip(found.columns, found.values_of(cells.split(",")), strict=True))
    assert values["name"] == name
    assert len(values) == len(written.split(",")) + 1  # nothing is taken away


@pytest.mark.parametrize("written", ["email,name,First Name,Last Name", "email,city", "email,Surname"])
def test_no_name_is_made_up(written: str) -> None:
    assert header(written).columns == tuple(written.lower().split(","))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name,city", "no column is named email; the header has 'name', 'city'"),
        ("ann@example.com,Ann", "no column is named email; the header has 'ann@example.com', 'Ann'"),
        ("E-mail,Email Address", "the address may be in 'E-mail' or 'Email Address'"),
        ("email,City,city", "the column 'city' is there twice"),
    ],
)
def test_a_header_without_one_address_is_refused(text: str, fault: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        header(text)
    assert caught.value.what == fault
    assert caught.value.remedy


MAILCHIMP = "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE"
MAILCHIMP += ",LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS"
MAILCHIMP_UNSUBSCRIBED = "Email Address,First Name,OPTIN_TIME,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_REASON,LEID,EUID"
MAILCHIMP_CLEANED = "Email Address,First Name,OPTIN_TIME,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,LEID,EUID"
SUBSTACK = "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at"
GHOST = (
    "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers"
)
BUTTONDOWN = (
    "id,secondary_id,email,notes,subscriber_type,referrer_url,creation_date,subscription_date,unsubscription_date"
)
BUTTONDOWN_NEW = "id,email_address,type,tags,notes,creation_date,unsubscription_date,undeliverability_date"
LISTMONK = "uuid,email,name,attributes,status,created_at,updated_at"


@pytest.mark.parametrize(
    ("provider", "text", "row", "reason"),
    [
        ("Mailchimp", MAILCHIMP, {"last_changed": "2026-01-01"}, ""),
        ("Mailchimp", MAILCHIMP_UNSUBSCRIBED, {"unsub_time": "2026-01-01 10:00:00"}, "unsubscribed"),
        ("Mailchimp", MAILCHIMP_CLEANED, {"clean_time": "2026-01-01 10:00:00"}, "bounced"),
        ("Substack", SUBSTACK, {"active_subscription": "false", "email_disabled": "false"}, ""),
        ("Substack", SUBSTACK, {"active_subscription": "true", "email_disabled": "True"}, "unsubscribed"),
        ("Ghost", GHOST, {"subscribed_to_emails": "true"}, ""),
        ("Ghost", GHOST, {"subscribed_to_emails": "false"}, "unsubscribed"),
        ("Ghost", GHOST, {"subscribed_to_emails": ""}, "unknown subscribed_to_emails"),
        ("Ghost", GHOST, {"subscribed_to_emails": "true", "deleted_at": "2026-01-01"}, "deleted"),
        ("Buttondown", BUTTONDOWN, {"subscriber_type": "regular"}, ""),
        ("Buttondown", BUTTONDOWN, {"subscriber_type": "premium"}, ""),
        ("Buttondown", BUTTONDOWN, {"subscriber_type": "unactivated"}, "not confirmed"),
        ("Buttondown", BUTTONDOWN, {"subscriber_type": "undeliverable"}, "bounced"),
        ("Buttondown", BUTTONDOWN, {"subscriber_type": "removed"}, "unsubscribed"),
        ("Buttondown", BUTTONDOWN, {"subscriber_type": "brand_new"}, "unknown subscriber_type"),
        ("Buttondown", BUTTONDOWN, {"subscriber_type": "regular", "unsubscription_date": "2026-01-01"}, "unsubscribed"),
        ("Buttondown", BUTTONDOWN_NEW, {"type": "regular"}, ""),
        ("Buttondown", BUTTONDOWN_NEW, {"type": "complained"}, "complained"),
        ("Buttondown", BUTTONDOWN_NEW, {"type": "regular", "undeliverability_date": "2026-01-01"}, "bounced"),
        ("listmonk", LISTMONK, {"status": "enabled"}, ""),
        ("listmonk", LISTMONK, {"status": "blocklisted"}, "blocked"),
        ("listmonk", LISTMONK, {"status": "disabled"}, "disabled"),
        ("", "email,name,status", {"status": "active"}, ""),
        ("", "email,name,status", {"status": "VIP"}, ""),
        ("", "email,name,status", {"status": " Unsubscribed "}, "unsubscribed"),
        ("", "邮箱,姓名,状态", {"状态": "已退订"}, "unsubscribed"),
        ("", "email,name,plan", {"plan": "unsubscribed"}, ""),
    ],
)
def test_what_an_export_says_of_a_row(provider: str, text: str, row: dict[str, str], reason: str) -> None:
    found = header(text)
    assert found.provider == provider
    names = [name.strip().lower() for name in text.split(",")]
    assert set(row) <= set(names)
    assert found.excluded([row.get(name, "") for name in names]) == reason


@pytest.mark.parametrize(
    ("file_name", "reason"),
    [
        ("subscribed_members_export_3f2a.csv", ""),
        ("unsubscribed_members_export_3f2a.csv", "unsubscribed"),
        ("cleaned_members_export_3f2a.csv", "bounced"),
        ("nonsubscribed_members_export_3f2a.csv", "never subscribed"),
    ],
)
def test_mailchimps_file_of_people_who_never_subscribed_is_known_by_its_name(file_name: str, reason: str) -> None:
    assert header(MAILCHIMP, file_name).excluded([""] * len(MAILCHIMP.split(","))) == reason
    assert header("email,name", file_name).excluded(["a@x.io", ""]) == ""
