"""Compare synthetic with real recordings, measured by the same program.

    python -m experiments.synthetic_distributions DATA cpsc2018 georgia --label NSR

DATA holds one folder of recordings per database. Both kinds are filtered to 0.5-40 Hz and measured
as the synthesiser's own labels are (`ecg12.synthetic.measure`); for each quantity the 5th, 25th,
50th, 75th and 95th percentile of both is printed, with the Kolmogorov-Smirnov distance. Real noise
costs that program some accuracy: late low waves (R' of a bundle branch block) may be missed.

Cost: about 10 s.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.signal import butter, resample_poly, sosfiltfilt, welch
from scipy.stats import ks_2samp

from ecg12.io.classes import abbreviation
from ecg12.io.leads import LEADS
from ecg12.io.wfdb import find_records, read_record
from ecg12.synthetic import Options, recording
from ecg12.synthetic.detection import TooFewBeatsError
from ecg12.synthetic.measure import measure

RATE = 500
BAND = butter(2, (0.5, 40), "band", fs=RATE, output="sos")
SHOWN = ("I", "II", "V1", "V2", "V5", "V6")
PERCENTILES = (5, 25, 50, 75, 95)


def quantities(record):
    """Return name → value of the first 10 s of a recording."""
    signals = np.nan_to_num(record.millivolts)
    if record.rate != RATE:
        signals = resample_poly(signals, RATE, int(record.rate), axis=1, padtype="line")
    signals = signals[:, : 10 * RATE]
    m = measure(sosfiltfilt(BAND, signals, axis=1), RATE)
    found = {
        "rate, 1/min": m.rate,
        "RR spread, ms": 1e3 * np.ptp(m.rr),
        "PR, ms": 1e3 * m.pr if m.p_coherence > 0.6 else np.nan,
        "QRS, ms": 1e3 * m.qrs,
        "QTc, ms": 1e3 * m.qtc,
        "axis, degrees": m.axis,
    }
    for name in SHOWN:
        i = LEADS.index(name)
        found |= {f"R {name}, mV": m.r[i], f"S {name}, mV": m.s[i], f"ST {name}, mV": m.st[i]}
        found[f"T {name}, mV"] = m.t_high[i] + m.t_low[i]
    return found | _spectrum(signals)


def _spectrum(signals):
    """Return the power below 1 Hz and above 45 Hz against that between, dB, median of leads."""
    frequency, power = welch(signals, RATE, nperseg=2 * RATE)
    middle = power[:, (frequency > 1) & (frequency < 40)].sum(axis=1)
    bands = {"< 1 Hz, dB": frequency <= 1, "45-100 Hz, dB": (frequency > 45) & (frequency < 100)}
    return {
        name: 10 * np.log10(np.median(power[:, band].sum(axis=1) / middle) + 1e-9)
        for name, band in bands.items()
    }


def table(records):
    """Return name → array of values; recordings without three beats are left out and counted."""
    rows, refused = [], 0
    for record in records:
        try:
            rows.append(quantities(record))
        except TooFewBeatsError:
            refused += 1
    print(f"{len(rows)} recordings measured, {refused} without enough beats")
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def real(folder, databases, label):
    """Yield the recordings of some databases that have a label, or all."""
    for database in databases:
        for stem in find_records(Path(folder) / database):
            record = read_record(stem)
            if label is None or label in {abbreviation(code) for code in record.codes}:
                yield record


def main():
    """Print both sets of percentiles and their distance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("databases", nargs="+")
    parser.add_argument("--label", help="only recordings of this class")
    parser.add_argument("-n", type=int, default=200, help="synthetic recordings")
    options = parser.parse_args()
    classes = None if options.label is None else (options.label,)
    drawn = Options(classes, sites=("general", "American"))
    ours = table(recording(0, i, drawn) for i in range(options.n))
    theirs = table(real(options.data, options.databases, options.label))
    print(f"{'':16s}{'real':^40s}{'synthetic':^40s}  distance")
    for name, values in theirs.items():
        pair = [v[np.isfinite(v)] for v in (values, ours[name])]
        cells = ["".join(f"{x:8.2f}" for x in np.percentile(v, PERCENTILES)) for v in pair]
        print(f"{name:16s}{cells[0]}{cells[1]}  {ks_2samp(*pair).statistic:8.2f}")


if __name__ == "__main__":
    main()
