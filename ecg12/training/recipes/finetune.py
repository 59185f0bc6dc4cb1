"""The schedule for one's own classes: that of `submission` with plain binary cross-entropy.

Command
    ``ecg12 finetune DATA --classes CLASSES -o MODEL [--pretrained FOLDER]``
Cost
    That of the networks it trains: the pretrained ones, or those of `submission`.
Score
    Not measured for this schedule. What pretraining is worth: reports/transfer.md.
"""

from dataclasses import replace

from ecg12.training.recipes import submission

SCHEDULE = replace(submission.SCHEDULE, loss="binary_crossentropy")
