"""The value codec: Python values to JSON and back, exactly."""
