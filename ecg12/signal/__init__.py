"""From a recording to a network's input, and how training recordings vary."""
