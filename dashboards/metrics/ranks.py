"""Exact percentiles of numbers that lie in several sorted lists. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import ceil


def nth(lists: Sequence[Sequence[int]], n: int) -> int:
    """The `n`th smallest (from 1) of the numbers in these sorted lists, which have so many."""
    low = min(numbers[0] for numbers in lists if numbers)
    high = max(numbers[-1] for numbers in lists if numbers)
    while low < high:
        middle = (low + high) // 2
        if sum(bisect_right(numbers, middle) for numbers in lists) >= n:
            high = middle
        else:
            low = middle + 1
    return low


def place(total: int, share: float) -> int:
    """Which of `total` numbers (from 1) is the first that at least this `share` of them do not exceed."""
    return max(1, ceil(share * total))


def percentile(lists: Sequence[Sequence[int]], share: float) -> int | None:
    """The first of the numbers that at least this `share` of them do not exceed; None without any."""
    total = sum(map(len, lists))
    return nth(lists, place(total, share)) if total else None


def below(lists: Sequence[Sequence[int]], bound: int) -> int:
    """How many of the numbers are less than `bound`."""
    return sum(bisect_left(numbers, bound) for numbers in lists)
