"""
The PyTorch side of the benchmark: a long-lived process that reads one JSON object per line and answers each with one.

  {"do": "hello", "threads", "device"}                   -> {"version", "threads"}, for "cuda" also "card"
  {"do": "load", "case", "config", "file", "tensors", "compile"} -> {"runner", "parameters", "setting"}
  {"do": "run", "runner", "steps"}                       -> {"seconds": [one per step], "metrics": [of each step]}
  {"do": "memory"}                                       -> {"mebibytes"}: the most that the process has held

`file` holds float32 numbers; `tensors` says where in it each weight ("weights.<name>", "features.<name>") and each batch tensor ("batch.<name>")
lies. Of the settings that a careful user would try (fused or foreach optimizer, channels_last or not), the fastest is taken.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from torch import Tensor
from joint import JointTransformer, SoftTokens
from models import ConvFeatures, Denoiser, Mlp, Unet, feature_distance, load, per_example
from song import SongUnet, VggFeatures
from torch.nn import functional as F

device = torch.device("cpu")

Tensors = dict[str, Tensor]
Step = Callable[[], dict[str, Tensor]]


def read(path: str, entries: list[dict]) -> Tensors:
    with open(path, "rb") as file:
        data = torch.frombuffer(bytearray(file.read()), dtype=torch.float32)
    out = {}
    for entry in entries:
        size = 1
        for d in entry["shape"]:
            size *= d
        out[entry["name"]] = data[entry["offset"] : entry["offset"] + size].reshape(entry["shape"]).clone().to(device)
    return out


def under(tensors: Tensors, prefix: str) -> Tensors:
    return {name[len(prefix) + 1 :]: t for name, t in tensors.items() if name.startswith(f"{prefix}.")}


def images(x: Tensor, channels_last: bool) -> Tensor:
    """NHWC numbers as an NCHW tensor; a NHWC tensor seen as NCHW is channels_last already."""
    nchw = x.permute(0, 3, 1, 2)
    return nchw if channels_last else nchw.contiguous()


def mlp(config: dict, tensors: Tensors, compiled: Callable, _channels_last: bool):
    model = load(Mlp(config["sizes"]), under(tensors, "weights"))
    batch = under(tensors, "batch")
    x, y = batch["x"], batch["y"]
    forward = compiled(lambda: F.mse_loss(model(x), y))
    return model, lambda: (forward(), {})


def unet(config: dict, tensors: Tensors, channels_last: bool):
    module = SongUnet(**config["song_unet"]) if "song_unet" in config else Unet(**config["unet"])
    network = load(module, under(tensors, "weights"))
    return network.to(memory_format=torch.channels_last) if channels_last else network


def denoising(config: dict, tensors: Tensors, compiled: Callable, channels_last: bool):
    network = unet(config, tensors, channels_last)
    s = config["sigma_data"]
    denoiser = Denoiser(network, s)
    batch = under(tensors, "batch")
    x, noise = (images(batch[name], channels_last) for name in ("x", "noise"))
    t = batch["t"]

    @compiled
    def loss() -> Tensor:
        error = denoiser(x + noise * per_example(t), t) - x
        weight = (t.square() + s * s) / (t * s).square()
        return (error.square().mean((1, 2, 3)) * weight).mean()

    return network, lambda: (loss(), {})


def ayt(config: dict, tensors: Tensors, compiled: Callable, channels_last: bool):
    network = unet(config, tensors, channels_last)
    frozen = under(tensors, "features")
    if "vgg_features" in config:
        features = VggFeatures(**config["vgg_features"], weights=frozen)
    else:
        features = load(ConvFeatures(**config["conv_features"]), frozen).requires_grad_(False)
        if channels_last:
            features.to(memory_format=torch.channels_last)
    denoiser = Denoiser(network, config["sigma_data"])
    batch = under(tensors, "batch")
    x, noise = (images(batch[name], channels_last) for name in ("x", "noise"))
    t, r = batch["t"], batch["r"]

    f = compiled(lambda time: denoiser(x + noise * per_example(time), time))
    phi = compiled(features)
    between = compiled(lambda output, goal: feature_distance(features(output), goal).sum())

    def step() -> tuple[Tensor, dict[str, Tensor]]:
        with torch.no_grad():
            goal = phi(f(r))
        output = f(t)
        at = output.detach().requires_grad_()
        distance = between(at, goal)
        (g,) = torch.autograd.grad(distance, at)
        g = g / per_example(g.flatten(1).norm(dim=1).clamp(min=1e-5))
        losses = 0.5 * (output - (output - g).detach()).square().sum((1, 2, 3))
        return (losses / (t - r)).mean(), {"distance": distance.detach() / len(t)}

    return network, step


def continuous(config: dict, tensors: Tensors, compiled: Callable, channels_last: bool):
    network = unet(config, tensors, channels_last)
    denoiser = Denoiser(network, config["sigma_data"])
    batch = under(tensors, "batch")
    x, noise = (images(batch[name], channels_last) for name in ("x", "noise"))
    t = batch["t"]
    f = compiled(denoiser)

    def step() -> tuple[Tensor, dict[str, Tensor]]:
        noisy = x + noise * per_example(t)
        with torch.no_grad():
            _, tangent = torch.func.jvp(denoiser, (noisy, t), (noise, torch.ones_like(t)))
            sizes = tangent.square().mean((1, 2, 3)).sqrt()
            normal = tangent / per_example(sizes + config["normalization"])
        return ((f(noisy, t) * normal).sum((1, 2, 3)) / t).mean(), {"distance": sizes.mean()}

    return network, step


def transformer(config: dict, tensors: Tensors) -> JointTransformer:
    return load(JointTransformer(**config["transformer"]), under(tensors, "flow")).requires_grad_(False)


def contrastive(config: dict, tensors: Tensors, compiled: Callable, channels_last: bool):
    flow = compiled(transformer(config, tensors))
    tokens = SoftTokens(under(tensors, "weights"))
    batch, text = under(tensors, "batch"), under(tensors, "text")
    x, noise = (images(batch[name], False) for name in ("x", "noise"))
    t, count = batch["t"], len(x)
    noisy, goal = ((1 - t) * x + t * noise).repeat_interleave(count, 0), (noise - x).repeat_interleave(count, 0)
    captions = text["tokens"].repeat(count, 1, 1), text["pooled"].repeat(count, 1)

    def step() -> tuple[Tensor, dict[str, Tensor]]:
        velocity = flow(noisy, t.expand(count * count), *captions, tokens(t[0]))
        errors = (velocity - goal).square().mean((1, 2, 3)).view(count, count)
        logits = config["scale"] * torch.exp(-errors / config["temperature"])
        return F.cross_entropy(logits, torch.arange(count)), {"error": errors.diag().mean().detach()}

    return tokens, step


def sampling(config: dict, tensors: Tensors, compiled: Callable) -> Step:
    flow = compiled(transformer(config, tensors))
    tokens, text = SoftTokens(under(tensors, "tokens")), under(tensors, "text")
    x, t = images(tensors["x"], False), torch.tensor(config["t"])
    count = len(x)

    @torch.no_grad()
    def step() -> dict[str, Tensor]:
        nonlocal x
        v, v0 = flow(torch.cat([x, x]), t.expand(2 * count), text["tokens"], text["pooled"], tokens(t)).split(count)
        x = x + (config["next"] - config["t"]) * (v0 + config["guidance"] * (v - v0))
        return {"loss": x.square().mean()}

    step.parameters = 0
    return step


def heun(config: dict, tensors: Tensors, compiled: Callable, channels_last: bool) -> Step:
    network = unet(config, tensors, channels_last).requires_grad_(False)
    denoiser = compiled(Denoiser(network, config["sigma_data"]))
    batch, x = under(tensors, "batch"), images(tensors["x"], channels_last)
    t, r = batch["t"], batch["r"]
    ratio, half = per_example(r / t), per_example((r - t) / 2)

    @torch.inference_mode()
    def step() -> dict[str, Tensor]:
        nonlocal x
        clean = denoiser(x, t)
        end = x * ratio + clean * (1 - ratio)
        slope = (x - clean) / per_example(t)
        x = end + ((end - denoiser(end, r)) / per_example(r) - slope) * half
        return {"loss": x.square().mean()}

    step.parameters = 0
    return step


def make(message: dict, tensors: Tensors, channels_last: bool, setting: str) -> Step:
    config = message["config"]
    compiled = partial(torch.compile, dynamic=False) if message["compile"] else lambda f: f
    if message["case"] == "sampling":
        return sampling(config, tensors, compiled)
    if message["case"] == "heun":
        return heun(config, tensors, compiled, channels_last)
    model, forward = {"mlp": mlp, "denoising": denoising, "ayt": ayt, "continuous": continuous, "contrastive": contrastive}[message["case"]](
        config, tensors, compiled, channels_last
    )
    parameters = list(model.parameters())
    averages = [p.detach().clone() for p in parameters]
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "radam": torch.optim.RAdam}[config["optimizer"]]
    weight_decay = {"weight_decay": config["weight_decay"]} if "weight_decay" in config else {}
    optimizer = kind(parameters, lr=config["learning_rate"], eps=1e-8, **weight_decay, **{setting: True})
    decay, steps = config["ema"], 0

    def step() -> dict[str, Tensor]:
        nonlocal steps
        optimizer.zero_grad(set_to_none=True)
        loss, metrics = forward()
        loss.backward()
        optimizer.step()
        steps += 1
        with torch.no_grad():
            torch._foreach_lerp_(averages, parameters, 1 - min(decay, (1 + steps) / (10 + steps)))
        return {"loss": loss.detach(), **metrics}

    step.parameters = sum(p.numel() for p in parameters)
    return step


def timed(step: Step, count: int) -> tuple[list[float], list[dict[str, Tensor]]]:
    seconds, metrics = [], []
    for _ in range(count):
        start = time.perf_counter()
        metrics.append(step())
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return seconds, metrics


chosen: dict[str, tuple[bool, str]] = {}


def choose(message: dict, tensors: Tensors) -> tuple[bool, str]:
    """The fastest of the eager settings; torch.compile takes the same. Trials alternate, so that a busy moment hits all of them."""
    key = json.dumps([message["case"], message["config"], message["tensors"]])
    if key not in chosen:
        # Forward-mode derivatives of group normalization fail for channels_last.
        formats = [False, True] if message["case"] in ("denoising", "ayt", "heun") else [False]
        settings = {"radam": ["foreach"], None: ["none"]}.get(message["config"].get("optimizer"), ["fused", "foreach"])
        eager = {**message, "compile": False}
        steps = {(f, s): make(eager, tensors, f, s) for f in formats for s in settings}
        times = {key: [] for key in steps}
        for _ in range(4):
            for candidate, step in steps.items():
                times[candidate] += timed(step, 5)[0][1:]
        chosen[key] = min(times, key=lambda candidate: median(times[candidate]))
    return chosen[key]


def start(name: str) -> dict[str, str]:
    """Everything is computed there from now on."""
    global device
    device = torch.device(name)
    if device.type != "cuda":
        return {}
    torch.set_default_device(device)
    return {"card": torch.cuda.get_device_name()}


def main() -> None:
    runners: list[Step] = []
    for line in sys.stdin:
        message = json.loads(line)
        try:
            if message["do"] == "hello":
                torch.set_num_threads(message["threads"])
                started = start(message["device"])
                answer = {"version": torch.__version__, "threads": torch.get_num_threads(), **started}
            elif message["do"] == "load":
                tensors = read(message["file"], message["tensors"])
                channels_last, setting = choose(message, tensors)
                step = make(message, tensors, channels_last, setting)
                runners.append(step)
                answer = {
                    "runner": len(runners) - 1,
                    "parameters": step.parameters,
                    "setting": ", ".join([setting] + ["channels_last"] * channels_last),
                }
            elif message["do"] == "run":
                seconds, metrics = timed(runners[message["runner"]], message["steps"])
                answer = {
                    "seconds": seconds,
                    "metrics": [{name: value.item() for name, value in m.items()} for m in metrics],
                }
            elif message["do"] == "memory":
                # Kibibytes on Linux, bytes on macOS.
                unit = 2**20 if sys.platform == "darwin" else 2**10
                answer = {"mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit}
            else:
                raise ValueError(f"unknown request {message['do']}")
        except Exception as error:  # the other side reports it and goes on without this peer
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
