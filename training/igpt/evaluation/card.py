"""A model's card: a text with placeholders, filled with what was measured."""

from __future__ import annotations

import math

from ..bundle.manifest import config_of
from ..bundle.weights import WEIGHTS
from ..model.flop import training_flop

SPACES = {
    "pixels": "whole picture, colour values (0-255)",
    "lowerHalf": "lower half, colour values (0-255)",
    "features": "embedding",
}
GROUPS = {"test": "test pictures", "unconditional": "samples from nothing", "completions": "completions of test pictures"}


class CardError(ValueError):
    """The card cannot be written; the message says what is missing."""


def facts(manifest: dict, measures: dict, probe: dict | None = None, sampling: dict | None = None) -> dict[str, str]:
    """Every placeholder's text."""
    for measured in (measures, probe, sampling):
        if measured and (manifest["id"], manifest["version"]) != (measured["model"], measured["version"]):
            raise CardError(f"the measures are of {measured['model']} version {measured['version']}, not of this bundle")
    architecture, made, published = manifest["architecture"], manifest["provenance"], manifest.get("metrics", {})
    layer = str(manifest["embeddingLayer"])
    return {
        "id": manifest["id"],
        "version": manifest["version"],
        "parameters": f"{manifest['parameters']:,}",
        **{name: f"{architecture[name]:,}" for name in ("layers", "width", "heads", "colors", "resolution")},
        "precision": manifest["precision"],
        "megabytes": f"{manifest['files'][WEIGHTS]['bytes'] / 1e6:.1f}",
        "testPictures": f"{measures['pictures']:,}",
        "palettePsnr": f"{measures['palettePsnr']:.2f}",
        "trained": made["trained"],
        "images": f"{made['images']:,}",
        "minutes": f"{made['seconds'] / 60:.0f}",
        "petaflop": f"{made['images'] * training_flop(config_of(manifest)) / 1e15:.1f}",
        "nats": f"{measures['nllPerPixel']:.3f}",
        "natsError": f"{measures['nllStandardError']:.3f}",
        "bits": f"{measures['nllPerPixel'] / math.log(2):.3f}",
        "natsLowerHalf": f"{measures['nllLowerHalf']:.3f}",
        "sourceTable": source_table(measures["bySource"]),
        "weightPictures": str(published.get("testPictures", "-")),
        "natsFloatWeights": number(published.get("testNllPerPixelFloat"), 4),
        "natsInt8Weights": number(published.get("testNllPerPixelTorch"), 4),
        "graphPictures": str(measures["graphPictures"]),
        "natsGraph": f"{measures['nllPerPixelGraph']:.4f}",
        "natsKernelSame": f"{measures['nllPerPixelOfGraphPictures']:.4f}",
        "embeddingLayer": layer,
        "probe": probe_text(probe, layer),
        "copying": copying_text(measures.get("copying")),
        "sampling": sampling_text(sampling),
    }


def source_table(sources: dict[str, dict]) -> str:
    """Nats by where the pictures are from."""
    rows = ["| source | pictures | nats per pixel | lower half given the upper |", "|---|---|---|---|"]
    for name, of in sources.items():
        rows.append(f"| {name} | {of['pictures']:,} | {of['nllPerPixel']:.3f} | {of['nllLowerHalf']:.3f} |")
    return "\n".join(rows)


def number(value: float | None, digits: int) -> str:
    return "not measured" if value is None else f"{value:.{digits}f}"


def share(value: float | None) -> str:
    return "not measured" if value is None else f"{100 * value:.1f}%"


def probe_text(measures: dict | None, layer: str) -> str:
    """What logistic regression on the features reaches on CIFAR-10's classes, or that it was not measured."""
    if measures is None:
        return "Its linear probe was not measured for this version."
    return (
        f"Logistic regression on it, CIFAR-10's classes ({measures['probePictures']:,} pictures to fit on, {measures['pictures']:,} others to score "
        f"on): {share(measures['probe'].get(layer))}. Raw pixels: {share(measures['probePixels'])}. precision@10: "
        f"{share(measures['precisionAt10'])}. By layer:\n\n{probe_table(measures['probe'])}"
    )


def copying_text(copying: dict | None) -> str:
    """How near samples are to training pictures, or that it was not measured."""
    if copying is None:
        return "Not measured for this version."
    crops = f" (the middle of each, and {copying['crops']} random crops of each that is larger than the model's)" if copying["crops"] else ""
    return (
        f"Distances to the nearest of {copying['trainPictures']:,} training pictures{crops}, mirrored ones included. A model that copies is nearer to them "
        f"than test pictures are. Relative distances are divided by the mean of the 50 nearest, for a plain picture is near to every other one:\n\n{copying_table(copying)}"
    )


def sampling_text(sampling: dict | None) -> str:
    """What temperature and top-p do, and which to use: those whose halves are as rough as photographs."""
    if sampling is None:
        return "Not measured for this version."
    rows = ["| temperature | top-p | nats per drawn pixel | roughness | difference between samples, levels |", "|---|---|---|---|---|"]
    best = min(sampling["rows"], key=lambda row: abs(row["roughness"] - 1))
    for row in sampling["rows"]:
        cells = [f"{row['temperature']:g}", f"{row['topP']:g}", f"{row['nats']:.2f}", f"{row['roughness']:.2f}", f"{row['different']:.0f}"]
        rows.append(f"| {' | '.join(f'**{cell}**' if row is best else cell for cell in cells)} |")
    photographs = sampling["rows"][0]["originalNats"]
    return (
        f"Temperature {best['temperature']:g} and top-p {best['topP']:g} come nearest to photographs. The photographs' own lower halves have {photographs:.2f} nats; "
        "roughness is how far neighbouring pixels differ, 1 = as in the photographs. Lower values make duller surfaces and samples that are more alike; the "
        "API's default stays 1 and 1, the model's own distribution.\n\n" + "\n".join(rows)
    )


def probe_table(probe: dict[str, float]) -> str:
    """Accuracy by layer, the best in bold."""
    best = max(probe.values(), default=None)
    cells = [f"**{share(value)}**" if value == best else share(value) for value in probe.values()]
    return "\n".join((f"| layer | {' | '.join(probe)} |", "|---" * (len(probe) + 1) + "|", f"| accuracy | {' | '.join(cells)} |"))


def copying_table(copying: dict) -> str:
    """Distance to the nearest training picture, by space and group."""
    rows = [
        "| distance in | of | nearest of all | 1% | 10% | median | below the test pictures' 1% | relative, least | relative, median | relatively below the test pictures' 1% |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for space, title in SPACES.items():
        for group, numbers in copying.get(space, {}).items():
            near, digits = numbers["nearest"], 3 if space == "features" else 1
            cells = [f"{near[quantile]:.{digits}f}" for quantile in ("0%", "1%", "10%", "50%")]
            below = share(numbers["nearerThanTest1Percent"])
            relative = " | ".join(f"{numbers['relative'][quantile]:.3f}" for quantile in ("0%", "50%"))
            rows.append(f"| {title} | {numbers['pictures']} {GROUPS[group]} | {' | '.join(cells)} | {below} | {relative} | {share(numbers['relativeBelowTest1Percent'])} |")
    return "\n".join(rows)


def write_card(text: str, values: dict[str, str]) -> str:
    """The text with its placeholders filled."""
    try:
        return text.format_map(values)
    except KeyError as error:
        raise CardError(f"the text names {error}, of which nothing is known") from error
