// Where a network is trained.
#ifndef TORCHPOT_FIT_DEVICE_H
#define TORCHPOT_FIT_DEVICE_H

#include "ranks.h"
#include "settings.h"

namespace torchpot {

/// What `device` comes to, the same on all ranks: never automatic. work: parameters times atoms
/// that a rank sees in a step. Throws Error if a GPU is asked for and a rank has none. libtorch is
/// not touched unless a GPU could be of use. Collective.
Device choose_device(Device wanted, double work, Ranks &ranks);

/// Number of the GPU of this rank: its number within the node modulo the GPUs that can be seen.
int gpu_of_rank(const Ranks &ranks);

}    // namespace torchpot

#endif
