// Files of fix fitdump: round trip, append, torn frames, kills, and files that are no good.
#include "torchpot_error.h"
#include "torchpot_fitdump_file.h"

#include <gtest/gtest.h>
#include <hdf5.h>

#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <random>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace torchpot;

namespace {

FitdumpHeader make_header()
{
  FitdumpHeader header;
  header.elements = {"Si", "O"};
  header.descriptor.elements = {"Si", "O"};
  header.descriptor.twojmax = 2;
  header.descriptor.rcutfac = 4.7;
  header.descriptor.radelem = {0.5, 0.45};
  header.descriptor.welem = {1.0, 0.9};
  header.torchpot_version = "0.1";
  header.lammps_version = "22 Jul 2025";
  return header;
}

/// Numbers that depend on the frame's number alone.
FitdumpFrame make_frame(const FitdumpHeader &header, int number)
{
  std::mt19937 random(number);
  std::normal_distribution<double> normal;
  const auto fill = [&](std::vector<double> &values, std::size_t n) {
    values.resize(n);
    for (double &value : values) value = normal(random);
  };
  FitdumpFrame frame;
  const int n = 1 + number % 7, n_pairs = number % 4 * n, k = header.descriptor.n_descriptors();
  frame.energy = normal(random);
  for (double &s : frame.stress) s = normal(random);
  for (int a = 0; a < 3; a++) {
    for (int c = 0; c <= a; c++) frame.cell[a][c] = a == c ? 10.0 + a : normal(random);
    frame.origin[a] = normal(random);
    frame.pbc[a] = (number >> a) & 1;
  }
  frame.step = 10 * (std::int64_t) number + ((std::int64_t) 1 << 40);
  frame.label = "group " + std::to_string(number % 3);
  for (int i = 0; i < n; i++) {
    frame.id.push_back(3 * i + ((std::int64_t) 1 << 33));
    frame.type.push_back((i + number) % 2);
  }
  fill(frame.position, 3 * n);
  fill(frame.force, 3 * n);
  fill(frame.descriptor, n * k);
  for (int p = 0; p < n_pairs; p++) {
    frame.first.push_back(p * n / n_pairs);
    frame.second.push_back((p + number) % n);
  }
  fill(frame.vector, 3 * n_pairs);
  if (header.has_derivatives) fill(frame.derivative, 3 * n_pairs * k);
  return frame;
}

void expect_same(const FitdumpFrame &a, const FitdumpFrame &b, double tolerance = 0.0)
{
  EXPECT_EQ(a.energy, b.energy);
  for (int i = 0; i < 6; i++) EXPECT_EQ(a.stress[i], b.stress[i]);
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(a.pbc[i], b.pbc[i]);
    EXPECT_EQ(a.origin[i], b.origin[i]);
    for (int c = 0; c < 3; c++) EXPECT_EQ(a.cell[i][c], b.cell[i][c]);
  }
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.label, b.label);
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.position, b.position);
  EXPECT_EQ(a.force, b.force);
  EXPECT_EQ(a.descriptor, b.descriptor);
  EXPECT_EQ(a.first, b.first);
  EXPECT_EQ(a.second, b.second);
  EXPECT_EQ(a.vector, b.vector);
  ASSERT_EQ(a.derivative.size(), b.derivative.size());
  for (std::size_t i = 0; i < a.derivative.size(); i++)
    EXPECT_NEAR(a.derivative[i], b.derivative[i], tolerance * std::abs(b.derivative[i]));
}

void expect_frames(const std::string &file, int n)
{
  const FitdumpReader reader(file);
  ASSERT_EQ((int) reader.n_frames(), n);
  for (int f = 0; f < n; f++) expect_same(reader.read(f), make_frame(reader.header(), f));
}

void expect_error(const std::function<void()> &action, const std::vector<std::string> &parts)
{
  try {
    action();
  } catch (const Error &error) {
    const std::string text = error.what();
    for (const std::string &part : parts)
      EXPECT_NE(text.find(part), std::string::npos) << part << " not in: " << text;
    return;
  }
  ADD_FAILURE() << "no error with " << parts[0];
}

class FitdumpFile : public testing::Test {
 protected:
  void SetUp() override
  {
    char name[] = "/tmp/test_fitdump_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder = name;
    file = folder + "/frames.h5";
  }
  void TearDown() override
  {
    std::remove(file.c_str());
    std::remove((file + ".new").c_str());
    rmdir(folder.c_str());
  }
  void write(const FitdumpHeader &header, int from, int to, bool append)
  {
    FitdumpWriter writer(file, header, append);
    EXPECT_EQ((int) writer.n_frames(), from);
    for (int f = from; f < to; f++) writer.append(make_frame(header, f));
    EXPECT_EQ((int) writer.n_frames(), to);
  }
  /// Changes the closed file by HDF5 calls.
  void change(const std::function<void(hid_t)> &action)
  {
    const hid_t handle = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    ASSERT_GE(handle, 0);
    action(handle);
    H5Fclose(handle);
  }
  void resize(const char *name, std::vector<hsize_t> size)
  {
    change([&](hid_t handle) {
      const hid_t set = H5Dopen2(handle, name, H5P_DEFAULT);
      EXPECT_GE(H5Dset_extent(set, size.data()), 0);
      H5Dclose(set);
    });
  }
  /// Overwrites a whole dataset's first values.
  template <class T> void poke(const char *name, hid_t type, std::size_t index, T value)
  {
    change([&](hid_t handle) {
      const hid_t set = H5Dopen2(handle, name, H5P_DEFAULT);
      const hid_t space = H5Dget_space(set);
      std::vector<T> values(H5Sget_simple_extent_npoints(space));
      H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
      values.at(index) = value;
      H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
      H5Sclose(space);
      H5Dclose(set);
    });
  }
  void expect_read_error(const std::vector<std::string> &parts)
  {
    expect_error(
        [&] {
          const FitdumpReader reader(file);
          for (std::size_t f = 0; f < reader.n_frames(); f++) reader.read(f);
        },
        parts);
  }
  std::string folder, file;
};

}    // namespace

TEST_F(FitdumpFile, RoundTrip)
{
  const FitdumpHeader header = make_header();
  write(header, 0, 20, false);
  expect_frames(file, 20);
  const FitdumpReader reader(file);
  EXPECT_EQ(reader.header().units, "metal");
  EXPECT_EQ(reader.header().elements, header.elements);
  EXPECT_EQ(reader.header().descriptor.radelem, header.descriptor.radelem);
  EXPECT_EQ(reader.header().descriptor.twojmax, 2);
  EXPECT_EQ(reader.header().torchpot_version, "0.1");
  EXPECT_EQ(reader.header().lammps_version, "22 Jul 2025");
  EXPECT_TRUE(reader.header().has_derivatives);
  EXPECT_TRUE(reader.read(3, false).derivative.empty());
  expect_error([&] { reader.read(20); }, {"no such frame", "20"});
}

TEST_F(FitdumpFile, EmptyFileAndUnknownLabels)
{
  FitdumpHeader header = make_header();
  write(header, 0, 0, false);
  expect_frames(file, 0);
  FitdumpFrame frame = make_frame(header, 3);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  frame.energy = frame.force[4] = frame.descriptor[0] = nan;
  frame.label = std::string(FITDUMP_LABEL_LENGTH, 'x');
  FitdumpWriter(file, header, true).append(frame);
  const FitdumpFrame again = FitdumpReader(file).read(0);
  EXPECT_TRUE(std::isnan(again.energy));
  EXPECT_TRUE(std::isnan(again.force[4]));
  EXPECT_TRUE(std::isnan(again.descriptor[0]));
  EXPECT_EQ(again.label, frame.label);
}

TEST_F(FitdumpFile, SinglePrecisionAndNoDerivatives)
{
  FitdumpHeader header = make_header();
  header.precision = Precision::float32;
  write(header, 0, 5, false);
  {
    const FitdumpReader reader(file);
    EXPECT_EQ(reader.header().precision, Precision::float32);
    for (int f = 0; f < 5; f++) expect_same(reader.read(f), make_frame(header, f), 1e-7);
  }
  std::remove(file.c_str());
  header = make_header();
  header.has_derivatives = false;
  write(header, 0, 5, false);
  EXPECT_FALSE(FitdumpReader(file).header().has_derivatives);
  expect_frames(file, 5);
}

TEST_F(FitdumpFile, Append)
{
  write(make_header(), 0, 5, false);
  expect_error([&] { FitdumpWriter(file, make_header(), false); }, {"exists already", file});
  write(make_header(), 5, 9, true);
  expect_frames(file, 9);
}

TEST_F(FitdumpFile, AppendChecksHeader)
{
  write(make_header(), 0, 2, false);
  const auto refuses = [&](const std::function<void(FitdumpHeader &)> &differ,
                           const std::vector<std::string> &parts) {
    FitdumpHeader header = make_header();
    differ(header);
    expect_error([&] { FitdumpWriter(file, header, true); }, parts);
  };
  refuses([](FitdumpHeader &h) { h.units = "real"; }, {"units", "metal", "real"});
  refuses([](FitdumpHeader &h) { h.elements = {"O", "Si"}; }, {"elements", "Si O", "O Si"});
  refuses([](FitdumpHeader &h) { h.descriptor.twojmax = 4; }, {"twojmax", "2", "4"});
  refuses([](FitdumpHeader &h) { h.descriptor.radelem = {0.5, 0.5}; }, {"radelem", "0.45"});
  refuses([](FitdumpHeader &h) { h.precision = Precision::float32; },
          {"precision", "float64", "float32"});
  refuses([](FitdumpHeader &h) { h.has_derivatives = false; },
          {"precision", "float64", "no derivatives"});
  expect_frames(file, 2);
}

TEST_F(FitdumpFile, ChecksSizesOfAFrame)
{
  const FitdumpHeader header = make_header();
  FitdumpWriter writer(file, header, false);
  const auto refuses = [&](const std::function<void(FitdumpFrame &)> &differ,
                           const std::string &name) {
    FitdumpFrame frame = make_frame(header, 3);
    differ(frame);
    expect_error([&] { writer.append(frame); }, {name});
  };
  refuses([](FitdumpFrame &f) { f.type.pop_back(); }, "type");
  refuses([](FitdumpFrame &f) { f.position.pop_back(); }, "position");
  refuses([](FitdumpFrame &f) { f.force.clear(); }, "force");
  refuses([](FitdumpFrame &f) { f.descriptor.pop_back(); }, "descriptor");
  refuses([](FitdumpFrame &f) { f.second.pop_back(); }, "second");
  refuses([](FitdumpFrame &f) { f.vector.pop_back(); }, "vector");
  refuses([](FitdumpFrame &f) { f.derivative.clear(); }, "derivative");
  refuses([](FitdumpFrame &f) { f.label = std::string(65, 'x'); }, "label is too long");
  EXPECT_EQ(writer.n_frames(), 0u);
}

TEST_F(FitdumpFile, ReadsWhileWriting)
{
  const FitdumpHeader header = make_header();
  FitdumpWriter writer(file, header, false);
  for (int f = 0; f < 3; f++) {
    writer.append(make_frame(header, f));
    // another process, as HDF5 shares what one process opens twice
    const pid_t child = fork();
    if (child == 0) {
      expect_frames(file, f + 1);
      _exit(HasFailure());
    }
    int status = 1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
}

TEST_F(FitdumpFile, TornFramesAreCut)
{
  write(make_header(), 0, 4, false);
  const hsize_t n_atoms = 1 + 2 + 3 + 4, k = make_header().descriptor.n_descriptors();
  resize("/frames/energy", {5});
  resize("/frames/atom_ptr", {6});
  resize("/atoms/id", {n_atoms + 100});
  resize("/atoms/descriptor", {n_atoms + 90, k});
  expect_frames(file, 4);
  {
    FitdumpWriter writer(file, make_header(), true);
    EXPECT_EQ(writer.n_frames(), 4u);
    EXPECT_EQ(writer.n_dropped(), 1u);
    writer.append(make_frame(make_header(), 4));
  }
  expect_frames(file, 5);
  EXPECT_EQ(FitdumpWriter(file, make_header(), true).n_dropped(), 0u);
  // a pointer that was made but not written does not count either
  resize("/frames/pair_ptr", {7});
  expect_frames(file, 5);
  EXPECT_EQ(FitdumpWriter(file, make_header(), true).n_dropped(), 1u);
  // the cut left no rows behind
  const hid_t handle = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t set = H5Dopen2(handle, "/atoms/id", H5P_DEFAULT), space = H5Dget_space(set);
  EXPECT_EQ(H5Sget_simple_extent_npoints(space), 1 + 2 + 3 + 4 + 5);
  H5Sclose(space);
  H5Dclose(set);
  H5Fclose(handle);
}

TEST_F(FitdumpFile, KillsCostNothingThatWasWritten)
{
  const FitdumpHeader header = make_header();
  std::mt19937 random(7);
  int expected = 0;
  for (int kill_number = 0; kill_number < 50; kill_number++) {
    int channel[2];
    ASSERT_EQ(pipe(channel), 0);
    const pid_t child = fork();
    if (child == 0) {
      FitdumpWriter writer(file, header, true);
      for (int f = (int) writer.n_frames();; f++) {
        if (::write(channel[1], &f, sizeof(f)) != sizeof(f)) _exit(1);
        writer.append(make_frame(header, f));
      }
    }
    close(channel[1]);
    // at least one message, so that each round gets on; then a random moment
    int begun = -1;
    const bool started = read(channel[0], &begun, sizeof(begun)) == sizeof(begun);
    usleep(random() % 6000);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    while (read(channel[0], &begun, sizeof(begun)) == sizeof(begun)) {}
    close(channel[0]);
    ASSERT_TRUE(started);
    // frames before the one begun last were written whole
    const FitdumpReader reader(file);
    ASSERT_GE((int) reader.n_frames(), begun);
    ASSERT_LE((int) reader.n_frames(), begun + 1);
    for (int f = std::max(0, expected - 1); f < (int) reader.n_frames(); f++)
      expect_same(reader.read(f), make_frame(header, f));
    expected = (int) reader.n_frames();
  }
  expect_frames(file, expected);
  // a plain open fails until the mark is cleared
  const auto plain_open = [&] {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    const hid_t handle = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    return handle >= 0 && H5Fclose(handle) >= 0;
  };
  EXPECT_FALSE(plain_open());
  fitdump_clear_status(file);
  EXPECT_TRUE(plain_open());
  expect_frames(file, expected);
  write(header, expected, expected + 2, true);
  expect_frames(file, expected + 2);
}

TEST_F(FitdumpFile, OneWriterAtATime)
{
  {
    FitdumpWriter writer(file, make_header(), false);
    expect_error([&] { FitdumpWriter(file, make_header(), true); }, {"is writing to it", file});
    expect_error([&] { fitdump_clear_status(file); }, {"is writing to it", file});
    writer.append(make_frame(make_header(), 0));
  }
  write(make_header(), 1, 2, true);
  fitdump_clear_status(file);
  expect_frames(file, 2);
}

TEST_F(FitdumpFile, WaitsForOthersToOpen)
{
  write(make_header(), 0, 1, false);
  // HDF5's lock, as another program has it while it opens the file
  const int descriptor = open(file.c_str(), O_RDONLY);
  ASSERT_EQ(flock(descriptor, LOCK_SH), 0);
  const pid_t child = fork();
  if (child == 0) {
    usleep(200000);
    flock(descriptor, LOCK_UN);
    _exit(0);
  }
  close(descriptor);
  write(make_header(), 1, 2, true);
  waitpid(child, nullptr, 0);
  expect_frames(file, 2);
}

TEST_F(FitdumpFile, FullDisk)
{
  const FitdumpHeader header = make_header();
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{2600000, 2600000};
    setrlimit(RLIMIT_FSIZE, &limit);
    int written = 0;
    FitdumpWriter writer(file, header, false);
    try {
      for (;; written++) writer.append(make_frame(header, written));
    } catch (const Error &error) {
      if (std::string(error.what()).find(file) == std::string::npos) std::exit(255);
    }
    try {
      writer.append(make_frame(header, written));
    } catch (const Error &error) {
      const bool good = std::string(error.what()).find("earlier frame") != std::string::npos;
      // a regular exit: HDF5 must not stumble over the unwritable file
      std::exit(good ? written : 255);
    }
  }
  int status = 1;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  const int n = (int) FitdumpReader(file).n_frames();
  EXPECT_EQ(WEXITSTATUS(status), n % 256);
  EXPECT_GT(n, 10);
  write(header, n, n + 1, true);
  expect_frames(file, n + 1);
}

TEST_F(FitdumpFile, OtherFilesAreRefused)
{
  expect_read_error({"file not found", file});
  expect_error([&] { FitdumpReader("none/x/../here.h5"); },
               {std::filesystem::current_path().string() + "/none/here.h5: file not found"});
  expect_error([&] { fitdump_clear_status(file); }, {"file not found", file});
  std::ofstream(file) << "some text that is long enough to be looked at";
  expect_read_error({"no HDF5 file", file});
  std::remove(file.c_str());
  H5Fclose(H5Fcreate(file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  expect_read_error({file});
  std::remove(file.c_str());
  expect_error([&] { FitdumpWriter("/nowhere/frames.h5", make_header(), false); },
               {"cannot create the file", "/nowhere/frames.h5"});
}

TEST_F(FitdumpFile, AFileThatWasCutOffSaysSo)
{
  write(make_header(), 0, 4, false);
  const std::uintmax_t size = std::filesystem::file_size(file);
  for (const std::uintmax_t left : {size - 1, size / 2, (std::uintmax_t) 100}) {
    std::filesystem::resize_file(file, left);
    const std::string text = "truncated: " + std::to_string(left) + " of " + std::to_string(size);
    expect_error([&] {
      const FitdumpReader reader(file);
      for (std::size_t k = 0; k < reader.n_frames(); k++) reader.read(k, true);
    }, {file + ": " + text + " bytes", "Copy the file again"});
    expect_error([&] { FitdumpWriter(file, make_header(), true); }, {file + ": " + text});
  }
}

TEST_F(FitdumpFile, MissingAndMisshapenParts)
{
  const auto fresh = [&] {
    std::remove(file.c_str());
    write(make_header(), 0, 4, false);
  };
  const char *const datasets[] = {
      "/frames/energy",   "/frames/stress",   "/frames/cell",  "/frames/origin",
      "/frames/pbc",      "/frames/step",     "/frames/label", "/frames/atom_ptr",
      "/frames/pair_ptr", "/atoms/id",        "/atoms/type",   "/atoms/position",
      "/atoms/force",     "/atoms/descriptor", "/pairs/first", "/pairs/second",
      "/pairs/vector"};
  fresh();
  for (const char *name : datasets) {
    change([&](hid_t h) { H5Lmove(h, name, h, "/hidden", H5P_DEFAULT, H5P_DEFAULT); });
    expect_read_error({"dataset is missing", name});
    change([&](hid_t h) { H5Lmove(h, "/hidden", h, name, H5P_DEFAULT, H5P_DEFAULT); });
  }
  const auto swapped = [&](const char *a, const char *b) {
    change([&](hid_t h) {
      H5Lmove(h, a, h, "/hidden", H5P_DEFAULT, H5P_DEFAULT);
      H5Lcreate_hard(h, b, h, a, H5P_DEFAULT, H5P_DEFAULT);
    });
  };
  swapped("/frames/energy", "/frames/stress");
  expect_read_error({"wrong shape", "/frames/energy", "[rows, 6]", "[rows]"});
  fresh();
  swapped("/frames/energy", "/frames/step");
  expect_read_error({"wrong kind", "/frames/energy", "floating-point"});
  fresh();
  swapped("/frames/step", "/frames/energy");
  expect_read_error({"wrong kind", "/frames/step", "integers"});
  fresh();
  swapped("/frames/label", "/frames/energy");
  expect_read_error({"wrong kind", "/frames/label", "text"});
  fresh();
  resize("/atoms/position", {5, 3});
  expect_read_error({"shorter than the pointers", "/atoms/position", "5 rows", "10"});
  fresh();
  resize("/frames/step", {3});
  expect_read_error({"shorter than the pointers", "/frames/step"});
  fresh();
  resize("/frames/atom_ptr", {3});
  expect_read_error({"shorter than the pointers", "/frames/atom_ptr"});
  fresh();
  resize("/frames/pair_ptr", {0});
  expect_read_error({"must start at 0", "/frames/pair_ptr"});
}

TEST_F(FitdumpFile, WrongAttributes)
{
  const auto fresh = [&] {
    std::remove(file.c_str());
    write(make_header(), 0, 1, false);
  };
  for (const char *name : {"version", "units", "elements", "descriptor", "torchpot_version",
                           "lammps_version"}) {
    fresh();
    change([&](hid_t h) { H5Adelete(h, name); });
    expect_read_error({"attribute is missing", name});
  }
  fresh();
  change([&](hid_t h) { H5Adelete(h, "format"); });
  expect_read_error({"not written by fix fitdump", file});
  fresh();
  change([&](hid_t h) {
    const hid_t attribute = H5Aopen(h, "version", H5P_DEFAULT);
    const int value = 9;
    H5Awrite(attribute, H5T_NATIVE_INT, &value);
    H5Aclose(attribute);
  });
  expect_read_error({"unknown version", "9", "1"});
  const auto renamed = [&](const char *from, const char *to) {
    fresh();
    change([&](hid_t h) {
      H5Adelete(h, to);
      H5Arename(h, from, to);
    });
  };
  renamed("version", "units");
  expect_read_error({"attribute"});
  renamed("units", "version");
  expect_read_error({"wrong kind", "version", "one integer"});
  renamed("elements", "units");
  expect_read_error({"wrong size", "units", "2"});
  renamed("units", "descriptor");
  expect_read_error({"attribute"});
}

TEST_F(FitdumpFile, WrongNumbers)
{
  const auto fresh = [&] {
    std::remove(file.c_str());
    write(make_header(), 0, 4, false);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  fresh();
  poke<long long>("/frames/pair_ptr", H5T_NATIVE_LLONG, 0, 1);
  expect_read_error({"must start at 0", "pair_ptr", "1"});
  fresh();
  poke<long long>("/frames/atom_ptr", H5T_NATIVE_LLONG, 2, 0);
  expect_read_error({"do not ascend", "atom_ptr", "frame 1"});
  fresh();
  poke<long long>("/atoms/id", H5T_NATIVE_LLONG, 2, 5);
  expect_read_error({"ids do not ascend", "/atoms/id", "frame 1", "atom number 1"});
  fresh();
  poke<int>("/atoms/type", H5T_NATIVE_INT, 4, 2);
  expect_read_error({"element index out of range", "/atoms/type", "frame 2", "0 to 1"});
  fresh();
  poke<double>("/atoms/position", H5T_NATIVE_DOUBLE, 28, nan);
  expect_read_error({"position is not a number", "/atoms/position", "frame 3", "atom number 3"});
  fresh();
  poke<double>("/frames/cell", H5T_NATIVE_DOUBLE, 9, nan);
  expect_read_error({"cell vector is not a number", "frame 1"});
  fresh();
  poke<double>("/frames/origin", H5T_NATIVE_DOUBLE, 3, nan);
  expect_read_error({"origin is not a number", "frame 1"});
  fresh();
  poke<int>("/frames/pbc", H5T_NATIVE_INT, 3, 2);
  expect_read_error({"boundaries must be 0 or 1", "frame 1", "2"});
  fresh();
  poke<int>("/pairs/first", H5T_NATIVE_INT, 2, 7);
  expect_read_error({"atom index out of range", "/pairs/first", "frame 2", "pair 0"});
  fresh();
  poke<int>("/pairs/second", H5T_NATIVE_INT, 0, -1);
  expect_read_error({"atom index out of range", "/pairs/second", "frame 1", "-1"});
  fresh();
  poke<double>("/pairs/vector", H5T_NATIVE_DOUBLE, 0, nan);
  expect_read_error({"vector is not a number", "/pairs/vector", "frame 1", "pair 0"});
}
