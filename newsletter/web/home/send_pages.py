"""The pages of a send: choose and test, confirm with the number of people, watch it, stop it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from newsletter.errors import BusyError, NewsletterError
from newsletter.web.home.overview import PostRow
from newsletter.web.home.send_order import CHOICES, PlannedSend, SendOrder
from newsletter.web.home.send_room import Progress, SendRoom
from newsletter.web.home.survey import near
from newsletter.web.local_pages import event_stream

MAX_CANARY = 1_000_000


class Pages(Protocol):
    """What these pages need of the home's."""

    def clock(self) -> datetime: ...
    def row_of(self, key: str) -> PostRow: ...
    def show(self, template: str, status: int = 200, **context: object) -> Response: ...
    async def asked(self, request: Request) -> dict[str, str]: ...


class SendPages:
    """Whatever changes something takes a form of this start alone; a send starts from a confirmed plan alone."""

    def __init__(self, pages: Pages, room: SendRoom) -> None:
        self._pages, self._room = pages, room

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            Route("/send/{key}", self.form),
            Route("/send/{key}/test", self.test, methods=["POST"]),
            Route("/send/{key}/plan", self.plan, methods=["POST"]),
            Route("/send/{key}/start", self.start, methods=["POST"]),
            Route("/sending", self.sending),
            Route("/sending/events", self.events),
            Route("/sending/stop", self.stop, methods=["POST"]),
        ]

    # --- choose, and test ---------------------------------------------------------------------------------------------

    def form(self, request: Request) -> Response:
        row = self._pages.row_of(request.path_params["key"])
        lists, segment, error = self._lists(row)
        order = SendOrder(row.key, row.path, lists[:1], segment, choices=_resumes(row), issue=row.state.issue)
        return self._form(row, order, lists, error=error)

    def _form(
        self,
        row: PostRow,
        order: SendOrder,
        lists: tuple[str, ...],
        *,
        error: str = "",
        tested: str = "",
        status: int = 200,
    ) -> Response:
        asked_for = [
            field for field, (option, _) in self._choices().items() if option in error or field in order.choices
        ]
        return self._pages.show(
            "send.html.j2",
            status,
            row=row,
            order=order,
            lists=[(name, _short(name), near(name)) for name in lists],
            choices={field: words for field, (_, words) in self._choices().items()},
            asked_for=asked_for,
            error=error,
            tested=tested,
            progress=self._room.progress,
        )

    def _choices(self) -> Mapping[str, tuple[str, str]]:
        offers = self._room.desk.has_workers()
        return {field: words for field, words in CHOICES.items() if offers or field != "workers"}

    def _lists(self, row: PostRow) -> tuple[tuple[str, ...], str, str]:
        """The lists at hand, the segment of a send that was begun, and why these cannot be told."""
        try:
            return self._room.desk.lists(row.state.issue), self._room.desk.segment(row.state.issue), ""
        except NewsletterError as error:
            return (), "", str(error)

    def _order(self, row: PostRow, fields: Mapping[str, str], lists: tuple[str, ...]) -> SendOrder:
        # Security: a list is one of those that the page offers, never a path of a form's own.
        chosen = tuple(name for number, name in enumerate(lists) if fields.get(f"list{number}"))
        canary = fields.get("canary", "").strip()
        first = frozenset({"first"} if fields.get("first") else ())
        return SendOrder(
            key=row.key,
            post=row.path,
            to=chosen,
            where=fields.get("where", "").strip()[:500],
            canary=min(int(canary), MAX_CANARY) if canary.isascii() and canary.isdecimal() and len(canary) < 9 else 0,
            choices=frozenset(field for field in self._choices() if fields.get(field)) | _resumes(row) | first,
            issue=row.state.issue,
            at=fields.get("at", "").strip()[:60],
        )

    async def test(self, request: Request) -> Response:
        fields = await self._pages.asked(request)
        return await run_in_threadpool(self._tested, request.path_params["key"], fields)

    def _tested(self, key: str, fields: dict[str, str]) -> Response:
        row = self._pages.row_of(key)
        lists, _, _ = self._lists(row)
        order = self._order(row, fields, lists)
        try:
            return self._form(row, order, lists, tested=self._room.desk.test(order, fields.get("address", "")[:320]))
        except NewsletterError as error:
            return self._form(row, order, lists, error=str(error), status=409)

    # --- confirm, and start -------------------------------------------------------------------------------------------

    async def plan(self, request: Request) -> Response:
        fields = await self._pages.asked(request)
        return await run_in_threadpool(self._planned, request.path_params["key"], fields)

    def _planned(self, key: str, fields: dict[str, str]) -> Response:
        row = self._pages.row_of(key)
        lists, _, _ = self._lists(row)
        order = self._order(row, fields, lists)
        if self._room.progress.is_running:
            return self._form(row, order, lists, error="A send is under way; wait for its end.", status=409)
        try:
            planned = self._room.desk.plan(order)
        except NewsletterError as error:
            return self._form(row, order, lists, error=str(error), status=409)
        return self._confirm(row, order, lists, planned)

    def _confirm(self, row: PostRow, order: SendOrder, lists: tuple[str, ...], planned: PlannedSend) -> Response:
        kept = {f"list{number}": "on" for number, name in enumerate(lists) if name in order.to}
        kept |= {"where": order.where, "canary": str(order.canary or ""), "at": planned.at} | {
            field: "on" for field in CHOICES if field in order.choices
        }
        return self._pages.show("confirm.html.j2", row=row, order=order, planned=planned, kept=kept)

    async def start(self, request: Request) -> Response:
        fields = await self._pages.asked(request)
        return await run_in_threadpool(self._started, request.path_params["key"], fields)

    def _started(self, key: str, fields: dict[str, str]) -> Response:
        row = self._pages.row_of(key)
        lists, _, _ = self._lists(row)
        order = self._order(row, fields, lists)
        fingerprint = fields.get("fingerprint", "")
        if not fingerprint:
            return self._form(row, order, lists, error="Confirm the plan first.", status=409)
        try:
            self._room.start(order, fingerprint, row.title, self._pages.clock())
        except BusyError:
            return self._pages.show("sending.html.j2", 409, progress=self._room.progress, busy=True)
        return RedirectResponse("/sending", 303)

    # --- watch, and stop ----------------------------------------------------------------------------------------------

    def sending(self, request: Request) -> Response:
        return self._pages.show("sending.html.j2", progress=self._room.progress, busy=False)

    async def events(self, request: Request) -> Response:
        """Server-Sent Events: the numbers of the send, at once and as they change."""
        # What is so now, since what was published last may be of the send before.
        return event_stream(self._room.updates, lambda _: json.dumps(described(self._room.progress)))

    async def stop(self, request: Request) -> Response:
        await self._pages.asked(request)
        if not self._room.progress.is_running:
            raise HTTPException(409, "No send is under way.")
        await run_in_threadpool(self._room.stop)
        return RedirectResponse("/sending", 303)


def described(progress: Progress) -> dict[str, object]:
    """The numbers for the page's script: no address, no path."""
    names = ("phase", "total", "done", "sent", "deferred", "refused", "wait", "wait_until")
    every = asdict(progress)
    return {name: every[name] for name in names} | {"rate": round(progress.rate, 1), "news": len(progress.news)}


def _resumes(row: PostRow) -> frozenset[str]:
    """A send that was begun goes on with whoever is left, as `newsletter resume` does."""
    return frozenset({"resumes"}) if row.state.kind == "begun" else frozenset()


def _short(name: str) -> str:
    return "Sign-ups" if name == "@signups" else Path(name).name
