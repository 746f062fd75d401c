"""Handlers that never forget: each request is a stream of facts, kept and replayable."""
