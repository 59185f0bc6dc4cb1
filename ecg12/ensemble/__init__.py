"""Trained networks with their thresholds as one classifier; model folders and their checks."""
