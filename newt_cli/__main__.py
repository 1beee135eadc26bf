"""Where ``newt`` and ``python -m newt_cli`` begin. Ctrl-C ends either with a line, from here on."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C has ended."""


def main() -> int:
    """Run ``newt`` with the process's own arguments; return the exit code."""
    try:
        from newt_cli.app import main as run

        return run()
    except KeyboardInterrupt:  # in an import, or on the way out
        sys.stderr.write("Interrupted.\n")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
