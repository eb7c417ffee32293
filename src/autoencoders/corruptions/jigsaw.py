"""Jigsaws, and what puts them together."""

import torch
from torch import Tensor, nn

from autoencoders.corruptions.base import Corruption
from autoencoders.errors import UserError


class Jigsaw(Corruption):
    """The image is cut into `grid` x `grid` tiles, shuffled by a permutation for each image.

    Tiles are numbered row by row; record[i, j] is the tile of image i that lands in place j, so the
    record has shape (count, grid * grid). Where the grid does not divide the image, the strip that
    remains at the right and at the bottom stays where it is.
    """

    record_name = "permutation"

    def __init__(
        self, height: int, width: int, device: torch.device | str = "cpu", *, grid: int
    ) -> None:
        if not 2 <= grid <= min(height, width):
            raise UserError(
                f"jigsaw grid is {grid}: expected 2 to {min(height, width)} "
                f"for images of {height}x{width} pixels"
            )
        self.grid = grid
        tile_height, tile_width = height // grid, width // grid
        row = torch.arange(height, device=device).unsqueeze(1)
        column = torch.arange(width, device=device).unsqueeze(0)
        self.pixel = (row * width + column).flatten()
        self.in_tile = ((row < grid * tile_height) & (column < grid * tile_width)).flatten()
        place = (row // tile_height) * grid + column // tile_width
        self.place = place.flatten().clamp(max=grid * grid - 1)
        self.offset = (row % tile_height * width + column % tile_width).flatten()
        number = torch.arange(grid * grid, device=device)
        self.corner = number // grid * tile_height * width + number % grid * tile_width

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.rand(count, self.grid * self.grid, generator=generator).argsort(dim=1)

    def table(self, record: Tensor) -> Tensor:
        source = self.corner[record][:, self.place] + self.offset
        return torch.where(self.in_tile, source, self.pixel)


class JigsawAligner(nn.Module):
    """Puts tiles back: in each place the mean of all tiles, weighted by a transformer.

    The transformer sees the tiles as a set (Vaswani et al., 2017, without positions), so it has
    to tell from what they show where they belong. The strips at the right and at the bottom that
    a jigsaw leaves in place, where its grid does not divide the image, are a token of their own.
    """

    WIDTH, HEADS, LAYERS = 128, 4, 2

    def __init__(self, image_shape: tuple[int, ...], *, grid: int) -> None:
        super().__init__()
        channels, height, width = image_shape
        self.grid = grid
        self.tile_shape = (channels, height // grid, width // grid)
        self.height, self.width = (grid * side for side in self.tile_shape[1:])
        tile_size = channels * (self.height // grid) * (self.width // grid)
        strip_size = channels * (height * width - self.height * self.width)
        self.embed_tile = nn.Sequential(
            nn.Linear(tile_size, 2 * self.WIDTH), nn.GELU(), nn.Linear(2 * self.WIDTH, self.WIDTH)
        )
        self.embed_strips = nn.Linear(strip_size, self.WIDTH) if strip_size else None
        layer = nn.TransformerEncoderLayer(
            self.WIDTH,
            self.HEADS,
            dim_feedforward=4 * self.WIDTH,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.transformer = nn.TransformerEncoder(
            layer, self.LAYERS, nn.LayerNorm(self.WIDTH), enable_nested_tensor=False
        )
        self.to_places = nn.Linear(self.WIDTH, grid * grid)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) to the estimates of their originals, of the same shape."""
        tiles = self.cut(images)
        tokens = self.embed_tile(tiles)
        right, bottom = images[:, :, : self.height, self.width :], images[:, :, self.height :]
        if self.embed_strips is not None:
            strips = torch.cat([right.flatten(1), bottom.flatten(1)], dim=1)
            tokens = torch.cat([tokens, self.embed_strips(strips).unsqueeze(1)], dim=1)
        tokens = self.transformer(tokens)[:, : tiles.shape[1]]
        # From (image, tile, place): for each place the probabilities of the tiles.
        weights = self.to_places(tokens).softmax(dim=1).transpose(1, 2)
        put_back = self.paste((weights @ tiles).to(images.dtype))
        return torch.cat([torch.cat([put_back, right], dim=3), bottom], dim=2)

    def cut(self, images: Tensor) -> Tensor:
        """The tiles of images (N, C, H, W), row by row: (N, grid * grid, numbers in a tile)."""
        region = images[:, :, : self.height, : self.width]
        cut = region.unflatten(3, (self.grid, -1)).unflatten(2, (self.grid, -1))
        return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)

    def paste(self, tiles: Tensor) -> Tensor:
        """The inverse of `cut`, without the strips."""
        apart = tiles.unflatten(2, self.tile_shape).unflatten(1, (self.grid, self.grid))
        return apart.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)
