#include "gateway/net/handler.hpp"

#include <algorithm>

namespace backhand::net {
namespace {

/// `sought` is of letters, digits and dashes. The bit that makes a letter small makes nothing else that a
/// field's name may hold into one of these.
bool is_name(std::string_view field, std::string_view sought) noexcept {
  if (field.size() != sought.size()) return false;
  unsigned differ = 0;
  for (std::size_t i = 0; i < field.size(); ++i)
    differ |=
        (static_cast<unsigned char>(field[i]) | 0x20U) ^ (static_cast<unsigned char>(sought[i]) | 0x20U);
  return differ == 0;
}

}  // namespace

std::string_view to_string(LossReason reason) noexcept {
  switch (reason) {
    case LossReason::timeout:
      return "timeout";
    case LossReason::reset:
      return "reset";
    case LossReason::end_of_stream:
      return "end_of_stream";
    case LossReason::malformed_reply:
      return "malformed_reply";
    case LossReason::too_large:
      return "too_large";
    case LossReason::unsolicited_bytes:
      return "unsolicited_bytes";
    case LossReason::tls_error:
      return "tls_error";
    case LossReason::closed_by_us:
      return "closed_by_us";
  }
  return "?";
}

std::string_view ReplyView::header(std::string_view name) const noexcept {
  const auto field =
      std::ranges::find_if(fields, [name](const HeaderField& f) { return is_name(f.name, name); });
  return field == fields.end() ? std::string_view{} : field->value;
}

}  // namespace backhand::net
