"""What every Python client needs: copied into each, word for word, by `timescape generate sdk`.

It is a program for others: it imports httpx, msgspec and its own modules, nothing of ours.
"""
