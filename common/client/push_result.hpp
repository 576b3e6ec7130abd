// What a push answers, in every process and language; the numbers are part of the C ABI (backhand.h).
#pragma once

#include <cstdint>

namespace backhand::client {

enum class [[nodiscard]] PushResult : std::uint8_t {
  ok = 0,
  full = 1,      ///< The ring has no free slot: the gateway holds back, or stands still. Nothing was pushed.
  bad_id = 2,    ///< The id is not above the last one pushed or taken on this lane. Nothing was pushed.
  detached = 3,  ///< No gateway at the moment. Nothing was pushed; poll or wait re-attaches.
  broken = 4,    ///< The lane's memory is corrupt. Nothing was pushed; poll or wait re-attaches.
};

}  // namespace backhand::client
