// The fingerprints of many seeds in one file: eight hexadecimal digits each, sixteen in a line, behind a line
// that says which seeds they are.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "common/error.hpp"

namespace backhand::simulation {

struct Digests {
  std::uint64_t from = 0;  ///< The first seed.
  std::uint32_t intents = 0;
  std::vector<std::uint32_t> values;

  [[nodiscard]] static std::expected<Digests, Error> read(const std::string& path);
  [[nodiscard]] std::expected<void, Error> write(const std::string& path) const;
};

}  // namespace backhand::simulation
