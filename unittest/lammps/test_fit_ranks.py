"""torchpot_fit on several MPI ranks: the same bits on any number of them."""

import os
import pathlib

import numpy as np

from test_torchpot_fit import (BISPECTRUM, FITDUMP, JSON_DATA, MODEL, REFERENCE, SETTINGS, fit,
                               fitdump_data, json_data, model_parameters, same_outputs, start,
                               wait_for, write_input)
from torchpot_testing import _path, kill_lammps, main

RANKS = (2, 3, 4)
STRESS = ("-k", "TORCHPOT", "stress_weight", "0.3")
TABLES = ["metrics.dat", "perconfig.dat", "peratom.dat", "loss_vs_epochs.dat"]


def mpi(n):
    return (_path("TORCHPOT_MPIRUN", "MPI launcher"), "-np", str(n))


def on_ranks(*arguments, ranks=RANKS, **options):
    """The same on one and on several ranks; all outputs must be the same."""
    os.makedirs("ranks1", exist_ok=True)
    fit("../in.fit", *arguments, cwd="ranks1", **options).check()
    for n in ranks:
        os.makedirs(f"ranks{n}", exist_ok=True)
        done = fit("../in.fit", *arguments, cwd=f"ranks{n}", before=mpi(n), **options).check()
        assert done.output.count("descriptors:") == 2, done.output    # one rank speaks
        same_outputs("ranks1", f"ranks{n}")


def test_adam():
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE, num_epochs=8)
    on_ranks("-k", "PYTORCH", "multi_element_option", "2")
    on_ranks("--overwrite", "-k", "TORCHPOT", "schedule", "cosine", "-k", "TORCHPOT", "average",
             "0.9", *STRESS, ranks=(2,))


def test_full_batch_optimizers():
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE, num_epochs=4)
    for optimizer in ("lbfgs", "levenberg"):
        on_ranks("--overwrite", "-k", "TORCHPOT", "optimizer", optimizer, *STRESS)


def test_parts_of_the_data():
    """So many configurations that curvature is taken from a part of them in each step."""
    json_data(n_solid=60, n_melt=10)
    write_input(JSON_DATA, SETTINGS, REFERENCE, num_epochs=6)
    on_ranks("-k", "TORCHPOT", "optimizer", "levenberg", "-k", "PYTORCH", "layer_sizes",
             "num_desc 2 1", "-k", "PYTORCH", "multi_element_option", "1", ranks=(2, 3))
    losses = np.loadtxt("ranks1/loss_vs_epochs.dat")[:, 1]
    assert losses[-1] < 0.9 * losses[0], losses


def test_fitdump_data():
    """What is stored in files is read by one rank; labels and descriptors reach all."""
    fitdump_data()
    write_input(FITDUMP, SETTINGS, REFERENCE, num_epochs=4)
    on_ranks(*STRESS, ranks=(2, 4))


def test_through_libtorch():
    """device = torch on one and on three ranks: the losses of our own kernels, to rounding."""
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE, num_epochs=5)
    losses = []
    for device, n in ("cpu", 1), ("torch", 1), ("torch", 3):
        folder = f"{device}{n}"
        os.mkdir(folder)
        done = fit("../in.fit", "-k", "TORCHPOT", "device", device, "-k", "PYTORCH",
                   "dtype_setting", "2", "-k", "PYTORCH", "batch_size", "6", *STRESS, cwd=folder,
                   before=mpi(n)).check()
        line, = [line for line in done.output.splitlines() if line.startswith("training: ")]
        assert ("by libtorch on the CPU; results" in line) == (device == "torch"), line
        assert ("on the CPU" in line), line
        losses.append(np.loadtxt(f"{folder}/loss_vs_epochs.dat"))
    for other in losses[1:]:
        np.testing.assert_allclose(other, losses[0], rtol=1e-6)


def test_linear_and_evaluation():
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    arguments = ("-k", "TORCHPOT", "network", "quadratic")
    os.mkdir("one")
    os.mkdir("two")
    fit("../in.fit", *arguments, cwd="one").check()
    fit("../in.fit", *arguments, cwd="two", before=mpi(2)).check()
    assert open("one/peratom.dat").read() == open("two/peratom.dat").read()
    os.mkdir("evaluation")
    fit("../in.fit", "--evaluate", f"../one/{MODEL}", cwd="evaluation", before=mpi(2)).check()


def test_in_a_file():
    """Descriptors above memory_limit lie in a file, on one rank and on several."""
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE, num_epochs=3)
    os.mkdir("memory")
    fit("../in.fit", cwd="memory").check()
    for n in (1, 2):
        os.mkdir(f"file{n}")
        done = fit("../in.fit", "-k", "TORCHPOT", "memory_limit", "1e-6", cwd=f"file{n}",
                   before=mpi(n)).check()
        assert "in a file" in done.output
        same_outputs("memory", f"file{n}", TABLES)
        assert model_parameters("memory/" + MODEL) == model_parameters(f"file{n}/" + MODEL)
        assert not [name for name in os.listdir(f"file{n}/torchpot_cache") if "XXXX" in name or
                    name.startswith("torchpot.")]


def test_goes_on_with_other_ranks():
    """Killed on two ranks, continued on three and on one."""
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE, num_epochs=5000, save_freq=1)
    os.mkdir("whole")
    os.mkdir("cut")
    more = ("-k", "PYTORCH", "layer_sizes", "num_desc 48 48 1")
    fit("../in.fit", *more, cwd="whole").check()
    checkpoint = f"cut/{pathlib.Path(MODEL).stem}.checkpoint"
    written = 0.0
    for n in (2, 3):
        process = start("../in.fit", *more, cwd="cut", before=mpi(n))
        wait_for(process, lambda: os.path.exists(checkpoint) and
                 os.path.getmtime(checkpoint) > written)
        kill_lammps(process)
        process.wait()
        written = os.path.getmtime(checkpoint)
    done = fit("../in.fit", *more, cwd="cut").check()
    assert "continuing from" in done.output, done.output
    same_outputs("whole", "cut")


def test_errors_end_all_ranks():
    """One message, no rank left hanging."""
    json_data(n_solid=2, n_melt=1)
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    cases = [(("-k", "PYTORCH", "num_epoch", "3"), "num_epoch"),
             (("-k", "GROUPS", "liquid", "1.0 0.0 1 1 1"), "liquid"),
             (("-k", "REFERENCE", "pair_style", "zbll 3 4"), "zbll"),
             (("-k", "PYTORCH", "learning_rate", "1e300"), "finite"),
             (("-k", "PYTORCH", "learning_rate", "1e300", "-k", "TORCHPOT", "device", "torch"),
              "finite"),
             (("--evaluate", "nothing.pt"), "nothing.pt")]
    for number, (arguments, part) in enumerate(cases):
        os.mkdir(f"wrong{number}")
        done = fit("../in.fit", *arguments, cwd=f"wrong{number}", before=mpi(2)).check(1)
        assert done.errors.count("torchpot_fit: ") == 1 and part in done.errors, done.errors


def test_an_error_on_one_rank():
    """A cell without volume, in which one of the ranks counts neighbors."""
    frame = ('1\nLattice="5 0 0 {} 0 0 0 5" pbc="T T F" energy=-1 '
             'Properties=species:S:1:pos:R:3:forces:R:3\nIn 0 0 0 0 0 0\n')
    pathlib.Path("flat.xyz").write_text(frame.format("0 5") + frame.format("5 0"))
    groups = "solid = 0.75 0.25 1.0 1.0 1.0\nmelt = 1.0 0.0 2.0 0.5 1.0\n"
    assert groups in SETTINGS
    write_input(BISPECTRUM, "[SCRAPER]\nscraper = XYZ\n[PATH]\ndataPath = flat.xyz\n",
                SETTINGS.replace(groups, "all = 1.0 0.0 1.0 1.0 1.0\n"))
    for n in 1, 2:
        done = fit("in.fit", "--overwrite", before=mpi(n)).check(1)
        assert done.errors.count("torchpot_fit: ") == 1 and "volume" in done.errors, done.errors


if __name__ == "__main__":
    main(globals())
