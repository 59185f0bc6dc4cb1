"""`demo`: three small networks of the default recipe's kind, for `make demo`.

Command
    ``make demo``, or ``ECG12_RECIPE=demo python train_model.py DATA MODEL``
Cost
    Training on the 480 recordings of `make demo`: 3 minutes of processor time, on busy cores.
Score
    `make demo`, 200 held-out synthetic recordings of six classes: challenge metric .802 (95 %
    interval .765 to .838), AUROC .880; best constant prediction .451.
"""

from dataclasses import replace

from ecg12.models import SEResNet
from ecg12.training.recipes import submission

RECIPE = replace(
    submission.RECIPE,
    name="demo",
    networks=(SEResNet(k=16, m=6, stride=1),) * 3,
    keep=3,
    schedule=replace(submission.SCHEDULE, epochs=40, patience=40, batch=16),
)
