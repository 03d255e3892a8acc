"""What the tests of pair style torchpot share: models, SNAP files, and runs that are compared.

TORCHPOT_MAKE_MODELS names the program make_models."""

import itertools
import subprocess

import numpy as np

from torchpot_testing import _path, run_lammps, write_data

# columns of the dump, after id and type
COLUMNS = ("fx fy fz c_pe c_s[1] c_s[2] c_s[3] c_s[4] c_s[5] c_s[6] c_c[1] c_c[2] c_c[3] c_c[4] "
           "c_c[5] c_c[6] c_c[7] c_c[8] c_c[9]")


_models = []    # waiting to be written, since starting the program takes longer


def make_model(file, **keys):
    """Have make_models write a model file, before the next evaluate() or write_models()."""
    words = ["+"] if _models else []
    words.append(file)
    for key, value in keys.items():
        if isinstance(value, bool):
            value = int(value)
        if isinstance(value, (list, tuple)):
            value = ",".join(str(v) for v in value)
        words.append(f"{key}={value}")
    _models.extend(words)


def write_models():
    words = [_path("TORCHPOT_MAKE_MODELS", "program make_models"), *_models]
    _models.clear()
    if len(words) > 1:
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def run(text, np_ranks=1, **options):
    """run_lammps() after write_models()"""
    write_models()
    return run_lammps(text, np_ranks, **options)


def n_descriptors(twojmax, n_chemical=1):
    return n_chemical**3 * len(components(twojmax))


def components(twojmax):
    """Bispectrum components (j1, j2, j), j1 >= j2, j >= j1."""
    return [(j1, j2, j) for j1 in range(twojmax + 1) for j2 in range(j1 + 1)
            for j in range(j1 - j2, min(twojmax, j1 + j2) + 1, 2) if j >= j1]


def alike(twojmax, n_chemical):
    """For each descriptor the number of the first one that has the same value (up to a factor),
    because it differs in the order of elements at equal momenta alone. LAMMPS's forces presuppose
    equal coefficients for these."""
    numbers, first = {}, []
    for elements in itertools.product(range(n_chemical), repeat=3):
        for l in components(twojmax):
            key = l, tuple(sorted(zip(l, elements)))
            first.append(numbers.setdefault(key, len(first)))
    return np.array(first)


def random_cell(n_atoms, seed, types=1, volume=20.0, tilt=True, closest=1.7):
    """Triclinic cell with atoms at random, no two closer than `closest`."""
    random = np.random.default_rng(seed)
    length = (n_atoms * volume) ** (1 / 3)
    cell = np.diag(length * (1 + 0.1 * random.uniform(-1, 1, 3)))
    if tilt:
        cell[1, 0], cell[2, 0], cell[2, 1] = 0.3 * length * random.uniform(-1, 1, 3)
    positions = np.empty((0, 3))
    inverse = np.linalg.inv(cell)
    for _ in range(100000):
        if len(positions) == n_atoms:
            break
        r = random.uniform(0, 1, 3) @ cell
        d = (positions - r) @ inverse
        d = (d - np.round(d)) @ cell
        if np.all(np.linalg.norm(d, axis=1) > closest):
            positions = np.vstack([positions, r])
    assert len(positions) == n_atoms
    return cell, 1 + np.arange(n_atoms) % types, positions


class Case:
    """One evaluation: a configuration (data file) under a pair style."""

    def __init__(self, name, data, pair, before="", boundary="p p p", after=""):
        self.name, self.data, self.pair = name, data, pair
        self.before, self.boundary, self.after = before, boundary, after

    def text(self, centroid=True):
        c = "compute c all centroid/stress/atom NULL pair" if centroid else ""
        columns = COLUMNS if centroid else COLUMNS[:COLUMNS.index(" c_c")]
        return f"""clear
units metal
boundary {self.boundary}
{self.before}
read_data {self.data}
{self.pair}
compute pe all pe/atom
compute s all stress/atom NULL pair
{c}
compute p all pressure NULL pair
thermo_style custom step pe c_p[1] c_p[2] c_p[3] c_p[4] c_p[5] c_p[6]
thermo_modify norm no format float %.17g lost error
dump d all custom 1 {self.name}.dump id type {columns}
dump_modify d sort id format float %.17g
run 0
{self.after}
"""


class Values:
    """Results of a case: energy, pressure [6], force [n][3], energy_atom, stress, centroid."""

    def __init__(self, case, row):
        lines = open(case.name + ".dump").read().splitlines()
        table = np.array([line.split() for line in lines[9:]], float)
        self.id = table[:, 0].astype(int)
        self.force, self.energy_atom = table[:, 2:5], table[:, 5]
        self.stress, self.centroid = table[:, 6:12], table[:, 12:21]
        self.energy = row["PotEng"]
        self.pressure = np.array([row[f"c_p[{k}]"] for k in range(1, 7)])

    NAMES = ("energy", "pressure", "force", "energy_atom", "stress", "centroid")


def evaluate(cases, np_ranks=1, timeout=120, centroid=True):
    """Run all cases in one LAMMPS: {name: Values}."""
    result = run("".join(c.text(centroid) for c in cases), np_ranks, timeout=timeout).check()
    assert len(result.thermo) == len(cases), result.output
    return {c.name: Values(c, t[0]) for c, t in zip(cases, result.thermo)}


def assert_close(a, b, tolerance, what, scale=None):
    """Largest difference below `tolerance` of the largest value."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape, f"{what}: shapes {a.shape} and {b.shape}"
    assert np.all(np.isfinite(a)) and np.all(np.isfinite(b)), f"{what}: not finite"
    scale = scale or np.max(np.abs(b), initial=0.0)
    difference = np.max(np.abs(a - b), initial=0.0)
    assert difference <= tolerance * scale, \
        f"{what}: differ by {difference:g}, largest value {scale:g}, tolerance {tolerance:g}"


def assert_same(a, b, tolerance, what, names=Values.NAMES):
    for name in names:
        assert_close(getattr(a, name), getattr(b, name), tolerance, f"{what}: {name}")


SNAP_DEFAULTS = dict(twojmax=4, rcutfac=4.5, rfac0=0.99363, rmin0=0.0, switchflag=1, bzeroflag=1,
                     bnormflag=0, chemflag=0, wselfallflag=0, switchinnerflag=0)


class SnapPotential:
    """The same linear or quadratic SNAP potential as model.pt, for pair_style snap and for
    pair_style mliap."""

    def __init__(self, name, elements, radelem, welem, seed=1, quadratic=False, sinner=(1.4, 1.6),
                 dinner=(0.4, 0.5), **flags):
        self.name, self.elements = name, elements
        p = {**SNAP_DEFAULTS, **flags}
        inner = p["switchinnerflag"]
        keys = dict(p, elements=elements, radelem=radelem, welem=welem, mode="per_element",
                    kind="quadratic" if quadratic else "linear")
        if inner:
            keys.update(sinnerelem=sinner[:len(elements)], dinnerelem=dinner[:len(elements)])
        k = n_descriptors(p["twojmax"], len(elements) if p["chemflag"] else 1)
        n = k + k * (k + 1) // 2 if quadratic else k
        random = np.random.default_rng(seed)
        beta = random.uniform(-1, 1, (len(elements), n)) * 0.05
        same = alike(p["twojmax"], len(elements) if p["chemflag"] else 1)
        beta[:, :k] = beta[:, same]
        if quadratic:
            matrix = random.uniform(-1, 1, (len(elements), k, k)) * 5e-5
            matrix = matrix[:, same][:, :, same]
            matrix += matrix.transpose(0, 2, 1)
            beta[:, k:] = matrix[(slice(None), *np.triu_indices(k))]
        shift = -3.0 - np.arange(len(elements))
        with open(name + ".parameters", "w") as out:
            out.write("\n".join(f"{x:.17g}" for x in [*shift, *beta.ravel()]) + "\n")
        make_model(name + ".pt", parameters=name + ".parameters", **keys)

        with open(name + ".snapcoeff", "w") as out:
            out.write(f"# test\n{len(elements)} {n + 1}\n")
            for e, element in enumerate(elements):
                out.write(f"{element} {radelem[e]} {welem[e]}\n")
                out.writelines(f"{x:.17g}\n" for x in [shift[e], *beta[e]])
        with open(name + ".snapparam", "w") as out:
            out.writelines(f"{key} {value}\n" for key, value in p.items())
            out.write(f"quadraticflag {int(quadratic)}\n")
            if inner:
                for key, values in (("sinner", sinner), ("dinner", dinner)):
                    out.write(f"{key} {' '.join(map(str, values[:len(elements)]))}\n")
        write_descriptor(name + ".descriptor", elements, radelem, welem, p,
                         sinner if inner else None, dinner)
        with open(name + ".mliap", "w") as out:
            out.write(f"{len(elements)} {n + 1}\n")
            for e in range(len(elements)):
                out.writelines(f"{x:.17g}\n" for x in [shift[e], *beta[e]])
        self.model_style = "quadratic" if quadratic else "linear"

    def _coeff(self):
        return " ".join(self.elements)

    def snap(self):
        return (f"pair_style snap\npair_coeff * * {self.name}.snapcoeff {self.name}.snapparam "
                + self._coeff())

    def mliap(self):
        return (f"pair_style mliap model {self.model_style} {self.name}.mliap descriptor sna "
                f"{self.name}.descriptor\npair_coeff * * {self._coeff()}")

    def torchpot(self, keywords=""):
        return f"pair_style torchpot {keywords}\npair_coeff * * {self.name}.pt {self._coeff()}"


def write_descriptor(file, elements, radelem, welem, p, sinner=None, dinner=None):
    """ML-IAP descriptor file."""
    n = len(elements)
    with open(file, "w") as out:
        out.write(f"rcutfac {p['rcutfac']}\ntwojmax {p['twojmax']}\nnelems {n}\n")
        out.write(f"elems {' '.join(elements)}\nradelems {' '.join(map(str, radelem))}\n"
                  f"welems {' '.join(map(str, welem))}\n")
        out.writelines(f"{key} {value}\n" for key, value in p.items()
                       if key not in ("rcutfac", "twojmax"))
        if sinner:
            out.write(f"sinnerelems {' '.join(map(str, sinner[:n]))}\n"
                      f"dinnerelems {' '.join(map(str, dinner[:n]))}\n")


__all__ = ["make_model", "write_models", "n_descriptors", "run", "random_cell", "Case", "Values",
           "evaluate", "assert_close", "assert_same", "SnapPotential", "write_descriptor",
           "SNAP_DEFAULTS", "write_data"]
