// Configurations from fitdump files: the same as from the descriptors computed here.
#include "scrape_fitdump.h"

#include "cell_fixture.h"
#include "data_fixture.h"
#include "descriptors.h"
#include "load.h"
#include "torchpot_fitdump_file.h"

#include <cmath>
#include <limits>

using namespace torchpot;

namespace {

constexpr double UNKNOWN = std::numeric_limits<double>::quiet_NaN();

FitdumpHeader header()
{
  FitdumpHeader h;
  h.elements = {"A", "B"};
  h.descriptor = two_element_snap();
  h.torchpot_version = h.lammps_version = "test";
  return h;
}

/// The pairs that are closer than the cutoff of their two elements: those that fix fitdump writes.
NeighborTable within_cutoffs(const NeighborTable &all, const Descriptor &descriptor)
{
  NeighborTable t;
  t.element = all.element;
  t.first.push_back(0);
  for (std::size_t i = 0; i < all.element.size(); i++) {
    for (std::size_t p = all.first[i]; p < all.first[i + 1]; p++) {
      const double *r = &all.vector[3 * p];
      const double cutoff = descriptor.cutoff(all.element[i], all.neighbor_element[p]);
      if (r[0] * r[0] + r[1] * r[1] + r[2] * r[2] >= cutoff * cutoff) continue;
      t.vector.insert(t.vector.end(), r, r + 3);
      t.neighbor.push_back(all.neighbor[p]);
      t.neighbor_element.push_back(all.neighbor_element[p]);
    }
    t.first.push_back(t.neighbor.size());
  }
  return t;
}

/// What fix fitdump would have written of the configuration.
FitdumpFrame frame(const Configuration &c, const std::string &label)
{
  const std::unique_ptr<Descriptor> snap = make_snap(two_element_snap());
  const int n = c.n_atoms(), k = snap->n_descriptors();
  FitdumpFrame f;
  f.energy = c.energy;
  for (int v = 0; v < 6; v++) f.stress[v] = 10.0 * v;
  std::copy(&c.cell.vectors[0][0], &c.cell.vectors[0][0] + 9, &f.cell[0][0]);
  f.label = label;
  const NeighborTable t = within_cutoffs(
      find_neighbors(n, n, c.position.data(), c.element.data(), c.cell, snap->max_cutoff()), *snap);
  for (int i = 0; i < n; i++) {
    f.id.push_back(i + 1);
    for (std::size_t p = t.first[i]; p < t.first[i + 1]; p++) f.first.push_back(i);
  }
  f.type = c.element;
  f.position = c.position;
  f.force = c.force;
  f.second = t.neighbor;
  f.vector = t.vector;
  f.descriptor.resize((std::size_t) n * k);
  f.derivative.resize(t.neighbor.size() * 3 * k);
  snap->derivatives(t.view(), f.descriptor.data(), f.derivative.data());
  return f;
}

class ScrapeFitdump : public ::testing::Test {
 protected:
  std::string write(const std::string &name, const FitdumpHeader &h,
                    const std::vector<FitdumpFrame> &frames) const
  {
    FitdumpWriter writer(folder(name), h, false);
    for (const FitdumpFrame &f : frames) writer.append(f);
    return folder(name);
  }
  Settings settings(const std::string &text) const
  {
    return read_settings(folder.write("in.fit", text));
  }
  Dataset load(const std::string &text, bool derivatives = true)
  {
    notes.clear();
    return load_dataset(settings(text), derivatives, notes);
  }
  TemporaryFolder folder;
  std::vector<std::string> notes;
};

const std::string SNAP = "[BISPECTRUM]\nnumTypes = 2\ntype = A B\ntwojmax = 4\nrcutfac = 1.0\n"
                         "radelem = 1.9 2.3\nwj = 1.0 0.7\nbzeroflag = 1\n";

}    // namespace

TEST_F(ScrapeFitdump, FramesEqualComputedConfigurations)
{
  const Configuration c = random_configuration(2, 7);
  write("a.h5", header(), {frame(c, "melt")});
  Dataset data = load("[TORCHPOT]\nfitdump = a.h5\ntest_fraction = 0\ncache = none\n");
  ASSERT_EQ(data.configurations.size(), 1u);
  const Configuration &x = data.configurations[0];
  EXPECT_EQ(x.file, "a.h5#0");
  EXPECT_EQ(x.group, "melt");
  EXPECT_EQ(x.energy, c.energy);
  EXPECT_EQ(x.force, c.force);
  EXPECT_EQ(x.stress[5], 50.0);
  EXPECT_TRUE(x.has_energy && x.has_forces && x.has_stress);
  Configuration y = c;
  compute_descriptors(y, *make_snap(two_element_snap()), true, true);
  ASSERT_EQ(x.strain_derivative.size(), y.strain_derivative.size());
  for (std::size_t i = 0; i < y.strain_derivative.size(); i++)
    EXPECT_NEAR(x.strain_derivative[i], y.strain_derivative[i], 1e-10);
  const Dataset off = load("[TORCHPOT]\nfitdump = a.h5\ntest_fraction = 0\ncache = none\n"
                           "[CALCULATOR]\nstress = 0\n");
  EXPECT_FALSE(off.configurations[0].has_stress);
  EXPECT_TRUE(off.configurations[0].strain_derivative.empty());
  EXPECT_EQ(x.row, y.row);
  EXPECT_EQ(x.column, y.column);
  ASSERT_EQ(x.derivative.size(), y.derivative.size());
  for (std::size_t i = 0; i < y.derivative.size(); i++)
    EXPECT_NEAR(x.derivative[i], y.derivative[i], 1e-11);
  const std::vector<double> before = x.derivative;
  prepare_dataset(data, settings("[TORCHPOT]\nfitdump = a.h5\ncache = none\n"));
  EXPECT_EQ(data.configurations[0].derivative, before);
}

TEST_F(ScrapeFitdump, LabelsSplitAndGroups)
{
  std::vector<FitdumpFrame> frames;
  for (unsigned i = 0; i < 10; i++)
    frames.push_back(frame(random_configuration(1, i), i < 6 ? "melt" : "crystal"));
  write("a.h5", header(), frames);
  write("b.h5", header(), {frame(random_configuration(1, 11), "melt")});
  const std::string own = "[TORCHPOT]\nfitdump = a.h5 b.h5\ntest_fraction = 0.25\n";
  Dataset data = load(own);
  EXPECT_EQ(data.groups, (std::vector<std::string>{"melt", "crystal"}));
  EXPECT_EQ(data.count(true), 3u);    // 2 of 7 and 1 of 4
  EXPECT_EQ(data.configurations[6].file, "b.h5#0");
  EXPECT_EQ(load(own).hash, data.hash);
  EXPECT_NE(load(own + "seed = 3\n").hash, data.hash);

  data = load(own + "[GROUPS]\ngroup_sections = name training_size testing_size eweight fweight "
                    "vweight\ngroup_types = str float int float float float\n"
                    "crystal = 0.5 1 7 8 9\n");
  EXPECT_EQ(data.groups, (std::vector<std::string>{"crystal", "melt"}));
  EXPECT_EQ(data.configurations[0].force_weight, 8.0);
  EXPECT_TRUE(data.configurations[2].test);
  EXPECT_EQ(data.configurations[3].group, "melt");
  expect_error([&] { load(own + "[GROUPS]\ncrystl = 1 1 1 1\n"); },
               {"[GROUPS] crystl", "no frames have this label", "melt, crystal"});
}

TEST_F(ScrapeFitdump, UnknownLabelsAndShifts)
{
  FitdumpFrame f = frame(random_configuration(2, 7), "x");
  for (double &s : f.stress) s = UNKNOWN;
  for (double &x : f.force) x = UNKNOWN;
  write("a.h5", header(), {f});
  const Dataset data = load("[TORCHPOT]\nfitdump = a.h5\ntest_fraction = 0\n[ESHIFT]\nA = 1.5\n");
  const Configuration &c = data.configurations[0];
  EXPECT_TRUE(c.has_energy && !c.has_forces && !c.has_stress);
  EXPECT_DOUBLE_EQ(c.energy, f.energy + 1.5 * 5);    // 5 of 8 atoms are A
  f.force[4] = 1.0;
  write("b.h5", header(), {f});
  expect_error([&] { load("[TORCHPOT]\nfitdump = b.h5\n"); },
               {"b.h5, frame 0", "forces are known for some atoms only"});
  expect_error([&] { load("[TORCHPOT]\nfitdump = a.h5\n[ESHIFT]\nC = 1\n"); },
               {"[ESHIFT] C", "unknown element", "one of A, B"});
  f = frame(random_configuration(2, 7), "x");
  f.descriptor[0] = UNKNOWN;
  write("c.h5", header(), {f});
  expect_error([&] { load("[TORCHPOT]\nfitdump = c.h5\n"); },
               {"c.h5, frame 0", "atoms have no descriptors", "group all"});
}

TEST_F(ScrapeFitdump, AFileIsNamedOnce)
{
  write("a.h5", header(), {frame(random_configuration(1, 1), "x")});
  expect_error([&] { load("[TORCHPOT]\nfitdump = a.h5 a.h5\n"); },
               {"[TORCHPOT] fitdump", "the same file is named twice", "a.h5; wanted: each file once"});
  expect_error([&] { load("[TORCHPOT]\nfitdump = a.h5 ../" +
                          std::filesystem::path(folder("a.h5")).parent_path().filename().string() +
                          "/a.h5\n"); },
               {"the same file is named twice"});
}

TEST_F(ScrapeFitdump, DescriptorAndUnitsMustAgree)
{
  write("a.h5", header(), {frame(random_configuration(1, 1), "x")});
  const std::string own = "[TORCHPOT]\nfitdump = a.h5\ntest_fraction = 0\n";
  EXPECT_EQ(load(SNAP + own).n_descriptors, 14);
  expect_error([&] { load(replaced(SNAP, "bzeroflag = 1", "bzeroflag = 0") + own); },
               {"a.h5", "[BISPECTRUM]", "bzeroflag", "Delete the section [BISPECTRUM]"});
  FitdumpHeader other = header();
  other.units = "real";
  write("b.h5", other, {frame(random_configuration(1, 1), "x")});
  expect_error([&] { load("[TORCHPOT]\nfitdump = a.h5 b.h5\n"); },
               {"b.h5", "units", "found: real", "wanted: metal"});
  expect_error([&] { load("[TORCHPOT]\nfitdump = b.h5\n[REFERENCE]\nunits = metal\n"); },
               {"b.h5", "not those of [REFERENCE]"});
  other = header();
  other.descriptor.rmin0 = 0.25;
  write("c.h5", other, {frame(random_configuration(1, 1), "x")});
  expect_error([&] { load("[TORCHPOT]\nfitdump = a.h5 c.h5\n"); }, {"c.h5", "a.h5", "0.25"});
  write("d.h5", header(), {});
  expect_error([&] { load("[TORCHPOT]\nfitdump = d.h5\n"); }, {"no frames", "d.h5"});
  expect_error([&] { load("[TORCHPOT]\nfitdump = none.h5\n"); }, {"none.h5"});
}

TEST_F(ScrapeFitdump, FilesWithoutDerivativesAreCompleted)
{
  FitdumpHeader h = header();
  h.has_derivatives = false;
  FitdumpFrame f = frame(random_configuration(2, 7), "x");
  f.derivative.clear();
  write("a.h5", h, {f});
  const std::string own = "[TORCHPOT]\nfitdump = a.h5\ntest_fraction = 0\ncache = none\n";
  Dataset data = load(own);
  prepare_dataset(data, settings(own));
  Configuration y = random_configuration(2, 7);
  compute_descriptors(y, *make_snap(two_element_snap()), true);
  EXPECT_EQ(data.configurations[0].derivative, y.derivative);
}

TEST_F(ScrapeFitdump, TogetherWithJsonFolders)
{
  write("a.h5", header(), {frame(random_configuration(1, 1), "frames")});
  folder.write("data/json/1.json",
               "# x\n{\"Dataset\": {\"Data\": [{\"AtomTypes\": [\"A\"], \"Energy\": 1.0,"
               "\"Positions\": [[0,0,0]], \"Lattice\": [[3,0,0],[0,3,0],[0,0,3]]}]}}");
  const Dataset data = load(SNAP + "[PATH]\ndataPath = data\n[GROUPS]\njson = 1 1 1 1\n"
                                   "frames = 1 1 1 1\n[TORCHPOT]\nfitdump = a.h5\n");
  EXPECT_EQ(data.groups, (std::vector<std::string>{"json", "frames"}));
  EXPECT_EQ(data.count(false), 2u);
}
