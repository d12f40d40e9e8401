"""What the lip benchmark found, as tables for a terminal and for a page."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

Figures = Mapping[str, float]
MEASURES = ("acc6", "closure", "false_closure", "ff", "r_jaw", "r_aperture", "r_round", "lag_ms", "jerk_ratio")
_TITLES = {
    "acc6": "acc6",
    "closure": "closures",
    "false_closure": "false",
    "ff": "lip bites",
    "r_jaw": "r jaw",
    "r_aperture": "r aperture",
    "r_round": "r rounding",
    "lag_ms": "lag ms",
    "jerk_ratio": "jerk",
}


def show(
    found: dict[str, Any],
    gates: dict[str, dict[str, tuple[str, Callable[[float], bool]]]],
    passed: dict[str, dict[str, bool]],
    console: Console,
) -> None:
    """Gates, then voices, languages, disturbances, other engines and people, as far as they were measured."""
    about = found["speech"]
    table = Table(title=f"Lips: {about['clips']} clips, {about['seconds']:.0f} s of voices never trained on")
    table.add_column("measure")
    for tier in gates:
        table.add_column(tier, justify="right")
        table.add_column("95 %")
        table.add_column("gate")
    for name in dict.fromkeys(name for tier in gates.values() for name in tier):
        cells = []
        for tier, wanted in gates.items():
            figures = found[tier]["figures"]
            value = figures.get(name)
            mark = "" if passed[tier].get(name, True) else " NO"
            cells += [f"{value:.3g}{mark}" if value is not None else "", _interval(figures, name)]
            cells.append(wanted[name][0] if name in wanted else "")
        table.add_row(name, *cells)
    console.print(table)
    for title, rows in _groups(found).items():
        more = Table(*("", *MEASURES), title=title)
        for name, figures in rows.items():
            more.add_row(name, *(f"{figures[m]:.3g}" for m in MEASURES))
        if rows:
            console.print(more)


def _groups(found: dict[str, Any]) -> dict[str, dict[str, Figures]]:
    people = found.get("people") or {}
    out: dict[str, dict[str, Figures]] = {}
    for tier in ("text", "audio"):
        out[f"{tier}, by language"] = found[tier].get("by language", {})
        out[f"{tier}, by voice"] = found[tier].get("by voice", {})
    out["audio, spoiled"] = found.get("spoiled", {})
    out["others on the same speech"] = {
        **{name: found[name]["figures"] for name in ("text, whole file", "audio, live") if name in found},
        **found.get("baselines", {}),
    }
    if "english" in found:
        out[f"{found['english']['clips']} clips in English"] = found["english"]["figures"]
    if people:
        tiers = {name: people[name] for name in ("text, whole file", "text", "audio")}
        out[f"{people['clips']} recordings of people"] = {**tiers, **people["baselines"]}
    return out


def markdown(found: dict[str, Any]) -> str:
    """Ours beside others, as a page shows them: a whole run's figures."""
    ours = {
        "**timed phones** (±20 ms)": found["timed"]["figures"],
        "**sound + text**": found["text"]["figures"],
        "**sound alone**": found["audio"]["figures"],
        "sound alone, live": found["audio, live"]["figures"],
        **found["baselines"],
    }
    about, english, people = found["speech"], found["english"], found.get("people")
    parts = [
        f"Held-out synthetic voices, {about['clips']} clips, {about['seconds']:.0f} s, six languages:",
        rows_of(ours),
        f"English alone, {english['clips']} of these clips, {english['seconds']:.0f} s, beside engines that know it:",
        rows_of(_named(english["figures"])),
    ]
    if people:
        figures = {name: people[name] for name in ("text", "audio")} | people["baselines"]
        parts += [
            f"Recordings of people, {people['clips']} clips, {people['seconds']:.0f} s (95 % bootstrap intervals over"
            " clips; never trained, chosen or tuned on):",
            rows_of(_named(figures), intervals=True),
        ]
    return "\n\n".join(parts) + "\n"


def _named(figures: dict[str, Figures]) -> dict[str, Figures]:
    names = {"text": "**ours, sound + text**", "audio": "**ours, sound alone**"}
    return {names.get(name, name): values for name, values in figures.items()}


def rows_of(rows: Mapping[str, Figures], *, intervals: bool = False) -> str:
    """A table in Markdown."""
    lines = [f"| | {' | '.join(_TITLES[m] for m in MEASURES)} |", f"|---|{'---|' * len(MEASURES)}"]
    for name, figures in rows.items():
        cells = [_cell(figures, m) + (_interval(figures, m) if intervals else "") for m in MEASURES]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(figures: Figures, measure: str) -> str:
    value = figures[measure]
    if math.isnan(value):  # nothing of the kind was said
        return "–"
    return f"{value:.0f}" if measure == "lag_ms" else f"{value:.2f}"


def _interval(figures: Figures, measure: str) -> str:
    low, high = figures.get(f"{measure}_low"), figures.get(f"{measure}_high")
    return f" ({low:.2f}–{high:.2f})" if low is not None and high is not None else ""
