"""The shop of `timescape demo`: an app as a user would write it, and visitors for it.

`debugger.demo.recording.run` records a run; it loads a web client and a database.
"""

from debugger.demo.origin import APP, SHOP, is_demo, source_folder

__all__ = ["APP", "SHOP", "is_demo", "source_folder"]
