"""What PyTorch's forward pass says of given tokens, for every engine to be held against."""

from __future__ import annotations

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from ..bundle.measure import plain_inputs
from ..model.network import ImageGPT


@torch.no_grad()
def reference(model: ImageGPT, tokens: NDArray[np.int64], given: int) -> dict[str, torch.Tensor]:
    """By one forward pass over `tokens` [T], of which the first `given` are the prefix: logits [T, C], nats [T], and
    features [L + 1, D], the means over the prefix's positions of the normed states (zeros without any)."""
    states = model.hidden_states(torch.from_numpy(tokens)[None])
    logits = model.head(model.ln_f(states[-1]))[0]
    nats = -torch.log_softmax(logits, -1).gather(1, torch.from_numpy(tokens)[:, None])[:, 0]
    norms = [*(block.ln_1 for block in model.blocks), model.ln_f]
    rows = [norm(x)[0, :given] for norm, x in zip(norms, states)]
    features = torch.stack([row.sum(0) / max(given, 1) for row in rows])
    return {"logits": logits, "nats": nats, "features": features}


def greedy(
    model: ImageGPT, session: onnxruntime.InferenceSession, given: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], dict[str, torch.Tensor]]:
    """The likeliest colour at each of `count` positions after `given`, as PyTorch's forward pass has it.

    The graph drafts, one forward pass checks the whole draft, and what comes after the first difference is drafted
    again: the result is PyTorch's own, only without a forward pass a pixel.
    """
    start = len(given)
    tokens = np.concatenate([given, _draft(session, given, count)])
    while True:
        result = reference(model, tokens, start)
        likeliest = result["logits"].argmax(-1).numpy()
        differs = np.flatnonzero(likeliest[start:] != tokens[start:])
        if len(differs) == 0:
            return tokens[start:], result
        place = start + int(differs[0])
        right = np.concatenate([tokens[:place], likeliest[place : place + 1]])
        tokens = np.concatenate([right, _draft(session, right, start + count - place - 1)])


def _draft(session: onnxruntime.InferenceSession, given: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    inputs = plain_inputs(given[None], np.full((1, count), -1))
    inputs["temperature"][:] = 0
    return session.run(["samples"], inputs)[0][0]
