"""Where a training step's time goes: the share of each kind of operation, TensorFlow only.

    python -m benchmarks.step_profile [k ...]

SEResNet of k = 16, 32 and 64 filters, batches of 64 recordings of 10 s at 250 Hz, as in the stage
`training` of `benchmarks.peers`. TensorFlow's profiler times every operation; operations of two
threads overlap, so shares are of the sum of all. The table is put into reports/speed.md.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

import tensorflow
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from benchmarks.page import fill, table
from benchmarks.setting import ROOT
from benchmarks.stages.training import BATCH, FILTERS, training_step

STEPS = 5
KINDS = {  # as the names of TensorFlow's operations end → what they are called here
    "Conv2D": "convolution, forward",
    "Conv2DBackpropInput": "convolution, gradient of its input",
    "Conv2DBackpropFilter": "convolution, gradient of its kernel",
    "Mean": "sums and means (batch normalisation)",
    "Sum": "sums and means (batch normalisation)",
    "SquaredDifference": "sums and means (batch normalisation)",
    "Relu": "ReLU and its gradient",
    "ReluGrad": "ReLU and its gradient",
    "AvgPool": "pooling and its gradient",
    "AvgPoolGrad": "pooling and its gradient",
    "MaxPool": "pooling and its gradient",
    "MaxPoolGrad": "pooling and its gradient",
    "Transpose": "transpositions",
    "MatMul": "matrix products",
}
ELEMENTWISE = {
    "Mul",
    "AddV2",
    "Sub",
    "AddN",
    "Square",
    "Rsqrt",
    "Neg",
    "RealDiv",
    "Sigmoid",
    "Fill",
}


def kind_of(operation: str) -> str | None:
    """Return the kind of an operation, which the profiler names ``name:type``; None of others."""
    before, colon, name = operation.rpartition(":")
    name = name.removeprefix("_MklNative").removeprefix("_Mkl").removeprefix("_Fused")
    if not colon or before.endswith(":"):  # such as ``ExecutorState::Process``
        return None
    return KINDS.get(name, "products and sums by element" if name in ELEMENTWISE else "others")


def measure(k: int) -> tuple[float, Counter[str]]:
    """Return the milliseconds of a step, and of each kind of operation within it."""
    step = training_step(k, BATCH)
    for _ in range(3):
        step()
    with tempfile.TemporaryDirectory() as folder:
        tensorflow.profiler.experimental.start(folder)
        for _ in range(STEPS):
            step()
        tensorflow.profiler.experimental.stop()
        space = xplane_pb2.XSpace()
        space.ParseFromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    kinds: Counter[str] = Counter()
    whole = 0.0
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name, duration = plane.event_metadata[event.metadata_id].name, event.duration_ps
                if name == "one_step_on_data":
                    whole += duration
                elif line.name.startswith("tf_Compute") and (kind := kind_of(name)):
                    kinds[kind] += duration
    unit = 1e9 * STEPS
    return whole / unit, Counter({kind: value / unit for kind, value in kinds.items()})


def main() -> None:
    """Measure, print the table, and put it into the page."""
    filters = [int(k) for k in sys.argv[1:]] or FILTERS
    measured = {k: measure(k) for k in filters}
    total = sum((kinds for _, kinds in measured.values()), Counter())
    rows = [
        [kind, *(f"{100 * kinds[kind] / kinds.total():.0f} %" for _, kinds in measured.values())]
        for kind, _ in total.most_common()
    ]
    rows.append(["a step, ms", *(f"{whole:.0f}" for whole, _ in measured.values())])
    shown = table(["operation", *(f"k = {k}" for k in filters)], rows)
    print(shown)
    fill(ROOT / "reports" / "speed.md", "profile", shown)


if __name__ == "__main__":
    main()
