// The MPI ranks that fit together, and memory that those of a node share.
#include "ranks.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <mpi.h>
#include <new>
#include <sys/mman.h>
#include <unistd.h>

namespace torchpot {

namespace {

constexpr std::size_t MESSAGE = 1 << 28;    // bytes, well below what an int counts

class Mapping : public SharedMemory {
 public:
  explicit Mapping(std::size_t bytes) { n = bytes; }
  ~Mapping() override
  {
    if (start) munmap(start, n);
  }
  /// What went wrong, or empty. file < 0: memory of this process alone.
  std::string map(int file)
  {
    void *address = mmap(nullptr, n, PROT_READ | PROT_WRITE,
                         file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, file, 0);
    if (address == MAP_FAILED) return std::strerror(errno);
    start = static_cast<char *>(address);
#ifdef MADV_HUGEPAGE
    // fewer faults where the memory is touched first; a file cannot have them, which is no error
    if (file < 0) madvise(address, n, MADV_HUGEPAGE);
#endif
    return "";
  }
};

/// A file of that size under a new name, which is returned in `name`; -1 if there is no space.
int create_file(const std::string &folder, std::size_t bytes, std::string &name)
{
  name = folder + "/torchpot.XXXXXX";
  const int file = mkostemp(&name[0], O_CLOEXEC);
  if (file < 0) return -1;
  // reserved now, since a page that cannot be written later ends the program
  const int reason = posix_fallocate(file, 0, (off_t) bytes);
  if (reason == 0) return file;
  close(file);
  unlink(name.c_str());
  errno = reason;
  return -1;
}

std::string temporary_folder()
{
  const char *folder = std::getenv("TMPDIR");
  return folder && *folder ? folder : "/tmp";
}

class Single : public Ranks {
 public:
  int size() const override { return 1; }
  int rank() const override { return 0; }
  void barrier() override {}
  bool any(bool value) override { return value; }
  void broadcast(void *, std::size_t, int) override {}
  void sum(std::uint64_t *, std::size_t) override {}
  int node(int) const override { return 0; }
  int n_nodes() const override { return 1; }
  void copy_to_nodes(char *, std::size_t, int) override {}
  std::pair<std::size_t, std::size_t> share_of(std::size_t n) const override { return {0, n}; }

 protected:
  void broadcast_in_node(void *, std::size_t) override {}
  bool is_leader() const override { return true; }
};

class World : public Ranks {
 public:
  World()
  {
    MPI_Comm_size(MPI_COMM_WORLD, &n);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, me, MPI_INFO_NULL, &in_node);
    MPI_Comm_rank(in_node, &node_rank);
    MPI_Comm_size(in_node, &node_size);
    leads = node_rank == 0;
    MPI_Comm_split(MPI_COMM_WORLD, leads ? 0 : MPI_UNDEFINED, me, &leaders);
    int my_node = 0;
    if (leads) {
      MPI_Comm_rank(leaders, &my_node);
      MPI_Comm_size(leaders, &nodes);
    }
    MPI_Bcast(&my_node, 1, MPI_INT, 0, in_node);
    MPI_Bcast(&nodes, 1, MPI_INT, 0, in_node);
    node_of.resize(n);
    MPI_Allgather(&my_node, 1, MPI_INT, node_of.data(), 1, MPI_INT, MPI_COMM_WORLD);
  }

  int size() const override { return n; }
  int rank() const override { return me; }

  void barrier() override
  {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    MPI_Barrier(MPI_COMM_WORLD);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }

  bool any(bool value) override
  {
    int mine = value, all = 0;
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    return all != 0;
  }

  void broadcast(void *data, std::size_t bytes, int root) override
  {
    send_to_all(static_cast<char *>(data), bytes, root, MPI_COMM_WORLD);
  }

  void sum(std::uint64_t *values, std::size_t count) override
  {
    for (std::size_t at = 0; at < count; at += 1 << 20)
      MPI_Allreduce(MPI_IN_PLACE, values + at, (int) std::min<std::size_t>(1 << 20, count - at),
                    MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
  }

  int node(int rank) const override { return node_of[rank]; }
  int n_nodes() const override { return nodes; }

  void copy_to_nodes(char *data, std::size_t bytes, int owner) override
  {
    if (nodes > 1 && leads) send_to_all(data, bytes, node_of[owner], leaders);
  }
  std::pair<std::size_t, std::size_t> share_of(std::size_t n) const override
  {
    return {n * node_rank / node_size, n * (node_rank + 1) / node_size};
  }

 protected:
  void broadcast_in_node(void *data, std::size_t bytes) override
  {
    send_to_all(static_cast<char *>(data), bytes, 0, in_node);
  }
  bool is_leader() const override { return leads; }

 private:
  static void send_to_all(char *data, std::size_t bytes, int root, MPI_Comm comm)
  {
    for (std::size_t at = 0; at < bytes; at += MESSAGE)
      MPI_Bcast(data + at, (int) std::min(MESSAGE, bytes - at), MPI_BYTE, root, comm);
  }

  int n, me, node_rank, node_size, nodes = 1;
  bool leads;
  MPI_Comm in_node, leaders;
  std::vector<int> node_of;
};

}    // namespace

void Ranks::broadcast(std::string &text, int root)
{
  std::uint64_t n = text.size();
  broadcast(&n, sizeof n, root);
  text.resize(n);
  broadcast(&text[0], n, root);
}

std::unique_ptr<SharedMemory> Ranks::share(std::size_t bytes, const std::string &folder)
{
  auto memory = std::make_unique<Mapping>(std::max<std::size_t>(bytes, 1));
  std::string name, problem;
  int file = -1;
  if (is_leader() && (size() > 1 || !folder.empty())) {
    std::vector<std::string> folders = {folder};
    if (folder.empty()) folders = {"/dev/shm", temporary_folder()};
    for (std::size_t k = 0; k < folders.size() && file < 0; k++)
      file = create_file(folders[k], memory->size(), name);
    if (file < 0) problem = folders.back() + ": " + std::strerror(errno);
  }
  std::uint64_t length = name.size();
  broadcast_in_node(&length, sizeof length);
  name.resize(length);
  broadcast_in_node(&name[0], length);
  if (!is_leader()) file = open(name.c_str(), O_RDWR | O_CLOEXEC);
  if (problem.empty() && !is_leader() && file < 0) problem = name + ": " + std::strerror(errno);
  if (problem.empty()) problem = memory->map(file);
  if (file >= 0) close(file);
  barrier();
  if (is_leader() && !name.empty()) unlink(name.c_str());
  together([&] {
    if (!problem.empty())
      throw Error("no space for descriptors and derivatives", problem, "",
                  std::to_string(bytes / 1000000 + 1) + " MB",
                  "Set memory_limit in [TORCHPOT] so that a file in the folder of the cache is "
                  "used, or TMPDIR to a folder with space");
  });
  return memory;
}

void Ranks::together(const std::function<void()> &work)
{
  if (size() == 1) {
    work();
    return;
  }
  std::string problem;
  // of each rank, and behind them how many were interrupted
  std::vector<std::uint64_t> failed(size() + 1, 0);
  try {
    work();
  } catch (const Interrupted &) {
    failed.back() = 1;
  } catch (const std::bad_alloc &) {
    problem = "out of memory. torchpot_fit --check predicts what is needed";
    failed[rank()] = 1;
  } catch (const std::exception &exception) {
    problem = exception.what();
    failed[rank()] = 1;
  }
  sum(failed.data(), failed.size());
  const int first = (int) (std::find(failed.begin(), failed.end() - 1, 1u) - failed.begin());
  if (first < size()) {
    broadcast(problem, first);
    throw CommonError(problem);
  }
  if (failed.back()) throw Interrupted();
}

Ranks &single_rank()
{
  static Single single;
  return single;
}

Ranks &world_ranks()
{
  int started;
  MPI_Initialized(&started);
  if (!started) MPI_Init(nullptr, nullptr);
  int n;
  MPI_Comm_size(MPI_COMM_WORLD, &n);
  if (n == 1) return single_rank();
  static World world;
  return world;
}

void end_mpi(bool failed)
{
  int started, ended;
  MPI_Initialized(&started);
  MPI_Finalized(&ended);
  if (!started || ended) return;
  if (failed) MPI_Abort(MPI_COMM_WORLD, 1);
  MPI_Finalize();
}

}    // namespace torchpot
