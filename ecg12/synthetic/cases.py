"""Noise-free recordings whose labels are true by measurement.

A case is drawn for the findings that are wanted, rendered, measured and accepted only if the
measurement shows them all; what else it shows is labelled too, or, where it cannot be incidental
(another rhythm, ectopic beats, bundle branch block), asks for another draw.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ecg12.synthetic.anatomy import Person, draw_person
from ecg12.synthetic.atria import Atria, draw_atria
from ecg12.synthetic.beats import beat_waves
from ecg12.synthetic.criteria import incidental, shown
from ecg12.synthetic.detection import TooFewBeatsError
from ecg12.synthetic.dipole import render
from ecg12.synthetic.measure import measure
from ecg12.synthetic.rhythms import Rhythm, draw_rhythm

MEASURED_AT = 500.0  # Hz
TRIES = 100  # draws of one recording


@dataclass(frozen=True, eq=False)
class Case:
    """One noise-free recording before it is sampled: a person, their beats and atrial waves.

    Attributes
    ----------
    findings
        What it was drawn to show.
    rhythm, person
        Its beats and whose they are.
    ventricular, p_waves
        (n_waves, 5) waves as in `ecg12.synthetic.dipole`.
    atria
        Waves of fibrillation or flutter.
    seconds
        Its length.
    """

    findings: frozenset[str]
    rhythm: Rhythm
    person: Person
    ventricular: np.ndarray
    p_waves: np.ndarray
    atria: Atria
    seconds: float

    @cached_property
    def measured(self) -> np.ndarray:
        """The twelve leads in mV at `MEASURED_AT`, (12, n_samples)."""
        return self._sampled(MEASURED_AT)

    def signals(self, rate: float) -> np.ndarray:
        """Return the twelve leads in mV at a rate in Hz, (12, n_samples)."""
        return self.measured if rate == MEASURED_AT else self._sampled(rate)

    def _sampled(self, rate: float) -> np.ndarray:
        n_samples = round(self.seconds * rate)
        atria = render(self.p_waves, rate, n_samples) + self.atria.dipole(rate, n_samples)
        ventricles = render(self.ventricular, rate, n_samples)
        return self.person.leads @ ventricles + self.person.atrial_leads @ atria


def draw_case(
    rng: np.random.Generator, wanted: frozenset[str], seconds: float
) -> tuple[Case, frozenset[str]]:
    """Draw a noise-free recording until its measurement shows what is wanted.

    Returns
    -------
    The recording, and every class that its measurement shows.

    Raises
    ------
    RuntimeError
        If no draw out of `TRIES` shows it.
    """
    for _ in range(TRIES):
        rhythm = draw_rhythm(rng, wanted, seconds)
        person = draw_person(rng, wanted)
        ventricular, p_waves = beat_waves(rng, wanted, person, rhythm)
        atria = draw_atria(rng, rhythm, seconds)
        case = Case(wanted, rhythm, person, ventricular, p_waves, atria, seconds)
        try:
            classes = shown(measure(case.measured, MEASURED_AT), wanted)
        except TooFewBeatsError:
            continue
        if wanted <= classes and classes - wanted <= incidental(wanted):
            return case, classes
    raise RuntimeError(f"no recording of {', '.join(sorted(wanted))} in {TRIES} draws")
