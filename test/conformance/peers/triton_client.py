"""NVIDIA's client against our origin: prints, as JSON, what it was answered in both forms. Usage: triton_client.py HOST:PORT VERSION"""

import json
import sys

import numpy as np
import tritonclient.http as triton

MODEL, ROWS, GIVEN, GENERATE = "igpt-base", 3, 40, 24
OUTPUTS = ("samples", "nll", "prefix_nll", "features")


def inputs(binary: bool) -> list[triton.InferInput]:
    random = np.random.default_rng(7)
    arrays = {
        "tokens": random.integers(0, 512, (ROWS, GIVEN)),
        "forced": np.full((ROWS, GENERATE), -1),
        "uniforms": random.random((ROWS, GENERATE), np.float32),
        "temperature": np.ones((ROWS, 1), np.float32),
        "top_k": np.zeros((ROWS, 1), np.int64),
        "top_p": np.ones((ROWS, 1), np.float32),
    }
    made = []
    for name, array in arrays.items():
        tensor = triton.InferInput(name, array.shape, "FP32" if array.dtype == np.float32 else "INT64")
        tensor.set_data_from_numpy(array, binary_data=binary)
        made.append(tensor)
    return made


def main() -> None:
    address, version = sys.argv[1:]
    client = triton.InferenceServerClient(address)
    answers, packed = [], []
    for binary in (True, False):
        wanted = [triton.InferRequestedOutput(name, binary_data=binary) for name in OUTPUTS]
        result = client.infer(MODEL, inputs(binary), model_version=version, outputs=wanted, request_id="a-request")
        answers.append({name: result.as_numpy(name).tolist() for name in OUTPUTS})
        response = result.get_response()
        for coding in ("gzip", "deflate"):
            packing = {"request_compression_algorithm": coding, "response_compression_algorithm": coding}
            result = client.infer(MODEL, inputs(binary), model_version=version, outputs=wanted, **packing)
            header = result.get_response()
            same = all(result.as_numpy(name).tolist() == answers[-1][name] for name in OUTPUTS)
            packed.append({"coding": coding, "version": header["model_version"], "same": same})
    try:
        client.infer(MODEL, inputs(True)[1:])
        refused = None
    except triton.InferenceServerException as error:
        refused = {"status": error.status(), "message": error.message()}
    report = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "modelReady": client.is_model_ready(MODEL, version),
        "otherReady": client.is_model_ready("other"),
        "server": client.get_server_metadata(),
        "model": client.get_model_metadata(MODEL),
        "id": response["id"],
        "version": response["model_version"],
        "binary": answers[0],
        "json": answers[1],
        "packed": packed,
        "refused": refused,
    }
    print(json.dumps(report))


main()
