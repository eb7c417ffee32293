"""One file per flavour (ae, vae) and per architecture (conv); registry.py knows them all."""
