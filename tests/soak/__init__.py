"""A store that is written for long, beside a reader that does not let go (KM-9)."""
