// Work on numbered items by several threads.
#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace torchpot {

int thread_count(int wanted, int n_ranks)
{
  if (wanted > 0) return wanted;
  const char *text = std::getenv("OMP_NUM_THREADS");
  const int asked = text ? std::atoi(text) : 0;
  if (asked <= 0 && n_ranks > 1) return 1;
  return asked > 0 ? asked : std::max(1, (int) std::thread::hardware_concurrency());
}

std::string threads_text(int n_threads)
{
  return std::to_string(n_threads) + (n_threads == 1 ? " thread" : " threads");
}

void parallel_for(std::size_t n, int n_threads,
                  const std::function<void(int, std::size_t)> &work)
{
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  std::size_t failed = n;
  const auto run = [&](int thread) {
    for (std::size_t i = next++; i < n; i = next++) {
      try {
        work(thread, i);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (i < failed) {
          failed = i;
          failure = std::current_exception();
        }
        next = n;    // nobody starts another item
      }
    }
  };
  std::vector<std::thread> threads;
  const int used = (int) std::min<std::size_t>((std::size_t) n_threads, n);
  for (int t = 1; t < used; t++) threads.emplace_back(run, t);
  run(0);
  for (std::thread &t : threads) t.join();
  if (failure) std::rethrow_exception(failure);
}

}    // namespace torchpot
