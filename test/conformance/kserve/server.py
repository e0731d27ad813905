"""What it takes to serve `igpt.onnx` with KServe's own server: a model around onnxruntime. Usage: server.py GRAPH NAME PORT"""

import sys

import onnxruntime
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer

TYPES = {"int64": "INT64", "float32": "FP32"}


class Igpt(Model):
    def __init__(self, name: str, graph: str) -> None:
        super().__init__(name)
        self.session = onnxruntime.InferenceSession(graph)
        self.ready = True

    def predict(self, payload: InferRequest, headers: dict | None = None, response_headers: dict | None = None) -> InferResponse:
        arrays = {tensor.name: tensor.as_numpy() for tensor in payload.inputs}
        names = [output.name for output in self.session.get_outputs()]
        outputs = []
        for name, array in zip(names, self.session.run(names, arrays)):
            output = InferOutput(name, list(array.shape), TYPES[array.dtype.name])
            output.set_data_from_numpy(array, binary_data=False)
            outputs.append(output)
        return InferResponse(payload.id, self.name, outputs)


graph, name, port = sys.argv[1:]
ModelServer(http_port=int(port), enable_grpc=False, workers=1).start([Igpt(name, graph)])
