"""Rasterize SVG to PNG, since Gmail and Outlook show none (caniemail.com).

An SVG is untrusted, and almost a program. It is sanitized first: scripts, foreign content and all external references
are removed. Then resvg draws it in a process of its own, since a few hundred bytes of SVG can keep resvg busy for
minutes, exhaust memory, or crash the process.
"""

from __future__ import annotations

import re
import sys

from lxml import etree

DRAWING_S = 10.0
_MEMORY_BYTES = 1 << 30
_MAX_HEIGHT = 8_000

_PROGRAM = f"""
import sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({_MEMORY_BYTES}, {_MEMORY_BYTES}))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except (ImportError, OSError, ValueError):
    pass
import resvg_py
markup = sys.stdin.buffer.read().decode("utf-8")
try:
    sys.stdout.buffer.write(resvg_py.svg_to_bytes(svg_string=markup, skip_system_fonts=sys.argv[1] == "no-text"))
except ValueError as error:
    sys.exit(str(error))
"""


def looks_like_svg(data: bytes) -> bool:
    """Whether the first element is `svg`, after any declarations and comments."""
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.startswith(b"<"):
        return False
    element = re.search(rb"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)", re.sub(rb"<!--.*?(-->|$)", b"", start, flags=re.S))
    return element is not None and element[2] == b"svg"


def draw_svg(data: bytes, max_width: int, *, timeout_s: float = DRAWING_S) -> tuple[bytes, tuple[int, int]]:
    """A PNG, and the drawing's natural size in pixels. A wide one is drawn `max_width` wide, a small one 1:1.

    Raises ValueError with the reason, as it follows "it is an SVG ".
    """
    try:
        # Security: load no DTD and no external entity; libxml2 itself bounds depth and expansion.
        parser = etree.XMLParser(no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError("that is broken or incomplete") from error
    _disarm(root)
    width, height = _natural_size(root)
    drawn = max_width if width * 2 >= max_width else width
    scale = min(drawn / width, _MAX_HEIGHT / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if not root.get("viewBox"):
        root.set("viewBox", f"0 0 {width:g} {height:g}")
    root.set("width", str(size[0]))
    root.set("height", str(size[1]))
    text = any(_name(element) == "text" for element in root.iter())
    return _draw(etree.tostring(root), "text" if text else "no-text", timeout_s), (round(width), round(height))


def _draw(markup: bytes, fonts: str, timeout_s: float) -> bytes:
    import subprocess  # few pictures are SVG

    try:
        done = subprocess.run(  # noqa: S603 (our own interpreter, and a program that is a constant)
            [sys.executable, "-P", "-c", _PROGRAM, fonts], input=markup, capture_output=True, timeout=timeout_s
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"that takes longer than {timeout_s:g} s to draw") from error
    if done.returncode < 0 or (done.returncode and b"ModuleNotFoundError" not in done.stderr and not done.stdout):
        raise ValueError("that cannot be drawn")
    if done.returncode:
        raise ValueError("and this Python has no module resvg_py to draw it")
    return done.stdout


def _disarm(root: etree._Element) -> None:
    """Remove everything executable, and all references except to the drawing itself or to an inline bitmap."""
    for element in list(root.iter(etree.Element)):
        parent = element.getparent()
        if _name(element) in {"script", "foreignObject", "handler", "iframe"} and parent is not None:
            parent.remove(element)
            continue
        for key in [str(key) for key in element.attrib]:
            name, value = etree.QName(key).localname, element.get(key, "")
            # Security: resvg opens a path in an href; an SVG from the web would show this machine's files.
            inside = re.match(r"\s*(#|data:image/(png|jpe?g|gif|webp)[;,])", value)
            if (name == "href" and not inside) or name.startswith("on"):
                del element.attrib[key]


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


_PIXELS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "em": 16.0}


def _natural_size(root: etree._Element) -> tuple[float, float]:
    """Width and height in CSS pixels: the root's attributes, else its view box (SVG 2, 8.12), else 300 by 150."""
    width, height = (_length(root.get(name, "")) for name in ("width", "height"))
    box = [_length(part) for part in re.split(r"[\s,]+", root.get("viewBox", "").strip())]
    across, down = (box[2], box[3]) if len(box) == 4 else (None, None)
    if across and down:
        if width and not height:
            height = width * down / across
        elif height and not width:
            width = height * across / down
    return (_bounded(width or across or 300.0), _bounded(height or down or 150.0))


def _bounded(length: float) -> float:
    return min(max(length, 1.0), 1e6)


MAX_LENGTH_CHARS = 40
"""The longest length attribute. Parsing digits takes quadratic time."""


def _length(text: str) -> float | None:
    """A positive length in pixels; None for percentages and invalid values."""
    if len(text) > MAX_LENGTH_CHARS:
        return None
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]{1,2})?)\s*([a-z]*)\s*", text)
    if not match or match[2] not in _PIXELS:
        return None
    return float(match[1]) * _PIXELS[match[2]] or None
