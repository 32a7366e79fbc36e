"""A page that runs a model in the browser: in `web/` what it is made of, in `onnxruntime_web/` what computes in it."""
