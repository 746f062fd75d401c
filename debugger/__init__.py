"""Go back, look, change one thing, see what would have happened."""
