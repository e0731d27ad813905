from __future__ import annotations

import argparse
import json
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import picture, png

from igpt import curve, train
from igpt.bundle.manifest import MANIFEST, file_facts, read_bundle, write_json
from igpt.bundle.tensors import store
from igpt.bundle.weights import WEIGHTS, write_weights
from igpt.data.choose import subset
from igpt.data.crops import Crops, batches
from igpt.data.labelled import cached_pictures, cached_tokens
from igpt.data.palette import Palette, fit_palette
from igpt.data.photos import Photos
from igpt.evaluation.baselines import previous_pixel_loss, unigram_loss
from igpt.model.checkpoint import NAME, load_checkpoint, load_model, run_directory, save_checkpoint
from igpt.model.device import CPU, Device
from igpt.model.nats import heldout_loss
from igpt.model.network import Config, ImageGPT
from igpt.training.journal import read_curve
from igpt.training.options import FINE_TUNE, Options
from igpt.training.start import Start, at_resolution, interpolate_positions, load_start
from igpt.training.trainer import Trainer

SIDE = 8


def stripes(count: int = 32, side: int = SIDE, colors: int = 16) -> np.ndarray:
    """Pictures with something to learn: a colour a row, that counts up from one row to the next."""
    start = np.random.default_rng(0).integers(0, colors, (count, 1))
    rows = (start + np.arange(side)) % colors
    return np.repeat(rows, side, axis=1).astype(np.uint16)


def palette() -> Palette:
    return Palette(np.linspace(0, 255, 48).astype(np.uint8).reshape(16, 3))


def data(first: int = 0, batch: int = 8):
    pixels = palette().decode(stripes().reshape(-1, SIDE, SIDE))
    photos = Photos([png(one) for one in pixels], {})
    return batches(Crops(photos, batch, SIDE, seed=0), first, 0, pinned=False)


def trainer(device: Device = CPU, micro: int = 4, **options: float) -> Trainer:
    torch.manual_seed(0)
    chosen = Options(**{"steps": 60, "batch": 8, "lr": 0.02, "table_lr": 0.01, "warmup": 5, "plateau": 0.5, **options})
    return Trainer(Start(ImageGPT(Config(2, 32, 2, SIDE * SIDE, 16)), palette(), None), chosen, device, micro, compiled=False)


def test_the_loss_falls_and_the_run_ends_at_its_length() -> None:
    run = trainer()
    losses = [float(loss) for loss in run.run(data())]
    assert len(losses) == 60 and run.progress == 1
    assert losses[0] == pytest.approx(np.log(16), abs=0.1)
    assert np.mean(losses[-5:]) < 0.4 * losses[0]
    whole, lower = run.test(stripes())
    assert whole < 0.6 * losses[0] and lower < whole


def test_a_run_by_the_clock_ends_by_the_clock() -> None:
    run = trainer(steps=0, minutes=0.02)
    assert sum(1 for _ in run.run(data())) > 2
    assert run.progress == 1 and 1.2 <= run.seconds < 10


def test_testing_leaves_the_weights_alone() -> None:
    run = trainer()
    run.step(next(data()))
    before = {name: weight.clone() for name, weight in run.model.state_dict().items()}
    run.test(stripes(4))
    assert all(weight.equal(before[name]) for name, weight in run.model.state_dict().items())


def test_a_resumed_run_is_bit_equal(tmp_path: Path) -> None:
    straight = trainer()
    for _ in islice(straight.run(data()), 6):
        pass
    first = trainer()
    for _ in islice(first.run(data()), 3):
        pass
    save_checkpoint(tmp_path / "c.pt", first.state())
    second = trainer()
    with torch.no_grad():
        second.model.wte.zero_()
    second.restore(load_checkpoint(tmp_path / "c.pt"))
    for _ in islice(second.run(data(second.step_count)), 3):
        pass
    assert second.counts["images"] == straight.counts["images"] == 48
    for name, weight in straight.model.state_dict().items():
        assert weight.equal(second.model.state_dict()[name]), name


def test_another_palette_is_refused() -> None:
    state = trainer().state()
    state["palette"] = state["palette"] + 1
    with pytest.raises(ValueError, match="another palette"):
        trainer().restore(state)


def test_parts_of_a_batch_add_up_to_its_gradient() -> None:
    pixels = next(data())
    whole, parts = trainer(micro=8), trainer(micro=3)
    losses = [float(run.step(pixels)) for run in (whole, parts)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    for name, weight in whole.model.state_dict().items():
        assert torch.allclose(weight, parts.model.state_dict()[name], atol=1e-4), name


def test_bfloat16_learns_the_same() -> None:
    exact, rough = trainer(), trainer(Device("cpu", "test", True))
    ends = [np.mean([float(loss) for loss in run.run(data())][-10:]) for run in (exact, rough)]
    assert ends[1] == pytest.approx(ends[0], abs=0.15)
    assert all(weight.dtype == torch.float32 for weight in rough.model.parameters())


def test_heldout_loss_counts_every_pixel_alike() -> None:
    model = ImageGPT(Config(1, 32, 1, 64, 16))
    tokens = stripes(6)
    whole, rest = heldout_loss(model, tokens, batch=4)
    again, _ = heldout_loss(model, tokens, batch=6)
    assert whole == pytest.approx(again, abs=1e-6)
    first = torch.nn.functional.cross_entropy(model(torch.from_numpy(tokens[:, :1].astype(np.int64)))[:, 0], torch.from_numpy(tokens[:, 0].astype(np.int64)))
    assert whole * 64 == pytest.approx(rest * 63 + first.item(), abs=1e-3)


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


def test_positions_of_another_resolution_lie_where_the_old_ones_did() -> None:
    # A table that tells row and column: interpolated, it tells them in the old picture's units.
    rows, columns = np.divmod(np.arange(64), 8)
    table = torch.from_numpy(np.stack((rows, columns), 1)).float()
    wide = interpolate_positions(table, 16).view(16, 16, 2)
    assert torch.allclose(wide[5, :, 0], torch.full((16,), 2.25))
    assert torch.allclose(wide[:, 5, 1], torch.full((16,), 2.25))
    assert (wide[0, 0] == 0).all() and (wide[15, 15] == 7).all()


def test_another_resolution_changes_nothing_but_the_positions() -> None:
    model = ImageGPT(Config(2, 32, 2, 64, 16))
    changed = at_resolution(model, 16)
    assert changed.config.positions == 256 and at_resolution(model, 8) is model
    for name, weight in model.state_dict().items():
        assert name == "wpe" or weight.equal(changed.state_dict()[name])


def command(monkeypatch: pytest.MonkeyPatch, main, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["igpt", *map(str, arguments)])
    main()


ON_THE_PROCESSOR = ("--device", "cpu", "--precision", "float32", "--eager", "--threads", 1, "--workers", 0)


def test_the_command_from_pictures_to_a_finished_model(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    colors = tmp_path / "palette.json"
    fit_palette(cached_pictures(archive).pixels, 64).save(colors)
    options = ["--run", "tiny", "--data", archive, "--test", archive, *ON_THE_PROCESSOR]
    shape = ["--palette", colors, "--layers", 1, "--width", 32, "--heads", 1, "--batch", 4]
    # Ended by the system after its third step, as by SIGTERM.
    steps = Trainer.step

    def stopped(self: Trainer, pixels: torch.Tensor) -> torch.Tensor:
        loss = steps(self, pixels)
        if self.step_count == 3:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGTERM)
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", stopped)
        command(monkeypatch, train.main, *options, *shape, "--steps", 12, "--lr", 0.01)
    path = run_directory("tiny") / NAME
    state = load_checkpoint(path)
    assert state["images"] == 12 and not state["finished"] and state["options"]["lr"] == 0.01

    # Goes on where it was, with what it was started with.
    command(monkeypatch, train.main, *options)
    state = load_checkpoint(path)
    assert state["images"] == 48 and state["finished"] and state["options"]["lr"] == 0.01 and state["config"]["width"] == 32
    model, stored = load_model(path)
    tokens = cached_tokens(archive, stored)
    assert heldout_loss(model, tokens)[0] < np.log(64)
    told = [json.loads(line) for line in (run_directory("tiny") / "curve.jsonl").read_text().splitlines()]
    assert [entry["event"] for entry in told if "event" in entry] == ["started", "stopped", "resumed", "finished"]
    tests = [entry for entry in told if "test" in entry]
    assert tests[-1]["test"] == pytest.approx(heldout_loss(model, tokens)[0], abs=1e-4) and tests[-1]["testLower"] > 0

    command(monkeypatch, train.main, *options)
    assert "tiny is finished" in capsys.readouterr().out
    command(monkeypatch, curve.main, "--run", "tiny", "--out", tmp_path / "curve.svg")
    assert (tmp_path / "curve.svg").read_text().lstrip().startswith("<?xml")

    # What is finished is a start for others, and counts.
    command(monkeypatch, train.main, "--run", "on", *options[2:4], *ON_THE_PROCESSOR, "--init-from", path, "--steps", 1, "--batch", 4, "--hold-out", 8)
    state = load_checkpoint(run_directory("on") / NAME)
    assert state["images"] == 52 and state["base"]["images"] == 48 and state["options"]["lr"] == FINE_TUNE["lr"]


def bundle(archive: Path, tmp_path: Path) -> tuple[Path, ImageGPT]:
    model = ImageGPT(Config(1, 32, 1, 1024, 64))
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(0, 0.1)
    folder = tmp_path / "models" / "tiny" / "1"
    folder.mkdir(parents=True)
    write_weights(folder / WEIGHTS, store(model))
    manifest = {
        "format": 1,
        "id": "tiny",
        "version": "1",
        "architecture": model.config.to_dict(),
        "palette": fit_palette(cached_pictures(archive).pixels, 64).rgb.tolist(),
        "files": {WEIGHTS: file_facts(folder / WEIGHTS)},
        "provenance": {"images": 64, "step": 16, "seconds": 100.0},
    }
    write_json(folder / MANIFEST, manifest)
    return folder, read_bundle(folder).model


def test_a_run_starts_from_a_bundle(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, published = bundle(archive, tmp_path)
    # At rate 0 the published weights must come out again.
    still = ["--lr", 0, "--table-lr", 0, "--steps", 2, "--batch", 4, "--init-from", folder]
    command(monkeypatch, train.main, "--run", "from", "--data", archive, *ON_THE_PROCESSOR, *still)
    trained, _ = load_model(run_directory("from") / NAME)
    for name, weight in published.state_dict().items():
        assert torch.allclose(trained.state_dict()[name], weight, atol=1e-6), name
    state = load_checkpoint(run_directory("from") / NAME)
    assert state["base"] == {"bundle": "tiny/1", "images": 64, "step": 16, "seconds": 100.0}
    assert state["images"] == 72 and state["step"] == 18 and state["seconds"] > 100

    other = tmp_path / "other.json"
    fit_palette(cached_pictures(archive).pixels, 64, seed=9).save(other)
    with pytest.raises(SystemExit, match="cannot change"):
        command(monkeypatch, train.main, "--run", "other", "--data", archive, *ON_THE_PROCESSOR, *still, "--palette", other)


def test_a_bundle_starts_a_run_at_another_resolution(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, published = bundle(archive, tmp_path)
    assert load_start(folder).model.config.positions == 1024
    options = ["--resolution", 48, "--steps", 1, "--batch", 2, "--lr", 0, "--table-lr", 0, "--init-from", folder]
    command(monkeypatch, train.main, "--run", "larger", "--data", archive, *ON_THE_PROCESSOR, *options)
    model, _ = load_model(run_directory("larger") / NAME)
    assert model.config.positions == 48 * 48
    assert torch.allclose(model.wpe, interpolate_positions(published.wpe, 48), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "needs --palette"),
        (("--init-from", "nowhere"), "no checkpoint nowhere"),
        (("--init-from", "."), "holds no manifest.json"),
    ],
)
def test_what_is_missing_is_said(arguments: tuple[str, ...], message: str, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=message):
        command(monkeypatch, train.main, "--run", "none", "--data", archive, *ON_THE_PROCESSOR, *arguments)


def test_a_curve_forgets_what_was_done_twice(tmp_path: Path) -> None:
    lines = [
        {"images": 0, "event": "started"},
        {"images": 10, "loss": 3.0},
        {"images": 20, "loss": 2.0},
        {"images": 12, "event": "resumed"},
        {"images": 22, "loss": 2.1},
    ]
    (tmp_path / "c.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert [entry["images"] for entry in read_curve(tmp_path / "c.jsonl")] == [0, 10, 12, 22]


def test_large_photographs_train_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(4):
        (tmp_path / f"{seed}.png").write_bytes(png(picture(seed, (300, 220))))
    colors = tmp_path / "palette.json"
    fit_palette(cached_pictures(tmp_path).pixels, 16).save(colors)
    shape = ["--palette", colors, "--layers", 1, "--width", 32, "--heads", 1, "--batch", 2, "--steps", 2]
    command(monkeypatch, train.main, "--run", "large", "--data", tmp_path, *ON_THE_PROCESSOR, *shape, "--workers", 1)
    assert load_checkpoint(run_directory("large") / NAME)["images"] == 4


def test_a_length_in_minutes_may_be_a_fraction() -> None:
    """`igpt.make` passes on what it has read as a float: 10.0 of `--minutes 10`."""
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    assert parser.parse_args(["--run", "a", "--data", "b", "--minutes", "0.5"]).minutes == 0.5
