"""Publishes a checkpoint as a bundle: int8 weights, both graphs, and what quantising cost.

    python -m igpt.export --checkpoint ~/.cache/igpt-edge/runs/photos/checkpoint.pt --id igpt-base --version 1 \\
        --data test.zip --out ../r2-assets --golden ../test/golden
"""

from __future__ import annotations

import shutil
from pathlib import Path

from .cli.options import add, command_parser
from .cli.publish import add_publishing, bundle_folder, publish
from .model.checkpoint import load_checkpoint, load_model
from .reference.cases import shipped_cases
from .reference.golden import write_golden


def describe(contents: dict, trained: str | None = None) -> dict[str, object]:
    """A manifest's provenance: what the checkpoint says of its training."""
    base = contents.get("base")
    said = f"with igpt.train, going on from {base['bundle']}" if base else "from scratch with igpt.train"
    known = {name: contents[name] for name in ("images", "step", "seconds", "options", "data") if name in contents}
    return {"trained": trained or said, **known}


def main() -> None:
    parser = command_parser("export", __doc__)
    add(parser, "--checkpoint", required=True)
    add_publishing(parser, version=None, test_pictures=200, precision="int8")
    parser.add_argument("--temperature", type=float, help="recommended, as found by `npm run sampling`; with --top-p")
    parser.add_argument("--top-p", type=float, help="recommended; with --temperature")
    parser.add_argument("--trained", help="how the weights came about, for a checkpoint that does not say it itself")
    parser.add_argument("--golden", type=Path, help="write the shipped model's golden values into this folder too")
    parser.add_argument("--replace", action="store_true", help="remove a bundle of this version that was never published")
    args = parser.parse_args()
    if (args.temperature is None) != (args.top_p is None):
        parser.error("--temperature and --top-p go together")

    model, palette = load_model(args.checkpoint)
    provenance = describe(load_checkpoint(args.checkpoint), args.trained)
    folder = bundle_folder(args)
    if args.replace:
        shutil.rmtree(folder, ignore_errors=True)
    manifest = publish(
        args,
        model,
        palette,
        precision=args.precision,
        embedding_layer=args.embedding_layer,
        provenance=provenance,
        sampling={"temperature": args.temperature, "topP": args.top_p} if args.top_p else None,
    )
    if args.golden:
        write_golden(args.golden, "shipped", folder, shipped_cases(palette), model)
    print(f"{folder}: {manifest['parameters']:,} parameters, {manifest['metrics']}")


if __name__ == "__main__":
    main()
