"""Bugs that are planted into the store, to see that its tests would find them."""
