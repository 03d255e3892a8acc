// Work on numbered items by several threads.
#ifndef TORCHPOT_FIT_PARALLEL_H
#define TORCHPOT_FIT_PARALLEL_H

#include <cstddef>
#include <functional>

namespace torchpot {

/// Threads to use: `wanted`, or if 0 OMP_NUM_THREADS or else the processors of this machine.
int thread_count(int wanted);

/// Calls work(thread, item) for each item below n; items are taken in order by whichever thread is
/// free. Of several exceptions that of the lowest item is thrown on, after all threads have ended.
void parallel_for(std::size_t n, int n_threads,
                  const std::function<void(int thread, std::size_t item)> &work);

}    // namespace torchpot

#endif
