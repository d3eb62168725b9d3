"""Tell of modules that cannot be loaded: a disk that was full, or a copy that was cut short, during the install."""

from __future__ import annotations

from types import TracebackType

from newsletter import DISTRIBUTION
from newsletter.errors import ConfigError, NewsletterError

IMPORT_FAULTS = (ImportError, SyntaxError, PermissionError, EOFError, ValueError, TypeError)
"""What an import may raise where a file is missing, cut short or closed to us; other faults are among them."""

_AGAIN = f"install {DISTRIBUTION} again"


def installation_error(error: BaseException) -> NewsletterError:
    """What to say of an import that failed. Raises `error` again where it is no such thing."""
    words = " ".join(str(error).split())
    match error:
        case ImportError():
            return ConfigError(f"the installation is not whole ({words})", _AGAIN, path=error.path or "")
        case SyntaxError(filename=str(path), msg=what) if path.endswith(".py"):
            return ConfigError(f"the installation is damaged ({what})", _AGAIN, path=path, line=error.lineno)
        case PermissionError(filename=str(path)) if _import_of(error):
            return ConfigError("a module that may not be read", "make it readable for everyone", path=path)
        case EOFError() | ValueError() | TypeError() if file := _import_of(error).get("bytecode_path"):
            remedy = f"remove this file, or {_AGAIN}"
            return ConfigError(f"a module that was cut short or damaged ({words})", remedy, path=str(file))
    raise error


def _import_of(error: BaseException) -> dict[str, object]:
    """The variables of Python's own import, where it is that which failed."""
    place = _last(error.__traceback__)
    is_import = place is not None and place.tb_frame.f_code.co_filename.startswith("<frozen importlib")
    return dict(place.tb_frame.f_locals) if place and is_import else {}


def _last(place: TracebackType | None) -> TracebackType | None:
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place
