"""The scored ancestors of a code in SNOMED CT's "is a" graph."""

from collections.abc import Callable, Collection, Iterable

Parents = Callable[[str], Iterable[str]]


def scored_ancestors(
    code: str, parents: Parents, scored: Collection[str], *, all_ancestors: bool = False
) -> frozenset[str]:
    """Return a code itself if it is scored, and otherwise its nearest scored ancestors.

    From a code that is not scored, every path to its ancestors is followed as far as its first
    scored code. That the search ends at a scored code follows from the counts of the paper's
    Table 1 (Ansari et al., 2020): no recording has bradycardia, the parent of sinus bradycardia,
    which 171,613 have.

    Parameters
    ----------
    code
        Where to begin.
    parents
        Returns the direct parents of a code; cycles are allowed.
    scored
        The codes to find.
    all_ancestors
        Go on beyond scored codes, the first included.
    """
    found: set[str] = set()
    seen, waiting = {code}, [code]
    while waiting:
        current = waiting.pop()
        if current in scored:
            found.add(current)
            if not all_ancestors:
                continue
        above = set(parents(current)) - seen
        seen |= above
        waiting += above
    return frozenset(found)
