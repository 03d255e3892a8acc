"""Pair style torchpot among other commands: hybrid styles, committees, changing atoms, the log."""

import numpy as np

import torchpot_testing
from pair_testing import *

IN_P = dict(elements=["In", "P"], radelem=[0.5, 0.45], welem=[1.0, 0.7], twojmax=4)
MODEL = "pair_style torchpot\npair_coeff * * m.pt In P"


def setup(**keys):
    make_model("m.pt", **{**IN_P, "mode": "per_element", **keys})
    cell, types, positions = random_cell(30, 3, 2)
    write_data("d.data", cell, types, positions)
    return cell, types, positions


def test_hybrid_overlay():
    """The sum of two styles is the sum of their energies, forces and stresses."""
    setup()
    zbl = "zbl 3.0 4.0"
    coeff = "pair_coeff 1 1 {0}49 49\npair_coeff 2 2 {0}15 15\npair_coeff 1 2 {0}49 15\n"
    cases = [Case("torchpot", "d.data", MODEL),
             Case("zbl", "d.data", f"pair_style {zbl}\n" + coeff.format("")),
             Case("both", "d.data", f"pair_style hybrid/overlay {zbl} torchpot check yes\n"
                  "pair_coeff * * torchpot m.pt In P\n" + coeff.format("zbl "))]
    for newton in ("on", "off"):
        for case in cases:
            case.before = f"newton {newton}"
        v = evaluate(cases, 2)
        for name in Values.NAMES:
            total = getattr(v["torchpot"], name) + getattr(v["zbl"], name)
            scale = np.abs(getattr(v["zbl"], name)).max() + np.abs(total).max()
            assert_close(getattr(v["both"], name), total, 1e-12, f"newton {newton} {name}", scale)


def test_hybrid_with_null():
    """Atoms of a NULL type are not there for the model."""
    cell, types, positions = setup()
    write_data("p.data", cell, types[types == 2] - 1, positions[types == 2])
    hybrid = ("pair_style hybrid torchpot lj/cut 4.0\npair_coeff * * torchpot m.pt NULL P\n"
              "pair_coeff 1 * lj/cut 0.0 1.0\n")
    for newton in ("on", "off"):
        before = f"newton {newton}"
        v = evaluate([Case("null", "d.data", hybrid, before),
                      Case("alone", "p.data", MODEL.replace("In P", "P"), before)], 2)
        for name in ("energy", "pressure"):
            assert_close(getattr(v["null"], name), getattr(v["alone"], name), 1e-12, name)
        for name in ("force", "energy_atom", "stress", "centroid"):
            a, b = getattr(v["null"], name), getattr(v["alone"], name)
            assert_close(a[types == 2], b, 1e-12, name)
            assert np.all(a[types == 1] == 0.0), name


def test_two_torchpots():
    """Two instances under hybrid/overlay keep out of each other's way."""
    setup()
    make_model("n.pt", **IN_P, seed=9)
    v = evaluate([Case("m", "d.data", MODEL), Case("n", "d.data", MODEL.replace("m.pt", "n.pt")),
                  Case("both", "d.data", "pair_style hybrid/overlay torchpot torchpot chunk 7\n"
                       "pair_coeff * * torchpot 1 m.pt In P\npair_coeff * * torchpot 2 n.pt In P")])
    for name in Values.NAMES:
        assert_close(getattr(v["both"], name), getattr(v["m"], name) + getattr(v["n"], name),
                     1e-12, name)


def test_elements_in_any_order():
    """Types of one element twice, and in another order than in the model."""
    cell, types, positions = setup()
    swapped = np.where(types == 1, np.where(np.arange(len(types)) % 4 == 0, 3, 2), 1)
    write_data("s.data", cell, swapped, positions)
    v = evaluate([Case("a", "d.data", MODEL),
                  Case("b", "s.data", MODEL.replace("In P", "P In In"))])
    assert_same(v["b"], v["a"], 1e-13, "order of types")


def test_atoms_come_and_go():
    """Energies along a run with deleted and created atoms are those of a fresh start."""
    cell, types, positions = setup(seed=4)
    for np_ranks, newton in ((1, "on"), (3, "off")):
        thermo = run(f"""units metal
newton {newton}
read_data d.data
{MODEL}
thermo_style custom step atoms pe fmax
thermo_modify norm no format float %.17g
run 0
group gone id 3 17 20 21
delete_atoms group gone compress no
run 0
create_atoms 2 single 0.1 0.1 0.1
mass * 30.0
run 0
write_data after.data nocoeff
clear
units metal
read_data after.data
{MODEL}
thermo_style custom step atoms pe fmax
thermo_modify norm no format float %.17g
run 0
""", np_ranks).check().thermo
        assert [t[0]["Atoms"] for t in thermo] == [30, 26, 27, 27]
        assert_close(thermo[3][0]["PotEng"], thermo[2][0]["PotEng"], 1e-12, "created")
        assert_close(thermo[3][0]["Fmax"], thermo[2][0]["Fmax"], 1e-9, "created")


def test_energy_is_kept():
    """A short NVE run over several neighbor list builds, on one and on three ranks."""
    setup(seed=2)
    text = f"""units metal
read_data d.data
{MODEL}
neighbor 0.3 bin
neigh_modify every 1 delay 0 check yes
velocity all create 900 3 loop all
fix 1 all nve
timestep 0.0005
thermo_style custom step etotal pe
thermo_modify norm no format float %.17g
thermo 100
run 200
"""
    one, three = (run(text, n).check() for n in (1, 3))
    energy = [row["TotEng"] for row in one.thermo[0]]
    assert abs(energy[-1] - energy[0]) < 1e-3, energy
    for a, b in zip(one.thermo[0], three.thermo[0]):
        assert_close(a["PotEng"], b["PotEng"], 1e-9, "3 ranks")


def committee_text(np_ranks, trigger, newton="on"):
    return f"""units metal
newton {newton}
read_data d.data
pair_style torchpot
pair_coeff * * a.pt b.pt In P
fix dev all pair 1 torchpot deviation {trigger}
compute c all pair torchpot
variable d atom f_dev
compute big all reduce max f_dev
compute mean all reduce ave f_dev
thermo_style custom step pe c_c[1] c_c[2] c_c[3] c_big c_mean
thermo_modify norm no format float %.17g
dump d all custom 1 dev{np_ranks}{trigger}{newton}.dump id type f_dev
dump_modify d sort id format float %.17g
run 0
"""


def test_committee():
    """The mean of two models, and how far they disagree, on several ranks."""
    setup()
    make_model("a.pt", **IN_P, seed=1)
    make_model("b.pt", **IN_P, seed=2)
    make_model("c.pt", **{**IN_P, "twojmax": 3}, seed=3)
    one = "pair_style torchpot\npair_coeff * * {} In P"
    v = evaluate([Case(n, "d.data", one.format(f"{n}.pt")) for n in "abc"] +
                 [Case("ab", "d.data", one.format("a.pt b.pt")),
                  Case("abc", "d.data", one.format("a.pt b.pt c.pt")),
                  Case("plain", "d.data", one.format("a.pt b.pt").replace(
                      "torchpot", "torchpot kernels plain check yes", 1))])
    for name in Values.NAMES:
        a, b, c = (getattr(v[n], name) for n in "abc")
        scale = max(np.abs(x).max() for x in (a, b, c))
        assert_close(getattr(v["ab"], name), (a + b) / 2, 1e-12, f"two: {name}", scale)
        assert_close(getattr(v["abc"], name), (a + b + c) / 3, 1e-12, f"three: {name}", scale)
        assert_close(getattr(v["plain"], name), (a + b) / 2, 1e-12, f"plain: {name}", scale)

    difference = (v["a"].force - v["b"].force) / 2    # of each model from the mean of two
    expected = np.linalg.norm(difference, axis=1)
    for np_ranks, trigger, newton in ((1, 1, "on"), (2, 0, "off"), (3, 1, "on")):
        row = run(committee_text(np_ranks, trigger, newton), np_ranks).check().thermo[0][0]
        lines = open(f"dev{np_ranks}{trigger}{newton}.dump").read().splitlines()[9:]
        deviation = np.array([float(line.split()[2]) for line in lines])
        what = f"deviation on {np_ranks} ranks"
        assert_close(deviation, expected, 1e-10, what)
        assert_close([row["c_c[1]"], row["c_big"]], [expected.max()] * 2, 1e-10, what)
        assert_close([row["c_c[2]"], row["c_mean"]], [expected.mean()] * 2, 1e-10, what)
        assert_close(row["c_c[3]"], abs(v["a"].energy - v["b"].energy) / 2, 1e-9, what)


def test_two_readers_of_deviations():
    """Each reads those of its own steps, whoever else reads them or has stopped doing so."""
    setup()
    make_model("a.pt", **IN_P, seed=1)
    make_model("b.pt", **IN_P, seed=2)
    text = """units metal
read_data d.data
pair_style torchpot
pair_coeff * * a.pt b.pt In P
velocity all create 2000 3 loop all
fix 1 all nve
fix often all pair 1 torchpot deviation 0
fix seldom all pair 2 torchpot deviation 1
compute a all reduce max f_often
compute b all reduce max f_seldom
thermo_style custom step c_a c_b
thermo_modify norm no format float %.17g
thermo 1
run 4
uncompute b
unfix seldom
thermo_style custom step c_a
thermo_modify norm no format float %.17g
run 2
"""
    for np_ranks in (1, 3):
        first, second = run(text, np_ranks).check().thermo
        often = [row["c_a"] for row in first]
        assert len(set(often)) == 5 and min(often) > 0.0, often
        for row in first[0::2]:
            assert row["c_a"] == row["c_b"], row
        after = [row["c_a"] for row in second]
        assert after[0] == often[-1] and len(set(after)) == 3, (often, after)


def test_log():
    """What is said at set-up, once."""
    make_model("m.pt", **IN_P, reference="pair_style zbl 4.0 4.8;pair_coeff 1 1 49 49")
    write_data("d.data", *random_cell(30, 3, 2))
    output = run(f"""units metal
read_data d.data
{MODEL.replace("torchpot", "torchpot comm shell precision float32", 1)}
run 0
run 0
pair_style torchpot
run 0
""", 2).check().output
    assert output.count("Pair style torchpot:\n") == 2, output
    for text in ("  model          m.pt (SHA-256 ",
                 "  family         descriptor: SNAP with 2J = 4, 14 descriptors, "
                 "network 14-16-16-1",
                 "  atom types     1 = In, 2 = P",
                 "  cutoff         4.5", "  units          metal", "  precision      float32",
                 "  precision      float64", "  device         ranks 0 to 1: cpu (",
                 "no message passing, keyword comm has no effect; ghost cutoff 6.5",
                 "  memory         about ", " MB per rank, 4096 atoms per model call",
                 "  reference      trained on top of this potential, overlay it: pair_style zbl",
                 "                 pair_coeff 1 1 49 49"):
        assert text in output, f"{text!r} is not in:\n{output}"


def test_reference():
    """A warning unless the reference potential is overlaid, once for each set-up."""
    make_model("m.pt", **IN_P, reference="pair_style hybrid/overlay zbl 3.0 4.8 lj/cut 4.0;"
               "pair_coeff 1 1 zbl 49 49")
    make_model("zero.pt", **IN_P, reference="pair_style zero 4.0")
    write_data("d.data", *random_cell(30, 3, 2))
    zbl = "pair_style hybrid/overlay zbl 3.0 4.8 torchpot {}\npair_coeff * * torchpot m.pt In P\n" \
        "pair_coeff * * zbl 40 40\n"
    lj = "pair_coeff * * lj/cut 0.0 1.0\n"
    alone = MODEL + "\n"
    warning = "WARNING: Pair style torchpot: m.pt was trained on top of a reference potential that " \
        "this run lacks: "
    for pair, missing in ((alone, "zbl, lj/cut"), (zbl.format(""), "lj/cut"),
                          (zbl.format("lj/cut 4.0") + lj, ""),
                          (alone.replace("m.pt", "zero.pt"), "")):
        for np_ranks in (1, 2):
            output = run(f"units metal\nread_data d.data\n{pair}run 0\nrun 0\n",
                         np_ranks).check().output
            joined = " ".join(output.split())
            assert output.count("WARNING: Pair style torchpot") == (missing != ""), output
            assert (warning + missing + ". Its forces" in joined) == (missing != ""), output
            assert ("reference      present: pair_style" in output) == (missing == ""), output


if __name__ == "__main__":
    torchpot_testing.main(globals())
