"""The measures of a model as one dict, from what engines wrote into the sets' folders."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from ..bundle.measure import graph_nats
from ..data.choose import spread
from ..data.palette import Palette
from ..model.nats import mean_nats
from .baselines import previous_pixel_loss, unigram_loss
from .copying import Space, feature_space, pixel_space
from .measures import Probe, halves, linear_probe, precision_at
from .pictureset import PictureSet, read_palette
from .samples import compared_groups, read_queries
from .trained import FACTS as TRAINED
from .trained import Trained

KERNEL = "kernel"
PIXEL_PICTURES = 10_000
"""The probe of raw pixels is only there for scale, and has twelve times as many weights."""


@dataclass(frozen=True)
class Work:
    """Where an evaluation's parts lie. `engine` computed the features that probes are fitted on and queries are of."""

    bundle: Path
    test: PictureSet
    train: PictureSet | None
    trained: Trained | None
    completed: PictureSet | None
    queries: PictureSet | None
    samples: Path
    engine: str

    @staticmethod
    def open(bundle: Path, folder: Path, engine: str) -> Work:
        def optional(name: str) -> PictureSet | None:
            return PictureSet.read(folder / name) if (folder / name / "set.json").exists() else None

        return Work(
            bundle,
            PictureSet.read(folder / "test"),
            optional("train"),
            Trained.read(folder / "trained") if (folder / "trained" / TRAINED).exists() else None,
            optional("completed"),
            optional("queries"),
            folder / "samples",
            engine,
        )


def report(work: Work, graph_pictures: int) -> tuple[dict, dict[str, tuple[str, Space]]]:
    """The measures (docs/evaluate.md says what each of them is), and the distances to training pictures by space."""
    manifest, palette = read_palette(work.bundle)
    test, nll = work.test, work.test.nll(KERNEL)
    chosen = spread(np.arange(len(nll)), graph_pictures)
    probes = measure_probes(work, palette)
    layer = manifest["embeddingLayer"]
    features = test.features(KERNEL)
    best = probes.pop("best")
    spaces = measure_copying(work, palette, layer)
    measures = {
        "model": manifest["id"],
        "version": manifest["version"],
        "pictures": len(nll),
        "palettePsnr": test.facts["palettePsnr"],
        "nllPerPixel": float(nll.mean(dtype=np.float64)),
        "nllStandardError": float(nll.std(dtype=np.float64) / len(nll) ** 0.5),
        "nllLowerHalf": float(test.lower_nll(KERNEL).mean(dtype=np.float64)),
        "bySource": by_source(test),
        **float_nats(test),
        "graphPictures": len(chosen),
        "nllPerPixelGraph": mean_nats(graph_nats(work.bundle / "igpt.onnx"), test.tokens[chosen]),
        "nllPerPixelOfGraphPictures": float(nll[chosen].mean(dtype=np.float64)),
        **baselines(work, palette),
        **probes,
        "bestLayer": best,
        "embeddingLayer": layer,
        "precisionAt10": precision_at(10, features[:, layer], test.labels),
        "precisionAt10BestLayer": None if best is None else precision_at(10, features[:, best], test.labels),
    }
    if spaces:
        compared = compared_with(work)
        measures["copying"] = {
            "trainPictures": compared.pictures,
            "crops": compared.crops,
            **{name: space.summary() for name, (_, space) in spaces.items()},
        }
    return measures, spaces


def by_source(test: PictureSet) -> dict[str, dict[str, float]]:
    """Pictures and their nats by the outermost folder that they came in."""
    nll, lower = test.nll(KERNEL).astype(np.float64), test.lower_nll(KERNEL).astype(np.float64)
    return {
        str(source): {
            "pictures": int((test.sources == source).sum()),
            "nllPerPixel": float(nll[test.sources == source].mean()),
            "nllLowerHalf": float(lower[test.sources == source].mean()),
        }
        for source in np.unique(test.sources)
    }


def said(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def float_nats(test: PictureSet) -> dict:
    """The loss of the float weights on the same pictures; None without them (a bundle holds int8 only)."""
    if not (test.folder / "float" / "nll.bin").exists():
        return {"nllPerPixelFloat": None}
    nll = test.nll("float")
    return {"nllPerPixelFloat": float(nll.mean(dtype=np.float64))}


def baselines(work: Work, palette: Palette) -> dict:
    """What counts of colours in the train pictures reach on the test pictures; the second without the first pixel."""
    if work.train is None:
        return {}
    train, test, colors = work.train.tokens, work.test.tokens, len(palette.rgb)
    return {
        "nllPerPixelUnigram": unigram_loss(train, test, colors),
        "nllPerPixelPreviousPixel": previous_pixel_loss(train, test, colors),
    }


@dataclass(frozen=True)
class Labelled:
    """Pictures with their classes: features [N, layers + 1, width], tokens [N, T], labels [N]."""

    features: NDArray[np.float32]
    tokens: NDArray[np.uint16]
    labels: NDArray[np.int64]

    def take(self, chosen: NDArray[np.int64]) -> Labelled:
        return Labelled(self.features[chosen], self.tokens[chosen], self.labels[chosen])

    def pixels(self, palette: Palette) -> NDArray[np.float32]:
        """Colour values of the pictures as the model sees them, [N, T * 3] in 0..1."""
        return (palette.decode(self.tokens).astype(np.float32) / 255).reshape(len(self.tokens), -1)


def probe_sets(work: Work) -> tuple[Labelled, Labelled]:
    """What probes are fitted on and what they are scored on: the train and test pictures, or without the first half of
    each class and the other half."""
    test = Labelled(work.test.features(KERNEL), work.test.tokens, work.test.labels)
    if work.train is None:
        first, second = halves(test.labels)
        return test.take(first), test.take(second)
    by_name = {name: number for number, name in enumerate(work.train.classes)}
    # A class's number is its place among its own set's classes; one that was not trained on is never right.
    renamed = np.array([by_name.get(name, -1 - number) for number, name in enumerate(work.test.classes)])
    train = Labelled(work.train.features(work.engine), work.train.tokens, work.train.labels)
    return train, Labelled(test.features, test.tokens, renamed[test.labels])


def measure_probes(work: Work, palette: Palette) -> dict:
    """Probes by layer and of raw pixels."""
    fit, score = probe_sets(work)
    out = {"probePictures": len(fit.labels), "probeEngine": KERNEL if work.train is None else work.engine}
    if len(np.unique(fit.labels)) < 2:
        said("The pictures to fit on are of one class: no probe.")
        return {**out, "probe": {}, "probePixels": None, "best": None}
    few = fit.take(spread(np.arange(len(fit.labels)), PIXEL_PICTURES))

    def calls() -> Iterator:
        for layer in range(fit.features.shape[1]):
            yield delayed(linear_probe)(fit.features[:, layer], fit.labels, score.features[:, layer], score.labels)
        yield delayed(linear_probe)(few.pixels(palette), few.labels, score.pixels(palette), score.labels)

    # A probe runs on one thread, so there are as many at a time as cores.
    probes: list[Probe] = []
    for number, probe in enumerate(Parallel(n_jobs=-1, return_as="generator")(calls())):
        what = f"layer {number}" if number < fit.features.shape[1] else f"raw pixels, fitted on {len(few.labels)}"
        said(f"{what}: {100 * probe.accuracy:.2f}% of {len(score.labels)}, C = {probe.strength}")
        probes.append(probe)
    *layers, pixels = probes
    return {
        **out,
        "probe": {str(layer): probe.accuracy for layer, probe in enumerate(layers)},
        "probeStrength": {str(layer): probe.strength for layer, probe in enumerate(layers)},
        "probePixels": pixels.accuracy,
        "probePixelsPictures": len(few.labels),
        "best": max(range(len(layers)), key=lambda layer: layers[layer].accuracy),
    }


def compared_with(work: Work) -> Trained:
    """What samples are held against: the pictures that the model was trained on, else those that the probe was fitted on."""
    if work.trained is not None:
        return work.trained
    tokens = work.train.tokens if work.train else np.empty((0, work.test.tokens.shape[1]), np.uint16)
    return Trained(tokens, len(tokens), 0)


def measure_copying(work: Work, palette: Palette, layer: int) -> dict[str, tuple[str, Space]]:
    """Name -> (unit, distances) by space; empty without samples or without training pictures. Embeddings only where they are
    compared with the pictures of the probe, which have some."""
    compared = compared_with(work)
    if work.completed is None or compared.pictures == 0:
        return {}
    said("Comparing with training pictures ...")
    groups = compared_groups(work.completed, work.samples)
    halves_only = {name: groups[name] for name in ("test", "completions")}
    spaces = {
        "pixels": ("RMS difference, colour values", pixel_space(groups, compared.tokens, palette)),
        "lowerHalf": ("RMS difference, colour values", pixel_space(halves_only, compared.tokens, palette, lower_half=True)),
    }
    if work.trained is None and work.train is not None and work.queries is not None:
        queries, features = read_queries(work.queries, work.engine, layer), work.train.features(work.engine)[:, layer]
        spaces["features"] = (f"distance of embeddings (layer {layer})", feature_space(queries, features))
    return spaces
