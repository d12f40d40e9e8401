#!/usr/bin/env python3
"""Make agent/bank/texts/LANGUAGE.tsv from LANGUAGE.txt: each sentence's length and diphones, by espeak-ng.

    python -m scripts.bank_prompts

A line is ID, style, seconds, diphones and text, between tabs. It gives the same again from the same texts.
"""

import asyncio
from itertools import pairwise
from pathlib import Path

from rich.progress import track

from avatar.lipsync.pronounce import Pronouncer

FOLDER = Path(__file__).resolve().parents[1] / "agent" / "bank" / "texts"
_MARKS = "ˈˌː̩̃ʰ˥˩˧˨˦12345."


def plain(symbol: str) -> str:
    """A sound without stress, length and tone."""
    return "".join(mark for mark in symbol if mark not in _MARKS)


async def table(language: str, pronouncer: Pronouncer) -> list[str]:
    rows, style, number = [], "", 0
    lines = (FOLDER / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    for line in track(lines, description=language):
        if line.startswith("="):
            style = line.removeprefix("=").strip()
        elif line and not line.startswith("#"):
            number += 1
            said = await pronouncer.pronounce(line, language)
            sounds = ["#", *(plain(phone.symbol) for phone in said.phones), "#"]
            pairs = sorted({f"{a}-{b}" for a, b in pairwise(sounds)})
            seconds = sum(phone.end - phone.start for phone in said.phones)
            rows.append("\t".join((f"{language}_{number:04}", style, f"{seconds:.1f}", " ".join(pairs), line)))
    return rows


async def main() -> None:
    pronouncer = Pronouncer()
    await pronouncer.start()
    try:
        for path in sorted(FOLDER.glob("*.txt")):
            rows = await table(path.stem, pronouncer)
            path.with_suffix(".tsv").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    finally:
        await pronouncer.stop()


if __name__ == "__main__":
    asyncio.run(main())
