"""Networks trained on PTB-XL for all its labels at once, and the ensemble that is shipped.

Run ``python -m experiments.ptbxl DATA WORK``; reports/ptbxl.md tells what came of it.
"""
