"""Stores in PostgreSQL: one log in a schema of its own, held by lease."""
