"""The engine against the plain PyTorch model, which has no cache, no batch of unlike lengths and no sampling of its own."""

from pathlib import Path

import numpy as np
import pytest
import torch
from igpt.bundle.manifest import read_bundle
from igpt_gpu import BadRequest, Engine, Request
from igpt_gpu.engine import OutOfMemory
from igpt_gpu.plan import Cancelled
from igpt_gpu.request import read_request

GOLDEN = Path(__file__).resolve().parents[2] / "test/golden"
BUNDLES = ["tiny", "biased", "half", "large"]


def request(rows: int, given: int, generate: int, colors: int, seed: int = 0, **options) -> Request:
    random = np.random.default_rng(seed)
    same = random.integers(0, colors, (1, given))
    return Request(
        options.get("tokens", np.repeat(same, rows, axis=0)),
        options.get("forced", np.full((rows, generate), -1)),
        random.random((rows, generate), np.float32),
        np.full((rows, 1), options.get("temperature", 1), np.float32),
        np.full((rows, 1), options.get("top_k", 0)),
        np.full((rows, 1), options.get("top_p", 1), np.float32),
    )


@torch.inference_mode()
def reference(model, asked: Request, row: int, made):
    """Nats of all positions, features, and each generated position's distribution given what was made before it."""
    tokens = torch.tensor(np.concatenate((asked.tokens[row], made)))[None]
    logits = model(tokens)[0]
    nats = -logits.log_softmax(-1).gather(-1, tokens[0, :, None])[:, 0]
    norms = [*(block.ln_1 for block in model.blocks), model.ln_f]
    given = tokens[:, : asked.given]
    features = [norm(state)[0].mean(0) for norm, state in zip(norms, model.hidden_states(given))] if asked.given else []
    return nats.numpy(), features, logits[asked.given :]


def check(model, asked: Request, result) -> None:
    for row in range(asked.rows):
        nats, features, logits = reference(model, asked, row, result.samples[row])
        np.testing.assert_allclose(result.prefix_nll[row], nats[: asked.given], atol=2e-4)
        np.testing.assert_allclose(result.nll[row], nats[asked.given :], atol=2e-4)
        if asked.given:
            np.testing.assert_allclose(result.features[row], torch.stack(features).numpy(), atol=2e-4)
        else:
            assert not result.features[row].any()
        for t, token in enumerate(result.samples[row]):
            if asked.forced[row, t] >= 0:
                assert token == asked.forced[row, t]
            elif asked.temperature[row, 0] == 0:
                assert logits[t, token] >= logits[t].max() - 1e-4
            elif not asked.top_k[row, 0] and asked.top_p[row, 0] == 1:
                sums = (logits[t] / asked.temperature[row, 0]).double().softmax(-1).cumsum(-1)
                u = float(asked.uniforms[row, t])
                assert sums[token] > u - 1e-5 and (token == 0 or sums[token - 1] <= u + 1e-5)


@pytest.fixture(scope="module", params=BUNDLES)
def pair(request):
    folder = GOLDEN / request.param
    return Engine.open(folder, "cpu"), read_bundle(folder).model


def test_unlike_requests_in_one_batch(pair):
    engine, model = pair
    colors, positions = engine.weights.shape.colors, engine.weights.shape.positions
    forced = np.where(np.arange(9) % 3 == 1, 5 % colors, -1)[None].repeat(2, 0)
    asked = [
        request(5, 7, 12, colors, 1),
        request(1, 0, 6, colors, 2),
        request(2, 11, 0, colors, 3),
        request(2, 3, 9, colors, 4, forced=forced, temperature=0.7),
        request(1, positions - 4, 4, colors, 5, temperature=0),
        request(3, 7, 12, colors, 1, top_k=3),
    ]
    for one, result in zip(asked, engine.complete(asked)):
        check(model, one, result)


def test_a_sample_does_not_depend_on_what_it_is_batched_with(pair):
    engine, _ = pair
    colors = engine.weights.shape.colors
    asked = [request(4, 6, 10, colors, 1), request(2, 9, 5, colors, 2, top_p=0.8), request(1, 0, 14, colors, 3)]
    together = engine.complete(asked)
    for one, result in zip(asked, together):
        (alone,) = engine.complete([one])
        np.testing.assert_array_equal(alone.samples, result.samples)
        np.testing.assert_allclose(alone.nll, result.nll, atol=1e-4)
        np.testing.assert_array_equal(engine.complete([one.part(0, 1)])[0].samples, result.samples[:1])


@pytest.mark.parametrize("options", [{"top_k": 1}, {"top_k": 4}, {"top_p": 0.3}, {"top_k": 6, "top_p": 0.5, "temperature": 1.5}])
def test_top_k_then_top_p(pair, options):
    engine, model = pair
    asked = request(8, 5, 8, engine.weights.shape.colors, 9, **options)
    (result,) = engine.complete([asked])
    for row in range(asked.rows):
        _, _, logits = reference(model, asked, row, result.samples[row])
        for t, token in enumerate(result.samples[row]):
            warmed = logits[t].double() / options.get("temperature", 1)
            order = warmed.argsort(descending=True, stable=True)[: options.get("top_k") or None]
            shares = warmed[order].softmax(-1)
            kept = order[(shares.cumsum(-1) - shares) < options.get("top_p", 1) + 1e-6]
            assert token in kept


def test_what_does_not_fit_is_run_in_parts_and_one_row_too_many_ends_alone():
    small = Engine.open(GOLDEN / "tiny", "cpu", cache_bytes=1)
    shape = small.weights.shape
    a_row = 2 * shape.layers * shape.width * 12 * 4
    small = Engine.open(GOLDEN / "tiny", "cpu", cache_bytes=2 * a_row)
    whole = Engine.open(GOLDEN / "tiny", "cpu")
    asked = [request(3, 4, 8, shape.colors, 1), request(1, 4, 40, shape.colors, 2), request(1, 2, 6, shape.colors, 3)]
    first, second, third = small.complete(asked)
    assert isinstance(second, OutOfMemory) and "out of memory" in str(second)
    for result, one in ((first, asked[0]), (third, asked[2])):
        np.testing.assert_array_equal(result.samples, whole.complete([one])[0].samples)


def test_stops_when_nobody_waits():
    engine = Engine.open(GOLDEN / "tiny", "cpu")
    looks = iter([False, False, True])
    (outcome,) = engine.complete([request(1, 3, 900, engine.weights.shape.colors)], [lambda: next(looks)])
    assert isinstance(outcome, Cancelled)


def test_what_is_given_up_keeps_no_other_waiting():
    engine = Engine.open(GOLDEN / "tiny", "cpu")
    colors = engine.weights.shape.colors
    asked = [request(1, 3, 900, colors, 1), request(2, 5, 40, colors, 2)]
    looks = iter([False, False, True])
    asks = [0]

    def alive() -> bool:
        asks[0] += 1
        return False

    given_up, done = engine.complete(asked, [lambda: next(looks), alive])
    assert isinstance(given_up, Cancelled)
    np.testing.assert_array_equal(done.samples, engine.complete([asked[1]])[0].samples)
    # Every 32 steps, up to the end of the short one.
    assert asks[0] <= 5


def test_half_precision_stays_near(pair):
    engine, model = pair
    near = Engine(_as(engine.weights, torch.bfloat16), torch.device("cpu"), "bf16")
    asked = request(4, 8, 16, engine.weights.shape.colors, 6)
    (result,) = near.complete([asked])
    for row in range(asked.rows):
        nats, _, _ = reference(model, asked, row, result.samples[row])
        assert abs(result.nll[row].mean() - nats[asked.given :].mean()) < 0.05


def _as(weights, dtype):
    from dataclasses import replace

    def cast(value):
        return value.to(dtype) if isinstance(value, torch.Tensor) else value

    blocks = [replace(block, **{k: cast(v) for k, v in vars(block).items()}) for block in weights.blocks]
    return replace(weights, blocks=blocks, **{k: cast(getattr(weights, k)) for k in ("wte", "wpe", "ln_f", "head")})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": np.zeros((2, 3), np.int32)}, "tokens must be int64"),
        ({"tokens": np.full((2, 3), 10**6)}, "tokens: 1000000 is not in 0 .."),
        ({"forced": np.full((2, 4), -2)}, "forced: -2 is not in -1 .."),
        ({"uniforms": np.full((2, 4), np.nan, np.float32)}, "uniforms: nan is not in [0, 1)"),
        ({"uniforms": np.zeros((2, 5), np.float32)}, "uniforms has shape [2, 5]"),
        ({"top_p": np.zeros((2, 1), np.float32)}, "top_p: 0.0 is not above 0"),
        ({"temperature": np.full((2, 1), np.inf, np.float32)}, "temperature: inf is not finite"),
        ({"temperature": None}, "input temperature must be given"),
        ({"tokens": np.zeros((2, 10**4), np.int64)}, "positions, the model has"),
    ],
)
def test_refuses_with_the_reason(change, message):
    shape = Engine.open(GOLDEN / "tiny", "cpu").weights.shape
    arrays = {**vars(request(2, 3, 4, shape.colors)), **change}
    with pytest.raises(BadRequest) as refused:
        read_request(arrays, shape)
    assert message in str(refused.value)
