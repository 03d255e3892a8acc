"""fix fitdump: files, against LAMMPS's own computes, on one and on several ranks."""

import os
import pathlib
import time

import h5py
import numpy as np

from torchpot_testing import kill_lammps, main, run_lammps, silicon, start_lammps, write_data

DESCRIPTOR = """rcutfac {rcutfac}
twojmax 4
nelems {n}
elems {elements}
radelems {radii}
welems {weights}
rfac0 0.99363
rmin0 0
switchflag 1
bzeroflag 0
"""

ONE = {"n": 1, "elements": "Si", "radii": "0.5", "weights": "1.0", "rcutfac": 4.2}
TWO = {"n": 2, "elements": "Si O", "radii": "0.5 0.4", "weights": "1.0 0.8", "rcutfac": 4.2}

LJ = """pair_style lj/cut 4.0
pair_coeff * * 0.1 2.1
pair_modify shift yes
"""

SETUP = """units metal
{boundary}
atom_modify map array
read_data {data}
{pair}
neighbor 0.5 bin
thermo_style custom step pe press pxx pyy pzz pxy pxz pyz
thermo_modify format float %.15g
thermo 1
"""


def descriptor(file="si.mliap", **keys):
    pathlib.Path(file).write_text(DESCRIPTOR.format(**{**ONE, **keys}))


def two_types(tilt=True, n=1, noise=0.15, seed=3):
    """A small tilted cell of two elements, with atoms outside of it."""
    cell, types, positions = silicon(n=n, noise=noise, seed=seed)
    if tilt:
        cell = cell + np.array([[0, 0, 0], [1.1, 0, 0], [-0.7, 0.9, 0]])
    types = 1 + np.arange(len(types)) % 2
    return cell, types, positions


def setup(data="data", pair=LJ, boundary="boundary p p p", **extra):
    return SETUP.format(data=data, pair=pair, boundary=boundary)


class Frames:
    """A whole fitdump file in memory."""

    def __init__(self, name, swmr=False):
        with h5py.File(name, "r", libver="latest", swmr=swmr) as file:
            self.attributes = dict(file.attrs)
            for group in ("frames", "atoms", "pairs"):
                setattr(self, group, {key: file[group][key][()] for key in file[group]})
        self.n = len(self.frames["pair_ptr"]) - 1
        self.steps = list(self.frames["step"][:self.n])

    def atom(self, f, name):
        a = self.frames["atom_ptr"]
        return self.atoms[name][a[f]:a[f + 1]]

    def pair(self, f, name):
        p = self.frames["pair_ptr"]
        return self.pairs[name][p[f]:p[f + 1]]


def close(a, b, tolerance, what=""):
    a, b = np.asarray(a, float), np.asarray(b, float)
    assert a.shape == b.shape, (what, a.shape, b.shape)
    if a.size:
        assert np.array_equal(np.isnan(a), np.isnan(b)), what
        scale = np.nanmax(np.abs(b)) if np.any(np.isfinite(b)) else 1.0
        worst = np.nanmax(np.abs(a - b)) if np.any(np.isfinite(b)) else 0.0
        assert worst <= tolerance * max(scale, 1e-300), (what, worst, scale)


def same_frames(one, two, tolerance=1e-12):
    """Equal structure, floating-point numbers equal to rounding."""
    assert one.n == two.n and one.n > 0
    for group in ("frames", "atoms", "pairs"):
        a, b = getattr(one, group), getattr(two, group)
        assert set(a) == set(b)
        for name in a:
            if a[name].dtype.kind == "f":
                close(a[name], b[name], tolerance, name)
            else:
                assert np.array_equal(a[name], b[name]), name


FIX = "fix {id} {group} fitdump {n} {file} descriptor si.mliap elements {elements} {more}\n"


def fix(file="a.h5", n=1, elements="Si O", more="", id="dump", group="all"):
    return FIX.format(n=n, file=file, elements=elements, more=more, id=id, group=group)


def on_ranks(text, files, numbers=(1, 2, 3, 4), tolerance=1e-12):
    """Run on several numbers of ranks; the files must agree. Returns those of one rank."""
    first = None
    for np_ in numbers:
        run_lammps(text, np=np_).check()
        frames = [Frames(file) for file in files]
        for file in files:
            os.remove(file)
        if first is None:
            first = frames
        for a, b in zip(frames, first):
            same_frames(a, b, tolerance)
    return first


# layout and values


def test_layout():
    descriptor(**TWO)
    write_data("data", *two_types())
    run_lammps(setup() + "fix 1 all nve\n" + fix(n=2, more="label hot") + "run 4\n").check()
    f = Frames("a.h5")
    assert f.attributes["format"] == b"torchpot-fitdump" and f.attributes["version"] == 1
    assert f.attributes["units"] == b"metal"
    assert list(f.attributes["elements"]) == [b"Si", b"O"]
    assert b'"twojmax"' in f.attributes["descriptor"]
    assert f.attributes["torchpot_version"] and b" 20" in f.attributes["lammps_version"]
    assert f.steps == [0, 2, 4]
    a, p, k = 24, f.frames["pair_ptr"][-1], 14
    assert list(f.frames["atom_ptr"]) == [0, 8, 16, 24]
    shapes = {"frames": {"energy": (3,), "stress": (3, 6), "cell": (3, 3, 3), "origin": (3, 3),
                         "pbc": (3, 3), "step": (3,), "label": (3,), "atom_ptr": (4,),
                         "pair_ptr": (4,)},
              "atoms": {"id": (a,), "type": (a,), "position": (a, 3), "force": (a, 3),
                        "descriptor": (a, k)},
              "pairs": {"first": (p,), "second": (p,), "vector": (p, 3),
                        "derivative": (p, k, 3)}}
    for group, members in shapes.items():
        assert {n: v.shape for n, v in getattr(f, group).items()} == members
    assert set(f.frames["label"]) == {b"hot"}
    assert f.atoms["id"].dtype == np.int64 and f.pairs["first"].dtype == np.int32
    assert f.pairs["derivative"].dtype == np.float64
    assert set(f.atoms["type"]) == {0, 1}
    for i in range(3):
        cell, r = f.frames["cell"][i], f.atom(i, "position")
        inside = (r - f.frames["origin"][i]) @ np.linalg.inv(cell)
        assert np.all(inside >= 0) and np.all(inside < 1)
        shift = f.pair(i, "vector") - r[f.pair(i, "second")] + r[f.pair(i, "first")]
        image = shift @ np.linalg.inv(cell)
        assert np.abs(image - np.round(image)).max() < 1e-12
        rows = [tuple(row) for row in np.column_stack(
            [f.pair(i, "first"), f.pair(i, "second"), np.round(image)]).astype(int)]
        assert rows == sorted(set(rows))
        lengths = np.linalg.norm(f.pair(i, "vector"), axis=1)
        radii = np.array([0.5, 0.4])[f.atom(i, "type")]
        cutoffs = 4.2 * (radii[f.pair(i, "first")] + radii[f.pair(i, "second")])
        assert np.all(lengths < cutoffs)


def compute_snap_rows(f, i, n_atoms, k):
    """Derivatives of frame i, images summed: [center, atom, direction, K]."""
    rows = np.zeros((n_atoms, n_atoms, 3, k))
    first, second, d = f.pair(i, "first"), f.pair(i, "second"), f.pair(i, "derivative")
    for p in range(len(first)):
        rows[first[p], second[p]] += d[p].T
        rows[first[p], first[p]] -= d[p].T
    return rows


def test_against_compute_snap():
    descriptor(**TWO)
    cell, types, positions = two_types(n=1)
    write_data("data", cell, types, positions)
    snap = ("compute snap all snap 4.2 0.99363 4 0.5 0.4 1.0 0.8 rmin0 0 bzeroflag 0 switchflag 1 "
            "bikflag 1 dgradflag 1\n"
            "variable n equal 8*8*3+8+1\n"
            "fix snap all ave/time 1 1 1 c_snap[*] mode vector file snap.txt format ' %.17g'\n"
            "compute sna all sna/atom 4.2 0.99363 4 0.5 0.4 1.0 0.8 rmin0 0 bzeroflag 0\n"
            "dump sna all custom 1 sna.txt id c_sna[*]\n"
            "dump_modify sna sort id format float %.17g\n")
    wide = "pair_style lj/cut 4.5\npair_coeff * * 0.1 2.1"
    run_lammps(setup(pair=wide) + snap + fix() + "run 0\n").check()
    f = Frames("a.h5")
    n, k = 8, 14
    values = np.loadtxt("sna.txt", skiprows=9)[:, 1:]
    close(f.atom(0, "descriptor"), values, 1e-12)
    table = np.loadtxt("snap.txt", skiprows=4)[:, 1:]
    assert table.shape == (n + 3 * n * n + 1, 3 + k)
    close(f.atom(0, "descriptor"), table[:n, 3:], 1e-12)
    rows = compute_snap_rows(f, 0, n, k)
    wanted = np.zeros_like(rows)
    for line in table[n:-1]:
        center, moved, axis = (int(x) for x in line[:3])
        wanted[center, moved, axis] += line[3:]
    close(rows, -wanted, 1e-12)


def test_precision_and_no_derivatives():
    descriptor(**TWO)
    write_data("data", *two_types())
    run_lammps(setup() + fix("a.h5") + fix("b.h5", more="precision float32", id="d2") +
               fix("c.h5", more="derivatives no", id="d3") + "run 0\n").check()
    a, b, c = (Frames(name) for name in ("a.h5", "b.h5", "c.h5"))
    assert b.pairs["derivative"].dtype == np.float32
    close(b.pairs["derivative"], a.pairs["derivative"], 1e-7)
    assert "derivative" not in c.pairs
    for other in (b, c):
        for name in ("first", "second", "vector"):
            assert np.array_equal(other.pairs[name], a.pairs[name])
        assert np.array_equal(other.atoms["descriptor"], a.atoms["descriptor"])


def test_group():
    descriptor(**TWO)
    write_data("data", *two_types())
    run_lammps(setup() + "group some id 2 5 6\n" + fix() +
               fix("b.h5", id="d2", group="some") + "run 0\n").check()
    a, b = Frames("a.h5"), Frames("b.h5")
    chosen = np.isin(a.atoms["id"], [2, 5, 6])
    assert np.array_equal(b.atoms["id"], a.atoms["id"])
    assert np.array_equal(b.atoms["force"], a.atoms["force"])
    assert np.array_equal(b.atoms["descriptor"][chosen], a.atoms["descriptor"][chosen])
    assert np.isnan(b.atoms["descriptor"][~chosen]).all()
    pairs = chosen[a.pairs["first"]]
    for name in a.pairs:
        assert np.array_equal(b.pairs[name], a.pairs[name][pairs]), name


# ranks and commands


def test_ranks_run():
    descriptor(**TWO)
    write_data("data", *two_types(n=2))
    text = (setup() + "velocity all create 600 7 loop all\nfix 1 all nve\n" + fix(n=3) +
            "run 6\nrun 3\n")
    frames, = on_ranks(text, ["a.h5"])
    assert frames.steps == [0, 3, 6, 9]


def test_ranks_open_and_empty():
    """Free boundaries, ranks without atoms, newton off."""
    descriptor(**TWO)
    rng = np.random.default_rng(5)
    positions = 2.0 + rng.uniform(size=(5, 3)) * 3.5
    write_data("data", np.diag([40.0, 12.0, 12.0]), [1, 2, 1, 2, 1], positions)
    text = (setup(boundary="newton off\nboundary f f p", pair=LJ) + "fix 1 all nve\n" +
            fix(n=2) + "run 4\n")
    frames, = on_ranks(text, ["a.h5"])
    assert frames.steps == [0, 2, 4]
    assert list(frames.frames["pbc"][0]) == [0, 0, 1]


def test_rerun():
    descriptor(**TWO)
    write_data("data", *two_types(n=2))
    run_lammps(setup() + "velocity all create 600 7 loop all\nfix 1 all nve\n"
               "dump d all custom 2 traj id type x y z\n"
               "dump_modify d sort id format float %.17g\n" +
               fix(n=2) + "run 6\n").check()
    original = Frames("a.h5")
    os.remove("a.h5")
    frames, = on_ranks(setup() + fix() + "rerun traj dump x y z box yes\n", ["a.h5"])
    assert frames.steps == [0, 2, 4, 6]
    same_frames(frames, original, 1e-11)


def minimize(style, more=""):
    return (setup() + f"min_style {style}\n{more}" +
            "dump d all custom 1 traj id type x y z\ndump_modify d sort id format float %.17g\n" +
            fix(n=2) + "minimize 1e-10 1e-10 7 100\nrun 0\n")


def test_minimize():
    descriptor(**TWO)
    write_data("data", *two_types(n=1, noise=0.25))
    for style, more in (("cg", ""), ("fire", ""),
                        ("cg", "fix box all box/relax iso 0.0 vmax 0.001\n")):
        result = run_lammps(minimize(style, more)).check()
        single = Frames("a.h5")
        frames, = on_ranks_after("a.h5", minimize(style, more), 1e-8)
        same_frames(frames, single, 1e-8)
        assert single.steps[:4] == [0, 2, 4, 6], single.steps
        # each frame is the accepted configuration, as the dump and the thermo output have it
        pe = {row["Step"]: row["PotEng"] for row in result.thermo[0]}
        for i, step in enumerate(single.steps):
            if step in pe and not more:
                close(single.frames["energy"][i], pe[step], 1e-12, (style, step))
        blocks = pathlib.Path("traj").read_text().split("ITEM: TIMESTEP\n")[1:]
        dumped = {int(b.split("\n")[0]): np.array([x.split()[2:] for x in b.split("\n")[8:-1]],
                                                  float) for b in blocks}
        for i, step in enumerate(single.steps):
            r = single.atom(i, "position")
            d = (dumped[step] - r) @ np.linalg.inv(single.frames["cell"][i])
            assert np.abs(d - np.round(d)).max() < 1e-12, (style, step)
        os.remove("traj")


def on_ranks_after(file, text, tolerance):
    os.remove(file)
    return on_ranks(text, [file], (2, 4), tolerance)


def test_run_0_again():
    """The same configuration counts once, a displaced atom or another box is a new frame."""
    descriptor(**TWO)
    write_data("data", *two_types(n=1))
    run_lammps(setup() + fix() + "run 0\nrun 0\nrun 0 pre no\n"
               "displace_atoms all move 1e-6 0 0\nrun 0\n"
               "change_box all x scale 1.001 remap\nrun 0\nrun 0\n").check()
    f = Frames("a.h5")
    assert f.steps == [0, 0, 0]
    assert f.frames["cell"][2][0][0] > f.frames["cell"][1][0][0]


def test_another_label_or_group_is_another_frame():
    descriptor(**TWO)
    write_data("data", *two_types(n=1))
    result = run_lammps(setup() + fix(more="label one") + "run 0\nrun 0\nunfix dump\n" +
                        fix(more="label two append yes") + "run 0\nunfix dump\n"
                        "group si type 1\n" + fix(more="label two append yes", group="si") +
                        "run 0\nunfix dump\n" +
                        fix(more="label two append yes", group="si") + "run 0\n").check()
    f = Frames("a.h5")
    assert [x.decode() for x in f.frames["label"]] == ["one", "two", "two"]
    left_out = "left out 1 configuration(s) that the frame before holds"
    assert result.output.count(left_out) == 2, result.output
    # told once for each fix that begins so
    assert result.output.count("already holds (step 0)") == 2, result.output


def test_changing_atoms_and_box():
    descriptor(**TWO)
    write_data("data", *two_types(n=2))
    text = (setup() + "velocity all create 600 7 loop all\nfix 1 all nve\n"
            "fix 2 all deform 1 x erate 5 xy erate 3 remap x\n" + fix(n=2) +
            "run 4\ngroup gone id 3 17\ndelete_atoms group gone compress no\nrun 4\n")
    frames, = on_ranks(text, ["a.h5"], (1, 3))
    assert frames.steps == [0, 2, 4, 4, 6, 8]
    assert list(np.diff(frames.frames["atom_ptr"])) == [64, 64, 64, 62, 62, 62]
    assert 3 not in frames.atom(4, "id")
    assert len(set(frames.frames["cell"][:, 0, 0])) == 6


def test_respa():
    descriptor(**TWO)
    write_data("data", *two_types(n=2))
    common = setup() + "velocity all create 600 7 loop all\nfix 1 all nve\n"
    run_lammps(common + fix(n=2) + "run 4\n").check()
    run_lammps(common + "run_style respa 2 1 pair 2\n" + fix("b.h5", n=2) + "run 4\n").check()
    same_frames(Frames("b.h5"), Frames("a.h5"), 1e-11)


# labels


def labels_and_thermo(pair, more="", boundary="boundary p p p", np_=1):
    cell, types, positions = two_types(n=2)
    write_data("data", cell, types, positions)
    text = (setup(pair=pair, boundary=boundary) +
            "compute p all pressure NULL pair\ncompute e all pe pair\n"
            "thermo_style custom step c_e c_p[1] c_p[2] c_p[3] c_p[4] c_p[5] c_p[6]\n"
            "thermo_modify format float %.15g\nvelocity all create 600 7 loop all\n"
            "fix 1 all nve\n" + more + fix() + "run 2\n")
    result = run_lammps(text, np=np_).check()
    f = Frames("a.h5")
    os.remove("a.h5")
    for i, row in enumerate(result.thermo[0]):
        close(f.frames["energy"][i], row["c_e"], 1e-12, "energy")
        close(f.frames["stress"][i], [row[f"c_p[{k}]"] for k in range(1, 7)], 1e-11, "stress")
    return f


def test_energy_and_stress():
    descriptor(**TWO)
    tail = "pair_style lj/cut 4.0\npair_coeff * * 0.1 2.1\npair_modify tail yes\n"
    hybrid = ("pair_style hybrid/overlay lj/cut 4.0 morse 3.5\npair_coeff * * lj/cut 0.1 2.1\n"
              "pair_coeff 1 2 morse 0.2 1.5 2.3\n")
    for np_ in (1, 2):
        labels_and_thermo(LJ, np_=np_)
        labels_and_thermo(tail, np_=np_)
        labels_and_thermo(hybrid, np_=np_)
        labels_and_thermo(LJ, boundary="newton off\nboundary p p p", np_=np_)
    # per-atom virials that others ask for on the same steps leave the label as it is
    for style in ("stress/atom", "centroid/stress/atom"):
        labels_and_thermo(LJ, more=f"compute v all {style} NULL pair\n"
                          "compute sum all reduce sum c_v[1]\nfix sum all ave/time 1 1 1 c_sum\n")


def test_forces_of_the_pair_style_alone():
    descriptor(**TWO)
    plain = labels_and_thermo(LJ)
    pushed = labels_and_thermo(LJ, more="fix push all addforce 0.5 0.1 -0.3\n")
    close(pushed.atom(0, "force"), plain.atom(0, "force"), 1e-13)
    close(pushed.frames["energy"][0], plain.frames["energy"][0], 1e-13)
    assert np.abs(pushed.atom(2, "position") - plain.atom(2, "position")).max() > 1e-7


def test_bonds_do_not_count():
    descriptor(**ONE)
    cell, types, positions = silicon(n=1, noise=0.15)
    write_data("data", cell, types, positions)
    molecular = ("units metal\natom_style bond\natom_modify map array\n"
                 "region b prism 0 5.431 0 5.431 0 5.431 0 0 0\n"
                 "create_box 1 b bond/types 1 extra/bond/per/atom 4 extra/special/per/atom 9\n"
                 "mass 1 28\n" +
                 "".join(f"create_atoms 1 single {x:.17g} {y:.17g} {z:.17g}\n"
                         for x, y, z in np.mod(positions, 5.431)) +
                 LJ + "special_bonds lj 1 1 1\n")
    bonds = "bond_style harmonic\nbond_coeff 1 5.0 2.0\ncreate_bonds single/bond 1 1 2\n"
    for extra, name in (("", "a.h5"), (bonds, "b.h5")):
        run_lammps(molecular + extra + fix(name, elements="Si") + "run 0\n").check()
    same_frames(Frames("b.h5"), Frames("a.h5"), 1e-13)


def test_run_goes_on_undisturbed():
    """Trajectory, thermo output and per-atom quantities are the same with and without the fix."""
    descriptor(**TWO)
    write_data("data", *two_types(n=2))
    hybrid = ("pair_style hybrid lj/cut 4.0 morse 3.5\npair_coeff 1 1 lj/cut 0.1 2.1\n"
              "pair_coeff 2 2 lj/cut 0.1 2.1\npair_coeff 1 2 morse 0.2 1.5 2.3\n")
    for np_, pair in ((1, LJ), (2, hybrid)):
        outputs = []
        for more in ("", fix(n=2)):
            result = run_lammps(
                setup(pair=pair) + "comm_modify cutoff 4.7\nvelocity all create 600 7 loop all\n"
                "fix 1 all nve\ncompute e all pe/atom\ncompute s all stress/atom NULL\n"
                "fix push all addforce 0.1 0 0\n"
                "dump d all custom 1 traj id x y z fx fy fz c_e c_s[1] c_s[4]\n"
                "dump_modify d sort id format float %.17g\n" + more + "run 5\n", np=np_).check()
            text = pathlib.Path("traj").read_text().replace("\n", " ").split()
            outputs.append((result.thermo, [w for w in text]))
        (thermo_a, text_a), (thermo_b, text_b) = outputs
        assert thermo_a == thermo_b
        assert text_a == text_b
        os.remove("a.h5")


def test_truth_none():
    descriptor(**TWO)
    write_data("data", *two_types())
    run_lammps(setup(pair="pair_style zero 4.0\npair_coeff * *") + fix(more="truth none") +
               "run 0\n").check()
    f = Frames("a.h5")
    assert np.isnan(f.frames["energy"]).all() and np.isnan(f.atoms["force"]).all()
    assert np.isnan(f.frames["stress"]).all() and np.isfinite(f.atoms["descriptor"]).all()


def extxyz(file, frames, elements=("Si", "O"), change=None):
    """What a first-principles code would have said of the frames' positions."""
    rng = np.random.default_rng(3)
    truth = []
    with open(file, "w") as out:
        for i in range(frames.n):
            r, cell = frames.atom(i, "position"), frames.frames["cell"][i]
            energy, force = rng.normal(), rng.normal(size=r.shape)
            stress = rng.normal(size=6)    # xx yy zz yz xz xy
            truth.append((energy, force, stress))
            xx, yy, zz, yz, xz, xy = stress
            lines = [f"{len(r)}\n",
                     'Lattice="' + " ".join(f"{x:.10f}" for x in cell.ravel()) + '" '
                     "Properties=species:S:1:pos:R:3:forces:R:3 "
                     f"energy={energy:.17g} "
                     f'stress="{xx:.17g} {xy:.17g} {xz:.17g} {xy:.17g} {yy:.17g} {yz:.17g} '
                     f'{xz:.17g} {yz:.17g} {zz:.17g}" pbc="T T T"\n']
            # another image of the atoms, and few digits
            shown = r + cell[i % 3] + rng.uniform(-3e-4, 3e-4, size=r.shape)
            for t, x, g in zip(frames.atom(i, "type"), shown, force):
                lines.append(elements[t] + " " + " ".join(f"{v:.6f}" for v in x) + " " +
                             " ".join(f"{v:.17g}" for v in g) + "\n")
            if change:
                change(i, lines)
            out.writelines(lines)
    return truth


def rerun_input(more):
    return (setup(pair="pair_style zero 4.0\npair_coeff * *") + fix(more=more) +
            "rerun traj dump x y z box yes\n")


def make_trajectory():
    descriptor(**TWO)
    write_data("data", *two_types(n=1))
    run_lammps(setup() + "velocity all create 600 7 loop all\nfix 1 all nve\n"
               "dump d all custom 1 traj id type x y z\n"
               "dump_modify d sort id format float %.17g\n" +
               fix() + "run 2\n").check()
    frames = Frames("a.h5")
    os.remove("a.h5")
    return frames


def test_truth_extxyz():
    frames = make_trajectory()
    truth = extxyz("truth.xyz", frames)
    for np_ in (1, 2):
        run_lammps(rerun_input("truth extxyz truth.xyz"), np=np_).check()
        f = Frames("a.h5")
        os.remove("a.h5")
        assert f.n == 3
        factor = -1.602176565e6    # eV/A^3 to bar, as LAMMPS has it; pressure, not stress
        for i, (energy, force, (xx, yy, zz, yz, xz, xy)) in enumerate(truth):
            close(f.frames["energy"][i], energy, 1e-14)
            close(f.atom(i, "force"), force, 1e-14)
            close(f.frames["stress"][i], np.array([xx, yy, zz, xy, xz, yz]) * factor, 1e-6)


def test_truth_extxyz_of_a_repeated_configuration():
    """It is a frame of its own if it has labels of its own."""
    frames = make_trajectory()
    extxyz("truth.xyz", frames)
    snapshots = ["ITEM: TIMESTEP\n" + text
                 for text in pathlib.Path("traj").read_text().split("ITEM: TIMESTEP\n")[1:]]
    pathlib.Path("traj").write_text("".join(snapshots[:2]))
    pathlib.Path("traj2").write_text("".join(snapshots[1:]))
    lines = pathlib.Path("truth.xyz").read_text().splitlines(keepends=True)
    n = len(lines) // 3
    text = rerun_input("truth extxyz truth.xyz") + "rerun traj2 dump x y z box yes\n"
    for order, np_ in (((0, 1, 2), 1), ((0, 1, 1, 2), 2)):
        labels = [line for k in order for line in lines[k * n:(k + 1) * n]]
        pathlib.Path("truth.xyz").write_text("".join(labels))
        run_lammps(text, np=np_).check()
        assert Frames("a.h5").steps == list(order)
        os.remove("a.h5")


def refused(text, *parts, np_=1):
    result = run_lammps(text, np=np_)
    assert result.returncode != 0, result.output
    for part in parts:
        assert part in result.output, (part, result.output)


def test_truth_extxyz_errors():
    frames = make_trajectory()
    text = rerun_input("truth extxyz truth.xyz")
    ranks = [1]    # and 2, in turn

    def check(change, *parts):
        extxyz("truth.xyz", frames, change=change)
        ranks[0] = 3 - ranks[0]
        refused(text, "truth.xyz", *parts, np_=ranks[0])
        if os.path.exists("a.h5"):
            os.remove("a.h5")

    def edit(configuration, line, old, new):
        def change(i, lines):
            if i == configuration:
                assert old in lines[line], lines[line]
                lines[line] = lines[line].replace(old, new, 1)
        return change

    def word(configuration, line, index, new):
        def change(i, lines):
            if i == configuration:
                words = lines[line].split()
                words[index] = new
                lines[line] = " ".join(words) + "\n"
        return change

    check(word(1, 4, 5, "nan"), "configuration 2", "atom 3", "not finite")
    check(word(1, 4, 2, "9.87"), "configuration 2", "atom 3", "position differs")
    check(word(0, 2, 0, "C"), "configuration 1", "atom 1", "C", "Si")
    check(edit(1, 1, "energy=", "other="), "configuration 2", "no energy")
    check(edit(1, 1, "energy=", "energy=nan other="), "configuration 2", "energy", "not finite")
    check(edit(0, 1, "forces:R:3", "grads:R:3"), "configuration 1", "no forces")
    check(edit(0, 1, 'Lattice="', 'Lattice="1'), "configuration 1", "cell differs")
    check(edit(0, 0, "8", "7"), "configuration 1", "number of atoms differs", "7", "8")

    def shorter(i, lines):
        if i == 2:
            lines.clear()
    check(shorter, "no configuration for this frame", "2 configurations")
    os.remove("truth.xyz")
    refused(text, "truth.xyz", "cannot open")
    assert not os.path.exists("a.h5")


# the command


def command(keywords, file="a.h5", n="1", elements_line=True):
    return setup() + f"fix dump all fitdump {n} {file} {keywords}\nrun 0\n"


def test_bad_commands():
    descriptor(**TWO)
    write_data("data", *two_types())
    good = "descriptor si.mliap elements Si O"
    pathlib.Path("input.nn").write_text("number_of_elements 1\nsymfunction_short S 2 S 0.1 0 9\n")
    pathlib.Path("bad.mliap").write_text("twojmax 4\n")
    cases = [
        (command(good, n="0"), "N must be a positive integer"),
        (command(good, n="x"), "N must be a positive integer"),
        (setup() + "fix dump all fitdump 1\n", "too few arguments"),
        (command("descriptor si.mliap"), "keyword elements is missing"),
        (command("elements Si O"), "keyword descriptor is missing"),
        (command(good + " colour red"), "wrong count of elements"),
        (command("colour red " + good), "unknown keyword", "colour", "descriptor elements truth"),
        (command("descriptor si.mliap elements Si O appnd yes"), "wrong count of elements",
         "appnd is no keyword: did you mean append?"),
        (command("descriptr si.mliap elements Si O"), "unknown keyword", "Did you mean descriptor?"),
        (command(good + " truth pare"), "unknown value", "Did you mean pair?"),
        (command("descriptor si.mliap elements Si"), "wrong count of elements", "Si",
         "one for each of the 2 atom types"),
        (command("descriptor si.mliap elements Si C"), "element C is not one", "Si C", "Si O"),
        (command("descriptor none.mliap elements Si O"), "none.mliap", "cannot open"),
        (command("descriptor bad.mliap elements Si O"), "bad.mliap"),
        (command("descriptor input.nn elements Si O"), "input.nn", "n2p2", "symmetry functions",
         "not available"),
        (command(good + " truth maybe"), "keyword truth", "maybe", "pair extxyz none"),
        (command(good + " truth extxyz"), "keyword truth", "extxyz FILE"),
        (command(good + " truth pair extra"), "keyword truth"),
        (command(good + " derivatives perhaps"), "keyword derivatives", "perhaps", "no yes"),
        (command(good + " precision half"), "keyword precision", "half", "float32 float64"),
        (command(good + " append maybe"), "keyword append", "maybe"),
        (command(good + " label " + 65 * "x"), "label is too long", "at most 64"),
        (command(good + " label a b"), "keyword label", "a b", "one value"),
        (command(good, file="nowhere/a.h5"), "cannot create", "nowhere/a.h5"),
        (setup().replace("atom_modify map array", "atom_modify id no").replace(
            "read_data data", "region b block 0 9 0 9 0 9\ncreate_box 2 b\n"
            "create_atoms 1 single 1 1 1\nmass * 1") + "fix dump all fitdump 1 a.h5 " + good + "\n",
         "atoms must have IDs"),
        (setup(pair="") + "fix dump all fitdump 1 a.h5 " + good + "\nrun 0\n",
         "needs a pair style"),
        (setup() + "compute tally all force/tally all\nfix dump all fitdump 1 a.h5 " + good +
         "\nrun 0\n", "would count", "compute tally", "rerun"),
        (setup().replace("bin", "multi") + "comm_modify mode multi\n" +
         f"fix dump all fitdump 1 a.h5 {good}\nrun 0\n",
         "comm_modify mode single"),
        ("dimension 2\n" + setup().replace("read_data data",
         "region b block 0 9 0 9 -1 1\ncreate_box 2 b\nmass * 1") +
         "fix dump all fitdump 1 a.h5 " + good + "\nrun 0\n", "three-dimensional"),
    ]
    for number, (text, *parts) in enumerate(cases):
        refused(text, "ERROR: Fix fitdump", *parts, np_=1 + number % 2)
        assert not os.path.exists("a.h5"), text    # what is refused leaves nothing behind
    pathlib.Path("a.h5").write_text("other")
    for np_ in (1, 2):
        refused(command(good), "exists already", "a.h5", np_=np_)
        refused(command(good + " append yes"), "a.h5", "no HDF5 file", np_=np_)


def test_other_lammps():
    """A plugin built for another version of LAMMPS says so and stops."""
    wrong = os.environ["TORCHPOT_WRONG_PLUGIN_DIR"]
    for np_ in (1, 2):
        for plugin, text in ((wrong, "units metal\n"),
                             (os.path.abspath("."), f"plugin load {wrong}/torchpotplugin.so\n")):
            right = os.environ["TORCHPOT_PLUGIN_DIR"]
            os.environ["TORCHPOT_PLUGIN_DIR"] = plugin
            try:
                refused(text, "built for LAMMPS version 20200101", "loaded by version 20",
                        "Build torchpot again", np_=np_)
            finally:
                os.environ["TORCHPOT_PLUGIN_DIR"] = right


def test_ghost_cutoff():
    """The descriptor reaches further than the pair style."""
    descriptor(**{**TWO, "rcutfac": 7.0})
    write_data("data", *two_types(n=2))
    short = "pair_style lj/cut 3.0\npair_coeff * * 0.1 2.1\n"
    result = run_lammps(setup(pair=short) + fix() + "run 0\nrun 0\n", np=2).check()
    assert result.output.count("Fix fitdump: ghost cutoff is at least 7.5") == 1
    few = Frames("a.h5")
    os.remove("a.h5")
    run_lammps(setup() + fix() + "run 0\n").check()
    one = Frames("a.h5")
    close(few.atoms["descriptor"], one.atoms["descriptor"], 1e-12)
    assert np.array_equal(few.pairs["second"], one.pairs["second"])


def test_number_of_frames():
    descriptor(**TWO)
    write_data("data", *two_types())
    result = run_lammps(setup() + "fix 1 all nve\n" + fix(n=2) +
                        "run 4\nvariable n equal f_dump\nprint 'frames: $n'\n").check()
    assert "frames: 3" in result.output


# durability


def test_append():
    descriptor(**TWO)
    write_data("data", *two_types())
    text = setup() + "fix 1 all nve\n" + fix(more="append yes label first") + "run 2\n"
    assert "already holds" not in run_lammps(text).check().output
    # the same first configuration again: counted once, then new frames
    again = text.replace("label first", "label second").replace("run 2", "run 0\nrun 1")
    output = " ".join(run_lammps(again).check().output.split())
    assert output.count("WARNING: Fix fitdump appends a configuration that a.h5 already holds (step "
                        "0); such duplicates end up in training and test sets") == 1, output
    f = Frames("a.h5")
    assert f.steps == [0, 1, 2, 0, 1]
    assert [x.decode() for x in f.frames["label"]] == 3 * ["first"] + 2 * ["second"]
    descriptor(**{**TWO, "rcutfac": 4.3})
    refused(text, "a.h5", "rcutfac", "4.2", "4.3", np_=2)
    assert Frames("a.h5").n == 5


def test_restart_continues():
    descriptor(**TWO)
    write_data("data", *two_types())
    run_lammps(setup() + "fix 1 all nve\n" + fix(n=2) + "run 4\nwrite_restart r\n").check()
    run_lammps(setup().replace("read_data data", "read_restart r") + "fix 1 all nve\n" +
               fix(n=2, more="append yes") + "run 4\n").check()
    assert Frames("a.h5").steps == [0, 2, 4, 6, 8]


def test_kills():
    """A run that is killed at any moment leaves all frames but the one being written."""
    descriptor(**TWO)
    write_data("data", *two_types(n=2))
    text = (setup() + "thermo 1000000\nvelocity all create 600 7 loop all\nfix 1 all nve\n" +
            fix(more="append yes") + "run 100000\n")
    rng = np.random.default_rng(1)
    n = 0
    for np_ in (1, 1, 1, 1, 2, 2):
        process = start_lammps(text, np=np_)
        deadline = time.time() + 600
        while time.time() < deadline:    # until there are frames of this run
            try:
                if Frames("a.h5", swmr=True).n > n + 3:
                    break
            except (OSError, KeyError):
                pass
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.1))
        seen = Frames("a.h5", swmr=True).n
        kill_lammps(process)
        process.communicate()
        f = Frames("a.h5", swmr=True)
        assert f.n >= seen > n, (f.n, seen, n)
        n = f.n
        complete = f.frames["pair_ptr"][-1]
        assert np.all(np.diff(f.frames["pair_ptr"]) > 0)
        assert np.isfinite(f.pairs["derivative"][:complete]).all()
        assert np.all(np.any(f.pairs["derivative"][:complete] != 0, axis=(1, 2)))
    run_lammps(text.replace("run 100000", "run 1")).check()
    f = Frames("a.h5")    # closed properly
    assert f.n == n + 2


def test_full_disk():
    """An error while writing stops all ranks; what was written stays and can be appended to."""
    descriptor(**TWO)
    write_data("data", *two_types(n=2))
    text = (setup() + "velocity all create 600 7 loop all\nfix 1 all nve\n" + fix() + "run 1000\n")
    lmp = os.environ["TORCHPOT_LMP"]
    # a limit of the size of files, in blocks of 512 bytes, reported as an error and not a signal
    pathlib.Path("limited").write_text(
        f"#!/bin/sh\ntrap '' 25\nulimit -f 100000\nexec '{lmp}' \"$@\"\n")
    os.chmod("limited", 0o755)
    for np_ in (1, 2):
        os.environ["TORCHPOT_LMP"] = os.path.abspath("limited")
        try:
            refused(text, "ERROR: Fix fitdump", "a.h5", "File too large", np_=np_)
        finally:
            os.environ["TORCHPOT_LMP"] = lmp
        n = Frames("a.h5", swmr=True).n
        assert n > 3
        run_lammps(text.replace("run 1000", "run 0").replace(
            "elements Si O", "elements Si O append yes label more")).check()
        assert Frames("a.h5").n == n + 1
        os.remove("a.h5")


if __name__ == "__main__":
    main(globals())
