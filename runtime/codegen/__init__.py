"""Code for others, made from manifests alone: clients, types, OpenAPI documents.

The same manifests give the same bytes, on every machine and from wherever they were read:
no clock, path, locale or order of a set enters the output (CG-2).
"""

from runtime.codegen.files import Written, difference, write
from runtime.codegen.kubernetes import kubernetes
from runtime.codegen.rendering import Rendered, render

__all__ = ["Rendered", "Written", "difference", "kubernetes", "render", "write"]
