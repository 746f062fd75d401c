"""What every package of validators needs; it is copied into them, with the collecting pass.

Nothing here may import what such a package does not hold: `runtime.codegen.python_validators`
lists the rooms that are copied.
"""
