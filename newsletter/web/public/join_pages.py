"""The sign-up page: bot protection, rate limits by address and network, the same response to everyone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from time import monotonic

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from newsletter.addresses import fold_address, normalize_address
from newsletter.audience.people.records import Unsubscription
from newsletter.group_commit import GroupCommit
from newsletter.pipeline.mail_queue import MailQueue
from newsletter.web.public.appearance import Appearance
from newsletter.web.public.forms import Age, Form, FormClock, read_form
from newsletter.web.public.membership import Asking, Membership
from newsletter.web.public.page_writer import PageWriter, is_embedded
from newsletter.web.public.rate_limit import Limit, network_of
from newsletter.web.public.request_origin import allowed_site, is_foreign

ANSWER_AFTER_S = 0.25
"""The least duration of a response to a sign-up.

The store's work, a few milliseconds, differs for known addresses: this hides the difference (timing attack).
"""

TRAP = "website"
"""A honeypot field, invisible to humans. Bots that fill in every field fill it in, too."""

DAY_S, HOUR_S = 86_400, 3_600

log = logging.getLogger("newsletter.web")


class JoinPages:
    def __init__(
        self,
        membership: Membership,
        appearance: Appearance,
        writer: PageWriter,
        *,
        clock: Callable[[], datetime],
        commits: GroupCommit[Unsubscription, int],
        outbox: MailQueue,
        answer_after_s: float = ANSWER_AFTER_S,
    ) -> None:
        self._membership = membership
        self._appearance = appearance
        self._writer = writer
        self._clock = clock
        self._commits = commits
        self._outbox = outbox
        self._answer_after_s = answer_after_s
        self._settings = membership.config.settings.serve
        self._name = membership.config.settings.newsletter.name
        self._form_clock = FormClock(membership.config.secrets, "join")
        self._by_address = Limit(self._settings.signups_per_address, DAY_S)
        self._by_network = Limit(self._settings.signups_per_network, HOUR_S)

    async def join(self, request: Request) -> Response:
        if request.method != "POST":
            return await self._page(request, Form({}))
        asked_at = monotonic()
        # Security: the author's own form has no signed time; the limits below and the double opt-in apply to it.
        site = allowed_site(request, self._settings.forms_on) if request.url.path == "/join" else ""
        if not site and is_foreign(request, self._membership.url):
            return await self._page(request, Form({}), status=403, notice="foreign_text")
        form = read_form(await request.body())
        if form.one(TRAP):
            log.info("a sign-up by a program was let go")
            return await self._sent(request, form.one("email"), asked_at, site)
        try:
            address = normalize_address(form.one("email"))
        except ValueError:
            return await self._page(request, form, status=422, fault="bad_address")
        now = self._clock().timestamp()
        match Age.GOOD if site else self._form_clock.age(form.one("t"), now):
            case Age.QUICK:
                # The time is kept, so that pressing again is enough.
                return await self._page(request, form, status=422, notice="too_quick", stamp=form.one("t"))
            case Age.STALE | Age.FORGED:
                return await self._page(request, form, status=422, notice="stale")
            case Age.GOOD:
                pass
        wait_s = self._by_network.take(network_of(request.client.host if request.client else ""), now)
        if wait_s:
            page = self._writer.notice(request, "many_title", "many_text", status=429)
            page.headers["retry-after"] = str(int(wait_s) + 1)
            return page
        # Security: beyond the limit the response is the same, so that it does not reveal earlier sign-ups.
        if self._by_address.take(fold_address(address), now):
            log.info("a sign-up was let go: its address was mailed often enough today")
        else:
            asking = self._asking(request, form, address, site)
            await self._commits.call(partial(self._membership.ask, asking))
            self._outbox.wake()
        return await self._sent(request, address, asked_at, site)

    def _asking(self, request: Request, form: Form, address: str, site: str) -> Asking:
        lang = self._writer.language(request)
        fields = {name: value for name in self._settings.fields if (value := form.one(name))}
        lists = tuple(name for name in form.all("lists") if name in self._settings.lists)
        # The page's own URL, without additions of the visitor.
        source = f"{self._membership.url}{request.url.path}"
        if site:
            # The wording beside the author's own form is known only if [serve] `consent` has it.
            return Asking(address, lang, site, self._settings.consent, fields, lists)
        return Asking(address, lang, source, self._wording(lang), fields, lists)

    async def _sent(self, request: Request, address: str, asked_at: float, site: str) -> Response:
        await asyncio.sleep(max(0.0, asked_at + self._answer_after_s - monotonic()))
        if site and self._settings.thanks_url:
            return RedirectResponse(self._settings.thanks_url, status_code=303)
        return await self._writer.welcoming_page(
            request, "sent.html.j2", address=address, embedded=is_embedded(request)
        )

    async def _page(
        self, request: Request, form: Form, *, status: int = 200, notice: str = "", fault: str = "", stamp: str = ""
    ) -> Response:
        lang = self._writer.language(request)
        return await self._writer.welcoming_page(
            request,
            "join.html.j2",
            status=status,
            form=form,
            notice=notice,
            fault=fault,
            stamp=stamp or self._form_clock.stamp(self._clock().timestamp()),
            wording=self._wording(lang),
            trap=TRAP,
            embedded=is_embedded(request),
            indexed=not is_embedded(request) and request.method == "GET",
        )

    def _wording(self, lang: str) -> str:
        return self._settings.consent or self._appearance.words[lang]["consent"].format(name=self._name)
