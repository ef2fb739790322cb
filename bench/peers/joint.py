"""SD3's joint-attention transformer with soft tokens in PyTorch, with diffusers' parameter names."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def position_table(side: int, width: int) -> Tensor:
    count = width // 4
    frequencies = 1 / 10000 ** (torch.arange(count, dtype=torch.float64) / count)
    angles = torch.arange(side, dtype=torch.float64)[:, None] * frequencies
    waves = torch.cat([angles.sin(), angles.cos()], 1)
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return torch.cat([waves[columns.flatten()], waves[rows.flatten()]], 1).float()


def modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale[:, None]) + shift[:, None]


class Mlp(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(inputs, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear_2(F.silu(self.linear_1(x)))


class Modulation(nn.Module):
    def __init__(self, width: int, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.linear = nn.Linear(width, parts * width)

    def forward(self, activated: Tensor) -> tuple[Tensor, ...]:
        return self.linear(activated).chunk(self.parts, 1)


class Projection(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 4 * width)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.proj(x), approximate="tanh")


class FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.ModuleList([Projection(width), nn.Identity(), nn.Linear(4 * width, width)])

    def forward(self, x: Tensor) -> Tensor:
        return self.net[2](self.net[0](x))


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, last: bool) -> None:
        super().__init__()
        self.heads = heads
        for name in ("to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj"):
            setattr(self, name, nn.Linear(width, width))
        self.to_out = nn.ModuleList([nn.Linear(width, width)])
        if not last:
            self.to_add_out = nn.Linear(width, width)

    def forward(self, image: Tensor, text: Tensor) -> tuple[Tensor, Tensor | None]:
        def split(x: Tensor) -> Tensor:
            return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

        last = not hasattr(self, "to_add_out")
        q = self.to_q(image) if last else torch.cat([self.to_q(image), self.add_q_proj(text)], 1)
        k = torch.cat([self.to_k(image), self.add_k_proj(text)], 1)
        v = torch.cat([self.to_v(image), self.add_v_proj(text)], 1)
        mixed = F.scaled_dot_product_attention(split(q), split(k), split(v)).transpose(1, 2).flatten(2)
        patches = image.shape[1]
        return self.to_out[0](mixed[:, :patches]), None if last else self.to_add_out(mixed[:, patches:])


class Block(nn.Module):
    def __init__(self, width: int, heads: int, last: bool) -> None:
        super().__init__()
        self.last = last
        self.norm1 = Modulation(width, 6)
        self.norm1_context = Modulation(width, 2 if last else 6)
        self.attn = Attention(width, heads, last)
        self.ff = FeedForward(width)
        if not last:
            self.ff_context = FeedForward(width)

    def forward(self, image: Tensor, text: Tensor, activated: Tensor) -> tuple[Tensor, Tensor]:
        shift, scale, gate, shift_mlp, scale_mlp, gate_mlp = self.norm1(activated)
        context = self.norm1_context(activated)
        text_shift, text_scale = (context[1], context[0]) if self.last else context[:2]
        a, b = self.attn(modulated(image, shift, scale), modulated(text, text_shift, text_scale))
        image = image + gate[:, None] * a
        image = image + gate_mlp[:, None] * self.ff(modulated(image, shift_mlp, scale_mlp))
        if not self.last:
            text = text + context[2][:, None] * b
            text = text + context[5][:, None] * self.ff_context(modulated(text, context[3], context[4]))
        return image, text


class Patches(nn.Module):
    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, 2, stride=2)


class JointTransformer(nn.Module):
    def __init__(self, size: int, channels: int, text_dim: int, pooled_dim: int, layers: int, heads: int, head_dim: int):
        super().__init__()
        width = heads * head_dim
        self.side = size // 2
        self.register_buffer("positions", position_table(self.side, width))
        self.register_buffer("frequencies", 1000 * 10000 ** (-torch.arange(128) / 128))
        self.pos_embed = Patches(channels, width)
        self.time_text_embed = nn.ModuleDict(
            {"timestep_embedder": Mlp(256, width), "text_embedder": Mlp(pooled_dim, width)}
        )
        self.context_embedder = nn.Linear(text_dim, width)
        self.transformer_blocks = nn.ModuleList(Block(width, heads, i == layers - 1) for i in range(layers))
        self.norm_out = Modulation(width, 2)
        self.proj_out = nn.Linear(width, 4 * channels)

    def forward(self, x: Tensor, t: Tensor, text: Tensor, pooled: Tensor, soft: list[Tensor]) -> Tensor:
        """x [N, C, H, W]; soft tokens of the first layers, each [m, width]."""
        angles = t[:, None] * self.frequencies
        waves = torch.cat([angles.cos(), angles.sin()], 1)
        embed = self.time_text_embed
        activated = F.silu(embed["timestep_embedder"](waves) + embed["text_embedder"](pooled))
        image = self.pos_embed.proj(x).flatten(2).transpose(1, 2) + self.positions
        text = self.context_embedder(text)
        for i, block in enumerate(self.transformer_blocks):
            if i < len(soft):
                m = len(soft[i])
                image, joined = block(image, torch.cat([soft[i].expand(len(x), -1, -1), text], 1), activated)
                text = joined[:, m:]
            else:
                image, text = block(image, text, activated)
        scale, shift = self.norm_out(activated)
        out = self.proj_out(modulated(image, shift, scale))
        n, side = len(x), self.side
        return out.view(n, side, side, 2, 2, -1).permute(0, 5, 1, 3, 2, 4).reshape(n, -1, 2 * side, 2 * side)


class SoftTokens(nn.Module):
    """src/softrepa/tokens.ts."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.soft_tokens = nn.Parameter(weights["soft_tokens"].clone())
        self.time_embedding = nn.Parameter(weights["time_embedding"].clone())

    def forward(self, t: Tensor) -> list[Tensor]:
        layers, _, dim = self.soft_tokens.shape
        rows = len(self.time_embedding)
        row = self.time_embedding[(t * rows).long().clamp(max=rows - 1)].view(layers, 1, dim)
        return list(self.soft_tokens + row)
