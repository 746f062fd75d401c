"""Recordings in an editor: the Debug Adapter Protocol over the debugger's session (BY-1).

An editor drives this as it drives any debugger, and may go backwards. It is a face like the
screens and the prompt: what it shows and where it stops is what `debugger.session` says.
"""

from debugger.dap.adapter import Adapter, Opened
from debugger.dap.protocol import Launch
from debugger.dap.serving import serve

__all__ = ["Adapter", "Launch", "Opened", "serve"]
