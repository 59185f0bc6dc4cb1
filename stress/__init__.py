"""Campaigns that try to break the package: faults, hostile input, altered data, scale."""
