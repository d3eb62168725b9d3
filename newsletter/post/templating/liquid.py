"""A subset of Jekyll's Liquid: runs before Markdown, in code fences too.

Supports outputs of `site` and `page` with the URL filters, `raw`, `highlight`, `comment`, and conditions on the
subscriber. Any other tag or output is removed and reported in a finding. Line ends stay, so that line numbers do not
change.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from newsletter.errors import ContentError, located
from newsletter.frozen import frozen
from newsletter.model.findings import Finding
from newsletter.model.issue import Site
from newsletter.post.permalink import post_path
from newsletter.post.templating.code_places import CodePlaces
from newsletter.post.templating.conditions import Condition, parse_condition
from newsletter.post.templating.placeholders import end_tag

_OPENING = re.compile(r"\{%-?\s*(?P<tag>\w+)|\{\{-?(?P<output>[^{}]*?)-?\}\}")
_TEXT = re.compile(r"""\s*(?P<quote>["'])(?P<text>.*?)(?P=quote)\s*""", re.DOTALL)
_PATH = re.compile(r"\s*(?P<root>site|page)(?P<path>(?:\.[\w-]+|\[[\"'][^\"']+[\"']\])*)\s*")
_SUBSCRIBER = re.compile(r"\bsubscriber\b")
_FILTERED = re.compile(r"""(?:"[^"]*"|'[^']*'|[^|"'])+""")
_DATED = re.compile(r"(\d{4})-(\d{2})-(\d{2})-(.+)$")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:|//")
# Tags that have an end and may have an `else`; only `if` and `unless` may test the subscriber.
_BLOCKS = frozenset({"if", "unless", "case", "for", "tablerow", "capture"})

_OWN_TAGS = frozenset({"raw", "comment", "highlight", "post_url", "link", "else", "elsif", "elif", "when"})

MAX_OPEN = 100
"""The deepest nesting of conditions."""


@frozen
class Resolved:
    """Markdown without Liquid. `conditions` are all of the text's, taken or not, in order, without duplicates."""

    text: str
    conditions: tuple[Condition, ...]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Branch:
    """An open block tag: whether its surroundings are shown, whether a branch was taken, whether this one is.

    One without a test of the subscriber is `neutral`: all its content is shown.
    """

    tag: str
    line: int
    outer: bool
    taken: bool
    shown: bool
    neutral: bool


def resolve_liquid(
    text: str,
    site: Site,
    page: Mapping[str, Any],
    *,
    path: str,
    first_line: int,
    choose: Callable[[Condition], bool],
) -> Resolved:
    """Resolve Liquid to Markdown. `choose` decides each condition on the subscriber. Raises ContentError."""
    if "{%" not in text and "{{" not in text:
        return Resolved(text, (), ())
    resolver = _Resolver(text, site, page, path, first_line, choose)
    resolver.run()
    return Resolved("".join(resolver.out), tuple(resolver.conditions.values()), tuple(resolver.findings))


@dataclass(slots=True)
class _Resolver:
    """One pass over a text. `position` is the current offset, `line` the line of the current tag."""

    text: str
    site: Site
    page: Mapping[str, Any]
    path: str
    line: int
    choose: Callable[[Condition], bool]
    position: int = 0
    out: list[str] = field(default_factory=list)
    conditions: dict[str, Condition] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    branches: list[_Branch] = field(default_factory=list)
    no_more_tags: bool = False
    code: CodePlaces | None = None

    def run(self) -> None:
        search_from = 0
        while found := _OPENING.search(self.text, search_from):
            end = found.end()
            if found["tag"] is not None:
                end = end if self.no_more_tags else self.text.find("%}", end) + 2
                if end <= found.end():
                    self.leave_open_tags(found.start())
                    search_from = found.end()
                    continue
            self.put(self.text[self.position : found.start()])
            self.line += self.text.count("\n", self.position, found.start())
            self.position = end
            if found["tag"] is None:
                self.put_output(found)
            elif self.is_foreign(found["tag"]) and self.in_code(found.start()):
                self.put(self.text[found.start() : end])
                self.note_code(f"{{% {found['tag']} %}}")
                self.position = search_from = end
                continue
            else:
                self.tag(found["tag"], self.text[found.end() : end - 2].removesuffix("-").strip())
            newlines = self.text.count("\n", found.start(), end)
            self.put("\n" * newlines)
            self.line += newlines
            search_from = self.position
        self.put(self.text[self.position :])
        self.close_to(0)

    def put(self, text: str) -> None:
        """Append text that is shown; of hidden text only the line ends."""
        shown = not self.branches or self.branches[-1].shown
        self.out.append(text if shown else "\n" * text.count("\n"))

    def fail(self, line: int, what: str, remedy: str) -> ContentError:
        return ContentError(located(self.path, line, what, remedy))

    def note(self, code: str, what: str, remedy: str) -> None:
        self.findings.append(Finding(code, what, remedy, self.line))

    def leave_open_tags(self, start: int) -> None:
        """No tag is closed from here on: take them for text, unless a line shows that a condition was meant."""
        if self.no_more_tags:
            return
        self.no_more_tags = True
        first = self.line + self.text.count("\n", self.position, start)
        for number, line in enumerate(self.text[start:].split("\n"), first):
            if _SUBSCRIBER.search(line.partition("{%")[2]):
                raise self.fail(number, "the Liquid tag is never closed", "write %} at its end")

    def in_code(self, position: int) -> bool:
        if self.code is None:
            self.code = CodePlaces(self.text)
        return position in self.code

    def is_foreign(self, tag: str) -> bool:
        """Whether a tag is unknown, so that inside code it is more likely an example than a mistake."""
        return tag not in _OWN_TAGS and not tag.startswith("end") and tag not in _BLOCKS

    def note_code(self, written: str) -> None:
        what = f"{written} means nothing in an email; inside code it stays as it is written"
        self.note("liquid-code", what, "put it in {% raw %} … {% endraw %}: Jekyll would take it out")

    def put_output(self, found: re.Match[str]) -> None:
        """The output's value; an unknown one stays verbatim inside code, and leaves no empty `<>` elsewhere."""
        noted = len(self.findings)
        shown = self.output(found["output"])
        unknown = any(finding.code == "liquid-output" for finding in self.findings[noted:])
        if unknown and self.in_code(found.start()):
            del self.findings[noted:]
            self.note_code(f"{{{{ {' '.join(found['output'].split())[:60]} }}}}")
            shown = re.sub(r"\n", " ", found[0])
        elif not shown and self.out and self.out[-1].endswith("<") and self.text.startswith(">", self.position):
            self.out[-1] = self.out[-1][:-1]
            self.position += 1
        self.put(shown)

    # --- tags -------------------------------------------------------------------------------------------------------

    def tag(self, tag: str, rest: str) -> None:
        branch = self.branches[-1] if self.branches else None
        about_subscriber = bool(_SUBSCRIBER.search(rest))
        match tag:
            case "raw" | "comment" | "highlight":
                self.verbatim(tag, rest)
            case "post_url" | "link" if rest:
                self.put(self.page_address(tag, rest))
            case "if" | "unless" if about_subscriber:
                holds = self.decide(rest) is (tag == "if")
                shown = branch is None or branch.shown
                self.open(_Branch(tag, self.line, shown, holds, shown and holds, neutral=False))
            case "elsif" | "elif" if branch and not branch.neutral:
                holds = self.decide(rest) and not branch.taken
                branch.shown = branch.outer and holds
                branch.taken = branch.taken or holds
            case "else" if branch and not branch.neutral:
                branch.shown = branch.outer and not branch.taken
                branch.taken = True
            case _ if about_subscriber:
                # Showing everyone what was meant for some would be worse than stopping.
                what = f"{{% {tag} %}} cannot ask for the subscriber"
                raise self.fail(self.line, what, 'write {% if subscriber.COLUMN == "value" %}')
            case _ if tag.startswith("end") and any(each.tag == tag[3:] for each in self.branches):
                self.end(tag)
            case _:
                if tag in _BLOCKS:
                    shown = branch is None or branch.shown
                    self.open(_Branch(tag, self.line, shown, True, shown, neutral=True))
                if not (branch and branch.neutral and tag in ("else", "elsif", "when")):
                    self.note_tag(tag)

    def open(self, branch: _Branch) -> None:
        if len(self.branches) == MAX_OPEN:
            raise self.fail(self.line, f"more than {MAX_OPEN} Liquid tags are open", "close them, or flatten them")
        self.branches.append(branch)

    def end(self, tag: str) -> None:
        index = max(index for index, each in enumerate(self.branches) if each.tag == tag[3:])
        self.close_to(index + 1)
        self.branches.pop()

    def close_to(self, count: int) -> None:
        """Close block tags down to this depth; a condition on the subscriber must have had its end tag."""
        for branch in self.branches[count:]:
            if not branch.neutral:
                what = f"{{% {branch.tag} %}} is never closed"
                raise self.fail(branch.line, what, f"write {{% end{branch.tag} %}} where it ends")
        del self.branches[count:]

    def page_address(self, tag: str, rest: str) -> str:
        """The path of another post or page of the blog, as `relative_url` prints it."""
        name = rest.strip().strip("\"'")
        path = self.site.pages.get(name) or ""
        known = self.site.permalink and not path and tag == "post_url"
        if known and (named := _DATED.match(name.rpartition("/")[2])):
            with suppress(ValueError):  # a name with an invalid date
                day = date(int(named[1]), int(named[2]), int(named[3]))
                path = post_path(self.site.permalink, title=named[4], day=day, categories=())
        if not path:
            what = f"{{% {tag} {name[:60]} %}} names a page whose address is not known, and is taken out"
            self.note("liquid-tag", what, "write its address, or set [site] source to the blog's folder")
            return ""
        return f"{self.site.baseurl.rstrip('/')}/{path.lstrip('/')}"

    def note_tag(self, tag: str) -> None:
        what = f"the Liquid tag {{% {tag} %}} means nothing in an email and is taken out"
        self.note("liquid-tag", what, "write its result, or put it in {% raw %}")

    def decide(self, source: str) -> bool:
        if source not in self.conditions:
            self.conditions[source] = parse_condition(source, self.line, self.path)
        return self.choose(self.conditions[source])

    def verbatim(self, tag: str, rest: str) -> None:
        end = end_tag(tag, self.text, self.position)
        if end is None:
            raise self.fail(self.line, f"{{% {tag} %}} is never closed", f"write {{% end{tag} %}} after it")
        start, self.position = self.position, end.end()
        inner = self.text[start : end.start()]
        match tag:
            case "raw":
                self.put(inner)
            case "comment":
                self.put("\n" * inner.count("\n"))
            case "highlight":
                self.highlight(inner, rest.split()[0] if rest else "")
        self.line += inner.count("\n") + end[0].count("\n")
        self.put("\n" * end[0].count("\n"))

    def highlight(self, code: str, language: str) -> None:
        """A `highlight` block as a code fence, on the same number of lines."""
        longest = max((len(run) for run in re.findall("`+", code)), default=0)
        if "\n" not in code:
            ticks = "`" * (longest + 1)
            self.put(f"{ticks} {code.strip()} {ticks}" if code.strip() else "")
            return
        fence = "`" * max(3, longest + 1)
        before = "" if not code.partition("\n")[0].strip() else "\n"
        after = "" if not code.rpartition("\n")[2].strip("> \t") else "\n"  # a quote's mark stays before the fence
        self.put(f"{fence}{language}{before}{code}{after}{fence}")
        # Compensate each inserted line end by a following blank line, so that later line numbers stay the same.
        for _ in before + after:
            if self.text.startswith("\n\n", self.position):
                self.position += 1
                self.line += 1

    # --- outputs ----------------------------------------------------------------------------------------------------

    def output(self, source: str) -> str:
        """The value of `{{ source }}`: a value of the site or the page, or a literal, through Jekyll's URL filters."""
        expression, *filters = _FILTERED.findall(source) or [""]
        value = self.evaluate(expression)
        if value is None:
            what = f"{{{{ {' '.join(source.split())[:60]} }}}} means nothing in an email and is taken out"
            self.note("liquid-output", what, "put it in {% raw %} … {% endraw %} to print it as it is")
            return ""
        for written in filters:
            name, _, argument = (part.strip() for part in written.partition(":"))
            filtered = self.filtered(value, name, argument)
            if filtered is None:
                what = f"the Liquid filter {name[:40]} is not known here; its value is printed bare"
                self.note("liquid-filter", what, "write the result")
            else:
                value = filtered
        return " ".join(value.split("\n"))

    def filtered(self, value: str, name: str, argument: str) -> str | None:
        match name:
            case "relative_url" if not _ABSOLUTE.match(value):
                return f"{self.site.baseurl.rstrip('/')}/{value.lstrip('/')}"
            case "absolute_url" if not _ABSOLUTE.match(value):
                return f"{self.site.base}{value.lstrip('/')}" if self.site.base else value
            case "relative_url" | "absolute_url":
                return value
            case "prepend" | "append":
                other = self.evaluate(argument)
                if other is None:
                    return None
                return other + value if name == "prepend" else value + other
            case "strip":
                return value.strip()
            case "escape" | "xml_escape":
                return html.escape(value)
            case "downcase":
                return value.lower()
            case "upcase":
                return value.upper()
        return None

    def evaluate(self, expression: str) -> str | None:
        """A literal, or a value of the site or the page, empty if it is not set; None for anything else."""
        if quoted := _TEXT.fullmatch(expression):
            return quoted["text"]
        if not (path := _PATH.fullmatch(expression)):
            return None
        value = self.look_up(path["root"], re.findall(r"[\w-]+", path["path"]))
        if not value and path["path"].strip(".") != "baseurl":  # empty for a site at its host's root
            what = f"{{{{ {expression.strip()} }}}} is not set, so nothing stands in its place"
            self.note("liquid-empty", what, "set it, or take it out")
        return value

    def look_up(self, root: str, keys: list[str]) -> str:
        value: Any = self.page if root == "page" else self.site.values
        if root == "site" and keys in (["url"], ["baseurl"]):
            return self.site.url if keys == ["url"] else self.site.baseurl
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is None or isinstance(value, Mapping):
            return ""
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
