"""How far reconstructions are from their originals, as docs/results.md tells it."""

from torch import Tensor

from autoencoders.measures.reconstruction import mse_per_image, psnr_from_mse, ssim_per_image


def mean_errors(images: Tensor, originals: Tensor) -> dict[str, float]:
    """The means over images in [0, 1] (N, C, H, W) of MSE, PSNR in dB and SSIM."""
    mse = mse_per_image(images, originals)
    found = {"mse": mse, "psnr": psnr_from_mse(mse), "ssim": ssim_per_image(images, originals)}
    return {name: float(values.mean()) for name, values in found.items()}
