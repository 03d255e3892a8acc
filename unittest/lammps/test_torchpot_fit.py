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
import tempfile
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
save_freq = 10
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
TABLES = ["metrics.dat", "perconfig.dat", "peratom.dat", "stress.dat"]
OUTPUTS = [*TABLES, "loss_vs_epochs.dat", "pot.mod", "pot.mliap.descriptor", "report.html", MODEL]
# what depends on the time of day or on the machine
VARIABLE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|<dt>(training|descriptors|memory)</dt><dd>[^<]*</dd>"


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

    def turned_back(self, stress):
        """Six components in the orientation of write_json(), as LAMMPS has them."""
        turned = self.rotation @ tensor(stress) @ self.rotation.T
        return np.array([turned[a, b] for a, b in VOIGT])

    def write_json(self, folder="data"):
        lattice, positions, forces = self.turned()
        data = {"NumAtoms": len(self.types), "AtomTypes": [["In", "P"][t - 1] for t in self.types],
                "Energy": self.energy, "Lattice": lattice.tolist(),
                "Positions": positions.tolist(), "Forces": forces.tolist(),
                "Stress": (self.rotation.T @ tensor(self.stress) @ self.rotation).tolist()}
        styles = {"AtomTypeStyle": "chemicalsymbol", "EnergyStyle": "electronvolt",
                  "ForcesStyle": "electronvoltperangstrom", "PositionsStyle": "angstrom",
                  "LatticeStyle": "angstrom", "StressStyle": "bar"}
        os.makedirs(f"{folder}/{self.group}", exist_ok=True)
        text = json.dumps({"Dataset": {"Data": [data], **styles}})
        self.name = f"{self.group}_{self.number}.json"
        pathlib.Path(folder, self.group, self.name).write_text("# for tests\n" + text)


VOIGT = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]


def tensor(six):
    result = np.zeros((3, 3))
    for (a, b), value in zip(VOIGT, six):
        result[a, b] = result[b, a] = value
    return result


def make_data(n_solid=8, n_melt=4):
    """Configurations with labels of ZBL and Lennard-Jones, their data files beside."""
    data = [Configuration("solid", i + 7, 6 + i % 3) for i in range(n_solid)]
    data += [Configuration("melt", i + 1, 9) for i in range(n_melt)]
    cases = [Case(f"{style}{i}", c.file, pair) for i, c in enumerate(data)
             for style, pair in (("label", LABELS), ("zbl", ZBL))]
    values = evaluate(cases, centroid=False)
    for i, c in enumerate(data):
        c.energy, c.force = values[f"label{i}"].energy, values[f"label{i}"].force
        c.stress = values[f"label{i}"].pressure
        c.reference_stress = values[f"zbl{i}"].pressure
        c.reference_energy = values[f"zbl{i}"].energy
        c.reference_force = values[f"zbl{i}"].force
    return data


def json_data(**numbers):
    data = make_data(**numbers)
    for c in data:
        c.write_json()
    return data


def fitdump_data(**numbers):
    """The same configurations in a file of fix fitdump, unturned."""
    data = make_data(**numbers)
    pathlib.Path("in.descriptor").write_text(DESCRIPTOR)
    text = ""
    for frame, c in enumerate(data):
        text += (f"clear\nunits metal\natom_modify map array\nread_data {c.file}\n{LABELS}"
                 "fix f all fitdump 1 data.h5 descriptor in.descriptor elements In P "
                 f"label {c.group} append yes\nrun 0\n")
        c.rotation, c.name = np.eye(3), f"data.h5#{frame}"
    run_lammps(text, 2).check()
    return data


# the program


class Fit:
    """What a run of torchpot_fit left."""

    def __init__(self, process, output, errors):
        self.status, self.output, self.errors = process.returncode, output, errors

    def check(self, status=0):
        assert self.status == status, (f"torchpot_fit ended with status {self.status}, not "
                                       f"{status}:\n{self.output[-2000:]}\n{self.errors}")
        return self


def start(*arguments, cwd=".", before=(), environment=None):
    """Start it and return the process. Its output goes to files, so that it never waits for a
    reader."""
    environment = {**lammps_environment(False), **(environment or {})}
    files = [tempfile.TemporaryFile("w+") for _ in range(2)]
    process = subprocess.Popen([*before, _path("TORCHPOT_FIT", "program torchpot_fit"),
                                *map(str, arguments)], cwd=cwd, env=environment,
                               stdin=subprocess.DEVNULL, stdout=files[0], stderr=files[1],
                               start_new_session=True)
    process.files = files
    return process


def said(process):
    """What it has said so far: output and errors."""
    return [os.pread(file.fileno(), 1 << 24, 0).decode() for file in process.files]


def finish(process, timeout=120):
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        kill_lammps(process)
        process.wait()
        raise AssertionError("torchpot_fit hangs:\n" + "\n".join(said(process))) from None
    done = Fit(process, *said(process))
    for file in process.files:
        file.close()
    return done


def wait_for(process, condition):
    """Until condition() holds; the process must not end before."""
    while not condition():
        if process.poll() is not None and not condition():
            raise AssertionError("torchpot_fit ended too early:\n" + "\n".join(said(process)))
        time.sleep(0.002)


def wait_for_line(process, beginning):
    wait_for(process, lambda: ("\n" + said(process)[0]).find("\n" + beginning) >= 0)


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
    STRESS = " ".join(["Filename Group Natoms"] + [
        f"S{c}_{kind}" for kind in ("Truth", "Pred") for c in ("xx", "yy", "zz", "xy", "xz", "yz")
    ] + ["Testing_Bool"])
    PERATOM = ("Filename Group AtomID Type Fx_Truth Fy_Truth Fz_Truth Fx_Pred Fy_Pred Fz_Pred "
               "Testing_Bool")

    def __init__(self, folder=".", suffix=""):
        names, lines = rows(pathlib.Path(folder, f"perconfig{suffix}.dat"))
        assert names == self.PERCONFIG.split(), names
        self.configurations = lines
        self.natoms = {(g, f): int(n) for f, g, n, _, _, _ in lines}
        self.truth = {(g, f): float(e) for f, g, _, e, _, _ in lines}
        self.energy = {(g, f): float(e) for f, g, _, _, e, _ in lines}
        self.test = {(g, f): {"True": True, "False": False}[t] for f, g, _, _, _, t in lines}
        assert len(self.energy) == len(lines)
        names, self.atoms = rows(pathlib.Path(folder, f"peratom{suffix}.dat"))
        assert names == self.PERATOM.split(), names
        self.types, self.true_force, self.force = {}, {}, {}
        for f, g, number, kind, *numbers, test in self.atoms:
            assert test == str(self.test[g, f])
            for table, value in ((self.types, int(kind)), (self.true_force, numbers[:3]),
                                 (self.force, numbers[3:])):
                table.setdefault((g, f), []).append(value)
            assert int(number) == len(self.types[g, f])
        names, lines = rows(pathlib.Path(folder, f"stress{suffix}.dat"))
        assert names == self.STRESS.split(), names
        self.true_stress, self.stress = {}, {}    # GPa
        for f, g, n, *numbers, test in lines:
            assert int(n) == self.natoms[g, f] and test == str(self.test[g, f])
            self.true_stress[g, f], self.stress[g, f] = np.array(numbers, float).reshape(2, 6)
        for table in (self.true_force, self.force):
            for key in table:
                table[key] = np.array(table[key], float)


def compare_with_lammps(data, fits, reference=True, tolerance=1e-10):
    """LAMMPS with the include files against the tables, on one and on two ranks.

    fits: folders with the tables, beside the include files of these names."""
    tables = {name: Predictions(name) for name in fits}
    for np_ranks, some in ((1, data), (2, data[::3])):
        cases = {(name, i): Case(f"{name}{i}", c.file, f"include {name}.mod")
                 for name in fits for i, c in enumerate(some)}
        values = evaluate(cases.values(), np_ranks, centroid=False)
        largest = max(np.abs(v.force).max() for v in values.values())
        pressure = max(np.abs(v.pressure).max() for v in values.values())
        for (name, i), case in cases.items():
            p, c, v = tables[name], some[i], values[case.name]
            key, n = (c.group, c.name), len(c.types)
            what = f"{name}, {key}, {np_ranks} rank(s)"
            energy, force, stress = (c.reference_energy, c.reference_force, c.reference_stress) \
                if reference else (0.0, 0.0, np.zeros(6))
            assert len(p.energy) == len(data)
            assert p.natoms[key] == n and p.types[key] == list(c.types), what
            assert_close(p.energy[key] * n + energy, v.energy, tolerance, what + " energy",
                         max(abs(v.energy), abs(energy)))
            assert_close(p.force[key] @ c.rotation.T + force, v.force, tolerance,
                         what + " forces", largest)
            bar = 1e4
            assert_close(c.turned_back(p.stress[key]) * bar + stress, v.pressure, tolerance,
                         what + " stress", pressure)
            assert_close(c.turned_back(p.true_stress[key]) * bar + stress, c.stress, 1e-12,
                         what + " true stress", max(np.abs(c.stress).max(), np.abs(stress).max()))
            assert_close(p.truth[key] * n + energy, c.energy, 1e-12, what + " true energy",
                         max(abs(c.energy), abs(energy)))
            assert_close(p.true_force[key] @ c.rotation.T + force, c.force, 1e-12,
                         what + " true forces", max(np.abs(c.force).max(), np.abs(force).max()))


def fit_all(fits):
    """A fit for each name: NAME.pt, NAME.mod and so on, tables in the folder NAME."""
    for name, (key, value) in fits.items():
        section = "PYTORCH" if key == "multi_element_option" else "TORCHPOT"
        fit("in.fit", "-k", section, key, value, "-k", "TORCHPOT", "model", f"{name}.pt",
            "-k", "OUTFILE", "potential", name).check()
        os.mkdir(name)
        for file in (*TABLES, "loss_vs_epochs.dat", "report.html"):
            shutil.move(file, name)


def read_metrics(folder=".", suffix=""):
    names, lines = rows(pathlib.Path(folder, f"metrics{suffix}.dat"))
    assert names == ["Group", "Train/Test", "Property", "Count", "MAE", "RMSE"], names
    return {tuple(line[:3]): line[3:] for line in lines}


def snapshot(folder="."):
    """{file: content} of a folder and all below."""
    return {str(f): f.read_bytes() for f in sorted(pathlib.Path(folder).rglob("*")) if f.is_file()}


def model_parameters(file):
    """The numbers of a model file by name, as bytes."""
    import torch
    tensors = torch.jit.load(file).state_dict()
    assert "weight0" in tensors
    return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}


def archive(file):
    """Entries of a model file, without dates and the archive's own name; checks their sums."""
    with zipfile.ZipFile(file) as entries:
        assert entries.testzip() is None
        return {name.split("/", 1)[1]: re.sub(VARIABLE.encode(), b"", entries.read(name))
                for name in entries.namelist() if not name.endswith("serialization_id")}


def same_outputs(one, two, names=OUTPUTS):
    """Tables of two folders alike byte for byte, reports and models but for times and dates."""
    for name in names:
        if name == MODEL:
            a, b = archive(f"{one}/{name}"), archive(f"{two}/{name}")
            assert a == b, f"{name}: {[k for k in a if a[k] != b.get(k)]} differ"
            continue
        a, b = (pathlib.Path(folder, name).read_bytes() for folder in (one, two))
        if name == "report.html":
            a, b = (re.sub(VARIABLE, "", x.decode(), flags=re.S) for x in (a, b))
        assert a == b, f"{name} differs between {one} and {two}"


# against LAMMPS

FEW = {"n_solid": 5, "n_melt": 2}
NETWORKS = {"one": ("multi_element_option", 1), "each": ("multi_element_option", 2),
            "onehot": ("multi_element_option", 3)}
LINEAR = {"linear": ("network", "linear"), "quadratic": ("network", "quadratic")}


def test_networks_of_json_data():
    """On top of ZBL; cells in general orientation."""
    data = json_data(**FEW)
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    fit_all(NETWORKS)
    assert "zbl" in pathlib.Path("each.mod").read_text()
    compare_with_lammps(data, NETWORKS)


def test_without_reference():
    data = json_data(**FEW)
    write_input(JSON_DATA, SETTINGS)
    fits = {"each": NETWORKS["each"], "linear": LINEAR["linear"]}
    fit_all(fits)
    assert "hybrid" not in pathlib.Path("each.mod").read_text()
    compare_with_lammps(data, fits, reference=False)


def test_networks_of_fitdump_data():
    data = fitdump_data(**FEW)
    write_input(FITDUMP, SETTINGS, REFERENCE)
    fits = {name: NETWORKS[name] for name in ("one", "each")}
    fit_all(fits)
    compare_with_lammps(data, fits)


def test_linear_models_of_json_data():
    data = json_data(**FEW)
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    fit_all(LINEAR)
    assert not list(pathlib.Path(".").glob("*.checkpoint"))
    compare_with_lammps(data, LINEAR)


def test_linear_models_of_fitdump_data():
    """They are those of the same data as JSON: orientation and cell vectors do not matter."""
    data = fitdump_data(**FEW)
    write_input(FITDUMP, SETTINGS, REFERENCE)
    fit_all(LINEAR)
    compare_with_lammps(data, LINEAR)
    for c in data:
        c.write_json()
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    fit_all({"json": LINEAR["linear"]})
    one, two = Predictions("linear"), Predictions("json")
    assert_close(list(two.energy.values()), list(one.energy.values()), 1e-8, "energies")


STRESS = {"with": ("stress_weight", "1"), "groups": ("stress_weight", "group"),
          "without": ("stress_weight", "none"),
          "quadratic": ("network", "quadratic")}


def test_stress():
    """Fitted: LAMMPS has the stresses of the tables, with smaller errors than of a fit without."""
    data = json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE, num_epochs=40)
    fit_all(STRESS)
    compare_with_lammps(data, STRESS)
    mae = {name: float(read_metrics(name)["*ALL", "Train", "Stress"][1]) for name in STRESS}
    assert mae["with"] < 0.5 * mae["without"], mae
    assert "stress MAE" in pathlib.Path("with/report.html").read_text()


def test_labels_of_one_kind():
    """Energy, forces or stress alone; without any stress there is no trace of it."""
    data = json_data()
    labels = ["Energy", "Forces", "Stress"]

    def keep(c, kept):
        file = pathlib.Path("data", c.group, c.name)
        content = json.loads(file.read_text().split("\n", 1)[1])
        for label in labels:
            if label not in kept:
                del content["Dataset"]["Data"][0][label]
        file.write_text("# for tests\n" + json.dumps(content))

    for i, c in enumerate(data):
        keep(c, labels[(i + 1) % 3])
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    write = ("--overwrite", "-k", "TORCHPOT", "stress_weight")
    out = fit("in.fit", *write, "0.5").check()
    assert "stresses of 4 of 12 configurations are fitted; 8 have none, and 0 have open" \
        in out.errors, out.errors
    assert re.search(r"stress MAE [0-9]", out.output), out.output
    p = Predictions()
    assert set(p.stress) == {(c.group, c.name) for c in data[1::3]}
    refused = fit("in.fit", *write, "none").check(1)
    assert "nothing to be fitted" in refused.errors
    for c in data:
        c.write_json()
        keep(c, labels[:2])
    out = fit("in.fit", *write, "0.5").check()
    assert "stress_weight has no effect: no configuration has a stress" in out.errors
    assert "stress" not in out.output and not os.path.exists("stress.dat")
    assert not any(key[2] == "Stress" for key in read_metrics())


# tables


def recomputed(p, sets=(("Train", False), ("Test", True))):
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
        for name, test in sets:
            keys = [k for k in p.energy if p.test[k] == test and group in ("*ALL", k[0])]
            table[group, name, "Energy"] = entry([p.energy[k] - p.truth[k] for k in keys],
                                                 len(keys))
            forces = [(p.force[k] - p.true_force[k]).ravel() for k in keys]
            table[group, name, "Force"] = entry(np.concatenate(forces) if forces else [],
                                                sum(p.natoms[k] for k in keys))
            table[group, name, "Stress"] = entry([p.stress[k] - p.true_stress[k] for k in keys],
                                                 len(keys))
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
    wanted += [float(metrics["*ALL", "Test", "Stress"][k]) for k in (1, 2)]    # GPa
    assert_close([float(test[k]) for k in (2, 3, 5, 6, 8, 9)], wanted, 1e-3, "printed table")
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
    names = [name.replace(".", "_evaluation.") for name in TABLES]
    found = set(os.listdir("b"))
    assert found == {*names, "report_evaluation.html", "torchpot_cache"}, found
    for name, own in zip(TABLES, names):
        assert before[f"a/{name}"] == snapshot("b")[f"b/{own}"], name
    page = open("b/report_evaluation.html").read()
    assert f"Evaluation of ../a/{MODEL} by" in page and "Training</th>" in page, page[:3000]
    again = fit("../in.fit", "--evaluate", f"../a/{MODEL}", cwd="b").check(1)
    assert "exists already" in again.errors
    # the same models, other data
    os.mkdir("c")
    other = ("-k", "GROUPS", "solid", "0.5 0.25 1 1 1")
    out = fit("../in.fit", "--evaluate", f"../a/{MODEL}", *other, cwd="c").check()
    assert "was trained on other data" in out.errors, out.errors
    assert "Evaluation" in out.output and "Training" not in out.output, out.output
    assert "Test" not in out.output, out.output
    page = open("c/report_evaluation.html").read()
    assert "Evaluation</th>" in page and "Training</th>" not in page and "test" not in page
    table = recomputed(Predictions("c", "_evaluation"), [("Evaluation", False)])
    assert read_metrics("c", "_evaluation") == table
    # in the folder of the fit nothing of the fit is touched, and a later fit is not blocked
    before = snapshot("a")
    fit("../in.fit", "--evaluate", MODEL, *other, cwd="a").check()
    assert before.items() <= snapshot("a").items()
    # the network that is told is the model's
    out = fit("../in.fit", "--evaluate", f"../a/{MODEL}", "-k", "PYTORCH", "layer_sizes",
              "num_desc 3 1", "-k", "TORCHPOT", "activation", "silu", "--overwrite", cwd="c").check()
    network = [line for line in out.output.splitlines() if line.startswith("network: ")]
    assert network == ["network: 14 8 8 1, softplus"], network
    fit("../in.fit", cwd="c").check()
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
    for name in ("report.html", "pot.mod", MODEL):
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
    parameters = model_parameters(f"a/{MODEL}")
    assert parameters == model_parameters(f"c/{MODEL}") == model_parameters(f"b/{MODEL}")
    same_outputs("a", "c", [n for n in OUTPUTS if n not in (MODEL, "report.html")])
    os.mkdir("d")
    fit("../in.fit", "-k", "TORCHPOT", "seed", "1", cwd="d").check()
    assert model_parameters(f"d/{MODEL}")["weight0"] != parameters["weight0"]



# signals

LONG = {"num_epochs": 1500, "layer_sizes": "num_desc 64 64 1"}


def whole_run(**changes):
    """An input of some seconds, its uninterrupted run in folder whole, and how long it took."""
    json_data(**FEW)
    write_input(JSON_DATA, SETTINGS, REFERENCE, **{**LONG, **changes})
    os.mkdir("whole")
    begin = time.monotonic()
    fit("../in.fit", cwd="whole").check()
    os.mkdir("cut")
    return time.monotonic() - begin


def check_whole_files(complete=False):
    """Each output that is there is whole."""
    names = [name for name in OUTPUTS if os.path.exists(f"cut/{name}")]
    assert not complete or names == OUTPUTS, set(OUTPUTS) - set(names)
    same_outputs("whole", "cut", names)


def signal_after(line, number, delay=0.0, arguments=("../in.fit",)):
    """Start in folder cut, send the signal `delay` seconds after a line that begins so."""
    process = start(*arguments, cwd="cut")
    wait_for_line(process, line)
    time.sleep(delay)
    process.send_signal(number)
    return finish(process)


def stops(number):
    whole_run()
    random = np.random.default_rng(number)
    # while descriptors are computed: nothing is left but the same command
    many = ("../in.fit", "-k", "BISPECTRUM", "twojmax", "12", "-k", "TORCHPOT", "cache", "none")
    done = signal_after("descriptors and derivatives:", number, arguments=many).check(3)
    assert "does the rest" in done.output and os.listdir("cut") == [], done.output
    # while the network is trained, each time a little further
    for first in (15, 300, 705):
        epoch = first + 15 * random.integers(13)    # each 15th of 1500 is printed
        done = signal_after(f"epoch {epoch}/", number, random.uniform(0, 0.02)).check(3)
        assert "the same command continues" in done.output, done.output
        assert ("continuing from" in done.output) == (first > 15), done.output
        check_whole_files()
        assert not [name for name in OUTPUTS if os.path.exists(f"cut/{name}")]
    # after the last epoch, or so late that all is written
    done = signal_after("epoch 1500/1500", number)
    assert done.status in (0, 3), done.errors
    check_whole_files(complete=done.status == 0)
    if done.status == 3:
        done = fit("../in.fit", cwd="cut").check()
        assert "continuing from" in done.output
    check_whole_files(complete=True)


def test_sigint():
    stops(signal.SIGINT)


def test_sigterm():
    stops(signal.SIGTERM)


def test_signal_at_any_time():
    """Also while the program starts, when the signal may still end it at once."""
    seconds = whole_run()
    random = np.random.default_rng(5)
    for part in random.permutation(4):
        process = start("../in.fit", cwd="cut")
        time.sleep((part + random.uniform()) / 4 * seconds)
        process.send_signal(signal.SIGINT)
        done = finish(process)
        early = done.status == -signal.SIGINT and not done.output
        assert done.status in (0, 3) or early, (done.status, done.output, done.errors)
        check_whole_files(complete=done.status == 0)
        if done.status == 0:
            break
    else:
        fit("../in.fit", cwd="cut").check()
    check_whole_files(complete=True)


def test_second_signal_ends_at_once():
    """A batch of all configurations and a large network: it takes long."""
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE, layer_sizes="num_desc 3000 3000 1")
    os.mkdir("cut")
    process = start("../in.fit", cwd="cut")
    wait_for_line(process, "descriptors:")
    process.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert finish(process, 5).status == -signal.SIGTERM


def test_sigkill():
    """Kills at random moments, each run going on from what the last one left."""
    seconds = whole_run(save_freq=1)
    random = np.random.default_rng(11)
    continued = 0
    for part in [None, *random.permutation(7)]:
        process = start("../in.fit", cwd="cut")
        if part is None:    # once after a checkpoint
            wait_for(process, lambda: os.path.exists("cut/FitTorch_Pytorch.checkpoint"))
        else:
            time.sleep((part + random.uniform()) / 8 * seconds)
        process.kill()
        continued += "continuing from" in finish(process).output
        check_whole_files()
        if os.path.exists(f"cut/{MODEL}"):
            break    # see test_sigkill_while_files_are_written
    else:
        done = fit("../in.fit", cwd="cut").check()
        continued += "continuing from" in done.output
        check_whole_files(complete=True)
        assert continued > 0


def test_two_at_once():
    """The second one is told who works on the checkpoint, and changes nothing."""
    whole_run()
    process = start("../in.fit", cwd="cut")
    wait_for_line(process, "descriptors:")
    process.send_signal(signal.SIGSTOP)
    for more in ((), ("--restart",), ("--overwrite",)):
        second = fit("../in.fit", *more, cwd="cut").check(1)
        assert f"another fit is working on this checkpoint; found: process {process.pid} on " \
            in second.errors, second.errors
    process.send_signal(signal.SIGCONT)
    finish(process).check()
    check_whole_files(complete=True)
    assert not os.path.exists("cut/FitTorch_Pytorch.checkpoint.lock")


def test_sigkill_while_files_are_written():
    """The same command completes what was begun."""
    whole_run(num_epochs=20)
    for first in (MODEL, "pot.mod", "metrics.dat"):
        process = start("../in.fit", cwd="cut")
        while process.poll() is None and not os.path.exists(f"cut/{first}"):
            pass
        process.kill()
        finish(process)
        check_whole_files()
        if all(os.path.exists(f"cut/{name}") for name in OUTPUTS):
            shutil.rmtree("cut")    # too late
            os.mkdir("cut")
            continue
        fit("../in.fit", cwd="cut").check()
        check_whole_files(complete=True)
        shutil.rmtree("cut")
        os.mkdir("cut")


def without_checkpoint_folder(pause, **changes):
    """pause: seconds that the program sleeps after the folder has gone."""
    json_data(**FEW)
    write_input(JSON_DATA, SETTINGS, REFERENCE, **{**LONG, **changes})
    os.makedirs("cut/kept")
    process = start("../in.fit", "-k", "TORCHPOT", "checkpoint", "kept/fit.checkpoint", cwd="cut")
    wait_for_line(process, "epoch 5/")
    shutil.rmtree("cut/kept")
    process.send_signal(signal.SIGSTOP)
    time.sleep(pause)
    process.send_signal(signal.SIGCONT)
    done = finish(process).check()
    assert "warning" in done.errors and "kept/fit.checkpoint" in done.errors, done.errors
    assert set(os.listdir("cut")) == {*OUTPUTS, "torchpot_cache"}
    assert read_metrics("cut") == recomputed(Predictions("cut"))
    assert "weight0" in model_parameters(f"cut/{MODEL}")


def test_checkpoint_folder_removed_before_the_end():
    """The model is not lost if its last checkpoint cannot be written."""
    without_checkpoint_folder(0.0, num_epochs=500, save_freq=1000)


def test_checkpoint_folder_removed_on_the_way():
    """Nor is it if those in between cannot, which are written if more than a second has passed."""
    without_checkpoint_folder(1.1, num_epochs=2000, save_freq=1)


# wrong input


def refused(cases):
    """cases: (arguments, parts of the message). Each ends with status 1 and writes nothing."""
    for begin in range(0, len(cases), 4):
        running = []
        for k, (arguments, _) in enumerate(cases[begin:begin + 4], begin):
            os.mkdir(f"empty{k}")
            running.append(start(*arguments, cwd=f"empty{k}"))
        for k, process in enumerate(running, begin):
            (arguments, parts), done = cases[k], finish(process)
            assert done.status == 1, (arguments, done.status, done.output, done.errors)
            assert done.errors.startswith("torchpot_fit: "), (arguments, done.errors)
            for part in parts:
                assert part in done.errors, (arguments, part, done.errors)
            assert not os.listdir(f"empty{k}"), (arguments, os.listdir(f"empty{k}"))


def test_wrong_settings():
    json_data(n_solid=4, n_melt=1)
    good = "\n".join([JSON_DATA, SETTINGS, REFERENCE])
    os.mkdir("data/empty")
    cases = []
    for old, new, *parts in (
            ("[PYTORCH]", "[PYTORCHE]", "unknown section", "[PYTORCHE]", "mean [PYTORCH]?"),
            ("[GROUPS]", "[GROPS]", "unknown section", "[GROPS]", "mean [GROUPS]?"),
            ("num_epochs =", "num_epoch =", "unknown key", "num_epoch", "mean num_epochs?"),
            ("rcutfac = 4.2", "rcutfak = 4.2", "unknown key", "rcutfak", "mean rcutfac?"),
            ("batch_size = 4", "batch_size = four", "wrong value", "batch_size", "four",
             "a whole number"),
            ("learning_rate = 1e-3", "learning_rate = -1", "wrong value", "-1",
             "a number larger than 0"),
            ("type = In P", "type = In P Ga", "numTypes", "3 (In P Ga)", "numTypes = 2"),
            ("8 8 1", "8 8 2", "last layer", "8 8 2"),
            ("multi_element_option = 2", "multi_element_option = 4", "wrong value", "from 1 to 3"),
            ("energy_weight = 0.5", "#", "go together", "only force_weight", "both or none"),
            ("solid = 0.75", "solid = 0.75 x", "wrong number of values", "6 (0.75 x", "5: "),
            ("melt = 1.0 0.0 2.0", "melt = 1.0 0.0 heavy", "melt eweight", "heavy", "a number"),
            ("solid = 0.75", "solid = 400", "too few configurations", "4", "400"),
            ("pair_style = zbl 3.0", "pair_style = zbll 3.0", "LAMMPS", "zbll"),
            ("pair_coeff3 = 2 2 15 15", "#", "LAMMPS", "pair coeffs are not set"),
            ("dataPath = data", "dataPath = dta", "data folder is absent", "dta"),
            ("melt = 1.0", "empty = 1.0", "no .json files", "[GROUPS] empty", "data/empty"),
            ("melt = 1.0", "mellt = 1.0", "no folder", "[GROUPS] mellt", "melt, solid",
             "mean melt?"),
            ("dump_perconfig = 1", "dump_perconfig = 1\ndump_perconfig = 0", "twice",
             "the first one at"),
            ("metrics = metrics.dat", "metrics = perconfig.dat", "same file name",
             "perconfig.dat")):
        number, at = len(cases), good.index(old)
        pathlib.Path(f"{number}.fit").write_text(good.replace(old, new, 1))
        line = good[:at].count("\n") + 1
        if new != "#" and parts[0] not in ("same file name", "LAMMPS", "go together"):
            parts.append(f"{number}.fit:{line + new.count(chr(10))}")
        cases.append(([f"../{number}.fit"], parts))
    pathlib.Path("good.fit").write_text(good)
    cases += [(["../good.fit", "-k", "PYTORCH", "num_epochs", "1.5"],
               ["--keyword PYTORCH num_epochs 1.5", "wrong value"]),
              (["../none.fit"], ["none.fit", "no such file: /"]),
              (["../good.fit", "--evalute", "x"], ["torchpot_fit: ", "--evalute"])]
    refused(cases)


def test_wrong_json():
    json_data(n_solid=2, n_melt=1)
    name = "solid_8.json"
    good = pathlib.Path("data/solid", name).read_text()
    whole = json.loads(good[good.index("\n"):])

    def changed(key, value):
        text = json.loads(json.dumps(whole))
        text["Dataset"]["Data"][0][key] = value(text["Dataset"]["Data"][0][key])
        return json.dumps(text)

    def with_value(number):
        def change(rows_):
            rows_[1][2] = number
            return rows_
        return change

    cases = []
    for text, *parts in (
            (changed("AtomTypes", lambda x: x[:2] + ["Ga"] + x[3:]), "unknown element",
             "AtomTypes, atom 3", "Ga", "In P"),
            (changed("Forces", lambda x: x[:-1]), "wrong number of rows", "Forces", "6",
             "7, one for each atom"),
            (changed("Positions", lambda x: x + x[:1]), "wrong number of rows", "Positions", "8",
             "7, one for each atom"),
            (changed("Forces", with_value(float("nan"))), "Forces, row 2, value 3", "NaN",
             "a finite number"),
            (changed("Energy", lambda x: float("nan")), "Energy", "NaN", "a finite number"),
            (changed("Energy", lambda x: -float("inf")), "Energy", "Infinity", "a finite number"),
            (changed("Energy", lambda x: "low"), "Energy", "low", "a finite number"),
            (changed("Lattice", lambda x: x[:2]), "wrong number of rows", "Lattice", "2", "3"),
            (changed("Lattice", lambda x: sum(x, [])), "wrong number of rows", "Lattice", "9"),
            (changed("Lattice", lambda x: [x[0], x[1][:2], x[2]]), "Lattice, row 2", "3"),
            (changed("Lattice", lambda x: [x[0], x[1], x[0]]), "no volume", "Lattice"),
            (changed("Stress", lambda x: x[:2]), "wrong number of rows", "Stress", "2", "3"),
            (changed("NumAtoms", lambda x: x + 1), "NumAtoms", "8", "7"),
            (good.replace("Forces\"", "Force\""), "unknown key", "mean Forces?"),
            (good.replace("Lattice\"", "Cell\""), "a key is missing", "Lattice"),
            (good.replace("electronvolt\"", "joule\""), "unknown unit", "EnergyStyle", "joule"),
            (good[:len(good) // 2], "not valid JSON", "line 2"),
            ("", "not valid JSON")):
        number = len(cases)
        shutil.copytree("data", f"data{number}")
        pathlib.Path(f"data{number}/solid", name).write_text(text)
        cases.append((["../in.fit", "-k", "PATH", "dataPath", f"data{number}"],
                      [f"data{number}/solid/{name}", *parts]))
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    refused(cases)


def test_outputs_that_cannot_be_written():
    json_data(n_solid=2, n_melt=1)
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    pathlib.Path("file").write_text("")
    cases = []
    for section, key in (("TORCHPOT", "model"), ("TORCHPOT", "report"), ("OUTFILE", "metrics"),
                         ("OUTFILE", "potential"), ("TORCHPOT", "checkpoint")):
        for folder in ("nowhere", "../file"):
            cases.append((["../in.fit", "-k", section, key, f"{folder}/x"], [f"{folder}/x"]))
    for section, key in (("TORCHPOT", "model"), ("TORCHPOT", "report"), ("OUTFILE", "metrics"),
                         ("TORCHPOT", "checkpoint")):
        cases.append((["../in.fit", "-k", section, key, "../data"], ["is a folder", "../data"]))
    if os.getuid() != 0:
        os.mkdir("closed")
        os.chmod("closed", 0o555)
        cases.append((["../in.fit", "-k", "TORCHPOT", "model", "../closed/m.pt"],
                      ["cannot write", "../closed/m.pt", "Permission denied"]))
    refused(cases)


def test_full_disk():
    """What cannot be written is named, and nothing half written stays."""
    json_data(n_solid=2, n_melt=1)
    write_input(JSON_DATA, SETTINGS, REFERENCE, layer_sizes="num_desc 700 700 1", num_epochs=1)
    os.mkdir("full")
    # a limit of the size of files, in blocks of 512 bytes, reported as an error and not a signal
    limit = ("sh", "-c", "trap '' 25; ulimit -f 10000; exec \"$@\"", "sh")
    more = ("-k", "TORCHPOT", "checkpoint", "none", "-k", "TORCHPOT", "cache", "none")
    done = fit("../in.fit", *more, cwd="full", before=limit).check(1)
    assert f"torchpot_fit: {MODEL}" in done.errors, done.errors
    assert os.listdir("full") == []


if __name__ == "__main__":
    main(globals())
