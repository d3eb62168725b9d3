"""`newsletter init` and `newsletter new`: an empty folder becomes a newsletter, and nothing there is lost."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from pathlib import Path

import pytest
from command_line import newsletter

from newsletter.config.relay_presets import PRESETS
from newsletter.pipeline.starter_words import languages, settings_words

ADA = "Ada <ada@example.org>"


def begin(folder: Path, *more: str) -> None:
    run = newsletter("init", ".", "--name", "AI Daily", "--from", ADA, "--language", "en", *more, cwd=folder)
    assert run.code == 0, run.err


def test_an_empty_folder_becomes_a_newsletter_that_sends(tmp_path: Path) -> None:
    run = newsletter("init", "letters", "--name", "AI Daily", "--from", ADA, "--language", "zh", "--json", cwd=tmp_path)
    assert run.code == 0, run.err
    told = run.json
    assert {"newsletter.toml", "subscribers.csv", ".env.example", ".gitignore"} < set(told["written"])
    folder = tmp_path / "letters"
    sent = newsletter(
        "send", told["post"], "--to", "subscribers.csv", "--catch", "--yes", "--mbox", "caught.mbox", cwd=folder
    )
    assert sent.code == 0, sent.err
    assert "To: Ada <ada@example.org>" in (folder / "caught.mbox").read_text("utf-8")


@pytest.mark.parametrize("language", ["en", "zh", "zh-Hant", "ja", "ko", "de", "fr", "es"])
def test_the_example_post_has_no_fault_in_any_language(tmp_path: Path, language: str) -> None:
    run = newsletter("init", ".", "--from", ADA, "--language", language, "--json", cwd=tmp_path)
    assert run.code == 0, run.err
    done = newsletter("check", run.json["post"], "--json", cwd=tmp_path)
    worse = [f for post in done.json["posts"] for f in post["findings"] if f["severity"] == "error"]
    assert worse == []
    left = [f for post in done.json["posts"] for f in post["findings"] if f["rule"] == "template-untouched"]
    assert [(f["severity"], f["line"]) for f in left] == [("warning", line) for line in (4, 10, 15, 15, 17, 17)]


def test_the_settings_are_what_was_asked_for(tmp_path: Path) -> None:
    begin(tmp_path, "--relay", "gmail", "--look", "essay", "--postal-address", '1 "Main" Street')
    settings = tomllib.loads((tmp_path / "newsletter.toml").read_text("utf-8"))
    assert settings["newsletter"]["name"] == "AI Daily"
    assert settings["newsletter"]["from"] == ADA
    assert settings["newsletter"]["postal_address"] == '1 "Main" Street'
    assert settings["relay"]["url"] == "smtp://ada%40example.org@smtp.gmail.com:587"
    assert settings["relay"]["rate"] == "500/day"
    assert settings["theme"]["name"] == "essay"


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "subscribers.csv").write_text("email\nbo@example.org\n")
    (tmp_path / ".gitignore").write_text("out/\n*.log")
    begin(tmp_path)
    assert (tmp_path / "subscribers.csv").read_text() == "email\nbo@example.org\n"
    ignored = (tmp_path / ".gitignore").read_text().splitlines()
    assert ignored[:2] == ["out/", "*.log"]
    assert {".env", "subscribers.csv", "newsletter.db*"} <= set(ignored)
    again = newsletter("init", ".", "--from", ADA, cwd=tmp_path)
    assert again.code == 2
    assert "newsletter.toml: a newsletter is here already" in again.err


def test_nobody_to_ask_and_no_sender(tmp_path: Path) -> None:
    run = newsletter("init", ".", cwd=tmp_path)
    assert run.code == 2
    assert "write --from" in run.err
    assert not (tmp_path / "newsletter.toml").exists()


@pytest.mark.parametrize("sender", ["nobody", "Ada <ada@>", "a@b@c", "Ada <ada@example.org> and more"])
def test_a_sender_that_is_none(tmp_path: Path, sender: str) -> None:
    run = newsletter("init", ".", "--from", sender, cwd=tmp_path)
    assert run.code == 2
    assert "write --from 'Name <you@example.org>'" in run.err
    assert not (tmp_path / "newsletter.toml").exists()


def test_a_jekyll_site_does_not_publish_the_list(tmp_path: Path) -> None:
    (tmp_path / "_config.yml").write_text("title: Blog\nurl: https://blog.example.org")
    (tmp_path / "_posts").mkdir()
    begin(tmp_path)
    assert "subscribers.csv" in (tmp_path / "_config.yml").read_text()
    assert tomllib.loads((tmp_path / "newsletter.toml").read_text("utf-8"))["site"]["source"] == "."
    assert not (tmp_path / "posts").exists()
    made = newsletter("new", "Hello: a “test”, #1", "--date", "2026-03-06", cwd=tmp_path)
    assert made.code == 0, made.err
    assert (tmp_path / "_posts" / "2026-03-06-hello-a-test-1.md").is_file()


def test_an_exclude_that_is_there_is_not_rewritten(tmp_path: Path) -> None:
    config = "exclude: [vendor]\n"
    (tmp_path / "_config.yml").write_text(config)
    run = newsletter("init", ".", "--from", ADA, cwd=tmp_path)
    assert run.code == 0, run.err
    assert (tmp_path / "_config.yml").read_text() == config
    assert "add to `exclude`, or Jekyll publishes your list: subscribers.csv" in run.out


@pytest.mark.parametrize(
    ("mark", "folder"),
    [
        ("hugo.toml", "content/posts"),
        ("pelicanconf.py", "content"),
        ("eleventy.config.js", "posts"),
        ("astro.config.mjs", "src/content/blog"),
    ],
)
def test_the_posts_of_other_sites_are_found(tmp_path: Path, mark: str, folder: str) -> None:
    (tmp_path / mark).write_text("")
    (tmp_path / folder).mkdir(parents=True)
    begin(tmp_path)
    run = newsletter("new", "Second", "--date", "2026-03-06", "--json", cwd=tmp_path)
    assert run.code == 0, run.err
    assert Path(run.json["post"]).parts[-len(Path(folder).parts) - 1 :] == (*Path(folder).parts, "2026-03-06-second.md")


def test_a_post_is_never_written_over(tmp_path: Path) -> None:
    begin(tmp_path)
    first = newsletter("new", "Twice", "--date", "2026-03-06", "--json", cwd=tmp_path)
    Path(first.json["post"]).write_text("mine")
    second = newsletter("new", "Twice", "--date", "2026-03-06", cwd=tmp_path)
    assert second.code == 2
    assert "there is a post of this day and title" in second.err
    assert Path(first.json["post"]).read_text() == "mine"


@pytest.mark.parametrize(
    "title", ["  ", "Yes", "null", "a: b", "# no comment", '"quoted"', "12", "- dash", "{a}", "🎉"]
)
def test_any_title_is_read_back_as_it_was_written(tmp_path: Path, title: str) -> None:
    begin(tmp_path)
    run = newsletter("new", "--date", "2026-03-06", "--json", "--", title, cwd=tmp_path)
    if not title.strip():
        assert run.code == 2
        return
    assert run.code == 0, run.err
    done = newsletter("render", run.json["post"], "--out", "made", cwd=tmp_path)
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "made" / "issue.json").read_text("utf-8"))["title"] == title


@pytest.mark.parametrize("day", ["tomorrow", "2026-02-30", ""])
def test_a_day_that_is_none(tmp_path: Path, day: str) -> None:
    begin(tmp_path)
    run = newsletter("new", "Title", "--date", day, cwd=tmp_path)
    assert run.code == 2
    assert "is no day; write it as 2026-03-06" in run.err


def test_exchange_online_is_told_of_a_token_and_not_of_a_password(tmp_path: Path) -> None:
    sender = ("--name", "D", "--from", "Ada <ada@quill.org>")
    run = newsletter("init", "letters", *sender, "--relay", "outlook", cwd=tmp_path)
    assert run.code == 0, run.err
    settings = (tmp_path / "letters" / "newsletter.toml").read_text("utf-8")
    assert "It takes an OAuth 2 access token" in settings
    assert "NEWSLETTER_SMTP_PASSWORD, is" not in settings
    told = newsletter("doctor", "--offline", "--json", cwd=tmp_path / "letters").json
    placeholders = [line["what"] for line in told["lines"] if line["code"] == "placeholder"]
    assert any("print-my-token" in what or "token_command" in what for what in placeholders), placeholders


# --- the author's own name, a relay of one's own, the language ------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "more", "row"),
    [
        (ADA, (), "ada@example.org,Ada"),
        (ADA, ("--your-name", "Countess Ada"), "ada@example.org,Countess Ada"),
        ("ada@example.org", (), "ada@example.org,"),
        ("AI Daily <ada@example.org>", (), "ada@example.org,"),
        ('"Lovelace, Ada" <ada@example.org>', (), 'ada@example.org,"Lovelace, Ada"'),
    ],
)
def test_the_list_begins_with_the_author_and_not_with_the_newsletter(
    tmp_path: Path, sender: str, more: tuple[str, ...], row: str
) -> None:
    run = newsletter("init", ".", "--name", "AI Daily", "--from", sender, *more, cwd=tmp_path)
    assert run.code == 0, run.err
    assert (tmp_path / "subscribers.csv").read_text("utf-8") == f"email,name\n{row}\n"


@pytest.mark.parametrize("url", ["smtp://ada@mail.quill.test:2525", "smtps://mail.quill.test", "SMTP://[::1]:25"])
def test_a_relay_of_ones_own_is_taken_by_its_address(tmp_path: Path, url: str) -> None:
    begin(tmp_path, "--relay", url)
    assert tomllib.loads((tmp_path / "newsletter.toml").read_text("utf-8"))["relay"] == {"url": url}
    told = newsletter("doctor", "--offline", "--json", cwd=tmp_path).json
    assert next(line for line in told["lines"] if line["code"] == "config")["level"] == "green"


@pytest.mark.parametrize("url", ["http://mail.quill.test", "smtp://", "smtp://ada:hunter2@quill.test", "gmial", ""])
def test_a_relay_that_is_none_is_named_before_anything_is_written(tmp_path: Path, url: str) -> None:
    run = newsletter("init", ".", "--from", ADA, "--relay", url, cwd=tmp_path)
    assert run.code == 2
    assert "hunter2" not in run.err
    assert not (tmp_path / "newsletter.toml").exists()


def has_chinese(line: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in line)


@pytest.mark.parametrize("relay", ["none", "smtp://mail.quill.test", *(preset.key for preset in PRESETS)])
def test_the_comments_are_in_the_language_chosen(tmp_path: Path, relay: str) -> None:
    for language in ("zh", "en"):
        folder = tmp_path / language
        run = newsletter("init", folder, "--from", ADA, "--language", language, "--relay", relay, cwd=tmp_path)
        assert run.code == 0, run.err
        for name in ("newsletter.toml", ".env.example"):
            lines = (folder / name).read_text("utf-8").splitlines()
            # What is commented out is a setting to fill in.
            comments = [line for line in lines if line.startswith("# ") and " = " not in line]
            assert comments
            if language == "zh":
                assert [line for line in comments if not has_chinese(line)] == []
            else:
                assert [line for line in comments if has_chinese(line) and not ("(" in line or "设置" in line)] == []
    assert tomllib.loads((tmp_path / "zh" / "newsletter.toml").read_text("utf-8"))["newsletter"]["language"] == "zh"


def test_each_language_of_the_settings_has_every_sentence() -> None:
    english = settings_words("en")
    for language in languages():
        words = settings_words(language)
        assert words.says.keys() == english.says.keys()
        assert set(words.relays) in (set(), {preset.key for preset in PRESETS})


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such name")
def test_words_that_are_not_utf8_are_refused_and_nothing_is_left_behind(tmp_path: Path) -> None:
    bad = os.fsdecode(b"caf\xe9")
    for arguments in (("new", bad), ("init", ".", "--from", ADA, "--name", bad)):
        run = newsletter(*arguments, cwd=tmp_path)
        assert (run.code, "is not UTF-8; write it in a terminal that uses UTF-8" in run.err) == (2, True), run.err
    assert list(tmp_path.iterdir()) == []
    run = newsletter("init", bad, "--from", ADA, cwd=tmp_path)
    assert run.code == 0, run.err
    settings = (tmp_path / bad / "newsletter.toml").read_text("utf-8")
    assert tomllib.loads(settings)["newsletter"]["name"] == "Caf"
    post = tmp_path / os.fsdecode(b"\xff.md")
    post.write_text("---\ntitle: A title\n---\n\nWords.\n")
    run = newsletter("render", post.name, "--out", "out", cwd=tmp_path)
    assert run.code == 0, run.err
