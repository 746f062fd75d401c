"""Queues: the pure parts, and what an app makes of them."""
