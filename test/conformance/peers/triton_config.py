"""Reads a config.pbtxt as Triton does: with the schema of its model configurations, which refuses what it does not know.
Prints it as JSON. Usage: triton_config.py FILE"""

import sys
from pathlib import Path

from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

config = text_format.Parse(Path(sys.argv[1]).read_text(), ModelConfig())
print(json_format.MessageToJson(config, preserving_proto_field_name=True))
