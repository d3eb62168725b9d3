"""The CSS of an email, parsed by tinycss2: rules, declarations and comments in source order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import tinycss2
from tinycss2 import ast
from tinycss2.color4 import parse_color

from newsletter.frozen import frozen

Tokens = Sequence[Any]
"""Component values, as tinycss2 calls them (CSS Syntax 3, 5.3)."""

Colour = tuple[int, int, int]


@frozen
class Rule:
    """A style rule's selector, or an at-rule by its name and prelude.

    `nested`: a style rule inside another style rule.
    """

    prelude: Tokens
    at_keyword: str = ""
    nested: bool = False

    @property
    def text(self) -> str:
        """The prelude's source, without comments."""
        return _serialized(self.prelude)


@frozen
class Declaration:
    """`name` is lower case, except custom properties, which begin with `--`."""

    name: str
    value: Tokens
    is_important: bool

    @property
    def text(self) -> str:
        return _serialized(self.value)


@frozen
class Comment:
    """A comment of the sheet."""


Part = Rule | Declaration | Comment

MAX_DEPTH = 100
"""The deepest nesting of brackets. tinycss2 serializes nested ones recursively, and no real style is that deep."""

_LONG_NUMBER = re.compile(r"(?<!\d)(\d{300})\d+")
_BRACKET = re.compile(r"[(\[{]|[)\]}]")


def read_sheet(css: str) -> Iterator[Part]:
    """Parse a style sheet; invalid CSS is recovered as in a browser."""
    yield from _parts(tinycss2.parse_stylesheet(_bounded(css), skip_whitespace=True))


def read_style(css: str) -> Iterator[Part]:
    """Parse a style attribute."""
    yield from _parts(tinycss2.parse_blocks_contents(_bounded(css), skip_whitespace=True))


def _bounded(css: str) -> str:
    """The CSS up to where its brackets nest too deep, numbers without the digits that Python refuses to parse."""
    css = _LONG_NUMBER.sub(r"\1", css)
    depth = 0
    for bracket in _BRACKET.finditer(css):
        depth = depth + 1 if bracket[0] in "([{" else max(0, depth - 1)
        if depth > MAX_DEPTH:
            return css[: bracket.start()]
    return css


def _parts(nodes: Iterable[Any]) -> Iterator[Part]:
    """Iterative, since sheets nest arbitrarily deep."""
    stack: list[tuple[Iterator[Any], bool]] = [(iter(nodes), False)]
    while stack:
        rest, in_style_rule = stack[-1]
        node = next(rest, None)
        match node:
            case None:
                stack.pop()
            case ast.Comment():
                yield Comment()
            case ast.Declaration():
                yield from _comments(node.value)
                name = node.name if node.name.startswith("--") else node.lower_name
                yield Declaration(name, node.value, node.important)
            case ast.QualifiedRule():
                yield from _comments(node.prelude)
                yield Rule(node.prelude, nested=in_style_rule)
                stack.append((iter(tinycss2.parse_blocks_contents(node.content, skip_whitespace=True)), True))
            case ast.AtRule():
                yield from _comments(node.prelude)
                yield Rule(node.prelude, node.lower_at_keyword)
                stack.append((_inside_at_rule(node), in_style_rule))


def _inside_at_rule(rule: Any) -> Iterator[Any]:
    if rule.content is None:
        return
    if "keyframes" in rule.lower_at_keyword:
        # Keyframe steps, `50%` or `from`, are no selectors.
        for step in tinycss2.parse_rule_list(rule.content, skip_whitespace=True):
            if isinstance(step, ast.QualifiedRule):
                yield from tinycss2.parse_blocks_contents(step.content, skip_whitespace=True)
            elif isinstance(step, ast.Comment):
                yield step
    else:
        yield from tinycss2.parse_blocks_contents(rule.content, skip_whitespace=True)


def _comments(tokens: Tokens) -> Iterator[Comment]:
    yield from (Comment() for token in each_token(tokens) if isinstance(token, ast.Comment))


def each_token(tokens: Tokens) -> Iterator[Any]:
    """Every token, and those inside functions and brackets after the one that contains them."""
    stack = [iter(tokens)]
    while stack:
        token = next(stack[-1], None)
        if token is None:
            stack.pop()
            continue
        yield token
        inside = getattr(token, "arguments", None) or getattr(token, "content", None)
        if isinstance(inside, list):
            stack.append(iter(inside))


def _serialized(tokens: Tokens) -> str:
    return str(tinycss2.serialize([token for token in tokens if not isinstance(token, ast.Comment)])).strip()


@lru_cache(maxsize=2_000)
def style_of(css: str) -> Mapping[str, Declaration]:
    """The declarations of a style attribute by name; the last of a name wins, or the last important one."""
    found: dict[str, Declaration] = {}
    for each in read_style(css):
        if isinstance(each, Declaration) and (
            each.is_important or each.name not in found or not found[each.name].is_important
        ):
            found[each.name] = each
    return found


@lru_cache(maxsize=500)
def colour_in(value: str, behind: Colour) -> Colour | None:
    """The first colour of a value, blended with its background; None if it has no visible one."""
    for token in tinycss2.parse_component_value_list(_bounded(value), skip_comments=True):
        try:
            colour = parse_color(token)
            rgb = colour.to("srgb").coordinates if colour is not None and colour != "currentcolor" else None
        except (NotImplementedError, ValueError):  # a colour space that few screens have
            continue
        if rgb is not None and colour.alpha > 0:
            share = float(colour.alpha)
            red, green, blue = (
                round(min(max(float(part), 0.0), 1.0) * 255 * share + under * (1 - share))
                for part, under in zip(rgb, behind, strict=True)
            )
            return red, green, blue
    return None


def split_at_commas(tokens: Tokens) -> list[Tokens]:
    """Split a list of selectors; commas inside brackets do not count."""
    parts: list[list[Any]] = [[]]
    for token in tokens:
        if isinstance(token, ast.LiteralToken) and token.value == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def style_rules(css: str) -> Iterator[tuple[str, str]]:
    """The style rules outside any at-rule: the source of the selector and of the block."""
    for rule in tinycss2.parse_stylesheet(_bounded(css), skip_comments=True, skip_whitespace=True):
        if isinstance(rule, ast.QualifiedRule):
            yield _serialized(rule.prelude), tinycss2.serialize(rule.content)


def dark_rules(css: str) -> Iterator[tuple[Tokens, Mapping[str, Declaration]]]:
    """The style rules inside `@media (prefers-color-scheme: dark)`: each selector with its declarations by name."""
    for block in tinycss2.parse_stylesheet(_bounded(css), skip_comments=True, skip_whitespace=True):
        if isinstance(block, ast.AtRule) and block.lower_at_keyword == "media" and _is_dark(block.prelude):
            for rule in tinycss2.parse_rule_list(block.content or [], skip_comments=True, skip_whitespace=True):
                if isinstance(rule, ast.QualifiedRule):
                    yield rule.prelude, style_of(tinycss2.serialize(rule.content))


def _is_dark(prelude: Tokens) -> bool:
    for token in each_token(prelude):
        if isinstance(token, ast.ParenthesesBlock):
            words = [each.lower_value for each in token.content if each.type == "ident"]
            if words == ["prefers-color-scheme", "dark"]:
                return True
    return False
