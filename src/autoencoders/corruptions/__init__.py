"""Corruptions of the input, a file for each in kinds/, and what undoes them."""
