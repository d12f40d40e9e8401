"""ONNX Runtime as all our small models run: one session, one thread, and nothing that spins beside other engines."""

from typing import Any


def session(model: str | bytes) -> Any:
    """An `onnxruntime.InferenceSession` of the model in a file, or in these bytes. Raises what ONNX Runtime does."""
    import onnxruntime  # noqa: PLC0415 -- loads native code; only who runs a model needs it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
