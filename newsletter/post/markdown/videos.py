"""Links and pictures that are videos, and the page on which each is watched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qs, urlsplit

from newsletter.model.issue import Figure, Image, Inlines, Link, Text, Video

_VIDEO = re.compile(r"\.(?:mp4|webm|mov|m4v|ogv)(?:[?#]|$)", re.IGNORECASE)


def is_video(url: str) -> bool:
    """Whether an address names a file that plays, seen or heard, which no mail client shows as a picture."""
    return bool(_VIDEO.search(url)) or is_audio(url)


def watch_page(source: str) -> tuple[str, str]:
    """The page where a person watches an embedded player's video, and its poster where the host has one."""
    try:
        parts = urlsplit(source if "//" in source else f"//{source}")
    except ValueError:
        return source, ""
    host = (parts.hostname or "").removeprefix("www.")
    if host in ("youtube.com", "youtube-nocookie.com") and (found := re.match(r"/embed/([\w-]{6,20})", parts.path)):
        return f"https://www.youtube.com/watch?v={found[1]}", f"https://img.youtube.com/vi/{found[1]}/hqdefault.jpg"
    if host == "player.bilibili.com" and (
        re.fullmatch(r"\w{1,20}", (video := parse_qs(parts.query).get("bvid", [""]))[0], re.ASCII)
    ):
        return f"https://www.bilibili.com/video/{video[0]}", ""
    if host == "player.vimeo.com" and (found := re.match(r"/video/(\d+)", parts.path)):
        return f"https://vimeo.com/{found[1]}", ""
    return source, ""


def linked_videos(inlines: Inlines) -> Inlines:
    """Videos that were written as pictures, as links: for where no card can stand."""
    return tuple(
        Link(node.href or node.src, (Text(node.alt or node.title or node.src),))
        if isinstance(node, Image) and is_video(node.src)
        else node
        for node in inlines
    )


def figures(images: Iterable[Image]) -> Iterator[Figure | Video]:
    """Pictures on their own; a video that was written as one becomes a card."""
    for image in images:
        if is_video(image.src):
            yield Video(image.href or image.src, image.alt or image.title, None, image.line, is_audio(image.src))
        else:
            yield Figure(image, image.line)


def is_audio(url: str) -> bool:
    """Whether an address names a sound file."""
    return not url.startswith("data:") and bool(_AUDIO.search(url))


_AUDIO = re.compile(r"\.(?:mp3|m4a|m4b|aac|ogg|oga|opus|flac|wav|weba)(?:[?#]|$)", re.IGNORECASE)
