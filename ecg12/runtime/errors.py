"""Errors that the user's input causes; the message says what to correct."""


class InputError(ValueError):
    """Bad input: the message names the file, the value and the choices."""


class RecordError(InputError):
    """A recording that cannot be read; the message names the file and the reason."""


class ModelError(InputError):
    """A model folder that cannot be loaded; the message names the file and the reason."""
