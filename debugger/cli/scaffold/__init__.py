"""Texts of a new app."""
