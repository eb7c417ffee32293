"""The architectures: name -> encoder and decoder.

An encoder is built from (image_shape, code_size, channels) and maps images to codes; a decoder is
built from (image_shape, latent_dim, channels) and maps codes to images in [0, 1].
"""

from torch import nn

from autoencoders.nets.conv import ConvDecoder, ConvEncoder

ARCHITECTURES: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "conv": (ConvEncoder, ConvDecoder),
}
