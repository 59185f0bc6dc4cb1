"""`crnn`: the network of paper A on the challenge's classes.

Singstad and Tronstad, Computing in Cardiology 2020: stored integers at 500 Hz, no filter, 20 s;
categorical cross-entropy; ten epochs, of which the one with the lowest validation loss is kept.
Batch and learning rate (Keras' defaults then) are inferred.

Command
    ``ECG12_RECIPE=crnn python train_model.py DATA MODEL``
Cost
    41 GFLOP a training recording and epoch, about 0.6 s of two CPU cores.
Score
    Not measured at full size; small networks of the kind: reports/crnn.md.
"""

from ecg12.models import CRNN
from ecg12.signal.preprocessing import Preprocessing
from ecg12.training.recipes.recipe import Recipe
from ecg12.training.schedule import Schedule

PREPROCESSING = Preprocessing(rate=500.0, seconds=20.0, medians=(), cutoff=None, amplitude="stored")
SCHEDULE = Schedule(
    epochs=10,
    batch=30,
    learning_rate=0.01,
    plateau=10,
    patience=10,
    loss="categorical_crossentropy",
    optimizer="sgd",
    monitor="loss",
)
RECIPE = Recipe("crnn", (CRNN(),), 1, SCHEDULE, PREPROCESSING)
