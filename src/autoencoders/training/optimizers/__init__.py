"""A file for each optimiser: its name is the kind that params.yaml names."""
