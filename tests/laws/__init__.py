"""Laws of the whole runtime; each has the name of its row in the list of properties."""
