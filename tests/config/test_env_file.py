"""`.env` beside newsletter.toml: what is read from it and what not, which value counts, the sentence for each fault."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from newsletter.config.config import Config
from newsletter.config.env_file import MAX_BYTES, Environment
from newsletter.config.load import load_config, load_environment
from newsletter.errors import ConfigError
from newsletter.ledger.database.engine import parse_place

WORD = "not-to-be-seen"
TOML = '[newsletter]\nname = "Quill"\n[relay]\nurl = "smtp://ada@mail.quill.test"\n'


def loaded(folder: Path, content: str | bytes, env: dict[str, str] | None = None, toml: str = TOML) -> Config:
    (folder / "newsletter.toml").write_text(toml, "utf-8")
    (folder / ".env").write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_config(None, env or {}, folder)


def refused(folder: Path, content: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, content)
    assert WORD not in str(caught.value)
    return str(caught.value).replace(f"{folder}{os.sep}", "")


def password(config: Config) -> str:
    assert config.relay is not None
    return config.relay.password


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("plain", "plain"),
        ("two words", "two words"),
        ("  spaces around  ", "spaces around"),
        ("'in single'", "in single"),
        ('"in double"', "in double"),
        ("ends # here", "ends"),
        ("hash#inside", "hash#inside"),
        ("'a # inside quotes' # and behind", "a # inside quotes"),
        ("pa$$word", "pa$$word"),
        ("it costs $5", "it costs $5"),
        ("x${HOME}y", "x${HOME}y"),
        ("'${HOME}'", "${HOME}"),
        ("'$(id)'", "$(id)"),
        (r"back\slash", r"back\slash"),
        (r"'back\slash'", r"back\slash"),
        ('"a \\"quote\\" in it"', 'a "quote" in it'),
        ("it's", "it's"),
        ("a=b=c==", "a=b=c=="),
        ("密码是秘密", "密码是秘密"),
    ],
)
def test_a_value_is_what_stands_there(tmp_path: Path, written: str, value: str) -> None:
    assert password(loaded(tmp_path, f"NEWSLETTER_SMTP_PASSWORD={written}\n")) == value


@pytest.mark.parametrize(
    "content",
    [
        b"export NEWSLETTER_SMTP_PASSWORD=abc",
        b"\xef\xbb\xbfNEWSLETTER_SMTP_PASSWORD=abc\n",
        b"# a comment\r\n\r\nNEWSLETTER_SMTP_PASSWORD = 'abc'\r\n",
        b"NEWSLETTER_SMTP_PASSWORD=old\nNEWSLETTER_SMTP_PASSWORD=abc\n",
        b"if [ -f x ]; then source y; fi\nNEWSLETTER_SMTP_PASSWORD=abc\n",
        b'OTHER="a quote without its end\n\nNEWSLETTER_SMTP_PASSWORD=abc\n'.replace(b'"a quote', b"a quote"),
    ],
)
def test_files_as_people_and_programs_write_them(tmp_path: Path, content: bytes) -> None:
    assert password(loaded(tmp_path, content)) == "abc"


def test_a_key_on_several_lines(tmp_path: Path) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"
    for written in (f'"{pem}"', f"'{pem}'", '"' + pem.replace("\n", "\\n") + '"'):
        config = loaded(tmp_path, f"NEWSLETTER_DKIM_KEY={written}\nNEWSLETTER_SMTP_PASSWORD=abc\n")
        assert config.dkim_pems == {"NEWSLETTER_DKIM_KEY": pem}
        assert config.env.lines["NEWSLETTER_SMTP_PASSWORD"] == written.count("\n") + 2


def test_the_environment_wins_even_with_nothing(tmp_path: Path) -> None:
    content = "NEWSLETTER_SMTP_PASSWORD=file\nNEWSLETTER_SECRET=a-secret-of-the-file\n"
    config = loaded(tmp_path, content, {"NEWSLETTER_SMTP_PASSWORD": "mine"})
    assert password(config) == "mine"
    assert config.secret == "a-secret-of-the-file"
    assert (dict(config.env.lines), dict(config.env.hidden)) == (
        {"NEWSLETTER_SECRET": 2},
        {"NEWSLETTER_SMTP_PASSWORD": 1},
    )
    assert password(loaded(tmp_path, content, {"NEWSLETTER_SMTP_PASSWORD": ""})) == ""


def test_an_empty_value_is_none(tmp_path: Path) -> None:
    config = loaded(tmp_path, "NEWSLETTER_SECRET=\nNEWSLETTER_SMTP_PASSWORD=''\n")
    assert config.secrets == ()
    assert dict(config.env) == {}


def test_only_our_own_names_are_taken_and_nothing_is_exported(tmp_path: Path) -> None:
    before = dict(os.environ)
    config = loaded(
        tmp_path,
        "PATH=/evil\nLD_PRELOAD=/evil.so\nSSL_CERT_FILE=/evil.pem\nPGHOST=evil\nPGPASSWORD=mine\n"
        "NEWSLETTER_SMTP_PASSWORD=abc\n",
        {"PATH": "/bin", "HOME": "/home/ada"},
    )
    assert dict(config.env) == {"PGPASSWORD": "mine", "NEWSLETTER_SMTP_PASSWORD": "abc"}
    assert dict(os.environ) == before


def test_the_file_beside_newsletter_toml_alone(tmp_path: Path) -> None:
    below = tmp_path / "posts"
    below.mkdir()
    for folder, word in ((tmp_path, "above"), (below, "below")):
        (folder / ".env").write_text(f"NEWSLETTER_SMTP_PASSWORD={word}\n")
    assert dict(load_config(None, {}, below).env) == {}  # no newsletter.toml, no .env
    (tmp_path / "newsletter.toml").write_text(TOML)
    assert password(load_config(None, {}, below)) == "above"
    assert password(load_config(tmp_path / "newsletter.toml", {}, below)) == "above"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("# x\n\nNEWSLETTER_SMTP_PASSWORD not-to-be-seen\n", ".env:3: NEWSLETTER_SMTP_PASSWORD has no =; write"),
        ("NEWSLETTER_SMTP_PASSWORD: not-to-be-seen\n", ".env:1: NEWSLETTER_SMTP_PASSWORD has no =; write"),
        ("NEWSLETTER_SECRET\n", ".env:1: NEWSLETTER_SECRET has no =; write NEWSLETTER_SECRET='…'"),
        ("A=1\nNEWSLETTER_SMTP_PASSWORD='not-to-be-seen\n", ".env:2: NEWSLETTER_SMTP_PASSWORD cannot be read: a quote"),
        ("NEWSLETTER_SMTP_PASSWORD='not-to' -be-seen\n", ".env:1: NEWSLETTER_SMTP_PASSWORD cannot be read: a quote"),
        ('A="x\nNEWSLETTER_SMTP_PASSWORD="not-to-be-seen"\n', ".env:1: a quote is opened here and not closed"),
        ("A='x\nNEWSLETTER_SECRET=not-to-be-seen\nB='y'\n", ".env:1: a quote is opened here and not closed"),
        ("NEWSLETTER_SMTP_PASSWORD=$(cat not-to-be-seen)\n", ".env:1: NEWSLETTER_SMTP_PASSWORD is a piece of shell"),
        ('NEWSLETTER_SMTP_PASSWORD="`not-to-be-seen`"\n', ".env:1: NEWSLETTER_SMTP_PASSWORD is a piece of shell"),
        ("NEWSLETTER_SMTP_PASSWORD=$OTHER\n", ".env:1: NEWSLETTER_SMTP_PASSWORD is a piece of shell, which is not run"),
        ("NEWSLETTER_SMTP_PASSWORD=${OTHER}\n", ".env:1: NEWSLETTER_SMTP_PASSWORD is a piece of shell"),
        ('NEWSLETTER_SMTP_PASSWORD="not\\$to-be-seen"\n', "has a backslash before $ or ` in double quotes"),
        ("NEWSLETTER_SECRET=not-to-be-seen\n".encode("utf-16"), ".env:1: the file is UTF-16, not UTF-8; save it as"),
        (b"A=1\nNEWSLETTER_SECRET=not-to-be-seen\xff\n", ".env:2: byte 0xff is not UTF-8"),
        (b"A=\0\n", ".env: a binary file, not one of variables"),
        ("A=" + "x" * MAX_BYTES, ".env: larger than 64 KB"),
    ],
)
def test_a_fault_has_its_line_and_a_remedy(tmp_path: Path, content: str | bytes, said: str) -> None:
    found = refused(tmp_path, content)
    assert said in found
    assert "; " in found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("\nNEWSLETTER_SECRET=too-short\n", ".env:2: NEWSLETTER_SECRET: the secret has fewer than 16 characters"),
        ("NEWSLETTER_SMTP_PASSWORD='not-to\nbe-seen'\n", ".env:1: NEWSLETTER_SMTP_PASSWORD: the password has a line"),
    ],
)
def test_a_value_that_cannot_be_has_its_line(tmp_path: Path, content: str, said: str) -> None:
    assert refused(tmp_path, content).startswith(said)


def test_a_key_that_is_none_has_its_line(tmp_path: Path) -> None:
    toml = '[dkim]\ndomain = "quill.test"\nselector = "news"\n'
    config = loaded(tmp_path, "NEWSLETTER_DKIM_KEY=no key\n", toml=toml)
    with pytest.raises(ConfigError, match=r"\.env:1: NEWSLETTER_DKIM_KEY: not a private key in PEM; set it to"):
        _ = config.dkim


def test_all_faults_at_once(tmp_path: Path) -> None:
    assert len(refused(tmp_path, "NEWSLETTER_SECRET\nNEWSLETTER_SMTP_PASSWORD 1\n").splitlines()) == 2


def test_what_is_no_file_of_variables_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(TOML)
    (tmp_path / ".env").mkdir()  # as `python -m venv .env` makes
    assert load_config(None, {}, tmp_path).env.file is None
    (tmp_path / ".env").rmdir()
    os.mkfifo(tmp_path / ".env")  # nobody writes into it: reading would wait forever
    assert "a pipe" in load_config(None, {}, tmp_path).env.unread


def test_one_that_cannot_be_read_is_said_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(TOML)
    (tmp_path / ".env").symlink_to(".env")
    config = load_config(None, {"NEWSLETTER_SMTP_PASSWORD": "mine"}, tmp_path)
    assert password(config) == "mine"
    assert config.env.unread.startswith("it cannot be read: Too many levels")


def test_alerts_know_it_where_newsletter_toml_or_a_line_is_broken(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text("[newsletter\n")
    (tmp_path / ".env").write_text("NEWSLETTER_SECRET\nNEWSLETTER_HEARTBEAT_URL=https://beat.test/1\n")
    assert load_environment(None, {}, tmp_path)["NEWSLETTER_HEARTBEAT_URL"] == "https://beat.test/1"


def test_the_password_of_postgresql_reaches_the_connection_and_no_message(tmp_path: Path) -> None:
    url = "postgresql://news@db.quill.test/newsletter"
    config = loaded(tmp_path, f"PGPASSWORD={WORD}\n", toml=f'[ledger]\nurl = "{url}"\n')
    for place in (config.ledger_place, config.ledger_at(url)):
        parsed = parse_place(place)
        assert parsed.url is not None
        assert parsed.url.password == WORD
        assert parsed.name == url
        assert WORD not in f"{place}{place!r}{parsed!r}{config!r}{config.env!r}"
    given = loaded(tmp_path, f"PGPASSWORD={WORD}\n", {"PGPASSWORD": "mine"}, toml=f'[ledger]\nurl = "{url}"\n')
    parsed = parse_place(given.ledger_place)
    assert parsed.url is not None
    assert parsed.url.password is None  # libpq takes it from the environment itself
    assert given.ledger_at("other.db") == Path("other.db")


def test_no_value_is_shown(tmp_path: Path) -> None:
    assert WORD not in repr(Environment({"NEWSLETTER_SECRET": WORD}))
