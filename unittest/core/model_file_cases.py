# The Python side of test_model_file: evaluates a model file, or makes damaged ones of it.
import sys
import zipfile

import torch

task, file = sys.argv[1:3]
model_extra = {"torchpot.json": ""}
model = torch.jit.load(file, _extra_files=model_extra)

if task == "evaluate":
    # standard input: number of atoms, then per atom the element and the descriptors
    n, *rest = sys.stdin.read().split()
    rows = torch.tensor([float(x) for x in rest], dtype=torch.float64).reshape(int(n), -1)
    element, descriptor = rows[:, 0].to(torch.int64), rows[:, 1:].clone().requires_grad_()
    energy = model(descriptor, element)
    gradient = torch.autograd.grad(energy.sum(), descriptor)[0]
    for e, g in zip(energy.tolist(), gradient.tolist()):
        print(*(repr(x) for x in [e, *g]))

if task == "damage":
    folder = sys.argv[3]
    attributes = ["energy_shift", "output_scale", "input_shift", "input_scale",
                  "weight0", "bias0", "weight1", "bias1"]

    class Copy(torch.nn.Module):
        def forward(self, descriptor, element: torch.Tensor):
            return descriptor[:, 0]

    class Failing(torch.nn.Module):
        def forward(self, descriptor, element: torch.Tensor):
            assert element.size(0) < 0, "not today"
            return descriptor[:, 0]

    def save(name, change=None, extra=None, kind=Copy):
        copy = kind()
        for attribute in attributes:
            copy.register_buffer(attribute, getattr(model, attribute).clone())
        if change:
            change(copy)
        torch.jit.save(torch.jit.script(copy), f"{folder}/{name}.pt",
                       _extra_files=model_extra if extra is None else extra)

    def first(tensor, value):
        tensor.view(-1)[0] = value

    save("good")
    save("no_description", extra={"other.txt": "x"})
    save("not_json", extra={"torchpot.json": "{"})
    save("no_tensor", lambda m: delattr(m, "weight1"))
    save("wrong_shape", lambda m: setattr(m, "weight0", m.weight0[:, :2]))
    save("integers", lambda m: setattr(m, "bias0", m.bias0.to(torch.int64)))
    save("not_a_number", lambda m: first(m.bias1, float("nan")))
    save("zero_scale", lambda m: first(m.input_scale, 0.0))
    save("other_shift", lambda m: first(m.energy_shift, 7.0))
    save("failing", kind=Failing)
    with zipfile.ZipFile(f"{folder}/no_code.pt", "w") as archive:
        archive.writestr("no_code/version", "3\n")
        archive.writestr("no_code/extra/torchpot.json", model_extra["torchpot.json"])
