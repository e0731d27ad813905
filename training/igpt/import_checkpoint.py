"""Makes a bundle of an ImageGPT checkpoint in Hugging Face's form, such as openai/imagegpt-small.

    huggingface-cli download openai/imagegpt-small --local-dir imagegpt-small
    python -m igpt.import_checkpoint imagegpt-small --id imagegpt-small --version 1 --out ../r2-assets
"""

from __future__ import annotations

import argparse
from pathlib import Path

from . import bundle
from .data import cached_pictures, cached_tokens
from .export import measure, spread, write_bundle
from .huggingface import CheckpointError, read_checkpoint

EDGE_PARAMETERS = 100_000_000
"""Models up to this size are stored in int8, for the edge; larger ones in fp16, for an origin."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with config.json, preprocessor_config.json and the weights")
    parser.add_argument("--id", required=True, help="the model's name in the bucket")
    parser.add_argument("--version", default="1", help="a whole number, higher than those before it")
    parser.add_argument("--out", type=Path, required=True, help="folder that mirrors the bucket, such as ../r2-assets")
    parser.add_argument("--precision", choices=bundle.PRECISIONS, help="default: int8 up to 100M parameters, else fp16")
    parser.add_argument("--embedding-layer", type=int, help="the layer that embed uses by default; default: two thirds up")
    parser.add_argument("--data", type=Path, help="test pictures, folder or zip: measures what quantising costs")
    parser.add_argument("--test-pictures", type=int, default=50)
    parser.add_argument("--default", action="store_true", help="make it the bucket's default model")
    args = parser.parse_args()
    if not args.version.isdecimal() or args.version.startswith("0"):
        parser.error("--version is a whole number from 1")
    try:
        checkpoint = read_checkpoint(args.folder)
    except CheckpointError as error:
        parser.exit(1, f"{error}\n")
    model, palette = checkpoint.model, checkpoint.palette
    size = sum(p.numel() for p in model.parameters())

    def metrics(folder: Path) -> dict:
        if not args.data:
            return {}
        tokens = spread(cached_tokens(args.data, palette), args.test_pictures)
        return {**measure(folder, model, tokens), "palettePsnr": round(palette.psnr(cached_pictures(args.data).pixels), 3)}

    models = args.out / "models"
    manifest = write_bundle(
        models / args.id / args.version,
        model,
        palette,
        model_id=args.id,
        version=args.version,
        precision=args.precision or ("int8" if size <= EDGE_PARAMETERS else "fp16"),
        # iGPT-S embeds best at 16 of its 24 layers.
        embedding_layer=round(model.config.layers * 2 / 3) if args.embedding_layer is None else args.embedding_layer,
        metrics=metrics,
        provenance={"imported": f"Hugging Face ImageGPT checkpoint {args.folder.name}"},
    )
    bundle.add_to_index(models, args.id, args.version, default=args.default)
    print(f"{models / args.id / args.version}: {size:,} parameters, {manifest['precision']}")


if __name__ == "__main__":
    main()
