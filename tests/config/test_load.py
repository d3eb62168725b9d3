"""newsletter.toml and the environment: what they mean, and the sentence for each fault."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from machine import CHECKOUT

from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.config.relay_url import TlsSetting, parse_relay
from newsletter.config.settings import SCHEMA
from newsletter.errors import ConfigError
from newsletter.model.delivery import Relay, Sender
from newsletter.toml_file.reference import describe

DOCUMENT = CHECKOUT / "docs" / "configuration.md"
SECRET = "hunter2-geheim"
ENV = {"NEWSLETTER_SMTP_PASSWORD": SECRET}
WRITE_RELAY = 'write url = "smtp://user@mail.example.com:587"'


def config_of(folder: Path, content: str | bytes, env: Mapping[str, str] = ENV) -> Config:
    (folder / "newsletter.toml").write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_config(None, env, folder)


def refusal_of(folder: Path, content: str | bytes, env: Mapping[str, str] = ENV) -> str:
    with pytest.raises(ConfigError) as caught:
        config_of(folder, content, env)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert all(line.isprintable() for line in str(caught.value).split("\n"))
    return str(caught.value)


# --- where the file is ----------------------------------------------------------------------------------------------


def test_without_a_file_the_defaults_are_enough_for_a_trial(tmp_path: Path) -> None:
    config = load_config(None, {}, tmp_path)
    assert (config.root, config.path, config.relay) == (tmp_path, None, None)
    assert config.sender == Sender("Newsletter", "newsletter@localhost", list_id="newsletter.localhost")
    assert config.ledger_place == tmp_path / "newsletter.db"
    assert config.settings.theme.name == "classic"
    assert config.missing_for_send() == (
        "newsletter.from",
        "newsletter.postal_address",
        "newsletter.unsubscribe_mailto",
        "relay.url",
    )


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('[serve]\nurl = "https://news.example.com"\n', r"\[serve\] url"),
        ('[newsletter]\nunsubscribe_url = "https://example.com/leave?t={token}"\n', r"\{token\}"),
    ],
)
def test_what_needs_the_secret_is_named_as_it_is_written(tmp_path: Path, content: str, named: str) -> None:
    config = config_of(tmp_path, content)
    with pytest.raises(ConfigError, match=f"^NEWSLETTER_SECRET: not set, and {named} in newsletter.toml needs it; set"):
        _ = config.sender


def test_the_nearest_file_above_counts(tmp_path: Path) -> None:
    inner = tmp_path / "posts" / "2026"
    inner.mkdir(parents=True)
    config_of(tmp_path, '[newsletter]\nname = "Outer"\n')
    config = load_config(None, {}, inner)
    assert (config.root, config.path) == (tmp_path, tmp_path / "newsletter.toml")
    assert config.sender.name == "Outer"
    config_of(inner, '[newsletter]\nname = "Inner"\n')
    assert load_config(None, {}, inner).sender.name == "Inner"
    assert load_config(tmp_path / "newsletter.toml", {}, inner).sender.name == "Outer"
    (tmp_path / "newsletter.toml").write_text("name")
    with pytest.raises(ConfigError, match=f"^{tmp_path}/newsletter.toml:1:5: not TOML"):
        load_config(None, {}, tmp_path / "posts")


def test_a_relative_start_still_looks_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "posts").mkdir()
    config_of(tmp_path, '[newsletter]\nname = "Outer"\n')
    monkeypatch.chdir(tmp_path / "posts")
    assert load_config(None, {}, Path()).root == tmp_path
    monkeypatch.chdir(tmp_path)
    assert load_config(None, {}, Path()).ledger_place == Path("newsletter.db")


def test_a_whole_file(tmp_path: Path) -> None:
    content = """\ufeff
[newsletter]
name = "AI 日报"
from = '"Lee, Ann <3" <Ann@BÜCHER.example>'
reply_to = "editor@mail.test"
postal_address = '''
AI Daily
1 Main Street
'''
unsubscribe_mailto = "leave@localhost"
list_id = "daily.example.com"
language = "zh-CN"
[relay]
url = "smtps://ann%40example.com@Mail.Example.COM"
timeout_s = 60
[site]
url = "https://blog.example.com/"
baseurl = "daily/"
[theme]
name = "plain"
[labels]
unsubscribe = "退订"
[ledger]
path = "state/sent.db"
""".replace("\n", "\r\n")
    config = config_of(tmp_path, content)
    assert config.sender == Sender(
        "Lee, Ann <3",
        "Ann@xn--bcher-kva.example",
        "editor@mail.test",
        unsubscribe_mailto="leave@localhost",
        list_id="daily.example.com",
        list_name="AI 日报",
    )
    assert config.relay == Relay("mail.example.com", 465, "implicit", "ann@example.com", SECRET)
    assert config.missing_for_send() == ()
    settings = config.settings
    assert settings.newsletter.postal_address == "AI Daily\n1 Main Street"
    assert (settings.newsletter.language, settings.relay.timeout_s) == ("zh-CN", 60)
    assert (settings.site.url, settings.site.baseurl) == ("https://blog.example.com", "/daily")
    assert (settings.theme.name, settings.labels) == ("plain", {"unsubscribe": "退订"})
    assert config.ledger_place == tmp_path / "state" / "sent.db"
    assert SECRET not in repr(config)
    assert SECRET not in str(config.relay)


def test_empty_values_count_as_not_set(tmp_path: Path) -> None:
    keys = ("from", "postal_address", "unsubscribe_mailto", "reply_to", "list_id", "language")
    config = config_of(tmp_path, "[newsletter]\n" + "".join(f'{key} = " "\n' for key in keys) + '[relay]\nurl = ""\n')
    assert config.sender == load_config(None, {}, tmp_path.parent).sender
    assert len(config.missing_for_send()) == 4
    assert config.relay is None


@pytest.mark.parametrize(
    ("name", "written", "signed", "list_id"),
    [
        ("AI Daily!", "news@example.com", "AI Daily!", "ai-daily.example.com"),
        ("AI Daily", "Ann <news@example.com>", "Ann", "ai-daily.example.com"),
        ("AI Daily", "<news@example.com>", "AI Daily", "ai-daily.example.com"),
        ("日报", "编辑部 <news@example.com>", "编辑部", "newsletter-21087896.example.com"),
        ("AI 日报", "news@localhost", "AI 日报", "ai-4f14e845.localhost"),
    ],
)
def test_sender_and_list_id(tmp_path: Path, name: str, written: str, signed: str, list_id: str) -> None:
    sender = config_of(tmp_path, f'[newsletter]\nname = "{name}"\nfrom = "{written}"\n').sender
    assert (sender.name, sender.list_id) == (signed, list_id)


# --- the relay ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "tls", "relay"),
    [
        ("smtp://mail.example.com", "auto", Relay("mail.example.com", 587, "starttls")),
        ("SMTPS://mail.example.com/", "auto", Relay("mail.example.com", 465, "implicit")),
        ("smtp://mail.example.com:465", "auto", Relay("mail.example.com", 465, "implicit")),
        ("smtp://mail.example.com", "implicit", Relay("mail.example.com", 465, "implicit")),
        ("smtp://mail.example.com", "none", Relay("mail.example.com", 25, "none")),
        ("smtp://me@mail.example.com:2525", "auto", Relay("mail.example.com", 2525, "starttls", "me", SECRET)),
        ("smtp://me@example.com@mail.test", "auto", Relay("mail.test", 587, "starttls", "me@example.com", SECRET)),
        ("smtp://a%3Ab%25%C3%A9@mail.test", "auto", Relay("mail.test", 587, "starttls", "a:b%é", SECRET)),
        ("smtp://localhost:1025", "auto", Relay("localhost", 1025, "none")),
        ("smtp://me@127.1.2.3", "auto", Relay("127.1.2.3", 25, "none", "me", SECRET, may_start_tls=True)),
        ("smtp://[::1]", "auto", Relay("::1", 25, "none")),
        ("smtp://[::1]", "starttls", Relay("::1", 587, "starttls")),
        ("smtp://me@[::1]", "auto", Relay("::1", 25, "none", "me", SECRET, may_start_tls=True)),
        ("smtp://[::ffff:127.0.0.1]", "auto", Relay("::ffff:7f00:1", 25, "none")),
        ("smtp://[::ffff:192.0.2.1]", "auto", Relay("::ffff:c000:201", 587, "starttls")),
        ("smtp://localhost.:1025", "auto", Relay("localhost.", 1025, "none")),
        ("smtp://me@[2001:DB8::1]:26", "auto", Relay("2001:db8::1", 26, "starttls", "me", SECRET)),
        ("smtp://bücher.example", "auto", Relay("xn--bcher-kva.example", 587, "starttls")),
        ("smtp://localhost.example.com", "auto", Relay("localhost.example.com", 587, "starttls")),
        ("smtp://notlocalhost", "auto", Relay("notlocalhost", 587, "starttls")),
        ("smtp://me@mail.localhost", "auto", Relay("mail.localhost", 25, "none", "me", SECRET, may_start_tls=True)),
        (" smtp://mail.example.com\n", "auto", Relay("mail.example.com", 587, "starttls")),
    ],
)
def test_relay(tmp_path: Path, url: str, tls: TlsSetting, relay: Relay) -> None:
    assert parse_relay(url, ENV, tls=tls) == relay
    if "%" not in url:
        assert parse_relay(str(relay), ENV, tls=relay.tls) == replace(relay, may_start_tls=False)
    quoted = url.replace("\n", "\\n")
    assert config_of(tmp_path, f'[relay]\nurl = "{quoted}"\ntls = "{tls}"\n').relay == relay


@pytest.mark.parametrize(
    ("url", "tls", "sentence"),
    [
        ("smpt://mail.example.com", "auto", f'is "smpt://…", not an SMTP address; {WRITE_RELAY}'),
        ("mail.example.com:587", "auto", f'is "mail.example.com:587", not an SMTP address; {WRITE_RELAY}'),
        (f"me:{SECRET}@mail.example.com", "auto", f'is "…", not an SMTP address; {WRITE_RELAY}'),
        (f"https://{SECRET}", "auto", f'is "https://…", not an SMTP address; {WRITE_RELAY}'),
        (
            f"smtp://me:{SECRET}@mail.example.com",
            "auto",
            'is "smtp://…", with a password in it; write smtp://user@host and put the password into the environment '
            "variable NEWSLETTER_SMTP_PASSWORD",
        ),
        (
            f"smtps://me:a/b@c?{SECRET}@mail.example.com",
            "auto",
            'is "smtps://…", with a password in it; write smtps://user@host and put the password into the environment '
            "variable NEWSLETTER_SMTP_PASSWORD",
        ),
        ("smtp://", "auto", f'is "smtp://…", without a host; {WRITE_RELAY}'),
        ("smtp://me@", "auto", f'is "smtp://…", without a host; {WRITE_RELAY}'),
        ("smtp://a b", "auto", f'is "smtp://…", with a space, line break or control character; {WRITE_RELAY}'),
        ("smtp://a\\u0000", "auto", f'is "smtp://…", with a space, line break or control character; {WRITE_RELAY}'),
        ("smtp://a%0D@b", "auto", f'is "smtp://…", its user with a control character; {WRITE_RELAY}'),
        ("smtp://%FF@b", "auto", f'is "smtp://…", its user not percent-encoded UTF-8; {WRITE_RELAY}'),
        ("smtp://a/b", "auto", f'is "smtp://…", with more than a host and a port in it; {WRITE_RELAY}'),
        ("smtp://a?tls=none", "auto", f'is "smtp://…", with more than a host and a port in it; {WRITE_RELAY}'),
        (
            "smtp://::1",
            "auto",
            'is "smtp://…", with more than a host and a port in it; put an IPv6 address in brackets, '
            "as in smtp://[::1]:25",
        ),
        ("smtp://[::g]", "auto", f'is "smtp://…", its host not a valid address; {WRITE_RELAY}'),
        ("smtp://256.1.1.1", "auto", f'is "smtp://…", its host not a valid address; {WRITE_RELAY}'),
        ("smtp://a..b", "auto", f'is "smtp://…", its host not a valid address; {WRITE_RELAY}'),
        ("smtp://-a-", "auto", f'is "smtp://…", its host not a valid name; {WRITE_RELAY}'),
        ("smtp://a:0", "auto", f'is "smtp://…", its port not a number from 1 to 65535; {WRITE_RELAY}'),
        ("smtp://a:65536", "auto", f'is "smtp://…", its port not a number from 1 to 65535; {WRITE_RELAY}'),
        ("smtp://a:x", "auto", f'is "smtp://…", its port not a number from 1 to 65535; {WRITE_RELAY}'),
        ("smtp://a:", "auto", f'is "smtp://…", its port not a number from 1 to 65535; {WRITE_RELAY}'),
        (
            "smtps://a",
            "none",
            'is smtps://, where TLS starts at once, but tls is "none"; write smtp://, or leave tls out',
        ),
        (
            "smtp://me@a",
            "none",
            'would send the password without TLS: tls is "none"; set tls = "starttls", or leave it out',
        ),
    ],
)
def test_a_relay_that_is_refused(tmp_path: Path, url: str, tls: TlsSetting, sentence: str) -> None:
    assert (
        refusal_of(tmp_path, f'[relay]\n\nurl = "{url}"\ntls = "{tls}"\n')
        == f"newsletter.toml:3: [relay] url {sentence}"
    )
    with pytest.raises(ConfigError) as caught:
        parse_relay(url.replace("\\u0000", "\0"), ENV, tls=tls)
    assert str(caught.value) == f"the relay {sentence.replace(WRITE_RELAY, WRITE_RELAY[:6] + WRITE_RELAY[13:-1])}"
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_password_with_a_line_break_is_refused_unseen() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_relay("smtp://me@mail.test", {"NEWSLETTER_SMTP_PASSWORD": SECRET + "\n"})
    assert str(caught.value) == (
        "NEWSLETTER_SMTP_PASSWORD: the password has a line break or control character; set the variable without it"
    )
    assert parse_relay("smtp://mail.test", {"NEWSLETTER_SMTP_PASSWORD": "\n"}).password == ""


@given(st.text() | st.text(alphabet="smtp:/@[]%:.1aé?").map("smtp://".__add__), st.sampled_from(["auto", "none"]))
@example("smtp://" + "a" * 64, "auto")
@example("smtp://\ud800", "auto")
def test_any_relay_is_safe_or_refused(url: str, tls: TlsSetting) -> None:
    try:
        relay = parse_relay(url, ENV, tls=tls)
    except ConfigError:
        return
    assert relay.host
    assert 0 < relay.port < 65536
    assert relay.tls != "none" or not relay.user or relay.host in {"localhost", "::1"} or relay.host[:4] == "127."


# --- faults ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[newsletter]\nname", ":2:5: not TOML: Expected '=' after a key in a key/value pair; write"),
        ("[newsletter]\nname =", ":2:7: not TOML: Invalid value; write"),
        ("a = " + "[" * 5_000, ": arrays or tables nested too deeply; write plain keys"),
        (b"[newsletter]\nname = '\xe4'\n", ":2: byte 0xe4 is not UTF-8; save the file as UTF-8"),
        ("[newsletter]\n".encode("utf-16"), ":1: the file is UTF-16, not UTF-8; save it as UTF-8"),
        (b"SQLite format 3\0", ": a binary file, not TOML; give the path of a newsletter.toml"),
        ("\n[newsletter]\nform = 1\n", ':3: [newsletter] has no key "form"; did you mean from?'),
        (
            "[theme]\ncolour = 1\n",
            ':2: [theme] has no key "colour"; it may have name',
        ),
        ("[theme.labels]\na = 'b'\n", ':1: [theme] has no key "labels"; write it as a section of its own, [labels]'),
        ("[sites]\n", ":1: no section is named [sites]; did you mean site?"),
        ("\ntimeout_s = 3\n", ':2: the key "timeout_s" stands outside any section; write it below [relay]'),
        (
            "newsletter = 3\n",
            ":1: [newsletter] is a whole number, not a section; write [newsletter] and its keys below",
        ),
        ("labels = ['a']\n", ":1: [labels] is an array, not a table; write [labels] and its keys below"),
        (
            f"[relay]\nurl = 'smtp://a'\npassword = '{SECRET}'\n",
            ':3: [relay] has no key "password"; remove it, and set the environment variable NEWSLETTER_SMTP_PASSWORD',
        ),
        ("[relay]\ntls = 'ssl'\n", ":2: [relay] tls is \"ssl\", not one of 'auto', 'starttls', 'implicit' or 'none'; "),
        ("[relay]\ntls = true\n", ":2: [relay] tls is true, not one of"),
        ("[relay]\ntimeout_s = '60'\n", ':2: [relay] timeout_s is the string "60", not a number; write timeout_s = 60'),
        ("[relay]\ntimeout_s = true\n", ":2: [relay] timeout_s is a boolean, not a number"),
        ("[relay]\ntimeout_s = 0\n", ":2: [relay] timeout_s is 0, not a number above 0 and at most 3600"),
        ("[relay]\ntimeout_s = nan\n", ":2: [relay] timeout_s is nan, not a number above 0"),
        ("[newsletter]\nname = 2026-01-01\n", ":2: [newsletter] name is a date or time, not a string"),
        ("[newsletter.from]\nname = 'a'\n", ":1: [newsletter] from is a table, not a string"),
        ("[labels]\nread = 1\n", ':2: [labels] read is a whole number, not a string; write read = "text"'),
        (
            "[newsletter]\nfrom = 'Ann ann@example.com'\n",
            ':2: [newsletter] from is "Ann ann@example.com", not an address: The email address contains invalid '
            'characters before the @-sign: SPACE; write from = "AI Daily <news@example.com>"',
        ),
        ("[newsletter]\nfrom = 'Ann <>'\n", ':2: [newsletter] from is "", not an address'),
        ("[newsletter]\nfrom = 'a@b'\n", ':2: [newsletter] from is "a@b", not an address'),
        ("[newsletter]\nfrom = '@localhost'\n", ':2: [newsletter] from is "@localhost", not an address'),
        ("[newsletter]\nfrom = 'a b@localhost'\n", ':2: [newsletter] from is "a b@localhost", not an address'),
        ("[newsletter]\nreply_to = 'A <a@example.com>'\n", ':2: [newsletter] reply_to is "A <a@example.com>", not an'),
        ("[newsletter]\nunsubscribe_mailto = 'mailto:a@b.com'\n", ":2: [newsletter] unsubscribe_mailto is"),
        ("[newsletter]\nlist_id = '日报'\n", ':2: [newsletter] list_id is "日报", not two or more ASCII words'),
        ("[newsletter]\nlanguage = '中文'\n", ':2: [newsletter] language is "中文", not a language tag'),
        ('[newsletter]\nname = "a\\nBcc: b"\n', ':2: [newsletter] name is "a\\nBcc: b", with a line break or control'),
        ('[newsletter]\nname = "a\\u0000"\n', ':2: [newsletter] name is "a\\x00", with a line break'),
        ('[newsletter]\nfrom = "a\\r\\n <a@b.test>"\n', ':2: [newsletter] from is "a\\r\\n <a@b.test>", with a line'),
        ('[newsletter]\nreply_to = "a@b.test\\n"\n', ":2: [newsletter] reply_to is"),
        (
            '[newsletter]\npostal_address = "a\\u001b[31m"\n',
            ':2: [newsletter] postal_address is "a\\x1b[31m", with a c',
        ),
        ('[labels]\nread = "a\\nb"\n', ':2: [labels] read is "a\\nb"'),
        (
            "[site]\nurl = 'blog.example.com'\n",
            ':2: [site] url is "blog.example.com", not a plain web address; write url',
        ),
        ("[site]\nurl = 'javascript://x.y'\n", ':2: [site] url is "javascript://…", not a plain'),
        (f"[site]\nurl = 'https://me:{SECRET}@a.b'\n", ':2: [site] url is "https://…", not a plain'),
        ("[site]\nurl = 'https://[::'\n", ':2: [site] url is "https://…", not a plain'),
        ("[site]\nurl = 'https://a.b\" onclick=\"'\n", ':2: [site] url is "https://…", not a plain'),
        ("[site]\nbaseurl = 'https://a.b'\n", ':2: [site] baseurl is "https://a.b", not a path'),
        ("[theme]\nname = '../etc'\n", ':2: [theme] name is "../etc", not the name of a folder'),
        ("[ledger]\npath = ''\n", ':2: [ledger] path is empty; write path = "newsletter.db"'),
        ("[theme]\nname = '" + "x/" * 100 + "'\n", f':2: [theme] name is "{"x/" * 28}x…", not'),
        ('["a\\u001b"]\n', ": no section is named [a\\x1b]; it may have newsletter, relay"),
    ],
)
def test_a_fault_gets_a_sentence(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    message = refusal_of(tmp_path, content)
    assert message.startswith(f"newsletter.toml{sentence}")
    assert "; " in message
    assert len(message) < 300


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    lines = refusal_of(tmp_path, "[newsletter]\nname = 1\n[relay]\ntls = 1\n").split("\n")
    assert [line.split(":")[1] for line in lines] == ["2", "4"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("newsletter.name = 1\n", 1),
        ("\nnewsletter = { name = 1 }\n", 2),
        ('[ "newsletter" ] # x\n# name = 2\n"name" = 1\n', 3),
        ("[newsletter]\npostal_address = '''\n[site]\nname = 1\n'''\nname = 1\n", 6),
        ('[newsletter]\npostal_address = """a"""\nname = 1\n', 3),
        ("[theme]\nname = 'classic'\n[newsletter]\nname = 1\n", 4),
        ("[delivery]\nwarm_up = [\n  10,\n  20,\n]\n[newsletter]\nname = 1\n", 7),
        ("[[relays]]\nname = 'a'\nurl = 'smtp://a'\n[newsletter]\n# x\nname = 1\n", 6),
    ],
)
def test_the_line_of_a_key_is_found(tmp_path: Path, content: str, line: int) -> None:
    assert refusal_of(tmp_path, content).startswith(f"newsletter.toml:{line}: [newsletter] name is a whole number")


def test_a_path_that_cannot_be_read_gets_a_sentence(tmp_path: Path) -> None:
    loop = tmp_path / "loop.toml"
    loop.symlink_to(loop)
    for path, words in [
        (tmp_path / "none.toml", "there is no such file; give the path of a newsletter.toml"),
        (tmp_path, "a folder, not a file; give the path of a newsletter.toml"),
        (loop, "cannot be read: Too many levels of symbolic links; make the file readable"),
    ]:
        with pytest.raises(ConfigError) as caught:
            load_config(path, {}, tmp_path)
        assert str(caught.value) == f"{path}: {words}"


@given(st.binary(max_size=60) | st.text(alphabet="[]newsltr.form='\"\n={}1 #").map(str.encode))
def test_any_file_gives_a_config_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    sentences = ["newsletter.toml"]
    try:
        config_of(tmp_path_factory.mktemp("any"), content)
    except ConfigError as error:
        sentences = str(error).split("\n")
    assert all(sentence.startswith("newsletter.toml") and sentence.isprintable() for sentence in sentences)


# --- the document ---------------------------------------------------------------------------------------------------


def test_the_document_has_every_key() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    table = text.partition("<!-- keys: begin -->\n")[2].partition("<!-- keys: end -->")[0]
    assert table == describe(SCHEMA)
    for key in ("from", "postal_address", "timeout_s", "baseurl", "path", "warm_up", "selector"):
        assert f"`{key}`" in table


def test_the_documents_first_example_is_enough_for_a_send_and_all_are_valid(tmp_path: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    first, *others = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert config_of(tmp_path, first).missing_for_send() == ()
    assert len(others) >= 5
    for example_text in others:
        assert config_of(tmp_path, example_text, {**ENV, "NEWSLETTER_SECRET": "0123456789abcdef"}).sender


def test_what_the_example_file_comments_out_is_valid(tmp_path: Path) -> None:
    text = (DOCUMENT.parent.parent / "examples" / "newsletter.toml").read_text(encoding="utf-8")
    config = config_of(tmp_path, re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE))
    assert config.settings.serve.url == "https://news.example.com"
    assert config.settings.bounces.mailbox == "imaps://bounce@mail.example.com/INBOX"


def test_the_examples_of_the_table_are_valid(tmp_path: Path) -> None:
    section, lines = "", []
    for row in describe(SCHEMA).splitlines()[2:]:
        cells = row.split(" | ")
        name, example_text = cells[0].strip("| `"), row.rpartition(" Example: ")[2].strip("| `")
        if name == "[[relays]]":
            continue
        if name != section:
            lines.append(name)
            section = name
        # A token and a password, or backups and a database's address, exclude each other.
        if " Example: " in row and not example_text.startswith(("token_command", "backups")):
            lines.append(example_text)
    config = config_of(tmp_path, "\n".join(lines))
    assert config.settings.relay.timeout_s == 60
    assert config.settings.delivery.domains
    assert config.settings.labels
