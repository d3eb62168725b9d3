"""The archive under /archive of `newsletter serve`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from archived import Shelf
from starlette.applications import Starlette

from newsletter.web.public.archive_files import ArchiveFiles

Get = Callable[..., httpx.Response]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path)
    shelf.publish("2026-02-06-zwei-ä", "Text.", title="Two", date="2026-02-06")
    shelf.build()
    return shelf


@pytest.fixture
def get(shelf: Shelf) -> Get:
    app = Starlette(routes=ArchiveFiles(shelf.site).routes)

    def ask(path: str, method: str = "GET", **headers: str) -> httpx.Response:
        async def run() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://news.example.com") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(run())

    return ask


def test_pages_feeds_and_assets_have_their_types(get: Get, shelf: Shelf) -> None:
    assert get("/archive/").text == (shelf.site / "index.html").read_text()
    assert get("/archive/issues/2026-02-06-zwei-%C3%A4.html").headers["content-type"] == "text/html; charset=utf-8"
    assert get("/archive/rss.xml").headers["content-type"] == "application/rss+xml"
    assert get("/archive/feed.json").headers["content-type"] == "application/feed+json"
    (style,) = (shelf.site / "assets").glob("style-*.css")
    answer = get(f"/archive/assets/{style.name}")
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]


def test_no_script_from_elsewhere(get: Get) -> None:
    policy = get("/archive/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_bare_address_leads_to_the_front_page_of_this_server(get: Get) -> None:
    answer = get("/archive", host="evil.example.org")
    assert (answer.status_code, answer.headers["location"]) == (308, "/archive/")


def test_a_reader_that_has_it_gets_nothing(get: Get) -> None:
    tag = get("/archive/rss.xml").headers["etag"]
    for known in (tag, f'"other", W/{tag}'):
        answer = get("/archive/rss.xml", **{"if-none-match": known})
        assert (answer.status_code, answer.content) == (304, b"")
    assert get("/archive/rss.xml", **{"if-none-match": '"other"'}).status_code == 200


def test_head_has_the_headers_alone(get: Get) -> None:
    answer = get("/archive/rss.xml", "HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 100


NOT_SHOWN = (
    *(".newsletter-archive.json", "../newsletter.db", "..%2fnewsletter.toml", "issues/../../newsletter.toml"),
    *("issues/%2e%2e%2f%2e%2e%2fposts.html", "issues/", "issues", "CNAME", "linked", "issues/linked.html"),
    *("issues/none.html", "issues/a%00.html", f"issues/{'a' * 4000}.html", "robots.txt", "posts.html", "assets/x.html"),
)


def test_nothing_else_of_the_folder_is_shown(get: Get, shelf: Shelf) -> None:
    (shelf.site / "CNAME").write_text("mine")
    for own in ("posts.html", "assets/x.html"):
        (shelf.site / own).parent.mkdir(exist_ok=True)
        (shelf.site / own).write_text("a page of the operator's own")
    (shelf.site / "issues" / "linked.html").symlink_to(shelf.folder / "newsletter.toml")
    assert [path for path in NOT_SHOWN if get(f"/archive/{path}").status_code != 404] == []
