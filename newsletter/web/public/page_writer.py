"""Write the public pages: a template in the visitor's language, with the headers of a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup, escape
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from newsletter.archive.latest_issue import LatestIssue
from newsletter.config.settings import Settings
from newsletter.frozen import frozen
from newsletter.model.languages import accepted_languages, choose_language
from newsletter.render.direction import is_rtl_language
from newsletter.web.public.appearance import Appearance
from newsletter.web.public.archive_files import PREFIX
from newsletter.web.security_headers import PUBLIC_POLICY


class PageWriter:
    """`latest_issue` may read files: it is called in a thread."""

    def __init__(
        self,
        settings: Settings,
        appearance: Appearance,
        latest_issue: Callable[[], LatestIssue | None] = lambda: None,
    ) -> None:
        self._latest_issue = latest_issue
        self._newsletter = settings.newsletter
        self._serve = settings.serve
        self._appearance = appearance
        # Security: it goes into a header; a site's address is validated when the configuration is read.
        frames = " ".join(self._serve.embed_on) or "'none'"
        self._embed_policy = PUBLIC_POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {frames}")
        # Security: a logo elsewhere on the web is the one picture that others may see us ask for.
        pictures = f"img-src 'self' {appearance.logo.sources}".strip()
        self._policy = PUBLIC_POLICY.replace("img-src 'self'", pictures)

    def page(self, request: Request, template: str, *, status: int = 200, lang: str = "", **values: object) -> Response:
        lang = lang or self.language(request)
        words = self._appearance.words[lang]
        is_rtl = is_rtl_language(lang)

        def say(key: str, **more: str) -> Markup:
            # Security: the labels are ours, and all values in them are escaped. An address in right-to-left text keeps
            # its own direction.
            tag = Markup('<b dir="auto">{}</b>') if is_rtl else Markup("<b>{}</b>")
            bold = {name: tag.format(value) for name, value in more.items()}
            return escape(words[key]).format(name=self._newsletter.name, **bold)

        defaults = {"embedded": False, "indexed": False, "latest": None, "shared_picture": ""}
        page = self._appearance.jinja.get_template(template).render(
            **{**defaults, **values},
            lang=lang,
            is_rtl=is_rtl,
            words=words,
            say=say,
            query=self._query(request),
            settings=self._serve,
            newsletter=self._newsletter.name,
            look=self._appearance,
            version=self._appearance.version,
        )
        response = Response(page, status, media_type="text/html")
        response.headers["content-language"] = lang
        response.headers["vary"] = "accept-language"
        if not (defaults | values)["indexed"]:
            response.headers["x-robots-tag"] = "noindex, nofollow"
        response.headers["content-security-policy"] = self._policy
        if is_embedded(request):
            response.headers["content-security-policy"] = self._embed_policy
            response.headers["cross-origin-resource-policy"] = "cross-origin"
        return response

    async def welcoming_page(self, request: Request, template: str, **values: Any) -> Response:
        """A page with the latest issue, for who has come to stay."""
        latest = None if is_embedded(request) else await run_in_threadpool(self._latest_issue)
        shown = shown_issue(latest, self._serve.url) if latest else None
        return self.page(
            request,
            template,
            **{
                **values,
                "latest": shown,
                "shared_picture": self._shared_picture(shown),
                "written_in": self._tongue(latest),
            },
        )

    def _shared_picture(self, latest: _Shown | None) -> str:
        """The whole address of the picture where the page is shared; empty without one."""
        path = self._appearance.logo.shared or (latest.picture if latest else "")
        return f"{self._serve.url}{path}" if path else ""

    def _tongue(self, latest: LatestIssue | None) -> tuple[str, str]:
        """The newsletter's language, and what that is called in it; empty where it is not known."""
        lang = self._newsletter.language or (latest.lang if latest else "")
        found = choose_language([lang], self._appearance.words, "") if lang else ""
        return (found, self._appearance.words[found]["written_in"]) if found else ("", "")

    def notice(
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
        return self.page(
            request, "notice.html.j2", status=status, lang=lang, title=title, text=text, again=again, contact=contact
        )

    def language(self, request: Request, own: str = "") -> str:
        accepted = accepted_languages(request.headers.get("accept-language", ""))
        wanted = [tag for tag in (request.query_params.get("lang", ""), own, *accepted) if tag]
        otherwise = self._newsletter.language
        known = self._appearance.words
        return choose_language([*wanted, otherwise], known, "en")

    def _query(self, request: Request) -> str:
        """The query that keeps the language of the URL on the next page."""
        asked = request.query_params.get("lang", "")
        found = choose_language([asked], self._appearance.words, "") if asked else ""
        return f"?lang={found}" if found else ""


@frozen
class _Shown:
    """The latest issue as a page has it: `url` and `picture` are paths of ours, or an address."""

    issue: LatestIssue
    url: str
    picture: str


def shown_issue(latest: LatestIssue, server: str) -> _Shown:
    """Where this server shows the archive itself, a path is enough, whatever name it is called by."""
    here = f"{server}{PREFIX}/{latest.path}"
    url = here.removeprefix(server) if latest.path and latest.url == here else latest.url
    return _Shown(latest, url, f"{PREFIX}/{latest.picture}" if latest.picture else "")


def is_embedded(request: Request) -> bool:
    return request.url.path == "/join/form"
