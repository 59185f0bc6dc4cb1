"""The bars are judged as a person would by hand; the commands take their options."""

import csv
import importlib.util
import sys

import pytest

from benchmarks import accuracy, growth, peers, tables
from benchmarks.bars import BARS
from benchmarks.page import fill, table
from benchmarks.results import Bar, Result, ratio, verdict
from benchmarks.timing import Times, in_turn, larger, quartiles, total
from benchmarks.watching import Watched, watch

OURS = Times(wall=(1.0, 2.0, 4.0), processor=(1.0, 1.0, 1.0))
OTHER = Times(wall=(2.0, 6.0, 4.0), processor=(3.0, 3.0, 3.0))


def bar(**options):
    return Bar(what="a stage", other="a peer", **options)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"clock": "wall", "least": 2.0}, "met"),  # 2, 3, 1 times as fast: the median is 2
        ({"clock": "wall", "least": 2.1}, "missed"),
        ({"clock": "wall", "most": 0.5}, "met"),  # 1/2, 1/3, 1 of the time: the median is 1/2
        ({"clock": "wall", "most": 0.49}, "missed"),
        ({"clock": "processor", "least": 3.0}, "met"),
        ({"clock": "processor", "most": 0.3}, "missed"),
        ({"clock": "wall"}, ""),
    ],
)
def test_the_median_of_the_rounds_is_held_against_the_bar(asked, expected):
    assert verdict(bar(**asked), Result(key="a", ours=OURS, other=OTHER)) == expected


def test_the_ratio_is_that_of_each_round_with_quartiles():
    found = ratio(bar(clock="wall", least=1.0), Result(key="a", ours=OURS, other=OTHER))
    assert found == (2.0, 1.5, 2.5)  # of 1, 2 and 3
    assert quartiles([4.0, 0.0, 1.0, 3.0, 2.0]) == (2.0, 1.0, 3.0)


def test_a_comparison_that_failed_or_was_left_out_is_no_miss():
    assert verdict(bar(least=1.0), Result(key="a", skipped="no peer")) == "skipped"
    assert verdict(bar(least=1.0), Result(key="a", failed="an error")) == "failed"


def test_two_bars_at_once_are_refused():
    with pytest.raises(ValueError, match="a stage"):
        bar(least=1.0, most=1.0)


def test_calls_are_timed_in_turn_and_warm_ones_left_out():
    order = []
    times = in_turn([lambda: order.append("a"), lambda: order.append("b")], rounds=3)
    assert order in (["b", "a"] + ["a", "b", "b", "a", "a", "b"],)
    assert [len(one.wall) for one in times] == [3, 3]


def test_the_larger_of_two_times_is_taken_round_by_round():
    assert larger(OURS, OTHER) == Times(wall=(2.0, 6.0, 4.0), processor=(3.0, 3.0, 3.0))
    assert total(OURS, OTHER) == Times(wall=(3.0, 8.0, 8.0), processor=(4.0, 4.0, 4.0))
    assert OTHER.per(2).wall == (1.0, 3.0, 2.0)


def test_the_table_has_a_row_for_each_result(tmp_path):
    results = [
        Result(key="prepare: plain", ours=OURS, other=OTHER, note="a note"),
        Result(key="step: 32", skipped="no time"),
    ]
    tables.write(tmp_path / "speed.csv", results, {"machine": "one"})
    with (tmp_path / "speed.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["machine"], first["ratio"], first["verdict"]) == ("one", "3", "missed")
    assert (first["ours_wall"], first["ours_wall_q1"], first["ours_wall_q3"]) == (
        "2000", "1500", "3000",
    )  # fmt: skip
    assert (second["ratio"], second["verdict"], second["note"]) == ("", "skipped", "no time")
    shown = tables.text(results)
    assert "missed" in shown
    assert "no time" in shown
    tables.plot(tmp_path / "images" / "speed.svg", results)
    assert "<svg" in (tmp_path / "images" / "speed.svg").read_text()


def test_every_stage_is_a_module_and_every_bar_has_a_stage():
    for stage in peers.STAGES:
        assert importlib.util.find_spec(f"benchmarks.stages.{stage}") is not None
    begun = {key.partition(":")[0] for key in BARS}
    assert begun == {name for names in peers.STAGES.values() for name in names}


def test_options_parse(tmp_path):
    options = peers.parser().parse_args([str(tmp_path), "--only", "training", "--quick"])
    assert (options.work, options.only, options.quick) == (tmp_path, ["training"], True)
    options = growth.parser().parse_args([str(tmp_path), "--sizes", "10", "20", "40"])
    assert options.sizes == [10, 20, 40]
    options = accuracy.parser().parse_args(["data", str(tmp_path), "--minutes", "1"])
    assert options.minutes == 1.0


def test_growth_is_judged_by_the_last_stretch_and_the_memory_of_a_tenth():
    def run(seconds, megabytes):
        return Watched(wall=seconds, processor=2 * seconds, memory=megabytes)

    linear = {100: run(3.0, 500), 200: run(4.0, 510), 1000: run(12.0, 550)}
    found = growth.summary(linear)  # 2 s to start with, 10 ms a recording
    assert found["ms_a_recording"] == pytest.approx(10.0)
    assert found["steeper"] == pytest.approx(1.0)
    assert found["times_the_memory"] == pytest.approx(550 / 500)
    assert not growth.missed(found)
    assert growth.missed(growth.summary(linear | {1000: run(20.0, 550)}))  # 20 ms in the end
    assert growth.missed(growth.summary(linear | {1000: run(12.0, 700)}))


def test_growth_is_written_and_drawn(tmp_path):
    found = {"check": {10: Watched(1.0, 2.0, 30.0), 20: Watched(1.5, 3.0, 31.0)}}
    growth.write(tmp_path / "growth.csv", found)
    with (tmp_path / "growth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["recordings"], row["seconds"], row["MB"]) for row in rows] == [
        ("10", "1.00", "30"), ("20", "1.50", "31"),
    ]  # fmt: skip
    growth.plot(tmp_path / "growth.svg", found)
    assert "<svg" in (tmp_path / "growth.svg").read_text()


def test_a_command_is_watched_with_its_children():
    child = "x = bytearray(60_000_000)"  # touched: zeros are written
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    command = [sys.executable, "-c", f"import time; {child}; time.sleep(0.5)"]
    peaks = [watch(command, {}).memory for _ in range(3)]  # a busy machine may look once too late
    assert 55 < max(peaks) < 110
    assert watch([sys.executable, "-c", parent], {}).wall > 0
    with pytest.raises(RuntimeError, match="a word"):
        watch([sys.executable, "-c", "raise SystemExit('a word')"], {})


def test_the_curve_of_a_network_becomes_its_row(tmp_path):
    answer = {
        "curve": [[60.0, 0.8], [120.0, 0.9], [180.0, 0.85]], "test": [0.5, 0.6, 0.7, 0.8, 0.9],
        "parameters": 5, "epochs": 3, "seconds": 180.0, "prepared": 30.0,
    }  # fmt: skip
    row = accuracy.row("tsai", answer)
    assert (row["validation_auroc"], row["best_at_minutes"]) == ("0.9000", "2.0")
    assert (row["test_auroc"], row["processor_minutes"]) == ("0.7000", "3.0")
    accuracy.write(tmp_path / "accuracy.csv", [row])
    accuracy.plot(tmp_path / "accuracy.svg", {"tsai": answer})
    assert "<svg" in (tmp_path / "accuracy.svg").read_text()


def test_a_table_is_put_into_its_place_of_a_page(tmp_path):
    page = tmp_path / "speed.md"
    page.write_text("a\n<!-- one -->\nold\n<!-- end of one -->\nb\n")
    fill(page, "one", table(["x", "y"], [["1", "2"]]))
    expected = "a\n<!-- one -->\n| x | y |\n| --- | --- |\n| 1 | 2 |\n<!-- end of one -->\nb\n"
    assert page.read_text() == expected
    with pytest.raises(ValueError, match="other"):
        fill(page, "other", "text")


def test_the_page_has_a_place_for_each_table(tmp_path):
    page = tmp_path / "speed.md"
    page.write_text((peers.ROOT / "reports" / "speed.md").read_text())
    for name in ("peers", "growth", "accuracy"):
        fill(page, name, "measured")
    assert page.read_text().count("measured\n<!--") == 3
