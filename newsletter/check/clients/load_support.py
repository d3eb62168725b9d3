"""Load caniemail's table, which ships with the package."""

from __future__ import annotations

import json
from pathlib import Path

from newsletter.check.clients.support import Client, Feature, Support
from newsletter.errors import ConfigError, located

TABLE = Path(__file__).parent / "caniemail.json"


def load_support(path: Path = TABLE) -> Support:
    """Load the file that `docs/caniemail.py` makes from npm's package. Raises ConfigError."""
    try:
        table = json.loads(path.read_bytes())
        clients = tuple(Client(family, platform, name) for family, platform, name in table["clients"])
        features = {
            slug: Feature(slug, title, category, levels)
            for slug, (category, title, levels) in table["features"].items()
        }
        return Support(table["package"], table["updated"], clients, features)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what = "the table of what mail clients can show is missing or damaged"
        raise ConfigError(located(str(path), None, what, "install newsletter again")) from error
