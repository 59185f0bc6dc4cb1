"""The bars: what each ratio has to reach. `benchmarks.peers` fails if one is missed."""

from benchmarks.results import Bar

PREPARE = "read and prepare 10 s of 500 Hz"
PRODUCT = "matrix product of as many FLOP"
PREDICT = "predict with the shipped ensemble, batches of 32"
DRIVE = "driver, 4,096 recordings, loading included"

BARS = {
    "prepare: plain": Bar(what=PREPARE, other="wfdb and SciPy, plainly", least=8),
    "prepare: torch-ecg": Bar(what=PREPARE, other="wfdb and torch-ecg, the same chain", least=5),
    "prepare: target": Bar(what=PREPARE, other="2.5 ms", most=1),
    "step: 16": Bar(what="training step at 250 Hz, SEResNet(k=16)", other=PRODUCT, clock="wall"),
    "step: 32": Bar(
        what="training step at 250 Hz, SEResNet(k=32)",
        other=PRODUCT,
        clock="wall",
        least=0.75,
    ),
    "step: 64": Bar(
        what="training step at 250 Hz, SEResNet(k=64)",
        other=PRODUCT,
        clock="wall",
        least=0.75,
    ),
    "epoch: bare steps": Bar(
        what="epoch: fed, varied, shown, kept", other="its bare steps", clock="wall", most=1.05
    ),
    "predict: keras": Bar(what=f"{PREDICT}, Keras", other="the networks alone", most=1.2),
    "predict: onnx": Bar(what=f"{PREDICT}, onnxruntime", other="the networks alone", most=1.2),
    "drive: parts": Bar(
        what=DRIVE,
        other="the larger of preparing, with the verdict, and networks; all cores",
        clock="wall",
        most=1.2,
    ),
    "drive: sum": Bar(what=DRIVE, other="the sum of both", clock="wall", most=1.2),
    "drive: loop": Bar(what=DRIVE, other="`run_model` in a loop", clock="wall", least=1.2),
    "predict: paper B": Bar(
        what="five networks of `submission`, 8 together",
        other="the five cheapest of paper B",
        least=1,
    ),
    "evaluate: 2020": Bar(
        what="evaluate 20,000 outputs from disk",
        other="official evaluator of 2020",
        unit="s",
        clock="wall",
        least=5,
    ),
    "evaluate: 2021": Bar(
        what="evaluate 20,000 outputs from disk",
        other="official evaluator of 2021",
        unit="s",
        clock="wall",
        least=5,
    ),
    "metric: loop": Bar(what="challenge metric, 43,000 x 24", other="plain triple loop", least=50),
    "thresholds: simplex": Bar(
        what="a threshold for each of 24 classes, 10,000 recordings",
        other="Nelder and Mead's simplex",
        least=1,
    ),
    "check: plain": Bar(what="`check`, 2,000 recordings", other="wfdb, plainly", least=1),
    "check: least work": Bar(
        what="`check`, 2,000 recordings", other="reading and judging alone", most=2
    ),
    "report: scikit-learn": Bar(
        what="`report`, all of it",
        other="its bootstrap of AUROC and AUPRC by scikit-learn",
        unit="s",
        least=5,
    ),
    "report: target": Bar(what="`report`, 20,000 recordings", other="60 s", unit="s", most=1),
    "crossval: by hand": Bar(
        what="`crossval`, two folds of `smoke`",
        other="training and driver by hand, twice",
        unit="s",
        most=1,
    ),
    "synth: plain": Bar(
        what="waves of a synthetic recording", other="every Gaussian at every sample", least=5
    ),
    "synth: neurokit2": Bar(
        what="`synth`, a recording with labels", other="neurokit2, 12 leads", least=1
    ),
    "read: WFDB": Bar(what="read WFDB (.hea, .mat), checked", other="wfdb", least=1),
    "read: MAT": Bar(what="read WFDB (.hea, .mat), checked", other="SciPy's loadmat", most=2),
    "read: EDF": Bar(what="read EDF", other="pyedflib", most=2),
    "read: MUSE": Bar(what="read MUSE XML, checked", other="ElementTree, unchecked", most=2),
    "read: MUSE, ecgdatakit": Bar(what="read MUSE XML", other="ecgdatakit", most=2),
    "read: DICOM": Bar(what="read DICOM", other="pydicom", most=2),
    "read: dicom": Bar(what="read DICOM", other="ecgdatakit", most=2),
    "read: scp": Bar(what="read SCP-ECG", other="ecgdatakit", most=2),
    "read: aecg": Bar(what="read HL7 aECG", other="ecgdatakit", most=2),
    "read: philips": Bar(what="read Philips XML", other="ecgdatakit", most=2),
    "read: ishne": Bar(what="read ISHNE, 96 s", other="ecgdatakit", most=2),
}
