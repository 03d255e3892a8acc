"""Committees that torchpot_fit trains: members, their spread in LAMMPS, what signals leave behind,
evaluations, refusals."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

import numpy as np

from pair_testing import assert_close, make_model, write_models
from test_fit_ranks import mpi
from test_torchpot_fit import (FEW, JSON_DATA, LONG, MODEL, REFERENCE, SETTINGS, TABLES, VARIABLE,
                               Predictions, archive, compare_with_lammps, finish, fit, json_data,
                               model_parameters, read_metrics, recomputed, refused, rows, snapshot,
                               start, wait_for_line, write_input)
from torchpot_testing import _path, main, run_lammps

STEM = pathlib.Path(MODEL).stem
THREE = ("-k", "TORCHPOT", "committee", "3")
BOOTSTRAP = ("-k", "TORCHPOT", "committee_data", "bootstrap")
HEADS = ("Filename Group Natoms Energy_Truth Energy_Pred Energy_Spread Force_Spread_Mean "
         "Force_Spread_Max Testing_Bool")


def member(n, folder="."):
    return f"{folder}/{STEM}_{n}.pt"


def outputs(n):
    return [*TABLES, "committee.dat", "report.html", "pot.mod", "pot.mliap.descriptor"] + [
        name for k in range(1, n + 1) for name in (f"{STEM}_{k}.pt", f"loss_vs_epochs_{k}.dat")]


def same(one, two, n=3):
    """All outputs of a committee byte for byte, but for times and dates."""
    for name in outputs(n):
        if name.endswith(".pt"):
            assert archive(f"{one}/{name}") == archive(f"{two}/{name}"), name
            continue
        a, b = (pathlib.Path(folder, name).read_text() for folder in (one, two))
        if name == "report.html":
            a, b = (re.sub(VARIABLE, "", x, flags=re.S) for x in (a, b))
        assert a == b, f"{name} differs between {one} and {two}"


def fit_in(folder, *arguments, **options):
    os.makedirs(folder, exist_ok=True)
    return fit("../in.fit", *arguments, cwd=folder, **options).check()


def record(file):
    return json.loads(archive(file)["extra/torchpot.json"])["training"]


def epochs_of(output):
    """Lines of epochs that were printed for each network."""
    return [part.count("\nepoch ") for part in re.split(r"network \d of \d:", output)[1:]]


def test_members():
    """The first is a fit without a committee; the others differ; tables are of the mean."""
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    fit_in("plain")
    done = fit_in("three", *THREE)
    assert set(os.listdir("three")) >= set(outputs(3))
    assert not os.path.exists(f"three/{MODEL}") and MODEL not in done.output
    assert epochs_of(done.output) == [6, 6, 6], done.output
    assert "committee: 3 networks" in done.output
    parameters = [model_parameters(member(n, "three")) for n in (1, 2, 3)]
    assert parameters[0] == model_parameters(f"plain/{MODEL}")
    assert pathlib.Path("three/loss_vs_epochs_1.dat").read_text() == \
        pathlib.Path("plain/loss_vs_epochs.dat").read_text()
    assert len({p["weight0"] for p in parameters}) == 3
    # a fit with the seed of the second
    fit_in("second", "-k", "TORCHPOT", "seed", "1")
    assert model_parameters(f"second/{MODEL}") == parameters[1]
    for n, test in ((1, read_metrics("plain")), (2, read_metrics("second"))):
        r = record(member(n, "three"))
        assert r["committee"] == {"member": n, "members": 3, "seed": n - 1, "data": "all"}, r
        assert f'{r["errors"]["test"]["force_mae"]:.3e}' == test["*ALL", "Test", "Force"][1]
    assert "committee" not in record(f"plain/{MODEL}")
    info = subprocess.run([_path("TORCHPOT_MODEL", "program torchpot_model"), "info",
                           member(2, "three")], capture_output=True, text=True)
    assert re.search(r"committee +network 2 of 3\n", info.stdout), info.stdout + info.stderr
    p = Predictions("three")
    assert read_metrics("three") == recomputed(p)
    # the printed errors of members are those of the plain fits
    printed = [line.split() for line in done.output.splitlines()
               if line.startswith("  network 1") or line.startswith("  network 2")]
    wanted = [1000 * float(read_metrics(folder)["*ALL", "Test", "Energy"][1])
              for folder in ("plain", "second")]
    assert_close([float(w[3]) for w in printed[:2]], wanted, 1e-3, "printed errors")
    assert "Spread of the committee" in done.output
    page = pathlib.Path("three/report.html").read_text()
    assert "<h2>Committee</h2>" in page and "rank correlation" in page


def test_spread_is_the_deviation_of_lammps():
    """committee.dat against compute pair and fix pair, with the lines of the .mod file."""
    data = json_data(**FEW)
    write_input(JSON_DATA, SETTINGS, REFERENCE, num_epochs=20)
    for name, reference in (("with", ()), ("without", ("-k", "REFERENCE", "pair_style",
                                                       "zero 6.0", "-k", "REFERENCE", "pair_coeff1",
                                                       "* *", "-k", "REFERENCE", "pair_coeff2",
                                                       "* *", "-k", "REFERENCE", "pair_coeff3",
                                                       "* *"))):
        fit_in(name, *THREE, *reference)
        names, lines = rows(f"{name}/committee.dat")
        assert names == HEADS.split(), names
        p = Predictions(name)
        mod = pathlib.Path(name, "pot.mod").read_text().replace(f"{STEM}_", f"{name}/{STEM}_")
        pathlib.Path(f"{name}.mod").write_text(mod)
        assert f" {name}/{STEM}_1.pt {name}/{STEM}_2.pt {name}/{STEM}_3.pt In P\n" in mod
        assert ("hybrid" in mod) == (name == "with")
        text = ""
        for i, c in enumerate(data):
            text += f"""clear
units metal
read_data {c.file}
{mod.replace("#fix", "fix").replace("#compute", "compute")}
thermo_style custom step pe c_spread[1] c_spread[2] c_spread[3]
thermo_modify norm no format float %.17g
dump d all custom 1 {name}{i}.deviation id f_deviation
dump_modify d sort id format float %.17g
run 0
"""
        run = run_lammps(text, 2).check()
        assert "3 models, forces are their mean; 1 descriptor evaluation(s)" in run.output
        thermo = run.thermo
        for i, (c, line, table) in enumerate(zip(data, lines, thermo)):
            file, group, n, truth, energy, *spread, test = line
            key, row = (c.group, c.name), table[0]
            assert (group, file) == key and int(n) == len(c.types)
            assert (float(truth), float(energy)) == (p.truth[key], p.energy[key])
            assert test == str(p.test[key])
            atoms = np.loadtxt(f"{name}{i}.deviation", skiprows=9)[:, 1]
            assert atoms.max() > 1e-3
            wanted = [row["c_spread[3]"] / int(n), row["c_spread[2]"], row["c_spread[1]"]]
            assert_close(np.array(spread, float), wanted, 1e-9, f"{name}: spread of {key}")
            assert_close([float(spread[1]), float(spread[2])], [atoms.mean(), atoms.max()], 1e-9,
                         f"{name}: per-atom deviation of {key}")
        if name == "with":
            compare_with_lammps(data, [name])


def test_ranks():
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    for k, more in enumerate(((), BOOTSTRAP, ("-k", "TORCHPOT", "optimizer", "levenberg"))):
        for n in (1, 2):
            fit_in(f"{k}on{n}", *THREE, *more, before=mpi(n))
        same(f"{k}on1", f"{k}on2")


def test_bootstrap():
    """Reproducible, other than training on all data, also for the first and for linear models."""
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    fit_in("all", *THREE)
    done = fit_in("a", *THREE, *BOOTSTRAP)
    assert "committee: 3 networks, each on a bootstrap of the training data" in done.output
    fit_in("b", *THREE, *BOOTSTRAP)
    same("a", "b")
    assert record(member(2, "a"))["committee"]["data"] == "bootstrap"
    for n in (1, 2, 3):
        assert model_parameters(member(n, "all")) != model_parameters(member(n, "a"))
    assert read_metrics("a") == recomputed(Predictions("a"))
    for network in ("linear", "quadratic"):
        more = (*THREE, *BOOTSTRAP, "-k", "TORCHPOT", "network", network)
        fit_in(network, *more)
        fit_in(network + "2", *more, before=mpi(2))
        models = [pathlib.Path(member(n, network)).read_bytes() for n in (1, 2, 3)]
        assert len(set(models)) == 3
        spread = np.array([line[5:8] for line in rows(f"{network}/committee.dat")[1]], float)
        assert (spread > 0).all()
        assert (pathlib.Path(network, "committee.dat").read_text() ==
                pathlib.Path(network + "2", "committee.dat").read_text())


def whole_and_cut(**changes):
    json_data(**FEW)
    write_input(JSON_DATA, SETTINGS, REFERENCE, **{**LONG, **changes})
    fit_in("whole", *THREE)
    os.mkdir("cut")


def test_interrupted_in_each_member():
    """The same command goes on in that member, on other ranks too, with the same bits."""
    whole_and_cut()
    for n, ranks in ((1, 1), (2, 2), (3, 1)):
        process = start("../in.fit", *THREE, cwd="cut", before=mpi(ranks) if ranks > 1 else ())
        wait_for_line(process, f"network {n} of 3:")
        if n == 1:
            wait_for_line(process, "epoch 75/")
        process.send_signal(signal.SIGTERM)
        done = finish(process).check(3)
        assert f"the same command continues from {STEM}_{n}.checkpoint" in done.output, done.output
        assert epochs_of(done.output)[:n - 2] == [0] * (n - 2), done.output
        if n > 1:
            assert "continuing from" in done.output
        assert not [name for name in outputs(3) if os.path.exists(f"cut/{name}")]
        again = fit("../in.fit", *THREE, *BOOTSTRAP, cwd="cut").check(1)
        assert "belongs to another fit: training data differs" in again.errors, again.errors
        if n == 1:    # those of later networks are looked at before any is trained
            shutil.copy(f"cut/{STEM}_1.checkpoint", f"cut/{STEM}_3.checkpoint")
            again = fit("../in.fit", *THREE, cwd="cut").check(1)
            assert f"{STEM}_3.checkpoint: the checkpoint belongs to another fit: seed differs" in \
                again.errors and "network 1" not in again.output, again.errors
            os.remove(f"cut/{STEM}_3.checkpoint")
    done = fit("../in.fit", *THREE, cwd="cut").check()
    assert epochs_of(done.output)[:2] == [0, 0], done.output
    same("whole", "cut")
    assert not list(pathlib.Path("cut").glob("*.lock"))
    # now it is complete
    again = fit("../in.fit", *THREE, cwd="cut").check(1)
    assert "exists already" in again.errors


def test_killed_while_files_are_written():
    """Finished members are not trained again, whichever checkpoints are marked as complete."""
    whole_and_cut(num_epochs=40)
    for first in (f"{STEM}_1.pt", f"{STEM}_3.pt", "committee.dat"):
        process = start("../in.fit", *THREE, cwd="cut")
        while process.poll() is None and not os.path.exists(f"cut/{first}"):
            pass
        process.kill()
        finish(process)
        if not all(os.path.exists(f"cut/{name}") for name in outputs(3)):
            done = fit("../in.fit", *THREE, cwd="cut").check()
            assert epochs_of(done.output) == [0, 0, 0], done.output
            same("whole", "cut")
        shutil.rmtree("cut")
        os.mkdir("cut")
    # the last checkpoint alone is still open
    shutil.copytree("whole", "cut", dirs_exist_ok=True)
    for name in (f"cut/{STEM}_3.checkpoint", "cut/report.html"):
        os.remove(name)
    done = fit("../in.fit", *THREE, cwd="cut").check()
    assert epochs_of(done.output)[:2] == [0, 0], done.output
    same("whole", "cut")


def test_restart_discards_all_checkpoints():
    whole_and_cut(num_epochs=40)
    fit_in("cut", *THREE)
    process = start("../in.fit", *THREE, "--restart", "-k", "PYTORCH", "learning_rate", "1e-4",
                    "-k", "PYTORCH", "num_epochs", "5000", cwd="cut")
    wait_for_line(process, "epoch 1/")
    process.send_signal(signal.SIGTERM)
    finish(process).check(3)
    assert not list(pathlib.Path("cut").glob(f"{STEM}_[23].checkpoint*"))
    fit("../in.fit", *THREE, "--restart", cwd="cut").check()
    same("whole", "cut")


def test_two_at_once():
    """Another fit that would use one of the checkpoints."""
    whole_and_cut()
    process = start("../in.fit", *THREE, cwd="cut")
    wait_for_line(process, "network 1 of 3:")
    process.send_signal(signal.SIGSTOP)
    second = fit("../in.fit", "-k", "TORCHPOT", "model", f"{STEM}_2.pt", cwd="cut").check(1)
    assert "another fit is working on this checkpoint" in second.errors, second.errors
    assert f"{STEM}_2.checkpoint" in second.errors
    process.send_signal(signal.SIGCONT)
    finish(process).check()
    same("whole", "cut")


def test_outputs_of_all_members_are_protected():
    json_data(**FEW)
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    for name in (member(2), "loss_vs_epochs_3.dat", "committee.dat"):
        os.mkdir("one")
        pathlib.Path("one", name).write_text("mine")
        done = fit("../in.fit", *THREE, cwd="one").check(1)
        assert pathlib.Path(name).name in done.errors and "exists already" in done.errors
        assert len(os.listdir("one")) == 1
        shutil.rmtree("one")


def test_evaluate():
    """The same tables from the models' files, in every order of words."""
    json_data()
    write_input(JSON_DATA, SETTINGS, REFERENCE)
    fit_in("a", *THREE)
    before = snapshot("a")
    models = [f"../a/{STEM}_{n}.pt" for n in (1, 2, 3)]
    for folder, words in (
            ("b", ["--evaluate", *models, "../in.fit"]),
            ("c", ["../in.fit", "--evaluate", *models]),
            ("d", ["--evaluate", *models, "../in.fit", "--overwrite"]),
            ("e", [w for m in models for w in ("--evaluate", m)] + ["../in.fit"]),
            ("f", ["--overwrite", "--evaluate", models[0], "--evaluate", *models[1:],
                   "../in.fit"])):
        os.mkdir(folder)
        done = fit(*words, cwd=folder).check()
        assert "committee: 3 networks" in done.output and "network 3 " in done.output
        for name in (*TABLES, "committee.dat"):
            own = pathlib.Path(folder, name.replace(".", "_evaluation."))
            assert own.read_bytes() == before[f"a/{name}"], (folder, name)
        page = pathlib.Path(folder, "report_evaluation.html").read_text()
        assert "<h2>Committee</h2>" in page and "../a/" + f"{STEM}_3.pt" in page
        assert "Loss per epoch" not in page
    assert snapshot("a") == before
    # one of a committee alone, and other data
    os.mkdir("g")
    done = fit("--evaluate", models[1], "../in.fit", cwd="g").check()
    assert not os.path.exists("g/committee_evaluation.dat") and "network 1" not in done.output
    done = fit("--evaluate", *models, "../in.fit", "--overwrite", "-k", "GROUPS", "solid",
               "0.5 0.25 1 1 1", cwd="g").check()
    assert "a model of the committee was trained on other data" in done.errors
    assert rows("g/committee_evaluation.dat")[0] == HEADS.split()
    assert {line[-1] for line in rows("g/committee_evaluation.dat")[1]} == {"False"}


def test_wrong_models():
    """The one that does not belong to the input is named."""
    json_data(n_solid=4, n_melt=1)
    write_input(JSON_DATA, SETTINGS, REFERENCE, num_epochs=1)
    good = ("-k", "TORCHPOT", "cache", "none", "-k", "TORCHPOT", "model")
    fit("in.fit", *good, "good.pt").check()
    wrong = {
        "cutoff": ("-k", "BISPECTRUM", "rcutfac", "4.3"),
        "elements": ("-k", "BISPECTRUM", "type", "P In", "-k", "REFERENCE", "pair_coeff1",
                     "1 1 15 15", "-k", "REFERENCE", "pair_coeff3", "2 2 49 49"),
        "reference": ("-k", "REFERENCE", "pair_style", "zbl 3.0 4.1")}
    for name, more in wrong.items():
        fit("in.fit", *good, f"{name}.pt", "--overwrite", *more).check()
    make_model("units.pt", units="real", elements=["In", "P"], radelem=[0.5, 0.45],
               welem=[1.0, 0.8], twojmax=4, rcutfac=4.2, bzeroflag=0, mode="per_element")
    write_models()
    cases = [(["--evaluate", "../good.pt", "../none.pt", "../in.fit"], ["/none.pt"]),
             (["--evaluate", "../good.pt", "../cutoff.pt", "../in.fit"],
              ["../cutoff.pt", "descriptor is not that of the input", "rcutfac"]),
             (["--evaluate", "../good.pt", "../elements.pt", "../in.fit"],
              ["../elements.pt", "descriptor is not that of the input", "elem"]),
             (["--evaluate", "../good.pt", "../units.pt", "../in.fit"],
              ["../units.pt", "units are not those of the data", "real", "metal"]),
             (["--evaluate", "../good.pt", "../reference.pt", "../in.fit"],
              ["../reference.pt", "reference potential is not that of the input", "4.1"]),
             (["--evaluate", "../good.pt"], ["input is required"]),
             (["--evaluate", "../in.fit", "--check"], ["--check"]),
             ([], ["input is required"])]
    refused(cases)


def test_refusals():
    json_data(n_solid=4, n_melt=1)
    write_input(JSON_DATA, SETTINGS, REFERENCE, num_epochs=2)
    fit("in.fit", "-k", "TORCHPOT", "model", "saved.pt", "-k", "TORCHPOT", "cache",
        "none").check()
    saved = ("-k", "PYTORCH", "save_state_input", "../saved.pt")
    cases = [(["../in.fit", "-k", "TORCHPOT", "committee", "0"],
              ["committee 0", "wrong value", "from 1 to"]),
             (["../in.fit", *THREE, "-k", "TORCHPOT", "network", "linear"],
              ["would all be the same", "committee_data = bootstrap"]),
             (["../in.fit", *THREE, *saved, "-k", "PYTORCH", "num_epochs", "0"],
              ["would all be the same", "saved.pt", "committee_data = bootstrap"]),
             (["../in.fit", *THREE, *saved, "-k", "PYTORCH", "num_epochs", "0", "--check"],
              ["would all be the same", "saved.pt"]),
             (["../in.fit", *THREE, "-k", "OUTFILE", "metrics", "loss_vs_epochs_2.dat"],
              ["two outputs have the same file name", "loss_vs_epochs_2.dat"])]
    refused(cases)
    # allowed, with a note; the networks differ
    done = fit_in("noted", *THREE, *saved)
    assert "start from ../saved.pt and differ in the order of batches alone" in done.errors
    assert len({model_parameters(member(n, "noted"))["weight0"] for n in (1, 2, 3)}) == 3
    fit_in("drawn", *THREE, *saved, *BOOTSTRAP, "-k", "PYTORCH", "save_state_output", "state.pt")
    for n in (1, 2, 3):
        assert model_parameters(f"drawn/state_{n}.pt") == model_parameters(member(n, "drawn"))
    done = fit("in.fit", *THREE, "--check").check()
    assert "committee: 3 networks" in done.output


if __name__ == "__main__":
    main(globals())
