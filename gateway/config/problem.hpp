// What is wrong in a configuration file, at which place and key, in words for a person.
#pragma once

#include <string>
#include <vector>

#include "gateway/config/config.hpp"

namespace backhand::config {

struct Problem {
  std::string file;
  Place place;          ///< Nowhere where the whole file is meant.
  std::string key;      ///< Full path, lists counted from 0: `accounts[1].name`; may be empty.
  std::string message;  ///< One sentence without a full stop. Never shows a secret.
  friend bool operator==(const Problem&, const Problem&) = default;
};

/// `file:line:column: key: message`, without the parts that are empty.
[[nodiscard]] std::string to_string(const Problem& problem);

/// One problem a line, in the order of the list.
[[nodiscard]] std::string to_string(const std::vector<Problem>& problems);

}  // namespace backhand::config
