"""A file for each flavour of autoencoder: its name is the kind that params.yaml names."""
