"""Subgroups and the risk-coverage curve of a report: from files, and by counting."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from ecg12.cli.main import main
from ecg12.io.classes import CPSC_2018, ScoredClasses
from ecg12.io.outputs import write_output
from ecg12.io.wfdb import write_record
from ecg12.metrics.intervals import Estimate
from ecg12.report import Results, measure
from ecg12.report.selective import risk_coverage
from ecg12.report.subgroups import score_groups, subgroups
from ecg12.subgroups import Comparison, GroupScores

AF, SR = "164889003", "426783006"


def scores_of(group, low, high, **counts):
    """Return a group whose difference in both measures is between low and high."""
    pair = Comparison(
        Estimate(0.6, 0.5, 0.7), Estimate(0.6, 0.5, 0.7), Estimate((low + high) / 2, low, high)
    )
    measures = {"challenge metric": pair, "macro AUROC": pair}
    counts = {"n": 50, "n_patients": 40} | counts
    return GroupScores(
        kind="age", group=group, measures=measures, classes={"AF": pair}, positives={"AF": 12},
        **counts,
    )  # fmt: skip


def test_groups_that_differ_come_first_and_small_ones_last(tmp_path):
    """The clearest is the one whose interval is farthest from zero, on either side."""
    few = GroupScores(kind="sex", group="few", n=3, n_patients=3, reason="too few: fewer than 20")
    found = [
        few, scores_of("same", -0.1, 0.2), scores_of("better", 0.05, 0.3),
        scores_of("worse", -0.3, -0.1),
    ]  # fmt: skip
    section = subgroups(found, tmp_path, "patients")
    whole, classes = section.tables
    assert whole.column("group") == ["worse", "better", "same", "few"]
    assert whole.column("differs") == [
        "challenge metric, macro AUROC", "challenge metric, macro AUROC", "no",
        "too few: fewer than 20",
    ]  # fmt: skip
    assert np.isnan(whole.column("challenge metric")[-1].value)
    assert classes.column("group") == ["worse", "better"]
    assert section.files[0].column("differs") == ["yes", "yes", "no"]
    assert "Of 6 intervals of groups, 4 exclude zero" in section.text[1]
    assert "Of 3 intervals of classes, 2 exclude zero" in section.text[1]
    assert {path.name for path in tmp_path.iterdir()} == {"subgroups.png", "subgroups.svg"}


@pytest.mark.parametrize("patients", [None, np.arange(60) // 3])
def test_patients_are_counted_only_where_a_table_names_them(patients, tmp_path, folders):
    """Twenty patients of three recordings; without their table the column would be a guess."""
    folder, y_true, y_score = folders
    y_true = np.stack([y_true, ~y_true], axis=1)
    run = Results(
        title="run", headers=tuple(folder / f"data/E{i:05}.hea" for i in range(60)), y_true=y_true,
        y_pred=y_true, y_score=np.stack([y_score, 1 - y_score], axis=1), databases=("a",) * 60,
        classes=ScoredClasses(((AF,), (SR,)), np.eye(2), 2021),
    )  # fmt: skip
    study = measure([run], patients, 64)
    found = score_groups(study, with_signals=False)
    [table] = subgroups(found, tmp_path, study.unit).tables[:1]
    assert table.column("recordings")[-1] == 60
    if patients is None:
        assert "patients" not in table.columns
    else:
        assert table.column("patients")[-1] == 20


def test_without_a_group_to_compare_there_is_no_figure(tmp_path):
    alone = GroupScores(kind="sex", group="unknown", n=9, n_patients=9, reason="all recordings")
    section = subgroups([alone], tmp_path, "recordings")
    assert not section.figures
    assert section.tables[0].column("differs") == ["all recordings"]


@pytest.fixture
def folders(tmp_path, make_record):
    """Return folders of 60 recordings, women old and men young, and their outputs."""
    rng = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    (tmp_path / "out").mkdir()
    y_true = rng.random(60) < 0.5
    y_score = np.clip(0.3 * y_true + rng.random(60) * 0.7, 0, 1).round(3)
    for i in range(60):
        codes = (AF,) if y_true[i] else (SR,)
        who = {"sex": ("Female", "Male")[i % 2], "age": (75, 30)[i % 2]}
        record = make_record(f"E{i:05}", rate=100, codes=codes, **who)
        header = write_record(tmp_path / "data", record)
        if i == 0:
            header.with_suffix(".mat").unlink()
        outputs = np.array([y_score[i] > 0.5, y_score[i] <= 0.5])
        write_output(tmp_path / "out", f"E{i:05}", (AF, SR), outputs, [y_score[i], 1 - y_score[i]])
    return tmp_path, y_true, y_score


@pytest.mark.slow
@pytest.mark.parametrize("without", [False, True])
def test_the_command_scores_subgroups(folders, capsys, without):
    folder, y_true, y_score = folders
    (folder / "my.csv").write_text(f"{AF},AF\n{SR},NSR\n")
    command = ["report", str(folder / "data"), str(folder / "out"), "-o", str(folder / "page")]
    command += ["--classes", str(folder / "my.csv"), "--replicates", "64", "--misses", "0"]
    main([*command, *(["--no-signals"] if without else [])])
    capsys.readouterr()
    with (folder / "page" / "subgroups.csv").open() as file:
        rows = {(row["by"], row["group"]): row for row in csv.DictReader(file)}
    women = np.arange(60) % 2 == 0
    area = roc_auc_score(y_true[women], y_score[women])
    for key in (("sex", "female"), ("age", "60 to 79")):
        assert float(rows[key]["macro AUROC"]) == pytest.approx(area)
        assert int(rows[key]["recordings"]) == 30
    other = roc_auc_score(y_true[~women], y_score[~women])
    difference = float(rows["sex", "male"]["macro AUROC difference"])
    assert difference == pytest.approx(other - area)
    assert rows["database", "georgia"]["differs"] == "all recordings"
    by_signals = {key[0] for key in rows} & {"signal quality", "heart rate"}
    assert bool(by_signals) != without
    if not without:
        assert rows["signal quality", "not readable"]["differs"].startswith("too few")
        assert int(rows["heart rate", "60 to 79"]["recordings"]) == 59  # 75 per minute all


@pytest.fixture
def four():
    """Return four recordings of nine classes; the less certain, the more labels are wrong."""
    y_true = np.zeros((4, 9), bool)
    y_pred = np.tril(np.ones((4, 9), bool), -1)  # 0, 1, 2 and 3 wrong labels
    certain = np.array([0.9, 0.8, 0.7, 0.6])
    y_score = np.where(y_pred, certain[:, None], 1 - certain[:, None])
    return Results(
        title="run", headers=tuple("abcd"), y_true=y_true, y_pred=y_pred, y_score=y_score,
        classes=CPSC_2018, databases=("a",) * 4,
    )  # fmt: skip


def test_right_labels_of_the_most_certain_by_counting(four, tmp_path):
    [section] = risk_coverage(measure([four], None, 64), None, tmp_path)
    table = section.tables[0]
    assert table.column("left to a person") == ["0%", "5%", "10%", "20%", "30%", "50%"]
    values = [estimate.value for estimate in table.column("right labels")]
    # Up to 20 % four recordings are kept, at 30 % three, at 50 % two, with 6, 3 and 1 wrong labels.
    expected = [1 - 6 / 36] * 4 + [1 - 3 / 27, 1 - 1 / 18]
    assert values == pytest.approx(expected)
    whole = [estimate.value for estimate in table.column("recordings with all labels right")]
    assert whole == pytest.approx([1 / 4] * 4 + [1 / 3, 1 / 2])


@pytest.mark.parametrize("by_patient", [False, True])
def test_of_recordings_that_are_all_right_the_interval_is_clopper_and_pearson_s(
    by_patient, tmp_path
):
    """Of 30 recordings, or of 10 patients, the least certain tenth is wrong; half of all stay."""
    wrong = np.arange(30) >= 27
    y_pred = np.zeros((30, 9), bool)
    y_pred[wrong, 0] = True
    certain = np.linspace(0.95, 0.6, 30)[:, None]
    run = Results(
        title="run", headers=tuple(map(str, range(30))), y_true=np.zeros((30, 9), bool),
        y_pred=y_pred, y_score=np.where(y_pred, certain, 1 - certain), classes=CPSC_2018,
        databases=("a",) * 30,
    )  # fmt: skip
    patients = np.arange(30) // 3 if by_patient else None
    [section] = risk_coverage(measure([run], patients, 64), None, tmp_path)
    exact = binomtest(*[5 if by_patient else 15] * 2).proportion_ci(method="exact")
    for name in ("right labels", "recordings with all labels right"):
        found = section.tables[0].column(name)[-1]
        assert tuple(found) == pytest.approx((1.0, exact.low, exact.high))


def test_equally_certain_recordings_stay_together(four, tmp_path):
    alike = replace(four, y_score=np.where(four.y_pred, 0.7, 0.3))
    [section] = risk_coverage(measure([alike], None, 64), None, tmp_path)
    values = [estimate.value for estimate in section.tables[0].column("right labels")]
    assert values == pytest.approx([1 - 6 / 36] * 6)


def test_scores_that_are_no_probabilities_have_no_curve(four, tmp_path):
    outside = replace(four, y_score=four.y_score * 2)
    assert risk_coverage(measure([outside], None, 64), None, tmp_path) == []
