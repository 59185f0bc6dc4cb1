"""Recordings, labels and outputs on disk: find, read, write; leads, classes, databases."""
