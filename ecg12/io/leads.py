"""The twelve leads and the law that ties the limb leads together.

Einthoven's law and Goldberger's definition of the augmented leads make each of the six limb leads a
combination of leads I and II, so any two of them give the other four.
"""

from collections.abc import Mapping

import numpy as np

from ecg12.io.lead_names import LEADS, standard_lead, standard_leads

__all__ = [
    "LEADS",
    "LIMB_LEADS",
    "LIMB_LEAD_LAWS",
    "derive_limb_leads",
    "standard_lead",
    "standard_leads",
]

# Each limb lead as a combination of I and II (Einthoven's law; Goldberger's augmented leads).
LIMB_LEADS = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}

# The same as sums of leads that are zero whatever the heart does.
LIMB_LEAD_LAWS = {
    name: {lead: 1.0, "I": -LIMB_LEADS[lead][0], "II": -LIMB_LEADS[lead][1]}
    for name, lead in (
        ("I - II + III", "III"),
        ("aVR + (I + II)/2", "aVR"),
        ("aVL - I + II/2", "aVL"),
        ("aVF - II + I/2", "aVF"),
    )
}


def derive_limb_leads(present: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the limb leads that are missing, derived from those present.

    Parameters
    ----------
    present
        Lead name → (n_samples,) signal, all in one unit. Leads that are not limb leads are not
        used.

    Returns
    -------
    dict
        Lead name → (n_samples,) float64: every limb lead that `present` lacks, by least squares
        where more than two are known; empty where fewer than two are.
    """
    known = [lead for lead in LIMB_LEADS if lead in present]
    missing = [lead for lead in LIMB_LEADS if lead not in present]
    if len(known) < 2 or not missing:
        return {}
    solve = np.linalg.pinv([LIMB_LEADS[lead] for lead in known])
    weights = np.array([LIMB_LEADS[lead] for lead in missing]) @ solve
    derived = weights @ np.array([present[lead] for lead in known])
    return dict(zip(missing, derived, strict=True))
