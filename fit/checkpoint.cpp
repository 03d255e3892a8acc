// The state of a training run on disk, such that it continues bit for bit.
#include "checkpoint.h"

#include "hash.h"
#include "torchpot_error.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <type_traits>
#include <unistd.h>

namespace torchpot {

namespace {

// File: MAGIC, payload, SHA-256 of both in hexadecimal digits, END.
const std::string MAGIC = "torchpot checkpoint 4\n";
const std::string END = "\nend\n";
constexpr std::size_t DIGITS = 64;
const char *const START_ANEW = "Start anew with --restart";

class Writer {
 public:
  template <class T> void put(const T &value)
  {
    static_assert(std::is_arithmetic<T>::value, "plain numbers only");
    bytes.append(reinterpret_cast<const char *>(&value), sizeof(T));
  }
  template <class T> void put(const std::vector<T> &values)
  {
    put((std::uint64_t) values.size());
    for (const T &value : values) put(value);
  }
  void put(const std::string &text)
  {
    put((std::uint64_t) text.size());
    bytes += text;
  }
  void put(const EpochRecord &r)
  {
    put(r.epoch);
    put(r.training_loss);
    put(r.validation_loss);
    put(r.energy_mae);
    put(r.force_mae);
    put(r.stress_mae);
    put(r.seconds);
    put(r.best);
  }
  void put(Activation activation) { put((int) activation); }

  std::string bytes;
};

class Reader {
 public:
  Reader(const std::string &file, const std::string &bytes, std::size_t begin, std::size_t end) :
      file(file), bytes(bytes), at(begin), end(end)
  {
  }

  template <class T> void get(T &value)
  {
    static_assert(std::is_arithmetic<T>::value, "plain numbers only");
    take(&value, sizeof(T));
  }
  template <class T> void get(std::vector<T> &values)
  {
    values.resize(size());
    for (T &value : values) get(value);
  }
  void get(std::string &text)
  {
    text.resize(size());
    take(&text[0], text.size());
  }
  void get(EpochRecord &r)
  {
    get(r.epoch);
    get(r.training_loss);
    get(r.validation_loss);
    get(r.energy_mae);
    get(r.force_mae);
    get(r.stress_mae);
    get(r.seconds);
    get(r.best);
  }
  void get(Activation &activation)
  {
    int value;
    get(value);
    activation = (Activation) value;
  }
  void finish() const
  {
    if (at != end) inconsistent();
  }

 private:
  [[noreturn]] void inconsistent() const
  {
    throw Error("the checkpoint is inconsistent", file, "", "", START_ANEW);
  }
  std::size_t size()
  {
    std::uint64_t n;
    get(n);
    if (n > end - at) inconsistent();
    return n;
  }
  void take(void *value, std::size_t n)
  {
    if (n > end - at) inconsistent();
    std::memcpy(value, bytes.data() + at, n);
    at += n;
  }

  const std::string &file, &bytes;
  std::size_t at, end;
};

// One list of fields for both directions.
template <class Stream, class State> void transfer(Stream &&field, State &s)
{
  auto &n = s.network;
  field(n.n_elements);
  field(n.n_descriptors);
  field(n.layer_sizes);
  field(n.activations);
  field(n.output_scale);
  field(n.energy_shift);
  field(n.input_shift);
  field(n.input_scale);
  field(n.parameters);
  field(s.best);
  field(s.best_epoch);
  field(s.best_score);
  field(s.epoch);
  field(s.batch);
  field(s.loss_sum);
  field(s.optimizer.n_steps);
  field(s.optimizer.arrays);
  field(s.optimizer.numbers);
  field(s.average);
  field(s.plateau.factor);
  field(s.plateau.best);
  field(s.plateau.waited);
  field(s.history);
  field(s.complete);
}

std::string checksum(const std::string &bytes, std::size_t n)
{
  ContentHash sha;
  sha.add(bytes.data(), n);
  return sha.digest();
}

[[noreturn]] void fail(const std::string &problem, const std::string &file)
{
  throw Error(problem, file, std::strerror(errno), "",
              "Check the folder's permissions and the space on its disk");
}

void write_synced(const std::string &file, const std::string &bytes)
{
  const int handle = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (handle < 0) fail("the checkpoint cannot be written", file);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = write(handle, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    done += n;
  }
  const bool good = done == bytes.size() && fsync(handle) == 0;
  const int reason = errno;
  close(handle);
  if (good) return;
  unlink(file.c_str());
  errno = reason;
  fail("the checkpoint cannot be written", file);
}

void sync_folder(const std::string &file)
{
  const std::size_t slash = file.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : file.substr(0, slash + 1);
  const int handle = open(folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0) return;    // the rename is in force all the same, durable a little later
  fsync(handle);
  close(handle);
}

bool read_whole(const std::string &file, std::string &bytes)
{
  std::FILE *f = std::fopen(file.c_str(), "rb");
  if (!f) {
    if (errno == ENOENT) return false;
    throw Error("the checkpoint cannot be read", file, std::strerror(errno), "", START_ANEW);
  }
  char buffer[65536];
  bytes.clear();
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof(buffer), f)) > 0;) bytes.append(buffer, n);
  std::fclose(f);
  return true;
}

/// Empty if the file is whole, else what is wrong with it.
std::string damage(const std::string &bytes)
{
  if (bytes.compare(0, MAGIC.size(), MAGIC) != 0)
    return "it does not begin as a checkpoint of this version";
  const std::size_t tail = DIGITS + END.size();
  if (bytes.size() < MAGIC.size() + tail ||
      bytes.compare(bytes.size() - END.size(), END.size(), END) != 0)
    return "its end is missing";
  const std::size_t n = bytes.size() - tail;
  if (bytes.compare(n, DIGITS, checksum(bytes, n)) != 0) return "its checksum is wrong";
  return "";
}

std::string name_of(const std::string &line)
{
  return line.substr(0, line.find(" = "));
}

void compare(const std::string &file, const Identity &found, const Identity &wanted)
{
  for (std::size_t k = 0; k < found.size() || k < wanted.size(); k++) {
    const std::string a = k < found.size() ? found[k] : "(nothing)";
    const std::string b = k < wanted.size() ? wanted[k] : "(nothing)";
    if (a == b) continue;
    throw Error("the checkpoint belongs to another fit: " +
                    name_of(k < wanted.size() ? b : a) + " differs",
                file, a, b,
                "Use the settings and data of that fit, or start anew with --restart");
  }
}

TrainingState read_state(Reader &reader)
{
  TrainingState state;
  int kind = 0, mode = 0;
  reader.get(kind);
  reader.get(mode);
  state.network.kind = (NetworkKind) kind;
  state.network.element_mode = (ElementMode) mode;
  transfer([&](auto &value) { reader.get(value); }, state);
  return state;
}

void write_state(Writer &writer, const TrainingState &state)
{
  writer.put((int) state.network.kind);
  writer.put((int) state.network.element_mode);
  transfer([&](const auto &value) { writer.put(value); }, state);
}

/// Without an identity any will do.
TrainingState decode(const std::string &file, const std::string &bytes, const Identity *identity)
{
  Reader reader(file, bytes, MAGIC.size(), bytes.size() - DIGITS - END.size());
  Identity found;
  reader.get(found);
  if (identity) compare(file, found, *identity);
  const TrainingState state = read_state(reader);
  reader.finish();
  return state;
}

/// A complete fit needs its checkpoint no more, so that another may begin.
bool is_of_another_complete_fit(const std::string &file, const std::string &bytes,
                                const Identity &identity)
{
  Identity found;
  Reader(file, bytes, MAGIC.size(), bytes.size() - DIGITS - END.size()).get(found);
  return found != identity && decode(file, bytes, nullptr).complete;
}

}    // namespace

std::string state_bytes(const TrainingState &state)
{
  Writer writer;
  write_state(writer, state);
  return writer.bytes;
}

TrainingState state_from(const std::string &bytes)
{
  Reader reader("another rank", bytes, 0, bytes.size());
  return read_state(reader);
}

void write_checkpoint(const std::string &file, const Identity &identity,
                      const TrainingState &state)
{
  Writer writer;
  writer.bytes = MAGIC;
  writer.put(identity);
  write_state(writer, state);
  writer.bytes += checksum(writer.bytes, writer.bytes.size()) + END;

  const std::string temporary = file + ".tmp", previous = file + "_prev";
  write_synced(temporary, writer.bytes);
  if (std::rename(file.c_str(), previous.c_str()) != 0 && errno != ENOENT)
    fail("the checkpoint cannot be renamed", file);
  if (std::rename(temporary.c_str(), file.c_str()) != 0)
    fail("the checkpoint cannot be renamed", temporary);
  sync_folder(file);
}

LoadedCheckpoint read_checkpoint(const std::string &file, const Identity &identity)
{
  LoadedCheckpoint loaded;
  std::string bytes, problem;
  const std::string previous = file + "_prev";
  if (read_whole(file, bytes)) {
    problem = damage(bytes);
    if (problem.empty()) {
      loaded.found = !is_of_another_complete_fit(file, bytes, identity);
      if (loaded.found) loaded.state = decode(file, bytes, &identity);
      return loaded;
    }
  }
  if (!read_whole(previous, bytes)) {
    if (problem.empty()) return loaded;
    throw Error("the checkpoint is damaged, " + problem + ", and there is none before it", file,
                "", "", START_ANEW);
  }
  if (problem.empty()) problem = "it is missing";
  const std::string second = damage(bytes);
  if (!second.empty())
    throw Error("the checkpoint is damaged, " + problem + ", and so is the one before it, " +
                    second,
                file, "", "", START_ANEW);
  loaded.found = true;
  loaded.state = decode(previous, bytes, &identity);
  loaded.warning = "WARNING: the checkpoint " + file + " cannot be used, " + problem +
      "; going back to " + previous + ", epoch " + std::to_string(loaded.state.epoch);
  // or else the next one that is written would push it into the place of the good one
  const std::string damaged = file + "_damaged";
  if (std::rename(file.c_str(), damaged.c_str()) == 0)
    loaded.warning += "; the damaged file is now " + damaged;
  return loaded;
}

void check_checkpoint(const std::string &file, const Identity &identity)
{
  std::string bytes;
  if (read_whole(file, bytes) && damage(bytes).empty() &&
      !is_of_another_complete_fit(file, bytes, identity))
    decode(file, bytes, &identity);
}

CheckpointLock::CheckpointLock(const std::string &file) : name(file + ".lock")
{
  for (;;) {
    handle = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (handle < 0) return;    // the checkpoint itself will say why
    if (flock(handle, LOCK_EX | LOCK_NB) != 0) {
      const bool held = errno == EWOULDBLOCK;
      std::string holder;
      if (held) read_whole(name, holder);
      close(handle);
      handle = -1;
      if (!held) return;
      throw Error("another fit is working on this checkpoint", file, holder, "",
                  "Wait until it has ended, or work in another folder");
    }
    // the one before may have deleted the file between open() and flock()
    struct stat mine, present;
    if (fstat(handle, &mine) == 0 && stat(name.c_str(), &present) == 0 &&
        mine.st_ino == present.st_ino && mine.st_dev == present.st_dev)
      break;
    close(handle);
  }
  char host[256] = "";
  gethostname(host, sizeof(host) - 1);
  const std::string text = "process " + std::to_string(getpid()) + " on " + host;
  if (ftruncate(handle, 0) == 0 && write(handle, text.data(), text.size()) < 0)
    return;    // locked all the same
}

CheckpointLock::~CheckpointLock()
{
  if (handle < 0) return;
  unlink(name.c_str());
  close(handle);
}

bool is_open_checkpoint(const std::string &file)
{
  std::string bytes;
  for (const std::string &name : {file, file + "_prev"})
    if (!file.empty() && read_whole(name, bytes) && damage(bytes).empty())
      return !decode(name, bytes, nullptr).complete;
  return false;
}

void remove_checkpoint(const std::string &file)
{
  for (const std::string &name : {file, file + "_prev"})
    if (unlink(name.c_str()) != 0 && errno != ENOENT)
      throw Error("the old checkpoint cannot be deleted", name, std::strerror(errno));
}

}    // namespace torchpot
