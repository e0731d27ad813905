"""What it takes to serve `igpt.onnx` with MLServer: a runtime around onnxruntime."""

from pathlib import Path

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class IgptRuntime(MLModel):
    async def load(self) -> bool:
        self.session = onnxruntime.InferenceSession(Path(self.settings.parameters.uri))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        arrays = {tensor.name: NumpyCodec.decode_input(tensor) for tensor in payload.inputs}
        names = [output.name for output in self.session.get_outputs()]
        results = self.session.run(names, arrays)
        outputs = [NumpyCodec.encode_output(name, array) for name, array in zip(names, results)]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)
