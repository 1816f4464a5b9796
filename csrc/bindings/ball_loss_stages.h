// The ball loss of a batch in several processes, stage by stage, whatever the type and the device.
#pragma once

#include <cstdint>

namespace bcl {

// Addresses come from torch tensors, on the device where the stages run; losses/_ball_loss_processes.py is the
// only caller.
class AnyBallLossStages {
 public:
  virtual ~AnyBallLossStages() = default;
  virtual void class_sums(uintptr_t sums) = 0;
  virtual void margins(uintptr_t sums, uintptr_t totals, uintptr_t centroid_gradients) = 0;
  // gradient: 0 where none is wanted.
  virtual void finish(uintptr_t totals, uintptr_t centroid_gradients, uintptr_t gradient, uintptr_t summary) = 0;
};

}  // namespace bcl
