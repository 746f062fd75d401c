"""`timescape`, and `python -m debugger`."""

import sys

from debugger.cli import main as run


def main() -> None:
    """Run the command line and end with its status."""
    sys.exit(run())


if __name__ == "__main__":
    main()
