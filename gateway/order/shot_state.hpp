// The life of one shot, a reversal prepared ahead, as a pure state machine. Its key (and so its clientOid) is
// reserved when it is armed and stands in at most one record: from then on the shot is spent, whatever
// becomes of the write. Called from: engine, I/O thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace backhand::order {

enum class ShotState : std::uint8_t {
  armed,   ///< Its request is signed; nothing was recorded or sent under its name.
  firing,  ///< A fire intent has it: it waits for a slot, a position or a connection. Still nothing recorded.
  spent,   ///< An `intended` record bears its name: it is written now or never, and not a second time.
  gone,    ///< Terminal: its strategy has been told.
  invalid,  ///< Not a state: the answer to an event that cannot happen in a state. A bug if seen.
};

enum class ShotEvent : std::uint8_t {
  fired,     ///< A fire intent that names it was admitted.
  returned,  ///< That intent was denied before anything was recorded.
  recorded,  ///< The `intended` record of that intent was made, or may have been.
  dropped,   ///< Disarmed, expired, halted, its lane lost, or its one attempt is over.
};

inline constexpr std::array kShotStates{ShotState::armed, ShotState::firing, ShotState::spent,
                                        ShotState::gone, ShotState::invalid};
inline constexpr std::array kShotEvents{ShotEvent::fired, ShotEvent::returned, ShotEvent::recorded,
                                        ShotEvent::dropped};

/// The state after `event`, or `invalid` where that cannot happen. A shot that is firing cannot be dropped:
/// its intent is denied first, which returns it.
[[nodiscard]] ShotState next_state(ShotState state, ShotEvent event) noexcept;

}  // namespace backhand::order
