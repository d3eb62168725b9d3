"""Find lists, ledgers and keys that a web site would publish; read a saved mail."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from itertools import chain, islice
from pathlib import Path

from newsletter.audience.lists.columns import is_address_column
from newsletter.config.config import Config
from newsletter.config.jekyll_site import read_site
from newsletter.config.site_generator import GENERATORS, Generator, find_generator
from newsletter.doctor.judge.records import Exposure
from newsletter.errors import ConfigError
from newsletter.files import open_regular
from newsletter.pipeline.dated_backups import newest_backup

_PUBLISHED = {
    "Jekyll": ("_site",),
    "Hugo": ("static", "public", "content"),
    "Pelican": ("content", "output"),
    "Eleventy": ("_site", "public"),
    "Astro": ("public", "dist"),
}
"""The folders of a site that are copied to the web, or are the built site."""

_PAGES_MARKS = (".nojekyll", "CNAME")
_WEB_FOLDERS = ("public_html", "htdocs", "wwwroot")
_WEB_ROOTS = (Path("/var/www"), Path("/srv/http"), Path("/usr/share/nginx/html"))
_MOST_FILES = 200
_LEVELS = 6
_HEAD_BYTES = 4096
_MAIL_BYTES = 10_000_000


def find_exposed(config: Config, lists: Sequence[str] = ()) -> tuple[tuple[Exposure, ...], int]:
    """The exposed files, and how many were checked. `lists` are paths that issues were sent to."""
    exposures = []
    count = 0
    for path, kind in dict(_private_files(config, lists)).items():
        count += 1
        found = _published_from(path.absolute())
        if found:
            exposures.append(Exposure(_shown(path, config.root), kind, *found))
    return tuple(exposures), count


def _private_files(config: Config, lists: Sequence[str]) -> Iterator[tuple[Path, str]]:
    place = config.ledger_place
    if isinstance(place, Path) and place.exists():
        yield place, "the ledger, with everybody's address"
    if (newest := newest_backup(config, place)) is not None:
        yield newest, "a backup of the ledger"
    for key in config.settings.dkim:
        if key.key_file and (config.root / key.key_file).exists():
            yield config.root / key.key_file, "the private DKIM key"
    if (config.root / ".env").exists():
        yield config.root / ".env", "the passwords"
    tables = (path for pattern in ("*.csv", "*/*.csv") for path in sorted(config.root.glob(pattern)))
    sent_to = (path for path in (config.root / name for name in lists) if path.is_file())
    for path in islice(chain(sent_to, tables), _MOST_FILES):
        if _is_list(path):
            yield path, "a list of addresses"


def _is_list(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    first = head.decode("utf-8-sig", "replace").partition("\n")[0].strip()
    return any(
        is_address_column(cell) or "@" in cell
        for mark in ",;\t"
        for cell in next(csv.reader([first], delimiter=mark), [])
    )


def _published_from(path: Path) -> tuple[str, str] | None:
    """The site that publishes a file, and how to prevent that."""
    for folder in islice(path.parents, _LEVELS):
        if any((folder / mark).is_file() for mark in _PAGES_MARKS):
            return "what GitHub Pages publishes", "move the newsletter out of that folder, and delete the file there"
        generator = find_generator(folder) or _bare_jekyll(folder)
        if generator is not None and (remedy := _remedy(generator, folder, path.relative_to(folder))):
            return f"what {generator.name} publishes", remedy
    if any(part in _WEB_FOLDERS for part in path.parts) or any(root in path.parents for root in _WEB_ROOTS):
        return "a web server's folder", "move the newsletter out of it"
    return None


def _bare_jekyll(folder: Path) -> Generator | None:
    """Whether the folder is a Jekyll site without configuration: on GitHub Pages posts and an index page are enough."""
    bare = (folder / "_posts").is_dir() and any((folder / name).is_file() for name in ("index.html", "index.md"))
    return GENERATORS[0] if bare else None


def _remedy(generator: Generator, folder: Path, file: Path) -> str:
    """How to exclude `file`, relative to the site's `folder`, from the site; empty if it is not published."""
    first = file.parts[0]
    if len(file.parts) > 1 and first in _PUBLISHED.get(generator.name, ()):
        return f"move it out of {first}/, and delete it from the site"
    if not generator.publishes_root or any(part.startswith(("_", ".")) for part in file.parts):
        return ""
    if any(fnmatch(name, pattern) for pattern in _excluded(folder) for name in (file.as_posix(), first)):
        return ""
    return f"add {file.as_posix()} to `exclude` in {generator.marks[0]}, and delete it from the site"


def _excluded(folder: Path) -> list[str]:
    try:
        found = read_site(folder, url="", baseurl="", permalink="").values.get("exclude")
    except ConfigError:
        return []
    return [str(each).rstrip("/") for each in found] if isinstance(found, list) else []


def _shown(path: Path, root: Path) -> str:
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return str(path)


def read_mail(path: Path) -> bytes:
    """The beginning of a saved mail, its header included. Raises ConfigError."""
    try:
        with open_regular(path) as file:
            return file.read(_MAIL_BYTES)
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror})", "give the file of the saved mail", path=path) from error
