"""Forces, stress and heat flux of pair style torchpot against differences of the energy."""

import numpy as np

import torchpot_testing
from pair_testing import *

NKTV2P = 1.6021765e6    # metal units: eV/A^3 in bar, the constant that LAMMPS uses
POINTS, WEIGHTS = (-2, -1, 1, 2), (1 / 12, -8 / 12, 8 / 12, -1 / 12)
MODELS = {
    "network": dict(kind="mlp", mode="per_element", activation="silu"),
    "quadratic": dict(kind="quadratic", mode="per_element"),
    "chemical": dict(kind="mlp", mode="one_hot", chemflag=1, twojmax=3, switchinnerflag=1,
                     sinnerelem=[1.5, 1.4], dinnerelem=[0.4, 0.5]),
}


def pair(name, keywords=""):
    return f"pair_style torchpot {keywords}\npair_coeff * * {name}.pt In P"


def setup():
    for name, keys in MODELS.items():
        make_model(f"{name}.pt", **{**dict(elements=["In", "P"], radelem=[0.5, 0.45],
                                           welem=[1.0, 0.7], twojmax=4), **keys})
    return random_cell(20, 5, 2)


def path(name, configurations):
    """Cases along a path of cells and positions."""
    cases = []
    for k, configuration in enumerate(configurations):
        write_data(f"{name}{k}.data", *configuration)
        cases.append(Case(f"{name}{k}", f"{name}{k}.data", pair(name)))
    return cases


def derivatives(name, values, h):
    """Of the energy along the path of these values, four points each."""
    energy = [v.energy for k, v in values.items() if k.startswith(name) and k != name]
    return np.array(energy).reshape(-1, 4) @ WEIGHTS / h


def test_forces():
    cell, types, positions = setup()
    h, atoms = 1e-3, (0, 7, 13)
    moved = []
    for i in atoms:
        for d in range(3):
            for p in POINTS:
                r = positions.copy()
                r[i, d] += p * h
                moved.append((cell, types, r))
    write_data("start.data", cell, types, positions)
    values = evaluate([c for name in MODELS
                       for c in [Case(name, "start.data", pair(name)), *path(name, moved)]])
    for name in MODELS:
        assert_close(values[name].force[list(atoms)].ravel(), -derivatives(name, values, h), 1e-7,
                     name)


def test_stress():
    cell, types, positions = setup()
    volume, h = np.prod(cell.diagonal()), 1e-4
    strained = []
    for a, b in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)):
        for p in POINTS:
            deformation = np.eye(3)
            deformation[b, a] += p * h    # r_a += strain * r_b, on row vectors
            strained.append((cell @ deformation, types, positions @ deformation))
    write_data("start.data", cell, types, positions)
    values = evaluate([c for name in MODELS
                       for c in [Case(name, "start.data", pair(name)), *path(name, strained)]])
    for name in MODELS:
        expected = -derivatives(name, values, h) * NKTV2P / volume
        assert_close(values[name].pressure, expected, 1e-7, name)


def test_heat_flux():
    """On a free cluster J = d/dt sum of e_i r_i."""
    setup()
    _, types, positions = random_cell(30, 6, 2, tilt=False)
    write_data("cluster.data", np.diag([60.0, 60.0, 60.0]), types, positions + 25.0)
    dt, names = 0.00001, ("network", "chemical")
    for np_ranks, newton in ((1, "on"), (2, "off")):
        tables = run("".join(f"""clear
units metal
newton {newton}
boundary f f f
read_data cluster.data
{pair(name)}
velocity all create 600 5 loop all
fix 1 all nve
timestep {dt}
compute ke all ke/atom
compute pe all pe/atom
compute cs all centroid/stress/atom NULL pair
compute J all heat/flux ke pe cs
compute r all property/atom xu yu zu
variable x atom (c_ke+c_pe)*c_r[1]
variable y atom (c_ke+c_pe)*c_r[2]
variable z atom (c_ke+c_pe)*c_r[3]
compute G all reduce sum v_x v_y v_z
thermo_style custom step c_J[1] c_J[2] c_J[3] c_G[1] c_G[2] c_G[3]
thermo_modify norm no format float %.17g
thermo 1
run 40
""" for name in names), np_ranks).check().thermo
        for name, table in zip(names, tables):
            flux = np.array([[row[f"c_J[{k}]"] for k in (1, 2, 3)] for row in table])
            moment = np.array([[row[f"c_G[{k}]"] for k in (1, 2, 3)] for row in table])
            n = len(table)
            change = sum(w * moment[2 + p:n - 2 + p] for p, w in zip(POINTS, WEIGHTS)) / dt
            assert_close(flux[2:n - 2], change, 1e-6, f"{name}, {np_ranks} ranks")


def test_check_passes():
    """check yes: the same figures on any number of ranks, also in float32 and with ghosts of
    newton off."""
    cell, types, positions = setup()
    write_data("start.data", cell, types, positions)
    settings = [("network", ""), ("chemical", ""), ("network", "precision float32"),
                ("quadratic", "kernels plain")]
    for np_ranks, newton in ((1, "on"), (3, "on"), (2, "off")):
        output = run("".join(f"""clear
units metal
newton {newton}
read_data start.data
{pair(name, 'check yes ' + keywords)}
run 0
run 0
""" for name, keywords in settings), np_ranks).check().output
        assert output.count(" of 12 force components") == len(settings), output


if __name__ == "__main__":
    torchpot_testing.main(globals())
