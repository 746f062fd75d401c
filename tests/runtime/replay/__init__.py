"""Tests of requests that are run again."""
