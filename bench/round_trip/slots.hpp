// How late a point in time is hit that lies ahead: by the pacer's queue under a spinning turn, and by Asio's
// timer as the usual way.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/time.hpp"

namespace backhand::bench {

struct SlotLateness {
  std::string name;
  std::vector<Ns> late_ns;  ///< One for each slot, sorted.
};

/// `count` slots, 1 ms apart, for each way. On the calling thread.
[[nodiscard]] std::vector<SlotLateness> measure_slots(std::size_t count);

}  // namespace backhand::bench
