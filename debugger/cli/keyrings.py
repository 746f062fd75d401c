"""The file of masters, for the commands that need one."""

import argparse
from pathlib import Path

SETTING = "TIMESCAPE_KEYRING"


def add_keyring(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take a file of masters."""
    parser.add_argument(
        "--keyring", metavar="FILE", default=None,
        help=f"master for sealed and hashed values (default: ${SETTING})",
    )  # fmt: skip


def keyring_file(arguments: argparse.Namespace) -> Path | None:
    """Return the file that was given."""
    return Path(arguments.keyring) if arguments.keyring else None
