"""Makes a bundle of an ImageGPT checkpoint in Hugging Face's form, such as openai/imagegpt-small.

    huggingface-cli download openai/imagegpt-small --local-dir imagegpt-small
    python -m igpt.import_checkpoint imagegpt-small --id imagegpt-small --version 1 --out ../r2-assets
"""

from __future__ import annotations

from pathlib import Path

from .cli.options import command_parser
from .cli.publish import add_publishing, bundle_folder, publish
from .importing.huggingface import CheckpointError, read_checkpoint

EDGE_PARAMETERS = 100_000_000
"""Models up to this size are stored in int8, for the edge; larger ones in fp16, for an origin."""


def main() -> None:
    parser = command_parser("import_checkpoint", __doc__)
    parser.add_argument("folder", type=Path, help="with config.json, preprocessor_config.json and the weights")
    add_publishing(parser, version="1", test_pictures=50, precision=None)
    args = parser.parse_args()
    try:
        checkpoint = read_checkpoint(args.folder)
    except CheckpointError as error:
        parser.exit(1, f"{error}\n")
    model = checkpoint.model
    size = sum(p.numel() for p in model.parameters())
    manifest = publish(
        args,
        model,
        checkpoint.palette,
        precision=args.precision or ("int8" if size <= EDGE_PARAMETERS else "fp16"),
        # iGPT-S embeds best at 16 of its 24 layers.
        embedding_layer=round(model.config.layers * 2 / 3) if args.embedding_layer is None else args.embedding_layer,
        provenance={"imported": f"Hugging Face ImageGPT checkpoint {args.folder.name}"},
    )
    print(f"{bundle_folder(args)}: {size:,} parameters, {manifest['precision']}")


if __name__ == "__main__":
    main()
