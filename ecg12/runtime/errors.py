"""Errors that the user's input causes; the message says what to correct."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

SHOWN_LETTERS = 60  # of a wrong value


class InputError(ValueError):
    """Bad input: the message names the file, the value and the choices."""


class UnfinishedError(InputError):
    """Work that this machine could not finish; the message says what may help, and what is kept."""


class RecordError(InputError):
    """A recording that cannot be read; the message names the file and the reason."""


class ModelError(InputError):
    """A model folder that cannot be loaded; the message names the file and the reason."""


def shown(value: object) -> str:
    """Return a wrong value as messages have it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}..."


def file_error(error: OSError, path: str | Path = "") -> str:
    """Return a line that names the file and says why, of an error of the file system.

    Parameters
    ----------
    error
        The error, which names a file or not.
    path
        What was read or written; it stands first where the error names nothing or another file.
    """
    named = "" if error.filename is None else os.fsdecode(error.filename)
    reason = error.strerror or str(error) or type(error).__name__
    about = [str(path)] if str(path) and Path(path).name not in named else []
    return ": ".join([*about, *([named] if named else []), reason])


@contextmanager
def record_errors(path: str | Path) -> Iterator[None]:
    """Turn whatever a reader of recordings lets out into a `RecordError`, which names the file.

    `InputError` and `MemoryError` pass. Of what no reader foresees the log has the traceback, at
    level DEBUG.
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except OSError as error:
        raise RecordError(file_error(error, path)) from error
    except Exception as error:
        log.debug("%s: not read", path, exc_info=True)
        raise RecordError(f"{path}: damaged ({type(error).__name__})") from error


@contextmanager
def unforeseen_errors(name: str) -> Iterator[None]:
    """Turn what nobody foresaw of one recording into a `RecordError`, with its type and text.

    So that it costs no other recording. `InputError`, `OSError` and `MemoryError` pass. The log has
    the traceback, at level DEBUG.
    """
    try:
        yield
    except (InputError, OSError, MemoryError):
        raise
    except Exception as error:
        log.debug("%s", name, exc_info=True)
        raise RecordError(f"{name}: {type(error).__name__}: {error}") from error
