"""An accelerator that is not there: torch as it would refuse to mix devices, on a machine with a processor alone.

Everything is computed on the processor. Tensors and generators that are made for "cuda" carry a mark, and every call of
torch is held to what CUDA would demand: marked and unmarked tensors do not meet (but for numbers, which are 0-d, and
indices), a generator draws for its own device, a marked tensor is no NumPy array. Nor does double precision come about
on the device that nobody asked for by its name: an accelerator computes it at a fraction of its speed, and one constant
is enough to make all that follows double.

What it cannot see: what happens inside of one call of torch, kernels, memory, and half precision.
"""

import contextlib

import torch
from torch.overrides import TorchFunctionMode

CUDA = torch.device("cuda", 0)
DOUBLE = (torch.float64, torch.complex128)
# Calls that take a tensor from one device to another, and those that may: CUDA reads indices on the processor.
INDEXED = {"__getitem__", "__setitem__"}
MOVES = {"to", "cuda", "cpu", "copy_", "type", "data.__set__", "grad.__set__", "_has_compatible_shallow_copy_type"}
TO_NUMPY = {"numpy", "__array__", "__dlpack__"}


class MixedDevicesError(RuntimeError):
    """What CUDA would raise."""


class Generator(torch.Generator):
    """A generator of the processor that remembers for which device it was asked."""

    def __new__(cls, device="cpu"):
        made = super().__new__(cls, "cpu")
        made.there = torch.device(device).type == "cuda"
        return made

    @property
    def device(self):
        return CUDA if self.there else torch.device("cpu")


def there(tensor):
    """Whether a tensor is on the pretended device."""
    return getattr(tensor, "there", False)


class Pretended(TorchFunctionMode):
    """Torch with a pretended device."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name = called(func)
        tensors = list(found(torch.Tensor, (args, kwargs)))
        if name == "device.__get__":
            return CUDA if there(args[0]) else func(*args)
        if name in {"is_cuda.__get__", "is_cpu.__get__"}:
            return there(args[0]) == (name == "is_cuda.__get__")
        if name in TO_NUMPY and there(args[0]):
            raise MixedDevicesError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu()")
        if name == "cuda":
            return marked(func_of_to(args[0]), True)
        asked = [torch.device(one).type for one in devices(name, args, kwargs)]
        where = asked[0] == "cuda" if asked else self._of(name, tensors)
        self._generators(name, (args, kwargs), where)
        args, kwargs = on_processor(name, args, kwargs)
        out = func(*args, **kwargs)
        if name == "cpu":
            # Another tensor than the one that it is a copy of.
            return marked(out.clone() if there(args[0]) else out, False)
        if name == "data.__set__":
            args[0].there = there(args[1])
            return out
        if name == "copy_":
            return out
        fresh = {id(one) for one in tensors}
        for one in found(torch.Tensor, out):
            if id(one) in fresh and asked and there(one) != where:
                # `to` gives back the tensor itself where nothing has to be done.
                return marked(func_of_to(one), where)
            if id(one) not in fresh:
                self._made(name, marked(one, where), tensors, (args, kwargs))
        return out

    def _of(self, name, tensors):
        """The device of what is made from tensors."""
        sides = {there(one) for one in tensors if one.ndim or name in MOVES}
        if name in INDEXED or name in MOVES:
            return there(tensors[0]) if tensors else False
        if len(sides) > 1:
            raise MixedDevicesError(f"torch.{name}: expected all tensors to be on the same device")
        return sides.pop() if sides else any(map(there, tensors))

    def _generators(self, name, given, where):
        for one in found(torch.Generator, given):
            if getattr(one, "there", False) != where:
                sides = ["cpu", "cuda"]
                raise MixedDevicesError(
                    f"torch.{name}: expected a {sides[where]!r} generator but found {sides[not where]!r}"
                )

    def _made(self, name, tensor, tensors, given):
        """Double precision is asked for by a type in the call, or comes from tensors of the device that have it."""
        if not (there(tensor) and tensor.dtype in DOUBLE):
            return
        real = [one for one in tensors if there(one) and (one.is_floating_point() or one.is_complex())]
        # Numbers, which are 0-d, do not decide beside others.
        ours = [one.dtype for one in real if one.ndim] or [one.dtype for one in real]
        asked = name in {"double", "type", "type_as"} or any(one in DOUBLE for one in found(torch.dtype, given))
        if not asked and (not ours or any(one not in DOUBLE for one in ours)):
            raise MixedDevicesError(f"torch.{name} makes {tensor.dtype} on the device, which nobody asked for")


def func_of_to(tensor):
    """A tensor of the same values that shares its history and not its mark."""
    return tensor.view_as(tensor) if tensor.requires_grad else tensor.detach()


def called(func):
    """The name of a function of torch; an attribute's has its accessor behind a dot."""
    owner = getattr(func, "__self__", None)
    if func.__name__ in {"__get__", "__set__"}:
        return f"{owner.__name__}.{func.__name__}"
    return func.__name__


def marked(tensor, where):
    tensor.there = where
    return tensor


def found(kind, value):
    """All objects of a kind in nested tuples, lists and dictionaries."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from found(kind, one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from found(kind, one)


def devices(name, args, kwargs):
    """The devices that a call names."""
    if kwargs.get("device") is not None:
        yield kwargs["device"]
    if name == "to":
        for one in (*args[1:2], kwargs.get("other")):
            if isinstance(one, (torch.device, str)):
                yield one
            elif isinstance(one, torch.Tensor):
                yield CUDA if there(one) else "cpu"


def on_processor(name, args, kwargs):
    """The arguments, with the processor in place of the device."""
    if kwargs.get("device") is not None and torch.device(kwargs["device"]).type == "cuda":
        kwargs = {**kwargs, "device": "cpu"}
    if name == "to" and len(args) > 1 and not isinstance(args[1], (torch.dtype, torch.Tensor)) and args[1] is not None:
        args = (args[0], "cpu" if torch.device(args[1]).type == "cuda" else args[1], *args[2:])
    return args, kwargs


@contextlib.contextmanager
def accelerator(monkeypatch):
    """Torch sees a CUDA device while this is entered."""
    monkeypatch.setattr(torch, "Generator", Generator)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: None)
    with Pretended():
        yield
