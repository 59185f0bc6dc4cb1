"""The climb of SNOMED CT's "is a" graph from a code to the scored classes above it."""

from collections.abc import Callable, Collection, Iterable

Parents = Callable[[str], Iterable[str]]


def climb(
    code: str, parents: Parents, scored: Collection[str], *, all_ancestors: bool = False
) -> frozenset[str]:
    """Return the scored codes that a code stands for.

    A scored code stands for itself. From any other, all ways up are followed, each to its first
    scored code: the result holds every scored ancestor that some path reaches without meeting
    another scored code before. That a direct hit ends the climb follows from the counts of the
    paper's Table 1 (Ansari et al., 2020): no recording has bradycardia, the parent of sinus
    bradycardia, which 171,613 have.

    Parameters
    ----------
    code
        Where to begin.
    parents
        Gives the direct parents of a code; cycles do no harm.
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
