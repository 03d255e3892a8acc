"""The linear solvers of torchpot_fit: against numpy on frames of fix fitdump, and their potentials
in LAMMPS's own pair_style snap against pair_style torchpot."""

import os
import pathlib

import h5py
import numpy as np

from pair_testing import Case, assert_close, assert_same, evaluate
from test_fit_ranks import mpi
from test_torchpot_fit import (BISPECTRUM, FITDUMP, JSON_DATA, REFERENCE, SETTINGS, Predictions,
                               fit, fitdump_data, json_data, write_input)
from torchpot_testing import main

SVD = "\n[SOLVER]\nsolver = SVD\n"
RIDGE = "\n[SOLVER]\nsolver = RIDGE\n[RIDGE]\nalpha = 1e-3\n"
GROUPS = SETTINGS[SETTINGS.index("[GROUPS]"):]
WEIGHTS = {"solid": (1.0, 1.0, 1e-5), "melt": (20.0, 0.5, 3e-6)}    # energy, force, stress
ESHIFT = "\n[ESHIFT]\nIn = 0.7\nP = -0.2\n"
SHIFT = np.array([0.7, -0.2])
TABLES = ["metrics.dat", "perconfig.dat", "peratom.dat", "stress.dat", "pot.snapcoeff",
          "pot.snapparam", "pot.mod"]


def groups():
    lines = GROUPS
    for name, share in (("solid", "0.75 0.25"), ("melt", "1.0 0.0")):
        weights = " ".join(map(str, WEIGHTS[name]))
        start = lines.index(f"{name} = ")
        lines = (lines[:start] + f"{name} = {share} {weights}" +
                 lines[lines.index("\n", start):])
    return lines


def write(data, *more, quadratic=0, bzero=0, **changes):
    text = "\n".join([data, groups(), REFERENCE, *more])
    flags = f"quadraticflag = {quadratic}\nbzeroflag = {bzero}\n"
    write_input(text.replace(BISPECTRUM, BISPECTRUM + flags), **changes)


def coefficients(file="pot.snapcoeff"):
    lines = [line.split("#")[0].split() for line in pathlib.Path(file).read_text().splitlines()]
    n = int([line for line in lines if len(line) == 2][0][1])
    return np.array([float(line[0]) for line in lines if len(line) == 1]).reshape(2, n)


def features(b, d=None):
    """Linear and quadratic terms of descriptors b, or their derivative along d."""
    k, l = np.triu_indices(len(b))
    half = np.where(k == l, 0.5, 1.0)
    if d is None:
        return np.concatenate([b, half * b[k] * b[l]])
    return np.concatenate([d, half * (d[k] * b[l] + b[k] * d[l])])


def numpy_rows(data, quadratic, constant):
    """The weighted rows and labels of the training frames of data.h5, made by plain loops."""
    a, y = [], []
    with h5py.File("data.h5", "r", swmr=True) as h5:
        atoms, pairs = h5["frames/atom_ptr"][:], h5["frames/pair_ptr"][:]
        for m, c in enumerate(data):
            if c.group == "solid" and m >= 6:    # the last quarter is for tests
                continue
            e_weight, f_weight, s_weight = WEIGHTS[c.group]
            b = h5["atoms/descriptor"][atoms[m]:atoms[m + 1]]
            types = h5["atoms/type"][atoms[m]:atoms[m + 1]]
            part = slice(pairs[m], pairs[m + 1])
            first, second = h5["pairs/first"][part], h5["pairs/second"][part]
            vector, derivative = h5["pairs/vector"][part], h5["pairs/derivative"][part]
            n, width = len(types), len(features(b[0])) if quadratic else b.shape[1]
            value = features if quadratic else lambda b, d=None: b if d is None else d
            energy, stress = np.zeros((2, constant + width)), np.zeros((6, 2, constant + width))
            force = np.zeros((n, 3, 2, constant + width))
            for i, e in enumerate(types):
                energy[e, constant:] += value(b[i]) / n
                energy[e, :constant] += 1.0 / n
            for i, j, r, d in zip(first, second, vector, derivative):
                slopes = np.array([value(b[i], d[:, x]) for x in range(3)])
                force[j, :, types[i], constant:] -= slopes
                force[i, :, types[i], constant:] += slopes
                for v, (x, z) in enumerate([(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]):
                    stress[v, types[i], constant:] -= slopes[x] * r[z]
            volume = abs(np.linalg.det(h5["frames/cell"][m]))
            stress *= 1.6021765e6 / volume
            a += [e_weight * energy.reshape(1, -1), f_weight * force.reshape(3 * n, -1),
                  s_weight * stress.reshape(6, -1)]
            y += [[e_weight * (c.energy - c.reference_energy + SHIFT[types].sum()) / n],
                  f_weight * (c.force - c.reference_force).ravel(),
                  s_weight * (c.stress - c.reference_stress)]
    return np.concatenate(a), np.concatenate(y)


def compare_with_numpy(data, quadratic):
    a, y = numpy_rows(data, quadratic, True)
    for solver in (SVD, RIDGE):
        write(FITDUMP + BISPECTRUM, ESHIFT, solver, quadratic=quadratic)
        fit("in.fit", "--overwrite").check()
        found = coefficients()
        if solver is SVD:
            wanted = np.linalg.lstsq(a, y, rcond=1e-13)[0]
        else:
            wide = np.concatenate([a, np.sqrt(1e-3) * np.eye(a.shape[1])])
            wanted = np.linalg.lstsq(wide, np.append(y, np.zeros(a.shape[1])), rcond=0)[0]
        # what is nearly undetermined differs; the weighted predictions and the loss do not
        assert_close(a @ found.ravel(), a @ wanted, 1e-8, f"weighted predictions {solver}")
        loss, best = (np.sum((a @ x - y) ** 2) for x in (found.ravel(), wanted))
        assert abs(loss - best) < 1e-9 * best + 1e-12, (loss, best)
        if solver is RIDGE:
            assert_close(found.ravel(), wanted, 1e-7, "coefficients")


def test_against_numpy():
    """Weights, constants, two elements, ESHIFT, stress, ridge: a matrix made by plain loops. The
    descriptor of the file has bzeroflag 0."""
    data = fitdump_data()
    compare_with_numpy(data, False)
    compare_with_numpy(data, True)
    found = pathlib.Path("pot.snapcoeff").read_text()
    fit("in.fit", "--overwrite", before=mpi(2)).check()
    assert pathlib.Path("pot.snapcoeff").read_text() == found


ALL = ("energy", "pressure", "force", "energy_atom")


def stock_lammps_equals_torchpot(data):
    """The potential by pair_style snap and by pair_style torchpot."""
    files = dict(snap="pot.mod", torchpot="pot.torchpot.mod")
    cases = {(style, i): Case(f"{style}{i}", c.file, f"include {file}")
             for style, file in files.items() for i, c in enumerate(data)}
    values = evaluate(cases.values(), centroid=False)
    for i in range(len(data)):
        assert_same(values[f"snap{i}"], values[f"torchpot{i}"], 1e-10, f"snap {i}", ALL)


def lammps_equals_the_tables(data):
    """By pair_style snap and mliap, by pair_style torchpot, and in the tables."""
    files = dict(snap="pot.mod", torchpot="pot.torchpot.mod", mliap="pot.mliap.mod")
    cases = {(style, i): Case(f"{style}{i}", c.file, f"include {file}")
             for style, file in files.items() for i, c in enumerate(data)}
    values = evaluate(cases.values(), centroid=False)
    table = Predictions()
    for i, c in enumerate(data):
        torchpot = values[f"torchpot{i}"]
        for style in ("snap", "mliap"):
            assert_same(values[f"{style}{i}"], torchpot, 1e-10, f"{style} {i}", ALL)
        key = c.group, c.name
        assert_close(table.energy[key] * len(c.types) + c.reference_energy, torchpot.energy, 1e-10,
                     "energy of the table")
        assert_close(table.force[key] @ c.rotation.T + c.reference_force, torchpot.force, 1e-10,
                     "forces of the table")
        assert_close(c.turned_back(table.stress[key]) * 1e4 + c.reference_stress,
                     torchpot.pressure, 1e-10, "stress of the table")
        # the label has the shift, and so has the potential
        shift = SHIFT[np.array(c.types) - 1].sum()
        assert_close(table.truth[key] * len(c.types), c.energy - c.reference_energy + shift, 1e-10,
                     "label")


def test_files_for_pair_snap():
    data = json_data(n_solid=5, n_melt=2)
    for solver in (SVD, RIDGE):
        for quadratic in (0, 1):
            for bzero in (0, 1):
                write(JSON_DATA, ESHIFT, solver, quadratic=quadratic, bzero=bzero)
                done = fit("in.fit", "--overwrite").check()
                assert "pot.snapcoeff pot.snapparam pot.mod" in done.output, done.output
                assert "condition" in done.output and not os.path.exists("torchpot_cache")
                lammps_equals_the_tables(data)


def test_each_flag_in_pair_snap():
    """Chemical descriptors, fewer for one element, inner switching; without reference."""
    data = json_data(n_solid=4, n_melt=1)
    write_input(JSON_DATA, groups(), SVD)
    for flags in (dict(chemflag=1, twojmax=2, bnormflag=1, wselfallflag=1, bzeroflag=1),
                  dict(twojmax="4 3", bzeroflag=0), dict(twojmax="2 4", quadraticflag=1),
                  dict(switchinnerflag=1, sinner="1.4 1.6", dinner="0.4 0.5", rfac0=0.8,
                       rmin0=0.3)):
        keys = [word for key, value in flags.items() for word in ("-k", "BISPECTRUM", key, value)]
        fit("in.fit", "--overwrite", *keys).check()
        stock_lammps_equals_torchpot(data)
        if flags.get("twojmax") == "4 3":
            beta = coefficients()[:, 1:]
            same = [j for j1 in range(5) for j2 in range(j1 + 1)
                    for j in range(j1 - j2, min(4, j1 + j2) + 1, 2) if j >= j1]
            assert np.all(beta[0] != 0.0) and np.all((beta[1] == 0.0) == (np.array(same) > 3))


def test_ranks_and_evaluation():
    """The same files on any number of ranks; --evaluate gives the tables again."""
    json_data(n_solid=20, n_melt=8)    # more rows than are factored at a time
    write(JSON_DATA, ESHIFT, SVD)
    for n in (1, 2, 3):
        os.mkdir(f"ranks{n}")
        done = fit("../in.fit", cwd=f"ranks{n}", before=mpi(n)).check()
        assert done.output.count("least squares:") == 1, done.output
        for name in TABLES:
            assert (pathlib.Path(f"ranks{n}/{name}").read_text() ==
                    pathlib.Path(f"ranks1/{name}").read_text()), (n, name)
    os.mkdir("evaluation")
    done = fit("../in.fit", "--evaluate", "../ranks1/pot.pt", cwd="evaluation",
               before=mpi(2)).check()
    assert "least squares:" not in done.output and not os.path.exists("evaluation/torchpot_cache")
    for name in ("perconfig", "peratom", "stress"):
        assert (pathlib.Path(f"evaluation/{name}_evaluation.dat").read_text() ==
                pathlib.Path(f"ranks1/{name}.dat").read_text()), name
    # a model of another kind goes the usual way
    write_input(JSON_DATA, SETTINGS, REFERENCE, name="network.fit")
    fit("network.fit", "-k", "TORCHPOT", "network", "linear").check()
    done = fit("in.fit", "--evaluate", "FitTorch_Pytorch.pt").check()
    assert os.path.exists("torchpot_cache")


def test_check_and_refusals():
    json_data(n_solid=4, n_melt=1)
    write(JSON_DATA, ESHIFT, SVD)
    done = fit("in.fit", "--check").check()
    assert "linear solver SVD: " in done.output and " of 30 coefficients" in done.output
    assert not list(pathlib.Path().glob("pot*"))
    pathlib.Path("pot.snapparam").write_text("mine\n")
    done = fit("in.fit").check(1)
    assert "pot.snapparam: the output file exists already" in done.errors, done.errors
    assert pathlib.Path("pot.snapparam").read_text() == "mine\n"


if __name__ == "__main__":
    main(globals())
