"""Diagnosis statements in the manner of GE's 12SL program and its over-readers.

The wording is this project's own selection from what such statements look like; it serves to test
how text becomes labels, so the tables that do that must not be made from these.
"""

# finding: phrases that say it alone; {depressed} and {elevated} are the leads that show it most
PHRASES = {
    "NSR": ("Normal sinus rhythm", "Sinus rhythm", "Regular sinus rhythm", "NSR"),
    "SB": ("Sinus bradycardia", "Marked sinus bradycardia", "Severe sinus bradycardia"),
    "STach": ("Sinus tachycardia", "Marked sinus tachycardia", "Sinus tach"),
    "SA": ("Sinus arrhythmia", "Marked sinus arrhythmia", "Respiratory sinus arrhythmia"),
    "Brady": ("Bradycardia", "Marked bradycardia", "Bradycardia, P waves not evident"),
    "AF": (
        "Atrial fibrillation", "Atrial fibrillation with {response} ventricular response",
        "Coarse atrial fibrillation", "A-fib", "AF with {response} ventricular response",
    ),
    "AFL": (
        "Atrial flutter", "Atrial flutter with variable A-V block", "Typical atrial flutter",
        "Atrial flutter with A-V block",
    ),
    "PR": (
        "Electronic pacemaker", "Paced rhythm", "Pacemaker rhythm", "Electronic pacing",
        "Pacing rhythm, no further analysis",
    ),
    "IAVB": (
        "1st degree A-V block", "First degree AV block", "First-degree atrioventricular block",
    ),
    "LPR": ("Prolonged PR interval", "Prolonged P-R interval", "Long PR interval"),
    "PAC": (
        "Premature atrial complexes", "Premature supraventricular complexes", "PACs",
        "Premature atrial contractions", "Atrial premature beats",
    ),
    "PVC": (
        "Premature ventricular complexes", "PVCs", "Premature ventricular contractions",
        "Ventricular premature beats", "Ventricular ectopic beats",
    ),
    "RBBB": (
        "Right bundle branch block", "Complete right bundle branch block", "RBBB",
        "Right bundle-branch block",
    ),
    "IRBBB": (
        "Incomplete right bundle branch block", "Incomplete RBBB",
        "RSR' in V1, incomplete right bundle branch block",
    ),
    "LBBB": ("Left bundle branch block", "Complete left bundle branch block", "LBBB"),
    "NSIVCB": (
        "Nonspecific intraventricular block", "Nonspecific intraventricular conduction delay",
        "Non-specific intra-ventricular conduction block", "Intraventricular conduction delay",
    ),
    "LAnFB": (
        "Left anterior fascicular block", "Left anterior hemiblock",
        "Left anterior fascicular block (LAFB)",
    ),
    "LAD": ("Left axis deviation", "Abnormal left axis deviation", "Leftward axis"),
    "RAD": ("Right axis deviation", "Rightward axis", "Abnormal right axis deviation"),
    "LQRSV": (
        "Low voltage QRS", "Low QRS voltage", "Low voltage, extremity and precordial leads",
        "Low voltage QRS, consider pulmonary disease, pericardial effusion, or normal variant",
    ),
    "LQT": (
        "Prolonged QT", "Prolonged QT interval", "Long QT interval",
        "Prolonged QT interval, consider electrolyte imbalance or drug effect",
    ),
    "QAb": (
        "Abnormal Q waves", "Pathological Q waves", "Abnormal Q waves, consider old infarct",
        "Q waves, possible prior infarct, age undetermined",
    ),
    "TInv": (
        "T wave inversion", "Inverted T waves", "T wave inversion in {depressed} leads",
        "T wave inversion, consider {depressed} ischemia",
    ),
    "TAb": (
        "T wave abnormality", "Nonspecific T wave abnormality", "Abnormal T waves",
        "T wave abnormality, consider {depressed} ischemia",
    ),
    "STD": (
        "ST depression", "ST segment depression in {depressed} leads",
        "ST depression, consider subendocardial injury or digitalis effect",
        "ST depression, possible {depressed} subendocardial injury",
    ),
    "STE": (
        "ST elevation", "ST segment elevation in {elevated} leads",
        "ST elevation, consider {elevated} injury or acute infarct",
        "ST elevation, consider early repolarization, pericarditis, or injury",
    ),
}  # fmt: skip

# Findings that one phrase says together.
TOGETHER = {
    frozenset(("AF", "Brady")): (
        "Atrial fibrillation with slow ventricular response, bradycardia",
        "Atrial fibrillation with marked bradycardia",
    ),
    frozenset(("AF", "PVC")): (
        "Atrial fibrillation with premature ventricular or aberrantly conducted complexes",
        "Atrial fibrillation with frequent PVCs",
    ),
    frozenset(("RBBB", "LAnFB")): (
        "Right bundle branch block and left anterior fascicular block",
        "RBBB with left anterior hemiblock, bifascicular block",
        "Bifascicular block: right bundle branch block & left anterior fascicular block",
    ),
    frozenset(("IAVB", "LPR")): (
        "Borderline 1st degree A-V block, prolonged PR interval",
        "Prolonged PR interval, 1st degree A-V block",
    ),
    frozenset(("LAD", "LAnFB")): (
        "Left axis deviation, probable left anterior fascicular block",
        "Left anterior fascicular block with left axis deviation",
    ),
    frozenset(("STD", "TAb")): (
        "ST depression and T wave abnormality, consider {depressed} ischemia",
        "ST depression & T wave abnormality",
    ),
    frozenset(("STD", "TInv")): (
        "ST depression and T wave inversion, consider {depressed} ischemia",
        "ST depression with T wave inversion in {depressed} leads",
    ),
    frozenset(("STE", "TInv")): (
        "ST elevation with T wave inversion, consider recent {elevated} injury",
    ),
}

# What over-readers and the program put before a phrase, and before which.
MODIFIERS = {
    "Possible": ("AFL", "IAVB", "LAnFB", "QAb", "IRBBB", "Brady"),
    "Probable": ("AF", "AFL", "LAnFB", "IRBBB"),
    "Borderline": ("LQT", "LAD", "RAD", "LQRSV", "IAVB"),
    "Marked": ("LAD", "RAD", "STD", "TInv", "TAb"),
    "Occasional": ("PAC", "PVC"),
    "Frequent": ("PAC", "PVC"),
}
CONJUNCTIONS = (" and ", ", ", " with ", " & ")

# Said of some recordings although no class of this package stands for it.
OTHER = (
    "Possible left atrial enlargement",
    "Minimal voltage criteria for LVH, may be normal variant",
    "Cannot rule out anterior infarct, age undetermined",
    "Baseline wander, interpretation may be adversely affected",
)
CHANGES = (
    "No significant change was found",
    "Vent. rate has increased BY {n} BPM",
    "Vent. rate has decreased BY {n} BPM",
    "Sinus rhythm has replaced Atrial fibrillation",
    "Atrial fibrillation has replaced Sinus rhythm",
    "Premature ventricular complexes are no longer present",
    "Left bundle branch block is no longer present",
    "T wave inversion no longer evident in Lateral leads",
    "Nonspecific T wave abnormality now evident in Anterior leads",
    "QT has shortened",
    "Previous ECG has undetermined rhythm, needs review",
)
