"""Models that `audioft export` wrote, run by onnxruntime; nothing here imports torch."""
