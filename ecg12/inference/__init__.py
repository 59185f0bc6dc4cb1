"""From recordings to predictions: files, folders, arrays, and the challenge's harness."""
