import asyncio
import time

from agent.server import metrics


def value(name, **labels):
    return metrics.registry.get_sample_value(name, labels) or 0.0


def test_sessions_are_counted_by_state_and_never_twice():
    before = {state: value("visavis_sessions", state=state) for state in ("idle", "speaking")}
    gauge = metrics.session_started()
    assert value("visavis_sessions", state="idle") == before["idle"] + 1
    gauge.state("speaking")
    assert value("visavis_sessions", state="idle") == before["idle"]
    assert value("visavis_sessions", state="speaking") == before["speaking"] + 1
    gauge.ended()
    gauge.ended()
    gauge.state("idle")
    assert value("visavis_sessions", state="speaking") == before["speaking"]
    assert value("visavis_sessions", state="idle") == before["idle"]


def test_stages_land_in_their_histogram():
    before = value("visavis_stage_seconds_bucket", stage="asr", le="0.25")
    metrics.stage("asr", 0.2)
    assert value("visavis_stage_seconds_bucket", stage="asr", le="0.25") == before + 1


def test_skew_may_be_negative():
    before = value("visavis_ledger_skew_seconds_bucket", le="-0.02")
    metrics.skew(-0.03)
    assert value("visavis_ledger_skew_seconds_bucket", le="-0.02") == before + 1


def test_late_truncations_are_counted():
    before = value("visavis_late_truncations_total")
    metrics.corrected_late()
    assert value("visavis_late_truncations_total") == before + 1


def test_labels_are_bounded():
    for number in range(500):
        metrics.error(f"made_up_{number}")
    text = metrics.render().decode()
    assert text.count("visavis_errors_total{") <= metrics.MOST_LABELS + 1
    assert value("visavis_errors_total", code="other") >= 500 - metrics.MOST_LABELS


def test_queues():
    metrics.dropped("microphone", 2)
    assert value("visavis_queue_drops_total", queue="microphone") >= 2


async def test_a_blocked_loop_is_seen():
    def on_time() -> float:
        return value("visavis_loop_lag_seconds_bucket", le="0.05")

    before, total = on_time(), value("visavis_loop_lag_seconds_count")
    measuring = asyncio.create_task(metrics.measure_loop_lag(interval=0.0))
    await asyncio.sleep(0)
    time.sleep(0.06)  # noqa: ASYNC251 -- blocks the loop, which is what is to be seen
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    measuring.cancel()
    late = value("visavis_loop_lag_seconds_count") - total - (on_time() - before)
    assert late == 1
