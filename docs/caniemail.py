"""Refreshes newsletter/check/clients/ from npm's package `caniemail`: `python docs/caniemail.py FOLDER`.

FOLDER is where the package is installed: `tests/node/node_modules/caniemail` after `npm ci --prefix tests/node`. What
is written depends on nothing else, so a test compares it with the package that tests/node pins.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "newsletter" / "check" / "clients"
TABLE = "caniemail.json"
LICENCE = "caniemail.LICENSE"


def vendored(package: Path) -> Mapping[str, bytes]:
    """By file name: the table of support in a few bytes per feature, and the licence of the data as it is.

    A feature is its title and a letter for each client in the order of `clients`: y (yes), a (partly), n (no) or u
    (nobody knows). It is that of the last version the data has, which lists them from old to new. Left out: notes,
    test dates, older versions.
    """
    version = json.loads((package / "package.json").read_text("utf-8"))["version"]
    source = json.loads((package / "data" / "caniemail.json").read_text("utf-8"))
    clients = sorted(
        {(family, platform) for each in source["data"] for family, found in each["stats"].items() for platform in found}
    )
    names = source["nicenames"]["platform"]
    table = {
        "package": version,
        "updated": source["last_update_date"][:10],
        "clients": [[family, platform, names[platform]] for family, platform in clients],
        "features": {
            each["slug"]: [each["category"], each["title"].strip(), "".join(_letter(each, *one) for one in clients)]
            for each in sorted(source["data"], key=lambda each: str(each["slug"]))
        },
    }
    return {TABLE: _lines(table).encode(), LICENCE: (package / "LICENSE").read_bytes()}


def _letter(feature: Mapping[str, Any], family: str, platform: str) -> str:
    versions = feature["stats"].get(family, {}).get(platform, {})
    return str([*versions.values()][-1])[0] if versions else "u"


def _lines(table: Mapping[str, Any]) -> str:
    """JSON with each client and feature on a line of its own, so that a refresh can be read as a diff."""

    def compact(value: object) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    clients = ",\n".join(map(compact, table["clients"]))
    features = ",\n".join(f"{compact(slug)}:{compact(row)}" for slug, row in table["features"].items())
    head = f'"package":{compact(table["package"])},\n"updated":{compact(table["updated"])}'
    return f'{{\n{head},\n"clients":[\n{clients}\n],\n"features":{{\n{features}\n}}\n}}\n'


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/caniemail.py tests/node/node_modules/caniemail")
    DATA.mkdir(exist_ok=True)
    for name, content in vendored(Path(sys.argv[1])).items():
        (DATA / name).write_bytes(content)
        print(f"{DATA.name}/{name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
