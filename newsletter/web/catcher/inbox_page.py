"""The catcher's inbox page, and the same as JSON.

Mail is untrusted. Three defences, each sufficient alone: the HTML part is framed with `sandbox` and without scripts;
its response carries a Content-Security-Policy with the same limits; everything else is escaped by Jinja2. The page
answers only to this machine's names, which prevents DNS rebinding.

Broken mail is shown as far as it can be parsed: no message makes a page fail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from newsletter.web.live_updates import LiveUpdates
from newsletter.web.local_only import asked_by_own_page
from newsletter.web.local_pages import LocalPages, event_stream, local_app, plain_error
from newsletter.web.mail_view import MAX_SHOWN_CHARS, Mail, Received, Summary, framed_html, read_mail, summarise

T = TypeVar("T")

PAGE_SIZE = 100


class Mailbox(Protocol):
    """The source of the mail. The value of `updates` grows with every change."""

    arrived: int
    dropped: int
    updates: LiveUpdates[int]

    def messages(self) -> Sequence[Received]: ...
    def find(self, number: int) -> Received | None: ...
    def clear(self) -> int: ...


# Links may open a new tab; nothing else is allowed. `sandbox` also covers the part opened by itself.
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; script-src 'none'; "
    "img-src 'self' data: https:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
PART_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"

VIEWS = ("html", "text", "headers", "source", "parts")
ASSETS = {"style.css": "text/css", "inbox.js": "text/javascript"}


def inbox_app(mailbox: Mailbox, *, smtp_url: str, host: str, clock: Callable[[], datetime]) -> ASGIApp:
    """The page as an ASGI application. `smtp_url` is the address shown for sending to it, `host` the bound host."""
    pages = _Pages(mailbox, smtp_url, clock)
    routes = (
        Route("/", pages.inbox),
        Route("/list", pages.list),
        Route("/events", pages.events),
        Route("/assets/{name}", pages.asset),
        Route("/messages/{n}.eml", pages.download),
        Route("/messages/{n}", pages.message),
        Route("/messages/{n}/html", pages.html),
        Route("/messages/{n}/text", pages.text),
        Route("/messages/{n}/raw", pages.raw),
        Route("/messages/{n}/parts/{i}", pages.part),
        Route("/api/messages", pages.api_list, methods=["GET"]),
        Route("/api/messages", pages.api_clear, methods=["DELETE"]),
        Route("/api/messages/{n}", pages.api_message),
    )
    return local_app(routes, host, {HTTPException: pages.failed})


class _Pages(LocalPages):
    """The endpoints.

    The synchronous ones run in Starlette's threads, so that slow parsing does not block SMTP clients.
    """

    def __init__(self, mailbox: Mailbox, smtp_url: str, clock: Callable[[], datetime]) -> None:
        super().__init__("catcher", ASSETS, filesize=_filesize, when=self._when, query=_query)
        self._mailbox = mailbox
        self._smtp_url = smtp_url
        self._clock = clock
        self._summaries: dict[int, Summary] = {}
        self._seen: set[int] = set()
        self._last: tuple[Received, Mail] | None = None

    # pages

    def inbox(self, request: Request) -> Response:
        return self._page(request)

    def list(self, request: Request) -> Response:
        selected = request.query_params.get("selected", "")
        number = int(selected) if re.fullmatch(r"[0-9]{1,9}", selected) else None
        return self.render("list.html.j2", self._listing(request, number))

    def message(self, request: Request) -> Response:
        received, mail = self._find(request)
        self._seen.add(received.number)
        view = request.query_params.get("view", "")
        if view not in VIEWS:
            view = "html" if mail.html else "text" if mail.text else "source"
        source = received.data[:MAX_SHOWN_CHARS].decode("utf-8", "replace") if view == "source" else ""
        return self._page(
            request,
            received.number,
            message=received,
            mail=mail,
            summary=self._summary(received),
            view=view,
            source=source,
            limit=MAX_SHOWN_CHARS,
        )

    def html(self, request: Request) -> Response:
        received, mail = self._find(request)
        if mail.html is None:
            raise HTTPException(404, "This message has no HTML part.")
        base = f"/messages/{received.number}/parts/"
        cids = {part.content_id: f"{base}{part.index}" for part in mail.parts if part.content_id}
        return Response(
            framed_html(mail.html.text or "", cids),
            media_type="text/html",
            headers={"content-security-policy": MAIL_POLICY},
        )

    def text(self, request: Request) -> Response:
        _, mail = self._find(request)
        if mail.text is None:
            raise HTTPException(404, "This message has no text part.")
        return PlainTextResponse(mail.text.text)

    def raw(self, request: Request) -> Response:
        return PlainTextResponse(self._received(request).data)

    def download(self, request: Request) -> Response:
        received = self._received(request)
        return _attachment(received.data, "message/rfc822", f"message-{received.number}.eml")

    def part(self, request: Request) -> Response:
        _, mail = self._find(request)
        index = request.path_params["i"]
        part = next((part for part in mail.parts if str(part.index) == index), None)
        if part is None:
            raise HTTPException(404, "This message has no such part.")
        if not part.is_safe_image:
            # Types that a browser would execute are left out; an SVG still shows through <img>, where it is inert.
            media_type = part.media_type if part.media_type.startswith("image/") else "application/octet-stream"
            return _attachment(part.data, media_type, part.filename or f"part-{part.index}")
        return _attachment(part.data, part.media_type, part.filename or f"part-{part.index}", "inline")

    async def events(self, request: Request) -> Response:
        """Server-Sent Events: the revision of the mail, at once and after every change."""
        return event_stream(self._mailbox.updates, str)

    # JSON

    def api_list(self, request: Request) -> Response:
        messages = [self._as_json(self._summary(received)) for received in self._mailbox.messages()]
        return JSONResponse({"messages": messages, "arrived": self._mailbox.arrived, "dropped": self._mailbox.dropped})

    def api_message(self, request: Request) -> Response:
        received, mail = self._find(request)
        data = self._as_json(self._summary(received))
        data["headers"] = [{"name": header.name, "value": header.value} for header in mail.headers]
        data["text"] = mail.text.text if mail.text else None
        data["html"] = mail.html.text if mail.html else None
        data["parts"] = [
            {
                "index": part.index,
                "media_type": part.media_type,
                "filename": part.filename,
                "content_id": part.content_id,
                "size": len(part.data),
                "url": f"/messages/{received.number}/parts/{part.index}",
            }
            for part in mail.parts
        ]
        return JSONResponse(data)

    async def api_clear(self, request: Request) -> Response:
        if not asked_by_own_page(request.headers):
            raise HTTPException(403, "Only the inbox page itself may empty the inbox.")
        count = self._mailbox.clear()
        self._seen.clear()
        self._last = None
        self._summaries.clear()
        return JSONResponse({"deleted": count})

    @staticmethod
    def _as_json(summary: Summary) -> dict[str, Any]:
        return {
            "number": summary.number,
            "received": summary.received.isoformat(),
            "mail_from": summary.mail_from,
            "rcpt_to": summary.rcpt_to,
            "from": summary.sender_header,
            "subject": summary.subject,
            "size": summary.size,
            "url": f"/messages/{summary.number}",
        }

    # shared parts

    def failed(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - how Starlette types a handler
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)
        if request.url.path.startswith("/messages/") or request.url.path == "/":
            return self._page(request, notice=error.detail, status=error.status_code)
        return plain_error(request, error)

    def _received(self, request: Request) -> Received:
        number = request.path_params["n"]
        received = self._mailbox.find(int(number)) if re.fullmatch(r"[0-9]{1,9}", number) else None
        if received is None:
            raise HTTPException(404, "This message is not here. It was emptied, dropped, or never came.")
        return received

    def _find(self, request: Request) -> tuple[Received, Mail]:
        received = self._received(request)
        last = self._last  # cached: a page requests the message, its frame, and each image in it
        mail = last[1] if last and last[0] is received else read_mail(received.data)
        self._last = received, mail
        return received, mail

    def _summary(self, received: Received) -> Summary:
        summary = self._summaries.get(received.number)
        if summary is None:
            summary = self._summaries[received.number] = summarise(received)
        return summary

    def _listing(self, request: Request, selected: int | None) -> dict[str, Any]:
        """The list on the left: one page of the filtered mail, newest first."""
        search = request.query_params.get("q", "").strip()
        words = search.casefold().split()
        messages = self._mailbox.messages()[::-1]
        found = [m for m in messages if not words or self._summary(m).matches(words)]
        numbers = [m.number for m in found]
        asked = request.query_params.get("page", "")
        page = int(asked) if re.fullmatch(r"[1-9][0-9]{0,5}", asked) else 1
        if not asked and selected in numbers:
            page = numbers.index(selected) // PAGE_SIZE + 1
        shown = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        return {
            "rows": [self._summary(m) for m in shown],
            "seen": self._seen,
            "selected": selected,
            "search": search,
            "page": page,
            "pages": -(-len(found) // PAGE_SIZE),
            "asked_page": asked,
            "total": len(messages),
            "found": len(found),
            "unread": len(messages) - sum(m.number in self._seen for m in messages),
            "dropped": self._mailbox.dropped,
        }

    def _page(
        self, request: Request, selected: int | None = None, *, notice: str = "", status: int = 200, **more: Any
    ) -> Response:
        smtp = urlsplit(self._smtp_url)
        context = {"revision": self._mailbox.updates.value, "smtp_url": self._smtp_url, "smtp": smtp, "notice": notice}
        return self.render("page.html.j2", context | self._listing(request, selected) | more, status)

    def _when(self, moment: datetime) -> str:
        """The time of day for today's mail, the date for older mail."""
        local, now = moment.astimezone(), self._clock().astimezone()
        if local.date() == now.date():
            return local.strftime("%H:%M")
        return local.strftime("%b %d") if local.year == now.year else local.strftime("%Y-%m-%d")


def _attachment(data: bytes, media_type: str, filename: str, disposition: str = "attachment") -> Response:
    headers = {
        "content-disposition": f"{disposition}; filename*=UTF-8''{quote(filename, safe='')}",
        "content-security-policy": PART_POLICY,
        # The frame that shows these images has an opaque origin, so they are cross-origin to it.
        "cross-origin-resource-policy": "cross-origin",
    }
    return Response(data, media_type=media_type, headers=headers)


def _query(values: Mapping[str, object]) -> str:
    """The query string `?a=b` without empty values; empty if nothing is left."""
    text = urlencode({name: value for name, value in values.items() if value})
    return f"?{text}" if text else ""


def _filesize(count: int) -> str:
    if count < 1024:
        return f"{count}\u00a0B"
    return f"{count / 1024:.0f}\u00a0KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f}\u00a0MB"
