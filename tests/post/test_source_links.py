"""Links to source files lead to their pages where those are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.config.jekyll_site import read_site
from newsletter.model.issue import Site
from newsletter.model.transform import links_of
from newsletter.post.markdown.link_targets import LinkTargets
from newsletter.post.parse import parse_post
from newsletter.post.source_links import SourceLinks

POST = "---\ntitle: Tide\ndate: 2026-03-02\n---\n"


def links(text: str, site: Site, path: str = "posts/2026-03-02-tide.md") -> tuple[list[str], list[str]]:
    """The addresses of a post's links, and its findings' codes."""
    issue = parse_post(POST + text, path=path, site=site).issue
    return [link.href for link in links_of(issue.blocks)], [each.code for each in issue.findings]


@pytest.mark.parametrize(
    ("permalink", "link", "page"),
    [
        ("/blog/:title/", "./ebb.md", "/blog/ebb/"),
        ("/blog/:title.html", "ebb.md#low", "/blog/ebb.html#low"),
        ("/:year/:month/:day/:title/", "2026-01-05-ebb.md?x=1", "/2026/01/05/ebb/?x=1"),
        ("/:year/:title/", "{filename}2026-01-05-ebb.md", "/2026/ebb/"),
        ("/:year/:title/", "{filename}/news/2026-01-05-ebb.rst#a", "/2026/ebb/#a"),
        ("/:year/:title/", "|filename|/2026-01-05-ebb.md", "/2026/ebb/"),
        ("/p/:title/", "%E6%BD%AE.md", "/p/%E6%BD%AE/"),
    ],
)
def test_a_neighbour_has_the_permalink_of_the_posts(permalink: str, link: str, page: str) -> None:
    site = Site("https://blog.example", permalink=permalink)
    assert links(f"See [it]({link}).", site) == ([f"https://blog.example{page}"], [])


@pytest.mark.parametrize(
    ("permalink", "link", "page"),
    [
        ("/blog/:title/", "../guide/start.md", "/guide/start/"),
        ("/blog/:title.html", "../guide/start.md", "/guide/start.html"),
        ("/blog/:title/", "/guide/start.md#a", "/guide/start/#a"),
        ("/:categories/:title/", "ebb.md", "/ebb/"),
        ("/:year/:title/", "ebb.md", "/2026/ebb/"),  # its year is not in its name
        ("/blog/:title/", "../guide/README.md", "/guide/"),
    ],
)
def test_a_page_of_another_folder_is_guessed_by_the_posts_own_address(permalink: str, link: str, page: str) -> None:
    site = Site("https://blog.example", permalink=permalink)
    assert links(f"See [it]({link}).", site) == ([f"https://blog.example{page}"], ["link-source"])


@pytest.mark.parametrize(
    "site",
    [
        Site("https://github.com/ada/tides/blob/main"),
        Site("https://raw.githubusercontent.com/ada/tides/main"),
        Site("https://blog.example", permalink="/posts/:title.md"),
    ],
    ids=["forge", "raw", "permalink"],
)
def test_where_the_source_itself_is_shown_the_link_stays(site: Site) -> None:
    addresses, codes = links("See [it](ebb.md).", site)
    assert (len(addresses), codes) == (1, [])
    assert addresses[0].endswith("/ebb.md")


def test_without_a_site_only_the_words_stay() -> None:
    assert links("See [it](ebb.md) and [that]({filename}ebb.md).", Site()) == ([], ["link-relative", "link-source"])
    assert links("See [it](@/blog/ebb.md#low) and [that]({index}).", Site()) == ([], ["link-relative"] * 2)


def test_a_guess_of_an_address_is_whole() -> None:
    targets = LinkTargets(SourceLinks(page_url="https://blog.example/2026/flow/"), [])
    assert targets.resolve("/about/ebb.md", "link", 1) == "https://blog.example/about/ebb/"
    assert [each.code for each in targets.findings] == ["link-source"]


def test_the_pages_of_a_jekyll_blog_are_looked_up(tmp_path: Path) -> None:
    for name, front in (
        ("_config.yml", "url: https://blog.example\nbaseurl: /daily\npermalink: /:year/:title/\n"),
        ("_posts/2026-01-05-ebb.md", "---\ntitle: Ebb\nslug: low-water\n---\nx"),
        ("about.md", "---\ntitle: About\npermalink: /who-we-are/\n---\nx"),
        ("guide/start.md", "---\ntitle: Start\n---\nx"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(front)
    site = read_site(tmp_path, url="", baseurl="", permalink="")
    text = (
        "[a](2026-01-05-ebb.md#x) [b](../about.md) [c](/about.md) [d](../guide/start.md) [e](../../../no.md)\n\n"
        "- <a href='../_posts/2026-01-05-ebb.md'>f</a>\n\n> [g][1]\n\n[1]: /guide/start.md?y\n\n"
        "[h]({{ '/about.md' | relative_url }}) [i]({% link about.md %}) [j](/daily/no.md)\n"
    )
    found, codes = links(text, site, "_posts/2026-03-02-tide.md")
    assert [each.removeprefix("https://blog.example/daily/") for each in found] == [
        *("2026/low-water/#x", "who-we-are/", "who-we-are/", "guide/start/", "https://blog.example/no/"),
        *("2026/low-water/", "guide/start/?y", "who-we-are/", "who-we-are/", "no/"),
    ]
    assert codes == ["link-source", "link-source"]


@pytest.mark.parametrize(
    ("shortcode", "page"),
    [
        ('{{< ref "/guide/start.md#low" >}}', "/guide/start/#low"),
        ('{{% relref "posts/ebb.md" %}}', "/posts/ebb/"),
        ('{{< ref "ebb.md" >}}', "/posts/ebb/"),
        ('{{< relref "ebb.md#a" >}}', "/posts/ebb/#a"),
    ],
)
def test_hugos_references(shortcode: str, page: str) -> None:
    site = Site("https://blog.example", permalink="/posts/:title/")
    assert links(f"See [it]({shortcode}).", site) == ([f"https://blog.example{page}"], [])
