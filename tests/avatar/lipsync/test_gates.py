"""A slice of the lip benchmark: real synthesised speech through the real engine and the network that is shipped."""

from typing import Any

import pytest

from scripts.bench import lips

CASES = [
    (tier, name)
    for tier, gates in lips.GATES.items()
    for name in gates
    # A shared machine's time says little, and a slice too small to lose a hundredth of.
    if name != "cpu_ms_per_s" and not name.startswith("loss")
]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return lips.measure(quick=True)


@pytest.mark.parametrize(("tier", "name"), CASES)
def test_gate(found: dict[str, Any], tier: str, name: str) -> None:
    value = found[tier]["figures"][name]
    wanted, holds = lips.GATES[tier][name]
    if (tier, name) == ("timed", "false_closure"):  # a handful of vowels: one more or less decides
        assert found["timed"]["exact"][name] <= 0.05
    else:
        assert holds(value), f"{name} from {tier} is {value:.4g}, wanted {wanted}"
