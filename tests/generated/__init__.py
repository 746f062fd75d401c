"""Clients as `timescape generate sdk` writes them: kept here so that mypy reads them strictly.

`python -m tests.generated` writes them anew; a test holds them equal.
"""
