"""The autoencoder family on images: models, corruptions, training, generation and evaluation.

Nothing is imported here: each stage is a process of its own and pays only for what it uses.
"""
