"""`light`: three small squeeze-and-excitation networks, a hundredth of paper B's cost.

Command
    ``ECG12_RECIPE=light python train_model.py DATA MODEL``
Cost
    A thousand recordings take a few minutes on two CPU cores.
Score
    Of the example in docs/guides/archive.md, 250 synthetic recordings to train on, 300 of another
    site held out, one run (reports/transfer.md): challenge metric .247 and AUROC .676 from
    scratch, .411 and .819 from pretrained networks; best constant prediction .244.
"""

from ecg12.models import SEResNet
from ecg12.training.recipes.recipe import Recipe
from ecg12.training.schedule import Schedule

RECIPE = Recipe(
    "light",
    (SEResNet(k=16),) * 3,
    keep=3,
    schedule=Schedule(epochs=24, batch=32, threshold=None, patience=24, plateau=6),
)
