"""The bytes of a file that is not trusted, to a limit."""

from pathlib import Path

from ecg12.runtime.errors import InputError, RecordError, file_error
from ecg12.runtime.files import read_limited


def file_bytes(path: Path, most: int) -> bytes:
    """Read a file of at most `most` bytes.

    Raises
    ------
    RecordError
        If it is missing, unreadable, larger or no regular file; the message names it.
    """
    try:
        return read_limited(path, most)
    except OSError as error:
        raise RecordError(file_error(error, path)) from error
    except InputError as error:
        raise RecordError(str(error)) from error
