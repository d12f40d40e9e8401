"""Does the memory of an interrupted reply equal what was heard of it?

    python -m scripts.bench.history [--cases 10000] [--json FILE]

Scripted conversations on a virtual clock, drawn at random from a seed: who speaks when, how fast the voice is made and
spoken, when the client cancels, whether it reports what it played and with what latency. After each, the words that the
history keeps of every reply are compared with the words whose midpoint left the loudspeaker. Exit code 1 when any
differ by more than one.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.conversation.test_properties import Scene, remembered
from tests.conversation.theatre import StubSpeech

RESULT = Path(__file__).parent / "results" / "history.json"


def scene(rng: np.random.Generator) -> Scene:
    """One conversation; times in seconds."""
    return Scene(
        steps=[(rng.uniform(0.05, 3.0), rng.uniform(0.1, 2.5)) for _ in range(rng.integers(1, 5))],
        speech=StubSpeech(word=rng.uniform(0.12, 0.6), pause=rng.uniform(0, 0.3), speed=rng.uniform(0.8, 30.0)),
        words=int(rng.integers(1, 41)),
        latency=rng.uniform(0, 0.12),
        reports=bool(rng.integers(2)),
        cancel_at=rng.uniform(0.5, 12.0) if rng.integers(2) else None,
        until=rng.uniform(2.0, 16.0),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=RESULT)
    options = parser.parse_args()
    off: Counter[int] = Counter()
    for case in track(range(options.cases), "Conversations", console=Console(stderr=True)):
        off.update(kept - heard for kept, heard in remembered(scene(np.random.default_rng((options.seed, case)))))
    replies, wrong = off.total(), sum(count for words, count in off.items() if abs(words) > 1)
    table = Table(title=f"{replies} replies in {options.cases} conversations")
    table.add_column("words remembered, less words heard", justify="right")
    table.add_column("replies", justify="right")
    for words, count in sorted(off.items()):
        table.add_row(f"{words:+d}", str(count))
    Console().print(table)
    figures = {
        "conversations": options.cases,
        "seed": options.seed,
        "replies": replies,
        "off_by_more_than_a_word": wrong,
        "off_by": {str(words): count for words, count in sorted(off.items())},
    }
    options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
