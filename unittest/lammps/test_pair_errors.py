"""Wrong input for pair style torchpot: a clear message, an exit status, no rank left waiting."""

import torchpot_testing
from pair_testing import *

START = "units metal\nread_data d.data\n"
GOOD = "pair_style torchpot\npair_coeff * * m.pt In P\n"


def setup():
    keys = dict(elements=["In", "P"], radelem=[0.5, 0.45], welem=[1.0, 0.7], twojmax=2)
    make_model("m.pt", **keys)
    make_model("n.pt", **{**keys, "elements": ["P", "In"]})
    make_model("real.pt", **keys, units="real")
    write_data("d.data", *random_cell(20, 1, 2))
    write_models()
    whole = open("m.pt", "rb").read()
    open("cut.pt", "wb").write(whole[:len(whole) // 2])
    open("empty.pt", "wb").write(b"")
    open("text.pt", "w").write("this is not a model\n")


def expect(inputs, ranks=(1, 2)):
    """inputs: {commands: texts that the message must hold}"""
    setup()
    for np_ranks in ranks:
        for commands, texts in inputs.items():
            text = START + commands + "\nrun 0\n"
            result = run(text, np_ranks, timeout=60)
            assert result.returncode != 0, f"this went through:\n{text}"
            joined = " ".join(result.output.split())
            for wanted in texts:
                assert wanted in joined, f"{wanted!r} is not in:\n{result.output}"


def style(keywords):
    return f"pair_style torchpot {keywords}\npair_coeff * * m.pt In P"


def test_keywords():
    expect({
        style("devise cpu"): ["Pair style torchpot: unknown keyword", "Did you mean device?", "found: devise", "device, precision, comm, check, "
                              "chunk, operators, kernels"],
        style("device gpu"): ["unknown value of keyword device", "auto, cpu, cuda"],
        style("chunk 0"): ["value of keyword chunk", "whole number of at least 1"],
        style("check"): ["keyword check lacks its value"],
        style("kernels plain precision float32"): ["kernels plain computes in float64 only"],
        style("operators none.so"): ["cannot load the library of operators", "none.so"],
    })


def test_device_without_gpu():
    import torch
    if torch.cuda.is_available():
        expect({style("device cuda precision float32"): ["on a GPU in float64 only"]})
    else:
        expect({style("device cuda"): ["libtorch finds no GPU", "Use device cpu"]})


def test_coefficients():
    model = "pair_style torchpot\npair_coeff "
    expect({
        model + "* * m.pt In Si": ["element Si is not in the model",
                                   "elements of pair_coeff: In Si", "elements of the model: In P"],
        model + "* * m.pt In": ["wrong number of arguments", "found: m.pt In",
                                "each of the 2 atom types"],
        model + "* * m.pt In P P": ["more elements than atom types", "found: In P P",
                                    "one element for each of the 2 atom types"],
        model + "* * m.pt none.pt In P": ["no such model file", "none.pt", "are elements: In P"],
        model + "* * m.pt NULL NULL": ["no atom type has an element", "NULL NULL"],
        model + "1 2 m.pt In P": ["Pair_coeff must start with * *"],
        model + "* *": ["wrong number of arguments", "one or more model files"],
        model + "* * m.pt In NULL": ["All pair coeffs are not set"],
        "pair_style torchpot": ["All pair coeffs are not set"],
        model + "* * m.pt n.pt In P": ["the same elements in the same order", "P In", "In P"],
        model + "* * real.pt In P": ["other units than this run", "units of the run: metal",
                                     "units of the model: real"],
    })


def test_atom_ids():
    expect({"clear\nunits metal\natom_modify id no\nregion b block 0 9 0 9 0 9\ncreate_box 2 b\n"
            "create_atoms 1 random 4 1 b\nmass * 1.0\n" + style("check yes"):
            ["check yes: needs atom IDs"]})


def test_model_files():
    model = "pair_style torchpot\npair_coeff * * {} In P"
    expect({model.format("none.pt"): ["no such model file", "LAMMPS_POTENTIALS", "none.pt"],
            model.format("cut.pt"): ["cut.pt: the archive has no directory at its end"],
            model.format("empty.pt"): ["empty.pt"],
            model.format("text.pt"): ["text.pt: not a model"]})


def test_what_cannot_be_given():
    expect({
        GOOD + "fix 1 all pair 1 torchpot deviation 0": ["deviation needs two or more models"],
        GOOD + "fix 1 all pair 1 torchpot extrapolation 0": ["no extrapolation"],
        GOOD + "fix 1 all pair 1 torchpot charge 0": ["charge"],
    }, ranks=(1,))


def test_model_from_potentials_folder():
    """Model files are looked for in LAMMPS_POTENTIALS too."""
    import os
    setup()
    os.mkdir("elsewhere")
    os.rename("m.pt", "elsewhere/m.pt")
    os.environ["LAMMPS_POTENTIALS"] = "elsewhere"
    assert "elsewhere/m.pt (SHA" in run(START + GOOD + "run 0\n", 2).check().output


if __name__ == "__main__":
    torchpot_testing.main(globals())
