from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from igpt import anneal, curve, heldout, train
from igpt.bundle import MANIFEST, WEIGHTS, file_facts, read_bundle, store, write_json, write_weights
from igpt.checkpoint import NAME, load_checkpoint, load_model, run_directory, save_checkpoint
from igpt.data import cached_pictures, cached_tokens
from igpt.heldout import heldout_loss, previous_pixel_loss, subset, unigram_loss
from igpt.model import Config, ImageGPT
from igpt.palette import Palette, fit_palette
from igpt.step import TorchStep
from igpt.train import Options, Trainer


def stripes(count: int = 32, side: int = 8, colors: int = 16) -> np.ndarray:
    """Pictures with something to learn: a colour a row, that counts up from one row to the next."""
    start = np.random.default_rng(0).integers(0, colors, (count, 1))
    rows = (start + np.arange(side)) % colors
    return np.repeat(rows, side, axis=1).astype(np.uint16)


def trainer(kind: str = "muon") -> Trainer:
    torch.manual_seed(0)
    options = Options(batch=8, optimiser=kind, lr=0.02 if kind == "muon" else 0.003, table_lr=0.01, warmup=5, ema=0.9)
    palette = Palette(np.arange(48, dtype=np.uint8).reshape(16, 3))
    model = ImageGPT(Config(2, 32, 2, 64, 16))
    return Trainer(model, palette, stripes(), options, lambda made: TorchStep(made, micro=4, compiled=False))


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_the_loss_falls(kind: str) -> None:
    run = trainer(kind)
    losses = [run.step() for _ in range(60)]
    assert losses[0] == pytest.approx(np.log(16), abs=0.1)
    assert np.mean(losses[-5:]) < 0.4 * losses[0]
    whole, rest = run.test(stripes())
    assert whole < 0.6 * losses[0] and rest < whole


def test_testing_leaves_the_weights_alone() -> None:
    run = trainer()
    run.step()
    before = {name: weight.clone() for name, weight in run.model.state_dict().items()}
    run.test(stripes(4))
    assert all(weight.equal(before[name]) for name, weight in run.model.state_dict().items())


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_a_resumed_run_is_bit_equal(kind: str, tmp_path: Path) -> None:
    straight = trainer(kind)
    for _ in range(6):
        straight.step()
    first = trainer(kind)
    for _ in range(3):
        first.step()
    save_checkpoint(tmp_path / "c.pt", first.state())
    second = trainer(kind)
    with torch.no_grad():
        second.model.wte.zero_()
    second.restore(load_checkpoint(tmp_path / "c.pt"))
    for _ in range(3):
        second.step()
    assert second.images == straight.images == 48
    for name, weight in straight.model.state_dict().items():
        assert weight.equal(second.model.state_dict()[name]), name
        assert straight.average.weights[name].equal(second.average.weights[name]), name


def test_another_palette_is_refused() -> None:
    state = trainer().state()
    state["palette"] = state["palette"] + 1
    with pytest.raises(ValueError, match="another palette"):
        trainer().restore(state)


def test_heldout_loss_counts_every_pixel_alike() -> None:
    model = ImageGPT(Config(1, 32, 1, 64, 16))
    tokens = stripes(6)
    whole, rest = heldout_loss(model, tokens, batch=4)
    again, _ = heldout_loss(model, tokens, batch=6)
    assert whole == pytest.approx(again, abs=1e-6)
    model.eval()
    first = torch.nn.functional.cross_entropy(model(torch.from_numpy(tokens[:, :1].astype(np.int64)))[:, 0], torch.from_numpy(tokens[:, 0].astype(np.int64)))
    assert whole * 64 == pytest.approx(rest * 63 + first.item(), abs=1e-3)


def test_micro_batches_do_not_change_the_gradient() -> None:
    torch.manual_seed(0)
    model = ImageGPT(Config(2, 32, 2, 64, 16))
    tokens = torch.from_numpy(stripes(7).astype(np.int64))
    gradients = []
    for micro in (7, 3):
        loss, _ = TorchStep(model, micro, compiled=False)(tokens)
        gradients.append(torch.cat([weight.grad.flatten() for weight in model.parameters()]))
    assert loss == pytest.approx(np.log(16), abs=0.1)
    assert torch.allclose(gradients[0], gradients[1], atol=1e-6)


def test_baselines_of_known_data() -> None:
    # Four equally frequent colours, each always followed by the next one.
    tokens = np.tile(np.arange(4, dtype=np.uint16), (50, 64))
    assert unigram_loss(tokens, tokens, 4) == pytest.approx(np.log(4), abs=1e-3)
    assert previous_pixel_loss(tokens, tokens, 4) < 0.02
    noise = np.random.default_rng(0).integers(0, 4, (200, 64)).astype(np.uint16)
    assert previous_pixel_loss(noise, noise, 4) == pytest.approx(np.log(4), abs=0.01)


def test_a_subset_is_spread() -> None:
    assert subset(np.arange(100), 5).tolist() == [0, 24, 49, 74, 99]
    assert subset(np.arange(3), 5).tolist() == [0, 1, 2]


def command(monkeypatch: pytest.MonkeyPatch, main, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["igpt", *map(str, arguments)])
    main()


def test_the_commands_from_pictures_to_a_finished_model(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    palette = tmp_path / "palette.json"
    fit_palette(cached_pictures(archive).pixels, 64).save(palette)
    data = ["--run", "tiny", "--data", archive, "--test", archive, "--step", "eager", "--threads", 1]
    shape = ["--palette", palette, "--layers", 1, "--width", 32, "--heads", 1, "--batch", 4, "--micro", 4]
    command(monkeypatch, train.main, *data, *shape, "--epochs", 0.5, "--lr", 0.02, "--save-minutes", 0, "--keep", 8)
    directory = run_directory("tiny")
    state = load_checkpoint(directory / NAME)
    assert state["images"] == 12 and state["options"]["lr"] == 0.02
    assert [load_checkpoint(path)["images"] for path in directory.glob("kept-*.pt")] == [8]

    # Goes on where it was, with what it was started with.
    command(monkeypatch, train.main, *data, "--epochs", 1)
    state = load_checkpoint(directory / NAME)
    assert state["images"] == 24 and state["options"]["lr"] == 0.02 and state["config"]["width"] == 32

    kept = (directory / NAME).read_bytes()
    command(monkeypatch, anneal.main, *data, "--minutes", 0.02)
    assert (directory / NAME).read_bytes() == kept
    model, stored = load_model(directory / anneal.ANNEALED)
    tokens = cached_tokens(archive, stored)
    assert heldout_loss(model, tokens)[0] < np.log(64)
    events = [json.loads(line) for line in (directory / "curve.jsonl").read_text().splitlines()]
    assert [entry["event"] for entry in events if "event" in entry] == [
        "started", "stopped", "resumed", "stopped", "anneal",
    ]  # fmt: skip
    assert any("annealTest" in entry for entry in events)

    command(monkeypatch, heldout.main, "--run", "tiny", "--file", anneal.ANNEALED, "--test", archive, "--data", archive)
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert printed["pictures"] == 24 and printed["nats"] == pytest.approx(heldout_loss(model, tokens)[0], abs=1e-4)

    # A finished model goes on from what it has seen.
    seen = load_checkpoint(directory / anneal.ANNEALED)["images"]
    command(monkeypatch, anneal.main, *data, "--from", anneal.ANNEALED, "--out", "further.pt", "--minutes", 0.01)
    assert seen > 24 and load_checkpoint(directory / "further.pt")["images"] > seen

    command(monkeypatch, curve.main, "--run", "tiny", "--epoch", 24, "--out", tmp_path / "curve.svg")
    assert (tmp_path / "curve.svg").read_text().lstrip().startswith("<?xml")


def test_a_curve_forgets_what_was_done_twice(tmp_path: Path) -> None:
    lines = [
        {"images": 0, "event": "started"},
        {"images": 10, "loss": 3.0},
        {"images": 20, "loss": 2.0},
        {"images": 15, "annealTest": 1.5},
        {"images": 12, "event": "resumed"},
        {"images": 22, "loss": 2.1},
    ]
    (tmp_path / "c.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    entries = curve.read_curve(tmp_path / "c.jsonl")
    assert [entry["images"] for entry in entries] == [0, 10, 12, 22, 15]


def test_an_unknown_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="start the run first"):
        load_checkpoint(tmp_path / "none.pt")


def test_a_run_starts_from_a_bundle(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    palette = fit_palette(cached_pictures(archive).pixels, 64)
    model = ImageGPT(Config(1, 32, 1, 1024, 64))
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(0, 0.1)
    folder = tmp_path / "models" / "tiny" / "1"
    folder.mkdir(parents=True)
    write_weights(folder / WEIGHTS, store(model))
    manifest = {
        "format": 1,
        "architecture": model.config.to_dict(),
        "palette": palette.rgb.tolist(),
        "files": {WEIGHTS: file_facts(folder / WEIGHTS)},
    }
    write_json(folder / MANIFEST, manifest)
    arguments = ["--run", "from", "--data", archive, "--step", "eager", "--threads", 1, "--batch", 4, "--micro", 4]
    # At rate 0 the published weights must come out again.
    still = ["--lr", 0, "--table-lr", 0, "--epochs", 0.1]
    command(monkeypatch, train.main, *arguments, *still, "--init-from", folder)
    trained, stored = load_model(run_directory("from") / NAME)
    assert np.array_equal(stored.rgb, palette.rgb)
    for name, weight in read_bundle(folder).model.state_dict().items():
        assert torch.allclose(trained.state_dict()[name], weight, atol=1e-6), name
        assert not torch.allclose(weight, torch.zeros_like(weight), atol=1e-2), name

    # On the bundle's own data: after what it has seen, and the time that went into it is not forgotten.
    manifest |= {"id": "mine", "version": "3", "provenance": {"images": 64, "step": 16, "seconds": 100.0}}
    write_json(folder / MANIFEST, manifest)
    command(monkeypatch, train.main, "--run", "on", *arguments[2:], "--epochs", 3, "--init-from", folder, "--go-on")
    state = load_checkpoint(run_directory("on") / NAME)
    assert state["images"] >= 64 + 4
    assert state["step"] == (state["images"] - 64) / 4
    assert state["base"] == {"bundle": "mine/3", "step": 16, "seconds": 100.0}
    journal = [json.loads(line) for line in (run_directory("on") / "curve.jsonl").read_text().splitlines()]
    assert [entry["seconds"] for entry in journal] == [100.0, round(100 + state["seconds"], 1)]

    other = tmp_path / "other.json"
    fit_palette(cached_pictures(archive).pixels, 64, seed=9).save(other)
    with pytest.raises(ValueError, match="cannot change"):
        command(monkeypatch, train.main, "--run", "other", *arguments[2:], "--palette", other, "--init-from", folder)


def test_bfloat16_has_the_gradients_of_float32_within_its_rounding() -> None:
    model = ImageGPT(Config(2, 64, 2, 64, 32))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "ln_" not in name:
                weight.normal_(0.0, 0.1)
    tokens = torch.randint(0, 32, (4, 64))
    gradients = {}
    for bfloat16 in (False, True):
        loss, finite = TorchStep(model, 4, compiled=False, bfloat16=bfloat16)(tokens)
        assert finite
        gradients[bfloat16] = loss, torch.cat([weight.grad.flatten() for weight in model.parameters()])
        assert gradients[bfloat16][1].dtype == torch.float32
    assert gradients[True][0] == pytest.approx(gradients[False][0], rel=1e-2)
    error = (gradients[True][1] - gradients[False][1]).norm() / gradients[False][1].norm()
    assert 0 < error < 0.03
