"""``python -m newt_cli``, the same as ``newt``."""

import sys

from newt_cli.app import main

if __name__ == "__main__":
    sys.exit(main())
