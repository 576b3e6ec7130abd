// What was found about one thing: how bad, what, why it matters, how to change it. One line each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backhand::doctor {

enum class Level : std::uint8_t {
  ok,       ///< Nothing to do.
  advice,   ///< It may cost latency, or a person's time.
  unknown,  ///< It could not be looked at; nothing is assumed.
  problem,  ///< It costs safety, stops the gateway from starting, or works against what is configured.
};

[[nodiscard]] std::string_view to_string(Level level) noexcept;

struct Finding {
  Level level = Level::ok;
  std::string item;   ///< One word, always the same for the same thing.
  std::string found;  ///< What is so.
  std::string why;    ///< Why it matters; may be empty with ok.
  std::string how;    ///< How to change it; may be empty.
};

class Findings {
 public:
  void ok(std::string item, std::string found, std::string why = {}) {
    all_.push_back({Level::ok, std::move(item), std::move(found), std::move(why), {}});
  }
  void advice(std::string item, std::string found, std::string why, std::string how) {
    all_.push_back({Level::advice, std::move(item), std::move(found), std::move(why), std::move(how)});
  }
  void problem(std::string item, std::string found, std::string why, std::string how) {
    all_.push_back({Level::problem, std::move(item), std::move(found), std::move(why), std::move(how)});
  }
  /// `what` could not be read.
  void unknown(std::string item, std::string what, std::string why = {}, std::string how = {}) {
    all_.push_back({Level::unknown, std::move(item), std::move(what), std::move(why), std::move(how)});
  }
  [[nodiscard]] const std::vector<Finding>& all() const noexcept { return all_; }
  [[nodiscard]] std::vector<Finding> take() { return std::move(all_); }

 private:
  std::vector<Finding> all_;
};

/// `level   item   found; why -> how`.
[[nodiscard]] std::string to_text(const Finding& finding);
/// One JSON object on one line.
[[nodiscard]] std::string to_json(const Finding& finding);
[[nodiscard]] bool any_problem(const std::vector<Finding>& findings) noexcept;

}  // namespace backhand::doctor
