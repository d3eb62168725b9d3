"""flufl.bounce's sample bounces, from its source distribution, with the results that its own tests expect.

Fetched by pip once, into a user cache: they are real mail, and not part of this repository.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from machine import missing

CACHE = Path.home() / ".cache" / "newsletter-tests"


@dataclass(frozen=True, slots=True)
class Sample:
    """One message, the addresses that bounced, and whether only temporarily."""

    name: str
    raw: bytes
    addresses: frozenset[str]
    temporary: bool


def read_samples() -> tuple[Sample, ...]:
    with tarfile.open(_sdist()) as archive:
        files = {
            Path(member.name).name: extracted.read()
            for member in archive.getmembers()
            if "/tests/" in member.name and (extracted := archive.extractfile(member))
        }
    expected = _expected(files["test_detectors.py"].decode())
    return tuple(
        Sample(name, raw, *expected.get(name, (frozenset(), False)))
        for name, raw in sorted(files.items())
        if name.endswith(".txt")
    )


def _sdist() -> Path:
    wanted = f"flufl.bounce=={version('flufl.bounce')}"
    place = CACHE / wanted.replace("==", "-")
    if not place.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            # Its metadata needs hatchling, as ours does: an isolated build environment takes a minute to install.
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation"]
            command += ["--no-binary", ":all:", wanted, "--dest", folder]
            done = subprocess.run(command, capture_output=True, timeout=100)
            if done.returncode:
                missing("flufl.bounce's samples cannot be fetched")
            if not place.is_dir():
                Path(folder).rename(place)
            Path(folder).mkdir(exist_ok=True)
    return next(place.glob("*.tar.gz"))


def _expected(source: str) -> dict[str, tuple[frozenset[str], bool]]:
    """The table `DETECTORS` of its tests: (detector, file, addresses, temporary).

    A detector that should not recognise a file has an empty row; another may have the real one.
    """
    table = next(
        ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DETECTORS"
    )
    found: dict[str, tuple[frozenset[str], bool]] = {}
    for _, name, addresses, temporary in table:
        if addresses:
            found[name] = (frozenset(address.decode() for address in addresses), temporary)
    return found
