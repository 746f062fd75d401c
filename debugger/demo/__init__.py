"""The shop of `timescape demo`: an app as a user would write it, and visitors for it."""

from debugger.demo.recording import DemoReport, Failed, run

__all__ = ["DemoReport", "Failed", "run"]
