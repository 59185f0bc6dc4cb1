"""The commands of `python -m ecg12`, one module each.

A module has its `HELP` line and two functions: `add` adds the command's arguments to its parser,
`run` runs it. What loads slowly (TensorFlow, matplotlib) is imported inside `run`.
"""

from ecg12.cli import (
    check,
    crossval,
    finetune,
    label,
    plot,
    predict,
    prepare,
    pretrain,
    report,
    search,
    synth,
)

# In the order of the help text.
COMMANDS = (
    synth,
    check,
    plot,
    report,
    predict,
    label,
    prepare,
    pretrain,
    finetune,
    search,
    crossval,
)
