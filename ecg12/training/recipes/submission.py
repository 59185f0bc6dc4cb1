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
from ecg12.training.recipes.recipe import Recipe
from ecg12.training.schedule import Schedule

# Variation of training recordings, and the leads that some of them lose.
AUGMENTATION = Augmentation(gain=0.2, noise=0.05, wander=0.05, lead_dropout=0.3)
# The rate falls to nearly nothing over all epochs, so no training ends before the last one.
SCHEDULE = Schedule(
    epochs=40,
    batch=32,
    learning_rate=3e-3,
    min_lr=1e-5,
    warm_up=1,
    decay="cosine",
    patience=40,
    threshold=None,
    loss="weighted_crossentropy",
    last_epochs=13,
    augmentation=AUGMENTATION,
)
RECIPE = Recipe("submission", (SEResNet(k=64),) * 5, keep=5, schedule=SCHEDULE)
