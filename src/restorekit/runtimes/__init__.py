"""Networks for other programs: export to ONNX and torch.export, ONNX Runtime, OpenVINO."""

RUNTIMES = ("torch", "onnxruntime", "openvino")
