// The lane that is kept for an operator.
#pragma once

#include <string_view>

namespace backhand::domain {

/// What `backhand reverse` and `backhand send` attach as where they are told no other name. Each strategy has
/// this lane beside its max_lanes, so that one that has used up its names can still be helped by hand.
inline constexpr std::string_view kOperatorLane = "cli";

}  // namespace backhand::domain
