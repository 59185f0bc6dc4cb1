"""The commands of `ecg12`, one module each, imported when it is called.

A module has two functions: `add` adds the command's arguments to its parser, `run` runs it. What
loads slowly (TensorFlow, matplotlib) is imported inside `run`.
"""

# Name → one line for the list of commands, in its order. The module has the command's name.
COMMANDS = {
    "predict": "predict diagnoses for recordings",
    "check": "audit recordings and labels before training",
    "serve": "a page to drop recordings on, and predictions by HTTP",
    "plot": "draw a recording on ECG paper",
    "formats": "list the formats that are read; tell what a folder holds",
    "convert": "recordings of any format to a challenge folder",
    "report": "score outputs; write a page, compare two runs",
    "finetune": "train for your own classes",
    "crossval": "cross-validate a recipe, thresholds judged without bias",
    "export": "write a model as one ONNX graph, to predict without Keras",
    "pretrain": "pretrain networks from which other trainings start",
    "prepare": "prepare recordings for training, on one machine or a cluster",
    "search": "search for networks, on one machine or a cluster",
    "label": "turn diagnosis statements into a label table",
    "synth": "generate labelled synthetic recordings",
}
