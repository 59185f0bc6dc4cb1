"""The bars: what each ratio has to reach. `benchmarks.peers` fails if one is missed."""

from benchmarks.results import Bar

PREPARE = "read and prepare 10 s of 500 Hz"
FIVE = "five networks of `submission`, 8 recordings together"

BARS = {
    "prepare: plain": Bar(what=PREPARE, other="wfdb and SciPy, plainly", least=8),
    "prepare: torch-ecg": Bar(what=PREPARE, other="wfdb and torch-ecg, the same chain", least=5),
    "prepare: target": Bar(what=PREPARE, other="2.5 ms", most=1),
    "step: 16": Bar(
        what="training step, SEResNet(k=16)", other="matrix product of as many FLOP", clock="wall"
    ),
    "step: 32": Bar(
        what="training step, SEResNet(k=32)",
        other="matrix product of as many FLOP",
        clock="wall",
        least=0.75,
    ),
    "step: 64": Bar(
        what="training step, SEResNet(k=64)",
        other="matrix product of as many FLOP",
        clock="wall",
        least=0.75,
    ),
    "epoch: bare steps": Bar(
        what="epoch: fed, varied, shown, kept", other="its bare steps", clock="wall", most=1.05
    ),
}
