"""What the server answered (client.py's files), held against the plain PyTorch model in float32: prints, as JSON, of each model the
largest differences of nats and features, and the KL divergence of one whole distribution. Usage: reference.py FOLDER BUNDLE...,
where a bundle is .../MODEL/VERSION."""

import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "training"))

from igpt.bundle.manifest import read_bundle  # noqa: E402

torch.set_num_threads(1)


@torch.inference_mode()
def compare(bundle: Path, file: Path) -> dict:
    model = read_bundle(bundle).model.float().eval()
    norms = [*(block.ln_1 for block in model.blocks), model.ln_f]
    answers = np.load(file)
    cases = sorted({name.split(".")[0] for name in answers})
    worst = {"nats": 0.0, "prefixNats": 0.0, "features": 0.0}
    forced_kept = True

    def differ(key: str, ours: np.ndarray, right: np.ndarray) -> None:
        assert ours.shape == right.shape, (key, ours.shape, right.shape)
        if ours.size:
            worst[key] = max(worst[key], float(np.abs(ours - right).max()))

    for case in cases:
        tokens, forced, samples, nll, prefix_nll, features = (
            answers[f"{case}.{key}"] for key in ("tokens", "forced", "samples", "nll", "prefix_nll", "features")
        )
        forced_kept &= bool(np.all((forced < 0) | (forced == samples)))
        if case.startswith("spread"):
            continue
        given = tokens.shape[1]
        whole = torch.from_numpy(np.concatenate((tokens, samples), axis=1))
        logits = model(whole)
        nats = -logits.log_softmax(-1).gather(-1, whole.unsqueeze(-1)).squeeze(-1).numpy()
        differ("prefixNats", prefix_nll, nats[:, :given])
        differ("nats", nll, nats[:, given:])
        if given:
            states = model.hidden_states(torch.from_numpy(tokens))
            means = torch.stack([norm(state).mean(1) for norm, state in zip(norms, states)], dim=1)
            differ("features", features, means.numpy())

    parts = sorted((case for case in cases if case.startswith("spread")), key=lambda case: int(case.split("-")[1]))
    log_p = torch.from_numpy(-np.concatenate([answers[f"{case}.nll"][:, 0] for case in parts])).double()
    given = torch.from_numpy(answers[f"{parts[0]}.tokens"][:1])
    # Of the position after the given ones: its input is the last of them.
    right = model(torch.cat((given, given[:, :1]), dim=1))[0, -1].double().log_softmax(-1)
    return {
        **worst,
        "kl": float((right.exp() * (right - log_p)).sum()),
        "mass": float(log_p.exp().sum()),
        "forcedKept": forced_kept,
        "cases": cases,
    }


folder, *bundles = map(Path, sys.argv[1:])
print(json.dumps({bundle.parent.name: compare(bundle, folder / f"{bundle.parent.name}.npz") for bundle in bundles}))
