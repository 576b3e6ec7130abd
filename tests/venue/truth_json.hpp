// The ground truth as JSON text.
#pragma once

#include <string>
#include <string_view>

#include "common/time.hpp"
#include "tests/venue/exchange.hpp"

namespace backhand::venue {

struct TruthFilter {
  std::string account;     ///< Empty: any.
  std::string client_oid;  ///< Empty: any.
  Ns since = 0;
  std::string
      parts;  ///< Comma-separated of counters, reversals, executions, arrivals, positions; empty: all.

  [[nodiscard]] bool wants(std::string_view part) const;
};

[[nodiscard]] std::string truth_json(const Exchange& exchange, const TruthFilter& filter, Ns now);
/// [{"account":…,"symbol":…,"product":…,"long":…,"short":…}], flat ones left out.
[[nodiscard]] std::string positions_json(const Exchange& exchange, std::string_view account);

}  // namespace backhand::venue
