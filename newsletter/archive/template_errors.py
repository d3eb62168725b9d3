"""Faults of the author's own templates as one sentence, with file and line."""

from __future__ import annotations

from pathlib import PurePath

import jinja2

from newsletter.errors import ConfigError, located


def template_error(error: jinja2.TemplateError) -> ConfigError:
    """Where the template is at fault, and in what."""
    if isinstance(error, jinja2.TemplateNotFound):
        return ConfigError(located("templates/archive", None, f"there is no template {error.name}", "put it there"))
    path, line = "templates/archive", None
    if isinstance(error, jinja2.TemplateSyntaxError):
        path, line = error.filename or path, error.lineno
    else:
        step = error.__traceback__
        while step is not None:  # the last of our templates that it came through
            name = step.tb_frame.f_code.co_filename
            if PurePath(name).suffix == ".j2":
                path, line = name, step.tb_lineno
            step = step.tb_next
    return ConfigError(located(path, line, str(error.message), "mend the template, or take it away"))
