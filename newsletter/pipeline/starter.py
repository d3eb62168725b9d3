"""Start a newsletter in a folder: configuration, example post, list, .gitignore; and create the next post."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from newsletter.config.env_file import ENV_FILE
from newsletter.config.relay_presets import RelayPreset
from newsletter.config.site_generator import find_generator, posts_folder
from newsletter.errors import ConfigError, located
from newsletter.files import package_folder, write_atomically
from newsletter.frozen import frozen
from newsletter.model.file_stem import file_stem
from newsletter.model.languages import choose_language
from newsletter.pipeline.starter_words import languages, settings_words, starter_words

SECRET_FILES = (ENV_FILE, "subscribers.csv", "newsletter.db*", "backups/", ".newsletter/", "out/")
"""Files that must never reach a public repository: secrets, addresses, the ledger."""

NOT_FOR_JEKYLL = (
    "subscribers.csv",
    "newsletter.toml",
    "newsletter.db",
    "newsletter.db-wal",
    "newsletter.db-shm",
    "backups",
    "out",
)
"""Files of a newsletter that Jekyll would publish beside its `_config.yml`. It skips names that begin with a dot."""


@frozen
class Starter:
    """The answers to `newsletter init`. `language` is one of `languages()`, `sender` `Name <address>` or an address.

    `own_name` is the author's, the first reader of the list. The relay is that of `preset`, else at `relay_url`.
    """

    name: str
    sender: str
    address: str
    language: str
    theme: str = "classic"
    postal_address: str = ""
    preset: RelayPreset | None = None
    relay_url: str = ""
    own_name: str = ""


@frozen
class Started:
    """The files that were written, relative to the folder; `kept` existed already; `notes` are for the author."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    post: str
    site: str
    notes: tuple[str, ...]


def start_newsletter(folder: Path, starter: Starter, today: date) -> Started:
    """Write the files. Existing ones are not replaced; `.gitignore` and Jekyll's `exclude` are extended.

    Raises ConfigError if the folder already has a newsletter.toml, or cannot be written.
    """
    if (folder / "newsletter.toml").exists():
        raise ConfigError(
            located(
                str(folder / "newsletter.toml"),
                None,
                "a newsletter is here already",
                "edit that file, or name another folder",
            )
        )
    generator = find_generator(folder)
    environment = _environment()
    words = starter_words()[starter.language]
    files = {
        "newsletter.toml": _settings(environment, starter, generator.name if generator else ""),
        "subscribers.csv": f"email,name\n{_csv_cell(starter.address)},{_csv_cell(starter.own_name)}\n",
        ".env.example": _env_file(environment, starter, ""),
        ENV_FILE: _env_file(environment, starter, secrets.token_hex(32)),
    }
    posts = posts_folder(folder)
    post = ""
    if generator is None:
        post = (posts / f"{today:%Y-%m-%d}-{file_stem(words['title'])}.md").as_posix()
        files[post] = _post(environment, words, words["title"], today)
    written: list[str] = []
    kept: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = folder / name
            if path.exists():
                kept.append(name)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if name == ENV_FILE:
                write_atomically(path, text.encode(), mode=0o600)
            else:
                path.write_text(text, "utf-8")
            written.append(name)
        if _ignore_secrets(folder / ".gitignore"):
            written.append(".gitignore")
        notes = _keep_from_jekyll(folder, written) if generator and generator.publishes_root else []
    except OSError as error:
        raise ConfigError(
            located(str(folder), None, f"cannot be written ({error.strerror})", "name a folder that you may write")
        ) from error
    if generator:
        notes.insert(0, f"this is a {generator.name} site; its posts are in {posts.as_posix()}/")
    if ENV_FILE in kept:
        notes.append(f"{ENV_FILE} was here already; add the lines of .env.example that it lacks")
    return Started(tuple(written), tuple(kept), post, generator.name if generator else "", tuple(notes))


def _settings(environment: Environment, starter: Starter, site: str) -> str:
    words = settings_words(starter.language)
    url, relay_says, note = starter.relay_url, "", ""
    if (preset := starter.preset) is not None:
        url = preset.url.replace("{user}", starter.address.replace("@", "%40"))
        own = words.relays.get(preset.key, {})
        sentence = words.says["token" if preset.auth else "password"]
        relay_says = sentence.format(
            title=own.get("title", preset.title), password=own.get("password", preset.password)
        )
        note = own.get("note", preset.note)
    return environment.get_template("newsletter.toml.j2").render(
        says=words.says,
        name=starter.name,
        sender=starter.sender,
        address=starter.address,
        postal_address=starter.postal_address,
        language=starter.language,
        theme=starter.theme,
        preset=starter.preset,
        relay_says=relay_says,
        note=note,
        url=url,
        site=site,
    )


def _env_file(environment: Environment, starter: Starter, secret: str) -> str:
    return environment.get_template("env.j2").render(says=settings_words(starter.language).says, secret=secret)


def new_post(folder: Path, title: str, day: date, language: str) -> Path:
    """Write the next post into the folder's posts -> its path. Raises ConfigError where a post of that name exists."""
    words = starter_words()
    path = folder / posts_folder(folder) / f"{day:%Y-%m-%d}-{file_stem(title)}.md"
    text = _post(_environment(), words.get(language) or words[language.split("-")[0]], title, day)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(
            located(str(path), None, "there is a post of this day and title", "edit it, or write another title")
        ) from None
    except OSError as error:
        raise ConfigError(
            located(str(path), None, f"cannot be written ({error.strerror})", "check the folder's permissions")
        ) from error
    return path


def best_language(tag: str) -> str:
    """The language of a post for a BCP 47 tag: itself, its script, its main language, else English."""
    return choose_language([tag], languages(), "en")


def _post(environment: Environment, words: Mapping[str, str], title: str, day: date) -> str:
    return environment.get_template("post.md.j2").render(words=words, title=title, date=day.isoformat())


def _environment() -> Environment:
    environment = Environment(  # noqa: S701 - Markdown and TOML, each value quoted by its own filter
        loader=FileSystemLoader(package_folder("templates", "starter")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # JSON's strings are TOML's basic strings; YAML's double-quoted scalars accept them as well.
    environment.filters["toml"] = lambda text: json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    environment.filters["yaml"] = _yaml_scalar
    return environment


def _yaml_scalar(text: str) -> str:
    """A plain scalar if YAML reads that back, else a double-quoted one."""
    try:
        if yaml.safe_load(f"key: {text}") == {"key": text}:
            return text
    except yaml.YAMLError:
        pass
    return json.dumps(text, ensure_ascii=False)


def _csv_cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n]', text) else text


def _ignore_secrets(path: Path) -> bool:
    """Add the secrets to .gitignore. Returns whether it changed."""
    before = path.read_text("utf-8") if path.exists() else ""
    lacking = [name for name in SECRET_FILES if name not in before.split()]
    if not lacking:
        return False
    head = before if not before or before.endswith("\n") else before + "\n"
    path.write_text(head + "\n".join(lacking) + "\n", "utf-8")
    return True


def _keep_from_jekyll(folder: Path, written: list[str]) -> list[str]:
    """Exclude list and ledger from the Jekyll site; returns notes. The file is only appended to, never rewritten."""
    path = next(
        (folder / name for name in ("_config.yml", "_config.yaml") if (folder / name).is_file()), folder / "_config.yml"
    )
    names = ", ".join(NOT_FOR_JEKYLL)
    by_hand = f"{path.name}: add to `exclude`, or Jekyll publishes your list: {names}"
    try:
        text = path.read_text("utf-8")
        values = yaml.safe_load(text) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError):
        return [by_hand]
    if not isinstance(values, dict):
        return [by_hand]
    excluded = values.get("exclude")
    if excluded is not None:
        lacking = [name for name in NOT_FOR_JEKYLL if name not in (excluded if isinstance(excluded, list) else ())]
        return (
            [f"{path.name}: add to `exclude`, or Jekyll publishes your list: {', '.join(lacking)}"] if lacking else []
        )
    added = "\n# The newsletter's list, settings and ledger are not for the site.\nexclude:\n" + "".join(
        f"  - {name}\n" for name in NOT_FOR_JEKYLL
    )
    path.write_text(text.rstrip("\n") + "\n" + added, "utf-8")
    written.append(path.name)
    return [f"{path.name}: `exclude` keeps the list and the ledger off the site"]
