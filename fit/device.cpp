// Where a network is trained.
#include "device.h"

#include "torchpot_error.h"
#include "torchpot_model_file.h"

namespace torchpot {

namespace {
// A processor core takes 10 ms for this much; that a GPU takes less, with kernels launched for some
// milliseconds whatever the size, is an estimate.
constexpr double GPU_PAYS = 2e7;
}    // namespace

Device choose_device(Device wanted, double work, Ranks &ranks)
{
  if (wanted == Device::cpu || wanted == Device::torch) return wanted;
  if (wanted == Device::automatic && work < GPU_PAYS) return Device::cpu;
  const bool none = cuda_device_count() == 0;
  if (wanted == Device::automatic) return ranks.any(none) ? Device::cpu : Device::cuda;
  ranks.together([&] {
    if (none)
      throw Error("libtorch finds no GPU, or was built without CUDA", "[TORCHPOT] device = cuda",
                  "0 GPUs", "at least 1", "Use device = cpu, or a libtorch with CUDA");
  });
  return Device::cuda;
}

int gpu_of_rank(const Ranks &ranks)
{
  const int me = ranks.rank(), n = cuda_device_count();
  int first = me;
  while (first > 0 && ranks.node(first - 1) == ranks.node(me)) first--;
  return n > 0 ? (me - first) % n : 0;
}

}    // namespace torchpot
