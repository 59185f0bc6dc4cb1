"""The package's version, which model folders, reports and caches note."""

__version__ = "0.3.0"
