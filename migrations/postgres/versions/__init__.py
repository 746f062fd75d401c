"""The steps for PostgreSQL: a chain of its own.

No statement is alike in both databases (types, triggers, partitions, roles), and a store
never moves from one to the other, so each chain is read straight from its first revision.
One file a revision, only added to. They import nothing of ours.
"""
