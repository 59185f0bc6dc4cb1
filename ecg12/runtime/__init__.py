"""What everything else stands on: errors, files, progress, executors, optional libraries, Keras."""
