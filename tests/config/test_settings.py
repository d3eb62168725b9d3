"""Relays, pace, signing, tokens and the ledger's place: what newsletter.toml says of them, and every refusal."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from email_validator import validate_email
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import validators as entries
from newsletter.config.config import Config, RelaySettings
from newsletter.config.ledger_url import ledger_url, parse_ledger
from newsletter.config.load import load_config
from newsletter.config.relay_url import password_variables
from newsletter.config.settings import SCHEMA
from newsletter.errors import ConfigError, InvalidValueError
from newsletter.model.delivery import Relay
from newsletter.model.schedule import QuietHours, parse_rate
from newsletter.toml_file.lines import Where, line_of
from newsletter.toml_file.section import keys_of

SECRET = "hunter2-geheim-und-lang"
PEM = "-----BEGIN PRIVATE KEY-----\nhunter2-geheim\n-----END PRIVATE KEY-----\n"
ENV = {"NEWSLETTER_SMTP_PASSWORD": SECRET, "NEWSLETTER_SECRET": SECRET, "NEWSLETTER_DKIM_KEY": PEM}

TWO_RELAYS = """
[[relays]]
name = "main"
url = "smtp://ann@one.example.com"
rate = "14/s, 2000/day"
connections = 2
weight = 3

[[relays]]
name = "spare-2"
url = "smtps://two.example.com"
messages_per_connection = 0
timeout_s = 20
dot_timeout_s = 40
"""


def config_of(folder: Path, content: str, env: Mapping[str, str] = ENV) -> Config:
    (folder / "newsletter.toml").write_text(content, "utf-8")
    config = load_config(None, env, folder)
    assert "hunter2" not in repr(config)
    return config


def refusal_of(folder: Path, content: str, env: Mapping[str, str] = ENV) -> str:
    with pytest.raises(ConfigError) as caught:
        config_of(folder, content, env)
    return told(caught.value)


def told(error: ConfigError) -> str:
    """The error's words; no secret is in them, nor in what a traceback shows."""
    assert "hunter2" not in "".join(traceback.format_exception(error))
    assert all(line.isprintable() for line in str(error).split("\n"))
    return str(error)


# --- readers --------------------------------------------------------------------------------------------------------


def test_readers_are_four_quarters_by_default_and_ones_own_replace_them(tmp_path: Path) -> None:
    quarters = {"gmail": 25, "outlook": 25, "apple-mail": 25, "yahoo": 25}
    assert load_config(None, {}, tmp_path).settings.check.clients == quarters
    assert config_of(tmp_path, "[check]\n").settings.check.clients == quarters
    assert config_of(tmp_path, "[check]\nclients = {}\n").settings.check.clients == {}
    own = config_of(tmp_path, "[check]\nclients = { gmail = 66.6, apple-mail = 33.4, hey = 0 }\n")
    assert own.settings.check.clients == {"gmail": 66.6, "apple-mail": 33.4, "hey": 0}


@pytest.mark.parametrize(
    ("clients", "sentence"),
    [
        ("{ gmial = 45 }", "clients.gmial is no mail client that caniemail knows; did you mean gmail?"),
        ("{ Gmail = 45 }", "clients.Gmail is no mail client that caniemail knows; did you mean gmail?"),
        (
            '{ "Apple Mail" = 45 }',
            "clients.Apple Mail is no mail client that caniemail knows; did you mean apple-mail?",
        ),
        ("{ xyzzy = 45 }", "clients.xyzzy is no mail client that caniemail knows; it may be aol, apple-mail, fastmail"),
        ('{ "a\\u001bb" = 1 }', "clients.a\\x1bb is no mail client that caniemail knows; it may be aol"),
        ("{ gmail = -1 }", "clients.gmail is -1, not a number from 0 to 100; write gmail = 45"),
        ("{ gmail = nan }", "clients.gmail is nan, not a number from 0 to 100; write gmail = 45"),
        ("{ gmail = 101 }", "clients.gmail is 101, not a number from 0 to 100; write gmail = 45"),
        ("{ gmail = '45 %' }", 'clients.gmail is the string "45 %", not a number; write gmail = 45'),
        ("{ gmail = true }", "clients.gmail is a boolean, not a number; write gmail = 45"),
        ("45", "clients is a whole number, not a table; write clients = { gmail = 45, outlook = 25, "),
        (
            "{ gmail = 60, outlook = 60.5 }",
            "clients adds up to 120.5 % of the readers; write shares that are 100 % together at most",
        ),
    ],
)
def test_readers_that_are_refused(tmp_path: Path, clients: str, sentence: str) -> None:
    refused = refusal_of(tmp_path, f"[check]\nclients = {clients}\n")
    assert refused.startswith(f"newsletter.toml:2: [check] {sentence}")


def test_the_shares_of_three_thirds_are_not_more_than_all(tmp_path: Path) -> None:
    shares = "{ gmail = 33.3, outlook = 33.3, yahoo = 33.3, hey = 0.1 }"
    assert sum(config_of(tmp_path, f"[check]\nclients = {shares}\n").settings.check.clients.values()) > 99


# --- relays ---------------------------------------------------------------------------------------------------------


def test_several_relays_and_what_delivery_says_for_all(tmp_path: Path) -> None:
    each = '[delivery]\nrate = "5/s"\nconnections = 7\nmessages_per_connection = 9\n'
    config = config_of(tmp_path, each + TWO_RELAYS, {**ENV, "NEWSLETTER_SMTP_PASSWORD_MAIN": "hunter2-main"})
    main = Relay("one.example.com", 587, "starttls", "ann", "hunter2-main", name="main", weight=3)
    spare = Relay("two.example.com", 465, "implicit", name="spare-2")
    assert config.relays == (main, spare)
    assert config.relay == main
    assert config.relay_settings == (
        RelaySettings(main, parse_rate("14/s, 2000/day"), {}, (), 2, 9, 300, 600),
        RelaySettings(spare, parse_rate("5/s"), {}, (), 7, 0, 20, 40),
    )
    assert config.missing_for_send() == (
        "newsletter.from",
        "newsletter.postal_address",
        "newsletter.unsubscribe_mailto",
    )


def test_a_relays_own_window_comes_first(tmp_path: Path) -> None:
    both = "[delivery]\nwindow = 4\n" + TWO_RELAYS.replace('name = "main"', 'name = "main"\nwindow = 0')
    assert [lane.window for lane in config_of(tmp_path, both).relay_settings] == [0, 4]
    assert [lane.window for lane in config_of(tmp_path, TWO_RELAYS).relay_settings] == [None, None]


def test_one_relay_is_one_lane(tmp_path: Path) -> None:
    config = config_of(tmp_path, '[relay]\nurl = "smtp://ann@a"\nrate = ""\ntimeout_s = 3\n[delivery]\nrate = "1/s"\n')
    assert [(lane.rates, lane.connections, lane.messages_per_connection) for lane in config.relay_settings] == [
        ((), 4, 100)
    ]
    assert [lane.relay.name for lane in config.relay_settings] == ["relay"]
    other = Relay("b", 25, "none")
    assert config.settings_for(other) == RelaySettings(other, parse_rate("1/s"), {}, (), 4, 100, 3, 600)


def test_a_named_relays_own_password_comes_first(tmp_path: Path) -> None:
    content = '[relay]\nname = "Spare-2"\nurl = "smtp://ann@a"\n'
    own = "NEWSLETTER_SMTP_PASSWORD_SPARE_2"
    assert password_variables("Spare-2") == (own, "NEWSLETTER_SMTP_PASSWORD")
    assert password_variables("relay") == ("NEWSLETTER_SMTP_PASSWORD",)
    for env, password in [({**ENV, own: "hunter2-own"}, "hunter2-own"), ({**ENV, own: ""}, SECRET), ({}, "")]:
        (relay,) = config_of(tmp_path, content, env).relays
        assert relay.password == password
    assert refusal_of(tmp_path, content, {**ENV, own: "hunter2\n"}).startswith(f"{own}: the password has a line break")


def test_a_login_by_token_is_given_no_password(tmp_path: Path) -> None:
    content = '[relay]\nurl = "smtp://ann@a"\nauth = "xoauth2"\ntoken_command = ["token", "--for", "ann"]\n'
    (relay,) = config_of(tmp_path, content).relays
    assert (relay.auth, relay.token_command, relay.password) == ("xoauth2", ("token", "--for", "ann"), "")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            TWO_RELAYS.replace("spare-2", "main"),
            ':10: [[relays]] name is "main", as that of a relay above; give each relay a name of its own',
        ),
        # One environment variable would hold the password of both.
        (
            '[[relays]]\nname="a-b"\nurl="smtp://a"\n[[relays]]\nname="A_B"\nurl="smtp://b"\n',
            ':5: [[relays]] name is "A_B", as that of',
        ),
        (
            '[relay]\nurl = "smtp://a"\n' + TWO_RELAYS,
            ":2: [relay] url stands beside [[relays]]; make it one of them, or take them out",
        ),
        ("[relay]\ntimeout_s = 3\n" + TWO_RELAYS, ":1: [relay] stands beside [[relays]]; make it one of them"),
        (
            '[[relays]]\nname = "a"\nurl = "smtp://a"\n[[relays]]\nurl = "smtp://b"\n',
            ':4: [[relays]] has no name; write name = "main", another one for each relay',
        ),
        ('[[relays]]\nname = "a"\n', ':1: [[relays]] has no url; write url = "smtp://user@mail.example.com:587"'),
        (
            TWO_RELAYS.replace("smtps://two", "smpt://two"),
            ':11: [[relays]] url is "smpt://…", not an SMTP address; write url = "smtp://user@mail.example.com:587"',
        ),
        (
            TWO_RELAYS.replace("smtps://two", "smtps://me:hunter2@two"),
            ':11: [[relays]] url is "smtps://…", with a password in it; write smtps://user@host and put',
        ),
        (TWO_RELAYS + "conections = 3\n", ':15: [[relays]] has no key "conections"; did you mean connections?'),
        (
            TWO_RELAYS + "password = 'hunter2'\n",
            ':15: [[relays]] has no key "password"; remove it, and set the environment variable NEWSLETTER_SMTP_',
        ),
        ("[relays]\nname = 'a'\n", ":1: [[relays]] is not an array of tables; write [[relays]] above each relay's"),
        ("relays = [1]\n", ":1: [[relays]] is a whole number, not a section; write [[relays]] and its keys below"),
        ('relays = [{ name = "a b", url = "smtp://a" }]\n', ':1: [[relays]] name is "a b", not up to 40 letters'),
        (
            "[relay]\nname = '名'\n",
            ':2: [relay] name is "名", not up to 40 letters, digits, - and _; write name = "main"',
        ),
        (
            "[relay]\nurl = 'smtp://ann@a'\nauth = 'xoauth2'\n",
            ':3: [relay] auth is "xoauth2", but there is no token_command; write token_command = ["oauth2-token", "',
        ),
        (
            "[relay]\nurl = 'smtp://ann@a'\ntoken_command = ['token']\n",
            ':3: [relay] token_command is there, but auth is "auto"; write auth = "xoauth2", or take it out',
        ),
        (
            "[relay]\nurl = 'smtp://a'\nauth = 'plain'\n",
            ':3: [relay] auth is "plain", but url names no user; write url = "smtp://user@host", or take auth out',
        ),
        ("[relay]\nauth = 'cram'\n", ":2: [relay] auth is \"cram\", not one of 'auto', 'plain', 'login' or 'xoauth2'"),
        ("[relay]\ntoken_command = 'token --for ann'\n", ":2: [relay] token_command is the string"),
        (
            "[relay]\ntoken_command = ['token', 3]\n",
            ":2: [relay] token_command is wrong at place 2: it is a whole number",
        ),
        ('[relay]\ntoken_command = ["a\\n"]\n', ":2: [relay] token_command is wrong at place 1: it is"),
        ("[relay]\nweight = 0\n", ":2: [relay] weight is 0, not a whole number from 1 to 1000; write weight = 3"),
        ("[relay]\nrate = '0/s'\n", ':2: [relay] rate is "0/s": nobody would ever be mailed; write a number from 1'),
        ("[relay]\ndot_timeout_s = 0\n", ":2: [relay] dot_timeout_s is 0, not a number above 0 and at most 3600"),
    ],
)
def test_a_relay_that_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    assert refusal_of(tmp_path, content).startswith(f"newsletter.toml{sentence}")


def test_every_relays_fault_is_named_in_the_files_order(tmp_path: Path) -> None:
    content = TWO_RELAYS.replace("weight = 3", "weight = 0").replace("smtps://", "smtps:/") + "[relay]\nurl = 3\n"
    lines = refusal_of(tmp_path, content).split("\n")
    assert [line.split(":")[1] for line in lines] == ["7", "16"]
    lines = refusal_of(tmp_path, TWO_RELAYS.replace("smtp://", "x://").replace("smtps://", "y://")).split("\n")
    assert [line.split(":")[1] for line in lines] == ["4", "11"]


# --- delivery -------------------------------------------------------------------------------------------------------


def test_delivery_says_nothing_by_default(tmp_path: Path) -> None:
    keys = load_config(None, {}, tmp_path).settings.delivery
    assert (keys.connections, keys.messages_per_connection, keys.max_attempts) == (4, 100, 6)
    assert keys.window is None
    assert (keys.rate, keys.domains, keys.warm_up, keys.quiet_hours, keys.time_zone) == ((), {}, (), "", None)
    assert (keys.canary_wait_s, keys.canary_refusals, keys.max_change) == (300, 0.05, 0.2)
    assert keys.quiet_times() is None


def test_a_whole_delivery(tmp_path: Path) -> None:
    config = config_of(
        tmp_path,
        """[delivery]
connections = 100
messages_per_connection = 0
rate = "14/s, 2000/day"
max_attempts = 1
warm_up = [50, 100]
quiet_hours = "22:00-07:00"
time_zone = "Asia/Shanghai"
canary_wait_s = 0
canary_refusals = 0
max_change = 1
[delivery.domains]
"QQ.com" = "5/s"
163.com = "200/h"
'bücher.example' = "1/s"
""".replace("163.com", '"163.com"'),
    )
    keys = config.settings.delivery
    assert (keys.connections, keys.messages_per_connection, keys.max_attempts) == (100, 0, 1)
    assert keys.domains == {
        "qq.com": parse_rate("5/s"),
        "163.com": parse_rate("200/h"),
        "xn--bcher-kva.example": parse_rate("1/s"),
    }
    assert keys.warm_up == (50, 100)
    assert str(keys.time_zone) == "Asia/Shanghai"
    assert (keys.canary_wait_s, keys.canary_refusals, keys.max_change) == (0, 0, 1)
    assert config.quiet_hours == QuietHours(time(22), time(7), ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            "connections = 0\n",
            ":2: [delivery] connections is 0, not a whole number from 1 to 100; write connections = 8",
        ),
        ("connections = 101\n", ":2: [delivery] connections is 101, not a whole number from 1 to 100"),
        ('connections = "4"\n', ':2: [delivery] connections is the string "4", not a whole number'),
        ("connections = 4.0\n", ":2: [delivery] connections is a number, not a whole number"),
        ("connections = true\n", ":2: [delivery] connections is a boolean, not a whole number"),
        ("messages_per_connection = -1\n", ":2: [delivery] messages_per_connection is -1, not a whole number from 0"),
        ("window = 9\n", ":2: [delivery] window is 9, not a whole number from 0 to 8; write window = 4"),
        ('window = "auto"\n', ':2: [delivery] window is the string "auto", not a whole number'),
        ('rate = "0/s"\n', ':2: [delivery] rate is "0/s": nobody would ever be mailed; write a number from 1'),
        ('rate = "fast"\n', ':2: [delivery] rate is "fast", not a rate; write 14/s'),
        ("rate = 14\n", ":2: [delivery] rate is a whole number, not a string; write rate = "),
        ("max_attempts = 0\n", ":2: [delivery] max_attempts is 0, not a whole number from 1 to 100"),
        ("warm_up = [50, 0]\n", ":2: [delivery] warm_up is wrong at place 2: it is 0, not a whole number from 1"),
        (
            "warm_up = 50\n",
            ":2: [delivery] warm_up is a whole number, not an array of whole numbers; write warm_up = [",
        ),
        ("warm_up = ['a']\n", ":2: [delivery] warm_up is wrong at place 1: it is the string"),
        ('quiet_hours = "at night"\n', ':2: [delivery] quiet_hours is "at night", not two times of day; write'),
        ('\nquiet_hours = "22:00-25:00"\n', ':3: [delivery] quiet_hours is "22:00-25:00", not two times of day'),
        (
            'time_zone = "Asia/Shangri-La"\n',
            ':2: [delivery] time_zone is "Asia/Shangri-La", not a time zone that this machine knows; write',
        ),
        ('time_zone = "../../etc/passwd"\n', ':2: [delivery] time_zone is "../../etc/passwd", not a time zone'),
        ('time_zone = "Asia"\n', ':2: [delivery] time_zone is "Asia", not a time zone'),
        ("canary_wait_s = -1\n", ":2: [delivery] canary_wait_s is -1, not a number from 0 to 86400"),
        ("canary_refusals = 1.5\n", ":2: [delivery] canary_refusals is 1.5, not a number from 0 to 1; write"),
        ("max_change = nan\n", ":2: [delivery] max_change is nan, not a number from 0 to 1"),
        ("max_change = '20%'\n", ':2: [delivery] max_change is the string "20%", not a number; write max_change = 0.5'),
        (
            '[delivery.domains]\n"qq.com" = "5/s"\n"163.com" = "0/s"\n',
            ':4: [delivery] domains.163.com is "0/s": nobody would',
        ),
        ('domains = { "qq.com" = 5 }\n', ":2: [delivery] domains.qq.com is a whole number, not a string; write "),
        ('domains."qq.com" = ""\n', ':2: [delivery] domains.qq.com is empty; write "qq.com" = "5/s"'),
        ('domains."qq..com" = "5/s"\n', ":2: [delivery] domains.qq..com is"),
        ('domains.qq.com = "5/s"\n', ":2: [delivery] domains.qq is a table, not a string"),
        ('[delivery.domains]\nqq = "5/s"\n', ':3: [delivery] domains.qq is not a domain name; write "example.com" = '),
        ('[delivery.domains]\n"a.b" = "5/s"\n"A.B" = "1/s"\n', ":4: [delivery] domains.A.B is there twice; keep one"),
        ("domains = ['qq.com']\n", ":2: [delivery] domains is an array, not a table; write domains = {"),
        ("conections = 3\n", ':2: [delivery] has no key "conections"; did you mean connections?'),
        ("timeout_s = 3\n", ':2: [delivery] has no key "timeout_s"; it may have'),
    ],
)
def test_a_delivery_that_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    message = refusal_of(tmp_path, f"[delivery]\n{content}")
    assert message.startswith(f"newsletter.toml{sentence}")
    assert "; " in message


# --- headers and tokens ---------------------------------------------------------------------------------------------


def newsletter(key: str, value: str) -> str:
    return f"[newsletter]\n{key} = '{value}'\n"


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("unsubscribe_url", "https://a.example.com/leave?t={token}", ""),
        ("unsubscribe_url", "https://a.example.com:8443/{email}/x%20y;z", ""),
        ("unsubscribe_url", "https://a.example.com/?t={token}&to={email}", ""),
        ("unsubscribe_url", "http://localhost:8000/{token}", ""),
        ("unsubscribe_url", "http://[::1]/{token}", ""),
        ("list_help", "https://a.example.com/help#unsubscribe", ""),
        ("list_help", "mailto:help@example.com?subject=help", ""),
        ("feedback_id", "aidaily", ""),
        ("feedback_id", "{issue}:daily:all:aidaily", ""),
        ("bounce_address", "bounce+{token}@example.com", ""),
        ("bounce_address", "{token}@BÜCHER.example", "{token}@xn--bcher-kva.example"),
        ("bounce_address", "b-{token}@localhost", ""),
        ("bounce_address", "b" * 24 + "{token}@example.com", ""),
    ],
)
def test_the_senders_headers(tmp_path: Path, key: str, value: str, kept: str) -> None:
    sender = config_of(tmp_path, newsletter(key, value)).sender
    assert getattr(sender, key) == (kept or value)
    assert config_of(tmp_path, newsletter(key, "")).sender.secret == SECRET


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("unsubscribe_url", "https://a.example.com/leave", 'is "https://…", without {token} or {email}: it would not'),
        ("unsubscribe_url", "http://a.example.com/{token}", 'is "http://…", not https, which one-click unsubscribe'),
        ("unsubscribe_url", "https://{token}.example.com/", 'is "https://…", with more than a host'),
        ("unsubscribe_url", "https://{token}/", 'is "https://…", not a web address'),
        ("unsubscribe_url", "https://me:hunter2@a.example.com/{token}", 'is "https://…", with more than a host'),
        ("unsubscribe_url", "https://a.example.com/{name}/{token}", 'is "https://…", not a web address'),
        ("unsubscribe_url", "https://a.example.com/{token}#x", 'is "https://…", not a web address'),
        ("unsubscribe_url", "https://a.example.com/{token}> <x", 'is "https://…", not a web address'),
        ("unsubscribe_url", "https://a.example.com/退订/{token}", 'is "https://…", not a web address'),
        ("unsubscribe_url", "https://a.example.com:0/{token}", 'is "https://…", not a web address'),
        ("unsubscribe_url", "https://a.example.com/{token}" + "x" * 500, 'is "https://…", not a web address'),
        ("unsubscribe_url", "mailto:a@example.com?subject={token}", 'is "…", not a web address'),
        ("list_help", "http://a.example.com/", 'is "http://…", not an https or mailto address'),
        ("list_help", "help@example.com", 'is "…", not an https or mailto address'),
        ("list_help", "mailto:help", 'is "help", not an address'),
        ("list_help", "https://me:hunter2@a.example.com", 'is "https://…", with more than a host'),
        ("feedback_id", "a:b:c:d:aidaily", 'is "a:b:c:d:aidaily", not one to four ASCII names'),
        ("feedback_id", "a:b:tiny", 'is "a:b:tiny", not one to four'),
        ("feedback_id", "a::aidaily", 'is "a::aidaily", not one to four'),
        ("feedback_id", "a:{issue}", 'is "a:{issue}", not one to four'),
        ("feedback_id", "日报:aidaily", 'is "日报:aidaily", not one to four'),
        ("bounce_address", "bounce@example.com", 'is "bounce@example.com", not a mailbox with {token} once before'),
        ("bounce_address", "{token}{token}@example.com", 'is "{token}{token}@example.com", not a mailbox'),
        ("bounce_address", "bounce@{token}.example.com", 'is "bounce@{token}.example.com", not a mailbox'),
        ("bounce_address", "{token}@{token}.com", 'is "{token}@{token}.com", not a mailbox'),
        ("bounce_address", "B <{token}@example.com>", 'is "B <{token}@example.com>", not a mailbox'),
        ("bounce_address", ".{token}@example.com", 'is ".token@example.com", not an address'),
        ("bounce_address", "{token}", 'is "{token}", not a mailbox'),
        ("bounce_address", "b" * 25 + "{token}@a.test", f'is "{"b" * 25}{{token}}@a.test", with 25 characters before'),
        ("bounce_address", "{token}@", 'is "token@", not an address'),
        ("bounce_address", "退{token}@example.com", 'is "退{token}@example.com", not a mailbox'),
    ],
)
def test_a_header_that_is_refused(tmp_path: Path, key: str, value: str, sentence: str) -> None:
    message = refusal_of(tmp_path, newsletter(key, value))
    assert message.startswith(f"newsletter.toml:2: [newsletter] {key} {sentence}")
    assert "; write " in message


@pytest.mark.parametrize("key", ["unsubscribe_url", "list_help", "feedback_id", "bounce_address"])
@pytest.mark.parametrize("break_", ["\\n", "\\r\\n", "\\u0000", "\\u2028"])
def test_no_line_break_reaches_a_header(tmp_path: Path, key: str, break_: str) -> None:
    # Of a URL nothing but its scheme is shown: there may be a password in it.
    host = "me:hunter2@a.b" if key in {"unsubscribe_url", "list_help"} else "a.b"
    message = refusal_of(tmp_path, f'[newsletter]\n{key} = "https://{host}/{{token}}{break_}Bcc: b"\n')
    assert f"{key} is " in message
    assert "with a line break or control character" in message


def test_an_address_or_a_page_to_unsubscribe_is_enough(tmp_path: Path) -> None:
    url = newsletter("unsubscribe_url", "https://a.example.com/{email}")
    assert "newsletter.unsubscribe_mailto" not in config_of(tmp_path, url).missing_for_send()
    assert "newsletter.unsubscribe_mailto" in config_of(tmp_path, "").missing_for_send()


@pytest.mark.parametrize("key", ["unsubscribe_url", "bounce_address"])
def test_tokens_need_a_secret_and_samples_do_not(tmp_path: Path, key: str) -> None:
    value = {"unsubscribe_url": "https://a.example.com/{token}", "bounce_address": "b+{token}@example.com"}[key]
    config = config_of(tmp_path, newsletter(key, value), {})
    with pytest.raises(ConfigError) as caught:
        _ = config.sender
    assert told(caught.value) == (
        "NEWSLETTER_SECRET: not set, and {token} in newsletter.toml needs it; set it to what `openssl rand -hex 32` "
        "prints, and keep it: older links stop working with another one"
    )
    with_secret = config_of(tmp_path, newsletter(key, value))
    assert with_secret.sender.secret == SECRET
    assert with_secret.sample_sender == config.sample_sender
    assert "hunter2" not in repr(with_secret.sender)


def test_a_new_secret_stands_before_the_old_one(tmp_path: Path) -> None:
    text = newsletter("unsubscribe_url", "https://a.example.com/{token}")
    config = config_of(tmp_path, text, {"NEWSLETTER_SECRET": "the new secret 0123, the old secret 0123"})
    assert config.secrets == ("the new secret 0123", "the old secret 0123")
    assert config.sender.secret == "the new secret 0123"
    assert "0123" not in repr(config)


def test_without_tokens_no_secret_is_needed(tmp_path: Path) -> None:
    config = config_of(tmp_path, newsletter("unsubscribe_url", "https://a.example.com/{email}"), {})
    assert config.sender == config.sample_sender
    assert config.sender.secret == ""


@pytest.mark.parametrize(
    ("secret", "sentence"),
    [
        (
            "an old secret of before,hunter2-geheim-",
            "the secret number 2, between commas, has fewer than 16 characters",
        ),
        ("hunter2-geheim-hunter2,", "the secret number 2, between commas, has fewer than 16 characters"),
        ("hunter2-geheim-", "the secret has fewer than 16 characters and could be guessed; set it to what"),
        ("hunter2-geheim-und\n", "the secret has a line break or control character; set the variable without it"),
        ("hunter2-geheim-und\x7f", "the secret has a line break or control character; set the variable without it"),
    ],
)
def test_a_secret_that_is_refused(tmp_path: Path, secret: str, sentence: str) -> None:
    assert refusal_of(tmp_path, "", {"NEWSLETTER_SECRET": secret}).startswith(f"NEWSLETTER_SECRET: {sentence}")


def test_a_secret_of_sixteen_characters_is_long_enough(tmp_path: Path) -> None:
    assert config_of(tmp_path, "", {"NEWSLETTER_SECRET": "0123456789abcdef"}).secret == "0123456789abcdef"


# --- signing --------------------------------------------------------------------------------------------------------

DKIM = '\n[dkim]\ndomain = "BÜCHER.example"\nselector = "news2026"\nkey = "keys/dkim.pem"\n'


def test_the_key_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    config = config_of(tmp_path, DKIM, {})
    with pytest.raises(ConfigError) as caught:
        _ = config.dkim
    assert told(caught.value) == (
        f'{tmp_path}/newsletter.toml:5: [dkim] key is "keys/dkim.pem", and there is no such file; give the path from '
        "newsletter.toml"
    )
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "dkim.pem").write_text(PEM)
    (signer,) = config.dkim
    assert (signer.domain, signer.selector, signer.pem) == ("xn--bcher-kva.example", "news2026", PEM.encode())
    assert "hunter2" not in repr(signer)


def test_the_environments_key_comes_first(tmp_path: Path) -> None:
    for content in (DKIM, DKIM.replace('key = "keys/dkim.pem"', "")):
        (signer,) = config_of(tmp_path, content).dkim
        assert signer.pem == PEM.encode()
    assert config_of(tmp_path, "").dkim == ()


def _two_keys(first: str, second: str, sender: str = "news@example.com") -> str:
    sections = "".join(f'[[dkim]]\ndomain = "example.com"\n{more}\n' for more in (first, second))
    return f'[newsletter]\nfrom = "{sender}"\n{sections}'


def test_two_keys_are_read_each_from_its_own_place(tmp_path: Path) -> None:
    content = _two_keys('selector = "rsa.2026"\nkey = "rsa.pem"', 'selector = "ed-2026"')
    (tmp_path / "rsa.pem").write_text(PEM)
    own = PEM.replace("hunter2", "another")
    variable = "NEWSLETTER_DKIM_KEY_ED_2026"
    signers = config_of(tmp_path, content, {variable: own, "NEWSLETTER_DKIM_KEY": "for one key only"}).dkim
    assert [(signer.selector, signer.pem) for signer in signers] == [
        ("rsa.2026", PEM.encode()),
        ("ed-2026", own.encode()),
    ]
    with pytest.raises(ConfigError) as caught:
        _ = config_of(tmp_path, content, {}).dkim
    assert "[[dkim]] has no key; write key =" in told(caught.value)
    assert variable in told(caught.value)


def test_two_keys_need_two_selectors(tmp_path: Path) -> None:
    sentence = refusal_of(tmp_path, _two_keys('selector = "a"', 'selector = "a"'))
    assert sentence == (
        'newsletter.toml:8: [[dkim]] selector is "a", as that of a key above; give each key a selector of its own'
    )
    sentence = refusal_of(tmp_path, _two_keys('selector = "a"', ""))
    assert sentence.startswith("newsletter.toml:6: [[dkim]] has no selector; set")


@pytest.mark.parametrize(
    ("domain", "sender", "remedy"),
    [
        ("other.example", "news@example.com", 'write domain = "example.com" and publish'),
        ("example.org", "News <news@mail.example.com>", 'write domain = "example.com" and publish'),
        ("shop.co.uk", "news@daily.co.uk", 'write domain = "daily.co.uk" and publish'),
        ("co.uk", "news@daily.co.uk", 'write domain = "daily.co.uk" and publish'),
        ("ada.github.io", "news@ben.github.io", 'write domain = "ben.github.io" and publish'),
        ("example.com", "example.daily@gmail.com", "write from at example.com: only its provider can sign"),
    ],
)
def test_a_domain_of_another_organization_signs_nothing(tmp_path: Path, domain: str, sender: str, remedy: str) -> None:
    content = f'[newsletter]\nfrom = "{sender}"\n[dkim]\ndomain = "{domain}"\nselector = "a"\nkey = "a.pem"\n'
    sentence = refusal_of(tmp_path, content)
    home = sender.rstrip(">").rpartition("@")[2]
    assert sentence.startswith(f'newsletter.toml:4: [dkim] domain is "{domain}", and from is at {home}: DMARC')
    assert remedy in sentence


@pytest.mark.parametrize(
    ("domain", "sender"),
    [
        ("example.com", "news@example.com"),
        ("example.com", "news@daily.example.com"),
        ("mail.example.com", "news@example.com"),
        ("mail.example.co.uk", "news@daily.example.co.uk"),
        ("BÜCHER.example", "news@post.bücher.example"),
        ("example.com", ""),
    ],
)
def test_a_domain_of_the_same_organization_may_sign(tmp_path: Path, domain: str, sender: str) -> None:
    content = f'[newsletter]\nfrom = "{sender}"\n[dkim]\ndomain = "{domain}"\nselector = "a"\nkey = "a.pem"\n'
    assert config_of(tmp_path, content).settings.dkim[0].selector == "a"


def test_one_of_two_keys_may_be_the_relays_own(tmp_path: Path) -> None:
    content = '[newsletter]\nfrom = "news@example.com"\n' + "".join(
        f'[[dkim]]\ndomain = "{domain}"\nselector = "a"\n' for domain in ("relay.example", "example.com")
    )
    assert len(config_of(tmp_path, content).settings.dkim) == 2


# --- EHLO -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("News.Example.com", "news.example.com"),
        ("news.example.com.", "news.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("[ipv6:2001:DB8::1]", "[IPv6:2001:db8::1]"),
        ("localhost", "localhost"),
        ("", ""),
    ],
)
def test_the_name_of_the_greeting(tmp_path: Path, written: str, kept: str) -> None:
    config = config_of(tmp_path, f'[relay]\nurl = "smtp://mail.example.com"\nehlo = "{written}"\n')
    assert config.relay is not None
    assert config.relay.ehlo == kept


@pytest.mark.parametrize(
    "written",
    [
        "a b",
        "news_1.example.com",
        "192.0.2.1",
        "[192.0.2]",
        "[2001:db8::1]",
        "[",
        "[a]",
        "a..b",
        "-a.example",
        "x" * 300,
    ],
)
def test_what_no_greeting_may_hold(tmp_path: Path, written: str) -> None:
    sentence = refusal_of(tmp_path, f'[relay]\nurl = "smtp://mail.example.com"\nehlo = "{written}"\n')
    assert sentence.startswith('newsletter.toml:3: [relay] ehlo is "')
    assert "write ehlo = " in sentence


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("domain = 'a.b'\n", ":1: [dkim] has no selector; set domain, selector and key"),
        ("selector = 'a'\n", ":1: [dkim] has no domain; set"),
        ("key = 'dkim.pem'\n", ":1: [dkim] has no domain and no selector; set"),
        ("domain = 'a b'\n", ':2: [dkim] domain is "a b", not a domain name; write domain = "example.com"'),
        ("domain = '" + "a" * 64 + ".b'\n", ":2: [dkim] domain is"),
        ("selector = 'a/b'\n", ':2: [dkim] selector is "a/b", not ASCII letters'),
        ("selector = '选'\n", ':2: [dkim] selector is "选", not ASCII letters'),
        ("selektor = 'a'\n", ':2: [dkim] has no key "selektor"; did you mean selector?'),
        (
            "pem = 'hunter2'\n",
            ':2: [dkim] has no key "pem"; remove it, and set the environment variable NEWSLETTER_DKIM',
        ),
    ],
)
def test_a_signer_that_is_refused(tmp_path: Path, content: str, sentence: str) -> None:
    assert refusal_of(tmp_path, f"[dkim]\n{content}").startswith(f"newsletter.toml{sentence}")


def test_what_is_no_key_is_refused_unseen(tmp_path: Path) -> None:
    (tmp_path / "keys" / "folder").mkdir(parents=True)
    (tmp_path / "keys" / "dkim.pem").write_text("hunter2")
    for content, env, sentence in [
        (DKIM, {"NEWSLETTER_DKIM_KEY": "hunter2"}, "NEWSLETTER_DKIM_KEY: not a private key in PEM; set it to"),
        (DKIM, {}, ':5: [dkim] key is "keys/dkim.pem", not a private key in PEM; give the private key'),
        (DKIM.replace("dkim.pem", "folder"), {}, ':5: [dkim] key is "keys/folder", which cannot be read: Is a direct'),
        (
            DKIM.replace('key = "keys/dkim.pem"', ""),
            {},
            ':2: [dkim] has no key; write key = "dkim.pem", or set the env',
        ),
    ]:
        config = config_of(tmp_path, content, env)
        with pytest.raises(ConfigError) as caught:
            _ = config.dkim
        assert sentence in told(caught.value)


# --- the ledger's place ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("", "newsletter.db"),
        ("path = '/var/lib/news.db'\n", Path("/var/lib/news.db")),
        ("url = ''\n", "newsletter.db"),
        ("url = 'sqlite:///state/sent.db'\n", "state/sent.db"),
        ("url = 'sqlite:////var/lib/news.db'\n", Path("/var/lib/news.db")),
        ("url = 'postgresql://news@db.example.com/newsletter'\n", None),
        ("url = 'postgresql://db.example.com:5433/newsletter?sslmode=verify-full'\n", None),
        ("url = 'postgresql://[::1]:5433/newsletter'\n", None),
        ("url = 'postgresql:///newsletter?host=/var/run/postgresql'\n", None),
    ],
)
def test_where_the_ledger_is(tmp_path: Path, content: str, place: Path | str | None) -> None:
    config = config_of(tmp_path, f"[ledger]\n{content}")
    expected = content.split("'")[1] if place is None else place if isinstance(place, Path) else tmp_path / place
    assert config.ledger_place == expected


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (
            "postgresql://news:hunter2@db.example.com/newsletter",
            'is "postgresql://…", with a password in it; write postgresql://user@host/name and put the password into',
        ),
        ("postgresql://news:hun/ter2@hunter2?@db.example.com/newsletter", 'is "postgresql://…", with a password in it'),
        ("postgresql://db/newsletter?password=hunter2", 'is "postgresql://…", with a setting behind its ?'),
        ("postgresql://db/newsletter?sslmode=require&passfile=hunter2", 'is "postgresql://…", with a setting behind'),
        ("postgresql://db.example.com", 'is "postgresql://…", not a host and a database'),
        ("postgresql://db.example.com:0/n", 'is "postgresql://…", not a host and a database'),
        ("postgresql://db.example.com:hunter2/n", 'is "postgresql://…", not a host and a database'),
        ("postgresql://db.example.com/a/b", 'is "postgresql://…", not a host and a database'),
        ("mysql://news@db/newsletter", 'is "mysql://…", not the address of a ledger'),
        ("news:hunter2@db/newsletter", 'is "…", not the address of a ledger'),
        ("postgresql://a/b@db.example.com/n", 'is "postgresql://…", not a host and a database'),
        ("postgresql://me:hunter2\\u0007@db/n", 'is "postgresql://…", with a line break or control character'),
        ("sqlite://", 'is "sqlite://…", not sqlite:/// and a path; write url = "sqlite:///newsletter.db"'),
        ("sqlite:///", 'is "sqlite://…", not sqlite:/// and a path'),
        ("sqlite:///:memory:", 'is "sqlite://…", not sqlite:/// and a path'),
        ("sqlite:///a.db?mode=ro", 'is "sqlite://…", not sqlite:/// and a path'),
    ],
)
def test_a_ledger_that_is_refused(tmp_path: Path, url: str, sentence: str) -> None:
    message = refusal_of(tmp_path, f'[ledger]\nurl = "{url}"\n')
    assert message.startswith(f"newsletter.toml:2: [ledger] url {sentence}")
    if "://" in url:
        with pytest.raises(ConfigError) as caught:
            parse_ledger(url.replace("\\u0007", "\a"))
        assert told(caught.value).startswith(f"the ledger {sentence.partition(';')[0]}")


def test_a_path_beside_a_url_is_refused(tmp_path: Path) -> None:
    message = refusal_of(tmp_path, "[ledger]\npath = 'a.db'\nurl = 'sqlite:///b.db'\n")
    assert message == "newsletter.toml:3: [ledger] url stands beside path; take one of the two out"
    message = refusal_of(tmp_path, "[ledger]\npassword = 'hunter2'\n")
    assert message.endswith("; remove it, and set the environment variable PGPASSWORD")


def test_a_ledger_from_the_command_line() -> None:
    assert parse_ledger("state/sent.db") == Path("state/sent.db")
    assert parse_ledger("sqlite:///state/sent.db") == Path("state/sent.db")
    assert parse_ledger("postgresql://db/newsletter") == "postgresql://db/newsletter"


@given(st.text(alphabet="postgrqlie:/@?&=.[]1a ").map("postgresql://".__add__))
def test_no_secret_of_a_ledger_is_shown(url: str) -> None:
    try:
        kept = ledger_url(url)
    except InvalidValueError as fault:
        assert fault.what.startswith('is "postgresql://…"')  # noqa: PT017 - what it says is the point
        return
    assert ":" not in kept.removeprefix("postgresql://").rpartition("@")[0]
    assert "pass" not in kept.partition("?")[2]


# --- the web server -------------------------------------------------------------------------------------------------


def test_a_whole_server(tmp_path: Path) -> None:
    keys = config_of(
        tmp_path,
        '[serve]\nurl = "https://news.example.com/"\ntrusted_proxies = ["127.0.0.1", "10.0.0.0/8", "::1"]\n'
        'fields = ["Name"]\nembed_on = ["https://blog.example.com/"]\n[serve.lists]\nai = "Long reads"\nx = ""\n',
    ).settings.serve
    assert keys.url == "https://news.example.com"
    assert keys.trusted_proxies == ("127.0.0.1", "10.0.0.0/8", "::1")
    assert (keys.fields, keys.embed_on) == (("name",), ("https://blog.example.com",))
    assert keys.lists == {"ai": "Long reads", "x": "x"}


def test_links_to_leave_are_made_from_the_servers_address(tmp_path: Path) -> None:
    config = config_of(tmp_path, '[serve]\nurl = "https://news.example.com"\n', {"NEWSLETTER_SECRET": "0" * 16})
    assert config.sender.unsubscribe_url == "https://news.example.com/u/{token}"
    assert "newsletter.unsubscribe_mailto" not in config.missing_for_send()
    own = '[newsletter]\nunsubscribe_url = "https://example.com/{email}"\n[serve]\nurl = "https://news.example.com"\n'
    assert config_of(tmp_path, own).sender.unsubscribe_url == "https://example.com/{email}"
    with pytest.raises(ConfigError, match="NEWSLETTER_SECRET: not set"):
        _ = config_of(tmp_path, '[serve]\nurl = "https://news.example.com"\n', {"HOME": "/"}).sender


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ('url = "http://news.example.com"', "not https, which one-click unsubscribe asks for (RFC 8058)"),
        ('url = "https://news.example.com/mail"', "with more than a host and a port"),
        ('trusted_proxies = ["proxy"]', 'at place 1: it is "proxy", not an IP address or network; write "10.0.0.0/8"'),
        ('trusted_proxies = ["10.0.0.1/8"]', "not an IP address or network"),
        ('embed_on = ["https://a.example; script-src *"]', "not a plain web address"),
        ('embed_on = ["https://a.example,https://b.example"]', "not the address of a site"),
        ('embed_on = ["https://a.example/x"]', "not the address of a site"),
        ('fields = ["email"]', "not a column's name"),
        ('fields = ["na me"]', "not a column's name"),
        ('lists = { "a b" = "x" }', "not up to 40 letters, digits, - and _"),
        ("lists = { a = 1 }", "is a whole number, not a string"),
        ("signups_per_address = 0", "not a whole number from 1 to 1000"),
    ],
)
def test_a_server_that_is_refused(tmp_path: Path, key: str, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_of(tmp_path, f"[serve]\n{key}\n")
    assert fault in str(caught.value)
    assert str(caught.value).startswith("newsletter.toml:2: [serve] ")


# --- any key, any value ---------------------------------------------------------------------------------------------

VALUES = ("1", "-1", "1e400", "0.5", "nan", "true", '""', '"x"', '"{}"', "[]", '["a"]', "[[1]]", "{}", "{ a = 1 }")


@pytest.mark.parametrize("name", [name for name in SCHEMA.sections if SCHEMA.keys(name)])
def test_any_value_gives_a_config_or_a_sentence_at_its_line(tmp_path: Path, name: str) -> None:
    section = SCHEMA.sections[name]
    assert isinstance(section, type)
    title = f"[[{name}]]" if name == "relays" else f"[{name}]"
    refused = 0
    for key in keys_of(section):
        for value in (*VALUES, "2026-03-01"):
            try:
                config_of(tmp_path, f"{title}\n{key} = {value}\n")
            except ConfigError as error:
                *others, _ = lines = told(error).split("\n")
                refused += any(line.startswith(f"newsletter.toml:2: {title} {key}") for line in lines)
                assert not others or name == "relays"
    # Nothing takes a boolean, a date or an array in an array.
    assert refused >= 3 * len(keys_of(section))


# --- addresses, and lines -------------------------------------------------------------------------------------------


@given(st.from_regex(entries._PLAIN_ADDRESS, fullmatch=True))
def test_an_everyday_address_needs_no_library(address: str) -> None:
    assert validate_email(address, check_deliverability=False, test_environment=True).normalized == address


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (("a", 0), 1),
        (("a", 0, "x"), 2),
        (("a", 1), 3),
        (("a", 1, "x"), 5),
        (("a", 1, "b", "x"), 7),
        (("a", 1, "c", 1, "x"), 11),
        (("a", 2, "x"), None),
        (("a", 3, "x"), None),
        (("d", "q.e", "x"), 14),
        (("d", 'f"g'), 13),
        (("d", "x"), 16),
    ],
)
def test_the_line_of_a_key_in_an_array_of_tables(where: Where, line: int | None) -> None:
    text = "\n".join(
        [
            *("[[a]]", "x = 1", "[[ a ]]", "# x = 3", '"x" = 1', "[a.b]", "x = 1"),
            *("[[a.c]]", "x = 1", "[[a.c]]", "x = 1", "", "[d]", '"q.e".x = 1', "'y.z' = '[d]'", "x=1"),
        ]
    )
    assert line_of(text, where) == line
