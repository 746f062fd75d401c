"""`timescape db`: the shape of the store's tables (AL-1)."""

import argparse

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.opening import check_url
from debugger.cli.output import Column, Output

COLUMNS = (Column("store"), Column("revision"), Column("newest"), Column("state"))


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("current", "check", "upgrade"), help="what to do")
    parser.add_argument("--no-backup", action="store_true", help="upgrade without a copy beside it")


def db(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    raise NotImplementedError


COMMAND = Command("db", "", "", _declare, db)
_ = check_url
