// The table follows bitget-facts §6 (read 2026-10). Three codes are listed there in two classes, and the more
// doubtful one holds: 40199 and 40731 (fatal, lead trader) are lead_trader, 40808 (bad request, nothing held)
// is nothing_held. The bare numbers 401, 403 and 503 of that list are HTTP statuses, which never decide.
#include "gateway/bitget/codes.hpp"

#include <algorithm>
#include <array>

namespace backhand::bitget {
namespace {

// clang-format off
constexpr auto kTable = std::to_array<CodeEntry>({
    {429, CodeClass::not_executed}, {1001, CodeClass::not_executed}, {13008, CodeClass::funds},
    {22002, CodeClass::nothing_held}, {22004, CodeClass::fatal}, {22006, CodeClass::market},
    {22007, CodeClass::market}, {22008, CodeClass::market}, {22009, CodeClass::market},
    {22010, CodeClass::fatal}, {22029, CodeClass::funds}, {22034, CodeClass::funds},
    {22035, CodeClass::not_executed}, {22038, CodeClass::funds}, {22039, CodeClass::market},
    {22040, CodeClass::market}, {22041, CodeClass::market}, {22043, CodeClass::market},
    {22044, CodeClass::market}, {22045, CodeClass::market}, {22057, CodeClass::mode},
    {22067, CodeClass::market}, {25000, CodeClass::ambiguous}, {25001, CodeClass::ambiguous},
    {25003, CodeClass::ambiguous}, {25004, CodeClass::not_executed}, {25008, CodeClass::market},
    {25012, CodeClass::market}, {25102, CodeClass::closed}, {25106, CodeClass::closed},
    {25202, CodeClass::funds}, {25203, CodeClass::funds}, {25209, CodeClass::market},
    {25210, CodeClass::market}, {25212, CodeClass::duplicate}, {25236, CodeClass::mode},
    {25237, CodeClass::mode}, {25239, CodeClass::ambiguous}, {30026, CodeClass::not_executed},
    {30032, CodeClass::fatal}, {30038, CodeClass::closed}, {31006, CodeClass::ambiguous},
    {40000, CodeClass::fatal}, {40001, CodeClass::fatal}, {40002, CodeClass::fatal},
    {40003, CodeClass::fatal}, {40004, CodeClass::not_executed}, {40005, CodeClass::not_executed},
    {40006, CodeClass::fatal}, {40007, CodeClass::fatal}, {40008, CodeClass::not_executed},
    {40009, CodeClass::fatal}, {40010, CodeClass::ambiguous}, {40011, CodeClass::fatal},
    {40012, CodeClass::fatal}, {40013, CodeClass::fatal}, {40014, CodeClass::fatal},
    {40015, CodeClass::ambiguous}, {40016, CodeClass::fatal}, {40017, CodeClass::bad_request},
    {40018, CodeClass::fatal}, {40019, CodeClass::bad_request}, {40020, CodeClass::bad_request},
    {40022, CodeClass::fatal}, {40023, CodeClass::fatal}, {40024, CodeClass::fatal},
    {40025, CodeClass::fatal}, {40026, CodeClass::fatal}, {40031, CodeClass::fatal},
    {40034, CodeClass::bad_request}, {40035, CodeClass::fatal}, {40036, CodeClass::fatal},
    {40037, CodeClass::fatal}, {40038, CodeClass::fatal}, {40040, CodeClass::fatal},
    {40041, CodeClass::fatal}, {40053, CodeClass::bad_request}, {40054, CodeClass::ambiguous},
    {40057, CodeClass::bad_request}, {40058, CodeClass::bad_request}, {40059, CodeClass::bad_request},
    {40064, CodeClass::bad_request}, {40072, CodeClass::bad_request}, {40078, CodeClass::not_executed},
    {40084, CodeClass::fatal}, {40085, CodeClass::fatal}, {40086, CodeClass::fatal},
    {40099, CodeClass::fatal}, {40100, CodeClass::fatal}, {40101, CodeClass::fatal},
    {40102, CodeClass::bad_request}, {40103, CodeClass::fatal}, {40104, CodeClass::fatal},
    {40111, CodeClass::fatal}, {40199, CodeClass::lead_trader}, {40200, CodeClass::closed},
    {40301, CodeClass::fatal}, {40304, CodeClass::bad_request}, {40305, CodeClass::bad_request},
    {40308, CodeClass::closed}, {40309, CodeClass::bad_request}, {40402, CodeClass::bad_request},
    {40404, CodeClass::bad_request}, {40409, CodeClass::bad_request}, {40604, CodeClass::closed},
    {40710, CodeClass::fatal}, {40711, CodeClass::funds}, {40712, CodeClass::funds},
    {40715, CodeClass::funds}, {40717, CodeClass::nothing_held}, {40721, CodeClass::market},
    {40722, CodeClass::market}, {40723, CodeClass::funds}, {40724, CodeClass::bad_request},
    {40725, CodeClass::ambiguous}, {40731, CodeClass::lead_trader}, {40734, CodeClass::funds},
    {40746, CodeClass::nothing_held}, {40752, CodeClass::fatal}, {40753, CodeClass::fatal},
    {40754, CodeClass::funds}, {40755, CodeClass::nothing_held}, {40757, CodeClass::nothing_held},
    {40760, CodeClass::fatal}, {40761, CodeClass::funds}, {40762, CodeClass::funds},
    {40774, CodeClass::mode}, {40775, CodeClass::mode}, {40778, CodeClass::bad_request},
    {40786, CodeClass::duplicate}, {40798, CodeClass::funds}, {40800, CodeClass::funds},
    {40804, CodeClass::nothing_held}, {40805, CodeClass::fatal}, {40808, CodeClass::nothing_held},
    {40811, CodeClass::bad_request}, {40812, CodeClass::bad_request}, {40813, CodeClass::bad_request},
    {40824, CodeClass::market}, {40826, CodeClass::market}, {40844, CodeClass::closed},
    {40845, CodeClass::closed}, {40854, CodeClass::lead_trader}, {40865, CodeClass::ambiguous},
    {40866, CodeClass::lead_trader}, {40878, CodeClass::market}, {40880, CodeClass::market},
    {40892, CodeClass::funds}, {40908, CodeClass::ambiguous}, {40910, CodeClass::ambiguous},
    {40916, CodeClass::fatal}, {40918, CodeClass::lead_trader}, {40921, CodeClass::funds},
    {40924, CodeClass::bad_request}, {40928, CodeClass::funds}, {40930, CodeClass::funds},
    {40931, CodeClass::market}, {41113, CodeClass::closed}, {41114, CodeClass::closed},
    {43002, CodeClass::ambiguous}, {43003, CodeClass::ambiguous}, {43005, CodeClass::funds},
    {43006, CodeClass::funds}, {43007, CodeClass::funds}, {43011, CodeClass::bad_request},
    {43012, CodeClass::funds}, {43043, CodeClass::nothing_held}, {43048, CodeClass::bad_request},
    {43049, CodeClass::bad_request}, {43058, CodeClass::bad_request}, {43059, CodeClass::ambiguous},
    {43075, CodeClass::mode}, {43111, CodeClass::bad_request}, {43115, CodeClass::closed},
    {43118, CodeClass::duplicate}, {43119, CodeClass::closed}, {43120, CodeClass::closed},
    {43128, CodeClass::funds}, {45001, CodeClass::ambiguous}, {45002, CodeClass::funds},
    {45003, CodeClass::nothing_held}, {45005, CodeClass::nothing_held}, {45006, CodeClass::nothing_held},
    {45009, CodeClass::market}, {45014, CodeClass::nothing_held}, {45020, CodeClass::mode},
    {45021, CodeClass::mode}, {45023, CodeClass::ambiguous}, {45025, CodeClass::bad_request},
    {45026, CodeClass::bad_request}, {45034, CodeClass::duplicate}, {45043, CodeClass::closed},
    {45107, CodeClass::fatal}, {45108, CodeClass::fatal}, {45109, CodeClass::mode},
    {45110, CodeClass::funds}, {45111, CodeClass::funds}, {45112, CodeClass::funds},
    {45113, CodeClass::funds}, {45114, CodeClass::funds}, {45116, CodeClass::funds},
    {45118, CodeClass::funds}, {45119, CodeClass::market}, {45120, CodeClass::funds},
    {45121, CodeClass::market}, {48001, CodeClass::bad_request}, {50027, CodeClass::closed},
    {50031, CodeClass::ambiguous}, {50060, CodeClass::duplicate}, {70227, CodeClass::fatal},
    {70228, CodeClass::not_executed}, {70229, CodeClass::ambiguous}, {80002, CodeClass::ambiguous},
    {95001, CodeClass::market}, {400171, CodeClass::bad_request}, {400172, CodeClass::bad_request},
});
// clang-format on

static_assert(std::ranges::is_sorted(kTable, {}, &CodeEntry::code), "looked up by binary search");
static_assert(std::ranges::adjacent_find(kTable, {}, &CodeEntry::code) == kTable.end(), "each code once");

/// The short list of precedes_first_leg. A class decides nothing here: most of its codes may as well be said
/// of the opening leg when the close leg has been executed (permission to open, account status, mode, risk,
/// size). Left out on purpose, though they look harmless: 40014 and 40040 (permissions), 40017 and 40064
/// (also said of a position's direction and of copy traders), 40774 (mode), 1001, 22035, 25004, 30026, 70228
/// ("too frequent", said by services behind the endpoint), 40078 (the window of the matching engine).
constexpr auto kPrecedesFirstLeg = std::to_array<std::uint32_t>({
    429,                                                // The endpoint's rate limit.
    30032,                                              // No such version of the interface.
    40001,  40002,  40003, 40004, 40005, 40006, 40007,  // Headers: key, signature, timestamp, content type.
    40008,  40009,  40011, 40012,                       // Timestamp expired, signature, passphrase.
    40018,                                              // Caller's address.
    40019,  40020,  40034,                              // A parameter is empty, wrong, unknown.
    40036,  40037,  40038, 40041,                       // Passphrase, key, address of the key.
    40084,  40085,  40086, 40099,                       // Kind of account, host, environment.
    40304,  40305,                                      // Form of the clientOid.
    40404,                                              // No such path.
    400171, 400172,                                     // Types of the parameters.
});
static_assert(std::ranges::is_sorted(kPrecedesFirstLeg));

constexpr std::array<std::uint32_t, 5> kRateLimits = {429, 1001, 25004, 30026, 70228};
constexpr std::array<std::uint32_t, 6> kNoSuchOrder = {31007, 40109, 40768, 43001, 45057, 80011};

/// The number that `code` spells; 0 (which no code is) for anything but 1 … 9 digits without a leading zero.
constexpr std::uint32_t number_of(std::string_view code) noexcept {
  if (code.empty() || code.size() > 9 || code.front() == '0') return 0;
  std::uint32_t number = 0;
  for (const char c : code) {
    if (c < '0' || c > '9') return 0;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return number;
}

}  // namespace

std::span<const CodeEntry> code_table() noexcept { return kTable; }

CodeClass class_of(std::string_view code) noexcept {
  if (code.empty()) return CodeClass::none;
  if (code == kSuccessCode) return CodeClass::success;
  const std::uint32_t number = number_of(code);
  const auto* const found = std::ranges::lower_bound(kTable, number, {}, &CodeEntry::code);
  return found != kTable.end() && found->code == number ? found->code_class : CodeClass::ambiguous;
}

bool precedes_first_leg(std::string_view code) noexcept {
  return std::ranges::binary_search(kPrecedesFirstLeg, number_of(code));
}

bool is_rate_limit(std::string_view code) noexcept {
  return std::ranges::binary_search(kRateLimits, number_of(code));
}

bool says_no_such_order(std::string_view code) noexcept {
  return std::ranges::binary_search(kNoSuchOrder, number_of(code));
}

}  // namespace backhand::bitget
