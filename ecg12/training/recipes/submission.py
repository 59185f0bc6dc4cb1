"""`submission`, the default: five squeeze-and-excitation networks, cosine decay, augmentation.

It joins the parts that were better than paper B's training (recipe `mcircc`) with small networks:
network, cosine decay, varied recordings, lead dropout, a loss that knows the table of weights, and
members chosen for what they add to each other.

Command
    ``python train_model.py DATA MODEL``
Cost
    On the 43,101 recordings of 2020 an estimated 26 hours of two CPU cores (17 ms a recording and
    epoch). A prediction of the ensemble costs 1.83 GFLOP and 51 ms of processor time.
Score
    Not measured at full size. With small networks of the same kind, the database or hospital left
    out (reports/surpassing.md): challenge metric .462 and AUROC .900 on synthetic recordings
    (paper B's .396 and .762), .253 and .823 on 220 real ones (.124 and .657; best constant
    prediction .300).
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
    (SEResNet(k=32, m=6, stride=1),) * 5,
    keep=5,
    schedule=SCHEDULE,
    preprocessing=Preprocessing(rate=100.0),
)
