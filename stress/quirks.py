"""One recording of every quirk that the challenges' data have or that a hospital may send."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.io import savemat

from ecg12.io.leads import LEADS
from ecg12.io.record import MISSING, Record
from ecg12.io.wfdb import write_record
from ecg12.synthetic import recording

RATES = (1, 100, 250, 257, 300, 360.1, 400, 500, 1000, 5000, 100_000)  # Hz
SECONDS = (0.002, 0.1, 1, 5, 9.99, 10, 10.01, 11, 20, 60, 1800)
LEAD_SETS = {
    12: LEADS, 6: LEADS[:6], 4: ("I", "II", "III", "V2"), 3: ("I", "II", "V2"), 2: ("I", "II"),
    1: ("V5",), "reversed": LEADS[::-1], "chest": LEADS[6:], "with X": ("X", *LEADS),
}  # fmt: skip
AGES = ("NaN", "Unknown", "", "90+", "old", "-1", "300", "1e400")
DX = ("", "426783006,", "426783006,,164889003", "164889003,164889003", "999,abc", "Unknown", "#")
GAINS = ("0/mV", "/mV", "", "nan/mV", "1e-3/mV", "1000000/mV", "-1000/mV", "1000.0(0)/mv", "200")


def signals(rate: float, seconds: float, leads: tuple[str, ...] = LEADS) -> np.ndarray:
    """Return int16 samples of beats and noise, (leads, samples)."""
    n = max(1, round(rate * seconds))
    times = np.arange(n) / rate
    beat = 1000 * np.exp(-0.5 * (((times + 0.4) % 0.8 - 0.4) / 0.02) ** 2)
    rng = np.random.default_rng(0)
    sizes = np.linspace(-1, 1.5, len(leads))[:, None]
    return np.rint(sizes * beat + rng.normal(0, 10, (len(leads), n))).astype(np.int16)


def make(rate: float = 500, seconds: float = 10, leads: tuple[str, ...] = LEADS) -> Record:
    """Return a recording of beats and noise."""
    samples, n = signals(rate, seconds, leads), len(leads)
    units = ("mV",) * n
    return Record("x", samples, np.full(n, 1000.0), np.zeros(n), units, leads, float(rate))


def write_quirks(folder: Path) -> dict[str, bool]:
    """Write all quirks below a folder, nested and flat; return stem → whether it has a signal."""
    readable: dict[str, bool] = {}

    def write(name: str, record: Record, dialect: str = "A", good: bool = True) -> Path:
        readable[name] = good
        return write_record(folder, replace(record, name=name), dialect)

    for rate in RATES:
        write(f"rate_{rate:g}", make(rate, 10 if rate <= 5000 else 1))
    for seconds in SECONDS:
        write(f"seconds_{seconds:g}", make(500, seconds), good=seconds * 500 > 1)
    for leads, names in LEAD_SETS.items():
        write(f"leads_{leads}".replace(" ", "_"), make(leads=names), "AB"[len(names) % 2])
    write("no_known_lead", make(leads=("X", "Y")), good=False)
    for i, synthetic in enumerate(recording(3, i) for i in range(2)):
        write(f"synthetic_{i}", synthetic, "AB"[i])
    _texts(write)
    _samples(write)
    _files(folder, write, readable)
    return readable


def _texts(write: Callable[..., Path]) -> None:
    """Write quirks of the header's text."""

    def changed(name: str, change: Callable[[str], str], **options: bool) -> None:
        path = write(name, make(), **options)
        path.write_text(change(path.read_text()))

    for i, age in enumerate(AGES):
        changed(f"age_{i}", lambda text, age=age: text.replace("#Age: NaN", f"#Age: {age}"))
    for i, dx in enumerate(DX):
        changed(f"dx_{i}", lambda text, dx=dx: text.replace("#Dx: ", f"#Dx: {dx}"))
    for i, gain in enumerate(GAINS):
        changed(f"gain_{i}", lambda text, gain=gain: text.replace("1000/mV", gain or "0"))
    changed("no_comments", lambda text: text.split("#")[0])
    changed("upper_case_leads", lambda text: text.replace("aV", "AV"))
    changed("other_name", lambda text: text.replace("other_name ", "E00271.mat "))
    changed("crlf", lambda text: text.replace("\n", "\r\n"))
    changed("byte_order_mark", lambda text: "\ufeff" + text)
    changed("longer_than_said", lambda text: text.replace(" 5000\n", " 4000\n"))
    changed("shorter_than_said", lambda text: text.replace(" 5000\n", " 1000000000\n"))
    changed("no_length", lambda text: text.replace(" 5000\n", "\n"))
    changed("empty_header", lambda text: "", good=False)
    changed("no_rate", lambda text: text.replace(" 500 ", " 0 "), good=False)
    changed("lead_missing_in_matrix", lambda text: text.replace(" 12 500 ", " 11 500 "), good=False)


def _samples(write: Callable[..., Path]) -> None:
    """Write quirks of the samples."""
    for name, value in (("zero", 0), ("missing", MISSING), ("constant", 77), ("full", 32767)):
        samples = signals(500, 10)
        write(f"all_{name}", replace(make(), stored=np.full_like(samples, value)), good=False)
        samples[3] = value
        write(f"lead_{name}", replace(make(), stored=samples))
    spikes = signals(500, 10)
    spikes[:, ::100] = 32767
    write("spikes", replace(make(), stored=spikes))
    noise = np.random.default_rng(0).integers(-32767, 32768, spikes.shape).astype(np.int16)
    write("white_noise", replace(make(), stored=noise))


def _files(folder: Path, write: Callable[..., Path], readable: dict[str, bool]) -> None:
    """Write quirks of the files: versions, number types, formats, absent and damaged ones."""
    samples = signals(500, 10)
    special = samples.astype(float)
    special[2, 5:90], special[3, 7], special[4, 8] = np.nan, np.inf, 1e300
    kinds = {"v4": samples, "v5": samples, "float": samples / 4, "nan": special, "wide": samples}
    for name, values in kinds.items():
        path = write(f"mat_{name}", make()).with_suffix(".mat")
        version = "4" if name in ("v4", "nan") else "5"
        values = values.astype(np.int64) if name == "wide" else values
        savemat(path, {"val": values}, format=version, do_compression=name != "v4")
    write("mat_truncated", make(), good=False).with_suffix(".mat").write_bytes(b"\0" * 40)
    write("mat_text", make(), good=False).with_suffix(".mat").write_bytes(b"not a recording" * 99)
    write("no_signals", make(), good=False).with_suffix(".mat").unlink()
    write("no_header", make(), good=False).unlink()
    nested = folder / "training" / "georgia" / "g1"
    nested.mkdir(parents=True)
    write_record(nested, replace(make(), name="nested"), "B")
    readable["nested"] = readable["wfdb_dat"] = True
    import wfdb

    with warnings.catch_warnings():  # wfdb calls pandas in a way that pandas warns about
        warnings.simplefilter("ignore")
        wfdb.wrsamp(
            "wfdb_dat", fs=500, units=["mV"] * 12, sig_name=list(LEADS), fmt=["16"] * 12,
            d_signal=samples.T.astype(int), adc_gain=[1000.0] * 12, baseline=[0] * 12,
            write_dir=str(folder),
        )  # fmt: skip
