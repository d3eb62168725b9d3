"""`newsletter init`: ask the questions, and write the files."""

from __future__ import annotations

import locale
from datetime import date
from pathlib import Path

import click

from newsletter.cli.commands.init import THEMES, RelayChoice
from newsletter.cli.console import is_terminal, print_json, require_utf8
from newsletter.config.relay_presets import PRESETS, preset_named
from newsletter.config.validators import mailbox
from newsletter.errors import ConfigError, InvalidValueError
from newsletter.pipeline.starter import Starter, best_language, start_newsletter
from newsletter.pipeline.starter_words import languages
from newsletter.text import printable


def init(
    folder: Path,
    name: str | None,
    sender: str | None,
    relay: str | None,
    your_name: str,
    language: str | None,
    look: str | None,
    postal_address: str,
    as_json: bool,
) -> None:
    asks = is_terminal() and not as_json
    if asks:
        name = name or click.prompt("The newsletter's name", default=_name_of(folder), err=True)
        sender = sender or click.prompt("Who it is from (Name <address>)", err=True)
        if relay is None:
            for preset in PRESETS:
                click.echo(f"  {preset.key:<10} {preset.title}", err=True)
            question = "The mail service, or smtp://user@host:port"
            relay = click.prompt(question, type=RelayChoice(), default="none", err=True)
        language = language or click.prompt(
            "Language", type=click.Choice(languages()), default=_own_language(), err=True
        )
        look = look or click.prompt("Look", type=click.Choice(THEMES), default="classic", err=True)
    if not sender:
        raise ConfigError(
            "init: nobody is here to answer, and the sender is not known", "write --from 'Name <you@example.org>'"
        )
    name = " ".join((name or _name_of(folder)).split())
    for option, typed in (("--name", name), ("--your-name", your_name), ("--postal-address", postal_address)):
        require_utf8(option, typed)
    try:
        sender = mailbox(sender)
    except InvalidValueError as error:
        raise ConfigError(f"--from {error.what}", "write --from 'Name <you@example.org>'") from error
    address = sender.rpartition("<")[2].rstrip(">")
    display_name = sender.rpartition("<")[0].strip().strip('"') if "<" in sender else ""
    own_name = your_name.strip() or (display_name if display_name != name else "")
    if asks and not own_name:
        own_name = click.prompt(
            "Your own name, as the first reader on the list", default="", show_default=False, err=True
        )
    starter = Starter(
        name,
        sender if "<" in sender else f"{name} <{address}>",
        address,
        language or _own_language(),
        look or "classic",
        postal_address.strip(),
        preset_named(relay or "none"),
        relay if relay and "://" in relay else "",
        " ".join(own_name.split()),
    )
    started = start_newsletter(folder, starter, date.today())
    where = "" if folder == Path() else f"cd {printable(str(folder))} && "
    post = started.post or "POST.md"
    commands = [
        f"{where}newsletter preview {post} --to subscribers.csv",
        f"{where}newsletter send {post} --to subscribers.csv --catch",
        f"{where}newsletter send {post} --to subscribers.csv --test {address}",
    ]
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "written": list(started.written),
                "kept": list(started.kept),
                "post": started.post,
                "site": started.site,
                "notes": list(started.notes),
                "next": commands,
            }
        )
        return
    for path in started.written:
        click.echo(f"written  {printable(path)}")
    for path in started.kept:
        click.echo(f"kept     {printable(path)}")
    for note in started.notes:
        click.echo(f"note     {printable(note)}")
    look_at, to_oneself = commands[:-1], commands[-1]
    click.echo("\nNext:\n  " + "\n  ".join(map(printable, look_at)))
    if relay in (None, "none"):
        click.echo("\nOnce [relay] url in newsletter.toml names the server that sends your mail:")
    elif starter.preset is not None and starter.preset.auth:
        click.echo("\nOnce token_command in newsletter.toml prints the token:")
    elif "@" in (starter.preset.url if starter.preset is not None else starter.relay_url):
        click.echo("\nOnce .env has the password, behind NEWSLETTER_SMTP_PASSWORD= :")
    click.echo(f"  {printable(to_oneself)}")


def _name_of(folder: Path) -> str:
    letters = (char if char.isprintable() and char not in "-_" else " " for char in folder.absolute().name)
    name = " ".join("".join(letters).split())
    return name[:1].upper() + name[1:] or "Newsletter"


def _own_language() -> str:
    return best_language((locale.getlocale()[0] or "en").replace("_", "-"))
