"""The parts of a report's page: each makes a piece of HTML out of plain values."""
