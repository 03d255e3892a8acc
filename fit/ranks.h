// The MPI ranks that fit together, and memory that those of a node share.
#ifndef TORCHPOT_FIT_RANKS_H
#define TORCHPOT_FIT_RANKS_H

#include "torchpot_error.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace torchpot {

/// Memory that all ranks of a node see; each node has its own.
class SharedMemory {
 public:
  virtual ~SharedMemory() = default;
  char *data() const { return start; }
  std::size_t size() const { return n; }

 protected:
  char *start = nullptr;
  std::size_t n = 0;
};

/// An Error that all ranks throw together; the first one prints it.
class CommonError : public Error {
 public:
  using Error::Error;
};

/// Thrown where work is given up because it was asked to stop.
struct Interrupted {};

/// All functions are collective: every rank must call them, in the same order.
class Ranks {
 public:
  virtual ~Ranks() = default;
  virtual int size() const = 0;
  virtual int rank() const = 0;
  bool is_first() const { return rank() == 0; }

  /// Waits for all; what ranks of this node wrote to shared memory before is seen after.
  virtual void barrier() = 0;
  /// Whether it is true on any rank.
  virtual bool any(bool value) = 0;
  /// What `root` has; the sizes must agree.
  virtual void broadcast(void *data, std::size_t bytes, int root = 0) = 0;
  /// Each of the n values becomes the sum over the ranks.
  virtual void sum(std::uint64_t *values, std::size_t n) = 0;
  /// All zero. In a file in `folder`, which is removed at once, so that it may be larger than the
  /// memory; empty: in memory. Throws Error on all ranks if there is no space.
  std::unique_ptr<SharedMemory> share(std::size_t bytes, const std::string &folder = "");

  /// Ranks of one node are neighbors in number. Node of a rank, and whether there are several.
  virtual int node(int rank) const = 0;
  virtual int n_nodes() const = 0;
  /// Between nodes: `bytes` at `data` in shared memory become those of the node of rank `owner`.
  /// Preceded and followed by barrier() by the caller; nothing to be done on a single node.
  virtual void copy_to_nodes(char *data, std::size_t bytes, int owner) = 0;

  /// This rank's part of n items, of those that the ranks of its node share out.
  virtual std::pair<std::size_t, std::size_t> share_of(std::size_t n) const = 0;
  void broadcast(std::string &text, int root = 0);
  /// Does the work on every rank, which must not be collective itself; if it throws on one, all throw
  /// CommonError with the message of the first of these, or Interrupted if nothing else was thrown.
  void together(const std::function<void()> &work);

 protected:
  /// Broadcast within a node from its first rank, and whether this is that rank.
  virtual void broadcast_in_node(void *data, std::size_t bytes) = 0;
  virtual bool is_leader() const = 0;
};

/// This process alone.
Ranks &single_rank();
/// All processes that mpirun has started; starts MPI if that has not been done. The object lives
/// until the end of the program.
Ranks &world_ranks();
/// Ends MPI if it runs. With `failed` all other ranks are ended as well.
void end_mpi(bool failed = false);

}    // namespace torchpot

#endif
