"""Convert pictures to formats that every mail client shows: PNG, JPEG or GIF, upright, scaled down, without metadata.

Outlook on Windows shows no WebP and no AVIF, Gmail no SVG (caniemail.com). Camera metadata about place and person is
removed. The result depends only on the bytes and the limits.
"""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from newsletter.frozen import frozen
from newsletter.render.images.picture import Picture, PictureError
from newsletter.render.images.svg import draw_svg, looks_like_svg

if TYPE_CHECKING:  # loaded with the first picture: most renderings leave theirs on the web
    from PIL import Image as Pillow

MAX_PIXELS = 40_000_000
"""A larger one is refused by its header, before it is decoded: a few KB may declare 100,000 by 100,000 pixels."""

MAX_ANIMATION_BYTES = 1_000_000
"""A larger animation is replaced by its first frame."""

_MAX_HEIGHT = 8_000
_ANIMATION_PIXELS = 4 * MAX_PIXELS

MAX_FRAMES = 1_000
"""A GIF of 10 MB has room for half a million, and is read frame by frame."""

MAX_SCANS = 100
"""Of a progressive JPEG; the usual have ten. Each goes over the whole picture, for some dozen bytes of the file."""
_WORKERS = 2  # each may hold several copies of a picture of MAX_PIXELS

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF")
_MOVING = frozenset({"GIF", "WEBP", "PNG", "AVIF"})  # a TIFF's frames are pages, a JPEG's are previews
_LOSSLESS = frozenset({"PNG", "GIF", "BMP", "TIFF"})

# The exceptions of Pillow's decoders for bytes that do not match their header.
_BROKEN = (OSError, SyntaxError, ValueError, LookupError, ArithmeticError, TypeError, RuntimeError, struct.error)
_BROKEN_TOO = (EOFError, zlib.error, MemoryError)

_SAVE_IT = "save it as PNG or JPEG beside the post"


@frozen
class _Step:
    """JPEG quality, and the width as a fraction of the widest allowed. From the second step on, PNGs have a palette."""

    quality: int
    scale: float


# Quality is reduced first, as far as it is not visible, then size: 0.5 is one pixel for each of the layout's.
STEPS = (
    _Step(82, 1.0),
    _Step(72, 1.0),
    _Step(68, 0.75),
    _Step(62, 0.5),
    _Step(55, 0.4),
    _Step(50, 0.3),
    _Step(45, 0.2),
)


@cache
def _quiet_pillow() -> None:
    from PIL import Image as Pillow

    # Pillow only warns of a picture that is large; we refuse it, with a message of our own.
    warnings.filterwarnings("error", category=Pillow.DecompressionBombWarning)
    # What it skips in a damaged file it would print to the author's terminal: a picture that opens is used, and any
    # other has a sentence of ours.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    logging.getLogger("PIL").addHandler(logging.NullHandler())


# --- several pictures -----------------------------------------------------------------------------------------------


# Formats of every mail client; WebP, AVIF and SVG are not shown by Outlook on Windows, SVG not even by Gmail
# (caniemail.com).
_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}


def look_at(data: bytes) -> tuple[str, tuple[int, int]]:
    """Media type and size of a picture that is mailed unmodified; an empty type for any other file.

    Raises PictureError if it has too many pixels.
    """
    from PIL import Image as Pillow

    _quiet_pillow()
    try:
        with Pillow.open(io.BytesIO(data)) as picture:
            return _MEDIA_TYPES.get(picture.format or "", ""), picture.size
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        raise _too_many_pixels(None) from error
    except (OSError, ValueError):
        return "", (0, 0)


def prepare_pictures(
    sources: Mapping[str, bytes], *, max_width: int, max_total_bytes: int | None = None
) -> dict[str, Picture | PictureError]:
    """Each picture by its name, or why it is left out. Their total size in a message is at most `max_total_bytes`.

    While they exceed it, those above their fair share are reduced by one step; a picture without a further step is
    dropped, the largest first. So small pictures keep their quality, and the result does not depend on timing.
    """

    from concurrent.futures import ThreadPoolExecutor

    def lighten(picture: Picture, data: bytes) -> Picture | PictureError:
        return _lighten(picture, data, max_width)

    with ThreadPoolExecutor(_WORKERS) as pool:
        first = pool.map(lambda data: _attempt(data, max_width, 0), sources.values())
        results = dict(zip(sources, first, strict=True))
        while max_total_bytes is not None:
            kept = {name: picture for name, picture in results.items() if isinstance(picture, Picture)}
            if sum(picture.mailed_bytes for picture in kept.values()) <= max_total_bytes:
                break
            share = max_total_bytes / len(kept)
            heavy = [name for name, picture in kept.items() if picture.mailed_bytes > share]
            lighter = [name for name in heavy if kept[name].step + 1 < len(STEPS)]
            if lighter:
                again = pool.map(lighten, (kept[name] for name in lighter), (sources[name] for name in lighter))
                results.update(zip(lighter, again, strict=True))
            else:
                heaviest = max(heavy, key=lambda name: kept[name].mailed_bytes)
                results[heaviest] = PictureError(
                    f"all pictures together would weigh more than {max_total_bytes // 1024} KB",
                    "raise [images] max_total_kb, or take pictures out",
                )
    return results


def _attempt(data: bytes, max_width: int, step: int) -> Picture | PictureError:
    try:
        return prepare_picture(data, max_width=max_width, step=step)
    except PictureError as error:
        return error


def _lighten(picture: Picture, data: bytes, max_width: int) -> Picture | PictureError:
    lighter = _attempt(data, max_width, picture.step + 1)
    if isinstance(lighter, PictureError) or len(lighter.data) < len(picture.data):
        return lighter
    return replace(picture, step=picture.step + 1)


# --- one picture ----------------------------------------------------------------------------------------------------


def prepare_picture(data: bytes, *, max_width: int, step: int = 0) -> Picture:
    """The picture as PNG, JPEG or GIF, at most `max_width` wide. Raises PictureError.

    PNG if it is transparent or has few colours, else JPEG. An animation stays one at step 0, if it is small enough.
    """
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    _quiet_pillow()
    data = _unzipped(data)
    original = None
    try:
        if looks_like_svg(data):
            data, original = draw_svg(data, max_width)
    except ValueError as error:
        raise PictureError(f"it is an SVG {error}", _SAVE_IT) from error
    try:
        with Pillow.open(io.BytesIO(data), formats=_FORMATS) as source:
            if source.width * source.height > MAX_PIXELS:
                raise _too_many_pixels(source.size)
            _require_few_scans(source, data)
            if source.format in _MOVING and getattr(source, "is_animated", False):
                moving = _moving(source, data, max_width) if step == 0 else None
                source.seek(0)
                return moving or replace(_still(source, max_width, step), stilled=True)
            picture = _still(source, max_width, step)
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise _no_picture(data) from error
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        raise _too_many_pixels(None) from error
    except (*_BROKEN, *_BROKEN_TOO) as error:
        raise PictureError("it is broken or incomplete", _SAVE_IT) from error
    return replace(picture, original=original) if original else picture


def _still(source: Pillow.Image, max_width: int, step: int) -> Picture:
    from PIL import Image as Pillow
    from PIL import ImageOps

    lossless = source.format in _LOSSLESS
    profile = source.info.get("icc_profile")
    image = _plain(ImageOps.exif_transpose(source))
    original = image.size
    # There are at most 256 shades of grey: a photograph has most of them, a drawing few.
    few_colours = image.getcolors(64 if image.mode == "L" else 256) is not None
    image = _in_srgb(_resized(image, round(max_width * STEPS[step].scale)), profile)
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == 255:
        image = image.convert("RGB")
    image.info = {}  # drop the metadata of cameras and editors
    out = io.BytesIO()
    if image.mode == "RGBA" or few_colours:
        if few_colours or step:
            method = Pillow.Quantize.FASTOCTREE if image.mode == "RGBA" else Pillow.Quantize.MEDIANCUT
            image = image if image.mode == "L" else image.quantize(256, method=method)
        # The best compression takes seconds for a photograph, without any gain.
        image.save(out, "PNG", **({"compress_level": 6} if image.mode == "RGBA" else {"optimize": True}))
        kind = ("image/png", "png")
    else:
        # No chroma subsampling for lossless originals: screenshots have coloured letters.
        sampling = 0 if lossless and not step else 2
        image.save(out, "JPEG", quality=STEPS[step].quality, optimize=True, progressive=True, subsampling=sampling)
        kind = ("image/jpeg", "jpg")
    return Picture(out.getvalue(), *kind, *image.size, original=original, step=step)


def _plain(image: Pillow.Image) -> Pillow.Image:
    """Convert to one of four modes: L, RGB, RGBA, or CMYK, which is converted with its profile later."""
    if image.mode in {"L", "RGB", "RGBA", "CMYK"} and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16"):  # 16 bits of grey
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in {"I", "F"}:
        high = image.getextrema()[1]
        scale = 255 / (high if isinstance(high, int | float) and high > 255 else 255)
        return image.point(lambda value: value * scale).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "L" if image.mode == "1" else "RGB")


def _resized(image: Pillow.Image, max_width: int) -> Pillow.Image:
    from PIL import Image as Pillow

    scale = min(1.0, max_width / image.width, _MAX_HEIGHT / image.height)
    if scale == 1.0:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Pillow.Resampling.LANCZOS, reducing_gap=3.0)


def _in_srgb(image: Pillow.Image, profile: object) -> Pillow.Image:
    """Convert the colours to sRGB, which all clients assume; otherwise a phone's photographs look pale."""
    if isinstance(profile, bytes) and image.mode != "L":
        from PIL import ImageCms  # few pictures have a profile, and every start would import the library

        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            mode = "RGBA" if image.mode == "RGBA" else "RGB"
            converted = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode=mode)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # an invalid profile is ignored, as in browsers
        else:
            image = converted or image
    return image.convert("RGB") if image.mode == "CMYK" else image


# --- animations -----------------------------------------------------------------------------------------------------


def _moving(source: Pillow.Image, data: bytes, max_width: int) -> Picture | None:
    """The animation as a GIF, unmodified if it is one; None if it is too large."""
    from PIL import ImageSequence

    most = min(MAX_FRAMES, _ANIMATION_PIXELS // (source.width * source.height))
    if _has_more_frames(source, most):
        return None
    if source.format == "GIF":
        for frame in ImageSequence.Iterator(source):
            frame.load()  # raises for an invalid frame
        return _gif(data, source.size, source.size)
    loop = source.info.get("loop", 0)
    pictures, durations = [], []
    for frame in ImageSequence.Iterator(source):
        frame.load()
        durations.append(max(20, int(frame.info.get("duration") or 100)))
        picture = _resized(frame.convert("RGBA"), max_width)
        picture.info = {}
        pictures.append(picture)
    out = io.BytesIO()
    pictures[0].save(
        out, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=loop, disposal=2, optimize=True
    )
    return _gif(out.getvalue(), pictures[0].size, source.size)


def _has_more_frames(source: Pillow.Image, most: int) -> bool:
    if source.format != "GIF":  # the others say how many at their beginning
        return bool(getattr(source, "n_frames", 1) > most)
    try:
        source.seek(most)  # a GIF's `n_frames` would read all of them
    except EOFError:
        return False
    return True


def _gif(data: bytes, size: tuple[int, int], original: tuple[int, int]) -> Picture | None:
    return None if len(data) > MAX_ANIMATION_BYTES else Picture(data, "image/gif", "gif", *size, original=original)


# --- errors ---------------------------------------------------------------------------------------------------------


def _unzipped(data: bytes) -> bytes:
    """Decompress gzip: a `.svgz`, or a server that compresses unasked."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        unzip = zlib.decompressobj(wbits=31)
        # Security: bounded while decompressing; 10 MB of gzip may hold 10 GB.
        content = unzip.decompress(data, 32 << 20)
    except zlib.error as error:
        raise PictureError("it is broken or incomplete", _SAVE_IT) from error
    if not unzip.eof:
        raise PictureError("it is compressed, and incomplete or too large", _SAVE_IT)
    return content


def _require_few_scans(source: Pillow.Image, data: bytes) -> None:
    # In the data of a scan no such pair of bytes occurs (ITU-T T.81, B.1.1.5).
    if source.format == "JPEG" and data.count(b"\xff\xda") > MAX_SCANS:
        raise PictureError(f"it is a JPEG of more than {MAX_SCANS} scans, which takes hours to draw", _SAVE_IT)


def _too_many_pixels(size: tuple[int, int] | None) -> PictureError:
    shown = f"it has {size[0]} by {size[1]} pixels, " if size else "it has "
    return PictureError(f"{shown}more than {MAX_PIXELS // 1_000_000} million", "make it smaller")


def _no_picture(data: bytes) -> PictureError:
    """The kind of a file that is no picture, as far as its beginning tells."""
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return PictureError("there is nothing in it, 0 bytes", _SAVE_IT)
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")) or b"<html" in start:
        return PictureError("it is a web page, HTML, instead of a picture", "write the address of the picture itself")
    if data[4:8] == b"ftyp" and data[8:12] in {b"heic", b"heix", b"hevc", b"mif1", b"msf1"}:
        return PictureError("it is HEIC, which cannot be read", _SAVE_IT)
    if (data[4:8] == b"ftyp" and data[8:12] not in {b"avif", b"avis"}) or data.startswith(b"\x1aE\xdf\xa3"):
        return PictureError("it is a video", "write it as a link, [watch](address)")
    if data.startswith((b"\x89PNG", b"\xff\xd8", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")) or data[4:8] == b"ftyp":
        return PictureError("it is broken or incomplete", _SAVE_IT)
    return PictureError("it is no picture in a known format (PNG, JPEG, GIF, WebP, AVIF, SVG, BMP, TIFF)", _SAVE_IT)
