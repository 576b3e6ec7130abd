#include "tests/faults/rules.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include <nlohmann/json.hpp>

namespace backhand::faults {

namespace {

constexpr std::array kAll{Fault::none, Fault::reset, Fault::half_close, Fault::black_hole, Fault::cut};

std::optional<Fault> fault_named(const std::string& name) {
  for (const Fault fault : kAll) {
    if (fault != Fault::none && name == to_string(fault)) return fault;
  }
  return std::nullopt;
}

Ns to_ns(double milliseconds) { return static_cast<Ns>(milliseconds * static_cast<double>(kMillisecond)); }

double uniform(std::mt19937_64& random) { return std::uniform_real_distribution<double>{}(random); }

}  // namespace

const char* to_string(Fault fault) noexcept {
  switch (fault) {
    case Fault::none:
      return "none";
    case Fault::reset:
      return "reset";
    case Fault::half_close:
      return "half_close";
    case Fault::black_hole:
      return "black_hole";
    case Fault::cut:
      return "cut";
  }
  return "invalid";
}

Ns Rules::draw_delay(std::mt19937_64& random) const {
  double delay = static_cast<double>(delay_ns) + uniform(random) * static_cast<double>(jitter_ns);
  if (tail_ns > 0) {
    const double pareto = std::pow(1.0 - uniform(random), -1.0 / tail_shape);
    delay += static_cast<double>(tail_ns) * (pareto - 1.0);
  }
  return static_cast<Ns>(std::min(delay, static_cast<double>(max_delay_ns)));
}

Fault Rules::draw_fault(std::mt19937_64& random) const {
  double left = uniform(random);
  for (const Fault fault : kAll) {
    left -= chance[static_cast<std::size_t>(fault)];
    if (left < 0) return fault;
  }
  return Fault::none;
}

std::expected<void, Error> Rules::update(const nlohmann::json& json) {
  if (!json.is_object()) return std::unexpected(Error{"rules must be an object"});
  Rules next = *this;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_number() || value.get<double>() < 0)
      return std::unexpected(Error{"\"" + key + "\" must be a number that is not negative"});
    const double number = value.get<double>();
    if (key == "delay_ms") {
      next.delay_ns = to_ns(number);
    } else if (key == "jitter_ms") {
      next.jitter_ns = to_ns(number);
    } else if (key == "tail_ms") {
      next.tail_ns = to_ns(number);
    } else if (key == "tail_shape" && number > 0) {
      next.tail_shape = number;
    } else if (key == "max_delay_ms") {
      next.max_delay_ns = to_ns(number);
    } else if (key == "slice_bytes") {
      next.slice_bytes = static_cast<std::size_t>(number);
    } else if (key == "slice_gap_ms") {
      next.slice_gap_ns = to_ns(number);
    } else if (key == "cut_bytes") {
      next.cut_bytes = static_cast<std::size_t>(number);
    } else if (const auto fault = fault_named(key); fault && number <= 1) {
      next.chance[static_cast<std::size_t>(*fault)] = number;
    } else {
      return std::unexpected(Error{"no such rule: \"" + key + "\", or its value is out of range"});
    }
  }
  *this = next;
  return {};
}

Fault Direction::next_fault(std::mt19937_64& random) {
  Fault fault = rules.draw_fault(random);
  if (ordered_count > 0) {
    fault = ordered;
    --ordered_count;
  }
  ++counts.struck[static_cast<std::size_t>(fault)];
  return fault;
}

std::expected<void, Error> Direction::order(const nlohmann::json& json) {
  const auto fault = fault_named(json.value("fault", ""));
  if (!fault) return std::unexpected(Error{"\"fault\" must be reset, half_close, black_hole or cut"});
  ordered = *fault;
  ordered_count = json.value("count", std::uint64_t{1});
  ordered_cut_bytes = json.value("bytes", std::size_t{0});
  return {};
}

nlohmann::json Direction::counts_json() const {
  nlohmann::json out{{"pieces", counts.pieces},
                     {"bytes", counts.bytes},
                     {"delayed", counts.delayed},
                     {"sliced", counts.sliced}};
  for (const Fault fault : kAll) {
    if (fault != Fault::none) out[to_string(fault)] = counts.struck[static_cast<std::size_t>(fault)];
  }
  return out;
}

}  // namespace backhand::faults
