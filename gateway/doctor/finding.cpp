#include "gateway/doctor/finding.hpp"

#include <algorithm>

#include "common/json_text.hpp"

namespace backhand::doctor {
namespace {

std::string padded(std::string_view text, std::size_t width) {
  std::string out{text};
  out.append(width - std::min(width, out.size()), ' ');
  return out;
}

}  // namespace

std::string_view to_string(Level level) noexcept {
  switch (level) {
    case Level::ok:
      return "ok";
    case Level::advice:
      return "advice";
    case Level::unknown:
      return "unknown";
    case Level::problem:
      return "problem";
  }
  return "invalid";
}

std::string to_text(const Finding& finding) {
  std::string out = padded(to_string(finding.level), 9) + padded(finding.item, 14) + finding.found;
  if (!finding.why.empty()) out += "; " + finding.why;
  if (!finding.how.empty()) out += " -> " + finding.how;
  // Names of processes and paths are others' text and must not steer a terminal.
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return out;
}

std::string to_json(const Finding& finding) {
  JsonObject out;
  out.text("level", to_string(finding.level)).text("item", finding.item).text("found", finding.found);
  if (!finding.why.empty()) out.text("why", finding.why);
  if (!finding.how.empty()) out.text("how", finding.how);
  return out.line();
}

bool any_problem(const std::vector<Finding>& findings) noexcept {
  return std::ranges::any_of(findings, [](const Finding& f) { return f.level == Level::problem; });
}

}  // namespace backhand::doctor
