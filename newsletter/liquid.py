"""Jekyll's Liquid, as far as a post needs it, before Markdown sees the text; inside code fences too, as in Jekyll.

Outputs of `site` and `page` with the URL filters, `raw`, `highlight`, `comment`, and conditions on the subscriber. Any
other tag or output is taken out and named in a finding. Line ends stay, so that every line keeps its number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from newsletter.errors import ContentError, located
from newsletter.fields import Condition, parse_condition
from newsletter.model import Finding, Site

_TOKEN = re.compile(r"\{%-?\s*(?P<tag>\w+)(?P<rest>[^%]*(?:%(?!\})[^%]*)*?)-?%\}|\{\{-?(?P<output>[^{}]*)-?\}\}")
_TEXT = re.compile(r"""\s*(?P<quote>["'])(?P<text>.*?)(?P=quote)\s*""", re.DOTALL)
_PATH = re.compile(r"\s*(?P<root>site|page)(?P<path>(?:\.[\w-]+|\[[\"'][^\"']+[\"']\])*)\s*")
_SUBSCRIBER = re.compile(r"\bsubscriber\b")


@dataclass(frozen=True, slots=True)
class Resolved:
    """Markdown without Liquid. `conditions` are all of the text's, chosen or not, in order, each once."""

    text: str
    conditions: tuple[Condition, ...]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Branch:
    """An open `{% if %}`: whether what stands outside is shown, whether a branch was taken, whether this one is."""

    outer: bool
    line: int
    taken: bool
    shown: bool


@dataclass(slots=True)
class _State:
    out: list[str] = field(default_factory=list)
    conditions: dict[str, Condition] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    branches: list[_Branch] = field(default_factory=list)

    @property
    def shown(self) -> bool:
        return not self.branches or self.branches[-1].shown

    def put(self, text: str) -> None:
        """Text that is shown; what is not keeps its line ends only."""
        self.out.append(text if self.shown else "\n" * text.count("\n"))


def resolve_liquid(
    text: str,
    site: Site,
    page: Mapping[str, Any],
    *,
    path: str,
    first_line: int,
    choose: Callable[[Condition], bool],
) -> Resolved:
    """The text as Markdown. `choose` decides each condition on the subscriber. Raises ContentError."""
    if "{%" not in text and "{{" not in text:
        return Resolved(text, (), ())
    state = _State()
    position = 0
    line = first_line
    while found := _TOKEN.search(text, position):
        state.put(text[position : found.start()])
        line += text.count("\n", position, found.start())
        position = found.end()
        if found["tag"] is None:
            state.put(_output(found["output"], site, page, state, line))
            line += found[0].count("\n")
            continue
        tag, rest = found["tag"], found["rest"].strip()
        if tag in ("raw", "comment"):
            end = re.compile(rf"\{{%-?\s*end{tag}\s*-?%\}}").search(text, position)
            if end is None:
                raise ContentError(
                    located(path, line, f"{{% {tag} %}} is never closed", f"write {{% end{tag} %}} after it")
                )
            inner = text[position : end.start()]
            state.put(inner if tag == "raw" else "\n" * inner.count("\n"))
            line += text.count("\n", found.start(), end.end())
            position = end.end()
            continue
        _tag(tag, rest, state, path=path, line=line, choose=choose)
        line += found[0].count("\n")
    state.put(text[position:])
    if state.branches:
        raise ContentError(
            located(path, state.branches[-1].line, "{% if %} is never closed", "write {% endif %} where it ends")
        )
    return Resolved("".join(state.out), tuple(state.conditions.values()), tuple(state.findings))


def _tag(tag: str, rest: str, state: _State, *, path: str, line: int, choose: Callable[[Condition], bool]) -> None:
    match tag:
        case "highlight":
            state.put(f"```{rest.split()[0] if rest else ''}")
        case "endhighlight":
            state.put("```")
        case "if" | "unless" if _SUBSCRIBER.search(rest):
            holds = _decide(rest, state, path, line, choose) is (tag == "if")
            state.branches.append(_Branch(state.shown, line, holds, state.shown and holds))
        case "elsif" | "elif" if state.branches:
            branch = state.branches[-1]
            holds = _decide(rest, state, path, line, choose) and not branch.taken
            branch.shown = branch.outer and holds
            branch.taken = branch.taken or holds
        case "else" if state.branches:
            branch = state.branches[-1]
            branch.shown = branch.outer and not branch.taken
            branch.taken = True
        case "endif" | "endunless" if state.branches:
            state.branches.pop()
        case _:
            what = f"the Liquid tag {{% {tag} %}} means nothing in an email and is taken out"
            state.findings.append(Finding("liquid-tag", what, "write its result, or put it in {% raw %}", line))


def _decide(source: str, state: _State, path: str, line: int, choose: Callable[[Condition], bool]) -> bool:
    key = " ".join(source.split())
    if key not in state.conditions:
        state.conditions[key] = parse_condition(key, line, path)
    return choose(state.conditions[key])


def _output(source: str, site: Site, page: Mapping[str, Any], state: _State, line: int) -> str:
    """What `{{ source }}` prints: a value of the site or the page, or a text, through Jekyll's URL filters."""
    expression, *filters = source.split("|")
    quoted, path = _TEXT.fullmatch(expression), _PATH.fullmatch(expression)
    if quoted:
        value = quoted["text"]
    elif path:
        value = _look_up(site, page, path["root"], re.findall(r"[\w-]+", path["path"]))
        if not value:
            what = f"{{{{ {expression.strip()} }}}} is not set, so nothing stands in its place"
            state.findings.append(Finding("liquid-empty", what, "set it, or take it out", line))
    else:
        what = f"{{{{ {source.strip()[:60]} }}}} means nothing in an email and is taken out"
        remedy = "put it in {% raw %} … {% endraw %} to print it as it is"
        state.findings.append(Finding("liquid-output", what, remedy, line))
        return ""
    for name in filters:
        match name.strip():
            case "relative_url":
                value = f"{site.baseurl.rstrip('/')}/{value.lstrip('/')}"
            case "absolute_url":
                value = f"{site.base}{value.lstrip('/')}" if site.base else value
            case "strip" | "escape" | "xml_escape":
                value = value.strip()
            case "downcase":
                value = value.lower()
            case "upcase":
                value = value.upper()
            case other:
                what = (
                    f"the Liquid filter {other.partition(':')[0].strip()} is not known here; its value is printed bare"
                )
                state.findings.append(Finding("liquid-filter", what, "write the result", line))
    return value


def _look_up(site: Site, page: Mapping[str, Any], root: str, keys: list[str]) -> str:
    value: Any = page if root == "page" else {**site.values, "url": site.url, "baseurl": site.baseurl}
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    if value is None or isinstance(value, Mapping):
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
