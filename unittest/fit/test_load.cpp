// The whole way from an input file to a data set, and the cache.
#include "load.h"

#include "cache.h"
#include "cell_fixture.h"
#include "data_fixture.h"

#include <nlohmann/json.hpp>

using namespace torchpot;

namespace {

std::string json_text(const Configuration &c)
{
  nlohmann::json rows = nlohmann::json::array(), forces = rows, cell = rows, types = rows;
  for (int i = 0; i < c.n_atoms(); i++) {
    rows.push_back({c.position[3 * i], c.position[3 * i + 1], c.position[3 * i + 2]});
    forces.push_back({c.force[3 * i], c.force[3 * i + 1], c.force[3 * i + 2]});
    types.push_back(c.element[i] ? "B" : "A");
  }
  for (const auto &v : c.cell.vectors) cell.push_back({v[0], v[1], v[2]});
  const nlohmann::json data = {{"NumAtoms", c.n_atoms()}, {"Energy", c.energy}, {"Lattice", cell},
                               {"Positions", rows},       {"Forces", forces},   {"AtomTypes", types}};
  return "# made up\n" + nlohmann::json{{"Dataset", {{"Data", {data}}}}}.dump();
}

const std::string INPUT = R"([BISPECTRUM]
numTypes = 2
type = A B
twojmax = 4
rcutfac = 1.0
radelem = 1.9 2.3
wj = 1.0 0.7
[PATH]
dataPath = data
[GROUPS]
group_sections = name training_size testing_size eweight fweight vweight
group_types = str float float float float float
small = 0.5 0.5 10 1 1e-8
large = 1.0 0 20 2 1e-8
[REFERENCE]
pair_style = zbl 3.0 3.6
pair_coeff = * * 14 14
[TORCHPOT]
cache = CACHE
)";

/// A folder with an input and six configurations in two groups.
struct Fit {
  Fit()
  {
    for (int i = 0; i < 4; i++)
      folder.write("data/small/c" + std::to_string(8 + i) + ".json",
                   json_text(random_configuration(1 + i % 2, 30 + i)));
    for (int i = 0; i < 2; i++)
      folder.write("data/large/c" + std::to_string(i) + ".json",
                   json_text(random_configuration(3, 40 + i)));
  }
  Settings settings(const std::string &text) const
  {
    return read_settings(folder.write("in.fit", replaced(text, "CACHE", folder("cache"))));
  }
  Dataset load(const std::string &text = INPUT)
  {
    notes.clear();
    return load_dataset(settings(text), true, notes);
  }
  std::string cache_file() const
  {
    std::string found;
    for (const auto &item : std::filesystem::directory_iterator(folder("cache")))
      found += item.path().string();
    return found;
  }
  TemporaryFolder folder;
  std::vector<std::string> notes;
};

void expect_same(const Dataset &a, const Dataset &b)
{
  ASSERT_EQ(a.configurations.size(), b.configurations.size());
  for (std::size_t i = 0; i < a.configurations.size(); i++) {
    const Configuration &x = a.configurations[i], &y = b.configurations[i];
    EXPECT_EQ(x.reference_energy, y.reference_energy);
    EXPECT_EQ(x.reference_force, y.reference_force);
    for (int v = 0; v < 6; v++) EXPECT_EQ(x.reference_stress[v], y.reference_stress[v]);
    EXPECT_EQ(x.descriptor, y.descriptor);
    EXPECT_EQ(x.row, y.row);
    EXPECT_EQ(x.column, y.column);
    EXPECT_EQ(x.derivative, y.derivative);
  }
}

}    // namespace

TEST(Load, OrderSplitAndWeights)
{
  Fit fit;
  const Dataset data = fit.load();
  EXPECT_EQ(data.groups, (std::vector<std::string>{"small", "large"}));
  std::string order;
  for (const Configuration &c : data.configurations)
    order += c.group[0] + c.file.substr(0, c.file.find('.')) + (c.test ? "t " : " ");
  EXPECT_EQ(order, "sc8 sc9 sc10t sc11t lc0 lc1 ");
  EXPECT_EQ(data.count(false), 4u);
  EXPECT_EQ(data.count(true), 2u);
  EXPECT_EQ(data.n_atoms(), 2u * (1 + 8) + 2 * 27);
  EXPECT_EQ(data.configurations[0].energy_weight, 10.0);
  EXPECT_EQ(data.configurations[5].force_weight, 2.0);
  EXPECT_EQ(data.n_descriptors, data.descriptor.n_descriptors());
  EXPECT_TRUE(fit.notes.empty());
  EXPECT_EQ(fit.load().hash, data.hash);
  EXPECT_NE(fit.load(replaced(INPUT, "10 1 1e-8", "11 1 1e-8")).hash, data.hash);
}

TEST(Load, TrainingFractionDividesAnew)
{
  Fit fit;
  const Dataset data = fit.load(INPUT + "[PYTORCH]\ntraining_fraction = 0.5\n");
  EXPECT_EQ(data.count(true), 3u);
}

TEST(Load, EnergyOrForcesAlone)
{
  Fit fit;
  const Dataset data = fit.load(INPUT + "[CALCULATOR]\nforce = 0\n");
  for (const Configuration &c : data.configurations) EXPECT_TRUE(c.has_energy && !c.has_forces);
}

TEST(Load, Errors)
{
  Fit fit;
  const auto wrong = [&](const std::string &from, const std::string &to,
                         const std::vector<std::string> &parts) {
    SCOPED_TRACE(to);
    expect_error([&] { fit.load(replaced(INPUT, from, to)); }, parts);
  };
  wrong("dataPath = data", "dataPath = dta", {"in.fit:9: [PATH] dataPath", "absent", "dta"});
  wrong("small =", "smal =", {"[GROUPS] smal", "no folder", "large, small", "Did you mean small?"});
  wrong("small = 0.5 0.5", "small = 5 0", {"too few configurations", "found: 4"});
  wrong("small = 0.5 0.5 10 1 1e-8\nlarge = 1.0 0", "large = 0 1.0", {"nothing to train on"});
  wrong("type = A B", "type = A C", {"c8.json: AtomTypes", "unknown element", "found: B"});
  expect_error([&] { fit.load(INPUT + "[PYTORCH]\nlayer_sizes = 31 8 1\n"); },
               {"layer_sizes", "found: 31", "num_desc or 14"});
  fit.folder.write("data/small/c8.json", "# x\n{\"Dataset\": {\"Data\": [{\"AtomTypes\": [\"A\"],"
                                         "\"Positions\": [[0,0,0]], \"Lattice\": [[3,0,0],[0,3,0],"
                                         "[0,0,3]]}]}}");
  expect_error([&] { fit.load(); }, {"small/c8.json", "nothing to be fitted"});
  std::filesystem::create_directories(fit.folder("data/empty"));
  wrong("small =", "empty =", {"[GROUPS] empty", "no .json files"});
}

TEST(Load, NotesNameWhatIsPassedOver)
{
  Fit fit;
  fit.folder.write("data/small/readme.txt", "x");
  fit.folder.write("data/small/test_1.json", json_text(random_configuration(1, 3)));
  fit.load();
  ASSERT_EQ(fit.notes.size(), 2u);
  EXPECT_NE(fit.notes[0].find("1 entries that are not .json"), std::string::npos);
  EXPECT_NE(fit.notes[1].find("test_files = *test_*"), std::string::npos);
}

TEST(Load, DescriptionCountsAndPredicts)
{
  Fit fit;
  const Settings s = fit.settings(INPUT);
  Dataset data = fit.load();
  const Prediction p = predict_memory(data, s, 2);
  const std::string text = describe(data, s, p);
  EXPECT_NE(text.find("  small          2          9          2          9"), std::string::npos)
      << text;
  EXPECT_NE(text.find("  all            4         63          2          9"), std::string::npos)
      << text;
  EXPECT_NE(text.find("descriptors: 14 per atom (SNAP, 2J = 4), cutoff 4.6"), std::string::npos)
      << text;
  prepare_dataset(data, s);
  std::size_t blocks = 0;
  for (const Configuration &c : data.configurations) blocks += c.n_blocks();
  EXPECT_EQ(p.n_blocks, blocks);
}

TEST(Cache, HitEqualsComputationOnAnyNumberOfThreads)
{
  Fit fit;
  Dataset plain = fit.load(), first = plain, second = plain, threads = plain;
  EXPECT_FALSE(prepare_dataset(plain, fit.settings(replaced(INPUT, "CACHE\n", "none #CACHE\n")))
                   .from_cache);
  EXPECT_FALSE(std::filesystem::exists(fit.folder("cache")));
  const Settings s = fit.settings(INPUT);
  const PrepareResult computed = prepare_dataset(first, s), cached = prepare_dataset(second, s);
  EXPECT_FALSE(computed.from_cache);
  EXPECT_TRUE(cached.from_cache);
  EXPECT_TRUE(computed.warnings.empty() && cached.warnings.empty());
  prepare_dataset(threads, fit.settings(replaced(INPUT, "CACHE\n", "none #CACHE\nthreads = 3\n")));
  EXPECT_GT(plain.configurations[4].n_blocks(), 0u);
  EXPECT_GT(plain.configurations[4].reference_energy, 0.0);
  expect_same(plain, first);
  expect_same(plain, second);
  expect_same(plain, threads);
}

TEST(Cache, DamagedFilesAreWrittenAnew)
{
  Fit fit;
  const Settings s = fit.settings(INPUT);
  const Dataset loaded = fit.load();
  Dataset good = loaded;
  prepare_dataset(good, s);
  const std::string file = fit.cache_file();
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const auto damaged = [&](const std::string &content, const std::string &why) {
    SCOPED_TRACE(why);
    std::ofstream(file, std::ios::binary) << content;
    Dataset data = loaded;
    const PrepareResult result = prepare_dataset(data, s);
    EXPECT_FALSE(result.from_cache);
    ASSERT_EQ(result.warnings.size(), 1u);
    EXPECT_NE(result.warnings[0].find(why), std::string::npos) << result.warnings[0];
    expect_same(data, good);
    Dataset again = loaded;
    EXPECT_TRUE(prepare_dataset(again, s).from_cache);
  };
  std::string flipped = bytes;
  flipped[bytes.size() - 100] ^= 4;
  damaged(flipped, "record 6 of 6 is damaged");
  flipped = bytes;
  flipped[0] ^= 4;
  damaged(flipped, "begins otherwise");
  damaged(bytes.substr(0, bytes.size() / 2), "is damaged");
  damaged(bytes.substr(0, bytes.size() - 3), "its end is missing");
  damaged("", "begins otherwise");
  std::string other = bytes;    // behind the header with its checksum
  for (int k = 0; k < 7; k++) other[112 + k] = (char) 0xff;
  damaged(other, "record 1 of 6 is damaged");
  damaged(bytes + "\n", "its end is missing");
}

TEST(Derivatives, InSinglePrecisionAreTheRoundedOnes)
{
  Fit fit;
  const std::string input = replaced(INPUT, "cache =", "derivatives = float32\ncache =");
  const Settings s = fit.settings(input);
  Dataset plain = fit.load(), single = plain, again = plain;
  prepare_dataset(plain, fit.settings(replaced(INPUT, "CACHE\n", "none #CACHE\n")));
  prepare_dataset(single, s);
  const PrepareResult cached = prepare_dataset(again, s);
  EXPECT_TRUE(cached.from_cache);
  EXPECT_TRUE(single.single && again.single && !plain.single);
  for (std::size_t i = 0; i < plain.configurations.size(); i++) {
    const Configuration &x = plain.configurations[i], &y = single.configurations[i];
    EXPECT_TRUE(y.derivative.empty());
    EXPECT_EQ(x.descriptor, y.descriptor);
    EXPECT_EQ(x.row, y.row);
    EXPECT_EQ(x.column, y.column);
    EXPECT_EQ(y.derivative_single, again.configurations[i].derivative_single);
    ASSERT_EQ(x.derivative.size(), y.derivative_single.size());
    for (std::size_t k = 0; k < x.derivative.size(); k++)
      EXPECT_EQ((float) x.derivative[k], y.derivative_single[k]);
  }
  const Prediction p = predict_memory(again, s, 1);
  const Prediction q = predict_memory(plain, fit.settings(INPUT), 1);
  EXPECT_EQ(q.bytes - p.bytes, 3 * sizeof(float) * again.n_descriptors * p.n_blocks);
}

TEST(Derivatives, AutomaticPrecisionGoesByTheSize)
{
  Settings s;
  Dataset data;
  data.n_descriptors = 10;    // 240 bytes for each block
  EXPECT_FALSE(stores_single(s, data, 4160000));
  EXPECT_TRUE(stores_single(s, data, 4170000));
  s.torchpot.derivatives = DerivativeStorage::float64;
  EXPECT_FALSE(stores_single(s, data, 1000000000));
}

TEST(Load, StrainDerivativesWhereThereIsAStress)
{
  Fit fit;
  const std::string name = "data/small/c8.json";
  const std::string text = json_text(random_configuration(1, 30));
  nlohmann::json file = nlohmann::json::parse(text.substr(text.find('\n')));
  nlohmann::json &labels_of = file["Dataset"]["Data"][0];
  labels_of.erase("Energy");
  labels_of.erase("Forces");
  labels_of["Stress"] = {{1, 2, 3}, {2, 4, 5}, {3, 5, 6}};
  fit.folder.write(name, "# made up\n" + file.dump());
  expect_error([&] { fit.load(); }, {"c8.json", "nothing to be fitted", "Energy or Forces"});
  const std::string weighted = replaced(INPUT, "cache =", "stress_weight = 1\ncache =");
  Dataset data = fit.load(weighted), again = fit.load(weighted);
  const Settings s = fit.settings(weighted);
  prepare_dataset(data, s);
  const Configuration &c = data.configurations[0];
  EXPECT_TRUE(c.has_stress);
  EXPECT_EQ(c.strain_derivative.size(), 6 * c.descriptor.size());
  EXPECT_EQ(c.n_blocks() + c.derivative.size(), 0u);    // no forces
  EXPECT_TRUE(data.configurations[1].strain_derivative.empty());
  EXPECT_TRUE(prepare_dataset(again, s).from_cache);
  EXPECT_EQ(again.configurations[0].strain_derivative, c.strain_derivative);
  expect_error([&] { fit.load(weighted + "[CALCULATOR]\nenergy = 0\nforce = 0\n"); },
               {"c9.json", "wanted: Stress (energy = 0 and force = 0)"});
  expect_error([&] { fit.load(weighted + "[CALCULATOR]\nstress = 0\n"); },
               {"c8.json", "wanted: Energy or Forces"});
  labels_of.erase("Stress");
  fit.folder.write(name, "# made up\n" + file.dump());
  expect_error([&] { fit.load(weighted); }, {"c8.json", "wanted: Energy or Forces or Stress"});
  expect_error([&] { fit.load(weighted + "[CALCULATOR]\nforce = 0\n"); },
               {"c8.json", "wanted: Energy or Stress (force = 0)"});
  expect_error([&] { fit.load(weighted + "[CALCULATOR]\nenergy = 0\n"); },
               {"c8.json", "wanted: Forces or Stress (energy = 0)"});
}

TEST(Cache, KeyDependsOnGeometryDescriptorAndReference)
{
  Fit fit;
  const Dataset data = fit.load();
  const std::string key = cache_key(data, 1);
  EXPECT_EQ(cache_key(fit.load(), 1), key);
  Dataset stress = data;    // strain derivatives are stored too
  stress.configurations[0].has_stress = !stress.configurations[0].has_stress;
  EXPECT_NE(cache_key(stress, 1), key);
  EXPECT_NE(cache_key(data, 2), key);
  Dataset other = data;
  other.configurations[0].position[0] += 1e-15;
  EXPECT_NE(cache_key(other, 1), key);
  other = data;
  other.descriptor.rmin0 = 0.1;
  EXPECT_NE(cache_key(other, 1), key);
  other = data;
  other.reference[1] = "pair_coeff * * 14 15";
  EXPECT_NE(cache_key(other, 1), key);
  const std::string table = fit.folder.write("table", "1");
  other.reference[1] = "pair_coeff * * " + table;
  const std::string with_table = cache_key(other, 1);
  fit.folder.write("table", "2");
  EXPECT_NE(cache_key(other, 1), with_table);
  other = data;
  other.configurations[0].energy += 1.0;    // labels are not cached
  EXPECT_EQ(cache_key(other, 1), key);
}

TEST(Cache, FolderThatCannotBeWrittenIsAWarning)
{
  Fit fit;
  fit.folder.write("file", "");
  const Settings s = fit.settings(replaced(INPUT, "CACHE", fit.folder("file") + "/x #CACHE"));
  Dataset data = fit.load();
  const PrepareResult result = prepare_dataset(data, s);
  ASSERT_EQ(result.warnings.size(), 1u);
  EXPECT_NE(result.warnings[0].find("cannot be written"), std::string::npos);
  EXPECT_GT(data.configurations[4].n_blocks(), 0u);
}
