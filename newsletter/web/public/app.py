"""The public pages as an ASGI application: join, confirm, leave, choose.

A GET changes nothing about a reader, since mail scanners open every link; it may add to the total of a counted one.
Changes need a POST, authorized by a mailed token or, to join, by our own form.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from datetime import datetime
from functools import partial
from types import MappingProxyType

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from newsletter.audience.people.records import SignUpState, Unsubscription, frequency_of
from newsletter.errors import NewsletterError
from newsletter.frozen import frozen
from newsletter.group_commit import GroupCommit
from newsletter.pipeline.mail_queue import MailQueue
from newsletter.text import printable
from newsletter.tokens import Link, LinkError, LinkPurpose
from newsletter.web.public.appearance import Appearance
from newsletter.web.public.archive_files import ArchiveFiles
from newsletter.web.public.feedback_pages import FeedbackPages
from newsletter.web.public.forms import read_form
from newsletter.web.public.gateway import BODY_WITHIN_S, GatewayMiddleware
from newsletter.web.public.join_pages import ANSWER_AFTER_S, JoinPages
from newsletter.web.public.link_pages import LinkPages
from newsletter.web.public.membership import UNDO_WITHIN, Membership
from newsletter.web.public.page_writer import PageWriter
from newsletter.web.public.request_origin import is_foreign

Hook = Callable[[Mapping[str, str], bytes], Awaitable[int]]
"""A mail provider's webhook: its headers by lower-case name and its body -> the HTTP status of the response."""

log = logging.getLogger("newsletter.web")


@frozen
class Server:
    """The pages' dependencies in the process. `hooks` are keyed by provider."""

    clock: Callable[[], datetime]
    commits: GroupCommit[Unsubscription, int]
    outbox: MailQueue
    links: LinkPages
    hooks: Mapping[str, Hook] = field(default_factory=lambda: MappingProxyType({}))
    answer_after_s: float = ANSWER_AFTER_S


def web_app(
    membership: Membership, appearance: Appearance, server: Server, *, body_within_s: float = BODY_WITHIN_S
) -> ASGIApp:
    writer = PageWriter(membership.config.settings, appearance, membership.latest_issue)
    pages = _Pages(membership, appearance, writer, server)
    joining = JoinPages(
        membership,
        appearance,
        writer,
        clock=server.clock,
        commits=server.commits,
        outbox=server.outbox,
        answer_after_s=server.answer_after_s,
    )
    feedback = FeedbackPages(membership, writer, server.commits)
    both = ["GET", "POST"]
    app = Starlette(
        routes=[
            Route("/", joining.join),
            Route("/join", joining.join, methods=both),
            Route("/join/form", joining.join, methods=both),
            Route("/c/{token}", pages.confirm, methods=both),
            Route("/u/{token}", pages.leave, methods=both),
            Route("/r/{token}", pages.come_back, methods=both),
            Route("/p/{token}", pages.choose, methods=both),
            Route("/f/{issue}/{answer}", feedback.vote, methods=both),
            Route("/l/{code}", server.links.follow),
            Route("/hooks/{provider}", pages.hook, methods=["POST"]),
            Route("/health", pages.health),
            Route("/style.css", pages.style),
            Route("/icon.svg", pages.icon),
            Route("/look/{name}", pages.look),
            *(ArchiveFiles(folder).routes if (folder := membership.config.archive_folder) else ()),
        ],
        exception_handlers={
            404: pages.missing,
            405: pages.refused,
            LinkError: pages.bad_link,
            NewsletterError: pages.unavailable,
            500: pages.failed,
        },
    )
    app.router.redirect_slashes = False  # Security: the Host header could redirect elsewhere
    return GatewayMiddleware(app, pages.one_click, body_within_s=body_within_s)


class _Pages:
    def __init__(self, membership: Membership, appearance: Appearance, writer: PageWriter, server: Server) -> None:
        self._membership = membership
        self._appearance = appearance
        self._server = server
        self._commits = server.commits
        self._settings = membership.config.settings.serve
        self._contact = membership.config.settings.newsletter.unsubscribe_mailto
        self._writer = writer

    # --- sign-up ----------------------------------------------------------------------------------------------------

    async def confirm(self, request: Request) -> Response:
        link = self._link(request, "confirm")
        if request.method != "POST":
            return await self._question(request, link, "confirm")
        if is_foreign(request, self._membership.url):
            return await self._question(request, link, "confirm", status=403)
        state = await self._commits.call(partial(self._membership.confirm, link))
        self._server.outbox.wake()
        lang = await self._language_of(request, link.address)
        if state is not SignUpState.CONFIRMED:
            return self._writer.notice(request, "used_title", "used_text", lang=lang, again=True)
        return await self._writer.welcoming_page(
            request, "done.html.j2", lang=lang, address=link.address, choose_url=self._choose_url(link.address)
        )

    # --- unsubscribe ------------------------------------------------------------------------------------------------

    async def one_click(self, token: str) -> None:
        """RFC 8058: on disk when it returns; an invalid token changes nothing."""
        try:
            link = self._membership.read("unsubscribe", token)
        except LinkError:
            return
        await self._commits.commit(Unsubscription(link.address, "one-click", link.issue))

    async def leave(self, request: Request) -> Response:
        link = self._link(request, "unsubscribe")
        if request.method != "POST":
            return await self._question(request, link, "leave", action="?page", less=True)
        source, goodbye = f"{self._membership.url}/u", self._settings.goodbye
        await self._commits.commit(Unsubscription(link.address, source, link.issue, goodbye=goodbye))
        self._server.outbox.wake()
        lang = await self._language_of(request, link.address)
        undo = self._membership.link("undo", link.address, issue=link.issue, within=UNDO_WITHIN)
        return self._writer.page(
            request,
            "left.html.j2",
            lang=lang,
            address=link.address,
            undo_url=f"/r/{undo}",
            choose_url=self._choose_url(link.address),
        )

    async def come_back(self, request: Request) -> Response:
        link = self._link(request, "undo")
        if request.method != "POST" or is_foreign(request, self._membership.url):
            return await self._question(request, link, "undo")
        await self._commits.call(partial(self._membership.come_back, link))
        lang = await self._language_of(request, link.address)
        return self._writer.page(
            request, "back.html.j2", lang=lang, address=link.address, choose_url=self._choose_url(link.address)
        )

    # --- preferences ------------------------------------------------------------------------------------------------

    async def choose(self, request: Request) -> Response:
        link = self._link(request, "preferences")
        saved = request.method == "POST" and not is_foreign(request, self._membership.url)
        if saved:
            form = read_form(await request.body())
            step = partial(
                self._membership.choose,
                link.address,
                lists=[name for name in self._settings.lists if name in form.all("lists")],
                often=frequency_of(form.one("often")),
                pause=form.one("pause") == "yes",
            )
        else:
            step = partial(self._membership.choice, link.address)
        choice = await self._commits.call(step)
        return self._writer.page(
            request,
            "choose.html.j2",
            lang=await self._language_of(request, link.address),
            address=link.address,
            choice=choice,
            saved=saved,
            leave_url=f"/u/{self._membership.link('unsubscribe', link.address)}",
        )

    def _choose_url(self, address: str) -> str:
        return f"/p/{self._membership.link('preferences', address)}"

    # --- machine endpoints ------------------------------------------------------------------------------------------

    async def hook(self, request: Request) -> Response:
        hook = self._server.hooks.get(request.path_params["provider"])
        if hook is None:
            raise HTTPException(404)
        status = await hook(dict(request.headers), await request.body())
        return PlainTextResponse("" if status == 200 else "refused\n", status)

    async def health(self, request: Request) -> Response:
        waiting = await self._commits.call(self._membership.letters_waiting)  # raises if the store is unreadable
        return JSONResponse({"status": "ok", "mails_waiting": waiting})

    async def style(self, request: Request) -> Response:
        return self._asset(self._appearance.style, "text/css")

    async def icon(self, request: Request) -> Response:
        return self._asset(self._appearance.icon, "image/svg+xml")

    async def look(self, request: Request) -> Response:
        asset = self._appearance.logo.assets.get(request.url.path)
        if asset is None:
            raise HTTPException(404)
        # Where the page is shared its picture is shown by others.
        open_to_all = (
            {"cross-origin-resource-policy": "cross-origin"} if asset.path == self._appearance.logo.shared else {}
        )
        headers = {"cache-control": "public, max-age=31536000, immutable", **open_to_all}
        return Response(asset.data, media_type=asset.media_type, headers=headers)

    def _asset(self, content: bytes, media_type: str) -> Response:
        return Response(content, media_type=media_type, headers={"cache-control": "public, max-age=86400"})

    # --- errors -----------------------------------------------------------------------------------------------------

    def bad_link(self, request: Request, error: Exception) -> Response:
        if isinstance(error, LinkError) and error.expired:
            return self._writer.notice(request, "expired_title", "expired_text", status=410, again=True)
        return self._writer.notice(request, "bad_title", "bad_text", status=404, contact=self._contact)

    def missing(self, request: Request, error: Exception) -> Response:
        return self._writer.notice(request, "missing_title", status=404)

    def refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - how Starlette types a handler
        return PlainTextResponse("This page does not take that.\n", error.status_code, headers=error.headers)

    def unavailable(self, request: Request, error: Exception) -> Response:
        """The store cannot be written: the operator has to fix it, by the log's message."""
        log.error("%s", printable(str(error)))
        return self._writer.notice(request, "error_title", "error_text", status=503)

    def failed(self, request: Request, error: Exception) -> Response:
        return self._writer.notice(request, "error_title", "error_text", status=500)

    # --- shared parts -----------------------------------------------------------------------------------------------

    def _link(self, request: Request, purpose: LinkPurpose) -> Link:
        return self._membership.read(purpose, request.path_params["token"])

    async def _question(
        self, request: Request, link: Link, what: str, *, action: str = "", less: bool = False, status: int = 200
    ) -> Response:
        """A page with one button."""
        return self._writer.page(
            request,
            "question.html.j2",
            status=status,
            lang=await self._language_of(request, link.address),
            what=what,
            address=link.address,
            action=request.url.path + action,
            choose_url=self._choose_url(link.address) if less else "",
        )

    async def _language_of(self, request: Request, address: str) -> str:
        """The language in the page's URL, else the subscriber's own, else the browser's."""
        person = await self._commits.call(partial(self._membership.person, address))
        return self._writer.language(request, person.lang if person else "")
