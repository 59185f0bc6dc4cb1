"""The names and the codes of leads in all formats, and what the package calls them.

The twelve leads are written in many ways: in capitals, as the chest leads C1 to C6 of IEC
60601-2-25, as DI or D1, with a word before ("Lead I", "ECG I", "EKG V1") or a name behind ("Lead I
(Einthoven)"), as `MDC_ECG_LEAD_AVF` of ISO/IEEE 11073-10101, or as a number: SCP-ECG (EN 1064) and
ISO/IEEE 11073-10101, which DICOM and HL7 use, number the leads alike. Posterior leads are V7 to V9
here and right-sided ones V3R to V9R; they are leads of their own and stand in for no other.

C1 to C6 and D1 to D3 are electrodes on the head, too. Beside others of these (Cz, F3, O1, M1 ...)
they are no leads of the heart, as in recordings of sleep.
"""

import re
from collections.abc import Iterable

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
INVERTED = {"-aVR": "aVR"}  # a lead that is drawn upside down, as Cabrera's order has it
BEYOND = (*(f"V{i}" for i in range(7, 10)), *(f"V{i}R" for i in range(1, 10)))

# EN 1064, table 5; ISO/IEEE 11073-10101, part "lead", less its offset; DICOM PS3.16, CID 3001.
CODES = {
    1: "I", 2: "II", 3: "V1", 4: "V2", 5: "V3", 6: "V4", 7: "V5", 8: "V6", 9: "V7", 10: "V2R",
    11: "V3R", 12: "V4R", 13: "V5R", 14: "V6R", 15: "V7R", 16: "X", 17: "Y", 18: "Z", 61: "III",
    62: "aVR", 63: "aVL", 64: "aVF", 65: "-aVR", 66: "V8", 67: "V9", 68: "V8R", 69: "V9R",
}  # fmt: skip
CODE_OFFSET = 2 * 2**16  # of partition 2 in the context-free codes of ISO/IEEE 11073-10101

_BEFORE = re.compile(r"(?:mdc_ecg_lead_|(?:lead|ecg|ekg)(?:-|[\s_:.]*))+")
_BEHIND = re.compile(r"\s*(?:\((?:einthoven|goldberger|wilson)\)|, augmented voltage, \w+)$")
_KNOWN = (
    {name.lower(): name for name in (*LEADS, *BEYOND, *INVERTED)}
    | {f"c{i}": f"V{i}" for i in range(1, 10)}
    | {f"c{i}r": f"V{i}R" for i in range(1, 10)}
    | {f"rv{i}": f"V{i}R" for i in range(1, 10)}
    | {f"d{i}": lead for i, lead in enumerate(LEADS[:3], 1)}
    | {f"{word}{lead.lower()}": lead for lead in LEADS[:3] for word in ("d", "ml")}
    | {"avrneg": "-aVR"}
)  # fmt: skip
# Klem et al. (1999), the ten-twenty electrode system; A1, B1 ... of caps with 64 and more.
_ELECTRODE = re.compile(r"(?:fp[12z]|f[3478z]|[cp]z|o[12z]|[am][12])")
_AMBIGUOUS = re.compile(r"[cd][1-9]")


def standard_lead(name: str) -> str:
    """Return the usual spelling of a lead name (``"AVR"``, ``"Lead aVR"`` → ``"aVR"``).

    Modified limb leads (``"MLII"``) are taken for those that they approximate. Names that are not
    known stay as they are, less outer blanks and zeros.
    """
    name = name.strip(" \t\r\n\0")
    key = name.lower().replace("\N{MINUS SIGN}", "-")
    key = _BEHIND.sub("", _BEFORE.sub("", key, count=1) if _BEFORE.match(key) else key)
    return _KNOWN.get(re.sub(r"[\s_]", "", key), name)


def standard_leads(names: Iterable[str]) -> list[str]:
    """Return the usual spelling of all lead names of a recording, as `standard_lead` does.

    Where electrodes on the head are among them, ``"C3"`` is ``"EEG C3"``, not ``"V3"``.
    """
    names = list(names)
    keys = [name.strip(" \t\r\n\0").lower() for name in names]
    head = any(map(_ELECTRODE.fullmatch, keys))
    return [
        f"EEG {key.upper()}" if head and _AMBIGUOUS.fullmatch(key) else standard_lead(name)
        for name, key in zip(names, keys, strict=True)
    ]


def lead_of_code(code: str) -> str | None:
    """Return the lead of a numeric code of SCP-ECG or ISO/IEEE 11073, None where it has no name.

    Parameters
    ----------
    code
        A number, alone or as DICOM writes it: ``"61"``, ``"131133"``, ``"2:61"``,
        ``"5.6.3-9-61"`` (all of them lead III).
    """
    found = re.fullmatch(r"(?:2:|5\.6\.3-9-)?([0-9]{1,6})", code.strip(" \0"))
    number = int(found[1]) if found else 0
    return CODES.get(number - CODE_OFFSET if number >= CODE_OFFSET else number)
