"""Plans by hand, memory arithmetic, the clock."""

import os

import pytest

from ecg12.training.resources import Clock, available_memory, batch_that_fits, plan


@pytest.mark.parametrize(
    ("costs", "left", "epochs", "expected"),
    [
        # 3 members × 10 s × 100 epochs = 3000 s fit into 3600 s.
        ([10, 10, 10], 3600, 100, {0: 100, 1: 100, 2: 100}),
        # 1800 s are 60 epochs of all three.
        ([10, 10, 10], 1800, 100, {0: 60, 1: 60, 2: 60}),
        # 270 s are 9 epochs of three, fewer than 10: one member is left, with 27.
        ([10, 10, 10], 270, 100, {0: 27}),
        # Eight members do not get 10 epochs; the seven cheapest do.
        ([1, 1, 1, 1, 1, 1, 1, 100], 90, 50, {i: 12 for i in range(7)}),
        # The cheapest one survives, with what the time allows.
        ([50, 20, 90], 90, 100, {1: 4}),
        # Not one epoch of the cheapest member fits.
        ([50, 20, 90], 10, 100, {}),
        # A schedule shorter than the least number of epochs counts as enough.
        ([10, 10, 10], 61, 2, {0: 2, 1: 2, 2: 2}),
    ],
)
def test_plan(costs, left, epochs, expected):
    assert plan(costs, left, epochs) == expected


@pytest.mark.parametrize(("trained", "members"), [(0, 3), (1, 2), (2, 3)])
def test_members_trained_in_the_end_are_odd(trained, members):
    """39 s are 13 epochs of the three cheap members, but 3.9 of all four."""
    assert len(plan([1, 1, 1, 7], 39, 100, trained)) == members


def test_batch_halves_until_three_copies_take_half_of_the_memory():
    assert batch_that_fits(128, 1000, 128 * 1000 * 3 * 2) == 128
    assert batch_that_fits(128, 1000, 128 * 1000 * 3 * 2 - 1) == 64
    assert batch_that_fits(128, 10**12, 10**9) == 1


def test_memory_is_at_most_the_machine_s():
    assert (
        0 < available_memory(gpu=False) <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")
    )


def test_clock_counts_down():
    times = iter([100.0, 160.0, 3760.0])
    clock = Clock(1.0, now=lambda: next(times))
    assert [clock.left(), clock.left()] == [3540.0, -60.0]
