"""The `<img>` of a picture: the author's width, never wider than its column, fluid on a phone."""

from __future__ import annotations

from markupsafe import Markup

from newsletter.model.issue import Image

MAX_PORTRAIT = 640
"""Pixels that an upright picture is high at most; a phone's screenshot as wide as the text would fill two screens."""

MAX_UNKNOWN = 800
"""The same for one whose size nobody knows: it may be a long strip, which must stay readable."""

SMALL = 64
"""Pixels of an icon or a badge: it fits wherever words do."""

STRIP = 3.0
"""Higher than so many times its width it is no portrait but a strip of text and charts, made to be scrolled."""


def picture_html(image: Image, alt: str, column: int) -> Markup:
    """A picture on its own. Outlook on Windows reads the `width` attribute only, in pixels; browsers the style."""
    width, sizes = _block_size(image, column)
    return _tag(image, alt, width, f"display:block;{sizes}", ' class="pic"')


def hero_html(image: Image, column: int) -> Markup:
    """The picture above the text, in the middle where it does not fill the column, and never a screenful."""
    width, sizes = _block_size(image, column, strips=False)
    return _tag(image, image.alt, width, f"display:block;margin:0 auto;{sizes}")


def inline_picture(image: Image) -> Markup:
    """A picture inside a sentence or a cell. A small one keeps its size: `max-width` lets a cell shrink it away."""
    width = image.asked_width or image.width
    if not image.asked_width and image.asked_height and image.width and image.height:
        width = round(image.width * image.asked_height / image.height)
    if width is None and image.asked_share:
        return _tag(image, image.alt, None, f"width:{image.asked_share}%;height:auto")
    height = f"{image.asked_height}px" if width is None and image.asked_height else "auto"
    fluid = "" if width and width <= SMALL else "max-width:100%;"
    return _tag(image, image.alt, width, f"{fluid}height:{height}")


def _tag(image: Image, alt: str, width: int | None, style: str, attributes: str = "") -> Markup:
    return Markup('<img{} src="{}" alt="{}"{} style="{}" />').format(
        Markup(attributes),  # noqa: S704 (a constant)
        image.src,
        alt,
        Markup(' width="{}"').format(width) if width else "",
        style,
    )


def _block_size(image: Image, column: int, *, strips: bool = True) -> tuple[int | None, str]:
    """The `width` attribute, and what the style says of the size."""
    width = shown_width(image, column, strips=strips)
    if width is None and image.asked_height:  # nobody can say how wide that will be
        return None, f"width:auto;max-width:100%;height:{image.asked_height}px"
    if width is None:
        return column, f"width:auto;max-width:100%;max-height:{MAX_UNKNOWN}px"
    if width == column:
        return width, "width:100%;height:auto"
    # In per cent: while a picture is not loaded, its attribute alone would widen the cell, and every line with it.
    return width, f"width:100%;max-width:{width}px;height:auto"


def shown_width(image: Image, column: int, *, strips: bool = True) -> int | None:
    """Pixels that a picture takes of its column; None where neither its author nor its bytes say."""
    if image.asked_width:
        return min(column, image.asked_width)
    if image.asked_share:
        return max(1, column * image.asked_share // 100)
    if not image.width:
        return None
    if not image.height:
        return min(column, image.width)
    if image.asked_height:
        return max(1, min(column, round(image.width * image.asked_height / image.height)))
    width = min(column, image.width)
    if image.height > image.width and not (strips and image.height > STRIP * image.width):
        width = min(width, max(1, round(MAX_PORTRAIT * image.width / image.height)))
    return width
