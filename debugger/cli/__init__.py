"""The command line: every question a screen answers, for scripts and pipes."""

from debugger.cli.exits import Exit
from debugger.cli.main import build_parser, main
from debugger.cli.output import Output

__all__ = ["Exit", "Output", "build_parser", "main"]
