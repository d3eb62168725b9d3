"""Presets of mail services for `newsletter init`: host, port, limits, kind of password."""

from __future__ import annotations

from newsletter.frozen import frozen


@frozen
class RelayPreset:
    """One service. `url` may contain `{user}`, the sender's address with %40 for its @; `rate` is [relay] `rate`, or
    "".

    `source` names the page with these figures, in words for a search.
    """

    key: str
    title: str
    url: str
    rate: str
    password: str
    source: str
    connections: int = 0
    auth: str = ""
    note: str = ""


PRESETS: tuple[RelayPreset, ...] = (
    RelayPreset(
        "postfix",
        "a Postfix or another mail server of your own, on this machine",
        "smtp://localhost:25",
        "",
        "none is needed on this machine",
        "Postfix documentation, mynetworks",
    ),
    RelayPreset(
        "ses",
        "Amazon SES",
        "smtp://SMTP_USER@email-smtp.us-east-1.amazonaws.com:587",
        "14/s",
        "the SMTP password of SES's SMTP settings, which is not the secret of an AWS key",
        "Amazon SES developer guide: Obtaining SMTP credentials; Service quotas",
        note="Write your region into the host and your SMTP user name before the @. "
        "In the sandbox the rate is 1/s, 200/day.",
    ),
    RelayPreset(
        "postmark",
        "Postmark",
        "smtp://ACCESS_KEY@smtp-broadcasts.postmarkapp.com:587",
        "",
        "the secret key of an SMTP token of your broadcast stream",
        "Postmark support: What are the SMTP details I should be using?",
        note="Write the access key of the SMTP token before the @. Newsletters go through a broadcast stream.",
    ),
    RelayPreset(
        "mailgun",
        "Mailgun",
        "smtp://{user}@smtp.mailgun.org:587",
        "",
        "the password of the SMTP credential of your domain",
        "Mailgun documentation: SMTP relay",
        note="A domain in the European region uses smtp.eu.mailgun.org.",
    ),
    RelayPreset(
        "sendgrid",
        "SendGrid",
        "smtp://apikey@smtp.sendgrid.net:587",
        "",
        "an API key with the permission Mail Send",
        "Twilio SendGrid: Integrating with the SMTP API",
    ),
    RelayPreset(
        "brevo",
        "Brevo",
        "smtp://{user}@smtp-relay.brevo.com:587",
        "300/day",
        "an SMTP key, which is not an API key",
        "Brevo developers: SMTP relay integration; free plan",
        note="300 a day is the free plan's limit; take the rate out on a paid one. "
        "The user is the login that Brevo's SMTP page shows.",
    ),
    RelayPreset(
        "resend",
        "Resend",
        "smtps://resend@smtp.resend.com:465",
        "2/s",
        "an API key",
        "Resend documentation: Send emails with SMTP; Rate limit",
    ),
    RelayPreset(
        "fastmail",
        "Fastmail",
        "smtps://{user}@smtp.fastmail.com:465",
        "",
        "an app password",
        "Fastmail help: Server names and ports",
        note="A mailbox is for lists of friends: Fastmail limits how many you may write to in an hour and a day.",
    ),
    RelayPreset(
        "gmail",
        "Gmail or Google Workspace",
        "smtp://{user}@smtp.gmail.com:587",
        "500/day",
        "an app password (the account needs two-step verification), or XOAUTH2",
        "Google Workspace admin help: Gmail sending limits",
        note="500 recipients a day for gmail.com, 2,000 for Google Workspace.",
    ),
    RelayPreset(
        "outlook",
        "Microsoft 365 (Exchange Online)",
        "smtp://{user}@smtp.office365.com:587",
        "30/min, 10000/day",
        "an OAuth 2 access token: passwords alone are no longer taken",
        "Microsoft Learn: Exchange Online limits; Exchange team blog: retiring basic authentication for SMTP AUTH",
        connections=3,
        auth="xoauth2",
        note="token_command names a program that prints a token. SMTP AUTH must be switched on for the mailbox.",
    ),
    RelayPreset(
        "qq",
        "QQ Mail (QQ 邮箱)",
        "smtps://{user}@smtp.qq.com:465",
        "",
        "an authorization code (授权码), made in the mailbox under 设置 · 账号 once SMTP is on; not the QQ password",
        "QQ 邮箱帮助中心：如何设置 IMAP/SMTP 服务",
        note="A mailbox slows down or refuses at a few hundred messages a day; that is for a small list.",
    ),
    RelayPreset(
        "163",
        "NetEase 163 (网易 163 邮箱)",
        "smtps://{user}@smtp.163.com:465",
        "",
        "an authorization code (授权码), made under 设置 · POP3/SMTP/IMAP once SMTP is on",
        "网易邮箱帮助中心：客户端授权码",
        note="A mailbox slows down or refuses at a few hundred messages a day; that is for a small list.",
    ),
    RelayPreset(
        "exmail",
        "Tencent Exmail (腾讯企业邮箱)",
        "smtps://{user}@smtp.exmail.qq.com:465",
        "",
        "a password for mail programs (客户端专用密码)",
        "腾讯企业邮箱帮助中心：客户端设置",
    ),
)


def preset_named(key: str) -> RelayPreset | None:
    return next((preset for preset in PRESETS if preset.key == key), None)
