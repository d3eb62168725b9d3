"""Find the available themes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

VALUES = "theme.toml"


_PACKAGE = Path(__file__).parents[2]


def template_roots(project: Path) -> tuple[Path, ...]:
    """The folders of themes by precedence: beside the user's newsletter.toml, the package, the checkout.

    An editable install has no templates inside the package; it uses the checkout's folder.
    """
    return (project / "templates", _PACKAGE / "templates", _PACKAGE.parent / "templates")


def known_themes(roots: Sequence[Path]) -> tuple[str, ...]:
    return tuple(sorted({path.parent.name for root in roots for path in root.glob(f"*/{VALUES}")}))
