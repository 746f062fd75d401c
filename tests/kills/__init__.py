"""Processes killed at the worst moments, and what their stores must then be."""
