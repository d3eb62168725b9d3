"""Language negotiation: Accept-Language, and the best match among the available languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MAX_TAG_CHARS = 35
"""Longer tags are ignored (RFC 5646, 4.4.1), since looking up their prefixes takes quadratic time."""

MAX_ACCEPTED = 20
"""How many languages of one header are considered."""

_MAX_QUALITY_CHARS = 10
_TRADITIONAL = frozenset({"tw", "hk", "mo"})


def choose_language(wanted: Iterable[str], known: Iterable[str], otherwise: str = "") -> str:
    """The first wanted tag that is known, in the known spelling; else `otherwise`.

    A tag falls back to its prefixes (RFC 4647, lookup); zh-TW to zh-Hant before zh.
    """
    spelled = {tag.lower(): tag for tag in known}
    candidates = (candidate for tag in wanted for candidate in _fallbacks(tag))
    return next((spelled[candidate] for candidate in candidates if candidate in spelled), otherwise)


def _fallbacks(tag: str) -> Iterator[str]:
    if len(tag) > MAX_TAG_CHARS:
        return
    parts = tag.lower().split("-")
    for count in range(len(parts), 0, -1):
        if count == 1 and parts[0] == "zh" and _TRADITIONAL & set(parts[1:]):
            yield "zh-hant"
        yield "-".join(parts[:count])


def accepted_languages(header: str) -> tuple[str, ...]:
    """The tags of Accept-Language by falling preference (RFC 9110, 12.5.4)."""
    weighed: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",", MAX_ACCEPTED)[:MAX_ACCEPTED]):
        tag, _, rest = part.strip().partition(";")
        quality = rest.strip()[:_MAX_QUALITY_CHARS].removeprefix("q=") if rest else "1"
        try:
            weight = float(quality)
        except ValueError:
            continue
        if tag and tag != "*" and weight > 0:
            weighed.append((-weight, place, tag.strip()))
    return tuple(tag for _, _, tag in sorted(weighed))
