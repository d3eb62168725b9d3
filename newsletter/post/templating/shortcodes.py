"""Resolve Hugo's shortcodes and MDX's code in a post, to Markdown if their output is known.

Line ends stay, so that line numbers do not change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from newsletter.frozen import frozen
from newsletter.model.findings import Finding

_SHORTCODE = re.compile(r"\{\{(?P<mark>[<%])(?P<body>(?:\"[^\"]*\"|`[^`]*`|(?!\{\{[<%])[^\"`])*?)[>%]\}\}")
_PARAMETER = re.compile(r"(?:(\w+)\s*=\s*)?(?:\"((?:[^\"\\]|\\.)*)\"|`([^`]*)`|([^\s\"`]+))")
_HIGHLIGHT = re.compile(
    r"(\{\{[<%])\s*highlight\b((?:(?!\{\{)[^>%])*)([>%]\}\})((?:(?!\{\{[<%]\s*highlight\b).)*?)\{\{[<%]\s*/\s*highlight\s*[>%]\}\}",
    re.DOTALL,
)
_FENCE = re.compile(r"[> \t]*(`{3,}|~{3,})")
_MODULE_LINE = re.compile(
    r"import\s+(?:[\w*{$][^;]*?\sfrom\s+)?['\"][^'\"]+['\"];?[ \t]*$|export\s+(?:const|let|default|function)\b.*$"
)
_OPEN_IMPORT = re.compile(r"import\s+(?:\w+\s*,\s*)?\{[^}'\"]*$")
_JSX_COMMENT = re.compile(r"\{/\*(?:(?!\{/\*).)*?\*/\}", re.DOTALL)


@frozen
class Unwrapped:
    text: str
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Notes:
    first_line: int
    findings: list[Finding] = field(default_factory=list)

    def add(self, code: str, what: str, remedy: str, index: int) -> None:
        self.findings.append(Finding(code, what, remedy, self.first_line + index))


def resolve_shortcodes(text: str, *, path: str, first_line: int) -> Unwrapped:
    """The text without shortcodes, imports and exports; removed ones are named in the findings."""
    notes = _Notes(first_line)
    if path.endswith(".mdx") or re.match(r"\s*(?:import|export)\s", text):
        text = _without_modules(text, notes, is_mdx=path.endswith(".mdx"))
    if "{/*" in text:
        text = _without_comments(text, is_mdx=path.endswith(".mdx"))
    if "{{<" in text or "{{%" in text:
        text = _HIGHLIGHT.sub(_fence, text)
        text = _without_shortcodes(text, notes)
    return Unwrapped(text, tuple(notes.findings))


# --- shortcodes -----------------------------------------------------------------------------------------------------


def _fence(found: re.Match[str]) -> str:
    words = found[2].split()
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", found[4])), default=0))
    code = found[4] if found[4].startswith("\n") else "\n" + found[4]
    return f"{ticks}{words[0] if words else ''}{code.rstrip()}\n{ticks}"


def _lines_of_code(lines: Iterable[str]) -> list[bool]:
    """Of each line, whether it is in a fence or begins or ends one."""
    in_code: list[bool] = []
    fence = ""
    for line in lines:
        marks = _FENCE.match(line)
        in_code.append(bool(fence) or bool(marks))
        if marks:
            fence = marks[1] if not fence else "" if marks[1].startswith(fence) else fence
    return in_code


def _without_shortcodes(text: str, notes: _Notes) -> str:
    in_code = _lines_of_code(text.split("\n"))

    def replaced(found: re.Match[str]) -> str:
        index = text.count("\n", 0, found.start())
        body = found["body"].strip()
        if body.startswith("/*") and body.endswith("*/"):  # written to be shown
            ending = ">" if found["mark"] == "<" else "%"
            return f"{{% raw %}}{{{{{found['mark']} {body[2:-2].strip()} {ending}}}}}{{% endraw %}}"
        if in_code[index]:
            return found[0]
        shown = _shown(body, found["mark"], notes, index)
        return shown + "\n" * found[0].count("\n")

    return _SHORTCODE.sub(replaced, text)


def _shown(body: str, mark: str, notes: _Notes, index: int) -> str:
    name, _, rest = body.rstrip("/").strip().partition(" ")
    values = [(key, (quoted or raw or bare)) for key, quoted, raw, bare in _PARAMETER.findall(rest)]
    named = {key: value for key, value in values if key}
    plain = [value for key, value in values if not key]
    match name:
        case "figure" | "img" | "image" if source := named.get("src", plain[0] if plain else ""):
            title = named.get("caption") or named.get("title") or ""
            alt = named.get("alt") or ""
            picture = f"![{_safe(alt)}](<{source}>" + (f' "{_safe(title)}")' if title else ")")
            return f"[{picture}](<{named['link']}>)" if named.get("link") else picture
        case "youtube" if video := named.get("id", plain[0] if plain else ""):
            return f"<https://www.youtube.com/watch?v={video}>"
        case "vimeo" if video := named.get("id", plain[0] if plain else ""):
            return f"<https://vimeo.com/{video}>"
        case "ref" | "relref" if plain:
            target = str(plain[0])
            file, sign, place = target.partition("#")
            if "/" not in file and file.endswith(".md"):
                return target  # a neighbour, as any link to a source file
            return "/" + re.sub(r"(?:/_?index)?\.\w+$", "/", file.lstrip("/")) + sign + place
    if not name.startswith("/"):
        code = f"{{{{{mark} {name[:40]} {'>' if mark == '<' else '%'}}}}}"
        what = f"the shortcode {code} means nothing in an email and is taken out; what stands between two stays"
        notes.add("shortcode", what, "write what it shows", index)
    return ""


def _safe(words: str) -> str:
    return re.sub(r"[\[\]\"\\]", "", words)


# --- MDX ------------------------------------------------------------------------------------------------------------


def _without_modules(text: str, notes: _Notes, *, is_mdx: bool) -> str:
    """Remove import and export lines before the text; in an .mdx file anywhere outside code."""
    lines = text.split("\n")
    fence = ""
    index = 0
    while index < len(lines):
        line = lines[index]
        if marks := _FENCE.match(line):
            fence = marks[1] if not fence else "" if marks[1].startswith(fence) else fence
        end = index
        if not fence and _OPEN_IMPORT.match(line):
            end = next((at for at in range(index, min(index + 50, len(lines))) if "from" in lines[at]), index)
        if not fence and (end > index or _MODULE_LINE.match(line)):
            what = f"“{line[:50]}” is code of MDX, which an email cannot run, and is taken out"
            notes.add("mdx-code", what, "write what the component shows", index)
            lines[index : end + 1] = [""] * (end + 1 - index)
        elif line.strip() and not is_mdx:
            break
        index = end + 1
    return "\n".join(lines)


def _without_comments(text: str, *, is_mdx: bool) -> str:
    """Remove `{/* … */}` outside code; in a file that is no MDX only alone on its lines, as Docusaurus takes it."""
    in_code = _lines_of_code(text.split("\n"))

    def replaced(found: re.Match[str]) -> str:
        start = text.rfind("\n", 0, found.start()) + 1
        end = text.find("\n", found.end())
        before, after = text[start : found.start()], text[found.end() : end if end >= 0 else len(text)]
        is_code = in_code[text.count("\n", 0, found.start())] or before.count("`") % 2 == 1
        if is_code or (not is_mdx and (before.strip() or after.strip())):
            return found[0]
        return "\n" * found[0].count("\n")

    return _JSX_COMMENT.sub(replaced, text)
