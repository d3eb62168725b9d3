"""newsletter.toml and the environment: what is lacking, what is still an example, which secrets are set."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.config.load import load_config
from newsletter.doctor.judge.settings import domain_of, judge_settings
from newsletter.doctor.verdict import Level, Verdict

GOOD = """[newsletter]
name = "Quill"
from = "Ada <ada@quill.test>"
postal_address = "Quill, 3 Ink Lane, Oxford"
unsubscribe_mailto = "leave@quill.test"
[relay]
url = "smtp://ada@mail.quill.test:587"
"""
PASSWORD = "a-word-that-nobody-sees"
ENV = {"NEWSLETTER_SMTP_PASSWORD": PASSWORD}


def judged(folder: Path, text: str, env: dict[str, str] = ENV) -> tuple[Verdict, ...]:
    (folder / "newsletter.toml").write_text(text, "utf-8")
    verdicts = judge_settings(load_config(folder / "newsletter.toml", env, folder), env)
    for value in env.values():
        assert not any(value in verdict.what + verdict.remedy for verdict in verdicts)
    return verdicts


def of(verdicts: tuple[Verdict, ...], code: str) -> list[str]:
    return [f"{verdict.level}: {verdict.what}" for verdict in verdicts if verdict.code == code]


def test_good_settings_are_green(tmp_path: Path) -> None:
    verdicts = judged(tmp_path, GOOD)
    assert {verdict.level for verdict in verdicts} == {Level.GREEN}
    assert of(verdicts, "secrets") == ["green: secrets set: NEWSLETTER_SMTP_PASSWORD (environment)"]


def test_without_a_file_there_is_one_line(tmp_path: Path) -> None:
    (verdict,) = judge_settings(load_config(None, {}, tmp_path), {})
    assert (verdict.code, verdict.level) == ("config", Level.RED)


@pytest.mark.parametrize("key", ["from", "postal_address", "unsubscribe_mailto", "url"])
def test_each_missing_key_is_a_line(tmp_path: Path, key: str) -> None:
    text = "\n".join(line for line in GOOD.splitlines() if not line.startswith(f"{key} "))
    (line,) = of(judged(tmp_path, text), "needed")
    level = "yellow" if key == "url" else "red"  # a relay may be named with each send
    assert line.startswith(f"{level}: newsletter.toml: ")
    assert key in line


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("ada@quill.test>", "ada@example.com>", 3),
        ("ada@quill.test>", "ada@news.example.org>", 3),
        ("leave@quill.test", "leave@daily.example", 5),
        ("smtp://ada@mail.quill.test", "smtp://ada@mail.example.com", 7),
        ("smtp://ada@mail.quill.test", "smtp://SMTP_USER@mail.quill.test", 7),
        ("smtp://ada@mail.quill.test", "smtp://ACCESS_KEY@mail.quill.test", 7),
        ("smtp://ada@mail.quill.test", "smtp://ada%40example.com@mail.quill.test", 7),
        ("Quill, 3 Ink Lane, Oxford", "AI Daily, 1 Main Street, Springfield", 4),
    ],
)
def test_a_placeholder_is_named_with_its_line(tmp_path: Path, old: str, new: str, line: int) -> None:
    (found,) = of(judged(tmp_path, GOOD.replace(old, new)), "placeholder")
    assert found.startswith(f"red: newsletter.toml:{line}: ")


@pytest.mark.parametrize("domain", ["example.computer", "myexample.com", "counterexample.org", "example.co.uk"])
def test_a_domain_that_looks_like_an_example_is_none(tmp_path: Path, domain: str) -> None:
    assert of(judged(tmp_path, GOOD.replace("ada@quill.test>", f"ada@{domain}>")), "placeholder") == [
        "green: no placeholder is left"
    ]


@pytest.mark.parametrize(
    ("more", "env", "said"),
    [
        ("", {}, "no password is set for ada at mail.quill.test"),
        ('[serve]\nurl = "https://news.quill.test"\n', ENV, "NEWSLETTER_SECRET is not set"),
        ('[bounces]\nmailbox = "imaps://b@quill.test/INBOX"\n', ENV, "mailbox of [bounces]"),
        ('[dkim]\ndomain = "quill.test"\nselector = "news"\n', ENV, "[dkim] has no key"),
    ],
)
def test_a_secret_that_is_needed_and_not_set(tmp_path: Path, more: str, env: dict[str, str], said: str) -> None:
    (line,) = of(judged(tmp_path, GOOD + more, env), "secrets")
    assert line.startswith("red: ")
    assert said in line


@pytest.mark.parametrize(
    ("sender", "relay", "level"),
    [
        ("ada@gmail.com", "smtp.gmail.com", Level.YELLOW),
        ("ada@gmail.com", "mail.quill.test", Level.RED),
        ("ada@qq.com", "smtp.qq.com", Level.YELLOW),
        ("ada@qq.com", "notqq.com", Level.RED),
        ("ada@GMX.de", "mail.gmx.net", Level.YELLOW),
    ],
)
def test_an_address_of_a_mailbox_service(tmp_path: Path, sender: str, relay: str, level: Level) -> None:
    text = GOOD.replace("ada@quill.test", sender).replace("mail.quill.test", relay)
    (line,) = of(judged(tmp_path, text), "sender-domain")
    assert line.startswith(level)


def test_the_domain_of_an_address() -> None:
    assert domain_of("Ada <ada@Quill.Test>") == "quill.test"
    assert domain_of("b+{token}@bücher.test") == "xn--bcher-kva.test"
