"""The audit of long recordings: stretches of them are checked, their length is the whole."""

from dataclasses import replace

import numpy as np

from ecg12.audit import audit_folder
from ecg12.audit.folder import LONGEST
from ecg12.io.wfdb import write_record

RATE, SECONDS = 100, 1200


def test_what_is_odd_throughout_is_found_and_said_to_be_of_stretches(make_record, tmp_path):
    """20 minutes without V2, with 5 minutes missing in V3; a copy of the same samples."""
    record = make_record("L1", rate=RATE, seconds=SECONDS)
    stored = record.stored.copy()
    stored[7] = 0
    stored[8, : 300 * RATE] = -32768
    assert SECONDS > LONGEST
    for name in ("L1", "L2"):
        write_record(tmp_path, replace(record, name=name, stored=stored))
    write_record(tmp_path, replace(record, name="L3"))
    total, found = audit_folder(tmp_path, 1)
    one, two, three = found
    assert total == 3
    assert (one.rate, one.seconds, one.error) == (RATE, SECONDS, "")
    kinds = {finding.kind: finding for finding in one.findings}
    assert set(kinds) == {"flat lead", "missing samples", "long recording"}
    assert kinds["flat lead"].where == "V2"
    missing, _, checked = kinds["missing samples"].detail.split()
    assert int(checked) == 60 * 10 * RATE
    np.testing.assert_allclose(int(missing) / int(checked), 0.25, atol=0.01)
    assert "60 stretches of 10 s of 1200 s" in kinds["long recording"].detail
    assert one.digest == two.digest != three.digest


def test_ten_minutes_are_checked_whole(make_record, tmp_path):
    """One sample of 600 s is missing, between the stretches that a longer one would have."""
    record = make_record("A", rate=RATE, seconds=600)
    stored = record.stored.copy()
    stored[0, 30_005] = -32768
    write_record(tmp_path, replace(record, stored=stored))
    _, [found] = audit_folder(tmp_path, 1)
    [finding] = found.findings
    assert (finding.kind, finding.where) == ("missing samples", "I")
    assert finding.detail == "1 of 60000"
