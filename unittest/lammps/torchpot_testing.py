"""Helpers for tests that run LAMMPS with the plugin as a program.

Paths come from the environment, which unittest/lammps.cmake sets:
  TORCHPOT_LMP         LAMMPS executable
  TORCHPOT_MPIRUN      MPI launcher
  TORCHPOT_PLUGIN_DIR  folder that contains torchpotplugin.so
  TORCHPOT_SOURCE_DIR  top of the source tree (default: found from this file)
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import numpy as np

SOURCE_DIR = pathlib.Path(os.environ.get("TORCHPOT_SOURCE_DIR",
                                         pathlib.Path(__file__).resolve().parents[2]))


def _path(variable, what):
    value = os.environ.get(variable)
    if not value:
        raise RuntimeError(f"set {variable} to the {what}")
    return value


class Result:
    """What a run of LAMMPS left: returncode, output (screen and errors together), thermo."""

    def __init__(self, returncode, output):
        self.returncode = returncode
        self.output = output

    @property
    def thermo(self):
        """One list of rows (dictionaries of floats by column name) per run command."""
        tables, names = [], None
        for line in self.output.splitlines():
            words = line.split()
            if words and words[0] == "Step":
                names = words
                tables.append([])
            elif names and len(words) == len(names):
                try:
                    tables[-1].append(dict(zip(names, (float(w) for w in words))))
                except ValueError:
                    pass
            elif line.startswith("Loop time"):
                names = None
        return tables

    def check(self):
        if self.returncode != 0:
            raise AssertionError(f"LAMMPS ended with status {self.returncode}:\n{self.output}")
        return self


def lammps_environment(plugin=True):
    environment = dict(os.environ)
    environment["OMP_NUM_THREADS"] = "1"
    environment["OMP_WAIT_POLICY"] = "passive"
    environment.pop("LAMMPS_PLUGIN_PATH", None)
    if plugin:
        environment["LAMMPS_PLUGIN_PATH"] = _path("TORCHPOT_PLUGIN_DIR", "plugin's folder")
    return environment


def lammps_command(np=1, arguments=()):
    command = [_path("TORCHPOT_LMP", "LAMMPS executable"), "-nocite", *arguments]
    if np > 1:
        command = [_path("TORCHPOT_MPIRUN", "MPI launcher"), "-np", str(np)] + command
    return command


def start_lammps(text, np=1, cwd=".", plugin=True, arguments=(), log="none"):
    """Start LAMMPS on the input `text` and return the process, whose output is a pipe.

    It leads a process group of its own, so that kill_lammps() reaches every rank."""
    handle, name = tempfile.mkstemp(prefix="in.", dir=cwd, text=True)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    command = lammps_command(np, ["-log", log, "-in", os.path.basename(name), *arguments])
    return subprocess.Popen(command, cwd=cwd, env=lammps_environment(plugin), text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, start_new_session=True)


def kill_lammps(process, number=signal.SIGKILL):
    """Send a signal to LAMMPS, all its ranks and the launcher."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def run_lammps(text, np=1, cwd=".", plugin=True, arguments=(), log="none", timeout=120):
    """Run LAMMPS on the input `text` and wait; a run that hangs fails the test."""
    process = start_lammps(text, np, cwd, plugin, arguments, log)
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill_lammps(process)
        output, _ = process.communicate()
        raise AssertionError(f"LAMMPS hangs on {np} rank(s):\n{output}") from None
    return Result(process.returncode, output)


def silicon(n=2, noise=0.1, seed=1, a=5.431):
    """Diamond cubes, n x n x n, atoms displaced at random: (cell vectors, types, positions)."""
    basis = np.array([[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0],
                      [1, 1, 1], [1, 3, 3], [3, 1, 3], [3, 3, 1]]) / 4
    cubes = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    positions = ((cubes + basis).reshape(-1, 3) * a)
    positions += np.random.default_rng(seed).normal(scale=noise, size=positions.shape)
    return np.eye(3) * n * a, np.ones(len(positions), int), positions


def write_data(file, cell, types, positions, n_types=None, masses=None, ids=None, origin=(0, 0, 0)):
    """LAMMPS data file, atom_style atomic; rows of cell: a along x, b in the xy plane."""
    n_types = n_types or int(max(types))
    ids = ids if ids is not None else np.arange(1, len(types) + 1)
    masses = masses or [28.0855] * n_types
    with open(file, "w") as out:
        out.write(f"test configuration\n\n{len(types)} atoms\n{n_types} atom types\n")
        for k, axis in enumerate("xyz"):
            out.write(f"{origin[k]:.17g} {origin[k] + cell[k][k]:.17g} {axis}lo {axis}hi\n")
        if cell[1][0] or cell[2][0] or cell[2][1]:
            out.write(f"{cell[1][0]:.17g} {cell[2][0]:.17g} {cell[2][1]:.17g} xy xz yz\n")
        out.write("\nMasses\n\n")
        out.writelines(f"{t + 1} {m}\n" for t, m in enumerate(masses))
        out.write("\nAtoms # atomic\n\n")
        for i, t, r in zip(ids, types, positions):
            out.write(f"{i} {t} {r[0]:.17g} {r[1]:.17g} {r[2]:.17g}\n")


def main(namespace):
    """Run the functions test_* of a module, or those named on the command line, in fresh
    folders; print one line each; exit with status 1 if one failed."""
    import traceback
    tests = {n: f for n, f in namespace.items() if n.startswith("test_") and callable(f)}
    names, failed, home = sys.argv[1:] or list(tests), [], os.getcwd()
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                tests[name]()
                print("passed", name, flush=True)
            except Exception:
                traceback.print_exc()
                print("FAILED", name, flush=True)
                failed.append(name)
            finally:
                os.chdir(home)
    sys.exit(1 if failed else 0)
