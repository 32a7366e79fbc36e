"""audioft beside transformers' own Trainer and pipeline: the same model, the same recordings, the same epochs.

PYTHONPATH=tests/benchmarks python -m against_transformers [ROW ...] [--quick] [--data DIR] [--out FILE.json]

`settings.py` says what is compared and with which settings, `opponent.py` is all that is run of transformers.
"""
