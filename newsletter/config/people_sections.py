"""Sections about subscribers: the public pages, bounces, webhooks."""

from __future__ import annotations

from collections.abc import Mapping

from newsletter.config import validators as entries
from newsletter.config.imap_url import IMAP_VARIABLE
from newsletter.config.url_validators import origin, serve_url, web_address
from newsletter.frozen import frozen
from newsletter.model.column_rules import Rule
from newsletter.toml_file.section import Section, array, key, switch, text, whole


@frozen(kw_only=True)
class ServeSection(Section):
    url: str = key(
        "The public address of `newsletter serve`, where links in mails lead: people join, confirm, leave and say what "
        "they want there. Where `unsubscribe_url` is not set, it is made from this. Plain http is for this machine "
        "only.",
        text(serve_url),
        example="https://news.example.com",
    )
    trusted_proxies: tuple[str, ...] = key(
        "The addresses or networks of your own proxies: from them alone X-Forwarded-For and X-Forwarded-Proto are "
        "believed.",
        array(text(entries.network), "addresses"),
        default=(),
        example=["127.0.0.1", "10.0.0.0/8"],
    )
    lists: Mapping[str, str] = key(
        "The lists that the sign-up page offers: a name, as `--to @signups/NAME` takes it, and what people read.",
        entries.offered_list,
        default={},
        example={"daily": "Every morning", "ai": "Long reads about AI"},
        free=True,
    )
    fields: tuple[str, ...] = key(
        "What the sign-up page asks for besides the address; nobody has to fill it in. A post has it as "
        "`subscriber.name`.",
        array(text(entries.column), "column names"),
        default=(),
        example=["name"],
    )
    pitch: str = key(
        "What the sign-up page says of the newsletter, in place of our words: what people get, in a sentence or two; "
        "each line is a paragraph. Shown where the page is shared, too.",
        text(entries.lines),
        example="Forty stories about AI in ten minutes, each with its source.",
    )
    how_often: str = key(
        "How often it comes, on the sign-up page, beside the language.",
        text(entries.one_line),
        example="Every weekday at eight",
    )
    consent: str = key(
        "What people agree to, below the sign-up form, in place of our words; kept with their consent.",
        text(entries.one_line),
        example="I would like to get AI Daily by email. I can leave at any time.",
    )
    privacy_url: str = key(
        "Where the sign-up page's link to your privacy notice leads.",
        text(web_address),
        example="https://example.com/privacy",
    )
    embed_on: tuple[str, ...] = key(
        "The sites whose pages may show `/join/form` in a frame.",
        array(text(origin), "web addresses"),
        default=(),
        example=["https://blog.example.com"],
    )
    forms_on: tuple[str, ...] = key(
        "The sites whose own HTML forms may post to `/join`; see docs/serve.md. Who joins there is asked by mail, too.",
        array(text(origin), "web addresses"),
        default=(),
        example=["https://blog.example.com"],
    )
    thanks_url: str = key(
        "The page of yours that such a form leads to, which says to look into the inbox; without it, ours.",
        text(web_address),
        example="https://blog.example.com/thanks",
    )
    goodbye: bool = key(
        "Whether who left by the button of a page is mailed once more: that they have left, and a link that undoes "
        "it. So a friend to whom they forwarded an issue cannot take them off unnoticed. No such mail follows a mail "
        "program's one-click.",
        switch,
        default=True,
        example=False,
    )
    signups_per_address: int = key(
        "How many mails an address may be sent in a day because somebody typed it in.",
        whole(1, 1_000),
        default=3,
        example=5,
    )
    signups_per_network: int = key(
        "How often a network (IPv4 /24, IPv6 /64) may ask to join in an hour.",
        whole(1, 1_000_000),
        default=30,
        example=100,
    )
    count_links: bool = key(
        "Whether the links of an issue lead through `url` and are counted there: totals for each link and section, "
        "never by reader. See docs/privacy.md.",
        switch,
        default=False,
        example=True,
    )
    ses_topics: tuple[str, ...] = key(
        "The ARNs of your SNS topics from which `/hooks/ses` takes what Amazon SES tells of bounces and complaints.",
        array(text(entries.topic), "ARNs"),
        default=(),
        example=["arn:aws:sns:eu-west-1:123456789012:bounces"],
    )


@frozen(kw_only=True)
class SubscribersSection(Section):
    columns: Mapping[str, Rule] = key(
        "What columns of your lists mean that speak of leaving in words that are not understood, as `--column` takes "
        "it: a column's name and `ignore`, or `column:value` and `mail` or `skip`. See docs/lists.md.",
        entries.column_rule,
        default={},
        example={"state": "ignore", "status:dormant": "skip"},
        free=True,
    )


@frozen(kw_only=True)
class BouncesSection(Section):
    mailbox: str = key(
        "Where bounces, complaints and unsubscribe mails come in: `imaps://user@host/FOLDER` (`%40` stands for an @ in "
        "the user's name), or the path of a Maildir, an mbox, or a folder of `.eml` files, seen from this file. The "
        f"password comes from the environment variable `{IMAP_VARIABLE}`, never from here.",
        text(entries.bounce_mailbox),
        example="imaps://bounce@mail.example.com/INBOX",
    )
    done_folder: str = key(
        "The folder of the IMAP mailbox that `newsletter bounces` moves to what it has recorded. Without it, that is "
        "marked as read. Nothing is ever deleted.",
        text(entries.one_line),
        example="Recorded",
    )
    token_command: tuple[str, ...] = key(
        "The command, with its arguments, that prints an OAuth 2 access token for the IMAP mailbox, in place of a "
        "password: Google's and Microsoft's ask for one.",
        array(text(entries.word), "strings"),
        default=(),
        example=["oauth2-token", "bounce@example.com"],
    )
    soft_threshold: int = key(
        "On how many days a soft bounce must come back before an address is not mailed any more.",
        whole(1, 1000),
        default=5,
        example=3,
    )
    stale_days: int = key(
        "After how many days without a soft bounce those before count no more. 0 follows how often the newsletter "
        "comes: two issues and a day, at least a week.",
        whole(0, 1000),
        default=0,
        example=15,
    )
