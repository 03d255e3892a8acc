// Work on numbered items by several threads.
#ifndef TORCHPOT_FIT_PARALLEL_H
#define TORCHPOT_FIT_PARALLEL_H

#include <cstddef>
#include <functional>
#include <string>

namespace torchpot {

/// Threads to use: `wanted`, or if 0 OMP_NUM_THREADS or else the processors of this machine, with
/// several ranks 1.
int thread_count(int wanted, int n_ranks = 1);
/// "1 thread", "4 threads".
std::string threads_text(int n_threads);

/// Calls work(thread, item) for each item below n; items are taken in order by whichever thread is
/// free. Of several exceptions that of the lowest item is thrown on, after all threads have ended.
void parallel_for(std::size_t n, int n_threads,
                  const std::function<void(int thread, std::size_t item)> &work);

}    // namespace torchpot

#endif
