"""A message with its pictures inside, as another reader sees it: npm's mailparser, from the post to the wire."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from image_server import local_fetcher, serving
from machine import NodeScript
from pictures import faulty, photo

from newsletter.message.compose import Composer
from newsletter.model.delivery import Sender
from newsletter.model.rendered_email import Masthead
from newsletter.model.subscriber import Subscriber
from newsletter.post.parse import parse_post
from newsletter.render.images.cache import Cache
from newsletter.render.images.resolve import ImageMode, Resolved, resolve_images
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

MAX_MESSAGE_BYTES = 2_000_000


def post_of(urls: list[str]) -> str:
    return "# 图片\n\n" + "\n".join(f"{n}. 第 {n} 条。 ![图 {n}]({url})" for n, url in enumerate(urls, 1))


def resolved_in(mode: ImageMode, project: Path, source: str, **options: object) -> Resolved:
    return resolve_images(
        parse_post(source, path="2026-03-02-pictures.md").issue,
        mode=mode,
        post_folder=project,
        project=project,
        base_url="",
        layout_width=600,
        cache=Cache(project / "cache"),
        max_total_kb=1500,
        fetcher=local_fetcher(timeout_s=5, max_bytes=2_000_000),
        **options,  # type: ignore[arg-type]
    )


def test_ten_faulty_and_ten_good_pictures_make_one_readable_message(tmp_path: Path, node_script: NodeScript) -> None:
    with serving() as server:
        bad = faulty(server)
        good = [server.serve(f"/{n}.jpg", photo(n)) for n in range(10)]
        mixed = [url for pair in zip(bad, good, strict=True) for url in pair]
        resolved = resolved_in("embed", tmp_path, post_of(mixed))
    email = render_issue(resolved.issue, load_theme("classic", tmp_path), Masthead(), resolved.attachments)
    composer = Composer(email, Sender("S", "s@example.com"), issue="i", when=datetime(2026, 3, 2, tzinfo=UTC))
    message = composer.compose(Subscriber("ada@example.com", {"email": "ada@example.com"}))
    assert len(message.data) <= MAX_MESSAGE_BYTES
    (read,) = node_script("mailparser", {"messages": [base64.b64encode(message.data).decode()]})
    assert read["warnings"] == []
    wanted = re.findall(r'src="cid:([^"]+)"', read["html"])
    assert len(wanted) == 10
    assert wanted == [attachment["cid"] for attachment in read["attachments"]]
    assert all(attachment["related"] for attachment in read["attachments"])
    # What could not be had is a link to where it was, in its place.
    for url in bad:
        assert f'href="{url}"' in read["html"]


def test_mirrored_pictures_are_where_the_email_says(tmp_path: Path) -> None:
    folder = tmp_path / "site" / "assets"
    with serving() as server:
        source = post_of([server.serve(f"/{n}.jpg", photo(n)) for n in range(3)])
        address = "https://blog.example.com/assets"
        resolved = resolved_in("mirror", tmp_path, source, mirror_folder=folder, mirror_url=address)
    email = render_issue(resolved.issue, load_theme("classic", tmp_path), Masthead(), resolved.attachments)
    html = "".join(part for part in email.html.parts if isinstance(part, str))
    names = [url.removeprefix(f"{address}/") for url in re.findall(r'<img[^>]*? src="([^"]+)"', html)]
    assert len(names) == 3
    assert sorted(names) == sorted(path.name for path in folder.iterdir())
    assert email.attachments == ()


@pytest.mark.parametrize("mode", ["remote", "embed"])
def test_a_theme_without_pictures_carries_none(tmp_path: Path, mode: ImageMode) -> None:
    (tmp_path / "a.jpg").write_bytes(photo(1))
    resolved = resolved_in(mode, tmp_path, post_of(["a.jpg"]))
    assert len(resolved.attachments) == 1
    assert (
        render_issue(resolved.issue, load_theme("brief", tmp_path), Masthead(), resolved.attachments).attachments == ()
    )
