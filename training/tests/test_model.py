from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from transformers import ImageGPTConfig, ImageGPTForCausalImageModeling

from igpt.model.network import Config, ImageGPT

SMALL = Config(layers=3, width=48, heads=4, positions=25, colors=32)


def randomised(config: Config) -> ImageGPT:
    """No weight zero or one, so that every one of them counts."""
    model = ImageGPT(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(1.0 if "ln_" in name else 0.0, 0.3)
    return model.eval()


def test_size_of_the_default() -> None:
    count = sum(weight.numel() for weight in ImageGPT(Config()).parameters())
    d = 256
    assert count == 512 * d + d + 1024 * d + 8 * (12 * d * d + 2 * d) + d + 512 * d == 6_820_352


@pytest.mark.parametrize("position", [0, 7, 24])
def test_a_pixel_is_seen_by_later_positions_alone(position: int) -> None:
    model = randomised(SMALL)
    tokens = torch.randint(0, 32, (2, 25))
    changed = tokens.clone()
    changed[:, position] = (changed[:, position] + 1) % 32
    with torch.no_grad():
        difference = (model(tokens) - model(changed)).abs().amax((0, 2))
    assert (difference[: position + 1] == 0).all()
    assert (difference[position + 1 :] > 1e-5).all()


def test_a_fresh_model_is_near_uniform() -> None:
    model = ImageGPT(SMALL)
    tokens = torch.randint(0, 32, (4, 25))
    loss = F.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten())
    assert loss.item() == pytest.approx(math.log(32), abs=0.1)


def test_hidden_states_are_those_of_the_forward_pass() -> None:
    model = randomised(SMALL)
    tokens = torch.randint(0, 32, (2, 25))
    states = model.hidden_states(tokens)
    assert [tuple(state.shape) for state in states] == [(2, 25, 48)] * 4
    assert torch.allclose(model.head(model.ln_f(states[-1])), model(tokens))


def test_shorter_inputs_agree_and_longer_ones_are_refused() -> None:
    model = randomised(SMALL)
    tokens = torch.randint(0, 32, (1, 25))
    assert torch.allclose(model(tokens[:, :10]), model(tokens)[:, :10], atol=1e-5)
    with pytest.raises(ValueError, match="25 positions"):
        model(torch.zeros(1, 26, dtype=torch.int64))


def test_impossible_shapes() -> None:
    with pytest.raises(ValueError, match="multiple of heads"):
        Config(width=10, heads=3)
    with pytest.raises(ValueError, match="layers"):
        Config(layers=0)


@pytest.mark.parametrize("shape", [(2, 32, 2), (3, 48, 4), (1, 64, 1)])
def test_the_same_as_transformers(shape: tuple[int, int, int]) -> None:
    layers, width, heads = shape
    config = Config(layers, width, heads, positions=36, colors=20, bias=True)
    reference = ImageGPTForCausalImageModeling(
        ImageGPTConfig(vocab_size=21, n_positions=36, n_embd=width, n_layer=layers, n_head=heads)
    ).eval()
    with torch.no_grad():
        for name, weight in reference.named_parameters():
            weight.normal_(1.0 if ".ln_" in name else 0.0, 0.2)
    source = reference.state_dict()
    state = {
        "wte": source["transformer.wte.weight"][:20],
        "sos": source["transformer.wte.weight"][20],
        "wpe": source["transformer.wpe.weight"],
        "ln_f.weight": source["transformer.ln_f.weight"],
        "head.weight": source["lm_head.weight"],
    }
    names = {"attn.qkv": "attn.c_attn", "attn.proj": "attn.c_proj", "mlp.fc": "mlp.c_fc", "mlp.proj": "mlp.c_proj"}
    for n in range(layers):
        for ours, theirs in names.items():
            # Conv1D is stored [in, out].
            state[f"blocks.{n}.{ours}.weight"] = source[f"transformer.h.{n}.{theirs}.weight"].T
            state[f"blocks.{n}.{ours}.bias"] = source[f"transformer.h.{n}.{theirs}.bias"]
        for norm in ("ln_1", "ln_2"):
            state[f"blocks.{n}.{norm}.weight"] = source[f"transformer.h.{n}.{norm}.weight"]
    model = ImageGPT(config)
    model.load_state_dict(state)

    tokens = torch.randint(0, 20, (3, 36))
    started = torch.cat((torch.full((3, 1), 20), tokens[:, :-1]), dim=1)
    with torch.no_grad():
        expected = reference(started, output_hidden_states=True)
        logits, states = model(tokens), model.hidden_states(tokens)
    assert (logits - expected.logits).abs().max() < 1e-4
    assert logits.abs().max() > 1
    # transformers norms its last state, ours are all un-normed.
    for ours, theirs in zip(states[:-1], expected.hidden_states[:-1], strict=True):
        assert (ours - theirs).abs().max() < 1e-4
