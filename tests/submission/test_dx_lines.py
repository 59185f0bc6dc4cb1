"""Diagnoses on several lines and in odd spelling count everywhere, as in the official programs."""

import random

import pytest

from ecg12.audit import audit_folder
from ecg12.io.manifest import build_manifest
from ecg12.io.wfdb import write_record
from stress.dx_lines import GROUPS, YEARS, labels_of, own_scores, read_frozen, unpack_outputs

CODES = ("164889003", "270492004", "59118001")
WAYS = {f"{group}: {name}": way for group, ways in GROUPS.items() for name, way in ways.items()}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    return unpack_outputs(tmp_path_factory.mktemp("cases"))


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("seed", [0, 1])
def test_scores_are_those_of_the_official_program(outputs, tmp_path, seed, group, year):
    labels = labels_of(tmp_path, outputs, seed, group)
    assert own_scores(labels, outputs, year) == read_frozen()[seed, group, year]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_training_and_check_read_the_same_codes(make_record, tmp_path, way):
    write_record(tmp_path, make_record(seconds=2))
    header = tmp_path / "A0001.hea"
    above, _, below = header.read_text().partition("#Dx: \n")
    assert below
    lines = way(CODES, random.Random(1))
    header.write_text("\n".join([above.rstrip(), *lines, below]))
    assert set(build_manifest(tmp_path).codes[0]) == set(CODES)
    _, audited = audit_folder(tmp_path, 1)
    assert set(next(audited).codes) == set(CODES)
