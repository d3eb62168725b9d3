"""The preview's routes.

The email is untrusted: a post may come from anywhere, and so may a theme. Three defences, each sufficient alone: the
frame is a sandbox without scripts; its response has a Content-Security-Policy with the same limits; everything else is
escaped by Jinja2 or set as text. The page answers only to this machine's names.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from markupsafe import Markup, escape
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from newsletter.errors import NewsletterError
from newsletter.frozen import frozen
from newsletter.model.findings import Finding
from newsletter.model.rendered_email import Attachment
from newsletter.web.live_updates import LiveUpdates
from newsletter.web.local_only import asked_by_own_page
from newsletter.web.local_pages import SHARED_ASSETS, LocalPages, event_stream, json_response, local_app, plain_error
from newsletter.web.preview.live_rendering import LiveRendering, Snapshot
from newsletter.web.preview.reader_view import VIEWS, ReaderView, read
from newsletter.web.preview.send_test import TestSendResult, relay_words, send_test_mail
from newsletter.web.preview.source_listing import SourceListing, lines_of, plain_lines

SHOWN_READERS = 200
MAX_ASKED_BYTES = 4_096
MAX_SEARCH_CHARS = 200
NOTHING_YET = "There is nothing to show yet."

ASSETS = SHARED_ASSETS | {"style.css": "text/css", "preview.js": "text/javascript"}
SHEETS = ("text", "html", "mjml", "headers", "post")

# `allow-same-origin` lets our page keep the scroll position; without `allow-scripts` it gives the email no access.
_FRAME_POLICY = (
    "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; script-src 'none'; "
    "img-src {images}; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
FRAME_POLICY = _FRAME_POLICY.format(images="'self' data: https: http:")
"""Pictures load from the post's addresses, as in a mail client; nothing else is loaded."""
FRAME_POLICY_WITHOUT_IMAGES = _FRAME_POLICY.format(images="'none'")
_PICTURE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def preview_app(
    live: LiveRendering,
    updates: LiveUpdates[Snapshot],
    *,
    host: str,
    clock: Callable[[], datetime],
    relay_url: str | None = None,
) -> ASGIApp:
    """The page as an ASGI application. `relay_url` replaces the configured relay for tests."""
    return local_app(preview_routes(live, updates, clock=clock, relay_url=relay_url), host, PREVIEW_ERRORS)


def preview_routes(
    live: LiveRendering,
    updates: LiveUpdates[Snapshot],
    *,
    clock: Callable[[], datetime],
    relay_url: str | None = None,
    base: str = "",
) -> tuple[Route, ...]:
    """The page's routes. Under a home they are mounted at `base`, and the page leads back to it."""
    pages = _Pages(live, updates, clock, relay_url, base)
    return (
        Route("/", pages.page),
        Route("/assets/{name}", pages.asset),
        Route("/events", pages.events),
        Route("/facts", pages.facts),
        Route("/frame/{view}", pages.frame),
        Route("/sheet/{name}", pages.sheet),
        Route("/pictures/{content_id}", pages.picture),
        Route("/readers", pages.readers),
        Route("/fix", pages.fix, methods=["POST"]),
        Route("/test", pages.test, methods=["POST"]),
    )


@frozen
class _Frame:
    """What a page asked for its frame; `address` without the revision, as the page wrote it."""

    address: str
    view: str
    reader: str
    answers: str
    is_forced: bool


class _Pages(LocalPages):
    """The endpoints. The synchronous ones run in Starlette's threads."""

    def __init__(
        self,
        live: LiveRendering,
        updates: LiveUpdates[Snapshot],
        clock: Callable[[], datetime],
        relay_url: str | None,
        base: str,
    ) -> None:
        super().__init__("preview", ASSETS, prose=prose)
        self._live = live
        self._updates = updates
        self._clock = clock
        self._relay_url = relay_url
        self._base = base
        self._is_testing = False
        self._last_frame: _Frame | None = None

    # --- the page

    def page(self, request: Request) -> Response:
        post, is_listed = self._live.post.name, self._live.to is not None
        revision = self._updates.value.revision
        return self.render(
            "page.html.j2", {"post": post, "revision": revision, "listed": is_listed, "base": self._base}
        )

    async def events(self, request: Request) -> Response:
        """Server-Sent Events: the state of the rendering, at once and after every change.

        A new rendering comes with the email as the frame was last asked for: a page that had to ask for it again would
        show it some 40 ms later.
        """
        told = self._updates.value.revision

        async def encode(snapshot: Snapshot) -> str:
            nonlocal told
            is_new, told = snapshot.revision != told, snapshot.revision
            frame = self._last_frame
            news = _news_of(snapshot)
            if is_new and frame is not None and not snapshot.error:
                with contextlib.suppress(NewsletterError):  # the files are invalid again: the next rendering says so
                    if html := await run_in_threadpool(self._framed, snapshot, frame):
                        news["frame"] = {"address": frame.address, "html": html}
            return json.dumps(news)

        return event_stream(self._updates, encode)

    # --- views --------------------------------------------------------------------------------------------------------

    def frame(self, request: Request) -> Response:
        view = request.path_params["view"]
        if view not in VIEWS:
            raise HTTPException(404, "There is no such view.")
        query = request.query_params
        address = f"{self._base}/frame/{view}?{request.url.query.partition('&revision=')[0]}"
        asked = self._last_frame = _Frame(
            address, view, query.get("reader", ""), query.get("answers", ""), query.get("colours") == "forced"
        )
        html = self._framed(self._updates.value, asked)
        if html is None:
            raise HTTPException(409, NOTHING_YET)
        policy = FRAME_POLICY_WITHOUT_IMAGES if query.get("images") == "off" else FRAME_POLICY
        return Response(html, media_type="text/html", headers={"content-security-policy": policy})

    def _framed(self, snapshot: Snapshot, asked: _Frame) -> str | None:
        reading = read(self._live, snapshot, asked.reader, asked.answers)
        return None if reading is None else reading.framed(asked.view, self._base, forced=asked.is_forced)

    def sheet(self, request: Request) -> Response:
        """A text or a source as an HTML fragment, with line numbers."""
        name = request.path_params["name"]
        if name not in SHEETS:
            raise HTTPException(404, "There is no such view.")
        snapshot = self._updates.value
        if name == "headers":
            headers = self._reading(request).headers(self._clock())
            return self.render("headers.html.j2", {"headers": headers})
        marks: dict[int, list[Finding]] = {}
        if name == "post":
            listing = lines_of(snapshot.source, "post")
            # While there is an error the findings are of an older text, with other line numbers.
            for finding in () if snapshot.error else snapshot.findings or ():
                marks.setdefault(finding.line or 0, []).append(finding)
        else:
            listing = self._listing(self._reading(request), name)
        context = {"name": name, "listing": listing, "marks": marks, "error_line": snapshot.error_line}
        return self.render("lines.html.j2", context)

    @staticmethod
    def _listing(reading: ReaderView, name: str) -> SourceListing:
        match name:
            case "text":
                return plain_lines(reading.text)
            case "mjml":
                return lines_of(reading.email.mjml, "html")
            case _:
                return lines_of(reading.html, "html")

    def facts(self, request: Request) -> Response:
        snapshot = self._updates.value
        relay, is_ready = relay_words(snapshot, self._relay_url)
        facts: dict[str, Any] = {
            **_news_of(snapshot),
            "relay": {"text": relay, "ready": is_ready},
            "findings": None if snapshot.findings is None else [_finding(each, snapshot) for each in snapshot.findings],
        }
        if snapshot.rendering is not None:
            facts |= self._reading(request).facts(self._clock())
        return json_response(facts)

    def picture(self, request: Request) -> Response:
        wanted = unquote(request.path_params["content_id"])
        found = next((each for each in self._attachments() if each.content_id == wanted), None)
        if found is None:
            raise HTTPException(404, "This email has no such picture.")
        headers = {
            "content-security-policy": _PICTURE_POLICY,
            # Its name contains its content's hash, so it can be cached across revisions.
            "cache-control": "private, max-age=3600, immutable",
        }
        return Response(found.data, media_type=found.media_type, headers=headers)

    def _attachments(self) -> list[Attachment]:
        rendering = self._updates.value.rendering
        emails = [] if rendering is None else [*rendering.variants.emails.values(), *self._live.others()]
        return [attachment for email in emails for attachment in email.attachments]

    def readers(self, request: Request) -> Response:
        """The first subscribers on the list whose columns contain the search words."""
        audience = self._updates.value.audience
        words = request.query_params.get("q", "").strip()[:MAX_SEARCH_CHARS]
        found = [] if audience is None else list(audience.search(words, SHOWN_READERS))
        people = [
            {"number": number, "email": subscriber.email, "name": subscriber.name} for number, subscriber in found
        ]
        return json_response({"people": people, "total": 0 if audience is None else len(audience)})

    def _reading(self, request: Request) -> ReaderView:
        query = request.query_params
        reading = read(self._live, self._updates.value, query.get("reader", ""), query.get("answers", ""))
        if reading is None:
            raise HTTPException(409, NOTHING_YET)
        return reading

    # --- what changes something

    async def fix(self, request: Request) -> Response:
        """Mend the file, if it is still what the page shows."""
        asked = await _asked_by_us(request)
        snapshot = self._updates.value
        if asked.get("revision") != str(snapshot.revision) or snapshot.error or snapshot.rendering is None:
            raise HTTPException(409, "The post has changed meanwhile; look at its findings again.")
        result = await run_in_threadpool(self._live.fix, snapshot)
        backup = result.backup.name if result.backup else ""
        return json_response({"fixed": len(result.fixes), "backup": backup})

    async def test(self, request: Request) -> Response:
        asked = await _asked_by_us(request)
        if self._is_testing:
            raise HTTPException(409, "A test is on its way already.")
        self._is_testing = True
        try:
            result = await run_in_threadpool(self._send, *(asked.get(k, "") for k in ("address", "reader", "answers")))
        finally:
            self._is_testing = False
        return json_response({"sent": result.sent, "text": result.text})

    def _send(self, address: str, number: str, chosen: str) -> TestSendResult:
        reading = read(self._live, self._updates.value, number, chosen)
        if reading is None or self._updates.value.error:
            raise HTTPException(409, "The post cannot be rendered as it is now; mend it first.")
        return send_test_mail(self._live, reading, address, self._relay_url)


async def _asked_by_us(request: Request) -> dict[str, str]:
    # Security: mail goes out here, or a file is written. Another site's page can neither send JSON nor come from our
    # own origin.
    if not asked_by_own_page(request.headers):
        raise HTTPException(403, "Only the preview page itself may ask for this.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Ask in JSON.")
    return await _read_json(request)


async def _read_json(request: Request) -> dict[str, str]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_ASKED_BYTES:
            raise HTTPException(413, "That is too much for an address.")
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "That is no JSON.") from error
    if not isinstance(asked, dict) or not all(isinstance(value, str) for value in asked.values()):
        raise HTTPException(400, 'Send {"address": "you@example.com"}.')
    return asked


def _news_of(snapshot: Snapshot) -> dict[str, Any]:
    error = {"text": snapshot.error, "line": snapshot.error_line} if snapshot.error else None
    return {
        "revision": snapshot.revision,
        "error": error,
        "rendered": snapshot.rendering is not None,
        "inspected": snapshot.findings is not None,
    }


def _finding(finding: Finding, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "what": finding.what,
        "remedy": finding.remedy,
        "line": finding.line,
        "fixable": (finding.code, finding.line) in snapshot.mendable,
    }


def prose(text: str) -> Markup:
    """A sentence with the text in backticks as code."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if number % 2 else escape(piece) for number, piece in enumerate(pieces)
    )


def _refused(request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", 409)


PREVIEW_ERRORS = {HTTPException: plain_error, NewsletterError: _refused}
