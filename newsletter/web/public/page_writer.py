"""Write the public pages: a template in the visitor's language, with the headers of a page."""

from __future__ import annotations

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from newsletter.config.settings import Settings
from newsletter.model.languages import accepted_languages, choose_language
from newsletter.render.direction import is_rtl_language
from newsletter.web.public.appearance import Appearance
from newsletter.web.security_headers import PUBLIC_POLICY


class PageWriter:
    def __init__(self, settings: Settings, appearance: Appearance) -> None:
        self._newsletter = settings.newsletter
        self._serve = settings.serve
        self._appearance = appearance
        # Security: it goes into a header; a site's address is validated when the configuration is read.
        frames = " ".join(self._serve.embed_on) or "'none'"
        self._embed_policy = PUBLIC_POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {frames}")

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

        defaults = {"embedded": False, "indexed": False}
        page = self._appearance.jinja.get_template(template).render(
            **{**defaults, **values},
            lang=lang,
            is_rtl=is_rtl,
            words=words,
            say=say,
            query=self._query(request),
            settings=self._serve,
            newsletter=self._newsletter.name,
            version=self._appearance.version,
        )
        response = Response(page, status, media_type="text/html")
        response.headers["content-language"] = lang
        response.headers["vary"] = "accept-language"
        if not (defaults | values)["indexed"]:
            response.headers["x-robots-tag"] = "noindex, nofollow"
        if is_embedded(request):
            response.headers["content-security-policy"] = self._embed_policy
            response.headers["cross-origin-resource-policy"] = "cross-origin"
        return response

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


def is_embedded(request: Request) -> bool:
    return request.url.path == "/join/form"
