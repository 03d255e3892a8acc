"""The same energies, forces and stresses on 1 to 4 ranks, newton on and off."""

import numpy as np

import torchpot_testing
from pair_testing import *

ELEMENTS = "In P"


def configurations():
    """(name, boundary): a bulk cell; a cluster in a corner, which leaves ranks without atoms;
    the same with an atom beyond everybody's reach; one atom."""
    make_model("m.pt", elements=["In", "P"], radelem=[0.5, 0.45], welem=[1.0, 0.7], twojmax=4,
               kind="mlp", mode="per_element")
    write_data("bulk.data", *random_cell(40, 1, 2))
    _, types, positions = random_cell(14, 2, 2, tilt=False)
    box = np.diag([40.0, 44.0, 60.0])
    write_data("cluster.data", box, types, positions + 1.0)
    positions = np.vstack([positions + 1.0, [30.0, 33.0, 50.0]])
    write_data("isolated.data", box, [*types, 2], positions)
    write_data("one.data", box, [1], [[20.0, 22.0, 30.0]], n_types=2)
    return [("bulk", "p p p"), ("cluster", "f f f"), ("isolated", "p f p"), ("one", "f f f")]


def pair(keywords=""):
    return f"pair_style torchpot {keywords}\npair_coeff * * m.pt {ELEMENTS}"


def test_ranks_and_newton():
    names = configurations()
    reference = None
    for np_ranks in (1, 2, 3, 4):
        cases = [Case(f"{name}-{newton.replace(' ', '-')}", f"{name}.data", pair(),
                      f"newton {newton}", boundary)
                 for name, boundary in names for newton in ("on", "off", "off on")]
        values = evaluate(cases, np_ranks)
        if reference is None:
            reference = {name: values[f"{name}-on"] for name, _ in names}
        for case in cases:
            assert_same(values[case.name], reference[case.name.split("-")[0]], 1e-12,
                        f"{case.name} on {np_ranks} ranks")


def test_sums():
    """Atoms' energies and stresses add up; 9 values repeat the 6 where both exist."""
    names = configurations()
    for newton in ("on", "off"):
        values = evaluate([Case(name, f"{name}.data", pair(), f"newton {newton}", boundary)
                           for name, boundary in names], 2)
        for name, v in values.items():
            assert_close(v.energy_atom.sum(), v.energy, 1e-13, f"{name}: energy")
            assert_close(v.centroid[:, :6], v.stress, 0.0, f"{name}: six of nine values", 1.0)
            for xy, yx in ((3, 6), (4, 7), (5, 8)):
                assert_close(v.centroid[:, xy].sum(), v.centroid[:, yx].sum(), 1e-10,
                             f"{name}: symmetry of the virial", np.abs(v.centroid).max() + 1e-300)
        volume = np.prod(random_cell(40, 1, 2)[0].diagonal())
        v = values["bulk"]
        assert_close(v.stress.sum(axis=0), -v.pressure * volume, 1e-12, "bulk: global stress",
                     np.abs(v.stress).sum())
        assert np.all(values["one"].force == 0.0)


def test_nofdotr_is_the_same():
    configurations()
    a, b = evaluate([Case("a", "bulk.data", pair()),
                     Case("b", "bulk.data", pair() + "\npair_modify nofdotr")]).values()
    assert_same(a, b, 0.0, "nofdotr")


def test_chunks():
    """Not one bit depends on the size of a chunk."""
    configurations()
    values = evaluate([Case(f"c{n}", "bulk.data", pair(f"chunk {n}" if n else ""))
                       for n in (0, 1, 3, 39, 1000)])
    for name, v in values.items():
        assert_same(v, values["c0"], 0.0, name)


def test_single_precision():
    """float32 within 5e-6 of the largest values; a model's own precision is the default."""
    configurations()
    make_model("f.pt", elements=["In", "P"], radelem=[0.5, 0.45], welem=[1.0, 0.7], twojmax=4,
               kind="mlp", mode="per_element", dtype="float32")
    values = evaluate([Case("double", "bulk.data", pair("precision float64")),
                       Case("single", "bulk.data", pair("precision float32")),
                       Case("model", "bulk.data", pair().replace("m.pt", "f.pt")),
                       Case("forced", "bulk.data",
                            pair("precision float64").replace("m.pt", "f.pt"))])
    assert_same(values["single"], values["double"], 5e-6, "float32")
    assert_same(values["model"], values["single"], 0.0, "float32 model")
    assert_same(values["forced"], values["double"], 0.0, "float64 forced upon a float32 model")
    assert np.any(values["single"].force != values["double"].force)


def test_plain_kernels():
    """The slow reference descriptor with libtorch's evaluation of the archive's own code."""
    configurations()
    cases = []
    for k, keys in enumerate((dict(kind="mlp", mode="one_hot", activation="gelu"),
                              dict(kind="quadratic", mode="per_element"),
                              dict(kind="linear", mode="shared"))):
        make_model(f"m{k}.pt", elements=["In", "P"], radelem=[0.5, 0.45], welem=[1.0, 0.7],
                   twojmax=3, **keys)
        for kind, keywords in (("fast", ""), ("plain", "kernels plain device cpu")):
            cases.append(Case(f"{kind}{k}", "bulk.data", pair(keywords).replace("m.", f"m{k}.")))
    for np_ranks in (1, 2):
        values = evaluate(cases, np_ranks)
        for k in range(3):
            assert_same(values[f"fast{k}"], values[f"plain{k}"], 1e-12, f"model {k}")


if __name__ == "__main__":
    torchpot_testing.main(globals())
