"""Models in the files of LAMMPS's own pair_style mliap, against pair_style torchpot on model.pt.

TORCHPOT_MODEL names the program torchpot_model."""

import pathlib
import subprocess

from pair_testing import *
from pair_testing import write_models
from test_torchpot_fit import JSON_DATA, REFERENCE, SETTINGS, fit, json_data, write_input
from torchpot_testing import _path, main

# per-atom stress is divided among atoms in another way by each style
ALL = ("energy", "pressure", "force", "energy_atom")
ENERGIES = ("energy", "energy_atom")
TWO = dict(elements=["In", "P"], radelem=[0.5, 0.45], welem=[1.0, 0.7])
ZBL = ["pair_style hybrid/overlay zbl 3.0 4.0", "pair_coeff 1 1 zbl 49 49",
       "pair_coeff 1 2 zbl 49 15", "pair_coeff 2 2 zbl 15 15"]


def export(name):
    """Writes NAME.mliap.* from NAME.pt; returns what is said of it."""
    done = subprocess.run([_path("TORCHPOT_MODEL", "program torchpot_model"), "export",
                           f"{name}.pt", "--mliap", name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def torchpot_input(name, elements, reference):
    """The same potential with pair_style torchpot."""
    if not reference:
        return f"pair_style torchpot\npair_coeff * * {name}.pt {elements}"
    return "\n".join([reference[0] + " torchpot", *reference[1:],
                      f"pair_coeff * * torchpot {name}.pt {elements}"])


def compare(models, names=ALL, np_ranks=1, tolerance=1e-10):
    """models: {name: keys of make_model()}"""
    for name, keys in models.items():
        make_model(f"{name}.pt", **{**keys, "reference": ";".join(keys.get("reference", []))})
    write_models()
    cases = []
    for i, (name, keys) in enumerate(models.items()):
        said = export(name)
        chemical = bool(keys.get("chemflag"))
        assert ("not the derivative" in said) == chemical, said
        assert ("not the derivative" in pathlib.Path(f"{name}.mliap.mod").read_text()) == chemical
        elements = keys["elements"]
        write_data(f"{name}.data", *random_cell(24, i + 1, len(elements)), n_types=len(elements))
        cases += [Case(f"{name}-mliap", f"{name}.data", f"include {name}.mliap.mod"),
                  Case(f"{name}-torchpot", f"{name}.data",
                       torchpot_input(name, " ".join(elements), keys.get("reference", [])))]
    values = evaluate(cases, np_ranks, centroid=False)
    for name in models:
        assert_same(values[f"{name}-mliap"], values[f"{name}-torchpot"], tolerance,
                    f"{name} on {np_ranks} rank(s)", names)


def networks(activation, **keys):
    return {f"{mode}-{activation}-b{bzero}": dict(TWO, mode=mode, layers=[6, 5, 1], seed=i + 1,
                                                  activation=activation, bzeroflag=bzero, **keys)
            for i, mode in enumerate(("shared", "per_element", "one_hot")) for bzero in (0, 1)}


def test_networks():
    for activation in ("tanh", "sigmoid", "relu", "linear"):
        compare(networks(activation, reference=ZBL))


def test_networks_without_reference_on_two_ranks():
    compare(networks("tanh"), np_ranks=2)
    compare(networks("relu", reference=ZBL), np_ranks=2)


def test_chemical_elements():
    """Energies alone: LAMMPS's forces are not their derivatives there, see doc/descriptors.md."""
    for activation in ("tanh", "relu"):
        compare(networks(activation, chemflag=1, twojmax=2, reference=ZBL), ENERGIES)


def test_each_flag():
    flags = dict(rfac0=0.8, rmin0=0.3, switchflag=0, bnormflag=1, wselfallflag=1)
    models = {key: dict(TWO, **{key: value}) for key, value in flags.items()}
    models["inner"] = dict(TWO, switchinnerflag=1, sinnerelem=[1.1, 1.0], dinnerelem=[0.4, 0.5])
    models["one"] = dict(elements=["Si"], radelem=[0.5], welem=[1.0], twojmax=8, layers=[1])
    compare(models)


def test_linear_and_quadratic_models():
    models = {f"{kind}-{mode}": dict(TWO, kind=kind, mode=mode, seed=5)
              for kind in ("linear", "quadratic") for mode in ("shared", "per_element", "one_hot")}
    compare(models)
    compare({"q": dict(TWO, kind="quadratic", mode="per_element", reference=ZBL)}, np_ranks=2)


def test_models_of_other_scaling():
    """Quadratic and linear models that see shifted and scaled descriptors, as fits make them."""
    import torch
    for kind in ("linear", "quadratic"):
        make_model(f"{kind}.pt", **dict(TWO, kind=kind, mode="per_element", seed=7))
    write_models()
    for kind in ("linear", "quadratic"):
        extra = {"torchpot.json": ""}
        model = torch.jit.load(f"{kind}.pt", _extra_files=extra)
        generator = torch.Generator().manual_seed(1)
        model.input_shift.copy_(8 * torch.rand(model.input_shift.shape, generator=generator))
        model.input_scale.copy_(1 + torch.rand(model.input_scale.shape, generator=generator))
        torch.jit.save(model, f"{kind}.pt", _extra_files=extra)
        export(kind)
    write_data("c.data", *random_cell(24, 3, 2), n_types=2)
    values = evaluate([case for kind in ("linear", "quadratic") for case in (
        Case(f"{kind}-mliap", "c.data", f"include {kind}.mliap.mod"),
        Case(f"{kind}-torchpot", "c.data", torchpot_input(kind, "In P", [])))], centroid=False)
    for kind in ("linear", "quadratic"):
        assert_same(values[f"{kind}-mliap"], values[f"{kind}-torchpot"], 1e-10, kind, ALL)


def test_files_of_fits():
    """What torchpot_fit leaves: with and without reference, and the note where it cannot."""
    data = json_data(n_solid=5, n_melt=2)
    for more, reference in ((("activation", "tanh"), REFERENCE), (("activation", "sigmoid"), ""),
                            (("network", "linear"), REFERENCE), (("network", "quadratic"), "")):
        write_input(JSON_DATA, SETTINGS, reference)
        out = fit("in.fit", "--overwrite", "-k", "TORCHPOT", *more).check()
        assert "pot.mliap.model pot.mliap.mod" in out.output.splitlines()[-1], out.output
        assert "mliap" not in out.errors, out.errors
        cases = [Case(f"{style}{i}", c.file, f"include {file}") for i, c in enumerate(data)
                 for style, file in (("mliap", "pot.mliap.mod"), ("torchpot", "pot.mod"))]
        values = evaluate(cases, centroid=False)
        for i in range(len(data)):
            assert_same(values[f"mliap{i}"], values[f"torchpot{i}"], 1e-10, f"{more} {i}", ALL)
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    out = fit("in.fit", "--overwrite").check()
    assert "note: no pot.mliap.model" in out.errors and "not softplus" in out.errors, out.errors
    assert "mliap.mod" not in out.output
    assert not list(pathlib.Path().glob("pot.mliap.mo*"))


def test_units_are_compared():
    """LAMMPS refuses the model in other units."""
    make_model("m.pt", **TWO)
    write_models()
    export("m")
    write_data("c.data", *random_cell(8, 3, 2), n_types=2)
    result = run("units real\natom_style atomic\nread_data c.data\ninclude m.mliap.mod\n")
    assert result.returncode != 0 and "metal units" in result.output, result.output


if __name__ == "__main__":
    main(globals())
