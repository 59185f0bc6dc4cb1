"""Optional libraries that are not installed: one line that says how they are."""

import pytest

from ecg12.runtime.errors import InputError
from ecg12.runtime.optional_deps import require_extra


def test_what_is_not_installed_is_named_with_its_extra():
    message = r"drawing needs no_such_library; .* pip install 'ecg12\[report\]'"
    with pytest.raises(InputError, match=message), require_extra("drawing", "report"):
        import no_such_library  # noqa: F401


def test_what_is_installed_is_imported():
    with require_extra("drawing", "report"):
        import json
    assert json.loads("1") == 1


def test_other_errors_stay_what_they_are():
    with pytest.raises(ImportError, match="cannot import name"), require_extra("drawing", "report"):
        from json import no_such_name  # noqa: F401
