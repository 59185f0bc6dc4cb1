"""Reports: curves, tables, figures, the page, and the command."""

import csv
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, norm, t
from sklearn.metrics import average_precision_score, roc_auc_score

from ecg12.cli.main import main
from ecg12.decision.calibration import calibrate
from ecg12.io.classes import CPSC_2018, WEIGHTS, load_weights
from ecg12.io.outputs import write_output
from ecg12.io.wfdb import write_record
from ecg12.report import Estimate, Model, Results, measure, write_report
from ecg12.report.comparison import difference_tables, moved_classes
from ecg12.report.curves import precision_recall, roc
from ecg12.report.hierarchy import load_hierarchy
from ecg12.report.misses import worst_misses
from ecg12.report.model import calibration
from ecg12.report.results import read_patient_numbers, read_results
from ecg12.report.score_tables import confusion_rows
from ecg12.report.sections import notes
from ecg12.report.tables import Table

CLASSES = load_weights(WEIGHTS)


def mediocre(n, seed=0, classes=CLASSES, decimals=2, shift=1.0):
    """Return y_true, y_pred and y_score in [0, 1] of a mediocre classifier, with ties."""
    rng = np.random.default_rng(seed)
    y_true = rng.random((n, len(classes))) < 0.15
    y_score = norm.cdf(rng.normal(size=y_true.shape) + shift * y_true - 1).round(decimals)
    return y_true, y_score > 0.4, y_score


def results(n=120, seed=0, classes=CPSC_2018, shift=1.0, title="run"):
    y_true, y_pred, y_score = mediocre(n, seed=seed, classes=classes, shift=shift)
    return Results(
        title=title,
        headers=tuple(f"data/{name}.hea" for name in range(n)),
        y_true=y_true,
        y_pred=y_pred,
        y_score=y_score,
        classes=classes,
        databases=("a", "b") * (n // 2),
    )


def chosen(run, rows):
    return replace(
        run,
        headers=tuple(run.headers[i] for i in rows),
        y_true=run.y_true[rows],
        y_pred=run.y_pred[rows],
        y_score=run.y_score[rows],
        databases=tuple(run.databases[i] for i in rows),
    )


def test_ten_copies_of_each_patient_keep_the_interval_wide():
    """Copies of a recording are no news; resampled alone they would narrow it by √10."""
    once = results(60)
    copies = np.repeat(np.arange(60), 10)
    many = chosen(once, copies)
    widths = []
    for run, patients in ((once, None), (many, copies), (many, None)):
        _, low, high = measure([run], patients, 400).runs[0].overall["Challenge metric"]
        widths.append(high - low)
    assert widths[1] == pytest.approx(widths[0], rel=0.1)
    assert widths[2] == pytest.approx(widths[0] / np.sqrt(10), rel=0.2)


def test_copies_of_each_patient_change_no_interval_of_a_class():
    """Ten copies of a patient are drawn as the one recording is, and are one unit as it is."""
    runs, copies = [results(120), results(120, 1)], np.repeat(np.arange(120), 10)
    runs[1] = replace(runs[1], y_true=runs[0].y_true)
    once = measure(runs, None, 200)
    many = measure([chosen(run, copies) for run in runs], copies, 200)
    for name in ("AUROC", "AUPRC", "F-measure"):
        expected = np.array(once.runs[0].per_class[name])
        assert (expected[:, 1] < expected[:, 2]).all()
        np.testing.assert_allclose(many.runs[0].per_class[name], expected, rtol=1e-9)
        macro = (study.runs[0].overall[f"macro {name}"] for study in (many, once))
        np.testing.assert_allclose(*macro, rtol=1e-9)
    tables = [difference_tables(study)[1] for study in (many, once)]
    assert tables[0].column("true") == [10 * n for n in tables[1].column("true")]
    assert tables[0].column("AUROC moved") == tables[1].column("AUROC moved")
    changes = (np.array(table.column("AUROC difference")) for table in tables)
    np.testing.assert_allclose(*changes, atol=1e-9)


@pytest.mark.parametrize("by_patient", [False, True])
def test_ends_of_f_by_hand(by_patient):
    """The expanded percentiles for m positives, or for m patients among them."""
    run, patients = results(120), np.arange(120) // 4
    study = measure([run], patients if by_patient else None, 100)
    for k, true in enumerate(run.y_true.T):
        m = len(set(patients[true].tolist())) if by_patient else true.sum()
        tail = norm.cdf(-np.sqrt(m / (m - 1)) * t.ppf(0.975, m - 1))
        expected = np.quantile(study.draws[0]["F-measure"][:, k], (tail, 1 - tail))
        assert study.runs[0].per_class["F-measure"][k][1:] == pytest.approx(expected)


def few_patients(n_patients, each, seed=0):
    """Return a run whose class 1 is that of a few patients, and the number of each's patient.

    Each of these patients has an effect of their own on the scores.
    """
    rng, n = np.random.default_rng(seed), n_patients * each
    y_true = np.zeros((300 + n, 9), bool)
    y_true[:300, CPSC_2018.normal], y_true[300:, 1] = True, True
    y_score = rng.normal(size=y_true.shape)
    y_score[300:, 1] = 1 + np.repeat(rng.normal(0, 0.9, n_patients), each) + rng.normal(0, 0.4, n)
    patients = np.append(np.arange(300), np.repeat(300 + np.arange(n_patients), each))
    run = replace(
        chosen(results(300), np.zeros(300 + n, int)), y_true=y_true, y_pred=y_score > 0.5,
        y_score=y_score,
    )  # fmt: skip
    return run, patients


def test_a_class_of_one_patient_has_no_interval():
    """Thirty recordings of one patient are one unit; as thirty units they have an interval."""
    run, patients = few_patients(1, 30)
    study, without = measure([run, run], patients, 100), measure([run, run], None, 100)
    for name in ("AUROC", "AUPRC", "F-measure"):
        assert np.isnan(study.runs[0].per_class[name][1][1:]).all()
        assert np.isfinite(without.runs[0].per_class[name][1]).all()
    table = difference_tables(study)[1]
    assert (table.column("true")[1], table.column("AUROC moved")[1]) == (30, "too few patients")
    assert np.isnan(table.column("AUROC difference")[1][1:]).all()
    assert difference_tables(without)[1].column("AUROC moved")[1] == "no"
    name = CPSC_2018.names[1]
    assert any(f"fewer than 20 patients have {name} (1)." in line for line in notes(study))
    assert not any("fewer than 20" in line for line in notes(without))


def test_the_warning_counts_recordings_without_a_table_of_patients():
    run, _ = few_patients(2, 4)
    name = CPSC_2018.names[1]
    lines = notes(measure([run], None, 50))
    assert any(f"fewer than 20 recordings have {name} (8)." in line for line in lines)


@pytest.mark.parametrize(("n_patients", "verdict"), [(4, "too few patients"), (5, "yes")])
def test_a_class_moves_only_by_five_patients(n_patients, verdict):
    """The scores of one run are good for a class, those of the other are the same reversed."""
    run, patients = few_patients(n_patients, 10)
    sign = np.where(np.arange(9) == 1, -1, 1)
    good = replace(run, y_score=run.y_score + run.y_true)
    study = measure([good, replace(run, y_score=sign * good.y_score)], patients, 100)
    assert moved_classes(study.runs, study.draws)[1] == (verdict == "yes")
    assert difference_tables(study)[1].column("AUROC moved")[1] == verdict


def test_roc_encloses_the_area_and_is_thin():
    y_true, _, y_score = mediocre(5000, decimals=16)
    curve = roc(y_true[:, 0], y_score[:, 0])
    assert len(curve.x) <= 200
    area = np.trapezoid(curve.y, curve.x)
    assert area == pytest.approx(roc_auc_score(y_true[:, 0], y_score[:, 0]), abs=2e-3)
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)


def test_steps_under_precision_sum_to_average_precision():
    y_true, _, y_score = mediocre(150)
    curve = precision_recall(y_true[:, 0], y_score[:, 0])
    area = np.diff(curve.x) @ curve.y[1:]
    assert area == pytest.approx(average_precision_score(y_true[:, 0], y_score[:, 0]), rel=1e-12)


def test_curves_of_classes_without_positives_and_of_infinite_scores():
    assert roc(np.zeros(4, dtype=bool), np.arange(4.0)) is None
    assert precision_recall(np.zeros(4, dtype=bool), np.arange(4.0)) is None
    curve = roc(np.array([False, True]), np.array([-np.inf, np.inf]))
    np.testing.assert_array_equal(curve.y, [0, 1, 1])


def test_rows_of_figure_3_sum_to_one():
    run = results()
    y_true = run.y_true.copy()
    y_true[:, 2] = False
    rows = confusion_rows(replace(run, y_true=y_true))
    np.testing.assert_allclose(np.delete(rows.sum(axis=1), 2), 1)
    assert np.isnan(rows[2]).all()


def test_hierarchy_is_that_of_figure_4(shared):
    with (shared / "reference" / "mcircc_figure4_hierarchy.csv").open() as file:
        expected = [tuple(row) for row in csv.reader(file)][1:]
    assert load_hierarchy().edges == tuple(expected)


def test_no_two_concepts_share_a_place_and_arrows_point_left():
    graph = load_hierarchy()
    places, ways = graph.layout()
    assert len(set(places.values())) == len(places)
    for (child, parent), way in zip(graph.edges, ways, strict=True):
        assert way[0] == places[child]
        assert way[-1] == places[parent]
        assert (np.diff([column for column, _ in way]) == -1).all()


def test_csv_keeps_digits_and_leaves_the_undefined_empty():
    rows = [("AF", 3, Estimate(1 / 3, 0.25, 0.5)), ("SB", 0, Estimate(np.nan, np.nan, np.nan))]
    table = Table("t", "T", ("class", "n", "AUROC"), rows)
    assert table.csv() == (
        "class,n,AUROC,AUROC low,AUROC high\nAF,3,0.3333333333333333,0.25,0.5\nSB,0,,,\n"
    )
    assert table.numeric == [False, True, True]


def test_the_worst_misses_lost_most():
    """Three recordings of one class each: right, all wrong, and wrong with little doubt."""
    run = results(4)
    y_true = np.eye(9, dtype=bool)[[0, 1, 2, 2]]
    y_pred = np.eye(9, dtype=bool)[[0, 2, 1, 1]]
    y_score = np.where(y_pred, 0.6, 0.4)
    y_score[3] = np.where(y_pred[3], 0.99, 0.01)
    headers = tuple(map(run_path, "ABCD"))
    three = replace(run, headers=headers, y_true=y_true, y_pred=y_pred, y_score=y_score)
    found = worst_misses(three, 3)
    assert [miss.name for miss in found] == ["D", "B", "C"]
    assert found[0].lost == 1  # with weights of 1 and 0 the truth earns 1, this answer nothing
    assert found[0].predicted.endswith("0.99")


def run_path(name):
    from pathlib import Path

    return Path("data") / f"{name}.hea"


def test_a_run_does_not_differ_from_itself():
    study = measure([results(), results()], None, 200)
    overall, per_class = difference_tables(study)
    assert [tuple(row[3]) for row in overall.rows] == [(0, 0, 0)] * 4
    place = per_class.columns.index("AUROC difference")
    assert {tuple(row[place]) for row in per_class.rows if row[1] >= 5} == {(0, 0, 0)}
    assert {row[-1] for row in per_class.rows} <= {"no", "too few"}


def one_class_apart(m):
    """Return two runs; one ranks the m positives of class 1 first, the other gives all a half."""
    y_true = np.zeros((200, 9), bool)
    y_true[:, CPSC_2018.normal] = True
    y_true[:m] = np.arange(9) == 1
    run = replace(chosen(results(200), np.arange(200)), y_true=y_true, y_pred=y_true)
    runs = [replace(run, y_score=0.1 + 0.8 * y_true), replace(run, y_score=np.full((200, 9), 0.5))]
    return measure(runs, None, 100)


@pytest.mark.parametrize(("m", "verdict"), [(4, "too few"), (6, "no"), (8, "yes"), (57, "yes")])
def test_a_class_without_spread_moves_by_clopper_and_pearson(m, verdict):
    """Of 1 and .5 no replicate differs; their ends are those of m of m trials, scaled below .5.

    The lower end of the difference is Zou's: .5 less both reaches as sides of a right angle.
    """
    study = one_class_apart(m)
    table = difference_tables(study)[1]
    assert table.column("AUROC moved")[1] == verdict
    found = table.column("AUROC difference")[1]
    assert found.value == 0.5
    if m == 4:
        assert np.isnan(found[1:]).all()
        return
    short = 1 - binomtest(m, m).proportion_ci(method="exact").low
    assert found.low == pytest.approx(0.5 - np.hypot(short, 0.5 * short))
    assert found.high == pytest.approx(0.5 + 0.5 * short)


def test_differences_over_all_without_spread_have_a_width():
    """Macro F is 1 where all classes are right and 0 without predictions, in each replicate."""
    good, other = (run.results for run in one_class_apart(57).runs)
    nothing = replace(other, y_pred=np.zeros((200, 9), bool))
    overall = difference_tables(measure([good, nothing], None, 100))[0]
    row = dict(zip(overall.column("measure"), overall.column("difference"), strict=True))
    assert row["macro F-measure"].value == 1
    assert row["macro F-measure"].low < 0.99


def test_a_class_whose_scores_were_spoiled_has_moved():
    good = results(400, shift=2.5)
    y_score = good.y_score.copy()
    y_score[:, 4] = np.random.default_rng(0).permutation(y_score[:, 4])
    study = measure([replace(good, y_score=y_score), good], None, 300)
    np.testing.assert_array_equal(np.flatnonzero(moved_classes(study.runs, study.draws)), [4])


def test_scores_that_are_no_probabilities_have_no_reliability(tmp_path):
    run = results()
    section = calibration(replace(run, y_score=run.y_score * 2), None, tmp_path)
    assert "not probabilities" in section.text[0]
    assert not section.figures


def test_calibration_is_shown_before_and_after(tmp_path):
    """Scores of a third of the odds; Platt scaling on the same recordings lowers Brier's score."""
    run = results(400, shift=2.0)
    weak = replace(run, y_score=run.y_score**3)
    fitted = calibrate(weak.y_score, weak.y_true)
    model = Model(("one",), np.full((1, 9), 0.5), fitted)
    section = calibration(weak, model, tmp_path)
    overall, per_class = section.tables
    assert overall.columns == ("measure", "before", "after")
    brier = next(row for row in overall.rows if row[0] == "brier")
    squares = (fitted.apply(weak.y_score) - weak.y_true) ** 2
    assert brier[2] == pytest.approx(squares.mean())
    assert brier[2] < brier[1]
    np.testing.assert_allclose([row[3] for row in per_class.rows], squares.mean(axis=0))
    assert {table.name for table in section.files} == {"reliability_before", "reliability_after"}


@pytest.fixture
def folders(tmp_path, make_record):
    """Return folders of headers (every other with signals) and outputs."""
    y_true, y_pred, y_score = mediocre(30)
    (tmp_path / "data").mkdir()
    (tmp_path / "out").mkdir()
    for i in range(30):
        codes = [CLASSES.groups[k][0] for k in np.flatnonzero(y_true[i])]
        header = write_record(tmp_path / "data", make_record(f"E{i:05}", codes=codes))
        if i % 2:
            header.with_suffix(".mat").unlink()
        answer = CLASSES.expand(y_pred[i]), CLASSES.expand(y_score[i])
        write_output(tmp_path / "out", f"E{i:05}", CLASSES.columns, *answer)
    return tmp_path


def test_without_a_folder_only_the_summary_is_printed(folders, capsys):
    main(["report", str(folders / "data"), str(folders / "out")])
    assert "Best constant" in capsys.readouterr().out
    assert {path.name for path in folders.iterdir()} == {"data", "out"}


def nested(folders):
    """Move a recording's header twice below the data folder, and return its name."""
    for place in ("a", "b"):
        (folders / "data" / place).mkdir()
        shutil.copy(folders / "data/E00001.hea", folders / "data" / place)
    (folders / "data/E00001.hea").unlink()
    (folders / "data/E00001.mat").unlink(missing_ok=True)
    return "E00001"


@pytest.mark.parametrize("options", [[], ["--against", "out", "--replicates", "50"]])
def test_of_repeated_stems_the_first_counts_as_in_the_driver(folders, capsys, caplog, options):
    name = nested(folders)
    options = [str(folders / "out") if option == "out" else option for option in options]
    main(["report", str(folders / "data"), str(folders / "out"), *options])
    assert "30 recordings" in capsys.readouterr().out
    first, second = (folders / "data" / place / f"{name}.hea" for place in "ab")
    assert f"not scored: {second}: the output {name}.csv belongs to {first}" in caplog.text


def test_patients_of_nested_recordings(folders, caplog):
    """A name that two recordings share is none's; paths tell them apart."""
    name = nested(folders)
    run = read_results(folders / "data", folders / "out", CLASSES)
    table = folders / "patients.csv"
    table.write_text(f"recording,patient\nE00000,p\n{name},p\n")
    numbers = read_patient_numbers(table, folders / "data", run)
    assert len(set(numbers.tolist())) == 30  # none of 30 shares a patient with another
    assert "1 share the name of their file with others" in caplog.text
    table.write_text(f"recording,patient\nE00000,p\na/{name},p\n")
    numbers = dict(
        zip(run.headers, read_patient_numbers(table, folders / "data", run), strict=True)
    )
    same = numbers[folders / "data/E00000.hea"]
    assert numbers[folders / f"data/a/{name}.hea"] == same
    assert list(numbers.values()).count(same) == 2


def test_comparing_prints_differences_without_a_page(folders, capsys):
    data, out = str(folders / "data"), str(folders / "out")
    main(["report", data, out, "--against", out, "--replicates", "50"])
    printed = capsys.readouterr().out
    assert re.search(r"Challenge metric +(\S+) +\1 +0\.000", printed)
    assert "AUROC moved" in printed


def test_databases_are_told_by_name(folders):
    read = read_results(folders / "data", folders / "out", CLASSES)
    assert set(read.databases) == {"georgia"}


@pytest.mark.slow
def test_a_report_has_its_page_figures_and_tables(folders):
    read = read_results(folders / "data", folders / "out", CLASSES)
    names = ("first", "second")
    model = Model(names, np.full((2, len(CLASSES)), 0.25))
    study = measure([read], None, 50)
    page = write_report(folders / "report", "data", study, model=model, n_misses=4)
    files = {path.name for path in page.parent.iterdir()}
    for name in ("figure2_auroc_auprc", "figure3_confusion", "figure4_hierarchy", "roc",
                 "precision_recall", "calibration", "risk_coverage"):  # fmt: skip
        assert {f"{name}.png", f"{name}.svg", f"{name}.csv"} - files <= {
            "figure2_auroc_auprc.csv", "figure4_hierarchy.csv"
        }  # fmt: skip
    assert {"scores.csv", "classes.csv", "thresholds.csv", "misses.csv"} <= files
    assert {"subgroups.csv", "subgroup_classes.csv", "risk_coverage_classes.csv"} <= files
    text = page.read_text()
    assert "no signal file E000" in text  # a recording that cannot be drawn says why
    assert "data:image/png" in text
    assert not re.findall(r'(?:src|href)="https?:', text)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for link in re.findall(r'href="([\w./]+\.(?:csv|svg|png))"', text):
        assert (page.parent / link).is_file()
