"""Reports: a run's statistics with intervals, or those of two, as tables, figures and one page.

    results ─ statistics, comparison ─┬─ tables, score_tables ─┐
              curves, hierarchy ──────┴─ figures, panels ──────┴─ sections ─ page

`results` reads recordings and predictions; `statistics` measures them, with bootstrap intervals;
`sections`, and for a topic each `model`, `subgroups` and `selective`, decide what the page says;
`report` writes everything into one folder. The page needs no network, and sorts its tables by a few
lines of JavaScript.
"""

from ecg12.metrics.intervals import Estimate
from ecg12.report.comparison import difference_tables
from ecg12.report.model import Model
from ecg12.report.report import write_report
from ecg12.report.results import Results, read_patient_numbers, read_results
from ecg12.report.statistics import Statistics, Study, measure

__all__ = [
    "Estimate",
    "Model",
    "Results",
    "Statistics",
    "Study",
    "difference_tables",
    "measure",
    "read_patient_numbers",
    "read_results",
    "write_report",
]
