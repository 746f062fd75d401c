"""The value codec: Python values to JSON and back, exactly."""

from eventstore.values.tree import Tree, same, tree_bytes

__all__ = ["Tree", "same", "tree_bytes"]
