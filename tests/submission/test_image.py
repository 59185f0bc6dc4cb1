"""The image, as far as it can be judged unbuilt: the organizers' lines, pins, content."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIXED = """
## DO NOT EDIT these 3 lines.
RUN mkdir /physionet
COPY ./ /physionet
WORKDIR /physionet
"""
PIN = re.compile(r"[A-Za-z0-9_.-]+==\d+(\.\d+)+")


def lines(name):
    """Return the lines of a file at the root, without comments and blanks."""
    text = (ROOT / name).read_text()
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def stages():
    """Return the instructions of each stage of the Dockerfile, in order; the first is its FROM."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    found = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    begins = [i for i, line in enumerate(found) if line.startswith("FROM ")]
    return [found[a:b] for a, b in zip(begins, [*begins[1:], None], strict=True)]


def ignored(path):
    """Tell whether a path below the root, or a folder that holds it, is kept out of the image."""
    return any(
        fnmatch(place.name, pattern.removeprefix("**/"))
        if pattern.startswith("**/")
        else fnmatch(str(place), pattern)
        for pattern in lines(".dockerignore")
        for place in [Path(path), *Path(path).parents]
    )


def test_the_organizers_lines_stand_unchanged():
    assert FIXED in (ROOT / "Dockerfile").read_text()


def test_the_image_without_a_target_is_the_challenges():
    """Docker builds the last stage; it begins at the base image, not at another stage."""
    names = [stage[0] for stage in stages()]
    assert names == ["FROM python:3.11-slim AS predict", "FROM python:3.11-slim"]
    assert FIXED.strip().splitlines()[1:] == stages()[-1][-3:]
    assert not any("--from" in line for stage in stages() for line in stage)


def test_the_image_to_predict_has_no_tensorflow_and_serves():
    predict, _ = stages()
    assert not any("tensorflow" in line or "requirements.txt ." in line for line in predict)
    assert predict[-2:] == ['ENTRYPOINT ["ecg12"]', 'CMD ["serve", "--host", "0.0.0.0"]']
    assert any(line.startswith("USER ") and "root" not in line for line in predict)


def test_every_requirement_is_pinned():
    requirements = lines("requirements.txt")
    assert requirements
    assert [line for line in requirements if not PIN.fullmatch(line)] == []


def test_a_change_of_code_installs_nothing_again():
    """Only the requirements are copied before the installation, the code after it."""
    steps = [line.split()[0:2] for line in stages()[-1] if line.startswith(("COPY", "RUN"))]
    assert steps == [
        ["COPY", "requirements.txt"], ["RUN", "sed"], ["RUN", "mkdir"], ["COPY", "./"]
    ]  # fmt: skip


def test_the_build_argument_replaces_tensorflow_alone():
    requirements = [line for line in lines("requirements.txt") if line.startswith("tensorflow==")]
    assert len(requirements) == 1
    assert r"s/^tensorflow==/${TENSORFLOW}==/" in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("path", [".git/HEAD", "ecg12/__pycache__/labels.cpython-311.pyc"])
def test_no_history_and_no_caches_in_the_image(path):
    assert ignored(path)


@pytest.mark.parametrize("pattern", lines(".gitignore"))
def test_what_git_ignores_stays_out_of_the_image(pattern):
    assert ignored(pattern.strip("/").replace("*", "x") + "/file")


def test_all_that_a_run_needs_is_in_the_image():
    needed = [*ROOT.glob("*.py"), ROOT / "weights.csv", *(ROOT / "ecg12").rglob("*.py")]
    assert len(needed) > 20
    kept_out = [path for path in needed if ignored(path.relative_to(ROOT))]
    assert kept_out == []
