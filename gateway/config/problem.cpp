#include "gateway/config/problem.hpp"

namespace backhand::config {

std::string to_string(const Problem& problem) {
  std::string out = problem.file;
  if (problem.place.line > 0) {
    out += ":" + std::to_string(problem.place.line) + ":" + std::to_string(problem.place.column);
  }
  if (!out.empty()) out += ": ";
  if (!problem.key.empty()) out += problem.key + ": ";
  return out + problem.message;
}

std::string to_string(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& problem : problems) out += to_string(problem) + "\n";
  return out;
}

}  // namespace backhand::config
