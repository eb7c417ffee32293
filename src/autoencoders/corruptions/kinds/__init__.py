"""A file for each kind of corruption: its name is the kind that params.yaml names."""
