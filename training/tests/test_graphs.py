"""Both graphs under onnxruntime against PyTorch on the same weights."""

import gzip
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from igpt.bundle.graphs.logits import places_of, write_logits_graph, write_shapes
from igpt.bundle.graphs.stateless import PREFIX_CHUNK, ROW
from igpt.bundle.manifest import read_bundle
from igpt.bundle.measure import graph_nats, open_graph, plain_inputs
from igpt.bundle.tensors import restored_model, store
from igpt.bundle.weights import WEIGHTS, write_weights
from igpt.bundle.write import GRAPHS
from igpt.model.nats import mean_nats, torch_nats
from igpt.model.network import Config, ImageGPT
from igpt.reference.cases import random_model
from igpt.reference.forward import reference

PLAIN = Config(layers=2, width=32, heads=2, positions=256, colors=24)
BIASED = Config(layers=2, width=48, heads=3, positions=256, colors=17, bias=True)
CLOSE = 2e-5
COMMITTED = Path(__file__).parents[2] / "test" / "golden"


class Built:
    def __init__(self, folder: Path, config: Config, precision: str) -> None:
        arrays = store(random_model(config, 5), precision)
        places = write_weights(folder / WEIGHTS, arrays)
        for name, build in GRAPHS.items():
            (folder / name).write_bytes(build(config, places).SerializeToString())
        self.folder = folder
        self.config = config
        self.model: ImageGPT = restored_model(config, arrays)
        self.stateless = open_graph(folder / "igpt.onnx")
        self.rows = open_graph(folder / "igpt-rows.onnx")


@pytest.fixture(scope="module", params=[(PLAIN, "int8"), (BIASED, "int8"), (BIASED, "fp16")], ids=["plain", "biased", "fp16"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    config, precision = request.param
    return Built(tmp_path_factory.mktemp("graphs"), config, precision)


def inputs(built: Built, batch: int, given: int, new: int, **options: float) -> dict[str, np.ndarray]:
    """The first `batch` of a fixed set of requests."""
    random = np.random.default_rng(given)
    tokens = random.integers(0, built.config.colors, (8, given))
    feeds = plain_inputs(tokens[:batch], np.full((batch, new), -1))
    feeds["uniforms"] = np.random.default_rng(new + 1).random((8, new)).astype(np.float32)[:batch]
    for name, content in options.items():
        feeds[name][:] = content
    return feeds


@pytest.mark.parametrize(("given", "new"), [(0, 1), (0, ROW + 8), (1, 1), (40, 0), (PREFIX_CHUNK + 2, ROW + 1), (256, 0), (255, 1)])
def test_stateless_is_pytorch(built: Built, given: int, new: int) -> None:
    feeds = inputs(built, 2, given, new, temperature=0)
    samples, nll, prefix_nll, features = built.stateless.run(None, feeds)
    assert samples.shape == nll.shape == (2, new)
    for b in range(2):
        result = reference(built.model, np.concatenate([feeds["tokens"][b], samples[b]]), given)
        assert np.array_equal(result["logits"].argmax(-1).numpy()[given:], samples[b])
        assert np.allclose(result["nats"].numpy(), np.concatenate([prefix_nll[b], nll[b]]), atol=CLOSE)
        assert np.allclose(result["features"].numpy(), features[b], atol=CLOSE)


def test_no_positions_at_all(built: Built) -> None:
    samples, nll, prefix_nll, features = built.stateless.run(None, inputs(built, 3, 0, 0))
    assert samples.shape == nll.shape == prefix_nll.shape == (3, 0)
    assert features.shape == (3, built.config.layers + 1, built.config.width) and not features.any()


@pytest.mark.parametrize("options", [{}, {"top_k": 3, "top_p": 0.8, "temperature": 0.7}])
@pytest.mark.parametrize("given", [0, 1, 33])
def test_a_request_does_not_depend_on_its_batch(built: Built, given: int, options: dict[str, float]) -> None:
    everything = built.stateless.run(None, inputs(built, 8, given, 40, **options))
    for batch in (1, 2, 3, 5):
        for right, part in zip(everything, built.stateless.run(None, inputs(built, batch, given, 40, **options))):
            assert np.array_equal(right[:batch], part)


def test_options_are_per_sample(built: Built) -> None:
    plain = inputs(built, 3, 20, 40)
    mixed = {name: content.copy() for name, content in plain.items()}
    mixed["top_k"][1], mixed["top_p"][2], mixed["temperature"][2] = 1, 0.3, 0
    right, other = (built.stateless.run(["samples"], feeds)[0] for feeds in (plain, mixed))
    greedy = built.stateless.run(["samples"], {**plain, "temperature": np.zeros((3, 1), np.float32)})[0]
    assert np.array_equal(other[0], right[0])
    assert np.array_equal(other[1:], greedy[1:])


def test_forced_pixels(built: Built) -> None:
    feeds = inputs(built, 2, 10, 40)
    free, free_nll = built.stateless.run(["samples", "nll"], feeds)
    feeds["forced"] = np.where(np.arange(40) % 3 == 0, free, -1)
    again, again_nll = built.stateless.run(["samples", "nll"], feeds)
    assert np.array_equal(again, free) and np.array_equal(again_nll, free_nll)
    feeds["forced"][:, 5] = (free[:, 5] + 1) % built.config.colors
    changed, nll = built.stateless.run(["samples", "nll"], feeds)
    assert np.array_equal(changed[:, 5], feeds["forced"][:, 5])
    for b in range(2):
        result = reference(built.model, np.concatenate([feeds["tokens"][b], changed[b]]), 10)
        assert np.allclose(result["nats"][10:].numpy(), nll[b], atol=CLOSE)


def rule(logits: torch.Tensor, u: float, temperature: float, top_k: int, top_p: float) -> int:
    """The sampling rule as the contract says it, in double precision."""
    p = torch.softmax(logits.double() / temperature, 0)
    order = torch.argsort(p, descending=True, stable=True)
    kept = order[: top_k or len(p)]
    within = p[kept] / p[kept].sum()
    kept = kept[(within.cumsum(0) - within) < top_p] if top_p < 1 else kept
    allowed = torch.zeros_like(p)
    allowed[kept] = p[kept] / p[kept].sum()
    return int((allowed.cumsum(0) > u).nonzero()[0])


@pytest.mark.parametrize(("temperature", "top_k", "top_p"), [(1, 0, 1), (0.5, 0, 1), (2, 5, 1), (1, 0, 0.6), (1.5, 9, 0.7), (1, 999, 1e-6)])
def test_the_sampling_rule(built: Built, temperature: float, top_k: int, top_p: float) -> None:
    count = 50
    feeds = inputs(built, 1, 30, 1)
    feeds = {name: np.repeat(content, count, axis=0) for name, content in feeds.items()}
    uniforms = (np.arange(count) + 0.43) / count
    feeds["uniforms"] = uniforms.astype(np.float32)[:, None]
    feeds["temperature"][:], feeds["top_k"][:], feeds["top_p"][:] = temperature, top_k, top_p
    samples = built.stateless.run(["samples"], feeds)[0][:, 0]
    tokens = np.concatenate([feeds["tokens"][0], [0]])
    logits = reference(built.model, tokens, 30)["logits"][30]
    assert samples.tolist() == [rule(logits, u, temperature, top_k, top_p) for u in uniforms]


def test_uniforms_at_the_ends(built: Built) -> None:
    feeds = inputs(built, 2, 5, 1)
    feeds["uniforms"] = np.array([[0], [1 - 2**-24]], np.float32)
    samples = built.stateless.run(["samples"], feeds)[0]
    assert samples[0] == 0 and samples[1] == built.config.colors - 1


@pytest.fixture(scope="module")
def tied(tmp_path_factory: pytest.TempPathFactory) -> onnxruntime.InferenceSession:
    """A model in which all colours are equally likely."""
    model = random_model(PLAIN, 5)
    torch.nn.init.zeros_(model.head.weight)
    folder = tmp_path_factory.mktemp("tied")
    places = write_weights(folder / WEIGHTS, store(model))
    (folder / "igpt.onnx").write_bytes(GRAPHS["igpt.onnx"](PLAIN, places).SerializeToString())
    return open_graph(folder / "igpt.onnx")


def test_among_equals_the_lower_index_wins(tied: onnxruntime.InferenceSession) -> None:
    feeds = plain_inputs(np.zeros((1, 3), np.int64), np.full((1, 4), -1))
    feeds["uniforms"] = np.array([[0.1, 0.3, 0.5, 0.9]], np.float32)
    greedy = {**feeds, "temperature": np.zeros((1, 1), np.float32)}
    assert tied.run(["samples"], greedy)[0].tolist() == [[0, 0, 0, 0]]
    feeds["top_k"][:] = 4
    assert tied.run(["samples"], feeds)[0].tolist() == [[0, 1, 2, 3]]
    feeds["top_k"][:], feeds["top_p"][:] = 8, 0.5
    assert tied.run(["samples"], feeds)[0].tolist() == [[0, 1, 2, 3]]


def empty_caches(config: Config, batch: int) -> dict[str, np.ndarray]:
    head = config.width // config.heads
    caches = {}
    for n in range(config.layers):
        for name, samples in (("prefix", 1), ("own", batch), ("row", batch)):
            caches[f"{name}_keys.{n}"] = np.zeros((samples, config.heads, head, 0), np.float32)
            caches[f"{name}_values.{n}"] = np.zeros((samples, config.heads, 0, head), np.float32)
    return caches


def test_rows_give_what_stateless_gives(built: Built) -> None:
    """Prefix in two chunks, then rows: the caller's part of the work as an engine does it."""
    config, given, batch = built.config, 50, 2
    feeds = inputs(built, 1, given, 40, top_k=7, top_p=0.9, temperature=0.8)
    feeds = {name: np.repeat(content, batch, axis=0) for name, content in feeds.items()}
    feeds["uniforms"][1] = feeds["uniforms"][1][::-1]
    samples, nll, prefix_nll, features = built.stateless.run(None, feeds)

    names = [output.name for output in built.rows.get_outputs()]
    one = {name: feeds[name][:1] for name in ("temperature", "top_k", "top_p")}
    caches = empty_caches(config, 1)
    last, nats, sums = np.array([[-1]]), [], 0
    for start, end in ((0, 30), (30, given)):
        tokens = feeds["tokens"][:1, start:end]
        out = built.rows.run(None, {"forced": tokens[None], "uniforms": np.zeros((1, *tokens.shape), np.float32), "last": last, **one, **caches})
        result = dict(zip(names, out))
        nats.append(result["nll"][0, 0])
        sums = sums + result["state_sums"][0]
        last = tokens[:, -1:]
        append(caches, result, "prefix", config.layers)
    assert np.allclose(np.concatenate(nats), prefix_nll[0], atol=CLOSE)
    assert np.allclose(sums / given, features[0], atol=CLOSE)

    caches = {**empty_caches(config, batch), **{k: v for k, v in caches.items() if k.startswith("prefix")}}
    last = np.repeat(last, batch, axis=0)
    options = {name: feeds[name] for name in ("temperature", "top_k", "top_p")}
    made, made_nats = [], []
    for start, end in ((0, ROW), (ROW, 40)):
        column = slice(start, end)
        out = built.rows.run(
            None,
            {
                "forced": feeds["forced"][:, column].T[..., None],
                "uniforms": np.ascontiguousarray(feeds["uniforms"][:, column].T[..., None]),
                "last": last,
                **options,
                **caches,
            },
        )
        result = dict(zip(names, out))
        made.append(result["samples"][..., 0].T)
        made_nats.append(result["nll"][..., 0].T)
        last = made[-1][:, -1:]
        append(caches, result, "own", config.layers)
    assert np.array_equal(np.concatenate(made, axis=1), samples)
    assert np.allclose(np.concatenate(made_nats, axis=1), nll, atol=CLOSE)


def append(caches: dict[str, np.ndarray], result: dict[str, np.ndarray], name: str, layers: int) -> None:
    for n in range(layers):
        for kind, axis in (("keys", 3), ("values", 2)):
            key = f"{name}_{kind}.{n}"
            caches[key] = np.concatenate([caches[key], result[f"{kind}.{n}"]], axis=axis)


def test_weights_are_dequantised_once_outside_the_loops(built: Built) -> None:
    for name in GRAPHS:
        graph = onnx.load(built.folder / name, load_external_data=False).graph
        matrices = 4 * built.config.layers + 1
        kinds = [node.op_type for node in graph.node]
        assert kinds.count("DequantizeLinear") + kinds.count("Cast") >= matrices
        inner = [kind for node in graph.node for kind in inner_kinds(node)]
        assert inner.count("Gemm") == matrices
        assert not {"DequantizeLinear", "DynamicQuantizeMatMul", "MatMulNBits", "QuantizeLinear"} & set(inner)


def inner_kinds(node: onnx.NodeProto) -> list[str]:
    inner = [n for a in node.attribute if a.type == onnx.AttributeProto.GRAPH for n in a.g.node]
    return [kind for n in inner for kind in (n.op_type, *inner_kinds(n))]


def test_all_weights_are_external_and_in_one_file(built: Built) -> None:
    for name in GRAPHS:
        path = built.folder / name
        graph = onnx.load(path, load_external_data=False).graph
        for tensor in graph.initializer:
            assert {entry.key: entry.value for entry in tensor.external_data}["location"] == WEIGHTS
        assert path.stat().st_size < 100_000


def test_measured_nats_agree(built: Built) -> None:
    tokens = np.random.default_rng(0).integers(0, built.config.colors, (3, built.config.positions))
    by_graph = mean_nats(graph_nats(built.folder / "igpt.onnx"), tokens, batch=2)
    assert by_graph == pytest.approx(mean_nats(torch_nats(built.model), tokens), abs=CLOSE)


def test_the_rows_graph_shows_its_logits(built: Built, tmp_path: Path) -> None:
    write_logits_graph(tmp_path / "logits.onnx.gz", built.config, places_of(built.folder))
    (built.folder / "logits.onnx").write_bytes(gzip.decompress((tmp_path / "logits.onnx.gz").read_bytes()))
    session = open_graph(built.folder / "logits.onnx")
    config, width = built.config, built.config.width // built.config.heads
    tokens = np.random.default_rng(2).integers(0, config.colors, (2, 5))
    feeds = {
        "forced": tokens.T[:, :, None],
        "uniforms": np.zeros((5, 2, 1), np.float32),
        "last": np.full((2, 1), -1),
        "temperature": np.ones((2, 1), np.float32),
        "top_k": np.zeros((2, 1), np.int64),
        "top_p": np.ones((2, 1), np.float32),
    }
    for n in range(config.layers):
        for part, batch in (("prefix", 1), ("own", 2), ("row", 2)):
            feeds[f"{part}_keys.{n}"] = np.zeros((batch, config.heads, width, 0), np.float32)
            feeds[f"{part}_values.{n}"] = np.zeros((batch, config.heads, 0, width), np.float32)
    (logits,) = session.run(["logits"], feeds)
    assert logits.shape == (5, 2, 1, config.colors)
    for b in range(2):
        assert np.allclose(logits[:, b, 0], reference(built.model, tokens[b], 0)["logits"].numpy(), atol=2e-4)


@pytest.mark.parametrize("name", ["tiny", "biased"])
def test_the_committed_logits_graph_is_of_the_committed_weights(name: str, tmp_path: Path) -> None:
    write_logits_graph(tmp_path / "new.onnx.gz", read_bundle(COMMITTED / name).model.config, places_of(COMMITTED / name))
    assert same(tmp_path / "new.onnx.gz", COMMITTED / f"{name}-logits.onnx.gz")


def test_the_committed_shapes_are_those_of_the_program(tmp_path: Path) -> None:
    write_shapes(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(path.name for path in (COMMITTED / "shapes").iterdir())
    assert (tmp_path / "shapes.json").read_text() == (COMMITTED / "shapes" / "shapes.json").read_text()
    assert all(same(tmp_path / name, COMMITTED / "shapes" / name) for name in names if name.endswith(".gz"))


def same(left: Path, right: Path) -> bool:
    """Compressed, which another zlib may do in another way."""
    return gzip.decompress(left.read_bytes()) == gzip.decompress(right.read_bytes())
