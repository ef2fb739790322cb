"""EDM's U-Net (DDPM++) and VGG with batch normalization in PyTorch, with the published parameter names."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SKIP_SCALE = 0.5**0.5


def norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(min(32, channels // 4), channels, eps=1e-6)


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, embedding: int, resample: str, attention: bool) -> None:
        super().__init__()
        self.resample = resample
        self.norm0 = norm(inputs)
        self.conv0 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.affine = nn.Linear(embedding, outputs)
        self.norm1 = norm(outputs)
        self.conv1 = nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs or resample:
            self.skip = nn.Conv2d(inputs, outputs, 1)
        if attention:
            self.norm2 = norm(outputs)
            self.qkv = nn.Conv2d(outputs, 3 * outputs, 1)
            self.proj = nn.Conv2d(outputs, outputs, 1)

    def resize(self, x: Tensor) -> Tensor:
        if self.resample == "down":
            return F.avg_pool2d(x, 2)
        return F.interpolate(x, scale_factor=2.0, mode="nearest") if self.resample == "up" else x

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        h = self.conv0(self.resize(F.silu(self.norm0(x))))
        h = F.silu(self.norm1(h + self.affine(embedding)[:, :, None, None]))
        h = self.conv1(h)
        h = (h + (self.skip(self.resize(x)) if hasattr(self, "skip") else x)) * SKIP_SCALE
        if hasattr(self, "qkv"):
            n, c, height, width = h.shape
            q, k, v = self.qkv(self.norm2(h)).reshape(n, c, 3, height * width).unbind(2)
            weights = torch.einsum("ncq,nck->nqk", q, k / c**0.5).softmax(2)
            mixed = torch.einsum("nqk,nck->ncq", weights, v).reshape(h.shape)
            h = (self.proj(mixed) + h) * SKIP_SCALE
        return h


class SongUnet(nn.Module):
    def __init__(
        self, size: int, in_channels: int, channels: int, multipliers: list[int], blocks: int, attention_sizes: list[int]
    ) -> None:
        super().__init__()
        embedding = 4 * channels
        half = channels // 2
        self.register_buffer("frequencies", 1e-4 ** (torch.arange(half) / (half - 1)))
        self.map_layer0 = nn.Linear(channels, embedding)
        self.map_layer1 = nn.Linear(embedding, embedding)
        self.enc, self.dec = nn.ModuleDict(), nn.ModuleDict()
        self.joins: set[str] = set()
        width, skips = in_channels, []
        for level, multiplier in enumerate(multipliers):
            side = size >> level
            if level == 0:
                self.enc[f"{side}x{side}_conv"] = nn.Conv2d(width, channels, 3, padding=1)
                width = channels
            else:
                self.enc[f"{side}x{side}_down"] = Block(width, width, embedding, "down", False)
            skips.append(width)
            for i in range(blocks):
                attention = side in attention_sizes
                self.enc[f"{side}x{side}_block{i}"] = Block(width, multiplier * channels, embedding, "", attention)
                width = multiplier * channels
                skips.append(width)
        for level, multiplier in reversed(list(enumerate(multipliers))):
            side = size >> level
            if level == len(multipliers) - 1:
                self.dec[f"{side}x{side}_in0"] = Block(width, width, embedding, "", True)
                self.dec[f"{side}x{side}_in1"] = Block(width, width, embedding, "", False)
            else:
                self.dec[f"{side}x{side}_up"] = Block(width, width, embedding, "up", False)
            for i in range(blocks + 1):
                name = f"{side}x{side}_block{i}"
                attention = i == blocks and side in attention_sizes
                self.dec[name] = Block(width + skips.pop(), multiplier * channels, embedding, "", attention)
                self.joins.add(name)
                width = multiplier * channels
        self.dec[f"{size}x{size}_aux_norm"] = norm(width)
        self.dec[f"{size}x{size}_aux_conv"] = nn.Conv2d(width, in_channels, 3, padding=1)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        angles = c[:, None] * self.frequencies
        embedding = torch.cat([angles.sin(), angles.cos()], 1)
        embedding = F.silu(self.map_layer1(F.silu(self.map_layer0(embedding))))
        skips = []
        for part in self.enc.values():
            x = part(x, embedding) if isinstance(part, Block) else part(x)
            skips.append(x)
        for name, part in self.dec.items():
            if isinstance(part, Block):
                x = part(torch.cat([x, skips.pop()], 1) if name in self.joins else x, embedding)
            else:
                x = part(F.silu(x)) if isinstance(part, nn.Conv2d) else part(x)
        return x


class VggFeatures(nn.Module):
    """src/nn/vgg.ts with the running statistics; features: every pooling's output, then the labels."""

    def __init__(self, size: int, in_channels: int, blocks: list, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.blocks = []
        side, count = size, 0
        for block in blocks:
            if block == "M":
                self.blocks.append(None)
                side, count = side // 2, 0
                continue
            path = f"layers.{side}x{side}_block{count}"
            kernel = weights[f"{path}.conv.weight"].permute(3, 2, 0, 1).contiguous()
            statistics = [weights[f"statistics.{path}.bn.{name}"] for name in ("running_mean", "running_var")]
            affine = [weights[f"{path}.bn.{name}"] for name in ("weight", "bias")]
            self.blocks.append((kernel, weights[f"{path}.conv.bias"], *statistics, *affine))
            count += 1
        self.classifier = weights["layers.classifier.weight"].t().contiguous(), weights["layers.classifier.bias"]

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for block in self.blocks:
            if block is None:
                x = F.max_pool2d(x, 2)
                features.append(x)
            else:
                kernel, bias, *normalization = block
                x = F.relu(F.batch_norm(F.conv2d(x, kernel, bias, padding=1), *normalization))
        return [*features, F.linear(x.mean((2, 3)), *self.classifier)]
