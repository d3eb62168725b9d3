"""Sample pictures, valid and faulty."""

from __future__ import annotations

import io
import random
import zlib

from image_server import ImageServer
from PIL import Image as Pillow


def picture(kind: str = "PNG", size: tuple[int, int] = (30, 20), colour: str = "red") -> bytes:
    file = io.BytesIO()
    Pillow.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def photo(seed: int, size: tuple[int, int] = (1600, 1000), kind: str = "JPEG") -> bytes:
    noise = Pillow.frombytes("RGB", (160, 100), random.Random(seed).randbytes(48_000))
    file = io.BytesIO()
    noise.resize(size, Pillow.Resampling.BICUBIC).save(file, kind)
    return file.getvalue()


def bomb() -> bytes:
    data = picture()
    start = data.index(b"IHDR")
    head = b"IHDR" + (10_000).to_bytes(4) + (5_000).to_bytes(4) + data[start + 12 : start + 17]
    return data[:start] + head + zlib.crc32(head).to_bytes(4) + data[start + 21 :]


def faulty(server: ImageServer) -> dict[str, str]:
    """Ten pictures, each with a fault, and a word of its message."""
    server.serve("/good.png", photo(99))
    server.redirects |= {"/circle": "/circle", "/inside": "http://10.0.0.1/a.png"}
    return {
        server.url("/status/404"): "answers 404",
        server.url("/status/500"): "answers 500",
        server.url("/circle"): "in a circle",
        server.url("/inside"): "private address",
        server.url("/endless"): "larger than",
        server.url("/truncated/good.png"): "truncated",
        server.url("/short/good.png"): "broken or incomplete",
        server.serve("/page.png", b"<!DOCTYPE html><p>log in", "image/png"): "web page, HTML",
        server.serve("/bomb.png", bomb()): "10000 by 5000 pixels",
        server.url("/reset"): "broke the connection",
    }
