#include "gateway/ingress/admission.hpp"

#include <algorithm>
#include <utility>

#include <unistd.h>

namespace backhand::ingress {

using wire::AttachStatus;

std::expected<StrategyIndex, Refusal> admit(const wire::AttachRequest& request, std::uint32_t uid,
                                            const std::vector<StrategyAccess>& strategies) {
  const auto refused = [](AttachStatus status, std::string message) {
    return std::unexpected(Refusal{status, std::move(message)});
  };
  if (request.magic != wire::kAttachMagic)
    return refused(AttachStatus::bad_request, "this is not an attach request");
  if (request.abi_version != wire::kAbiVersion)
    return refused(AttachStatus::wrong_abi, "the client library speaks ABI version " +
                                                std::to_string(request.abi_version) + ", this gateway " +
                                                std::to_string(wire::kAbiVersion));
  if (request.layout_version != wire::kLayoutVersion)
    return refused(AttachStatus::wrong_layout, "the client library knows lane layout " +
                                                   std::to_string(request.layout_version) +
                                                   ", this gateway " + std::to_string(wire::kLayoutVersion));
  if (request.strategy.empty() || !request.strategy.well_formed() || request.lane.empty() ||
      !request.lane.well_formed())
    return refused(AttachStatus::bad_request, "strategy and lane need a name of 1 to 24 bytes each");
  const auto found = std::find_if(strategies.begin(), strategies.end(), [&request](const StrategyAccess& s) {
    return s.name == request.strategy.view();
  });
  if (found == strategies.end())
    return refused(AttachStatus::unknown_strategy,
                   "strategy " + quoted(request.strategy.view()) + " is not in the gateway's configuration");
  const bool allowed = found->uids.empty()
                           ? uid == ::geteuid()
                           : std::find(found->uids.begin(), found->uids.end(), uid) != found->uids.end();
  if (!allowed)
    return refused(AttachStatus::wrong_user,
                   "user " + std::to_string(uid) + " may not attach as strategy " + quoted(found->name));
  return StrategyIndex{static_cast<std::uint16_t>(found - strategies.begin())};
}

}  // namespace backhand::ingress
