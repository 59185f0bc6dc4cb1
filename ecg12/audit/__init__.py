"""An audit of a data folder before anything is trained on it: what is there, and what is odd.

Every recording is read by itself, so that none costs the others, and checked against itself
(`checks`); of those longer than ten minutes, stretches that are spread over the recording. What a
folder holds is then counted database by database (`tally`). A finding is no verdict: a flat lead
may be an unplugged electrode or a lead that this hospital does not record.
"""

from ecg12.audit.folder import Audited, audit_folder
from ecg12.audit.tally import Tally, write_tables
from ecg12.signal.lead_checks import Finding

__all__ = ["Audited", "Finding", "Tally", "audit_folder", "write_tables"]
