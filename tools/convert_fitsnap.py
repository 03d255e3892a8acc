#!/usr/bin/env python3
"""Brings a network that FitSNAP's PyTorch solver saved into a file for torchpot_fit's
[PYTORCH] save_state_input.

usage: convert_fitsnap.py FITSNAP.pt NETWORK.json

FITSNAP.pt is what FitSNAP's save_state_output or output_file names. FitSNAP need not be installed;
torch and numpy are. Nothing that the file might ask to be run is run: only the classes that such
files consist of are made.
"""

import collections
import json
import os
import pickle
import re
import sys
import types

import numpy as np
import torch


class Problem(Exception):
    """What is wrong with the file, as a sentence."""


class Stub(torch.nn.Module):
    """Stands for a class of FitSNAP: a module that only holds its parts."""


# FitSNAP's classes around the networks, and under which name each holds its part
WRAPPERS = {"TorchWrapper": "model", "IgnoreElems": "subnet", "ElemwiseModels": "subnets"}
STUBS = {name: type(name, (Stub,), {}) for name in WRAPPERS}
KNOWN = {
    ("collections", "OrderedDict"), ("builtins", "set"), ("__builtin__", "set"),
    ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_parameter"),
    ("torch._utils", "_rebuild_tensor"), ("torch.serialization", "_get_layout"),
    ("torch", "device"), ("torch.nn.modules.container", "Sequential"),
    ("torch.nn.modules.linear", "Linear"), ("torch.nn.modules.activation", "Softplus"),
}


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if module.startswith("fitsnap3lib.") and name in STUBS:
            return STUBS[name]
        is_type = module == "torch" and (name.endswith("Storage")
                                         or isinstance(getattr(torch, name, None), torch.dtype))
        if is_type or (module, name) in KNOWN:
            return super().find_class(module, name)
        raise Problem(f"it contains {module}.{name}, which networks of FitSNAP do not")


def load(file):
    """The object in the file, of torch's own classes and Stub alone."""
    with open(file, "rb") as stream:
        if not stream.read(1):
            raise Problem("it is empty")
    reader = types.ModuleType("reader")
    reader.Unpickler = Unpickler
    reader.load = lambda stream, **options: Unpickler(stream, **options).load()
    try:
        return torch.load(file, map_location="cpu", pickle_module=reader, weights_only=False)
    except Problem:
        raise
    except Exception as error:    # torch has many kinds
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Problem(f"torch cannot load it, it is damaged or of another kind: {reason}") from None


def numbers(tensor, shape, name):
    """A tensor in double; dimensions that may be anything are None in `shape`."""
    if not isinstance(tensor, torch.Tensor):
        raise Problem(f"{name} is missing")
    array = tensor.detach().to(torch.float64).numpy()
    if array.ndim != len(shape) or any(b not in (None, a) for a, b in zip(array.shape, shape)):
        wanted = " x ".join("any" if n is None else str(n) for n in shape)
        raise Problem(f"{name} has the shape {' x '.join(map(str, array.shape))}, wanted {wanted}")
    if not np.all(np.isfinite(array)):
        raise Problem(f"{name} has values that are not finite; FitSNAP's training may have "
                      "diverged, or a descriptor is the same for all atoms")
    return array


def layers_of_state(state):
    """Per network the (weight, bias) of its layers, from the keys of a state dictionary."""
    pattern = re.compile(r"network_architecture(\d+)\.(\d+)\.(weight|bias)")
    networks = collections.defaultdict(lambda: collections.defaultdict(dict))
    for key, value in state.items():
        match = pattern.fullmatch(key)
        if not match:
            raise Problem(f"unknown key {key} in model_state_dict, wanted "
                          "network_architecture<n>.<layer>.weight and .bias")
        networks[int(match[1])][int(match[2])][match[3]] = value
    if sorted(networks) != list(range(len(networks))) or not networks:
        raise Problem(f"model_state_dict has the networks {sorted(networks)}, wanted 0, 1, ...")
    result = []
    for n in range(len(networks)):
        wanted = [0, *range(1, 2 * len(networks[n]) - 2, 2)]    # an activation after each but two
        if sorted(networks[n]) != wanted:
            raise Problem(f"network_architecture{n} has the layers {sorted(networks[n])}, "
                          f"wanted {wanted}")
        result.append([(networks[n][l].get("weight"), networks[n][l].get("bias"))
                       for l in wanted])
    return result


def layers_of_sequence(sequence, n):
    """The same of a torch.nn.Sequential."""
    if not isinstance(sequence, torch.nn.Sequential):
        raise Problem(f"network {n} is of the class {type(sequence).__name__}, wanted Sequential")
    parts = list(sequence)
    for l, part in enumerate(parts):
        wanted = torch.nn.Softplus if l >= 2 and l % 2 == 0 else torch.nn.Linear
        if type(part) is not wanted:
            raise Problem(f"layer {l} of network {n} is {type(part).__name__}, wanted "
                          f"{wanted.__name__}")
        if wanted is torch.nn.Softplus and (part.beta, part.threshold) != (1, 20):
            raise Problem(f"layer {l} of network {n} is {part}, wanted Softplus with beta 1 and "
                          "threshold 20")
    return [(part.weight, part.bias) for part in parts if isinstance(part, torch.nn.Linear)]


def layers_of_module(module):
    """The same of a module as FitSNAP writes it for LAMMPS."""
    try:
        inner = module.model
        networks = [inner.subnet] if isinstance(inner, STUBS["IgnoreElems"]) else inner.subnets
    except AttributeError as error:
        raise Problem(f"a part is missing: {error}") from None
    return [layers_of_sequence(network, n) for n, network in enumerate(networks)]


def folded(layers, n):
    """Matrices and biases behind plain descriptors: FitSNAP's first layer, which scales them, has
    no activation and goes into the second one."""
    if len(layers) < 2:
        raise Problem(f"network {n} has {len(layers)} layers with weights, wanted 2 or more")
    result, size = [], None
    for l, (weight, bias) in enumerate(layers):
        name = f"layer {l} with weights of network {n}"
        weight = numbers(weight, (None, size), f"the weight of {name}")
        size = len(weight)
        result.append((weight, numbers(bias, (size,), f"the bias of {name}")))
    (scale, shift), (weight, bias) = result[:2]
    if scale.shape[0] != scale.shape[1]:
        raise Problem(f"the first layer of network {n} is {scale.shape[0]} x {scale.shape[1]}, "
                      "wanted a square one, which scales the descriptors")
    if size != 1:
        raise Problem(f"the last layer of network {n} has the size {size}, wanted 1")
    long = np.longdouble
    first = (np.asarray(weight.astype(long) @ scale.astype(long), float),
             np.asarray(weight.astype(long) @ shift.astype(long) + bias, float))
    return [first, *result[2:]]


def networks_of(loaded):
    if isinstance(loaded, STUBS["TorchWrapper"]):
        return layers_of_module(loaded)
    if not isinstance(loaded, dict) or "model_state_dict" not in loaded:
        found = (f"a dictionary with {', '.join(map(str, loaded)) or 'no keys'}"
                 if isinstance(loaded, dict) else type(loaded).__name__)
        raise Problem(f"it holds {found}, wanted a dictionary with model_state_dict "
                      "(save_state_output) or a TorchWrapper (output_file)")
    return layers_of_state(loaded["model_state_dict"])


def converted(loaded):
    """What torchpot_fit reads, as a dictionary."""
    networks = [folded(layers, n) for n, layers in enumerate(networks_of(loaded))]
    shapes = [[weight.shape for weight, _ in layers] for layers in networks]
    if any(shape != shapes[0] for shape in shapes):
        raise Problem(f"its networks have different layers: {shapes}")
    sizes = [shape[0] for shape in shapes[0]]
    return {
        "format": "torchpot-network", "version": 1, "n_descriptors": shapes[0][0][1],
        "layer_sizes": sizes,
        "activations": ["softplus"] * (len(sizes) - 1) + ["linear"],
        "parameters": [np.concatenate([values.ravel() for layer in layers for values in layer])
                       .tolist() for layers in networks],
    }


def main(arguments):
    if len(arguments) != 2 or arguments[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    source, target = arguments
    try:
        text = json.dumps(converted(load(source)))
    except (Problem, OSError) as error:
        print(f"convert_fitsnap.py: {source}: {error}", file=sys.stderr)
        return 1
    temporary = f"{target}.tmp{os.getpid()}"
    try:
        with open(temporary, "w") as out:
            out.write(text + "\n")
        os.replace(temporary, target)
    except OSError as error:
        print(f"convert_fitsnap.py: {target}: cannot be written: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
