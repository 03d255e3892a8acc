"""Program torchpot_fit from input file to potential: its predictions against LAMMPS with the files
that it wrote, its tables, refusals, and what signals leave behind.

TORCHPOT_FIT names the program."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import zipfile

import numpy as np

from pair_testing import Case, assert_close, evaluate, random_cell, write_data
from torchpot_testing import _path, kill_lammps, lammps_environment, main, run_lammps

ZBL = """pair_style zbl 3.0 4.0
pair_coeff 1 1 49 49
pair_coeff 1 2 49 15
pair_coeff 2 2 15 15
"""
LABELS = """pair_style hybrid/overlay zbl 3.0 4.0 lj/cut 4.0
pair_coeff 1 1 zbl 49 49
pair_coeff 1 2 zbl 49 15
pair_coeff 2 2 zbl 15 15
pair_coeff 1 1 lj/cut 0.10 2.4
pair_coeff 1 2 lj/cut 0.15 2.2
pair_coeff 2 2 lj/cut 0.08 2.0
"""
MASSES = [114.8, 30.97]

# the same as [BISPECTRUM]
DESCRIPTOR = """rcutfac 4.2
twojmax 4
nelems 2
elems In P
radelems 0.5 0.45
welems 1.0 0.8
rfac0 0.99363
rmin0 0
switchflag 1
bzeroflag 0
"""
BISPECTRUM = """[BISPECTRUM]
numTypes = 2
type = In P
twojmax = 4
rcutfac = 4.2
radelem = 0.5 0.45
wj = 1.0 0.8
rmin0 = 0
"""
JSON_DATA = BISPECTRUM + """
[PATH]
dataPath = data
"""
FITDUMP = """[TORCHPOT]
fitdump = data.h5
"""
SETTINGS = """
[PYTORCH]
layer_sizes = num_desc 8 8 1
num_epochs = 6
batch_size = 4
learning_rate = 1e-3
energy_weight = 0.5
force_weight = 1.0
multi_element_option = 2

[GROUPS]
group_sections = name training_size testing_size eweight fweight vweight
group_types = str float float float float float
solid = 0.75 0.25 1.0 1.0 1.0
melt = 1.0 0.0 2.0 0.5 1.0

[OUTFILE]
metrics = metrics.dat
potential = pot

[EXTRAS]
dump_perconfig = 1
dump_peratom = 1
"""
REFERENCE = """
[REFERENCE]
units = metal
pair_style = zbl 3.0 4.0
pair_coeff1 = 1 1 49 49
pair_coeff2 = 1 2 49 15
pair_coeff3 = 2 2 15 15
"""
MODEL = "FitTorch_Pytorch.pt"
TABLES = ["metrics.dat", "perconfig.dat", "peratom.dat"]
OUTPUTS = [*TABLES, "loss_vs_epochs.dat", "pot.mod", "pot.mliap.descriptor", "report.html", MODEL]
# what depends on the time of day or on the machine
VARIABLE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|<tr>\s*<t[hd]>(training|descriptors|memory)<.*?</tr>"


# data


class Configuration:
    """One of the data: as LAMMPS has it, with its labels and the reference potential's part."""

    def __init__(self, group, number, n_atoms):
        self.group, self.number = group, number
        self.file = f"{group}{number}.data"
        self.cell, self.types, self.positions = random_cell(n_atoms, 100 * number + n_atoms, 2)
        write_data(self.file, self.cell, self.types, self.positions, 2, MASSES)

    def turned(self):
        """Lattice, positions and forces in general orientation, with other cell vectors of the
        same lattice, left-handed ones among them, and other images of the atoms."""
        random = np.random.default_rng(self.number)
        self.rotation = np.linalg.qr(random.normal(size=(3, 3)))[0]
        if np.linalg.det(self.rotation) < 0:
            self.rotation = -self.rotation
        other = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 1, 0], [1, 0, 0], [0, 0, 1]],
                          [[0, 0, 1], [1, 0, 0], [0, 1, 0]], [[1, 1, 0], [0, 1, 0], [0, -1, 1]],
                          [[-1, 0, 0], [0, 1, 0], [0, 0, 1]]])[self.number % 5]
        images = random.integers(-1, 2, size=self.positions.shape) * (self.number % 2)
        lattice = other @ self.cell @ self.rotation
        return (lattice, self.positions @ self.rotation + images @ lattice,
                self.force @ self.rotation)

    def write_json(self, folder="data"):
        lattice, positions, forces = self.turned()
        data = {"NumAtoms": len(self.types), "AtomTypes": [["In", "P"][t - 1] for t in self.types],
                "Energy": self.energy, "Lattice": lattice.tolist(),
                "Positions": positions.tolist(), "Forces": forces.tolist(),
                "Stress": np.zeros((3, 3)).tolist()}
        styles = {"AtomTypeStyle": "chemicalsymbol", "EnergyStyle": "electronvolt",
                  "ForcesStyle": "electronvoltperangstrom", "PositionsStyle": "angstrom",
                  "LatticeStyle": "angstrom", "StressStyle": "bar"}
        os.makedirs(f"{folder}/{self.group}", exist_ok=True)
        text = json.dumps({"Dataset": {"Data": [data], **styles}})
        self.name = f"{self.group}_{self.number}.json"
        pathlib.Path(folder, self.group, self.name).write_text("# for tests\n" + text)


def make_data(n_solid=8, n_melt=4):
    """Configurations with labels of ZBL and Lennard-Jones, their data files beside."""
    data = [Configuration("solid", i + 7, 6 + i % 3) for i in range(n_solid)]
    data += [Configuration("melt", i + 1, 9) for i in range(n_melt)]
    cases = [Case(f"{style}{i}", c.file, pair) for i, c in enumerate(data)
             for style, pair in (("label", LABELS), ("zbl", ZBL))]
    values = evaluate(cases, centroid=False)
    for i, c in enumerate(data):
        c.energy, c.force = values[f"label{i}"].energy, values[f"label{i}"].force
        c.reference_energy = values[f"zbl{i}"].energy
        c.reference_force = values[f"zbl{i}"].force
    return data


def json_data(**numbers):
    data = make_data(**numbers)
    for c in data:
        c.write_json()
    return data


def fitdump_data():
    """The same configurations in a file of fix fitdump, unturned."""
    data = make_data()
    pathlib.Path("in.descriptor").write_text(DESCRIPTOR)
    text = ""
    for frame, c in enumerate(data):
        text += (f"clear\nunits metal\natom_modify map array\nread_data {c.file}\n{LABELS}"
                 "fix f all fitdump 1 data.h5 descriptor in.descriptor elements In P "
                 f"label {c.group} append yes\nrun 0\n")
        c.rotation, c.frame = np.eye(3), frame
    run_lammps(text, 2).check()
    return data


# the program


class Fit:
    """What a run of torchpot_fit left."""

    def __init__(self, process, output, errors):
        self.status, self.output, self.errors = process.returncode, output, errors

    def check(self, status=0):
        assert self.status == status, (f"torchpot_fit ended with status {self.status}, not "
                                       f"{status}:\n{self.output}\n{self.errors}")
        return self


def start(*arguments, cwd=".", before=(), environment=None):
    environment = {**lammps_environment(False), **(environment or {})}
    return subprocess.Popen([*before, _path("TORCHPOT_FIT", "program torchpot_fit"),
                             *map(str, arguments)], cwd=cwd, env=environment, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, start_new_session=True)


def finish(process, timeout=120):
    try:
        return Fit(process, *process.communicate(timeout=timeout))
    except subprocess.TimeoutExpired:
        kill_lammps(process)
        raise AssertionError("torchpot_fit hangs:\n" + "\n".join(process.communicate())) from None


def fit(*arguments, **options):
    return finish(start(*arguments, **options))


def write_input(*parts, name="in.fit", **changes):
    """An input file; changes: KEY=VALUE in place of the line that sets this key."""
    text = "\n".join(parts)
    for key, value in changes.items():
        text, n = re.subn(rf"(?m)^{key} =.*$", f"{key} = {value}", text)
        assert n == 1, key
    pathlib.Path(name).write_text(text)


# files


def rows(file):
    """Names of the columns, and the lines split into words."""
    lines = [line.split() for line in pathlib.Path(file).read_text().splitlines()]
    return lines[0], lines[1:]


class Predictions:
    """perconfig.dat and peratom.dat: dictionaries by group and file."""

    PERCONFIG = "Filename Group Natoms Energy_Truth Energy_Pred Testing_Bool"
    PERATOM = ("Filename Group AtomID Type Fx_Truth Fy_Truth Fz_Truth Fx_Pred Fy_Pred Fz_Pred "
               "Testing_Bool")

    def __init__(self, folder="."):
        names, lines = rows(pathlib.Path(folder, "perconfig.dat"))
        assert names == self.PERCONFIG.split(), names
        self.configurations = lines
        self.natoms = {(g, f): int(n) for f, g, n, _, _, _ in lines}
        self.truth = {(g, f): float(e) for f, g, _, e, _, _ in lines}
        self.energy = {(g, f): float(e) for f, g, _, _, e, _ in lines}
        self.test = {(g, f): {"True": True, "False": False}[t] for f, g, _, _, _, t in lines}
        assert len(self.energy) == len(lines)
        names, self.atoms = rows(pathlib.Path(folder, "peratom.dat"))
        assert names == self.PERATOM.split(), names
        self.types, self.true_force, self.force = {}, {}, {}
        for f, g, number, kind, *numbers, test in self.atoms:
            assert test == str(self.test[g, f])
            for table, value in ((self.types, int(kind)), (self.true_force, numbers[:3]),
                                 (self.force, numbers[3:])):
                table.setdefault((g, f), []).append(value)
            assert int(number) == len(self.types[g, f])
        for table in (self.true_force, self.force):
            for key in table:
                table[key] = np.array(table[key], float)


def file_in_tables(c):
    return c.name if hasattr(c, "name") else f"data.h5[{c.frame}]"


def compare_with_lammps(data, reference, tolerance=1e-10):
    """LAMMPS with the include file against the tables, on one and on two ranks."""
    p = Predictions()
    assert len(p.energy) == len(data)
    cases = [Case(f"fit{i}", c.file, "include pot.mod") for i, c in enumerate(data)]
    for np_ranks in (1, 2):
        values = evaluate(cases, np_ranks, centroid=False)
        largest = max(np.abs(values[case.name].force).max() for case in cases)
        for i, c in enumerate(data):
            key, v, n = (c.group, file_in_tables(c)), values[f"fit{i}"], len(c.types)
            what = f"{key} on {np_ranks} rank(s)"
            energy, force = (c.reference_energy, c.reference_force) if reference else (0.0, 0.0)
            assert p.natoms[key] == n and p.types[key] == list(c.types), what
            assert_close(p.energy[key] * n + energy, v.energy, tolerance, what + " energy",
                         max(abs(v.energy), abs(energy)))
            assert_close(p.force[key] @ c.rotation.T + force, v.force, tolerance,
                         what + " forces", largest)
            assert_close(p.truth[key] * n + energy, c.energy, 1e-12, what + " true energy",
                         max(abs(c.energy), abs(energy)))
            assert_close(p.true_force[key] @ c.rotation.T + force, c.force, 1e-12,
                         what + " true forces", max(np.abs(c.force).max(), np.abs(force).max()))


def read_metrics(folder="."):
    names, lines = rows(pathlib.Path(folder, "metrics.dat"))
    assert names == ["Group", "Train/Test", "Property", "Count", "MAE", "RMSE"], names
    return {tuple(line[:3]): line[3:] for line in lines}


def snapshot(folder="."):
    """{file: content} of a folder and all below."""
    return {str(f): f.read_bytes() for f in sorted(pathlib.Path(folder).rglob("*")) if f.is_file()}


def model_parameters(*files):
    """Names and bits of the numbers in model files, and what the files say of themselves."""
    import torch
    result = []
    for file in files:
        extra = {"torchpot.json": ""}
        model = torch.jit.load(file, _extra_files=extra)
        text = re.sub(VARIABLE, "", extra["torchpot.json"].decode()
                      if isinstance(extra["torchpot.json"], bytes) else extra["torchpot.json"])
        tensors = {k: v.numpy().tobytes() for k, v in model.state_dict().items()}
        assert tensors
        result.append((tensors, text))
    return result


def same_outputs(one, two, names=OUTPUTS):
    """Tables of two folders alike byte for byte, reports and models but for times and dates."""
    for name in names:
        a, b = (pathlib.Path(folder, name).read_bytes() for folder in (one, two))
        if name == "report.html":
            a, b = (re.sub(VARIABLE, "", x.decode(), flags=re.S) for x in (a, b))
        if name != MODEL:
            assert a == b, f"{name} differs between {one} and {two}"
    if MODEL in names:
        a, b = model_parameters(f"{one}/{MODEL}", f"{two}/{MODEL}")
        assert a == b, f"{MODEL} differs between {one} and {two}"


# against LAMMPS


def test_networks_of_json_data():
    """One network per element on top of ZBL; cells in general orientation."""
    data = json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    fit("in.fit").check()
    compare_with_lammps(data, True)


def test_one_network_of_json_data():
    data = json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE, multi_element_option=1)
    fit("in.fit").check()
    compare_with_lammps(data, True)


def test_one_hot_network_without_reference():
    data = json_data()
    write_input(JSON_DATA, SETTINGS, multi_element_option=3)
    fit("in.fit").check()
    assert "hybrid" not in pathlib.Path("pot.mod").read_text()
    compare_with_lammps(data, False)


def test_networks_of_fitdump_data():
    data = fitdump_data()
    write_input(FITDUMP, SETTINGS, REFERENCE)
    fit("in.fit").check()
    compare_with_lammps(data, True)
    fit("in.fit", "--overwrite", "-k", "PYTORCH", "multi_element_option", "1").check()
    compare_with_lammps(data, True)


def test_linear_models():
    data = json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    for network in ("linear", "quadratic"):
        fit("in.fit", "--overwrite", "-k", "TORCHPOT", "network", network).check()
        compare_with_lammps(data, True)
        assert not os.path.exists("FitTorch_Pytorch.checkpoint")


def test_linear_models_of_fitdump_data():
    data = fitdump_data()
    write_input(FITDUMP, SETTINGS, REFERENCE)
    for network in ("linear", "quadratic"):
        fit("in.fit", "--overwrite", "-k", "TORCHPOT", "network", network).check()
        compare_with_lammps(data, True)


def test_json_and_fitdump_give_the_same_linear_model():
    """Orientation and choice of the cell vectors do not matter."""
    for c in fitdump_data():
        c.write_json()
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    more = ("-k", "TORCHPOT", "network", "linear")
    fit("in.fit", *more).check()
    one = Predictions()
    write_input(FITDUMP, SETTINGS, REFERENCE)
    fit("in.fit", "--overwrite", *more).check()
    two = Predictions()
    for group in ("solid", "melt"):
        a = [e for key, e in one.energy.items() if key[0] == group]
        b = [e for key, e in two.energy.items() if key[0] == group]
        assert_close(a, b, 1e-8, group)


# tables


def recomputed(p):
    """The entries of metrics.dat from the other two tables."""
    def entry(errors, count):
        errors = np.array(errors, float).ravel()
        with np.errstate(all="ignore"):
            mae = np.abs(errors).sum() / errors.size if errors.size else np.nan
            rmse = np.sqrt((errors**2).sum() / errors.size) if errors.size else np.nan
        return [str(count), f"{mae:.3e}", f"{rmse:.3e}"]

    table = {}
    groups = list(dict.fromkeys(key[0] for key in p.energy))
    for group in ["*ALL", *groups]:
        for name, test in (("Train", False), ("Test", True)):
            keys = [k for k in p.energy if p.test[k] == test and group in ("*ALL", k[0])]
            table[group, name, "Energy"] = entry([p.energy[k] - p.truth[k] for k in keys],
                                                 len(keys))
            forces = [(p.force[k] - p.true_force[k]).ravel() for k in keys]
            table[group, name, "Force"] = entry(np.concatenate(forces) if forces else [],
                                                sum(p.natoms[k] for k in keys))
    return table


def test_tables():
    """FitSNAP's columns; errors are those of the other tables."""
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    out = fit("in.fit").check().output
    p, metrics = Predictions(), read_metrics()
    assert metrics == recomputed(p)
    assert list(metrics) == list(recomputed(p))    # *ALL first
    assert metrics["melt", "Test", "Force"] == ["0", "nan", "nan"]
    assert metrics["*ALL", "Test", "Energy"][0] == "2"
    # order of the input, files by the value of the numbers in their names, the last ones tested
    names = [f"solid_{i}.json" for i in range(7, 15)] + [f"melt_{i}.json" for i in range(1, 5)]
    assert [f for f, *_ in p.configurations] == names
    assert [p.test["solid", n] for n in names[:8]] == 6 * [False] + 2 * [True]
    loss = np.loadtxt("loss_vs_epochs.dat")
    assert loss.shape == (6, 3) and list(loss[:, 0]) == [1, 2, 3, 4, 5, 6]
    assert np.isfinite(loss).all()
    # the printed table in meV
    printed = [line.split() for line in out.splitlines() if line.split()[:1] == ["all"]]
    test = next(w for w in printed if w[1] == "2")
    wanted = [float(metrics["*ALL", "Test", q][k]) * 1000 for q in ("Energy", "Force")
              for k in (1, 2)]
    assert_close([float(test[k]) for k in (2, 3, 5, 6)], wanted, 1e-3, "printed table")
    for file in OUTPUTS:
        assert file in out.splitlines()[-1], file


def test_partial_labels():
    """Configurations without forces or energy: nan, and none of their rows in peratom.dat."""
    data = json_data()
    for c in data[:2]:
        file = pathlib.Path("data", c.group, c.name)
        key = "Forces" if c is data[0] else "Energy"
        file.write_text(file.read_text().replace(f'"{key}": ', '"Comment": '))
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    fit("in.fit").check()
    p, metrics = Predictions(), read_metrics()
    keys = [(c.group, c.name) for c in data]
    assert keys[0] not in p.force and keys[1] in p.force
    assert np.isnan(p.truth[keys[1]]) and np.isfinite(p.energy[keys[1]])
    assert metrics["*ALL", "Train", "Energy"][0] == "9"
    assert metrics["*ALL", "Train", "Force"][0] == str(
        sum(len(c.types) for c in data[1:6] + data[8:]))
    errors = [p.energy[k] - p.truth[k] for k in keys if not p.test[k] and k != keys[1]]
    assert metrics["*ALL", "Train", "Energy"][1] == f"{np.abs(errors).mean():.3e}"


# runs


def test_check_writes_nothing():
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    before = snapshot()
    out = fit("in.fit", "--check").check().output
    assert snapshot() == before
    table = {w[0]: w[1:] for w in map(str.split, out.splitlines()) if len(w) == 5}
    assert table["solid"] == ["6", "42", "2", "13"], table
    assert table["melt"] == ["4", "36", "0", "0"], table
    assert table["all"] == ["10", "78", "2", "13"], table
    assert "nothing was written" in out and "zbl" in out
    # nor with a reference that LAMMPS refuses
    bad = fit("in.fit", "--check", "-k", "REFERENCE", "pair_style", "zbll 3 4").check(1)
    assert "zbll" in bad.errors and snapshot() == before, bad.errors


def test_evaluate():
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    os.mkdir("a")
    fit("../in.fit", cwd="a").check()
    before = snapshot("a")
    os.mkdir("b")
    out = fit("../in.fit", "--evaluate", f"../a/{MODEL}", cwd="b").check()
    assert snapshot("a") == before
    assert set(os.listdir("b")) == {*TABLES, "report.html", "torchpot_cache"}
    same_outputs("a", "b", TABLES)
    again = fit("../in.fit", "--evaluate", f"../a/{MODEL}", cwd="b").check(1)
    assert "exists already" in again.errors
    # the same models, other data
    os.mkdir("c")
    other = ("-k", "GROUPS", "solid", "0.5 0.25 1 1 1")
    fit("../in.fit", "--evaluate", f"../a/{MODEL}", *other, cwd="c").check()
    assert read_metrics("c") == recomputed(Predictions("c")) != read_metrics("a")
    # and what does not belong to it
    for change, parts in (
            (("BISPECTRUM", "rcutfac", "4.3"), ["rcutfac", "4.2", "4.3"]),
            (("REFERENCE", "pair_style", "zbl 3.0 4.1"), ["reference", "zbl 3.0 4.1"])):
        os.mkdir("d")
        wrong = fit("../in.fit", "--evaluate", f"../a/{MODEL}", "-k", *change, cwd="d").check(1)
        assert all(part in wrong.errors for part in parts), wrong.errors
        assert not os.listdir("d")
        os.rmdir("d")


def test_twice():
    """The second run is refused and leaves all as it was; --overwrite begins anew."""
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    out = fit("in.fit").check().output
    before = snapshot()
    again = fit("in.fit").check(1)
    assert "exists already" in again.errors and "--overwrite" in again.errors
    assert snapshot() == before
    # any one of the outputs is enough
    for name in OUTPUTS:
        os.mkdir("one")
        shutil.copy(name, "one")
        refused = fit("../in.fit", cwd="one").check(1)
        assert name in refused.errors, refused.errors
        assert os.listdir("one") == [name]
        shutil.rmtree("one")
    anew = fit("in.fit", "--overwrite").check().output
    assert "continuing" not in anew and anew.count("epoch") == out.count("epoch")
    after = snapshot()
    assert all(before[name] == after[name] for name in OUTPUTS if name not in
               (MODEL, "report.html"))


def test_same_input_same_bits():
    """Whatever the number of threads, and whether descriptors come from the cache."""
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    for folder, more in (("a", ()), ("b", ()), ("c", ("-k", "TORCHPOT", "threads", "2"))):
        os.mkdir(folder)
        if folder == "b":
            shutil.copytree("a/torchpot_cache", "b/torchpot_cache")
        environment = {"OMP_NUM_THREADS": "2"} if folder == "c" else {}
        out = fit("../in.fit", *more, cwd=folder, environment=environment).check().output
        assert ("from the cache" in out) == (folder == "b"), out
    same_outputs("a", "b")
    a, c = model_parameters(f"a/{MODEL}", f"c/{MODEL}")
    assert a[0] == c[0]
    same_outputs("a", "c", [n for n in OUTPUTS if n not in (MODEL, "report.html")])
    os.mkdir("d")
    fit("../in.fit", "-k", "TORCHPOT", "seed", "1", cwd="d").check()
    assert model_parameters(f"d/{MODEL}")[0][0] != a[0]


if __name__ == "__main__":
    main(globals())
