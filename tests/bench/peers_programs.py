"""The work of one frame as a user would write it in PyTorch, numpy and faiss, as fast as they go.

Each program cuts the frame in chunks that fit a cache and works on them one by one, on as many
threads as it is given. The method is the same: argmax c and confidence m of each pixel, S and w of
the frame, and the label of the nearest prototype as the best of A p + b. None of them looks for
void pixels. Frames are (C, H, W).

Two ways lead to the place of the largest value: the library's own, and comparing with the largest
and multiplying the truth values by 0, 1, 2, ..., which is often faster but takes equals together.
"""
import itertools

import faiss
import numpy as np
import torch

ROWS = 8  # input rows of a strip, when upsampling
PART = 2048  # pixels of one product for S: several are faster than one of a whole chunk


class Program:
    """`labels` are of the frame last worked on; sums[thread] is (S, w) where there are any."""

    statistics = True

    def __init__(self, A, b, threads):
        self.A, self.b, self.threads = A, b, threads
        self.classes = len(b)

    def take(self, x, out_shape):
        self.shape, self.out_shape = x.shape, out_shape
        self.x = x.reshape(len(x), -1)
        self.labels = np.zeros(out_shape, np.uint8).reshape(-1)

    def pieces(self):
        pixels = self.x.shape[1]
        return [(i, min(i + self.chunk, pixels)) for i in range(0, pixels, self.chunk)]

    def run(self, crew):
        pieces, turn = self.pieces(), itertools.count()

        def work(thread):
            sums = self.begin()
            for i in turn:
                if i >= len(pieces):
                    break
                self.piece(*pieces[i], sums)

        crew(work)


def add_products(S, hot, x):
    """S += hot x', of PyTorch."""
    classes, pixels = x.shape
    if pixels % PART:
        S.addmm_(hot, x.T)
    else:
        parts = (classes, pixels // PART, PART)
        S.add_(torch.bmm(hot.view(parts).transpose(0, 1), x.view(parts).permute(1, 2, 0)).sum(0))


def add_products_numpy(S, hot, x):
    """S += hot x'."""
    classes, pixels = x.shape
    if pixels % PART:
        S += hot @ x.T
    else:
        parts = (classes, pixels // PART, PART)
        S += np.matmul(hot.reshape(parts).transpose(1, 0, 2),
                       x.reshape(parts).transpose(1, 2, 0)).sum(axis=0)


class Torch(Program):
    def __init__(self, A, b, threads, chunk, own_max):
        super().__init__(A, b, threads)
        self.chunk, self.own_max = chunk, own_max
        self.name = f"PyTorch, {chunk} px, {'max' if own_max else 'amax and =='}"
        self.A, self.b = torch.from_numpy(A), torch.from_numpy(b)[:, None].contiguous()
        self.index = torch.arange(self.classes, dtype=torch.float32)[None]

    def take(self, x, out_shape):
        super().take(x, out_shape)
        self.tensor = torch.from_numpy(self.x)
        self.out = torch.from_numpy(self.labels)

    def begin(self):
        return (torch.zeros(self.classes, self.classes), torch.zeros(self.classes),
                torch.empty(self.classes, self.chunk), torch.empty(self.classes, self.chunk))

    def place_of_max(self, x, room):
        """Largest values and their places, and them one-hot."""
        if self.own_max:
            m, c = x.max(0)
            return m, c, room.zero_().scatter_(0, c[None], 1.0)
        m = x.amax(0)
        torch.eq(x, m, out=room)
        return m, None, room

    def best_of(self, scores, room):
        if self.own_max:
            return scores.max(0)[1]
        torch.eq(scores, scores.amax(0), out=room)
        return torch.mm(self.index, room)[0]

    def values(self, begin, end, room):
        x = self.tensor[:, begin:end]
        if x.dtype == torch.uint8:
            return room.copy_(x).mul_(1 / 255)
        return x

    def piece(self, begin, end, sums):
        S, w, first, second = sums
        room, values = first[:, :end - begin], second[:, :end - begin]
        x = self.values(begin, end, values)
        m, _, hot = self.place_of_max(x, room)
        hot.mul_(m)
        add_products(S, hot, x)
        w.add_(hot.sum(1))
        scores = torch.addmm(self.b, self.A, x)
        self.out[begin:end] = self.best_of(scores, room)


class TorchUpsampled(Torch):
    """Scores of the input pixels first, then F.interpolate: scores are linear in p."""

    def __init__(self, A, b, threads, own_max):
        super().__init__(A, b, threads, 1, own_max)
        self.name = f"PyTorch, F.interpolate, {'max' if own_max else 'amax and =='}"

    def take(self, x, out_shape):
        super().take(x, out_shape)
        self.tensor = torch.from_numpy(x)
        self.out = self.out.view(out_shape)

    def begin(self):
        return torch.zeros(self.classes, self.classes), torch.zeros(self.classes)

    def pieces(self):
        return [(i, min(i + ROWS, self.shape[1])) for i in range(0, self.shape[1], ROWS)]

    def piece(self, begin, end, sums):
        S, w = sums
        classes, height, width = self.shape
        scale = self.out_shape[0] // height
        low, high = max(begin - 1, 0), min(end + 1, height)  # a row more on each side
        p = self.tensor[:, low:high].float().softmax(0)
        own = p[:, begin - low:end - low].reshape(classes, -1)
        m, _, hot = self.place_of_max(own, torch.empty_like(own))
        hot.mul_(m)
        add_products(S, hot, own)
        w.add_(hot.sum(1))
        scores = torch.addmm(self.b, self.A, p.reshape(classes, -1))
        large = torch.nn.functional.interpolate(
            scores.view(1, classes, high - low, width), scale_factor=scale, mode="bilinear",
            align_corners=False)[0]
        large = large[:, (begin - low) * scale:(end - low) * scale].reshape(classes, -1)
        room = None if self.own_max else torch.empty_like(large)
        best = self.best_of(large, room)
        self.out[begin * scale:end * scale] = best.view(-1, self.out_shape[1])


class Numpy(Program):
    def __init__(self, A, b, threads, chunk, own_max):
        super().__init__(A, b[:, None], threads)
        self.chunk, self.own_max = chunk, own_max
        self.name = f"numpy, {chunk} px, {'argmax' if own_max else 'max and =='}"
        self.index = np.arange(self.classes, dtype=np.float32)[None]

    def begin(self):
        return (np.zeros((self.classes, self.classes), np.float32),
                np.zeros(self.classes, np.float32))

    def piece(self, begin, end, sums):
        S, w = sums
        x = self.x[:, begin:end]
        if x.dtype == np.uint8:
            x = x * np.float32(1 / 255)
        m = x.max(axis=0)
        if self.own_max:
            hot = np.zeros_like(x)
            hot[x.argmax(axis=0), np.arange(x.shape[1])] = m
        else:
            hot = np.equal(x, m, out=np.empty_like(x), casting="unsafe")
            hot *= m
        add_products_numpy(S, hot, x)
        w += hot.sum(axis=1)
        scores = self.A @ x
        scores += self.b
        if self.own_max:
            self.labels[begin:end] = scores.argmax(axis=0)
        else:
            np.equal(scores, scores.max(axis=0), out=hot, casting="unsafe")
            self.labels[begin:end] = (self.index @ hot)[0]


class Faiss(Program):
    """The nearest prototype of each pixel, and nothing else; faiss wants pixels in rows."""

    statistics = False

    def __init__(self, prototypes, b, threads, chunk):
        super().__init__(prototypes, b, threads)
        self.chunk, self.name = chunk, f"faiss, IndexFlatL2, {chunk} px"
        self.nearest = faiss.IndexFlatL2(self.classes)
        self.nearest.add(prototypes)

    def begin(self):
        return None

    def piece(self, begin, end, sums):
        x = self.x[:, begin:end]
        if x.dtype == np.uint8:
            x = x * np.float32(1 / 255)
        _, found = self.nearest.search(np.ascontiguousarray(x.T), 1)
        self.labels[begin:end] = found[:, 0]


def of(case_upsamples, A, b, prototypes, threads):
    """Every program that can do the case, in every way worth trying."""
    ways = (True, False)
    if case_upsamples:
        return [TorchUpsampled(A, b, threads, own) for own in ways]
    return [*(Torch(A, b, threads, chunk, own) for chunk in (4096, 16384) for own in ways),
            *(Numpy(A, b, threads, 16384, own) for own in ways),
            Faiss(prototypes, b, threads, 16384)]
