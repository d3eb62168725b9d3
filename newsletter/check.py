"""What there is to say of a rendering."""

from __future__ import annotations

from newsletter.config import Config
from newsletter.model import Finding
from newsletter.pipeline import Rendering


def findings_of(rendering: Rendering, config: Config) -> tuple[Finding, ...]:
    """Everything that was noticed, the post's own findings included. Reads no network."""
    return rendering.findings
