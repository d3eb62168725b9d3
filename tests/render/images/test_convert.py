"""Pictures made fit for mail: every format in, PNG, JPEG or GIF out; what is broken or a trap is refused in words."""

from __future__ import annotations

import base64
import gzip
import io
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import examples
from PIL import Image, ImageCms, ImageDraw

from newsletter.render.images.convert import (
    MAX_ANIMATION_BYTES,
    MAX_FRAMES,
    STEPS,
    Picture,
    PictureError,
    prepare_picture,
    prepare_pictures,
)
from newsletter.render.images.svg import draw_svg

WIDTH = 1200
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {}>{}</svg>'


def photo(width: int = 640, height: int = 400, seed: int = 1, mode: str = "RGB") -> Image.Image:
    """Many colours, some detail: what JPEG is for."""
    noise = Image.frombytes("RGB", (64, 40), random.Random(seed).randbytes(64 * 40 * 3))
    return noise.resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def drawing(width: int = 300, height: int = 200) -> Image.Image:
    """Few colours."""
    image = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(image).rectangle((20, 20, 120, 90), fill="#b83c0a")
    return image


@cache
def encoded_photo(kind: str) -> bytes:
    return encoded(photo(), kind)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def frames(count: int, width: int = 80, height: int = 60) -> list[Image.Image]:
    return [photo(width, height, seed) for seed in range(count)]


def opened(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.data))
    image.load()
    assert image.size == (picture.width, picture.height)
    assert {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}[image.format or ""] == picture.media_type
    return image


def outcome(data: bytes) -> Picture | PictureError:
    return prepare_pictures({"it": data}, max_width=WIDTH)["it"]


def refused(data: bytes) -> PictureError:
    with pytest.raises(PictureError) as caught:
        prepare_picture(data, max_width=WIDTH)
    assert caught.value.remedy
    return caught.value


# --- what comes out -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF"])
@pytest.mark.parametrize("make", [photo, drawing])
def test_every_format_becomes_one_that_mail_shows(kind: str, make: Callable[[], Image.Image]) -> None:
    picture = prepare_picture(encoded(make(), kind), max_width=WIDTH)
    image = opened(picture)
    assert picture.original == image.size == make().size
    # Lossy formats blur a drawing's few colours into many.
    expected = "PNG" if kind == "GIF" or (make is drawing and kind not in {"JPEG", "WEBP", "AVIF"}) else "JPEG"
    assert make is drawing or image.format == expected
    middle = image.convert("RGB").getpixel((100, 50))
    wanted = make().getpixel((100, 50))
    assert all(abs(a - b) < 40 for a, b in zip(middle, wanted, strict=True))  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "F", "I;16"])
def test_every_colour_mode(mode: str) -> None:
    plain = photo(40, 30)
    match mode:
        case "LAB":
            profiles = (ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"))
            source = ImageCms.profileToProfile(plain, *profiles, outputMode="LAB")
        case "PA":
            source = plain.convert("LA").convert("PA")
        case "I;16":
            source = Image.new(mode, plain.size, 9_000)
        case _:
            source = plain.convert(mode)
    assert source is not None
    kind = "TIFF" if mode in {"CMYK", "YCbCr", "LAB", "PA", "I", "F"} else "PNG"
    assert opened(prepare_picture(encoded(source, kind), max_width=WIDTH)).size == (40, 30)


def test_sixteen_bits_of_grey_keep_their_range() -> None:
    source = Image.new("I;16", (4, 4), 32768)
    assert opened(prepare_picture(encoded(source, "PNG"), max_width=WIDTH)).convert("L").getpixel((1, 1)) == 128


def test_a_wide_picture_is_made_as_wide_as_allowed() -> None:
    picture = prepare_picture(encoded(photo(3000, 1500), "JPEG"), max_width=WIDTH)
    assert (picture.width, picture.height, picture.original) == (1200, 600, (3000, 1500))
    small = prepare_picture(encoded(photo(300, 200), "JPEG"), max_width=WIDTH)
    assert (small.width, small.height) == (300, 200)


def test_a_sliver_stays_a_picture() -> None:
    assert prepare_picture(encoded(drawing(1, 70_000), "PNG"), max_width=WIDTH).height == 8_000
    assert prepare_picture(encoded(drawing(70_000, 1), "PNG"), max_width=WIDTH).height == 1


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
def test_a_photograph_stands_upright_and_says_nothing_of_its_owner(orientation: int) -> None:
    source = photo(80, 60)
    exif = source.getexif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera of Ada"
    exif.get_ifd(0x8825)[1] = "N"
    data = encoded(source, "JPEG", exif=exif, comment=b"at home")
    picture = prepare_picture(data, max_width=WIDTH)
    assert (picture.width, picture.height) == ((60, 80) if orientation >= 5 else (80, 60))
    assert not opened(picture).getexif()
    assert b"Ada" not in picture.data
    assert b"home" not in picture.data
    assert b"Exif" not in picture.data


def test_orientation_six_turns_clockwise() -> None:
    source = Image.new("RGB", (80, 40), "white")
    ImageDraw.Draw(source).rectangle((0, 0, 40, 40), fill="red")
    exif = source.getexif()
    exif[0x0112] = 6
    image = opened(prepare_picture(encoded(source, "JPEG", exif=exif), max_width=WIDTH)).convert("RGB")
    red, white = image.getpixel((20, 10)), image.getpixel((20, 70))
    assert red[1] < 60 < 200 < white[1]  # type: ignore[index]


def test_text_and_time_of_a_png_stay_behind() -> None:
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("Author", "Ada")
    assert b"Ada" not in prepare_picture(encoded(drawing(), "PNG", pnginfo=notes), max_width=WIDTH).data


def test_transparency_is_kept_where_there_is_any() -> None:
    clear = photo(mode="RGBA")
    clear.putpixel((0, 0), (0, 0, 0, 0))
    assert opened(prepare_picture(encoded(clear, "WEBP"), max_width=WIDTH)).format == "PNG"
    opaque = photo(mode="RGBA")
    assert opened(prepare_picture(encoded(opaque, "PNG"), max_width=WIDTH)).format == "JPEG"
    mask = drawing().convert("P")
    kept = opened(prepare_picture(encoded(mask, "PNG", transparency=mask.getpixel((0, 0))), max_width=WIDTH))
    assert kept.has_transparency_data


def test_the_colours_become_those_of_srgb() -> None:
    """A profile whose red is blue: what it calls red must arrive as blue."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"????", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"????", b"bXYZ", 1)
    red = Image.new("RGB", (8, 8), "red")
    image = opened(prepare_picture(encoded(red, "PNG", icc_profile=profile), max_width=WIDTH))
    assert "icc_profile" not in image.info
    r, _, b = image.convert("RGB").getpixel((4, 4))  # type: ignore[misc]
    assert r < 30 < 220 < b


def test_a_profile_that_cannot_be_read_is_ignored() -> None:
    red = Image.new("RGB", (8, 8), "red")
    image = opened(prepare_picture(encoded(red, "PNG", icc_profile=b"nonsense"), max_width=WIDTH))
    assert image.convert("RGB").getpixel((4, 4)) == (255, 0, 0)
    assert "icc_profile" not in image.info


def test_a_phones_jpeg_with_a_second_picture_in_it() -> None:
    data = encoded(photo(60, 40), "MPO", save_all=True, append_images=[photo(60, 40, 2)])
    picture = prepare_picture(data, max_width=WIDTH)
    assert opened(picture).format == "JPEG"
    assert not picture.stilled


def test_the_same_bytes_give_the_same_bytes() -> None:
    data = encoded(photo(), "PNG")
    assert prepare_picture(data, max_width=400) == prepare_picture(data, max_width=400)


# --- animations -----------------------------------------------------------------------------------------------------


def animation(kind: str, count: int = 4, **size: int) -> bytes:
    first, *rest = frames(count, **size)
    return encoded(first, kind, save_all=True, append_images=rest, duration=90, loop=0)


def test_an_animated_gif_is_kept_as_it_is() -> None:
    data = animation("GIF")
    picture = prepare_picture(data, max_width=WIDTH)
    assert (picture.data, picture.media_type, picture.stilled) == (data, "image/gif", False)


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "AVIF"])
def test_other_animations_become_a_gif(kind: str) -> None:
    image = opened(prepare_picture(animation(kind), max_width=WIDTH))
    assert (image.format, image.n_frames, image.info["duration"]) == ("GIF", 4, 90)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_a_heavy_animation_gives_its_first_frame(kind: str) -> None:
    if kind == "GIF":
        first, *rest = (Image.frombytes("P", (500, 450), random.Random(n).randbytes(225_000)) for n in range(8))
        data = encoded(first, "GIF", save_all=True, append_images=rest)
        assert len(data) > MAX_ANIMATION_BYTES
    else:
        data = animation(kind, 8, width=500, height=450)
    picture = prepare_picture(data, max_width=WIDTH)
    assert picture.stilled
    assert not getattr(opened(picture), "is_animated", False)


def test_an_animation_of_too_many_frames_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.render.images.convert._ANIMATION_PIXELS", 4 * 80 * 60 - 1)
    assert prepare_picture(animation("GIF", 4), max_width=WIDTH).stilled
    assert not prepare_picture(animation("GIF", 3), max_width=WIDTH).stilled


# --- SVG ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "size", "original"),
    [
        ('width="40" height="20"', (40, 20), (40, 20)),
        ('width="900" height="450"', (1200, 600), (900, 450)),
        ('viewBox="0 0 3000 1000"', (1200, 400), (3000, 1000)),
        ('viewBox="0 0 30 10" width="60"', (60, 20), (60, 20)),
        ('viewBox="0 0 30 10" width="100%" height="100%"', (30, 10), (30, 10)),
        ('width="1in" height="72pt"', (96, 96), (96, 96)),
        ("", (300, 150), (300, 150)),
        ('width="0" height="-3"', (300, 150), (300, 150)),
        ('width="1e9" height="1e9"', (1200, 1200), (1_000_000, 1_000_000)),
        ('width="1" height="1e9"', (1, 8000), (1, 1_000_000)),
    ],
)
def test_an_svg_is_drawn_at_its_size(attributes: str, size: tuple[int, int], original: tuple[int, int]) -> None:
    svg = SVG.format(attributes, '<rect width="99%" height="99%" fill="#b83c0a"/>')
    picture = prepare_picture(svg.encode(), max_width=WIDTH)
    assert (picture.width, picture.height) == size
    assert picture.original == original
    assert opened(picture).format == "PNG"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda svg: b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a <html> --><!DOCTYPE svg>\n' + svg,
        lambda svg: gzip.compress(svg),
        lambda svg: svg.replace(b"<svg", b"<s:svg").replace(b"</svg", b"</s:svg").replace(b"xmlns=", b"xmlns:s="),
    ],
)
def test_an_svg_is_known_by_its_content(wrap: Callable[[bytes], bytes]) -> None:
    assert prepare_picture(wrap(SVG.format('width="9" height="8"', "").encode()), max_width=WIDTH).width == 9


def test_an_svg_reaches_nothing(tmp_path: Path, no_network: None) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(encoded(Image.new("RGB", (10, 10), "red"), "PNG"))
    inner = base64.b64encode(SVG.format("", f'<image href="{secret}" width="10" height="10"/>').encode()).decode()
    for body in (
        f'<image href="{secret}" width="10" height="10"/>',
        f'<image xlink:href="{secret.as_uri()}" width="10" height="10"/>',
        f'<image href="data:image/svg+xml;base64,{inner}" width="10" height="10"/>',
        '<image href="http://127.0.0.1:1/a.png" width="10" height="10"/>',
        f'<filter id="f"><feImage href="{secret}"/></filter><rect width="10" height="10" filter="url(#f)"/>',
        '<script>document.documentElement.innerHTML = "red"</script><foreignObject><p>red</p></foreignObject>',
        '<style>@import url("http://127.0.0.1:1/a.css");</style>',
    ):
        image = opened(prepare_picture(SVG.format('width="10" height="10"', body).encode(), max_width=WIDTH))
        assert {colour for _, colour in image.convert("RGBA").getcolors() or ()} <= {(0, 0, 0, 0)}, body


def test_an_entity_from_outside_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text('<rect width="10" height="10"/>')
    head = f'<!DOCTYPE svg [<!ENTITY e SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
    svg = head + SVG.format('width="10" height="10"', "&e;")
    result = outcome(svg.encode())
    assert isinstance(result, PictureError) or opened(result).convert("RGBA").getcolors() == [(100, (0, 0, 0, 0))]


def test_a_bitmap_inside_an_svg_is_drawn() -> None:
    red = base64.b64encode(encoded(Image.new("RGB", (10, 10), "red"), "PNG")).decode()
    body = f'<image href="data:image/png;base64,{red}" width="10" height="10"/>'
    image = opened(prepare_picture(SVG.format('width="10" height="10"', body).encode(), max_width=WIDTH))
    assert image.convert("RGBA").getpixel((5, 5)) == (255, 0, 0, 255)


def nested_uses(depth: int) -> str:
    groups = "".join(f'<g id="g{n}">' + f'<use xlink:href="#g{n - 1}"/>' * 10 + "</g>" for n in range(1, depth + 1))
    defs = f'<defs><g id="g0"><rect width="500" height="500"/></g>{groups}</defs><use xlink:href="#g{depth}"/>'
    return SVG.format('width="600" height="600"', defs)


@pytest.mark.parametrize(
    "svg",
    [
        nested_uses(8),
        SVG.format("", "<g opacity='.5'>" * 900 + "</g>" * 900),
        SVG.format("", "<g>" * 200_000),
        '<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
        + "]>" + SVG.format("", "<text>&j;</text>"),
        SVG.format("", "")[:60],
        "<svg",
    ],
)  # fmt: skip
def test_an_svg_that_is_a_trap_is_refused(svg: str) -> None:
    assert refused(svg.encode()).what.startswith("it is an SVG ")


def test_an_svg_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(ValueError, match=r"^that takes longer than 0\.3 s to draw$"):
        draw_svg(nested_uses(5).encode(), WIDTH, timeout_s=0.3)


def test_an_svg_that_ends_its_process_ends_nothing_else() -> None:
    groups = "".join(f'<g id="g{n}" opacity=".5"><use xlink:href="#g{n - 1}"/></g>' for n in range(1, 3000))
    svg = SVG.format("", f'<defs><rect id="g0" width="5" height="5"/>{groups}</defs><use xlink:href="#g2999"/>')
    result = outcome(svg.encode())
    assert isinstance(result, Picture) or result.what == "it is an SVG that cannot be drawn"


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "there is nothing in it, 0 bytes"),
        (b"  \n", "there is nothing in it, 0 bytes"),
        (b"<!DOCTYPE html><title>Log in</title>", "it is a web page, HTML, instead of a picture"),
        (b"\n<html>", "it is a web page, HTML, instead of a picture"),
        (b'<?xml version="1.0"?><html xmlns="x">', "it is a web page, HTML, instead of a picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "it is HEIC, which cannot be read"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "it is a video"),
        (b"\x1aE\xdf\xa3 webm", "it is a video"),
        (b"%PDF-1.7", "it is no picture in a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "it is no picture in a known format"),
        (b'{"error": "not found"}', "it is no picture in a known format"),
        (b"\x1f\x8b nonsense", "it is broken or incomplete"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, what: str) -> None:
    assert refused(data).what.startswith(what)


def test_what_unpacks_to_more_than_is_read_is_named() -> None:
    assert refused(gzip.compress(bytes(100_000_000))).what == "it is compressed, and incomplete or too large"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.7, 0.97])
def test_a_truncated_picture_is_refused(kind: str, part: float) -> None:
    data = encoded_photo(kind)
    assert refused(data[: max(12, int(len(data) * part))]).what == "it is broken or incomplete"


def test_a_truncated_animation_is_refused() -> None:
    data = animation("GIF")
    assert refused(data[: len(data) * 2 // 3]).what == "it is broken or incomplete"


def png_of(width: int, height: int) -> bytes:
    """A header and next to nothing behind it."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(width + 1))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("size", "what"),
    [
        ((10_000, 5_000), "it has 10000 by 5000 pixels, more than 40 million"),
        ((10_000, 10_000), "it has more than 40 million"),
        ((100_000, 100_000), "it has more than 40 million"),
    ],
)
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int], what: str) -> None:
    assert refused(png_of(*size)).what == what


@settings(max_examples=examples(200), deadline=None)
@given(
    kind=st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"]),
    places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
)
def test_damage_gives_a_picture_or_a_sentence(kind: str, places: list[tuple[float, int]]) -> None:
    data = bytearray(encoded(photo(60, 40), kind))
    for place, value in places:
        data[int(place * len(data))] = value
    result = outcome(bytes(data))
    assert opened(result) if isinstance(result, Picture) else result.what


def test_what_a_decoder_skips_in_a_damaged_file_is_not_printed() -> None:
    """Pillow warns of a tag that leads beyond the file, and logs too many samples."""
    whole = encoded(photo(60, 40), "TIFF")
    first = struct.unpack_from("<I", whole, 4)[0]
    script = (
        "import sys\n"
        "from newsletter.render.images.convert import PictureError, prepare_picture\n"
        "try:\n"
        "    prepare_picture(sys.stdin.buffer.read(), max_width=600)\n"
        "except PictureError as error:\n"
        "    print(error.what)\n"
    )
    entries = range(first + 2, first + 2 + 12 * struct.unpack_from("<H", whole, first)[0], 12)
    for tag, count in ((256, 200), (277, 2048)):  # ImageWidth, SamplesPerPixel
        damaged = bytearray(whole)
        at = next(entry for entry in entries if struct.unpack_from("<H", whole, entry)[0] == tag)
        struct.pack_into("<I" if tag == 256 else "<H", damaged, at + (4 if tag == 256 else 8), count)
        done = subprocess.run([sys.executable, "-c", script], input=bytes(damaged), capture_output=True, check=True)
        assert done.stderr == b""


@given(
    st.binary(max_size=300)
    | st.binary(max_size=40).map(b"<svg".__add__)
    | st.binary(max_size=80).map(b"GIF89a".__add__)
)
def test_any_bytes_give_a_picture_or_a_sentence(data: bytes) -> None:
    result = outcome(data)
    assert opened(result) if isinstance(result, Picture) else result.what


# --- many, to a budget ----------------------------------------------------------------------------------------------


def test_within_the_budget_nothing_changes() -> None:
    sources = {"a": encoded(photo(), "PNG"), "b": encoded(drawing(), "PNG")}
    free = prepare_pictures(sources, max_width=WIDTH)
    assert prepare_pictures(sources, max_width=WIDTH, max_total_bytes=10**7) == free
    assert list(free) == ["a", "b"]


def total_of(results: dict[str, Picture | PictureError]) -> int:
    return sum(picture.mailed_bytes for picture in results.values() if isinstance(picture, Picture))


def test_above_the_budget_the_heavy_ones_give_way() -> None:
    sources = {str(seed): encoded(photo(1300, 800, seed), "JPEG") for seed in range(3)}
    sources["small"] = encoded(drawing(), "PNG")
    free = prepare_pictures(sources, max_width=WIDTH)
    budget = total_of(free) // 2
    results = prepare_pictures(sources, max_width=WIDTH, max_total_bytes=budget)
    assert total_of(results) <= budget
    assert results["small"] == free["small"]
    assert all(isinstance(picture, Picture) for picture in results.values())
    assert results == prepare_pictures(sources, max_width=WIDTH, max_total_bytes=budget)


def test_a_transparent_photograph_gives_way_too() -> None:
    clear = photo(600, 400, mode="RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    sources = {"a": encoded(clear, "PNG")}
    budget = total_of(prepare_pictures(sources, max_width=WIDTH)) // 3
    (picture,) = prepare_pictures(sources, max_width=WIDTH, max_total_bytes=budget).values()
    assert isinstance(picture, Picture)
    assert picture.mailed_bytes <= budget
    assert opened(picture).has_transparency_data


def test_an_animation_gives_way_with_its_first_frame() -> None:
    (picture,) = prepare_pictures({"a": animation("GIF")}, max_width=WIDTH, max_total_bytes=10_000).values()
    assert isinstance(picture, Picture)
    assert picture.stilled
    assert not getattr(opened(picture), "is_animated", False)


def test_what_cannot_fit_stays_out_the_heaviest_first() -> None:
    sources = {str(n): encoded(photo(1200, 900, n), "JPEG") for n in range(3)} | {"s": encoded(drawing(), "PNG")}
    results = prepare_pictures(sources, max_width=WIDTH, max_total_bytes=4_000)
    assert total_of(results) <= 4_000
    assert isinstance(results["s"], Picture)
    lost = [error for error in results.values() if isinstance(error, PictureError)]
    assert lost
    assert lost[0].what == "all pictures together would weigh more than 3 KB"
    assert lost[0].remedy == "raise [images] max_total_kb, or take pictures out"


def test_one_bad_picture_leaves_the_others_alone() -> None:
    sources = {"bad": b"nonsense", "good": encoded(photo(), "PNG")}
    results = prepare_pictures(sources, max_width=WIDTH, max_total_bytes=10**6)
    assert isinstance(results["bad"], PictureError)
    assert isinstance(results["good"], Picture)


def test_the_weight_is_that_of_base64_in_a_message() -> None:
    picture = prepare_picture(encoded(photo(), "PNG"), max_width=WIDTH)
    lines = base64.encodebytes(picture.data).count(b"\n")
    assert 0 <= picture.mailed_bytes - len(base64.encodebytes(picture.data)) - lines <= 500


def test_each_step_is_lighter_than_the_one_before() -> None:
    data = encoded(photo(1600, 1000), "JPEG", quality=95)
    sizes = [len(prepare_picture(data, max_width=WIDTH, step=step).data) for step in range(len(STEPS))]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0] / 10


def test_a_jpeg_of_scans_upon_scans_is_refused_before_it_is_decoded() -> None:
    out = io.BytesIO()
    Image.new("L", (40, 40), 128).save(out, "JPEG", progressive=True)
    data = out.getvalue()
    assert prepare_picture(data, max_width=100).width == 40
    last = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(PictureError, match="a JPEG of more than 100 scans"):
        prepare_picture(data[:-2] + 100 * last + data[-2:], max_width=100)


def test_a_gif_of_thousands_of_frames_gives_its_first() -> None:
    head = b"GIF89a" + b"\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff"
    frame = b"\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
    assert prepare_picture(head + frame * MAX_FRAMES + b";", max_width=100).media_type == "image/gif"
    assert prepare_picture(head + frame * (MAX_FRAMES + 1) + b";", max_width=100).stilled
