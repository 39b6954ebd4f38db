"""The network of bench/mult.h in PyTorch: same names, same shapes ([in, out] weights)."""
import math
import torch
import torch.nn as nn
import torch.nn.functional as F


class Encoder(nn.Module):
    def __init__(self, d, heads, layers, dropout):
        super().__init__()
        self.d, self.heads, self.dropout = d, heads, dropout
        self.layers = nn.ModuleList(
            nn.ModuleDict({
                'q': nn.Linear(d, d), 'k': nn.Linear(d, d), 'v': nn.Linear(d, d), 'out': nn.Linear(d, d),
                'fc1': nn.Linear(d, 4 * d), 'fc2': nn.Linear(4 * d, d),
                'norm_a': nn.LayerNorm(d), 'norm_b': nn.LayerNorm(d)}) for _ in range(layers))
        self.norm = nn.LayerNorm(d)

    def attend(self, l, x, s):
        n, t, d = x.shape
        h, w = self.heads, d // self.heads
        q = (l['q'](x) * w ** -.5).view(n, t, h, w).transpose(1, 2).reshape(n * h, t, w)
        k = l['k'](s).view(n, -1, h, w).transpose(1, 2).reshape(n * h, -1, w)
        v = l['v'](s).view(n, -1, h, w).transpose(1, 2).reshape(n * h, -1, w)
        a = F.dropout(F.softmax(torch.bmm(q, k.transpose(1, 2)), -1), self.dropout, self.training)
        y = torch.bmm(a, v).view(n, h, t, w).transpose(1, 2).reshape(n, t, d)
        return l['out'](y)

    def forward(self, x, source=None):
        p, on = self.dropout, self.training
        for l in self.layers:
            y = l['norm_a'](x)
            s = y if source is None else l['norm_a'](source)
            x = x + F.dropout(self.attend(l, y, s), p, on)
            y = F.dropout(F.relu(l['fc1'](l['norm_b'](x))), p, on)
            x = x + F.dropout(l['fc2'](y), p, on)
        return self.norm(x)


def sinusoids(t, d):
    i = torch.arange(1, t + 1, dtype=torch.float64)[:, None]
    c = torch.arange(d)[None, :]
    angle = i * torch.pow(torch.tensor(10000., dtype=torch.float64), -(c // 2 * 2) / d)
    return torch.where(c % 2 == 1, torch.cos(angle), torch.sin(angle)).float()


class MulT(nn.Module):
    def __init__(self, inputs, lengths, width, heads, layers, outputs, dropout):
        super().__init__()
        self.dropout, self.width = dropout, width
        self.project = nn.ModuleList(nn.Linear(i, width, bias=False) for i in inputs)
        self.cross = nn.ModuleDict({f'{a}{b}': Encoder(width, heads, layers, dropout)
                                    for a in range(3) for b in range(3) if a != b})
        self.self_ = nn.ModuleList(Encoder(2 * width, heads, layers, dropout) for _ in range(3))
        d = 6 * width
        self.fc1, self.fc2, self.out = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, outputs)
        self.position = [(sinusoids(t, width), sinusoids(t, 2 * width)) for t in lengths]

    def place(self, x, a):
        d = x.shape[2]
        return x * math.sqrt(d) + self.position[a][0 if d == self.width else 1]

    def forward(self, xs):
        xs = [p(x) for p, x in zip(self.project, xs)]
        ends = []
        for a in range(3):
            parts = [self.cross[f'{a}{b}'](self.place(xs[a], a), self.place(xs[b], b))
                     for b in range(3) if a != b]
            ends.append(self.self_[a](self.place(torch.cat(parts, 2), a))[:, -1])
        x = torch.cat(ends, 1)
        y = self.fc2(F.dropout(F.relu(self.fc1(x)), self.dropout, self.training))
        return self.out(x + y)

    def named(self):
        """(name in bench/mult.h, parameter, is it transposed there?)"""
        def linear(stem, leaf, m):
            yield f'{stem}.{leaf}', m.weight, True
            if m.bias is not None:
                yield f'{stem}.{leaf}_bias', m.bias, False

        def encoder(stem, e):
            for i, l in enumerate(e.layers):
                for leaf in ('q', 'k', 'v', 'out', 'fc1', 'fc2'):
                    yield from linear(f'{stem}.{i}', leaf, l[leaf])
                for leaf in ('norm_a', 'norm_b'):
                    yield f'{stem}.{i}.{leaf}', l[leaf].weight, False
                    yield f'{stem}.{i}.{leaf}_bias', l[leaf].bias, False
            yield f'{stem}.norm', e.norm.weight, False
            yield f'{stem}.norm_bias', e.norm.bias, False

        for a in range(3):
            yield from linear(f'project{a}', 'w', self.project[a])
            yield from encoder(f'self{a}', self.self_[a])
        for key, e in self.cross.items():
            yield from encoder(f'cross{key}', e)
        for leaf in ('fc1', 'fc2', 'out'):
            yield from linear('head', leaf, getattr(self, leaf))
