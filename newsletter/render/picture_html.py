"""The `<img>` of a picture: the author's width, never wider than its column, fluid on a phone."""

from __future__ import annotations

from markupsafe import Markup

from newsletter.model.issue import Image

MAX_PORTRAIT = 640
"""The greatest height of a portrait picture, in pixels; a phone's screenshot at text width would fill two screens."""

MAX_UNKNOWN = 800
"""The same for a picture of unknown size: it may be a long strip, which must stay readable."""

BLOCK = "pic"
"""The class of a picture that is a block of its own; themes round its corners."""

UNKNOWN = "u"
"""The class of a picture of unknown size. One letter: an issue has dozens."""

UNKNOWN_RULE = f".{UNKNOWN}{{max-height:{MAX_UNKNOWN}px}}"
"""Limits their height by one rule for all. Where it is lost they keep their proportions, and are not cut."""

SMALL = 64
"""The size of an icon or badge, in pixels: it is shown inline."""

STRIP = 3.0
"""Beyond this ratio of height to width a picture is a strip of text and charts for scrolling, and no portrait."""


def picture_html(image: Image, alt: str, column: int) -> Markup:
    """A block-level picture.

    Outlook on Windows reads only the `width` attribute, in pixels; browsers read the style.
    """
    width, sizes, unknown = _block_size(image, column)
    return _tag(image, alt, width, f"display:block;{sizes}", f' class="{BLOCK}{unknown and f" {unknown}"}"')


def hero_html(image: Image, column: int) -> Markup:
    """The hero picture, centred if it is narrower than the column, and of limited height."""
    width, sizes, unknown = _block_size(image, column, strips=False)
    return _tag(image, image.alt, width, f"display:block;margin:0 auto;{sizes}", unknown and f' class="{unknown}"')


def inline_picture(image: Image) -> Markup:
    """A picture inside a sentence or a cell.

    A small one keeps its size, since `max-width` would let a cell shrink it.
    """
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
        Markup(attributes),  # noqa: S704 (classes of ours)
        image.src,
        alt,
        Markup(' width="{}"').format(width) if width else "",
        style,
    )


def _block_size(image: Image, column: int, *, strips: bool = True) -> tuple[int | None, str, str]:
    """The `width` attribute, the size in the style, and the class that limits an unknown height."""
    width = shown_width(image, column, strips=strips)
    if width is None and image.asked_height:  # the resulting width is unknown
        return None, f"width:auto;max-width:100%;height:{image.asked_height}px", ""
    if width is None:
        return column, "width:auto;max-width:100%", UNKNOWN
    if width == column:
        return width, "width:100%;height:auto", ""
    # In per cent: until a picture is loaded, the attribute alone would widen the cell, and every line in it.
    return width, f"width:100%;max-width:{width}px;height:auto", ""


def shown_width(image: Image, column: int, *, strips: bool = True) -> int | None:
    """The pixels of the column that a picture takes; None if neither its author nor its bytes tell."""
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
