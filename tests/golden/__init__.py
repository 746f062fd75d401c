"""Recorded shapes, events and stores of released versions: only added to, decoded for ever."""
