"""Options shared by several commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from click.core import ParameterSource

from newsletter.errors import ConfigError

if TYPE_CHECKING:
    from newsletter.render.images.resolve import ImageMode


class Given(click.ParamType):  # type: ignore[type-arg]  # generic in some versions only
    """A text option that rejects an empty value: `--where "$SEGMENT"` of an unset variable would mail everybody."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        source = ctx.get_parameter_source(param.name or "") if ctx is not None and param is not None else None
        if value == "" and param is not None and source is not ParameterSource.DEFAULT:
            raise ConfigError(f"{param.opts[0]} is empty", "write what is meant, or leave the option out")
        return str(value)


connections_option = click.option(
    "--connections",
    type=click.IntRange(1, 100),
    metavar="N",
    help="How many at a time; [delivery] by default.",
)


relay_option = click.option(
    "--relay", "relay_url", type=Given(), metavar="URL", help="smtp://… or smtps://…, instead of [relay]."
)


log_option = click.option("--log-json", type=Given(), metavar="FILE", help="Events as lines of JSON; - for stderr.")


yes_option = click.option("--yes", is_flag=True, help="Do not ask; for cron and CI.")


now_option = click.option("--now", is_flag=True, help="Also a draft, or an issue that is yet to come.")


newcomers_option = click.option("--newcomers", is_flag=True, help="Also to who joined long after an old issue.")


class NamedPath(click.Path):
    """A path option that rejects the empty string (an unset shell variable)."""

    def __init__(self) -> None:
        super().__init__(readable=False, path_type=Path)  # the reader of the path reports its faults

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            name = param.opts[0] if isinstance(param, click.Option) else "a name"
            raise ConfigError(f"{name} is empty", "write the path that is meant")
        return super().convert(value, param, ctx)


config_option = click.option(
    "--config", "config_path", type=NamedPath(), help="newsletter.toml; the nearest by default."
)


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


images_option = click.option(
    "--images",
    type=click.Choice(["remote", "embed", "mirror"]),
    help="Where pictures are; [images] by default.",
)


def images_mode(images: str | None) -> ImageMode | None:
    return cast("ImageMode | None", images)
