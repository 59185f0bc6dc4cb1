#!/usr/bin/env python
"""Train a model: python train_model.py DATA MODEL."""

from ecg12.runtime.interrupts import end_on_signals

if __name__ == "__main__":
    end_on_signals("train_model.py")

    from ecg12.cli.arguments import input_folder, output_folder
    from ecg12.cli.program import run_program
    from team_code import training_code

    paths = {"DATA": input_folder, "MODEL": output_folder}
    run_program("train_model.py", training_code, paths, "data model")
