"""Optional libraries: what needs one says which extra installs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from ecg12.runtime.errors import InputError


@contextmanager
def require_extra(what: str, extra: str) -> Iterator[None]:
    """Turn a failed import of the block into one line.

    Parameters
    ----------
    what
        What needs the library: the subject of a sentence.
    extra
        Which extra of `pyproject.toml` installs it.

    Raises
    ------
    InputError
        If the library is not installed; the message says how it is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise InputError(
            f"{what} needs {error.name}; the extra {extra!r} installs it: "
            f"pip install 'ecg12[{extra}]'"
        ) from error
