#!/usr/bin/env python
"""Run a trained model on recordings: python driver.py MODEL TEST OUT."""

from ecg12.runtime.interrupts import end_on_signals

if __name__ == "__main__":
    end_on_signals("driver.py")

    from ecg12.cli.arguments import input_folder, output_folder
    from ecg12.cli.program import run_program
    from team_code import drive

    paths = {"MODEL": input_folder, "TEST": input_folder, "OUT": output_folder}
    run_program("driver.py", drive, paths, "model test out")
