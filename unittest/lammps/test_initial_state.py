"""torchpot_fit from saved networks: what tools/convert_fitsnap.py makes of files such as FitSNAP
writes, torchpot's own models, and what does not fit.

The files are written with torch.save from classes of FitSNAP's names, and their networks evaluated
by numpy on descriptors of LAMMPS."""

import importlib.util
import os
import pathlib
import subprocess
import sys
import types

import numpy as np
import torch

from pair_testing import assert_close
from test_torchpot_fit import (JSON_DATA, MODEL, REFERENCE, SETTINGS, Predictions, fit,
                               json_data, model_parameters, write_input)
from torchpot_testing import SOURCE_DIR, main, run_lammps

N_DESCRIPTORS = 14    # of DESCRIPTOR in test_torchpot_fit, 2J = 4
ELEMENTS = 2


def fitsnap_classes():
    """Classes that are pickled under FitSNAP's names."""
    module = types.ModuleType("fitsnap3lib.lib.neural_networks.write")
    for name in ("TorchWrapper", "IgnoreElems", "ElemwiseModels", "UnpackElems"):
        made = type(name, (torch.nn.Module,), {"__module__": module.__name__})
        setattr(module, name, made)
    for name in ("fitsnap3lib", "fitsnap3lib.lib", "fitsnap3lib.lib.neural_networks"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules[module.__name__] = module
    return module


def network(seed, sizes=(8, 8, 1), n=N_DESCRIPTORS):
    """As FitSNAP makes it, after some training: a full matrix in front."""
    torch.manual_seed(seed)
    parts = [torch.nn.Linear(n, n)]
    with torch.no_grad():
        parts[0].weight.copy_(torch.diag(0.2 + torch.rand(n)) + 0.01 * torch.randn(n, n))
        parts[0].bias.copy_(3 * torch.rand(n))
    for size in sizes:
        parts += [torch.nn.Linear(n, size), torch.nn.Softplus()]
        n = size
    return torch.nn.Sequential(*parts[:-1])


def write_state(file, networks, **more):
    holder = torch.nn.Module()
    for t, net in enumerate(networks):
        setattr(holder, f"network_architecture{t}", net)
    optimizer = torch.optim.Adam(holder.parameters(), lr=1e-3)
    loss = sum(p.square().sum() for p in holder.parameters())
    loss.backward()
    optimizer.step()
    torch.save({"epoch": 3, "model_state_dict": {**holder.state_dict(), **more},
                "optimizer_state_dict": optimizer.state_dict(), "loss": loss}, file)


def write_module(file, networks, n_elements=ELEMENTS):
    classes = fitsnap_classes()
    wrapper = classes.TorchWrapper()
    if n_elements == 1:
        wrapper.model = classes.IgnoreElems()
        wrapper.model.subnet = networks[0]
    else:
        wrapper.model = classes.ElemwiseModels()
        wrapper.model.subnets, wrapper.model.n_types = networks, n_elements
    for net in networks:
        net.to(torch.float64)
    wrapper.dtype, wrapper.device, wrapper.n_params = torch.float64, "cpu", 0
    wrapper.n_descriptors, wrapper.n_elements = float(N_DESCRIPTORS), n_elements
    torch.save(wrapper, file)


def convert(source, target="state.json", status=0):
    """What tools/convert_fitsnap.py says; it runs where FitSNAP's classes are not known."""
    done = subprocess.run([sys.executable, "-B", SOURCE_DIR / "tools" / "convert_fitsnap.py",
                           source, target], capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done.stderr


def arrays(net):
    """float64 (weight, bias) of the layers of a Sequential."""
    return [(p.weight.detach().double().numpy(), p.bias.detach().double().numpy())
            for p in net if isinstance(p, torch.nn.Linear)]


def energies(layers, descriptors):
    """By numpy: the first layer has no activation, the others but the last have softplus."""
    x = descriptors @ layers[0][0].T + layers[0][1]
    for l, (weight, bias) in enumerate(layers[1:]):
        x = x @ weight.T + bias
        if l < len(layers) - 2:
            x = np.logaddexp(0.0, x)
    return x[:, 0]


def descriptors(c):
    """[atoms][K] from LAMMPS's compute sna/atom."""
    columns = " ".join(f"c_b[{k + 1}]" for k in range(N_DESCRIPTORS))
    run_lammps(f"""units metal
read_data {c.file}
pair_style zero 8.0
pair_coeff * *
compute b all sna/atom 4.2 0.99363 4 0.5 0.45 1.0 0.8 rmin0 0 bzeroflag 0
dump d all custom 1 {c.file}.dump id {columns}
dump_modify d sort id format float %.17g
run 0
""").check()
    lines = pathlib.Path(f"{c.file}.dump").read_text().splitlines()[9:]
    return np.array([line.split()[1:] for line in lines], float)


def input_with(state="state.json", *more, **changes):
    write_input(JSON_DATA, SETTINGS + "\n".join(more), REFERENCE,
                **{"num_epochs": f"0\nsave_state_input = {state}", **changes})


def check_energies(data, networks):
    layers = [arrays(net) for net in networks]
    predicted = Predictions().energy
    assert len(predicted) == len(data)
    for c in data:
        b = descriptors(c)
        per_network = [energies(l, b) for l in layers]
        wanted = sum(per_network[t - 1 if len(layers) > 1 else 0][i]
                     for i, t in enumerate(c.types))
        assert_close(predicted[c.group, c.name] * len(c.types), wanted, 1e-11, c.name)


def test_networks_per_element():
    """Of the dictionary and of the module, and forces as their derivatives (--evaluate and verify
    are for the model by itself)."""
    data = json_data()
    nets = [network(1), network(2)]
    write_state("state.pt", nets)
    write_module("module.pt", [net for net in nets])
    for source in ("state.pt", "module.pt"):
        convert(source)
        input_with()
        fit("in.fit", "--overwrite").check()
        check_energies(data, nets)
    done = subprocess.run([os.environ["TORCHPOT_MODEL"], "verify", MODEL], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout


def test_one_network_for_all_elements():
    data = json_data()
    nets = [network(3)]
    for write in (write_state, write_module):
        write("saved.pt", nets)
        convert("saved.pt")
        input_with(multi_element_option=1)
        fit("in.fit", "--overwrite").check()
        check_energies(data, nets)


def test_module_of_one_element():
    nets = [network(4)]
    write_state("state.pt", nets)
    convert("state.pt", "other.json")
    write_module("module.pt", nets, n_elements=1)
    convert("module.pt")
    one, two = (pathlib.Path(f).read_text() for f in ("state.json", "other.json"))
    assert one == two and one.startswith('{"format": "torchpot-network", "version": 1,')


def test_training_goes_on_from_models():
    """save_state_output, and a model, give the same start; with epochs the errors shrink."""
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE, num_epochs="6\nsave_state_output = best.pt")
    fit("in.fit").check()
    first = Predictions()
    same = model_parameters(MODEL)
    assert model_parameters("best.pt") == same
    os.rename(MODEL, "first.pt")
    for state in ("first.pt", "best.pt"):
        input_with(state)
        out = fit("in.fit", "--overwrite").check()
        assert model_parameters(MODEL) == same
        assert "best.pt" not in out.output.splitlines()[-1]
    assert Predictions().energy == first.energy
    fit("in.fit", "--check").check()
    fit("in.fit", "--overwrite", "-k", "PYTORCH", "num_epochs", "2").check()
    assert model_parameters(MODEL) != same
    loss = np.loadtxt("loss_vs_epochs.dat")
    input_with("None", num_epochs="2")
    fit("in.fit", "--overwrite").check()
    assert loss[0, 1] < np.loadtxt("loss_vs_epochs.dat")[0, 1]


def test_states_that_do_not_fit():
    """Each names the file, what is in it and what the input wants."""
    json_data()
    write_state("state.pt", [network(1), network(2)])
    convert("state.pt")
    input_with()
    fit("in.fit").check()
    os.rename(MODEL, "model.pt")
    text = pathlib.Path("state.json").read_text()
    pathlib.Path("cut.json").write_text(text[:len(text) // 2])
    pathlib.Path("cut.pt").write_bytes(pathlib.Path("model.pt").read_bytes()[:5000])
    pathlib.Path("text.pt").write_text("some text")
    write_state("wide.pt", [network(1, n=30), network(2, n=30)])
    convert("wide.pt", "wide.json")
    for state, more, parts in (
            ("state.json", ("PYTORCH", "layer_sizes", "num_desc 8 1"),
             ["layers", "found: 8 softplus, 8 softplus, 1 linear", "8 softplus, 1 linear"]),
            ("model.pt", ("PYTORCH", "layer_sizes", "num_desc 8 9 1"), ["8 softplus, 9 softplus"]),
            ("state.json", ("TORCHPOT", "activation", "tanh"), ["8 tanh", "[TORCHPOT]"]),
            ("state.json", ("PYTORCH", "multi_element_option", "1"),
             ["found: one network per element", "one network for all elements"]),
            ("wide.json", (), ["number of descriptors", "found: 30", "wanted: 14"]),
            ("model.pt", ("BISPECTRUM", "rcutfac", "4.3"), ["descriptor", "4.2", "4.3"]),
            ("cut.json", (), ["damaged or not whole"]), ("cut.pt", (), ["no directory at its end"]),
            ("state.pt", (), ["not a torchpot model", "convert_fitsnap.py"]),
            ("text.pt", (), ["the file is no TorchScript archive"]),
            ("none.pt", (), ["No such file"])):
        input_with(state)
        keywords = ("-k", *more) if more else ()
        for check in ("--check", "--overwrite"):
            said = fit("in.fit", check, *keywords).check(1).errors
            assert all(part in said for part in [state, *parts]), said


def converter():
    spec = importlib.util.spec_from_file_location("convert_fitsnap",
                                                  SOURCE_DIR / "tools" / "convert_fitsnap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_files_that_cannot_be_converted():
    fitsnap_classes()
    module = converter()

    def refused(what, *parts):
        torch.save(what, "f.pt")
        try:
            module.converted(module.load("f.pt"))
        except module.Problem as problem:
            assert all(part in str(problem) for part in parts), problem
        else:
            raise AssertionError(f"not refused: {parts}")

    def state(change, *nets):
        write_state("s.pt", nets or [network(1)])
        saved = torch.load("s.pt")
        change(saved["model_state_dict"])
        return saved

    name = "network_architecture0"
    refused({"epoch": 1}, "a dictionary with epoch", "model_state_dict")
    refused([1, 2], "it holds list")
    refused(state(lambda s: s.update(other=torch.zeros(2))), "unknown key other")
    refused(state(lambda s: s.clear()), "the networks []")
    refused(state(lambda s: s.pop(f"{name}.3.bias")), "bias of layer 2", "is missing")
    refused(state(lambda s: [s.pop(f"{name}.3.{x}") for x in ("weight", "bias")]),
            "the layers [0, 1, 5], wanted [0, 1, 3]")
    refused(state(lambda s: s.update({f"{name}.3.weight": torch.zeros(8, 9)})), "8 x 9", "any x 8")
    refused(state(lambda s: s[f"{name}.0.weight"].fill_(np.inf)), "not finite", "the same for all")
    refused(state(lambda s: None, network(1), network(2, (8, 7, 1))), "different layers")
    refused(state(lambda s: None, network(1, (8, 2))), "the last layer", "the size 2")
    refused(state(lambda s: None, torch.nn.Sequential(torch.nn.Linear(4, 1))), "1 layers")
    refused(state(lambda s: None, torch.nn.Sequential(torch.nn.Linear(4, 3),
                                                      torch.nn.Linear(3, 1))), "3 x 4")

    def wrapped(net):
        write_module("m.pt", [net], 1)
        return torch.load("m.pt", weights_only=False)

    deep = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4), torch.nn.Softplus(2.0),
                               torch.nn.Linear(4, 1))
    refused(wrapped(deep), "Softplus with beta 1")
    refused(wrapped(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Softplus())),
            "layer 1 of network 0 is Softplus, wanted Linear")
    refused(wrapped(torch.nn.Linear(4, 4)), "class Linear, wanted Sequential")
    refused(wrapped(torch.nn.Sequential(torch.nn.Tanh())), "Tanh", "do not")
    empty = fitsnap_classes().TorchWrapper()
    refused(empty, "a part is missing")
    unpack = fitsnap_classes()
    empty = unpack.TorchWrapper()
    empty.model = unpack.UnpackElems()
    refused(empty, "UnpackElems")


def test_converter_says_what_is_wrong():
    write_state("s.pt", [network(1)])
    data = pathlib.Path("s.pt").read_bytes()
    for content, part in ((b"", "it is empty"), (b"some text", "of another kind"),
                          (data[:len(data) // 2], "damaged"), (None, "No such file")):
        pathlib.Path("f.pt").unlink(missing_ok=True)
        if content is not None:
            pathlib.Path("f.pt").write_bytes(content)
        said = convert("f.pt", status=1)
        assert said.startswith("convert_fitsnap.py: f.pt: ") and part in said, said
        assert not os.path.exists("state.json")
    assert "cannot be written" in convert("s.pt", "none/state.json", status=1)
    assert "usage:" in convert("--help", status=2)


if __name__ == "__main__":
    main(globals())
