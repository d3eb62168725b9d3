"""The pages of a decision about recipients: who is uncertain, and who is tried once more."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from newsletter.errors import BusyError, NewsletterError
from newsletter.web.home.overview import PostRow
from newsletter.web.home.send_order import Again, SendOrder, Standing
from newsletter.web.home.send_pages import Pages
from newsletter.web.home.send_room import SendRoom

TRIED: dict[str, Again] = {"deferred": "deferred", "failed": "failed"}


class SettlePages:
    """Each form names the number that it was shown with, and does nothing where that has changed."""

    def __init__(self, pages: Pages, room: SendRoom) -> None:
        self._pages, self._room = pages, room

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/settle/{key}", self.page),
            Route("/settle/{key}/uncertain", self.uncertain, methods=["POST"]),
            Route("/settle/{key}/again", self.again, methods=["POST"]),
        ]

    def page(self, request: Request) -> Response:
        return self._page(self._pages.row_of(request.path_params["key"]))

    def _page(self, row: PostRow, error: str = "", done: str = "") -> Response:
        try:
            standing = self._room.desk.standing(row.state.issue)
        except NewsletterError as fault:
            standing, error = Standing(), error or str(fault)
        shown = {"row": row, "standing": standing, "error": error, "done": done, "progress": self._room.progress}
        return self._pages.show("settle.html.j2", 409 if error else 200, **shown)

    async def uncertain(self, request: Request) -> Response:
        fields = await self._pages.asked(request)
        return await run_in_threadpool(self._resolved, request.path_params["key"], fields)

    def _resolved(self, key: str, fields: dict[str, str]) -> Response:
        row = self._pages.row_of(key)
        resend = fields.get("what") == "resend"
        if not resend and fields.get("what") != "assume-sent":
            return self._page(row, "Choose what is to become of them.")
        try:
            number = self._room.desk.resolve(row.state.issue, number_of(fields), resend=resend)
        except NewsletterError as error:
            return self._page(row, str(error))
        if resend:  # somebody is left now: the plan of the rest is the next step
            return RedirectResponse(f"/send/{row.key}", 303)
        return self._page(row, done=f"{number:,} counted as sent.")

    async def again(self, request: Request) -> Response:
        fields = await self._pages.asked(request)
        return await run_in_threadpool(self._tried, request.path_params["key"], fields)

    def _tried(self, key: str, fields: dict[str, str]) -> Response:
        row = self._pages.row_of(key)
        again = TRIED.get(fields.get("who", ""))
        if again is None:
            return self._page(row, "Choose who is to be tried again.")
        order = SendOrder(row.key, row.path, issue=row.state.issue, again=again)
        try:
            self._room.start(order, str(number_of(fields)), row.title, self._pages.clock())
        except BusyError:
            return self._pages.show("sending.html.j2", 409, progress=self._room.progress, busy=True)
        return RedirectResponse("/sending", 303)


def number_of(fields: dict[str, str]) -> int:
    """The number of people that a form was shown with; -1, which no number is, without one."""
    number = fields.get("number", "")
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else -1
