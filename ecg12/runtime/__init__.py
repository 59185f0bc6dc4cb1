"""Basics: errors, settings, files, locks, logging, executors, optional libraries, Keras."""
