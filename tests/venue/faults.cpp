// Faults: which strikes, and what it makes of the usual reply.
#include <array>
#include <string>

#include "tests/venue/impl.hpp"

namespace backhand::venue {

namespace {

constexpr std::size_t kOversizeBytes = 10'000'000;

HttpResponse page(int status, std::string_view title) {
  HttpResponse out;
  out.status = status;
  out.json = false;
  out.body = "<html><head><title>";
  out.body += title;
  out.body += "</title></head><body><center><h1>";
  out.body += title;
  out.body += "</h1></center></body></html>";
  return out;
}

Fault answering(Answer answer, Apply apply) {
  Fault out;
  out.answer = answer;
  out.apply = apply;
  return out;
}

Fault delivering(Delivery delivery, Apply apply) {
  Fault out;
  out.delivery = delivery;
  out.apply = apply;
  return out;
}

Fault coded(std::string_view code, Apply apply) {
  Fault out = answering(Answer::code, apply);
  out.code = code;
  return out;
}

Fault on_arrival(Fault fault) {
  fault.on_arrival = true;
  fault.path = "*";
  return fault;
}

Fault delayed(Ns Fault::* what, Ns by) {
  Fault out;
  out.*what = by;
  return out;
}

Fault with_status(Fault fault, int status) {
  fault.status = status;
  return fault;
}

Fault short_of_margin(Decimal limit) {
  Fault out;
  out.open_limit = limit;
  return out;
}

struct NamedFault {
  std::string_view name;
  Fault (*make)();
};

constexpr NamedFault kNamed[] = {
    {"ack_lost_before", [] { return delivering(Delivery::stall, Apply::nothing); }},
    {"ack_lost_after", [] { return delivering(Delivery::stall, Apply::all); }},
    {"reset_before", [] { return delivering(Delivery::reset, Apply::nothing); }},
    {"reset_after", [] { return delivering(Delivery::reset, Apply::all); }},
    {"close_before", [] { return delivering(Delivery::close, Apply::nothing); }},
    {"close_after", [] { return delivering(Delivery::close, Apply::all); }},
    {"truncated_before", [] { return delivering(Delivery::truncate, Apply::nothing); }},
    {"truncated_after", [] { return delivering(Delivery::truncate, Apply::all); }},
    {"slices", [] { return delivering(Delivery::slices, Apply::all); }},
    {"server_error_before", [] { return answering(Answer::server_error, Apply::nothing); }},
    {"server_error_after", [] { return answering(Answer::server_error, Apply::all); }},
    {"gateway_timeout_after", [] { return with_status(answering(Answer::server_error, Apply::all), 504); }},
    {"forbidden_html", [] { return on_arrival(answering(Answer::forbidden_html, Apply::nothing)); }},
    {"maintenance", [] { return on_arrival(answering(Answer::maintenance, Apply::nothing)); }},
    {"bare_429",
     [] { return on_arrival(with_status(answering(Answer::server_error, Apply::nothing), 429)); }},
    {"code_after_close", [] { return coded("", Apply::close_only); }},
    {"code_after_all", [] { return coded("", Apply::all); }},
    {"code_before", [] { return coded("40762", Apply::nothing); }},
    {"ambiguous_code_before", [] { return coded("40725", Apply::nothing); }},
    {"ambiguous_code_at_200_after", [] { return with_status(coded("40010", Apply::all), 200); }},
    {"unlisted_code_after", [] { return coded("99999", Apply::all); }},
    {"unlisted_code_before", [] { return coded("99999", Apply::nothing); }},
    {"ack_without_execution", [] { return answering(Answer::usual, Apply::nothing); }},
    {"close_leg_only", [] { return answering(Answer::usual, Apply::close_only); }},
    {"partial_margin", [] { return short_of_margin(Decimal{1, 0}); }},
    {"no_margin", [] { return short_of_margin(Decimal{}); }},
    {"late_ack", [] { return delayed(&Fault::reply_delay_ns, 2 * kSecond); }},
    {"late_execution", [] { return delayed(&Fault::created_delay_ns, 3 * kSecond); }},
    {"late_fill", [] { return delayed(&Fault::filled_delay_ns, 3 * kSecond); }},
    {"late_open_leg", [] { return delayed(&Fault::leg_gap_ns, 3 * kSecond); }},
    {"not_json_after", [] { return answering(Answer::not_json, Apply::all); }},
    {"not_json_before", [] { return answering(Answer::not_json, Apply::nothing); }},
    {"empty_after", [] { return answering(Answer::empty, Apply::all); }},
    {"empty_before", [] { return answering(Answer::empty, Apply::nothing); }},
    {"oversize_after", [] { return answering(Answer::oversize, Apply::all); }},
    {"foreign_client_oid", [] { return answering(Answer::foreign_client_oid, Apply::all); }},
};

}  // namespace

std::optional<Fault> named_fault(std::string_view name) {
  for (const auto& n : kNamed) {
    if (n.name != name) continue;
    Fault out = n.make();
    out.name = name;
    return out;
  }
  return std::nullopt;
}

std::vector<std::string_view> fault_names() {
  std::vector<std::string_view> out;
  for (const auto& n : kNamed) out.push_back(n.name);
  return out;
}

double Exchange::Impl::draw() noexcept {
  // splitmix64: one addition and two mixes, the same on every machine.
  random_state += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = random_state;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  z ^= z >> 31U;
  return static_cast<double>(z >> 11U) * 0x1.0p-53;
}

Ns Exchange::Impl::draw_jitter(Ns most) noexcept {
  if (most == 0) return 0;
  return static_cast<Ns>((2 * draw() - 1) * static_cast<double>(most));
}

std::string_view Exchange::Impl::draw_code() noexcept {
  const std::span<const std::string_view> codes = codes_after_a_leg();
  return codes[static_cast<std::size_t>(draw() * static_cast<double>(codes.size()))];
}

const Fault* Exchange::Impl::strike(Call& call, bool on_arrival) {
  for (auto& state : faults) {
    const Fault& fault = state.fault;
    if (fault.on_arrival != on_arrival || (fault.count > 0 && state.left == 0)) continue;
    if (fault.path != "*" && fault.path != call.path) continue;
    if (!fault.account.empty() &&
        (call.account == kNoIndex || accounts[call.account].spec.name != fault.account)) {
      continue;
    }
    if (!fault.client_oid.empty() && fault.client_oid != call.client_oid.view()) continue;
    if (fault.probability < 1.0 && draw() >= fault.probability) continue;
    if (fault.count > 0) --state.left;
    ++truth.fault_strikes[state.name];
    call.fault = static_cast<int>(state.name);
    return &fault;
  }
  return nullptr;
}

HttpResponse Exchange::Impl::distort(Call& call, const Fault& fault, HttpResponse usual) {
  HttpResponse out = std::move(usual);
  switch (fault.answer) {
    case Answer::usual:
    case Answer::other_account:  // Made by `dispatch`.
      break;
    case Answer::code:
      out = failure(call, fault.status == 0 ? 400 : fault.status,
                    fault.code.empty() ? draw_code() : std::string_view{fault.code});
      break;
    case Answer::server_error:
      out = page(fault.status == 0 ? 502 : fault.status, "Bad gateway");
      call.code = "fault";
      break;
    case Answer::forbidden_html:
      out = page(fault.status == 0 ? 403 : fault.status, "Attention Required! | Cloudflare");
      call.code = "fault";
      break;
    case Answer::maintenance:
      out = failure(call, fault.status == 0 ? 400 : fault.status, "40200");
      break;
    case Answer::not_json:
      out.body = "upstream connect error or disconnect/reset before headers";
      out.json = false;
      call.code = "fault";
      break;
    case Answer::empty:
      out.body.clear();
      call.code = "fault";
      break;
    case Answer::oversize:
      out.body.insert(out.body.size() - 1, R"(,"padding":")" + std::string(kOversizeBytes, 'x') + '"');
      call.code = "fault";
      break;
    case Answer::foreign_client_oid:
      out.body = envelope("00000", "success", call.now,
                          R"({"clientOid":"somebody-elses-order","orderId":"1000000000000000001"})");
      break;
  }
  if (fault.answer != Answer::code && fault.answer != Answer::maintenance && fault.status != 0) {
    out.status = fault.status;
  }
  out.delay += fault.reply_delay_ns;
  out.delivery = fault.delivery;
  return out;
}

void Exchange::add_fault(Fault fault) {
  auto& truth = impl_->truth;
  std::size_t name = 0;
  while (name < truth.fault_names.size() && truth.fault_names[name] != fault.name) ++name;
  if (name == truth.fault_names.size()) {
    truth.fault_names.push_back(fault.name);
    truth.fault_strikes.push_back(0);
  }
  const std::uint32_t left = fault.count;
  impl_->faults.push_back({std::move(fault), left, name});
}

void Exchange::clear_faults() { impl_->faults.clear(); }

}  // namespace backhand::venue
