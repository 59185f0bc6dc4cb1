"""A small vocabulary in the formats of UMLS and SNOMED CT, for archives that are synthetic too.

The real release files need a licence and are not part of this project. These hold the challenge's
classes under names in the vocabularies' style, some findings below and beside them, and entries
that a reader must leave out (other languages, other sources, withdrawn terms and relationships).
Codes of the challenge are real; all others, and every CUI, are invented. The names were written
without regard to `ecg12.synthetic.phrases`: what cannot be found by them is left to the review.
"""

from collections.abc import Iterator
from pathlib import Path

from ecg12.runtime.files import write_text

MRCONSO = "MRCONSO.RRF"
DESCRIPTIONS = "sct2_Description_Snapshot-en_Small.txt"
RELATIONSHIPS = "sct2_Relationship_Snapshot_Small.txt"

# Code: fully specified name, then synonyms.
SCORED = {
    "270492004": (
        "First degree atrioventricular block (disorder)", "First degree heart block",
        "FDHB - First degree heart block", "First degree AV block",
    ),
    "164889003": ("Electrocardiographic atrial fibrillation (finding)", "ECG: atrial fibrillation"),
    "164890007": ("Electrocardiographic atrial flutter (finding)", "ECG: atrial flutter"),
    "426627000": ("Electrocardiographic bradycardia (finding)", "ECG: bradycardia"),
    "713427006": ("Complete right bundle branch block (disorder)",),
    "713426002": (
        "Incomplete right bundle branch block (disorder)",
        "IRBBB - Incomplete right bundle branch block", "Partial right bundle branch block",
    ),
    "445118002": (
        "Left anterior fascicular block (disorder)", "LAFB - Left anterior fascicular block",
        "Left anterior hemiblock",
    ),
    "39732003": (
        "Left axis deviation (finding)", "ECG: left axis deviation", "Left axis",
    ),
    "164909002": (
        "Electrocardiographic left bundle branch block (finding)", "ECG: left bundle branch block",
    ),
    "251146004": ("Low QRS voltages (finding)", "ECG: low QRS voltage"),
    "698252002": (
        "Nonspecific intraventricular conduction delay (disorder)",
        "Non-specific intraventricular conduction delay",
    ),
    "10370003": ("Rhythm from artificial pacing (finding)", "Artificial pacemaker rhythm"),
    "284470004": (
        "Premature atrial contraction (disorder)", "PAC - Premature atrial contraction",
        "Atrial premature complex", "Atrial ectopic beat", "Atrial extrasystole",
    ),
    "427172004": (
        "Premature ventricular contraction (disorder)", "PVC - Premature ventricular contraction",
        "Ventricular premature complex",
    ),
    "164947007": ("Prolonged PR interval (finding)", "ECG: P-R interval prolonged"),
    "111975006": ("Prolonged QT interval (finding)", "QT interval prolonged", "QT prolongation"),
    "164917005": ("Abnormal Q wave (finding)", "ECG: Q wave abnormal"),
    "47665007": ("Right axis deviation (finding)", "ECG: right axis deviation"),
    "59118001": (
        "Right bundle branch block (disorder)", "RBBB - Right bundle branch block",
    ),
    "427393009": ("Sinus arrhythmia (finding)", "ECG: sinus arrhythmia"),
    "426177001": ("Electrocardiographic sinus bradycardia (finding)", "ECG: sinus bradycardia"),
    "426783006": ("Electrocardiographic sinus rhythm (finding)", "ECG: sinus rhythm"),
    "427084000": ("Electrocardiographic sinus tachycardia (finding)", "ECG: sinus tachycardia"),
    "63593006": ("Supraventricular premature beats (disorder)", "Supraventricular extrasystole"),
    "164934002": ("Electrocardiographic T wave abnormal (finding)", "T wave abnormality"),
    "59931005": ("Inverted T wave (finding)", "T wave inversion"),
    "17338001": ("Ventricular premature beats (disorder)", "Ventricular extrasystole"),
}  # fmt: skip
# Names of a finding that the challenge does not score, and its parents: codes of the challenge, or
# first names of findings in this table.
OTHERS = {
    ("Finding of heart rhythm (finding)",): (),
    ("Conduction disorder of the heart (disorder)",): (),
    ("Bundle branch block (disorder)", "BBB - Bundle branch block"): (
        "Conduction disorder of the heart (disorder)",
    ),
    # The disorders behind the findings on an ECG; in SNOMED CT too they stand beside, not below.
    ("Atrial fibrillation (disorder)", "AF - Atrial fibrillation", "Auricular fibrillation"): (
        "Finding of heart rhythm (finding)",
    ),
    ("Atrial flutter (disorder)", "Auricular flutter"): ("Finding of heart rhythm (finding)",),
    ("Left bundle branch block (disorder)", "LBBB - Left bundle branch block"): (
        "Bundle branch block (disorder)",
    ),
    # One step below a scored class.
    ("Paroxysmal electrocardiographic atrial fibrillation (finding)",): ("164889003",),
    ("Ventricular bigeminy (disorder)",): ("427172004", "17338001"),
    ("Blocked premature atrial contraction (disorder)",): ("284470004",),
    ("Ventricular pacing rhythm (finding)", "Ventricular paced rhythm"): ("10370003",),
    ("Atrial pacing rhythm (finding)", "Atrial paced rhythm"): ("10370003",),
    ("Rate dependent right bundle branch block (disorder)",): ("59118001",),
    ("Bifascicular block (disorder)",): ("Bundle branch block (disorder)",),
    ("Deep Q wave (finding)", "Pathologic Q wave"): ("164917005",),
    ("Flat T wave (finding)", "Biphasic T wave"): ("164934002",),
    # Two and three steps below.
    ("Dual chamber pacing rhythm (finding)",): (
        "Ventricular pacing rhythm (finding)", "Atrial pacing rhythm (finding)",
    ),
    ("Biventricular pacing rhythm (finding)",): ("Dual chamber pacing rhythm (finding)",),
    # Below none.
    ("ST segment elevation (finding)", "ECG: S-T elevation"): (),
    ("ST segment depression (finding)", "ECG: S-T depression"): (),
    ("Left atrial enlargement (disorder)",): (),
    ("Left ventricular hypertrophy (disorder)", "LVH - Left ventricular hypertrophy"): (),
    ("Anterior myocardial infarction (disorder)", "Anterior infarction"): (),
    ("Myocardial ischemia (disorder)", "Myocardial ischaemia"): (),
}  # fmt: skip
# "Is a" among scored classes, as in the paper's Figure 4 (Ansari et al., 2020).
AMONG_SCORED = (
    ("426177001", "426627000"), ("426177001", "426783006"), ("427084000", "426783006"),
    ("427393009", "426783006"), ("284470004", "63593006"),
)  # fmt: skip

IS_A, FINDING_SITE = "116680003", "363698007"
FULL_NAME, SYNONYM, DEFINITION = "900000000000003001", "900000000000013009", "900000000000550004"
CORE, INFERRED, SOME = "900000000000207008", "900000000000011006", "900000000000451002"
DATE = "20200301"
FIRST_INVENTED = 9_900_000_001


def write_vocabulary(folder: str | Path) -> list[Path]:
    """Write `MRCONSO.RRF` and the snapshots of descriptions and relationships.

    Parameters
    ----------
    folder
        Where to write; made if need be.

    Returns
    -------
    The three paths, in this order.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    concepts = _concepts()
    lines = {
        MRCONSO: _strings(concepts),
        DESCRIPTIONS: _descriptions(concepts),
        RELATIONSHIPS: _relationships(concepts),
    }
    for name, written in lines.items():
        write_text(folder / name, "".join(line + "\n" for line in written))
    return [folder / name for name in lines]


def _concepts() -> dict[str, tuple[str, ...]]:
    """Return code → names of all concepts."""
    invented = {str(FIRST_INVENTED + place): names for place, names in enumerate(OTHERS)}
    return SCORED | invented


def _strings(concepts: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of MRCONSO.RRF; a concept's names share its CUI."""
    number = 0
    for place, (code, names) in enumerate(concepts.items()):
        entries = [("ENG", "SNOMEDCT_US", "FN" if i == 0 else "SY", name, "N")
                   for i, name in enumerate(names)]  # fmt: skip
        entries += [
            ("ENG", "SNOMEDCT_US", "OAS", f"Withdrawn name {place}", "O"),
            ("SPA", "SCTSPA", "SY", f"nombre {place}", "N"),
            ("ENG", "MSH", "MH", f"Heading {place}", "N"),
        ]
        for language, source, kind, name, suppress in entries:
            number += 1
            yield (
                f"C9{place:06d}|{language}|P|L9{number:06d}|PF|S9{number:06d}|Y|A9{number:06d}||"
                f"{code}||{source}|{kind}|{code}|{name}|9|{suppress}|256|"
            )


def _descriptions(concepts: dict[str, tuple[str, ...]]) -> Iterator[str]:
    yield _row(
        "id effectiveTime active moduleId conceptId languageCode typeId term "
        "caseSignificanceId".split()
    )
    number = 0
    for code, names in concepts.items():
        kinds = [FULL_NAME, *[SYNONYM] * (len(names) - 1)]
        entries = [("1", kind, name) for kind, name in zip(kinds, names, strict=True)]
        entries += [("0", SYNONYM, f"Withdrawn name of {code}")]
        entries += [("1", DEFINITION, f"A sentence about {code}")]
        for active, kind, name in entries:
            number += 1
            yield _row([f"{number}", DATE, active, CORE, code, "en", kind, name, CORE])


def _relationships(concepts: dict[str, tuple[str, ...]]) -> Iterator[str]:
    yield _row(
        "id effectiveTime active moduleId sourceId destinationId relationshipGroup typeId "
        "characteristicTypeId modifierId".split()
    )
    code_of = {names[0]: code for code, names in concepts.items()}
    edges = list(AMONG_SCORED)
    for names, parents in OTHERS.items():
        edges += [(code_of[names[0]], code_of.get(parent, parent)) for parent in parents]
    kept = [("1", child, parent, IS_A) for child, parent in edges]
    site, sinus = code_of["Finding of heart rhythm (finding)"], "426783006"
    left_out = [("0", site, sinus, IS_A), ("1", sinus, site, FINDING_SITE)]
    for number, (active, child, parent, kind) in enumerate(kept + left_out, start=1):
        yield _row([f"{number}", DATE, active, CORE, child, parent, "0", kind, INFERRED, SOME])


def _row(cells: list[str]) -> str:
    return "\t".join(cells)
