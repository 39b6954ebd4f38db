"""PyTorch's side of bench/nn: prints 'NAME seconds' lines (CPU seconds and wall) and peak memory."""
import resource
import sys
import time
import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.insert(0, sys.path[0])
from mult import MulT

what, threads, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
torch.manual_seed(1)


class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.a, self.an = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.b, self.bn = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.s = None
        if stride != 1 or i != o:
            self.s = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        y = self.bn(self.b(F.relu(self.an(self.a(x)))))
        return F.relu(y + (x if self.s is None else self.s(x)))


class Face(nn.Module):
    def __init__(self, width, blocks):
        super().__init__()
        layers, c = [nn.Conv2d(1, width, 5, 2, 2, bias=False), nn.BatchNorm2d(width), nn.ReLU()], width
        for stage, n in enumerate(blocks):
            for i in range(n):
                layers.append(Block(c, width << stage, 2 if stage and i == 0 else 1))
                c = width << stage
        self.body, self.head = nn.Sequential(*layers), nn.Linear(c, 8)

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))


def run(name, step):
    step()
    wall, cpu = [], []
    for _ in range(repeats):
        w, c = time.perf_counter(), time.process_time()
        step()
        wall.append(time.perf_counter() - w)
        cpu.append(time.process_time() - c)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f'{name} {min(wall):.5f} {min(cpu):.5f} {peak:.1f}', flush=True)


if what == 'face':
    net = Face(32, [1, 1, 2, 1]).to(memory_format=torch.channels_last)
    x = torch.randn(128, 1, 48, 48).to(memory_format=torch.channels_last)
    t = torch.softmax(torch.randn(128, 8), 1)
    opt = torch.optim.AdamW(net.parameters(), 1e-3)

    def step():
        opt.zero_grad(set_to_none=True)
        F.cross_entropy(net(x), t).backward()
        opt.step()
    run('face', step)
elif what in ('mult', 'mult_dropout', 'mult_infer'):
    inputs, lengths = [300, 74, 35], [50, 375, 500]
    net = MulT(inputs, lengths, 30, 5, 5, 1, .1 if what == 'mult_dropout' else 0.)
    n = 1 if what == 'mult_infer' else 8
    xs = [torch.randn(n, t, i) for t, i in zip(lengths, inputs)]
    t = torch.randn(n, 1)
    opt = torch.optim.AdamW(net.parameters(), 1e-3)

    def step():
        opt.zero_grad(set_to_none=True)
        F.mse_loss(net(xs), t).backward()
        opt.step()

    def infer():
        with torch.inference_mode():
            net(xs)
    if what == 'mult_infer':
        net.eval()
    run(what, infer if what == 'mult_infer' else step)
