"""Export to ONNX and torch.export, and running networks in ONNX Runtime and OpenVINO."""

RUNTIMES = ("torch", "onnxruntime", "openvino")
