"""`demo`: three small networks of paper B's kind, for `make demo`.

On a few hundred recordings the metric at a fixed threshold is too noisy, so the best single
threshold is taken after each epoch, and no training ends early.

Command
    ``make demo``, or ``ECG12_RECIPE=demo python train_model.py DATA MODEL``
Cost
    All of `make demo`, 480 recordings to train on, 8 min 49 s on two CPU cores.
Score
    `make demo`, 200 held-out synthetic recordings of six classes: challenge metric .649 (95 %
    interval .603 to .694), AUROC .884; best constant prediction .451. On 220 real recordings, test
    part: .299 and .630; best constant prediction .280 (reports/results.md).
"""

from ecg12.models import ResNet
from ecg12.training.recipes.recipe import Recipe
from ecg12.training.schedule import Schedule

RECIPE = Recipe(
    "demo",
    (ResNet(8, 7, 2, 8),) * 3,
    keep=3,
    schedule=Schedule(epochs=16, batch=16, threshold=None, patience=16, plateau=16),
)
