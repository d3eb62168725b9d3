"""The archive's files under /archive: those that it writes, and no others of its folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from newsletter.archive.manifest import OUR_PATHS
from newsletter.files import open_regular

PREFIX = "/archive"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""The search is a script of ours; an issue's pictures may be anywhere on the web."""

MEDIA_TYPES = {
    "rss.xml": "application/rss+xml",
    "atom.xml": "application/atom+xml",
    "feed.json": "application/feed+json",
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".xml": "application/xml",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".gif": "image/gif",
}


class ArchiveFiles:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def routes(self) -> list[Route]:
        return [Route(PREFIX, self.front), Route(f"{PREFIX}/{{path:path}}", self.file)]

    async def front(self, request: Request) -> Response:
        # A path alone: the Host header has no say in where it leads.
        return RedirectResponse(f"{PREFIX}/", 308)

    async def file(self, request: Request) -> Response:
        path = request.path_params["path"] or "index.html"
        name = PurePosixPath(path)
        media_type = MEDIA_TYPES.get(path) or MEDIA_TYPES.get(name.suffix)
        # Security: names of ours alone, so that neither another file of the folder nor a path out of it is one.
        if media_type is None or not OUR_PATHS.fullmatch(path):
            raise HTTPException(404)
        data, tag = await run_in_threadpool(self._read, path)
        is_asset = name.parent.name == "assets"
        headers = {
            "content-security-policy": POLICY,
            "cache-control": "public, max-age=31536000, immutable" if is_asset else "public, max-age=300",
            "etag": tag,
            # Feed readers on the web show an issue's pictures on pages of their own.
            "cross-origin-resource-policy": "cross-origin",
        }
        if tag in [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=media_type, headers=headers)

    def _read(self, path: str) -> tuple[bytes, str]:
        """A file and its ETag. HTTPException where there is none."""
        place = self._folder / path
        try:
            # Security: a link in the folder leads to nothing outside of it.
            if not place.resolve().is_relative_to(self._folder.resolve()):
                raise HTTPException(404)
            with open_regular(place) as file:
                data = file.read()
            stat = place.stat()
        except (OSError, ValueError, RuntimeError) as error:
            raise HTTPException(404) from error
        return data, f'"{stat.st_size:x}-{stat.st_mtime_ns:x}"'
