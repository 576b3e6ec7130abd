// Options, faults and scenarios as JSON: what the control port and scenario files speak (README.md lists the
// keys). An unknown key, a wrong type or an unknown word is an error that names it.
#pragma once

#include <expected>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "common/error.hpp"
#include "tests/venue/model.hpp"
#include "tests/venue/options.hpp"

namespace backhand::venue {

/// Changes the options that `json` names; none where one of them is wrong.
[[nodiscard]] std::expected<void, Error> apply_options(Options& options, const nlohmann::json& json);
[[nodiscard]] nlohmann::json to_json(const Options& options);

/// {"fault": "ack_lost_after", …overrides}, or all fields without a name from the list.
[[nodiscard]] std::expected<Fault, Error> fault_from(const nlohmann::json& json);

struct ScenarioFile {
  Scenario scenario;
  Options options;
};
/// {"options":{…}, "contracts":[…], "accounts":[…], "generate":{…}}; contracts are added to the default ones
/// or replace them by symbol.
[[nodiscard]] std::expected<ScenarioFile, Error> scenario_from(std::string_view text,
                                                               const Options& defaults);

}  // namespace backhand::venue
