"""The size that an author gives a picture: attributes, style, kramdown's `{: width=}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from newsletter.model.issue import Image

_LENGTH = re.compile(r"\s*(\d{1,5})(?:\.\d*)?\s*(px|%)?\s*", re.IGNORECASE)
_DECLARATION = re.compile(r"(?:^|;)\s*(max-width|width|height)\s*:\s*([^;]*)", re.IGNORECASE)


def with_asked_size(image: Image, attributes: Mapping[str, str]) -> Image:
    """The picture with the size in an `<img>`'s attributes; `style` overrides the others, as in a browser.

    Units other than pixels and per cent are ignored.
    """
    asked = {name: str(attributes.get(name) or "") for name in ("width", "height")}
    for name, value in _DECLARATION.findall(str(attributes.get("style") or "")):
        if _LENGTH.fullmatch(value):
            asked[name.lower().removeprefix("max-")] = value
    width, height = (_LENGTH.fullmatch(asked[name]) for name in ("width", "height"))
    share = int(width[1]) if width and width[2] == "%" else 0
    return replace(
        image,
        asked_width=(int(width[1]) if width and not share else 0) or None,
        asked_height=(int(height[1]) if height and height[2] != "%" else 0) or None,
        asked_share=min(share, 100) or None,
    )
