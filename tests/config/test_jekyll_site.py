"""The blog's own `_config.yml`, what newsletter.toml overrides, and files that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import outline

from newsletter.config.jekyll_site import CONFIG, read_site
from newsletter.errors import EXIT_USAGE, ConfigError
from newsletter.model.issue import Site
from newsletter.post.parse import parse_post

MEND = "; mend it; Jekyll needs it too"
JEKYLL = """\
title: 博客
url: "https://blog.example/"
baseurl: /b/
permalink: pretty
author: {name: 甲}
tags: [a, b]
"""


def site(tmp_path: Path, content: str | bytes, url: str = "", baseurl: str = "", permalink: str = "") -> Site:
    data = content.encode() if isinstance(content, str) else content
    (tmp_path / CONFIG).write_bytes(data)
    return read_site(tmp_path, url=url, baseurl=baseurl, permalink=permalink)


def refusal(tmp_path: Path, content: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        site(tmp_path, content)
    assert caught.value.exit_code == EXIT_USAGE
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(str(tmp_path / CONFIG))


def test_the_blogs_values(tmp_path: Path) -> None:
    found = site(tmp_path, JEKYLL)
    assert (found.url, found.baseurl, found.permalink) == ("https://blog.example", "/b", "pretty")
    assert found.base == "https://blog.example/b/"
    assert found.values["author"] == {"name": "甲"}


def test_newsletter_toml_wins(tmp_path: Path) -> None:
    found = site(tmp_path, JEKYLL, url="https://other.example", baseurl="/c", permalink="none")
    assert (found.base, found.permalink) == ("https://other.example/c/", "none")


def test_jekylls_default_permalink_is_known_only_with_a_blog(tmp_path: Path) -> None:
    assert site(tmp_path, "url: https://blog.example\n").permalink == "date"
    assert read_site(None, url="https://blog.example", baseurl="", permalink="") == Site("https://blog.example")


@pytest.mark.parametrize("content", ["", "# nothing\n", "\ufeffurl:\n", "url: ~\nbaseurl: ~\n", "---\n"])
def test_a_blog_without_values(tmp_path: Path, content: str) -> None:
    found = site(tmp_path, content)
    assert (found.url, found.baseurl, found.base) == ("", "", "")


def test_values_that_are_no_text_are_written_out(tmp_path: Path) -> None:
    assert site(tmp_path, "baseurl: 2026\nurl: https://a.example\n1: x\n").base == "https://a.example2026/"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("url: [\n", ":2: not valid YAML (expected the node content, but found '<stream end>')" + MEND),
        ("a: 1\n\tb: 2\n", ":2: not valid YAML (found character '\\t' that cannot start any token)" + MEND),
        ("- a\n- b\n", ": not a list of `key: value` lines; mend it"),
        ("word", ": not a list of `key: value` lines; mend it"),
        ("标题".encode("gb18030"), ": tried UTF-8, and byte 0 does not fit; save it as UTF-8"),
        ("[" * 5000, ": not valid YAML (nested too deep); mend it; Jekyll needs it too"),
        ("a: \x07\n", ": not valid YAML (it holds the control character U+0007); mend it; Jekyll needs it too"),
        ("date: 2026-02-30\n", ": not valid YAML (day is out of range for month); mend it; Jekyll needs it too"),
        ("a: !!python/name:os.system\n", ":1: not valid YAML (could not determine a constructor for the tag "
         "'tag:yaml.org,2002:python/name:os.system'); mend it; Jekyll needs it too"),
    ],
)  # fmt: skip
def test_files_that_are_no_configuration(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    assert refusal(tmp_path, content) == sentence


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"_config\.yml: there is no such file; \[site\] source names the folder"):
        read_site(tmp_path, url="", baseurl="", permalink="")


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / CONFIG).mkdir()
    with pytest.raises(ConfigError, match=r"_config\.yml: cannot be read \("):
        read_site(tmp_path, url="", baseurl="", permalink="")


def test_the_addresses_of_other_pages_and_the_data_of_the_blog(tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_text("url: https://blog.example\npermalink: /:year/:title/\ntimezone: America/New_York\n")
    posts = tmp_path / "_posts"
    posts.mkdir()
    (posts / "2026-03-01-one.md").write_text("---\ntitle: One\nslug: first\n---\nx")
    (posts / "2026-01-01-late.md").write_text("---\ntitle: L\ndate: 2026-01-01 02:00:00 +0000\n---\nx")
    (tmp_path / "about.md").write_text("---\ntitle: About\n---\nx")
    (tmp_path / "_data").mkdir()
    (tmp_path / "_data" / "team.yml").write_text("lead: Ada\n")
    (tmp_path / "secret.yml").write_text("key: hidden\n")
    site = read_site(tmp_path, url="", baseurl="", permalink="")
    assert site.pages["2026-03-01-one"] == "/2026/first/"
    assert site.pages["2026-01-01-late"] == "/2025/late/"
    assert site.pages["about.md"] == "/about/"
    assert site.values["data"]["team"] == {"lead": "Ada"}
    assert {"../secret", "nothing"}.isdisjoint(site.values["data"])
    assert "../secret.md" not in site.pages
    source = "---\ntitle: T\n---\n{{ site.data.team.lead }} [a]({% post_url 2026-03-01-one %}) {% link gone.md %}"
    issue = parse_post(source, path="p.md", site=site).issue
    assert outline(issue.blocks) == "p @4 Ada <a https://blog.example/2026/first/>a</a>"
    assert [finding.code for finding in issue.findings] == ["liquid-tag"]
