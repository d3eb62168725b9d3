"""Links and pictures that are videos, and the page where each is watched."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qs, urlsplit

from newsletter.model.issue import Figure, Image, Inlines, Link, Text, Video

_VIDEO = re.compile(r"\.(?:mp4|webm|mov|m4v|ogv)(?:[?#]|$)", re.IGNORECASE)


def is_video(url: str) -> bool:
    """Whether an address is a media file that plays, which no mail client shows as a picture."""
    return bool(_VIDEO.search(url)) or is_audio(url)


def watch_page(source: str) -> tuple[str, str]:
    """The web page of an embedded player's video, and its poster if the host has one."""
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


def video_poster(page: str) -> str | None:
    """The poster of a video page on YouTube, Bilibili or Vimeo, empty if the host provides none.

    None for any other page.
    """
    try:
        parts = urlsplit(page)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https"):
        return None
    host = re.sub(r"^(?:www|m)\.", "", parts.hostname or "")
    video = ""
    if host == "youtu.be":
        video = parts.path[1:]
    elif host in ("youtube.com", "youtube-nocookie.com"):
        found = re.match(r"/(?:shorts|live|embed)/([\w-]+)", parts.path)
        video = found[1] if found else parse_qs(parts.query).get("v", [""])[0] if parts.path == "/watch" else ""
    if re.fullmatch(r"[\w-]{6,20}", video, re.ASCII):
        return f"https://img.youtube.com/vi/{video}/hqdefault.jpg"
    is_page = (
        (host == "bilibili.com" and re.match(r"/video/\w+", parts.path))
        or (host == "b23.tv" and len(parts.path) > 1)
        or (host == "vimeo.com" and re.match(r"/(?:channels/\w+/)?\d+(?:/|$)", parts.path))
    )
    return "" if is_page else None


def linked_videos(inlines: Inlines) -> Inlines:
    """Replace videos written as pictures by links, where no card is possible."""
    return tuple(
        Link(node.href or node.src, (Text(node.alt or node.title or node.src),))
        if isinstance(node, Image) and is_video(node.src)
        else node
        for node in inlines
    )


def figures(images: Iterable[Image]) -> Iterator[Figure | Video]:
    """Pictures on their own; a video written as one becomes a card."""
    for image in images:
        if is_video(image.src):
            yield Video(image.href or image.src, image.alt or image.title, None, image.line, is_audio(image.src))
        else:
            yield Figure(image, image.line)


def is_audio(url: str) -> bool:
    """Whether an address is a sound file."""
    return not url.startswith("data:") and bool(_AUDIO.search(url))


_AUDIO = re.compile(r"\.(?:mp3|m4a|m4b|aac|ogg|oga|opus|flac|wav|weba)(?:[?#]|$)", re.IGNORECASE)
