"""A tiny network goes through training, stopping and going on, export, and the runtime. Needs torch and onnx."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install torch==2.13.0 onnx")
pytest.importorskip("onnx", reason="export needs onnx: pip install onnx")

from avatar.lipsync.network import LOOKAHEADS, ROW, LipNetwork  # noqa: E402
from scripts.bench.timed_speech import espeak_speech  # noqa: E402
from scripts.lipsync.examples import heard, load, save  # noqa: E402
from scripts.lipsync.export import export, prior_of  # noqa: E402
from scripts.lipsync.model import Size  # noqa: E402
from scripts.lipsync.training import Recipe, Run, load_model  # noqa: E402

TINY = Size(stem=8, merged=12, memory=16, hidden=12)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speech") / "train-000.npz"
    clips = espeak_speech([("Bob put my map in the pub.", "en-us+f2", 160, 50), ("他买了八本书。", "cmn", 160, 50)])
    rng = np.random.default_rng(1)
    save(path, [heard(clip, [clips[0].pcm], rng) for clip in clips for _ in range(3)])
    return path


def recipe(steps: int) -> Recipe:
    return Recipe(steps=steps, batch=4, crop=80, warm_up=10, bending=0.0)


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(shard: Path, tmp_path: Path) -> None:
    whole = Run(tmp_path / "whole", recipe(12), [shard], shard, TINY)
    whole.train()
    stopped = Run(tmp_path / "stopped", recipe(12), [shard], shard, TINY)
    for _ in range(5):
        stopped._one()
    stopped._save()
    Run(tmp_path / "stopped", recipe(12), [shard], shard, TINY).train()
    one, other = (load_model(tmp_path / name / "model.pt").state_dict() for name in ("whole", "stopped"))
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)
    with pytest.raises(ValueError, match="another recipe"):
        Run(tmp_path / "stopped", recipe(13), [shard], shard, TINY)
    assert (tmp_path / "whole" / "curves.csv").read_text().startswith("step,loss,visemes,jaw,rounding,seal_f1")


def test_it_learns_and_what_is_exported_says_the_same(shard: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run", recipe(240), [shard], shard, TINY)
    losses = [run._one() for _ in range(115)]  # in the first half of a run the loss is the same sum
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    run.train()
    examples = list(load([shard]))
    model = load_model(tmp_path / "run" / "model.pt")
    manifest = export(model, prior_of(np.concatenate([e.sounds for e in examples])), tmp_path / "out")
    network = LipNetwork((tmp_path / "out" / "lipsync.onnx").read_bytes(), manifest)
    clip = espeak_speech([("Good morning.", "en-us", 160, 50)])[0]
    stream = network.stream()
    told = np.concatenate([stream.push(part).told for part in np.array_split(clip.pcm, 50)])
    from avatar.lipsync.features import Leveller, LogMel  # noqa: PLC0415

    features = LogMel(Leveller()).push(clip.pcm)
    rows = model.rows(torch.from_numpy(features[None, : len(features) // 2 * 2]))[0, LOOKAHEADS[-1] :, -1]
    assert rows.shape[1] == ROW
    np.testing.assert_allclose(told[:, :14], np.clip(rows.detach().numpy()[: len(told), :14], 0, 1), atol=1e-4)
