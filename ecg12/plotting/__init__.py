"""A 12-lead recording on ECG paper: 25 mm/s, 10 mm/mV, three rows of four leads and a rhythm strip.

`excerpt` prepares what is shown (a cut of the recording, filtered, in mV), `draw` puts it on paper
at true scale, `save` writes PNG, PDF or SVG. The last two load matplotlib when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ecg12.plotting.excerpt import Excerpt, excerpt

if TYPE_CHECKING:
    from ecg12.plotting.paper import draw, save

__all__ = ["Excerpt", "draw", "excerpt", "save"]


def __getattr__(name: str) -> Any:
    if name not in ("draw", "save"):
        raise AttributeError(f"module 'ecg12.plotting' has no attribute {name!r}")
    return getattr(import_module("ecg12.plotting.paper"), name)
