"""The benchmark's networks in PyTorch: the same architectures, parameter names and initial weights as ours."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Mlp(nn.Module):
    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = F.silu(layer(x))
        return self.layers[-1](x)


def time_embedding(c: Tensor, frequencies: Tensor) -> Tensor:
    angles = c[:, None] * frequencies
    return torch.cat([torch.cos(angles), torch.sin(angles)], 1)


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, embedding: int, groups: int) -> None:
        super().__init__()
        self.norm0 = nn.GroupNorm(groups, inputs)
        self.conv0 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time = nn.Linear(embedding, outputs)
        self.norm1 = nn.GroupNorm(groups, outputs)
        self.conv1 = nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.skip = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.conv0(F.silu(self.norm0(x)))
        h = h + self.time(time)[:, :, None, None]
        h = self.conv1(F.silu(self.norm1(h)))
        return (self.skip(x) if hasattr(self, "skip") else x) + h


class Level(nn.Module):
    def __init__(self, below: int, width: int, embedding: int, blocks: int, groups: int) -> None:
        super().__init__()
        self.up = nn.Conv2d(below, width, 3, padding=1)
        self.blocks = nn.ModuleList(Block(2 * width, width, embedding, groups) for _ in range(blocks))


class Unet(nn.Module):
    """src/nn/unet.ts without attention."""

    def __init__(self, in_channels: int, channels: int, multipliers: list[int], blocks: int, groups: int) -> None:
        super().__init__()
        widths = [m * channels for m in multipliers]
        embedding = 2 * channels
        half = channels // 2
        frequencies = 0.25 * 32 ** (torch.arange(half, dtype=torch.float32) / max(1, half - 1))
        self.register_buffer("frequencies", frequencies)
        self.time0 = nn.Linear(channels, embedding)
        self.time1 = nn.Linear(embedding, embedding)
        self.input = nn.Conv2d(in_channels, channels, 3, padding=1)
        before = [channels, *widths[:-1]]
        self.encoder = nn.ModuleList(
            nn.ModuleList(Block(b if i == 0 else w, w, embedding, groups) for i in range(blocks))
            for b, w in zip(before, widths)
        )
        self.middle = Block(widths[-1], widths[-1], embedding, groups)
        self.decoder = nn.ModuleList(
            Level(below, w, embedding, blocks, groups) for w, below in zip(widths, widths[1:])
        )
        self.norm = nn.GroupNorm(groups, widths[0])
        self.output = nn.Conv2d(widths[0], in_channels, 3, padding=1)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        time = time_embedding(c, self.frequencies)
        time = F.silu(self.time1(F.silu(self.time0(time))))
        h = self.input(x)
        skips = []
        for i, level in enumerate(self.encoder):
            if i > 0:
                h = F.avg_pool2d(h, 2)
            for block in level:
                h = block(h, time)
                skips.append(h)
        h = self.middle(h, time)
        # The lowest level has no decoder, and its skips no use.
        skips = skips[: len(skips) - len(self.encoder[-1])]
        for level in reversed(self.decoder):
            h = level.up(F.interpolate(h, scale_factor=2.0, mode="nearest"))
            for block in level.blocks:
                h = block(torch.cat([h, skips.pop()], 1), time)
        return self.output(F.silu(self.norm(h)))


class Denoiser(nn.Module):
    """EDM preconditioning (2206.00364, table 1)."""

    def __init__(self, network: nn.Module, sigma_data: float) -> None:
        super().__init__()
        self.network = network
        self.sigma_data = sigma_data

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        s = self.sigma_data
        total = t.square() + s * s
        inverse = total.rsqrt()
        noise = t.clamp(min=1e-5).log() * 0.25
        prediction = self.network(x * per_example(inverse), noise)
        return x * per_example(s * s / total) + prediction * per_example(t * s * inverse)


class ConvFeatures(nn.Module):
    """src/nn/features.ts, stages and labels."""

    def __init__(self, size: int, in_channels: int, labels: int, channels: list[int]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.ModuleDict({"conv": nn.Conv2d(a, b, 3, padding=1)})
            for a, b in zip([in_channels, *channels], channels)
        )
        side = size // 2 ** len(channels)
        self.labels = nn.Linear(side * side * channels[-1], labels)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            x = F.avg_pool2d(F.silu(stage["conv"](x)), 2)
            features.append(x)
        # Our features are NHWC.
        return [*features, self.labels(x.permute(0, 2, 3, 1).flatten(1))]


def per_example(vector: Tensor) -> Tensor:
    return vector[:, None, None, None]


def feature_distance(a: list[Tensor], b: list[Tensor], epsilon: float = 1e-5) -> Tensor:
    """MFD (2510.00658), per example."""
    total = torch.zeros(())
    for x, y in zip(a, b):
        squares = (x - y).square()
        summed = squares.sum((2, 3)) if squares.ndim == 4 else squares
        total = total + ((summed + epsilon**2).sqrt() - epsilon).sum(1)
    return total


def load(module: nn.Module, weights: dict[str, Tensor]) -> nn.Module:
    """Takes our weights: linear [in, out] and convolution HWIO turn into PyTorch's order. Every name must fit."""
    turned = {
        name: w.t() if w.ndim == 2 else w.permute(3, 2, 0, 1) if w.ndim == 4 else w for name, w in weights.items()
    }
    with torch.no_grad():
        parameters = dict(module.named_parameters())
        if parameters.keys() != turned.keys():
            raise ValueError(f"different parameters: {sorted(parameters.keys() ^ turned.keys())}")
        for name, parameter in parameters.items():
            if parameter.shape != turned[name].shape:
                raise ValueError(f"{name} is {tuple(parameter.shape)}, not {tuple(turned[name].shape)}")
            parameter.copy_(turned[name])
    return module
