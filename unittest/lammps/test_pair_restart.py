"""Binary restart of pair style torchpot: settings, models and their hashes."""

import os

import torchpot_testing
from pair_testing import *

KEYS = dict(elements=["In", "P"], radelem=[0.5, 0.45], welem=[1.0, 0.7], twojmax=2)
THERMO = ("thermo_style custom step pe press fmax\n"
          "thermo_modify norm no format float %.17g\nrun 0\n")
HYBRID = ("pair_style hybrid/overlay torchpot precision float32 zbl 3.0 4.0\n"
          "pair_coeff * * torchpot m.pt In P\npair_coeff * * zbl 49 49\n")


def write(pair="pair_style torchpot precision float32 chunk 5\npair_coeff * * m.pt In P\n",
          np_ranks=1):
    make_model("m.pt", **KEYS)
    make_model("n.pt", **KEYS, seed=2)
    write_data("d.data", *random_cell(20, 1, 2))
    return run(f"units metal\nread_data d.data\n{pair}{THERMO}write_restart a.restart\n",
               np_ranks).check().thermo[0][0]


def read(commands="", np_ranks=1):
    return run(f"read_restart a.restart\n{commands}{THERMO}", np_ranks)


def refused(texts, commands="", np_ranks=2):
    result = read(commands, np_ranks)
    assert result.returncode != 0, result.output
    joined = " ".join(result.output.split())
    for text in texts:
        assert text in joined, f"{text!r} is not in:\n{result.output}"


def same(result, row):
    got = result.check().thermo[-1][0]
    for name in row:
        assert_close(got[name], row[name], 1e-10, name)


def test_round_trip():
    row = write()
    for np_ranks in (1, 2):
        result = read(np_ranks=np_ranks)
        same(result, row)
        assert "5 atoms per model call" in result.output and "float32" in result.output
    # settings and coefficients given again are taken
    same(read("pair_style torchpot precision float32\npair_coeff * * m.pt In P\n"), row)
    same(read("pair_coeff * * m.pt In P\n"), row)


def test_restart_of_a_restart():
    row = write()
    same(run("read_restart a.restart\nwrite_restart b.restart\nclear\nread_restart b.restart\n"
             + THERMO, 2), row)


def test_changed_model_is_refused():
    write()
    os.rename("n.pt", "m.pt")
    refused(["model file m.pt is not the one that the restart file was written with",
             "found: SHA-256 ", "wanted: SHA-256 "])


def test_missing_model():
    """A model that moved away can be given again; another one only with pair_style."""
    row = write()
    os.rename("m.pt", "moved.pt")
    refused(["names models that are not here: m.pt"])
    same(read("pair_coeff * * moved.pt In P\n", 2), row)
    refused(["model file n.pt is not the one"], "pair_coeff * * n.pt In P\n")
    refused(["another number of models"], "pair_coeff * * moved.pt n.pt In P\n")
    refused(["other elements", "found: P In", "wanted: In P"], "pair_coeff * * moved.pt P In\n")
    read("pair_style torchpot\npair_coeff * * n.pt In P\n", 2).check()


def test_hybrid():
    row = write(HYBRID)
    zbl = "pair_coeff * * zbl 49 49\n"
    for np_ranks in (1, 2):
        same(read("pair_coeff * * torchpot m.pt In P\n" + zbl, np_ranks), row)
    refused(["model file n.pt is not the one"], "pair_coeff * * torchpot n.pt In P\n" + zbl)


def test_committee():
    row = write("pair_style torchpot precision float32\npair_coeff * * m.pt n.pt In P\n")
    same(read(np_ranks=2), row)


if __name__ == "__main__":
    torchpot_testing.main(globals())
