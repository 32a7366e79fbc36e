"""Speakers, or individuals of any kind, enrolled, identified and verified."""
