"""Run the command line, as the console script and as `python -m newsletter`; report an import that fails."""

import gc
import sys
from importlib import import_module

from newsletter.cli.broken_install import IMPORT_FAULTS, installation_error
from newsletter.errors import EXIT_INTERRUPTED


def main() -> None:
    """The console script."""
    gc.disable()  # until the command line is loaded, which has no garbage
    try:
        command_line = import_module("newsletter.cli.main")
    except IMPORT_FAULTS as error:
        failure = installation_error(error)
        sys.stderr.write(f"{failure}\n")
        sys.exit(failure.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(EXIT_INTERRUPTED)
    command_line.main()


if __name__ == "__main__":
    main()
