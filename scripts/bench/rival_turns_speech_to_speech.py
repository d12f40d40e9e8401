"""Where Hugging Face's speech-to-speech ends turns, in its own environment, for scripts.bench.turns.

    PYTHONPATH=. .cache/speech-to-speech/bin/python scripts/bench/rival_turns_speech_to_speech.py SOUNDS.npz

Its own detector, with the same silence as the others. In its standard mode it hears nobody while it answers.
"""

import torch

from scripts.bench.rival_speech_to_speech import decisions
from scripts.bench.turn_rivals import SILENCE_S, answer


def main() -> None:
    torch.set_num_threads(1)
    answer({f"silence of {SILENCE_S} s": lambda sound: decisions(sound, SILENCE_S)}, None)


if __name__ == "__main__":
    main()
