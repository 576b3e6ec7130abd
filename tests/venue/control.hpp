// The control port's requests, answered from an Exchange: ground truth as JSON, and every knob. Pure but for
// the hook; README.md documents paths and bodies.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/time.hpp"
#include "tests/venue/exchange.hpp"
#include "tests/venue/http.hpp"

namespace backhand::venue {

class Control {
 public:
  /// What POST /connections asks of the server that owns the connections.
  enum class Drop : std::uint8_t { close, reset };

  Control(Exchange& exchange, std::function<void(Drop)> drop_connections)
      : exchange_(exchange), drop_connections_(std::move(drop_connections)) {}

  /// `now` is the venue's. Never throws for what a request says: that is a 400 with {"error": …}.
  [[nodiscard]] HttpResponse handle(std::string_view method, std::string_view target, std::string_view body,
                                    Ns now);

 private:
  Exchange& exchange_;
  std::function<void(Drop)> drop_connections_;
};

}  // namespace backhand::venue
