#include "gateway/service/trouble_text.hpp"

#include "common/wire/names.hpp"

namespace backhand::service {

namespace {

using domain::LookupKind;
using engine::Trouble;
using engine::TroubleCause;

std::string object_text(const Trouble& trouble, const config::Config& config) {
  std::string out;
  const auto add = [&](std::string_view part) {
    if (!out.empty()) out += ", ";
    out += part;
  };
  if (trouble.account.valid()) add("account " + config.accounts[trouble.account.value].name);
  if (trouble.kind != LookupKind::venue_time && trouble.kind != LookupKind::account_kind)
    add(wire::to_string(trouble.product));
  if (!trouble.symbol.empty()) add(trouble.symbol.view());
  return out;
}

/// Status and content type, and where the venue gave them code and message.
std::string look_text(const Trouble& trouble) {
  std::string out = "HTTP " + std::to_string(trouble.trace.http_status);
  if (!trouble.code.empty()) {
    out += ", code " + std::string{trouble.code.view()};
    if (!trouble.trace.message.empty()) out += " (" + std::string{trouble.trace.message.view()} + ")";
  } else if (!trouble.trace.content_type.empty()) {
    out += ", " + std::string{trouble.trace.content_type.view()};
  }
  return out;
}

std::string_view hint_of(int http_status) {
  if (http_status == 429) return "the page of an edge that finds that this address asks too often";
  if (http_status >= 500) return "the page of an edge or a proxy that does not reach Bitget";
  return "not Bitget's answer: is this address blocked, or a proxy in between?";
}

std::string loss_text(const Trouble& trouble, const config::Config& config) {
  switch (trouble.loss) {
    case net::LossReason::too_large:
      return "the reply is longer than venue.max_reply_bytes (" +
             std::to_string(config.venue.max_reply_bytes) + ") or its head longer than 16384 bytes: raise it";
    case net::LossReason::timeout:
      return "no reply within venue.lookup_timeout_ms (" + std::to_string(config.venue.lookup_timeout_ms) +
             ")";
    default:
      return "no reply: " + std::string{net::to_string(trouble.loss)};
  }
}

std::string cause_text(const Trouble& trouble, const config::Config& config) {
  switch (trouble.cause) {
    case TroubleCause::lost:
      return loss_text(trouble, config);
    case TroubleCause::not_venue:
      return look_text(trouble) + "; " + std::string{hint_of(trouble.trace.http_status)};
    case TroubleCause::compressed:
      return look_text(trouble) + "; the reply is " + std::string{trouble.trace.content_encoding.view()} +
             "-encoded, which was not asked for: is a proxy in between?";
    case TroubleCause::throttled:
      return look_text(trouble) + "; too many requests: something else uses this address or this key";
    case TroubleCause::refused:
      return look_text(trouble) + "; the venue refuses";
    case TroubleCause::incomplete:
      return look_text(trouble) +
             "; the reply lacks what was asked for, or has more rows than there is room for";
    case TroubleCause::unread_row:
      if (trouble.kind == LookupKind::contracts)
        return "its row cannot be read: " + std::string{trouble.field} + "; the contract counts as closed";
      return "a row that may be its cannot be read: " + std::string{trouble.field} +
             (trouble.shown.empty() ? "" : " (symbol \"" + std::string{trouble.shown.view()} + "\")") +
             "; its position is not known";
    case TroubleCause::foreign_rows:
      return std::to_string(trouble.rows) +
             " row(s) of no configured instrument cannot be read; the first: " + std::string{trouble.field} +
             " (symbol \"" + std::string{trouble.shown.view()} + "\"); they are left out";
    case TroubleCause::not_listed:
      return "the venue does not list it: mistyped, or delisted?";
  }
  return "invalid";
}

}  // namespace

std::string trouble_text(const Trouble& trouble, const config::Config& config,
                         const bitget::Dialect& dialect) {
  const std::string object = object_text(trouble, config);
  return (object.empty() ? "" : object + ": ") + "GET " + std::string{dialect.path_of(trouble.kind)} + ": " +
         cause_text(trouble, config);
}

}  // namespace backhand::service
