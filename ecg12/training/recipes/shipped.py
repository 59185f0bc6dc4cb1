"""`shipped`: networks like those of the model that is part of the package, for training on from it.

Three squeeze-and-excitation networks at 100 Hz. With ``ECG12_PRETRAINED=shipped`` they begin at the
package's own networks, which have learned from PTB-XL, and this recipe is the default.

Command
    ``ECG12_PRETRAINED=shipped python train_model.py DATA MODEL``
Cost
    Not measured.
Score
    Not measured. The networks themselves: reports/ptbxl.md.
"""

from dataclasses import replace

from ecg12.models import SEResNet
from ecg12.training.recipes import submission

RECIPE = replace(
    submission.RECIPE,
    name="shipped",
    networks=(SEResNet(k=32, m=6, stride=1),) * 3,
    keep=3,
    schedule=replace(submission.SCHEDULE, epochs=12, learning_rate=1e-3),
)
