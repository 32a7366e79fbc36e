"""What audioft promises when things break, each promise tried many times.

    PYTHONPATH=tests python -m torture [--short] [ROW ...]

Every module has one or two rows of the table; a row is a function of a folder to work in and of how often to try. The
short numbers are those of the test suite, the long ones those of `make torture`.
"""
