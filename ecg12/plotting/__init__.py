"""A 12-lead recording on ECG paper: 25 mm/s, 10 mm/mV, three rows of four leads and a rhythm strip.

`excerpt` prepares what is shown (a cut of the recording, filtered, in mV), `draw` puts it on paper
at true scale, `save` writes PNG, PDF or SVG.
"""

from ecg12.plotting.excerpt import Excerpt, excerpt
from ecg12.plotting.paper import draw, save

__all__ = ["Excerpt", "draw", "excerpt", "save"]
