"""From scores to labels and probabilities: thresholds and calibration."""
