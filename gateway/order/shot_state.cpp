#include "gateway/order/shot_state.hpp"

#include "common/on_path.hpp"

namespace backhand::order {

BH_ON_PATH ShotState next_state(ShotState state, ShotEvent event) noexcept {
  switch (state) {
    case ShotState::armed:
      switch (event) {
        case ShotEvent::fired:
          return ShotState::firing;
        case ShotEvent::dropped:
          return ShotState::gone;
        case ShotEvent::returned:
        case ShotEvent::recorded:
          return ShotState::invalid;
      }
      return ShotState::invalid;
    case ShotState::firing:
      switch (event) {
        case ShotEvent::returned:
          return ShotState::armed;
        case ShotEvent::recorded:
          return ShotState::spent;
        case ShotEvent::fired:
        case ShotEvent::dropped:
          return ShotState::invalid;
      }
      return ShotState::invalid;
    case ShotState::spent:
      switch (event) {
        case ShotEvent::dropped:
          return ShotState::gone;
        case ShotEvent::fired:
        case ShotEvent::returned:
        case ShotEvent::recorded:
          return ShotState::invalid;
      }
      return ShotState::invalid;
    case ShotState::gone:
    case ShotState::invalid:
      return ShotState::invalid;
  }
  return ShotState::invalid;
}

}  // namespace backhand::order
