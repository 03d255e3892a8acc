"""Pair style torchpot against LAMMPS's own SNAP styles, on random triclinic cells."""

import numpy as np

import torchpot_testing
from pair_testing import *

NAMES = ("energy", "pressure", "force", "energy_atom")
ONE = dict(elements=["Si"], radelem=[0.5], welem=[1.0])
TWO = dict(elements=["In", "P"], radelem=[0.5, 0.45], welem=[1.0, 0.7])


def compare(potentials, tolerance=1e-12, reference="snap", timeout=120, n_atoms=24):
    cases = []
    for i, potential in enumerate(potentials):
        data = f"{potential.name}.data"
        write_data(data, *random_cell(n_atoms, i + 1, len(potential.elements)),
                   n_types=len(potential.elements))
        cases.append(Case(potential.name + "-lammps", data, getattr(potential, reference)()))
        cases.append(Case(potential.name + "-torchpot", data, potential.torchpot()))
    values = evaluate(cases, timeout=timeout, centroid=False)
    for potential in potentials:
        assert_same(values[potential.name + "-torchpot"], values[potential.name + "-lammps"],
                    tolerance, potential.name, NAMES)


def test_angular_momentum():
    compare([SnapPotential(f"j{j}", twojmax=j, seed=j, **ONE) for j in range(2, 9)])


def test_each_flag():
    flags = dict(rfac0=0.8, rmin0=0.3, switchflag=0, bzeroflag=0, bnormflag=1, wselfallflag=1,
                 switchinnerflag=1)
    potentials = []
    for n, elements in enumerate((ONE, TWO)):
        potentials += [SnapPotential(f"{k}{n}", **{k: v}, **elements) for k, v in flags.items()]
        potentials.append(SnapPotential(f"all{n}", **dict(flags, switchflag=1), **elements))
    compare(potentials)


def test_chemical_elements():
    compare([SnapPotential(f"chem{w}{b}{z}", twojmax=3, chemflag=1, wselfallflag=w, bnormflag=b,
                           bzeroflag=z, **TWO)
             for w in (0, 1) for b in (0, 1) for z in (0, 1)])
    compare([SnapPotential("chem", twojmax=6, chemflag=1, bnormflag=1, wselfallflag=1, **TWO)])


def test_quadratic():
    compare([SnapPotential("q1", twojmax=6, quadratic=True, **ONE),
             SnapPotential("q2", twojmax=4, quadratic=True, **TWO),
             SnapPotential("q3", twojmax=2, quadratic=True, chemflag=1, bzeroflag=0, **TWO)])


def test_mliap_linear_and_quadratic():
    compare([SnapPotential("l1", twojmax=6, **ONE), SnapPotential("l2", twojmax=4, **TWO),
             SnapPotential("q2", twojmax=4, quadratic=True, **TWO)], reference="mliap")


def test_mliap_network():
    for activation in ("tanh", "sigmoid", "relu"):
        network_against_mliap(activation, [5, 4, 1], ["Si"], [0.5], [1.0])
    network_against_mliap("tanh", [64, 64, 1], ["In", "P"], [0.5, 0.45], [1.0, 0.7])


def network_against_mliap(activation, sizes, elements, radelem, welem):
    """The same random network as model.pt and as `model nn` of ML-IAP."""
    keys = dict(elements=elements, radelem=radelem, welem=welem, kind="mlp", mode="per_element",
                layers=sizes, activation=activation, scale=20.0)
    k = n_descriptors(SNAP_DEFAULTS["twojmax"])
    random = np.random.default_rng(3)
    n_params = sum(a * b + b for a, b in zip([k, *sizes[:-1]], sizes))
    parameters = random.normal(size=(len(elements), n_params), scale=0.3)
    with open("n.parameters", "w") as out:
        out.writelines(f"{x:.17g}\n" for x in [*np.zeros(len(elements)), *parameters.ravel()])
    make_model("n.pt", parameters="n.parameters", **keys)
    write_models()
    shift, scale, output_scale = stored_scaling("n.pt")

    with open("n.nn", "w") as out:
        out.write(f"{len(elements)} {n_params}\n")
        words = " ".join(f"{activation if l < len(sizes) - 1 else 'linear'} {n}"
                         for l, n in enumerate(sizes))
        out.write(f"NET {k} {len(sizes)} {words}\n")
        for e in range(len(elements)):
            for values in (shift[e], scale[e], mliap_order(parameters[e], k, sizes, output_scale)):
                out.writelines(f"{x:.17g}\n" for x in values)
    write_descriptor("n.descriptor", elements, radelem, welem, SNAP_DEFAULTS)
    write_data("n.data", *random_cell(24, 7, len(elements)), n_types=len(elements))
    names = " ".join(elements)
    values = evaluate([
        Case("lammps", "n.data", "pair_style mliap model nn n.nn descriptor sna n.descriptor\n"
             f"pair_coeff * * {names}"),
        Case("torchpot", "n.data", f"pair_style torchpot\npair_coeff * * n.pt {names}")],
        centroid=False)
    assert_same(values["torchpot"], values["lammps"], 1e-12, f"{activation} {sizes}", NAMES)


def stored_scaling(file):
    import torch
    model = torch.jit.load(file)
    return (model.input_shift.numpy(), model.input_scale.numpy(), float(model.output_scale))


def mliap_order(parameters, n_in, sizes, output_scale):
    """Per node the bias, then its weights; the output scale goes into the last layer."""
    values, at = [], 0
    for l, n in enumerate(sizes):
        weight = parameters[at:at + n * n_in].reshape(n, n_in)
        bias = parameters[at + n * n_in:at + n * n_in + n]
        factor = output_scale if l == len(sizes) - 1 else 1.0
        values += list(factor * np.hstack([bias[:, None], weight]).ravel())
        at += n * n_in + n
        n_in = n
    return values


if __name__ == "__main__":
    torchpot_testing.main(globals())
