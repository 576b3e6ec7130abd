#include "gateway/net/handler.hpp"

#include <algorithm>

namespace backhand::net {
namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
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
      std::ranges::find_if(fields, [name](const HeaderField& f) { return same_name(f.name, name); });
  return field == fields.end() ? std::string_view{} : field->value;
}

}  // namespace backhand::net
