"""NVIDIA's client against the server: the same requests over HTTP and gRPC, and wrong ones, to each of some models. Prints what
came of them as JSON, by model, and leaves the tensors in FOLDER/MODEL.npz for reference.py.
Usage: client.py HTTP_PORT GRPC_PORT FOLDER MODEL:POSITIONS..."""

import json
import sys

import numpy as np
import tritonclient.grpc as grpc
import tritonclient.http as http

COLORS = 512
OUTPUTS = ("samples", "nll", "prefix_nll", "features")
TYPES = {"float32": "FP32", "int64": "INT64", "int32": "INT32", "float64": "FP64"}


def request(rows: int, given: int, generate: int, seed: int = 0, **changes) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    arrays = {
        "tokens": random.integers(0, COLORS, (rows, given)),
        "forced": np.full((rows, generate), -1),
        "uniforms": random.random((rows, generate), np.float32),
        "temperature": np.ones((rows, 1), np.float32),
        "top_k": np.zeros((rows, 1), np.int64),
        "top_p": np.ones((rows, 1), np.float32),
    }
    return {**arrays, **changes}


def tensors(triton, arrays: dict[str, np.ndarray]) -> list:
    made = []
    for name, array in arrays.items():
        tensor = triton.InferInput(name, array.shape, TYPES[array.dtype.name])
        tensor.set_data_from_numpy(array)
        made.append(tensor)
    return made


# Of one distribution: each colour forced at one position.
GIVEN = 100
SPREAD = [request(64, GIVEN, 1, 3, forced=np.arange(at, at + 64)[:, None]) for at in range(0, COLORS, 64)]
for part in SPREAD:
    part["tokens"] = np.repeat(part["tokens"][:1], 64, axis=0)
RIGHT = {
    **{f"spread-{i}": part for i, part in enumerate(SPREAD)},
    "drawn": request(4, 40, 24, 1),
    "warm": request(2, 7, 9, 2, temperature=np.full((2, 1), 0.8, np.float32), top_k=np.full((2, 1), 50)),
    "from-nothing": request(3, 0, 12, 3),
    "forced": request(2, 100, 60, 5, forced=np.random.default_rng(6).integers(0, COLORS, (2, 60))),
}
SHORT = dict(rows=2, given=3, generate=4)
WRONG = {
    "token": request(**SHORT, tokens=np.full((2, 3), COLORS)),
    "forced": request(**SHORT, forced=np.full((2, 4), -2)),
    "nan": request(**SHORT, uniforms=np.full((2, 4), np.nan, np.float32)),
    "top-p": request(**SHORT, top_p=np.zeros((2, 1), np.float32)),
    "temperature": request(**SHORT, temperature=np.full((2, 1), np.inf, np.float32)),
    "length": request(**SHORT, uniforms=np.zeros((2, 5), np.float32)),
    "dtype": request(**SHORT, tokens=np.zeros((2, 3), np.int32)),
    "rows": request(**SHORT, top_k=np.zeros((1, 1), np.int64)),
    "dimensions": request(**SHORT, top_k=np.zeros((2, 2), np.int64)),
    "missing": {name: array for name, array in request(**SHORT).items() if name != "uniforms"},
}


def refusal(triton, client, model: str, arrays: dict[str, np.ndarray]) -> list[str]:
    try:
        client.infer(model, tensors(triton, arrays))
    except (http.InferenceServerException, grpc.InferenceServerException) as error:
        return [str(error.status()), error.message()]
    return ["", "was accepted"]


def answers(clients, model: str, positions: int, file: str) -> dict:
    kept: dict[str, np.ndarray] = {}
    same = True
    for name, arrays in {**RIGHT, "read": request(1, positions, 0, 4)}.items():
        results = [client.infer(model, tensors(triton, arrays)) for triton, client in clients]
        for output in OUTPUTS:
            first, second = (result.as_numpy(output) for result in results)
            same = same and np.array_equal(first, second)
            kept[f"{name}.{output}"] = first
        kept.update({f"{name}.{key}": arrays[key] for key in ("tokens", "forced")})
    np.savez(file, **kept)
    wrong = {**WRONG, "positions": request(2, positions, 1)}
    refused = {name: [refusal(triton, client, model, arrays) for triton, client in clients] for name, arrays in wrong.items()}
    return {"sameOverBoth": bool(same), "refused": refused}


def main() -> None:
    http_port, grpc_port, folder, *models = sys.argv[1:]
    clients = [
        (http, http.InferenceServerClient(f"127.0.0.1:{http_port}", connection_timeout=300, network_timeout=300)),
        (grpc, grpc.InferenceServerClient(f"127.0.0.1:{grpc_port}")),
    ]
    named = (model.split(":") for model in models)
    print(json.dumps({model: answers(clients, model, int(positions), f"{folder}/{model}.npz") for model, positions in named}))


main()
