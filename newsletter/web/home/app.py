"""The home's routes. A post is named by a key that its listing knows, never by a path."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from newsletter.web.home.ledger_numbers import report_page, stats_of
from newsletter.web.home.open_posts import OpenPosts
from newsletter.web.home.overview import Overview, PostRow
from newsletter.web.home.send_pages import SendPages
from newsletter.web.home.send_room import SendRoom
from newsletter.web.home.settle_pages import SettlePages
from newsletter.web.home.survey import Survey
from newsletter.web.live_updates import LiveUpdates
from newsletter.web.local_only import asked_by_own_page
from newsletter.web.local_pages import SHARED_ASSETS, LocalPages, event_stream, local_app
from newsletter.web.preview.app import PREVIEW_ERRORS, prose
from newsletter.web.public.archive_files import ArchiveFiles

ASSETS = SHARED_ASSETS | {"style.css": "text/css", "home.js": "text/javascript"}
MAX_FORM_BYTES = 16_384

OWN_PAGE_POLICY = "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""For the report and the numbers, which are whole pages with their own style, and no script."""


def home_app(
    survey: Survey,
    posts: OpenPosts,
    changes: LiveUpdates[int],
    room: SendRoom | None,
    *,
    host: str,
    guard: Callable[[ASGIApp], ASGIApp],
    clock: Callable[[], datetime],
) -> ASGIApp:
    """The pages, behind `guard`; without a room nothing can be sent from them."""
    pages = HomePages(survey, posts, changes, room, clock)
    sends = [*SendPages(pages, room).routes, *SettlePages(pages, room).routes] if room is not None else []
    return local_app([*sends, *pages.routes], host, PREVIEW_ERRORS, guard)


class HomePages(LocalPages):
    """The endpoints. The synchronous ones run in Starlette's threads."""

    def __init__(
        self,
        survey: Survey,
        posts: OpenPosts,
        changes: LiveUpdates[int],
        room: SendRoom | None,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__("home", ASSETS, prose=prose)
        self._survey, self._posts, self._changes, self._room = survey, posts, changes, room
        self.clock = clock
        self._token = secrets.token_urlsafe(24)
        self._seen: Overview | None = None

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self.home),
            Route("/assets/{name}", self.asset),
            Route("/favicon.ico", self.no_icon),
            Route("/events", self.events),
            Route("/doctor", self.doctor, methods=["POST"]),
            Route("/stats", self.stats),
            Route("/report/{issue}", self.report),
            Route("/archive", self.archive),
            Route("/archive/{path:path}", self.archive),
            Route("/post/{key}", self.post_without_slash),
            Mount("/post/{key}", self.post),
        ]

    # --- the page

    def home(self, request: Request) -> Response:
        self._seen = overview = self._survey.read(self.clock())
        return self.show("page.html.j2", overview=overview, room=self._room)

    def show(self, template: str, status: int = 200, **context: object) -> Response:
        response = self.render(template, {"token": self._token, **context}, status)
        # With "no-referrer" a browser would send a form's origin as null, and the check of it could not hold.
        response.headers["referrer-policy"] = "same-origin"
        return response

    def no_icon(self, request: Request) -> Response:
        """Of the report and the numbers, which name none."""
        return Response(status_code=204)

    async def events(self, request: Request) -> Response:
        """Server-Sent Events: a number that grows when the page would look otherwise."""
        return event_stream(self._changes, str)

    # --- posts --------------------------------------------------------------------------------------------------------

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        row = await run_in_threadpool(self.row_of, scope["path_params"]["key"])
        await (await self._posts.router(row.key, row.path))(scope, receive, send)

    async def post_without_slash(self, request: Request) -> Response:
        # A path of ours alone: the Host header has no say in where it leads.
        row = await run_in_threadpool(self.row_of, request.path_params["key"])
        return RedirectResponse(f"/post/{row.key}/", 308)

    def row_of(self, key: str) -> PostRow:
        """The post of this key. Security: keys are looked up, so that none leads out of the folder."""
        found = self._seen.by_key.get(key) if self._seen is not None else None
        if found is None:
            self._seen = self._survey.read(self.clock())
            found = self._seen.by_key.get(key)
        if found is None or found.is_outside:
            raise HTTPException(404, "There is no such post.")
        return found

    # --- numbers ------------------------------------------------------------------------------------------------------

    def report(self, request: Request) -> Response:
        page = report_page(self._survey.config(), request.path_params["issue"], self.clock())
        if page is None:
            raise HTTPException(404, "The ledger has no such issue.")
        return self._own_page(page)

    def stats(self, request: Request) -> Response:
        page = stats_of(self._survey.config(), self.clock())
        if page is None:
            return self.show("notice.html.j2", 404, title="No numbers yet", words="Nothing was sent from here.")
        return self._own_page(page)

    @staticmethod
    def _own_page(page: str) -> Response:
        return Response(page, media_type="text/html", headers={"content-security-policy": OWN_PAGE_POLICY})

    async def archive(self, request: Request) -> Response:
        folder = self._survey.config().archive_folder
        if folder is None:
            raise HTTPException(404, "newsletter.toml names no [archive] dir.")
        files = ArchiveFiles(folder)
        return await (files.file(request) if "path" in request.path_params else files.front(request))

    # --- what changes something ---------------------------------------------------------------------------------------

    async def doctor(self, request: Request) -> Response:
        """Ask the relay, the DNS and the web: nothing leaves the machine unasked."""
        await self.asked(request)
        verdicts = await run_in_threadpool(self._survey.examine, self.clock())
        return self.show("doctor.html.j2", verdicts=verdicts)

    async def asked(self, request: Request) -> dict[str, str]:
        """The fields of a form of ours. HTTPException for any other page's, and without this start's token."""
        if not asked_by_own_page(request.headers):
            raise HTTPException(403, "Only the home page itself may ask for this.")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_BYTES:
                raise HTTPException(413, "That is too much for a form.")
        fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=50))
        # Security: another program's page on this machine may share our origin's name, and never this start's token.
        if not secrets.compare_digest(fields.pop("token", "").encode(), self._token.encode()):
            raise HTTPException(403, "This page is of an earlier start; go back to the first page, and try again.")
        return fields
