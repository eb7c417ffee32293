"""A file for each network, an encoder and a decoder: its name is the kind in params.yaml."""
