"""Whether two shares of customers differ by more than chance: the two-proportion z-test with a pooled standard error.

For x of n customers in one group and y of m in another one:

    p = (x + y) / (n + m)        z = (x / n - y / m) / sqrt(p * (1 - p) * (1 / n + 1 / m))

The p-value is two-sided, `erfc(|z| / sqrt(2))`. The test needs customers who are independent of each other, different
customers in both groups, and large samples. It is that of `proportions_ztest` in statsmodels; the tests use its
example: https://www.statsmodels.org/stable/generated/statsmodels.stats.proportion.proportions_ztest.html
"""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

TEST = "Two-proportion z-test"
SIGNIFICANCE = 0.05
"""The p-value below which a difference counts as more than chance."""
LEAST_EXPECTED = 5
"""The least of each of the four counts that the pooled share predicts, for the normal distribution to be close."""


def z_test(counts: tuple[int, int], totals: tuple[int, int]) -> dict[str, Any]:
    """The test of whether two shares differ, or the reason why there is none."""
    if not all(totals):
        return untested("One of the groups has no customers to take a share of.")
    count, total = sum(counts), sum(totals)
    shares = [Fraction(one, of) for one, of in zip(counts, totals, strict=True)]
    difference = shares[0] - shares[1]
    found = {"share": float(shares[0]), "otherShare": float(shares[1]), "difference": float(difference)}
    if any(of * one < LEAST_EXPECTED * total for of in totals for one in (count, total - count)):
        return untested(f"One of the four expected counts is less than {LEAST_EXPECTED}.") | found
    pooled = Fraction(count, total)
    z = float(difference) / math.sqrt(pooled * (1 - pooled) * sum(Fraction(1, of) for of in totals))
    p_value = math.erfc(abs(z) / math.sqrt(2))
    return {"name": TEST, **found, "z": z, "pValue": p_value, "isSignificant": p_value < SIGNIFICANCE}


def untested(reason: str) -> dict[str, Any]:
    """A test that does not apply."""
    return {"name": TEST, "reason": reason}


def corrected(tests: Sequence[dict[str, Any]], copies: int = 1) -> dict[str, Any]:
    """Add `isSignificantCorrected` to all tests of an answer, by Bonferroni. Returns their number and the levels.

    `copies` is how often each test occurs in `tests`; it counts once.
    """
    made = [test for test in tests if "pValue" in test]
    number = len(made) // copies
    level = SIGNIFICANCE / max(number, 1)
    for test in made:
        test["isSignificantCorrected"] = test["pValue"] < level
    return {"testCount": number, "significanceLevel": SIGNIFICANCE, "correctedLevel": level}


def assumptions(groups: str, tests: int) -> Iterator[str]:
    """What the tests of an answer assume. `groups` says that the compared customers are different."""
    yield "The customers are independent of each other."
    yield groups
    yield f"The samples are large. Therefore, each of the four expected counts must be at least {LEAST_EXPECTED}."
    yield (
        f"There are {tests} tests. If only chance is at work, about 1 in 20 tests is significant. "
        f"The corrected level is {SIGNIFICANCE} divided by the number of tests (Bonferroni). "
        "Chance alone makes a test significant at this level in at most 1 of 20 answers."
    )
