"""Recordings as samples: `io` reads and writes them, `windows` cuts long ones, `dsp` works on tensors.

Nothing is imported here, so that a program that only lists files does not load a decoder.
"""
