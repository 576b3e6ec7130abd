#include "gateway/order/case.hpp"

namespace backhand::order {

std::string_view to_string(Ground ground) noexcept {
  switch (ground) {
    case Ground::none:
      return "none";
    case Ground::legs_by_id:
      return "legs_by_id";
    case Ground::leg_and_sibling:
      return "leg_and_sibling";
    case Ground::open_leg_alone:
      return "open_leg_alone";
    case Ground::position_and_order:
      return "position_and_order";
    case Ground::fills_by_id:
      return "fills_by_id";
    case Ground::pair_without_id:
      return "pair_without_id";
    case Ground::order_without_fill:
      return "order_without_fill";
    case Ground::never_arrived:
      return "never_arrived";
    case Ground::refused:
      return "refused";
    case Ground::no_evidence:
      return "no_evidence";
    case Ground::ambiguous_rows:
      return "ambiguous_rows";
    case Ground::unexplained_position:
      return "unexplained_position";
    case Ground::never_final:
      return "never_final";
  }
  return "?";
}

}  // namespace backhand::order
