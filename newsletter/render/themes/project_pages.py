"""Pages whose templates a project may replace: of the archive, the dry run, the gallery. Sandboxed, as themes are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import jinja2

from newsletter.errors import ConfigError, located
from newsletter.render.templating import EXPRESSION_ERRORS, Sandbox, fill
from newsletter.render.wording import bound_dots
from newsletter.text import printable

_REMEDY = "mend the template, or take it away"


class ProjectPages:
    """Templates of the first of `folders` that has them. All output is escaped, but that of CSS templates.

    `options` are Jinja2's. The folders of the project come before those of the package.
    """

    def __init__(self, folders: Sequence[Path], **options: Any) -> None:
        self._folders = folders
        self._environment = Sandbox(
            loader=_Loader([str(folder) for folder in folders]),
            # Security: whatever a template prints is escaped. CSS is no HTML, and has values of a theme alone.
            autoescape=jinja2.select_autoescape(disabled_extensions=("css.j2",), default=True),
            undefined=jinja2.StrictUndefined,
            **options,
        )
        self._environment.filters.update(fill=fill, bound_dots=bound_dots)

    @property
    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name, to be added to."""
        return self._environment.filters

    def render(self, name: str, values: Mapping[str, Any]) -> str:
        """The page. Raises ConfigError, with the template's file and line, where it cannot be read or drawn."""
        self._environment.begin()
        try:
            return self._environment.get_template(name).render(values)
        except jinja2.TemplateNotFound as error:
            raise ConfigError(f"there is no template {error.name}", "put it there", path=self._folders[0]) from error
        except jinja2.TemplateSyntaxError as error:
            place = error.filename or self._folders[0]
            raise ConfigError(located(place, error.lineno, str(error.message), _REMEDY)) from error
        except jinja2.TemplateError as error:  # an undefined value, or one that the sandbox refuses
            raise ConfigError(located(*self._place(error), str(error.message), _REMEDY)) from error
        except EXPRESSION_ERRORS as error:  # a filter on a wrong type, a division by zero, an endless macro
            what = f"the template fails ({type(error).__name__}: {printable(str(error))[:200]})"
            raise ConfigError(located(*self._place(error), what, _REMEDY)) from error

    def _place(self, error: BaseException) -> tuple[Path | str, int | None]:
        """The last of the templates that an error came through, and its line."""
        place: tuple[Path | str, int | None] = (self._folders[0], None)
        step = error.__traceback__
        while step is not None:
            name = step.tb_frame.f_code.co_filename
            if PurePath(name).suffix == ".j2":
                place = name, step.tb_lineno
            step = step.tb_next
        return place


class _Loader(jinja2.FileSystemLoader):
    """Files that cannot be read are faults of their templates."""

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        try:
            return super().get_source(environment, template)
        except jinja2.TemplateNotFound:  # an OSError, too
            raise
        except (UnicodeDecodeError, OSError) as error:
            file = next(path for path in (Path(folder, template) for folder in self.searchpath) if path.is_file())
            what, line = _why_unreadable(file, error)
            raise jinja2.TemplateSyntaxError(what, line, template, str(file)) from error


def _why_unreadable(file: Path, error: Exception) -> tuple[str, int]:
    if isinstance(error, OSError):
        return f"the template cannot be read ({error.strerror})", 1
    data = file.read_bytes()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return f"byte {data[wrong.start]:#04x} is no UTF-8", data.count(b"\n", 0, wrong.start) + 1
    return "the template is no text in UTF-8", 1
