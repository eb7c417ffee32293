"""Measurements, by hand; none is a test."""

import stages  # noqa: F401  puts the package on the import path
