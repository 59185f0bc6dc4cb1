"""`submission`, the default: five squeeze-and-excitation networks at 100 Hz.

The recipe by which the model of the package was trained, but for its loss, which knows the table of
weights, and its dropout, which was .3. What each part is worth: reports/ptbxl.md, and in small
reports/surpassing.md.

Command
    ``python train_model.py DATA MODEL``
Cost
    2.7 ms of processor time a recording and epoch: on the 43,101 recordings of 2020, of which three
    fifths train, an estimated 2.3 hours. A prediction of the ensemble costs 0.39 GFLOP.
Score
    Not measured at full size on the challenge's data. One network on PTB-XL: reports/ptbxl.md.
"""

from ecg12.models import SEResNet
from ecg12.signal.augmentation import Augmentation
from ecg12.signal.preprocessing import Preprocessing
from ecg12.training.recipes.recipe import Recipe
from ecg12.training.schedule import Schedule

# What is varied in training recordings, and how many of them lose leads.
AUGMENTATION = Augmentation(gain=0.1, noise=0.05, wander=0.05, lead_dropout=0.2)
SCHEDULE = Schedule(
    epochs=24,
    batch=64,
    learning_rate=3e-3,
    min_lr=1e-5,
    warm_up=1,
    decay="cosine",
    patience=24,
    threshold=None,
    loss="weighted_crossentropy",
    crop=5.0,
    whole_epochs=2,
    weight_decay=0.05,
    ema=0.998,
    augmentation=AUGMENTATION,
)
RECIPE = Recipe(
    "submission",
    (SEResNet(k=32, m=6, stride=1, p=0.1),) * 5,
    keep=5,
    schedule=SCHEDULE,
    preprocessing=Preprocessing(rate=100.0),
)
