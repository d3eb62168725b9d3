"""The public pages as an ASGI application: join, confirm, leave, choose.

A GET changes nothing, whoever follows the link: mail scanners open every one. What changes something is a POST, behind
a token that was mailed or, to join, behind a form of our own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import monotonic
from types import MappingProxyType

from markupsafe import Markup, escape
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from newsletter.addresses import fold_address, normalize_address
from newsletter.audience.people.records import Standing, Unsubscription
from newsletter.errors import NewsletterError
from newsletter.group_commit import GroupCommit
from newsletter.model.languages import accepted_languages, choose_language
from newsletter.text import printable
from newsletter.tokens import Link, LinkError, LinkPurpose
from newsletter.web.public.appearance import Appearance
from newsletter.web.public.forms import Age, Form, FormClock, read_form
from newsletter.web.public.gateway import BODY_WITHIN_S, GatewayMiddleware
from newsletter.web.public.mail_queue import MailQueue
from newsletter.web.public.membership import UNDO_WITHIN, Asking, Membership
from newsletter.web.public.rate_limit import Limit, network_of
from newsletter.web.public.request_origin import is_foreign
from newsletter.web.security_headers import PUBLIC_POLICY

ANSWER_AFTER_S = 0.25
"""How long the answer to a sign-up takes at least. The store's work, a few milliseconds, differs for people whom it
knows: this hides by how much."""

TRAP = "website"
"""A field that no person sees. Programs that fill in everything fill it in, too."""

DAY_S, HOUR_S = 86_400, 3_600

Hook = Callable[[Mapping[str, str], bytes], Awaitable[int]]
"""A mail provider's report, its headers by lower-case name and its body -> the status to answer with."""

log = logging.getLogger("newsletter.web")


@dataclass(frozen=True, slots=True)
class Server:
    """What the pages need of the process around them. `hooks` by the provider's name."""

    clock: Callable[[], datetime]
    commits: GroupCommit[Unsubscription, int]
    outbox: MailQueue
    hooks: Mapping[str, Hook] = field(default_factory=lambda: MappingProxyType({}))
    answer_after_s: float = ANSWER_AFTER_S


def web_app(
    membership: Membership, look: Appearance, server: Server, *, body_within_s: float = BODY_WITHIN_S
) -> ASGIApp:
    pages = _Pages(membership, look, server)
    both = ["GET", "POST"]
    app = Starlette(
        routes=[
            Route("/", pages.join),
            Route("/join", pages.join, methods=both),
            Route("/join/form", pages.join, methods=both),
            Route("/c/{token}", pages.confirm, methods=both),
            Route("/u/{token}", pages.leave, methods=both),
            Route("/r/{token}", pages.come_back, methods=both),
            Route("/p/{token}", pages.choose, methods=both),
            Route("/hooks/{provider}", pages.hook, methods=["POST"]),
            Route("/health", pages.health),
            Route("/style.css", pages.style),
            Route("/icon.svg", pages.icon),
        ],
        exception_handlers={
            404: pages.missing,
            405: pages.refused,
            LinkError: pages.bad_link,
            NewsletterError: pages.unavailable,
            500: pages.failed,
        },
    )
    app.router.redirect_slashes = False  # Security: a redirect could be led elsewhere by the Host header
    return GatewayMiddleware(app, pages.one_click, body_within_s=body_within_s)


class _Pages:
    def __init__(self, membership: Membership, look: Appearance, server: Server) -> None:
        self._membership = membership
        self._look = look
        self._server = server
        self._clock = server.clock
        self._commits = server.commits
        self._settings = membership.config.settings.serve
        self._name = membership.config.settings.newsletter.name
        self._contact = membership.config.settings.newsletter.unsubscribe_mailto
        self._form_clock = FormClock(membership.config.secrets, "join")
        self._by_address = Limit(self._settings.signups_per_address, DAY_S)
        self._by_network = Limit(self._settings.signups_per_network, HOUR_S)
        # Security: of a header's own language; a site's address is checked when the configuration is read.
        frames = " ".join(self._settings.embed_on) or "'none'"
        self._embed_policy = PUBLIC_POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {frames}")

    # --- joining ----------------------------------------------------------------------------------------------------

    async def join(self, request: Request) -> Response:
        if request.method != "POST":
            return self._join_page(request, Form({}))
        asked_at = monotonic()
        if is_foreign(request, self._membership.url):
            return self._join_page(request, Form({}), status=403, notice="foreign_text")
        form = read_form(await request.body())
        if form.one(TRAP):
            log.info("a sign-up by a program was let go")
            return await self._sent(request, form.one("email"), asked_at)
        try:
            address = normalize_address(form.one("email"))
        except ValueError:
            return self._join_page(request, form, status=422, fault="bad_address")
        now = self._clock().timestamp()
        match self._form_clock.age(form.one("t"), now):
            case Age.QUICK:
                # The time stays as it was, so that pressing once more is enough.
                return self._join_page(request, form, status=422, notice="too_quick", stamp=form.one("t"))
            case Age.STALE | Age.FORGED:
                return self._join_page(request, form, status=422, notice="stale")
            case Age.GOOD:
                pass
        wait_s = self._by_network.take(network_of(request.client.host if request.client else ""), now)
        if wait_s:
            page = self._notice(request, "many_title", "many_text", status=429)
            page.headers["retry-after"] = str(int(wait_s) + 1)
            return page
        # Security: beyond the limit the same answer, so that nobody learns who asked before.
        if self._by_address.take(fold_address(address), now):
            log.info("a sign-up was let go: its address was mailed often enough today")
        else:
            asking = self._asking(request, form, address)
            self._server.outbox.put(await self._commits.call(partial(self._membership.ask, asking)))
        return await self._sent(request, address, asked_at)

    def _asking(self, request: Request, form: Form, address: str) -> Asking:
        lang = self._language(request)
        fields = {name: value for name in self._settings.fields if (value := form.one(name))}
        lists = tuple(name for name in form.all("lists") if name in self._settings.lists)
        # The page's own address, without what a visitor may have put behind it.
        source = f"{self._membership.url}{request.url.path}"
        return Asking(address, lang, source, self._wording(lang), fields, lists)

    async def _sent(self, request: Request, address: str, asked_at: float) -> Response:
        await asyncio.sleep(max(0.0, asked_at + self._server.answer_after_s - monotonic()))
        return self._page(request, "sent.html.j2", address=address, embedded=_is_embedded(request))

    def _join_page(
        self, request: Request, form: Form, *, status: int = 200, notice: str = "", fault: str = "", stamp: str = ""
    ) -> Response:
        lang = self._language(request)
        return self._page(
            request,
            "join.html.j2",
            status=status,
            form=form,
            notice=notice,
            fault=fault,
            stamp=stamp or self._form_clock.stamp(self._clock().timestamp()),
            wording=self._wording(lang),
            trap=TRAP,
            embedded=_is_embedded(request),
            indexed=not _is_embedded(request) and request.method == "GET",
        )

    def _wording(self, lang: str) -> str:
        return self._settings.consent or self._look.words[lang]["consent"].format(name=self._name)

    async def confirm(self, request: Request) -> Response:
        link = self._link(request, "confirm")
        if request.method != "POST":
            return await self._question(request, link, "confirm")
        if is_foreign(request, self._membership.url):
            return await self._question(request, link, "confirm", status=403)
        standing, letter = await self._commits.call(partial(self._membership.confirm, link))
        if letter is not None:
            self._server.outbox.put(letter)
        lang = await self._language_of(request, link.address)
        if standing is not Standing.CONFIRMED:
            return self._notice(request, "used_title", "used_text", lang=lang, again=True)
        return self._page(
            request, "done.html.j2", lang=lang, address=link.address, choose_url=self._choose_url(link.address)
        )

    # --- leaving ----------------------------------------------------------------------------------------------------

    async def one_click(self, token: str) -> None:
        """RFC 8058: on disk when it returns; a token that is none of ours changes nothing."""
        try:
            link = self._membership.read("unsubscribe", token)
        except LinkError:
            return
        await self._commits.commit(Unsubscription(link.address, "one-click", link.issue))

    async def leave(self, request: Request) -> Response:
        link = self._link(request, "unsubscribe")
        if request.method != "POST":
            return await self._question(request, link, "leave", action="?page", less=True)
        await self._commits.commit(Unsubscription(link.address, f"{self._membership.url}/u", link.issue))
        lang = await self._language_of(request, link.address)
        undo = self._membership.link("undo", link.address, issue=link.issue, within=UNDO_WITHIN)
        return self._page(
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
        return self._page(
            request, "back.html.j2", lang=lang, address=link.address, choose_url=self._choose_url(link.address)
        )

    # --- choosing ---------------------------------------------------------------------------------------------------

    async def choose(self, request: Request) -> Response:
        link = self._link(request, "preferences")
        saved = request.method == "POST" and not is_foreign(request, self._membership.url)
        if saved:
            form = read_form(await request.body())
            step = partial(
                self._membership.choose,
                link.address,
                lists=[name for name in self._settings.lists if name in form.all("lists")],
                weekly=form.one("often") == "weekly",
                pause=form.one("pause") == "yes",
            )
        else:
            step = partial(self._membership.choice, link.address)
        choice = await self._commits.call(step)
        return self._page(
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

    # --- for machines -----------------------------------------------------------------------------------------------

    async def hook(self, request: Request) -> Response:
        hook = self._server.hooks.get(request.path_params["provider"])
        if hook is None:
            raise HTTPException(404)
        status = await hook(dict(request.headers), await request.body())
        return PlainTextResponse("" if status == 200 else "refused\n", status)

    async def health(self, request: Request) -> Response:
        await self._commits.call(partial(self._membership.person, ""))  # raises where the store cannot be read
        return JSONResponse({"status": "ok", "mails_waiting": self._server.outbox.waiting})

    async def style(self, request: Request) -> Response:
        return self._asset(self._look.style, "text/css")

    async def icon(self, request: Request) -> Response:
        return self._asset(self._look.icon, "image/svg+xml")

    def _asset(self, content: bytes, media_type: str) -> Response:
        return Response(content, media_type=media_type, headers={"cache-control": "public, max-age=86400"})

    # --- what went wrong --------------------------------------------------------------------------------------------

    def bad_link(self, request: Request, error: Exception) -> Response:
        if isinstance(error, LinkError) and error.expired:
            return self._notice(request, "expired_title", "expired_text", status=410, again=True)
        return self._notice(request, "bad_title", "bad_text", status=404, contact=self._contact)

    def missing(self, request: Request, error: Exception) -> Response:
        return self._notice(request, "missing_title", status=404)

    def refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - how Starlette types a handler
        return PlainTextResponse("This page does not take that.\n", error.status_code, headers=error.headers)

    def unavailable(self, request: Request, error: Exception) -> Response:
        """The store cannot be written: the operator's to mend, by what the log says."""
        log.error("%s", printable(str(error)))
        return self._notice(request, "error_title", "error_text", status=503)

    def failed(self, request: Request, error: Exception) -> Response:
        return self._notice(request, "error_title", "error_text", status=500)

    # --- what they share --------------------------------------------------------------------------------------------

    def _link(self, request: Request, purpose: LinkPurpose) -> Link:
        return self._membership.read(purpose, request.path_params["token"])

    async def _question(
        self, request: Request, link: Link, what: str, *, action: str = "", less: bool = False, status: int = 200
    ) -> Response:
        """A page with one button."""
        return self._page(
            request,
            "question.html.j2",
            status=status,
            lang=await self._language_of(request, link.address),
            what=what,
            address=link.address,
            action=request.url.path + action,
            choose_url=self._choose_url(link.address) if less else "",
        )

    def _notice(
        self,
        request: Request,
        title: str,
        text: str = "",
        *,
        status: int = 200,
        lang: str = "",
        again: bool = False,
        contact: str = "",
    ) -> Response:
        return self._page(
            request, "notice.html.j2", status=status, lang=lang, title=title, text=text, again=again, contact=contact
        )

    def _page(
        self, request: Request, template: str, *, status: int = 200, lang: str = "", **values: object
    ) -> Response:
        lang = lang or self._language(request)
        words = self._look.words[lang]

        def say(key: str, **more: str) -> Markup:
            # Security: words are ours, everything put into them is escaped.
            bold = {name: Markup("<b>{}</b>").format(value) for name, value in more.items()}
            return escape(words[key]).format(name=self._name, **bold)

        defaults = {"embedded": False, "indexed": False}
        page = self._look.jinja.get_template(template).render(
            **{**defaults, **values},
            lang=lang,
            words=words,
            say=say,
            query=self._query(request),
            settings=self._settings,
            newsletter=self._name,
            version=self._look.version,
        )
        response = Response(page, status, media_type="text/html")
        response.headers["content-language"] = lang
        response.headers["vary"] = "accept-language"
        if not (defaults | values)["indexed"]:
            response.headers["x-robots-tag"] = "noindex, nofollow"
        if _is_embedded(request):
            response.headers["content-security-policy"] = self._embed_policy
            response.headers["cross-origin-resource-policy"] = "cross-origin"
        return response

    # --- the reader's language --------------------------------------------------------------------------------------

    async def _language_of(self, request: Request, address: str) -> str:
        """The one that the page's address names, else the person's own, else what their browser asks for."""
        person = await self._commits.call(partial(self._membership.person, address))
        return self._language(request, person.lang if person else "")

    def _language(self, request: Request, own: str = "") -> str:
        accepted = accepted_languages(request.headers.get("accept-language", ""))
        wanted = [tag for tag in (request.query_params.get("lang", ""), own, *accepted) if tag]
        otherwise = self._membership.config.settings.newsletter.language
        known = self._look.words
        return choose_language([*wanted, otherwise], known, "en")

    def _query(self, request: Request) -> str:
        """What the next page needs to speak the same language, where the address says which."""
        asked = request.query_params.get("lang", "")
        found = choose_language([asked], self._look.words, "") if asked else ""
        return f"?lang={found}" if found else ""


def _is_embedded(request: Request) -> bool:
    return request.url.path == "/join/form"
