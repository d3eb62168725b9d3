"""The theme's logo on the public pages: the files that they show, an icon and a picture for sharing made of it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from PIL import Image

from newsletter.errors import ConfigError, located
from newsletter.frozen import frozen
from newsletter.render.images.convert import prepare_picture
from newsletter.render.images.picture import PictureError

SHARED = (1200, 630)
"""The size of a picture where a page is shared, in pixels: what Open Graph's readers show uncut."""

ICON = 180
"""The edge of an icon in pixels, as Apple's home screen wants it; browsers make it smaller."""

MOST_OBLONG = 1.34
"""The longest edge of an icon's logo against its shortest: a wordmark in sixteen pixels is a smudge."""


@frozen
class Asset:
    """A file of the pages. Its path has a hash of its content, so that a browser may keep it for ever."""

    path: str
    media_type: str
    data: bytes = field(repr=False)


@frozen
class Logo:
    """`src` and `dark_src` are paths of ours or addresses; empty without. Sizes are in pixels, 0 if unknown."""

    src: str = ""
    dark_src: str = ""
    width: int = 0
    height: int = 0
    icon: str = ""
    shared: str = ""
    assets: Mapping[str, Asset] = field(default_factory=dict)

    @property
    def sources(self) -> str:
        """The addresses elsewhere, as the policy of a page takes them."""
        return " ".join(dict.fromkeys(_as_source(src) for src in (self.src, self.dark_src) if "://" in src))


def read_logo(values: Mapping[str, Any]) -> Logo:
    """The logo of a theme's values. Raises ConfigError for a file that cannot be shown."""
    brand: Mapping[str, Any] = values.get("brand", {})
    width = int(brand.get("logo_width") or 120)
    assets: dict[str, Asset] = {}

    def put(name: str, data: bytes, extension: str, media_type: str) -> str:
        path = f"/look/{name}-{hashlib.sha256(data).hexdigest()[:12]}.{extension}"
        assets[path] = Asset(path, media_type, data)
        return path

    def placed(key: str) -> tuple[str, Image.Image | None]:
        written = str(brand.get(key) or "")
        if not written or "://" in written:
            return written, None
        try:
            picture = prepare_picture(Path(written).read_bytes(), max_width=max(2 * width, SHARED[0] // 2))
        except OSError as error:
            what = f"cannot be read ({error.strerror})"
            raise ConfigError(located(written, None, what, "check its permissions")) from error
        except PictureError as error:
            raise ConfigError(located(written, None, f"the theme's {key}: {error.what}", error.remedy)) from error
        with Image.open(io.BytesIO(picture.data)) as image:
            shown = image.convert("RGBA")
        return put(key.replace("_", "-"), picture.data, picture.extension, picture.media_type), shown

    src, image = placed("logo")
    dark_src, _ = placed("logo_dark")
    if image is None:
        return Logo(src, dark_src, width if src else 0, assets=assets)
    light = values["light"]
    icon = put("icon", _icon(image), "png", "image/png") if _is_square(image) else ""
    shared = put("card", _card(image, light["page"], light["card"], light["accent"]), "png", "image/png")
    height = round(width * image.height / image.width)
    return Logo(src, dark_src, width, height, icon, shared, assets)


def _is_square(image: Image.Image) -> bool:
    return max(image.size) <= MOST_OBLONG * min(image.size)


def _icon(image: Image.Image) -> bytes:
    edge = max(image.size)
    square = Image.new("RGBA", (edge, edge))
    square.alpha_composite(image, ((edge - image.width) // 2, (edge - image.height) // 2))
    return _png(square.resize((ICON, ICON), Image.Resampling.LANCZOS))


def _card(image: Image.Image, page: str, card: str, accent: str) -> bytes:
    """The logo on the theme's card, for where the page is shared."""
    width, height = SHARED
    sheet = Image.new("RGBA", SHARED, page)
    sheet.paste(Image.new("RGBA", (width - 120, height - 120), card), (60, 60))
    sheet.paste(Image.new("RGBA", (width - 120, 14), accent), (60, 60))
    share = min(620 / image.width, 300 / image.height)
    logo = image.resize((round(image.width * share), round(image.height * share)), Image.Resampling.LANCZOS)
    sheet.alpha_composite(logo, ((width - logo.width) // 2, (height - logo.height) // 2 + 7))
    return _png(sheet.convert("RGB"))


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _as_source(address: str) -> str:
    """An address as a source of Content-Security-Policy, whose paths have no query.

    Security: a `;` or `,` would begin another directive or policy.
    """
    parts = urlsplit(address)
    try:
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except UnicodeError:
        return ""  # no browser finds it either
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{quote(parts.path, safe='/%:@!$&()*+=~')}"
