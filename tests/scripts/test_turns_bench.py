"""A short slice of scripts.bench.turns: real voice activity on real sound, and the statistics it prints."""

import numpy as np
import pytest

from scripts.bench.turn_report import Ends, Overs, spread, wilson
from scripts.bench.turn_rivals import Sounds
from scripts.bench.turn_speech import RATE, Speaker, Turn, noise, quietest, voiced_span
from scripts.bench.turns import Talk, converse, over_reply, score

VOICE = ("espeak:en-us-f", 1.0)


def test_wilson_is_what_the_textbook_says() -> None:
    rate = wilson(3, 100)
    assert (rate["low"], rate["high"]) == pytest.approx((1.03, 8.45), abs=0.01)
    assert wilson(0, 300)["low"] == 0
    assert wilson(0, 300)["high"] < 1.3
    assert wilson(0, 0) == {"n": 0}


def test_spread_is_in_milliseconds() -> None:
    assert spread([0.1, 0.2, 0.3])["p50"] == 200


def test_noises_hold_at_most_and_never_stop_the_reply() -> None:
    rng, overs = np.random.default_rng(3), Overs()
    for _ in range(12):
        over_reply(noise(rng), [], overs, rng)
    assert overs.trials == 12
    assert overs.stopped == 0


@pytest.mark.asyncio
async def test_real_speech_over_a_reply_and_a_pause_in_mid_sentence() -> None:
    rng, stopped, listened = np.random.default_rng(4), Overs(), Overs()
    ends = Ends()
    async with Speaker() as speaker:
        for text in ("Stop.", "Where can I leave my bag?"):
            said = await speaker.say(text, *VOICE)
            over_reply(said.pcm, [(end, word) for word, end in said.words], stopped, rng)
        yes = await speaker.say("Yeah.", *VOICE)
        over_reply(yes.pcm, [(end, word) for word, end in yes.words], listened, rng)
        said = await speaker.say("Tell me about the history of the museum.", *VOICE)
    assert stopped.stopped == 2
    assert max(stopped.decisions) <= 0.7
    assert listened.held == 1
    assert listened.stopped == 0
    cut = quietest(said.pcm, said.words[3][1])  # after "tell me about the"
    gap = round(1.2 * RATE)
    words = tuple((end + (gap if k > 3 else 0), word) for k, (word, end) in enumerate(said.words))
    pcm = np.concatenate([said.pcm[:cut], np.zeros(gap, np.float32), said.pcm[cut:]])
    converse([Turn("request", pcm, words, (("mid-clause", cut, cut + gap),))], ends, Sounds(), rng)
    assert ends.turns_cut == 0
    assert ends.waits["request"][0] <= 0.3


def test_a_turn_is_cut_where_it_is_ended_before_its_end_and_missed_where_nothing_ends_it() -> None:
    said = Turn("question", np.zeros(2 * RATE, np.float32), (), (("clause", RATE, round(1.5 * RATE)),))
    ends = Ends()
    score(Talk([said, said, said], [1.0, 10.0, 20.0]), [2.2, 3.25, 12.5], ends)
    assert (ends.turns, ends.turns_cut, ends.missed) == (3, 1, 1)
    assert (ends.pauses["clause"], ends.cut["clause"]) == (3, 1)
    assert ends.waits["question"] == pytest.approx([0.25, 0.5])


def test_the_voiced_span_leaves_the_quiet_out() -> None:
    sound = np.zeros(RATE, np.float32)
    sound[4000:8000] = np.sin(np.arange(4000) * 0.1).astype(np.float32)
    start, end = voiced_span(sound)
    assert (start, end) == pytest.approx((4000, 8000), abs=160)
