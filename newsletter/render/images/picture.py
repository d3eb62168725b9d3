"""A picture ready for mail, or the reason why it is left out."""

from __future__ import annotations

from dataclasses import field

from newsletter.frozen import frozen


class PictureError(ValueError):
    """Why a picture is left out, as it follows "the picture ... is left out: ", and the remedy."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


@frozen
class Picture:
    """A picture ready for mail. `original` is its original size, upright; `stilled`: it was an animation."""

    data: bytes = field(repr=False)
    media_type: str
    extension: str
    width: int
    height: int
    original: tuple[int, int]
    stilled: bool = False
    step: int = 0

    @property
    def mailed_bytes(self) -> int:
        """Its size in a message: base64 in lines of 76 (RFC 2045 6.8), and the headers of its part."""
        encoded = -(-len(self.data) // 3) * 4
        return encoded + 2 * -(-encoded // 76) + 400
