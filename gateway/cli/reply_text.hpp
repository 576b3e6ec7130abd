// A JSON object as text for people: aligned keys, and a table for each list of objects. Knows no key, so that
// whatever the gateway says is shown.
#pragma once

#include <string>

#include <simdjson.h>

namespace backhand::cli {

/// Everything in `object` but a top-level "ok".
[[nodiscard]] std::string reply_text(const simdjson::dom::object& object);

}  // namespace backhand::cli
