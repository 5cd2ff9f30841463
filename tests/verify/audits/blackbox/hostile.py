"""Losses that no audit can use, each in another way; in plain torch."""

import contextlib
import ctypes
import os
import random
import sys
import time

import numpy as np
import torch


def good(z1, z2):
    return ((z1 - z2) ** 2).sum(-1).mean()


# Found in this process.


def ends_the_program(*_):
    sys.exit(0)


class UnspeakableError(Exception):
    def __str__(self):
        raise RuntimeError


def raises_what_cannot_be_said(*_):
    raise UnspeakableError


def paints_the_terminal(*_):
    message = "two\nlines, \x1b[31mred\x1b[0m"
    raise ValueError(message)


def asks(z1, z2):
    return float(input("a number, please: ")) * good(z1, z2)


def takes_all_memory(z1, z2):
    return torch.zeros(10**13) if len(z1) else good(z1, z2)


def too_large(*_):
    return 10**400


def nowhere(*_):
    return torch.zeros((), device="meta")


def sparse(*_):
    return torch.zeros(1, 1).to_sparse()


def text(*_):
    return "0.5"


class Backwards(torch.autograd.Function):
    """A square whose derivative misbehaves."""

    @staticmethod
    def forward(ctx, x, how):
        ctx.how = how
        return x**2

    @staticmethod
    def backward(ctx, _):
        if ctx.how == "raises":
            raise KeyError(ctx.how)
        time.sleep(60)


def derivative_raises(z1, z2):
    return Backwards.apply(z1 - z2, "raises").sum()


def derivative_hangs(z1, z2):
    return Backwards.apply(z1 - z2, "hangs").sum()


UNUSABLE = {
    ends_the_program: "ended the program on two batches of shape (4, 2), as sys.exit does; it must return the loss",
    raises_what_cannot_be_said: "raised UnspeakableError on two batches of shape (4, 2): UnspeakableError",
    paints_the_terminal: "raised ValueError on two batches of shape (4, 2): two lines, ?[31mred?[0m",
    asks: "raised EOFError on two batches of shape (4, 2): EOF when reading a line",
    takes_all_memory: "ran out of memory on two batches of shape (4, 2); give it more with --memory GIB",
    too_large: "returned a value of type int that is not a number (int too large to convert to float); it must return a"
    " scalar tensor",
    nowhere: "returned a value of type Tensor that is not a number (Tensor.item() cannot be called on meta tensors);"
    " it must return a scalar tensor",
    sparse: "returned a value of type Tensor that is not a number (reshape is not implemented for sparse tensors);"
    " it must return a scalar tensor",
    text: "returned a str; it must return a scalar tensor",
}


def changes_everything(z1, z2):
    torch.set_default_dtype(torch.float16)
    torch.set_num_threads(3)
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    np.seterr(all="raise")
    sys.stdin = None
    return good(z1, z2)


# Found from outside: they end the process, or hang in C.


def vanishes(*_):
    os._exit(0)


def crashes(*_):
    ctypes.string_at(0)


def hangs_in_c(*_):
    return (10**8) ** (10**8)


def swallows_the_alarm(*_):
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(0.01)


def forks(z1, z2):
    os.fork()
    return good(z1, z2)
