"""Checkpoints that the real transformers library writes, imported and held against transformers itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import ImageGPTConfig, ImageGPTForCausalImageModeling

from igpt import import_checkpoint
from igpt.bundle.tensors import restored_model, store
from igpt.importing.huggingface import CheckpointError, read_checkpoint

COLORS = 24
CLUSTERS = np.random.default_rng(0).uniform(-1, 1, (COLORS, 3))

VARIANTS = {
    "plain": {},
    "wider": {"n_embd": 96, "n_head": 6, "n_layer": 2},
    "one head, one layer": {"n_embd": 32, "n_head": 1, "n_layer": 1},
    "n_inner spelled out": {"n_inner": 4 * 48},
    "scaled by layer": {"scale_attn_by_inverse_layer_idx": True},
    "upcast": {"reorder_and_upcast_attn": True},
    "both": {"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True},
    "not scaled": {"scale_attn_weights": False},
}


def save(folder: Path, biases: bool = True, **fields: object) -> ImageGPTForCausalImageModeling:
    """A random checkpoint on disk, as `save_pretrained` writes it, and the model it is of."""
    settings = {"vocab_size": COLORS + 1, "n_embd": 48, "n_head": 4, "n_layer": 3} | fields
    model = ImageGPTForCausalImageModeling(ImageGPTConfig(**settings)).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(1.0 if ".ln_" in name else 0.0, 0.15)
            if name.endswith(".bias") and not biases:
                weight.zero_()
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"clusters": CLUSTERS.tolist()}))
    return model


def change(folder: Path, **fields: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def started(tokens: torch.Tensor) -> torch.Tensor:
    """transformers wants the start token as an input; ours puts it there itself."""
    return torch.cat((torch.full((len(tokens), 1), COLORS), tokens[:, :-1]), dim=1)


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_the_same_logits_and_states(tmp_path: Path, variant: str) -> None:
    reference = save(tmp_path, **VARIANTS[variant])
    imported = read_checkpoint(tmp_path).model
    tokens = torch.randint(0, COLORS, (2, 80))
    expected = reference(started(tokens), output_hidden_states=True)
    assert expected.logits.abs().max() > 1
    assert (imported(tokens) - expected.logits).abs().max() < 1e-4
    # transformers norms its last state, ours are all un-normed.
    for ours, theirs in zip(imported.hidden_states(tokens)[:-1], expected.hidden_states[:-1], strict=True):
        assert (ours - theirs).abs().max() < 1e-4


@torch.no_grad()
def test_the_same_greedy_completion(tmp_path: Path) -> None:
    reference = save(tmp_path)
    imported = read_checkpoint(tmp_path).model
    given = torch.randint(0, COLORS, (2, 16))
    expected = ours = given
    for _ in range(24):
        # One position more, whose token does not matter: the last logits are of it.
        following = torch.zeros(2, 1, dtype=torch.long)
        expected = torch.cat((expected, reference(started(torch.cat((expected, following), 1))).logits[:, -1:].argmax(-1)), 1)
        ours = torch.cat((ours, imported(torch.cat((ours, following), 1))[:, -1:].argmax(-1)), 1)
    assert (ours == expected).all()


@torch.no_grad()
def test_int8_stays_close(tmp_path: Path) -> None:
    """The bound: 0.02 nats of KL a token on random weights, which are harder on int8 than trained ones."""
    reference = save(tmp_path)
    imported = read_checkpoint(tmp_path).model
    stored = restored_model(imported.config, store(imported))
    tokens = torch.randint(0, COLORS, (2, 200))
    exact = reference(started(tokens)).logits.log_softmax(-1)
    close = stored(tokens).log_softmax(-1)
    divergence = (exact.exp() * (exact - close)).sum(-1).mean()
    assert 0 < divergence < 0.02


def test_the_command_says_first_what_it_writes_and_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    save(tmp_path / "theirs")
    models = tmp_path / "bucket/models"
    command = ["import", str(tmp_path / "theirs"), "--id", "theirs", "--out", str(tmp_path / "bucket")]
    monkeypatch.setattr(sys, "argv", command)
    import_checkpoint.main()
    said = capsys.readouterr().out.splitlines()[0]
    assert said == (
        f"about to write {models}/theirs/1, as theirs's current version, a new model; the folder's default model becomes theirs, was none"
    )
    before = {path: path.read_bytes() for path in models.rglob("*") if path.is_file()}
    with pytest.raises(SystemExit) as refused:
        import_checkpoint.main()
    assert "take the next version" in str(refused.value)
    assert {path: path.read_bytes() for path in models.rglob("*") if path.is_file()} == before

    monkeypatch.setattr(sys, "argv", [*command, "--version", "2", "--default"])
    import_checkpoint.main()
    assert "instead of version 1; the folder's default model stays theirs" in capsys.readouterr().out


@torch.no_grad()
def test_files_of_other_kinds(tmp_path: Path) -> None:
    reference = save(tmp_path / "one")
    expected = read_checkpoint(tmp_path / "one").model.state_dict()

    parts = tmp_path / "parts"
    reference.save_pretrained(parts, max_shard_size="100KB")
    assert len(list(parts.glob("*.safetensors"))) > 1
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    torch.save(reference.state_dict(), pickled / "pytorch_model.bin")
    for folder in (parts, pickled):
        for name in ("config.json", "preprocessor_config.json"):
            (folder / name).write_text((tmp_path / "one" / name).read_text())
        for name, tensor in read_checkpoint(folder).model.state_dict().items():
            assert torch.equal(tensor, expected[name])


def test_biases_that_are_all_zero_are_left_out_and_real_ones_kept(tmp_path: Path) -> None:
    save(tmp_path / "zero", biases=False)
    save(tmp_path / "real")
    assert not read_checkpoint(tmp_path / "zero").model.config.bias
    assert read_checkpoint(tmp_path / "real").model.config.bias


def test_the_palette_is_the_clusters(tmp_path: Path) -> None:
    save(tmp_path)
    assert (read_checkpoint(tmp_path).palette.rgb == np.rint((CLUSTERS + 1) * 127.5)).all()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n_positions", 48 * 48),
        ("n_positions", 64 * 64),
        ("n_inner", 100),
        ("activation_function", "gelu"),
        ("layer_norm_epsilon", 1e-3),
        ("tie_word_embeddings", True),
        ("add_cross_attention", True),
        ("model_type", "gpt2"),
        ("n_head", 5),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(tmp_path: Path, field: str, value: object) -> None:
    save(tmp_path)
    change(tmp_path, **{field: value})
    with pytest.raises(CheckpointError, match=field.removeprefix("n_") if field == "n_head" else field):
        read_checkpoint(tmp_path)


def test_what_is_missing_or_of_another_shape_is_named(tmp_path: Path) -> None:
    save(tmp_path)
    change(tmp_path, n_layer=4)
    with pytest.raises(CheckpointError, match=r"transformer\.h\.3\.attn\.c_attn\.weight"):
        read_checkpoint(tmp_path)
    change(tmp_path, n_layer=3, vocab_size=31)
    with pytest.raises(CheckpointError, match="clusters"):
        read_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    change(tmp_path, vocab_size=COLORS + 1)
    with pytest.raises(CheckpointError, match="none of"):
        read_checkpoint(tmp_path)
