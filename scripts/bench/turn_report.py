"""The figures of scripts.bench.turns, and how they are shown."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from scripts.bench.turn_rivals import RIVALS
from scripts.bench.turn_speech import Break

Z = 1.96


@dataclass
class Ends:
    """Of one set of conversations: pauses by kind, those in which the turn was ended, and the waits at true ends."""

    pauses: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    turns: int = 0
    turns_cut: int = 0
    missed: int = 0
    """Turns that nothing ended before the next."""
    waits: dict[str, list[float]] = field(default_factory=dict)
    answers: dict[str, list[float]] = field(default_factory=dict)


@dataclass
class Overs:
    """Of sounds over a reply: how many held it, stopped it, and how long the decisions took."""

    trials: int = 0
    held: int = 0
    stopped: int = 0
    held_again: int = 0
    holds: list[float] = field(default_factory=list)
    known: list[float] = field(default_factory=list)
    """From when the detector first took it for speech to the hold."""
    decisions: list[float] = field(default_factory=list)


def wilson(hits: int, trials: int) -> dict[str, float]:
    """A rate in percent with its 95 % interval (Wilson, 1927)."""
    if trials == 0:
        return {"n": 0}
    p, z2 = hits / trials, Z * Z
    centre = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z * float(np.sqrt(p * (1 - p) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return {"n": trials, "hits": hits, "percent": _percent(p), "low": _percent(low), "high": _percent(high)}


def _percent(share: float) -> float:
    return round(100 * share, 2)


def spread(seconds: Iterable[float]) -> dict[str, float]:
    """Median and tails in milliseconds."""
    values = np.array(list(seconds)) * 1000
    if len(values) == 0:
        return {"n": 0}
    p50, p95, p99 = (round(float(np.percentile(values, q)), 1) for q in (50, 95, 99))
    return {"n": len(values), "p50": p50, "p95": p95, "p99": p99, "most": round(float(values.max()), 1)}


def report_ends(ends: Ends) -> dict[str, Any]:
    breaks: tuple[Break, ...] = ("mid-clause", "clause", "sentence")
    return {
        "premature": wilson(sum(ends.cut.values()), sum(ends.pauses.values())),
        "premature_by_pause": {kind: wilson(ends.cut[kind], ends.pauses[kind]) for kind in breaks},
        "turns_cut": wilson(ends.turns_cut, ends.turns),
        "never_ended": wilson(ends.missed, ends.turns),
        "wait_ms": {kind: spread(values) for kind, values in ends.waits.items()},
        "waited_at_most_250_ms": {
            kind: wilson(sum(wait <= 0.25 for wait in values), len(values)) for kind, values in ends.waits.items()
        },
        "stop_to_first_sample_ms": {kind: spread(values) for kind, values in ends.answers.items()},
    }


def report_overs(overs: Overs) -> dict[str, Any]:
    return {
        "stopped": wilson(overs.stopped, overs.trials),
        "held": wilson(overs.held, overs.trials),
        "held_more_than_once": wilson(overs.held_again, overs.trials),
        "onset_to_hold_ms": spread(overs.holds),
        "detector_to_hold_ms": spread(overs.known),
        "hold_to_decision_ms": spread(overs.decisions),
    }


def show(figures: dict[str, Any]) -> None:
    console = Console()
    table = Table(title=f"Ends of turns, {figures['split']} sentences and voices")
    for column in ("", "n", "%", "95 % interval"):
        table.add_column(column, justify="right" if column else "left")
    ends = figures["ends"]
    rows = {"premature, of all pauses": ends["premature"], "turns cut": ends["turns_cut"]}
    rows |= {f"  {kind}": rate for kind, rate in ends["premature_by_pause"].items()}
    rows |= {f"{kind}s whose end was known in 250 ms": rate for kind, rate in ends["waited_at_most_250_ms"].items()}
    for name, rate in rows.items():
        if rate["n"]:
            table.add_row(name, f"{rate['n']}", f"{rate['percent']}", f"{rate['low']} – {rate['high']}")
    console.print(table)
    times = Table(title="Milliseconds")
    for column in ("", "n", "p50", "p95", "p99"):
        times.add_column(column, justify="right" if column else "left")

    def line(name: str, values: dict[str, float]) -> None:
        if values["n"]:
            times.add_row(name, *(f"{values[key]}" for key in ("n", "p50", "p95", "p99")))

    for kind in ends["wait_ms"]:
        line(f"wait after a {kind}", ends["wait_ms"][kind])
        line("  to the first sample sent", ends["stop_to_first_sample_ms"][kind])
    over = Table(title="Over a reply: it stopped")
    for column in ("", "n", "%", "95 % interval"):
        over.add_column(column, justify="right" if column else "left")
    for name, one in figures["over_a_reply"].items():
        rate = one["stopped"]
        over.add_row(name, f"{rate['n']}", f"{rate['percent']}", f"{rate['low']} – {rate['high']}")
        line(f"{name}: onset to hold", one["onset_to_hold_ms"])
        line("  hold to decision", one["hold_to_decision_ms"])
    console.print(over)
    console.print(times)
    show_rivals(figures, console)
    for name, clip in figures.get("real_clips", {}).items():
        console.print(name, clip)


def show_rivals(figures: dict[str, Any], console: Console) -> None:
    """Ours beside theirs, on the same sound."""
    ours = {"ends": figures["ends"]}
    table = Table(title="The same speech: turns cut short, and the wait after a question in milliseconds")
    for column in ("", "turns cut, %", "pauses cut, %", "p50", "p95", "no end in 4.5 s, %"):
        table.add_column(column, justify="right" if column else "left")
    for name, one in ({"ours": ours} | figures["rivals"]).items():
        if "ends" in one:
            ends, wait = one["ends"], one["ends"]["wait_ms"]["question"]
            rates = (ends[rate]["percent"] for rate in ("turns_cut", "premature", "never_ended"))
            cut, pauses, never = map(str, rates)
            table.add_row(name, cut, pauses, str(wait["p50"]), str(wait["p95"]), never)
    console.print(table)
    stopped = {name: one["stopped"]["percent"] for name, one in figures["over_a_reply"].items()}
    console.print("A reply is stopped by, %: ours", stopped)
    for name, one in figures["rivals"].items():
        if "stopped" in one:
            console.print(f"  {name}", {what: rate["percent"] for what, rate in one["stopped"].items()})
    missing = [rival for rival in RIVALS if not any(name.startswith(rival) for name in figures["rivals"])]
    if missing:
        console.print("Not installed:", ", ".join(missing))
