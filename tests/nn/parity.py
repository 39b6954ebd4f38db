"""Compares the network library with PyTorch: logits, loss, every gradient, ten losses, the weights
after ten AdamW steps. Usage: parity.py PARITY_TOOL face|mult. Exits 77 (skipped) without PyTorch."""
import json
import os
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError:
    print('skipped: no python3-torch')
    sys.exit(77)

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', '..', 'bench'))
from mult import MulT


def read(path):
    raw = open(path, 'rb').read()
    size = struct.unpack('<Q', raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    out = {}
    for name, e in header.items():
        if name == '__metadata__':
            continue
        a, b = e['data_offsets']
        out[name] = torch.from_numpy(np.frombuffer(raw[8 + size + a:8 + size + b], np.float32).copy().reshape(e['shape']))
    return out


tool, what = sys.argv[1:3]
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'out.safetensors')
    subprocess.run([tool, what, path], check=True)
    t = read(path)


class Face(torch.nn.Module):
    """face_cnn straight from the named weights."""

    def __init__(self):
        super().__init__()
        self.p = {}
        for name, v in t.items():
            if name.startswith('value.'):
                name = name[6:]
                if name.endswith(('.mean', '.var')):
                    continue
                if v.dim() == 4:
                    v = v.permute(3, 2, 0, 1)
                if name == 'head.weight':
                    v = v.t()
                self.p[name] = torch.nn.Parameter(v.contiguous().clone())

    def unit(self, x, name, stride, relu=False, other=None):
        w = self.p[name + '.weight']
        y = F.conv2d(x, w, None, stride, w.shape[2] // 2)
        y = F.batch_norm(y, None, None, self.p[name + '.gain'], self.p[name + '.bias'], True)
        if other is not None:
            y = y + other
        return F.relu(y) if relu else y

    def forward(self, x):
        x = self.unit(x, 'stem', 2, True)
        for stage in range(1, 5):
            for block in range(1, 17):
                name = f'stage{stage}.block{block}.'
                if name + 'first.weight' not in self.p:
                    break
                stride = 2 if stage > 1 and block == 1 else 1
                side = x
                if name + 'shortcut.weight' in self.p:
                    side = self.unit(x, name + 'shortcut', stride)
                y = self.unit(x, name + 'first', stride, True)
                x = self.unit(y, name + 'second', 1, True, side)
        return F.linear(x.mean((2, 3)), self.p['head.weight'], self.p['head.bias'])

    def named(self):
        return [(n, p, None) for n, p in self.p.items()]


def ours_to_torch(name, v, shape):
    if v.dim() == 4:
        v = v.permute(3, 2, 0, 1)
    elif v.dim() == 2:
        v = v.t()
    assert tuple(v.shape) == tuple(shape), name
    return v


if what == 'face':
    net = Face()
    inputs = t['input0'].permute(0, 3, 1, 2)
    loss_of = lambda y: -(t['target'] * F.log_softmax(y, 1)).sum(1).mean()
else:
    net = MulT([7, 5, 3], [4, 9, 20], 10, 5, 2, 2, 0.)
    inputs = [t[f'input{i}'] for i in range(3)]
    loss_of = lambda y: F.mse_loss(y, t['target'])
    with torch.no_grad():
        for name, p, _ in net.named():
            p.copy_(ours_to_torch(name, t['value.' + name], p.shape))
named = net.named() if isinstance(net.named(), list) else list(net.named())
bad = []


def compare(name, ours, theirs, tolerance):
    scale = max(theirs.abs().max().item(), 1e-4)
    error = (ours - theirs).abs().max().item() / scale
    if not error <= tolerance:
        bad.append(f'{name}: relative error {error:.2e} > {tolerance:g}')
    return error


y = net(inputs)
loss = loss_of(y)
loss.backward()
worst = {'logits': compare('logits', t['logits'], y.detach(), 2e-5)}
top = max(p.grad.abs().max().item() for _, p, _ in named)
worst['gradient'] = 0
for name, p, _ in named:
    g = ours_to_torch(name, t['gradient.' + name], p.shape)
    # a parameter whose gradient is nothing but rounding (a bias before a norm) is judged by the
    # largest gradient
    error = (g - p.grad).abs().max().item() / max(p.grad.abs().max().item(), 1e-3 * top)
    worst['gradient'] = max(worst['gradient'], error)
    if not error <= 5e-4:
        bad.append(f'gradient of {name}: relative error {error:.2e}')
decayed = [p for n, p, _ in named if p.dim() > 1]
plain = [p for n, p, _ in named if p.dim() == 1]
opt = torch.optim.AdamW([{'params': decayed, 'weight_decay': .01}, {'params': plain, 'weight_decay': 0}], 1e-3)
losses = []
for _ in range(10):
    opt.zero_grad()
    loss = loss_of(net(inputs))
    losses.append(loss.item())
    loss.backward()
    opt.step()
worst['losses'] = compare('ten losses', t['losses'], torch.tensor(losses), 2e-4)
print(f'{what}: {len(named)} parameters; worst relative errors', {k: f'{v:.1e}' for k, v in worst.items()})
print('losses', ' '.join(f'{v:.6f}' for v in losses))
for line in bad[:20]:
    print('FAILED', line)
sys.exit(1 if bad else 0)
