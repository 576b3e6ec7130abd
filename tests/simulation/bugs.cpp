#include "tests/simulation/bugs.hpp"

#include <utility>

namespace backhand::simulation {

namespace {

using enum Bug;

constexpr std::array<BugName, kBugs> kNames{{
    {resend_on_reset, "resend_on_reset"},
    {server_error_is_no, "server_error_is_no"},
    {lost_reply_is_no, "lost_reply_is_no"},
    {doubtful_code_is_no, "doubtful_code_is_no"},
    {ack_is_execution, "ack_is_execution"},
    {not_found_at_once, "not_found_at_once"},
    {ambiguous_code_is_no, "ambiguous_code_is_no"},
    {random_part_constant, "random_part_constant"},
    {journal_after_send, "journal_after_send"},
    {outcome_dropped, "outcome_dropped"},
    {outcome_twice, "outcome_twice"},
    {positions_mixed_up, "positions_mixed_up"},
    {taken_mark_lost, "taken_mark_lost"},
    {noted_ahead, "noted_ahead"},
    {open_cases_forgotten, "open_cases_forgotten"},
    {history_not_replayed, "history_not_replayed"},
    {halt_forgotten, "halt_forgotten"},
    {sync_error_ignored, "sync_error_ignored"},
    {deadline_ignored, "deadline_ignored"},
    {pacing_limit_wrong, "pacing_limit_wrong"},
    {timestamp_ahead, "timestamp_ahead"},
    {unread_row_is_flat, "unread_row_is_flat"},
    {shots_forgotten, "shots_forgotten"},
    {journal_room_ignored, "journal_room_ignored"},
    {queued_again, "queued_again"},
    {lost_time_unseen, "lost_time_unseen"},
    {class_is_definite, "class_is_definite"},
    {refusal_not_checked, "refusal_not_checked"},
    {surplus_ignored, "surplus_ignored"},
    {distrust_ignored, "distrust_ignored"},
    {clock_from_one_reply, "clock_from_one_reply"},
    {stale_is_fresh, "stale_is_fresh"},
    {manifest_not_compared, "manifest_not_compared"},
    {history_not_looked_at, "history_not_looked_at"},
    {uid_not_compared, "uid_not_compared"},
    {uid_forgotten, "uid_forgotten"},
    {bound_exceeded, "bound_exceeded"},
    {lag_exceeded, "lag_exceeded"},
}};

/// How far ahead of the venue's clock `timestamp_ahead` signs.
constexpr VenueMs kAhead_ms = 25'000;

class BuggyDialect final : public bitget::Dialect {
 public:
  BuggyDialect(std::unique_ptr<bitget::Dialect> honest, Bug bug) : honest_(std::move(honest)), bug_(bug) {}

  [[nodiscard]] std::expected<void, Error> add_account(AccountIndex account,
                                                       bitget::Credentials&& credentials) override {
    return honest_->add_account(account, std::move(credentials));
  }
  void set_lead_trader(AccountIndex account, bool is_lead_trader) noexcept override {
    honest_->set_lead_trader(account, is_lead_trader);
  }
  [[nodiscard]] std::expected<void, Error> prepare(PositionIndex position, AccountIndex account,
                                                   const domain::Instrument& instrument,
                                                   domain::PositionMode mode) override {
    return honest_->prepare(position, account, instrument, mode);
  }
  void refresh(PositionIndex position, VenueMs timestamp) noexcept override {
    if (bug_ != timestamp_ahead) honest_->refresh(position, timestamp);
  }
  [[nodiscard]] std::size_t encode_reversal(const domain::ReversalRequest& request, VenueMs timestamp,
                                            std::span<char> out) noexcept override {
    return honest_->encode_reversal(request, timestamp + (bug_ == timestamp_ahead ? kAhead_ms : 0), out);
  }
  [[nodiscard]] domain::ReversalReply decode_reversal(const wire::ClientOid& ours, int http_status,
                                                      std::string_view body,
                                                      bitget::HeaderLookup headers) noexcept override {
    domain::ReversalReply reply = honest_->decode_reversal(ours, http_status, body, headers);
    if (bug_ == server_error_is_no && http_status >= 500) reply.verdict = domain::Verdict::rejected;
    if (bug_ == doubtful_code_is_no && reply.verdict == domain::Verdict::doubtful_no)
      reply.verdict = domain::Verdict::rejected;
    const bool once_definite =
        reply.code_class == wire::CodeClass::fatal || reply.code_class == wire::CodeClass::mode ||
        reply.code_class == wire::CodeClass::bad_request || reply.code_class == wire::CodeClass::not_executed;
    if (bug_ == class_is_definite && reply.verdict == domain::Verdict::doubtful_no && once_definite)
      reply.verdict = domain::Verdict::rejected;
    if (bug_ == ambiguous_code_is_no && reply.verdict == domain::Verdict::unknown &&
        reply.code_class == wire::CodeClass::ambiguous)
      reply.verdict = domain::Verdict::rejected;
    return reply;
  }
  [[nodiscard]] std::size_t encode_lookup(const domain::Lookup& lookup, VenueMs timestamp,
                                          std::span<char> out) noexcept override {
    return honest_->encode_lookup(lookup, timestamp, out);
  }
  void decode_lookup(const domain::Lookup& lookup, int http_status, std::string_view body,
                     bitget::HeaderLookup headers, domain::LookupReply& out) noexcept override {
    honest_->decode_lookup(lookup, http_status, body, headers, out);
    if (bug_ == uid_not_compared) out.user_id = {};
    // The mistake of a reader that takes its own clock for the venue's word.
    if (bug_ == ack_is_execution && lookup.kind == domain::LookupKind::positions && out.venue_ms != 0)
      out.venue_ms += 3'000;
    if (bug_ == unread_row_is_flat) out.unread.clear();
  }
  [[nodiscard]] std::string_view path_of(domain::LookupKind kind) const noexcept override {
    return honest_->path_of(kind);
  }
  [[nodiscard]] std::string_view probe_request() const noexcept override { return honest_->probe_request(); }
  [[nodiscard]] std::string_view rehearsal_reply() const noexcept override {
    return honest_->rehearsal_reply();
  }
  [[nodiscard]] bitget::ProbeReply decode_probe(int http_status,
                                                std::string_view body) const noexcept override {
    return honest_->decode_probe(http_status, body);
  }
  [[nodiscard]] bitget::EndpointRule reversal_rule() const noexcept override {
    return honest_->reversal_rule();
  }
  [[nodiscard]] bitget::EndpointRule lead_trader_reversal_rule() const noexcept override {
    return honest_->lead_trader_reversal_rule();
  }
  [[nodiscard]] bitget::EndpointRule rule_of(domain::LookupKind kind) const noexcept override {
    return honest_->rule_of(kind);
  }
  [[nodiscard]] bitget::EndpointRule overall_rule() const noexcept override {
    return honest_->overall_rule();
  }
  [[nodiscard]] Ns overall_penalty_ns() const noexcept override { return honest_->overall_penalty_ns(); }
  [[nodiscard]] std::string_view trace_id(bitget::HeaderLookup headers) const noexcept override {
    return honest_->trace_id(headers);
  }

 private:
  std::unique_ptr<bitget::Dialect> honest_;
  Bug bug_;
};

}  // namespace

const std::array<BugName, kBugs>& bug_names() noexcept { return kNames; }

std::optional<Bug> bug_named(std::string_view name) noexcept {
  for (const BugName& known : kNames) {
    if (known.name == name) return known.bug;
  }
  return std::nullopt;
}

std::string_view to_string(Bug bug) noexcept {
  for (const BugName& known : kNames) {
    if (known.bug == bug) return known.name;
  }
  return "none";
}

std::unique_ptr<bitget::Dialect> with_bug(std::unique_ptr<bitget::Dialect> dialect, Bug bug) {
  switch (bug) {
    case server_error_is_no:
    case doubtful_code_is_no:
    case class_is_definite:
    case ack_is_execution:
    case unread_row_is_flat:
    case ambiguous_code_is_no:
    case timestamp_ahead:
    case uid_not_compared:
      return std::make_unique<BuggyDialect>(std::move(dialect), bug);
    default:
      return dialect;
  }
}

}  // namespace backhand::simulation
