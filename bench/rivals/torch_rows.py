"""PyTorch's rows beside the pages': requests come as lines of JSON on stdin, each answered by one on stdout. Data and weights as in data.ts."""
import json
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

GPT = {"batch": 16, "context": 64, "vocabulary": 65, "width": 128, "heads": 4, "layers": 4}


def uniform(seed, length):
    """mulberry32 in [0, 1): its state is a count, so all numbers come at once."""
    a = (seed + 0x6D2B79F5 * np.arange(1, length + 1, dtype=np.uint64)).astype(np.uint32)
    t = (a ^ (a >> np.uint32(15))) * (np.uint32(1) | a)
    t = (t + (t ^ (t >> np.uint32(7))) * (np.uint32(61) | t)) ^ t
    return (t ^ (t >> np.uint32(14))).astype(np.float64) / 4294967296


def random(seed, shape, scale=1.0):
    return torch.from_numpy((scale * np.sqrt(12) * (uniform(seed, int(np.prod(shape))) - 0.5)).astype(np.float32).reshape(shape))


def integers(seed, length, below):
    return torch.from_numpy(np.floor(uniform(seed, length) * below).astype(np.int64))


def weights(shapes):
    made = {}
    for i, (name, shape) in enumerate(shapes.items()):
        if len(shape) == 1:
            made[name] = torch.full(shape, 1.0 if name.endswith("g") else 0.0)
        else:
            fan_in = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
            made[name] = random(i + 1, shape, 0.02 if name.startswith("embed") else fan_in**-0.5)
    return made


@torch.no_grad()
def fill(module, weight, bias=None):
    """Dense weights come as [in, out]."""
    module.weight.copy_(weight.t() if isinstance(module, nn.Linear) else weight)
    if bias is not None:
        module.bias.copy_(bias)
    return module


def dense(w, b):
    return fill(nn.Linear(*w.shape), w, b)


def filters(w, b):
    return fill(nn.Conv2d(w.shape[1], w.shape[0], 3, padding=1), w, b)


def norm(g, b):
    return fill(nn.LayerNorm(g.shape[0]), g, b)


class Block(nn.Module):
    def __init__(self, w):
        super().__init__()
        self.norm1, self.norm2 = norm(w["1g"], w["1b"]), norm(w["2g"], w["2b"])
        self.qkv, self.out = dense(w["qkv"], w["qkvb"]), dense(w["out"], w["outb"])
        self.up, self.down = dense(w["up"], w["upb"]), dense(w["down"], w["downb"])
        self.register_buffer("mask", torch.full((GPT["context"],) * 2, float("-inf")).triu(1))

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, GPT["heads"], -1).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5 + self.mask
        x = x + self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, c))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        width = GPT["width"]
        block = {"1g": [width], "1b": [width], "qkv": [width, 384], "qkvb": [384], "out": [width, width], "outb": [width], "2g": [width], "2b": [width],
                 "up": [width, 512], "upb": [512], "down": [512, width], "downb": [width]}
        shapes = {"embedTokens": [GPT["vocabulary"], width], "embedPlaces": [GPT["context"], width]}
        shapes.update({f"{i}.{name}": shape for i in range(GPT["layers"]) for name, shape in block.items()})
        shapes.update({"g": [width], "b": [width], "head": [width, GPT["vocabulary"]], "headb": [GPT["vocabulary"]]})
        w = weights(shapes)
        self.tokens = fill(nn.Embedding(GPT["vocabulary"], width), w["embedTokens"])
        self.places = fill(nn.Embedding(GPT["context"], width), w["embedPlaces"])
        self.blocks = nn.Sequential(*(Block({name: w[f"{i}.{name}"] for name in block}) for i in range(GPT["layers"])))
        self.norm, self.head = norm(w["g"], w["b"]), dense(w["head"], w["headb"])

    def forward(self, x):
        h = self.tokens(x) + self.places.weight
        return self.head(self.norm(self.blocks(h))).flatten(0, 1)


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        w = weights({"wx": [128, 512], "wh": [128, 512], "b": [512], "head": [128, 10], "headb": [10]})
        self.lstm, self.head = nn.LSTM(128, 128, batch_first=True), dense(w["head"], w["headb"])
        with torch.no_grad():
            self.lstm.weight_ih_l0.copy_(w["wx"].t())
            self.lstm.weight_hh_l0.copy_(w["wh"].t())
            self.lstm.bias_ih_l0.zero_()
            self.lstm.bias_hh_l0.zero_()

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def mlp():
    w = weights({"w1": [784, 512], "b1": [512], "w2": [512, 256], "b2": [256], "w3": [256, 10], "b3": [10]})
    return nn.Sequential(dense(w["w1"], w["b1"]), nn.ReLU(), dense(w["w2"], w["b2"]), nn.ReLU(), dense(w["w3"], w["b3"]))


def small():
    w = weights({"w1": [8, 16], "b1": [16], "w2": [16, 1], "b2": [1]})
    return nn.Sequential(dense(w["w1"], w["b1"]), nn.Tanh(), dense(w["w2"], w["b2"]))


def cnn():
    w = weights({"w1": [32, 1, 3, 3], "b1": [32], "w2": [64, 32, 3, 3], "b2": [64], "w3": [3136, 128], "b3": [128], "w4": [128, 10], "b4": [10]})
    return nn.Sequential(filters(w["w1"], w["b1"]), nn.ReLU(), nn.MaxPool2d(2), filters(w["w2"], w["b2"]), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), dense(w["w3"], w["b3"]), nn.ReLU(), dense(w["w4"], w["b4"]))


def step(model, x, y, criterion=F.cross_entropy, decay=None):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3) if decay is None else torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=decay)

    def call():
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return call


def forward(model, x):
    model.eval()
    return lambda: model(x)


def adds():
    one = random(9, [16])
    x = one
    for _ in range(10_000):
        x = x + one
    return x


def product(m, k, n):
    a, b = random(1, [m, k]), random(2, [k, n])
    return lambda: a @ b


def applied(f, *values):
    return lambda: f(*values)


def gpt_tokens(seed):
    return integers(seed, GPT["batch"] * GPT["context"], GPT["vocabulary"])


def gpt_input():
    return gpt_tokens(105).view(GPT["batch"], GPT["context"])


def cnn_input():
    return random(103, [64, 1, 28, 28])


ROWS = {
    **{f"matmul {n}": lambda n=n: product(n, n, n) for n in (64, 128, 256, 512, 1024)},
    "matmul 128×784×512": lambda: product(128, 784, 512),
    "vector·matrix 1024": lambda: product(1, 1024, 1024),
    "GELU 1M": lambda: applied(lambda x: F.gelu(x, approximate="tanh"), random(3, [1 << 20])),
    "sum 4M": lambda: applied(torch.sum, random(4, [1 << 22])),
    "softmax 1024²": lambda: applied(lambda x: x.softmax(-1), random(5, [1024, 1024])),
    "layer norm 1024²": lambda: applied(lambda x, g, b: F.layer_norm(x, [1024], g, b), random(6, [1024, 1024]), random(7, [1024]), random(8, [1024])),
    "small MLP step": lambda: step(small(), random(109, [16, 8]), random(110, [16, 1]), F.mse_loss),
    "MLP step": lambda: step(mlp(), random(101, [128, 784]), integers(102, 128, 10)),
    "CNN step": lambda: step(cnn(), cnn_input(), integers(104, 64, 10)),
    "GPT step": lambda: step(Gpt(), gpt_input(), gpt_tokens(106), decay=0.01),
    "LSTM step": lambda: step(Lstm(), random(107, [64, 32, 128]), integers(108, 64, 10)),
    "MLP forward": lambda: forward(mlp(), random(101, [128, 784])),
    "CNN forward": lambda: forward(cnn(), cnn_input()),
    "GPT forward": lambda: forward(Gpt(), gpt_input()),
    "10,000 adds of 16": lambda: adds,
}

call, training = None, False
for line in sys.stdin:
    request = json.loads(line)
    answer = {}
    if "threads" in request:
        torch.set_num_threads(request["threads"])
        answer = {"rows": list(ROWS), "detail": torch.__version__}
    elif "row" in request:
        training = request["row"].endswith("step")
        call = ROWS[request["row"]]()
    else:
        begin = time.perf_counter()
        with torch.set_grad_enabled(training):
            for _ in range(request["count"]):
                value = call().view(-1)[0].item()
        answer = {"ms": 1000 * (time.perf_counter() - begin), "value": value}
    print(json.dumps(answer), flush=True)
