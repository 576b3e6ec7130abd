// [gateway], [venue], [pacing] and [shots]: ranges first, then what must fit together.
#include <algorithm>
#include <bit>
#include <cstring>

#include <arpa/inet.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/config/read.hpp"

namespace backhand::config {
namespace {

constexpr std::int64_t kHour_ms = 3'600'000;
/// The venue refuses an older timestamp (bitget-facts §1, read from its documentation of 2025-12-05).
constexpr std::uint32_t kVenueTolerance_ms = 30'000;
/// The venue's documented limits (bitget-facts §2 and §5, 2025-12-05).
constexpr std::uint32_t kVenueRequestsPerSecond = 10;
constexpr std::uint64_t kMostKeptEvents = 1U << 20;
constexpr std::uint32_t kVenueIpRequestsPerMinute = 6'000;

void read_socket(Section& section, std::string_view key, std::string& out, const std::string& default_path) {
  if (!section.path(key, out)) out = default_path;
  // The kernel's limit, its final zero byte included.
  if (out.size() >= sizeof(sockaddr_un{}.sun_path)) {
    section.problem(key, "is too long for a socket: at most " +
                             std::to_string(sizeof(sockaddr_un{}.sun_path) - 1) + " bytes");
  }
}

void read_power_of_two(Section& section, std::string_view key, std::uint32_t& out, std::int64_t min,
                       std::int64_t max) {
  std::uint32_t value = out;
  section.number(key, value, min, max);
  if (!std::has_single_bit(value)) {
    section.problem(key, "must be a power of two; it is " + std::to_string(value));
    return;
  }
  out = value;
}

/// A thread that cannot be pinned would run anywhere, and nobody would see why it is slow.
void read_cpu(Section& section, std::string_view key, int& out) {
  section.number(key, out, -1, 1'023);
  const long count = ::sysconf(_SC_NPROCESSORS_CONF);
  if (!section.sound({key}) || count <= 0 || out < count) return;
  section.problem(key, "this machine has no CPU " + std::to_string(out) + ": the last one is " +
                           std::to_string(count - 1));
}

void read_cpus(Section& section, Gateway& gateway) {
  read_cpu(section, "io_cpu", gateway.io_cpu);
  read_cpu(section, "service_cpu", gateway.service_cpu);
  section.word("idle", kIdleWords, gateway.idle);
  if (!section.sound({"io_cpu", "service_cpu", "idle"})) return;
  if (gateway.io_cpu >= 0 && gateway.io_cpu == gateway.service_cpu && gateway.idle == IdlePolicy::spin) {
    section.problem("service_cpu",
                    "must differ from io_cpu with idle = \"spin\", which leaves nothing of it");
  }
  if (gateway.io_cpu < 0 && gateway.idle == IdlePolicy::spin) {
    section.warning("idle", "\"spin\" without io_cpu: the spinning thread wanders between cores");
  }
}

void check_prefix(Section& section, std::string& prefix) {
  if (!section.text("client_oid_prefix", prefix)) return;
  if (prefix.size() > 6 || !only_letters_digits_and(prefix, "_-")) {
    section.problem("client_oid_prefix", "must be 1 to 6 of [0-9A-Za-z_-]; it is " + in_quotes(prefix));
  }
}

bool is_host_name(const std::string& text) noexcept {
  return text.size() <= 253 && only_letters_digits_and(text, ".-") && text.front() != '.' &&
         text.front() != '-' && text.back() != '-' && text.find("..") == std::string::npos;
}

void read_host(Section& section, Config& config) {
  Venue& venue = config.venue;
  bool good = true;
  if (section.text("host", venue.host) && !is_host_name(venue.host) && !is_address(venue.host)) {
    section.problem("host",
                    "must be a host name, without scheme, port or path; it is " + in_quotes(venue.host));
    good = false;
  }
  if (section.text("connect_address", venue.connect_address, true) && !venue.connect_address.empty() &&
      !is_address(venue.connect_address)) {
    section.problem("connect_address",
                    "must be a literal IPv4 or IPv6 address; it is " + in_quotes(venue.connect_address));
    good = false;
  }
  section.number("port", venue.port, 1, 65'535);
  if (!good || !section.findings().environment_known) return;
  const bool simulated = config.environment == Environment::simulated;
  const std::string& reached = venue.connect_address.empty() ? venue.host : venue.connect_address;
  if (simulated && !is_loopback(reached)) {
    section.problem(venue.connect_address.empty() ? "host" : "connect_address",
                    "environment = \"simulated\" talks to this machine only: give a loopback "
                    "connect_address (127.0.0.1, ::1) or host; this is " +
                        in_quotes(reached));
  }
  const std::string host = upper_case(venue.host);
  if (!simulated && host != "BITGET.COM" && !host.ends_with(".BITGET.COM")) {
    section.warning("host",
                    "is not the venue's (api.bitget.com): it will be shown the accounts' credentials");
  }
}

void read_texts(Section& section, Venue& venue) {
  if (section.path("ca_file", venue.ca_file) && ::access(venue.ca_file.c_str(), R_OK) != 0) {
    section.problem("ca_file", venue.ca_file + " cannot be read: " + std::strerror(errno));
  }
  // Both become header values, so nothing may end the header or start another.
  if (section.text("locale", venue.locale) &&
      (venue.locale.size() > 16 || !only_letters_digits_and(venue.locale, "-"))) {
    section.problem("locale", "must be a language like \"en-US\"; it is " + in_quotes(venue.locale));
  }
  if (section.text("channel_code", venue.channel_code, true) &&
      (venue.channel_code.size() > 64 || !only_letters_digits_and(venue.channel_code, "_.-"))) {
    section.problem("channel_code",
                    "must be at most 64 of [0-9A-Za-z_.-]; it is " + in_quotes(venue.channel_code));
  }
}

void read_connections(Section& section, Venue& venue) {
  section.number("connections", venue.connections, 1, 64);
  section.number("max_idle_ms", venue.max_idle_ms, 100, kHour_ms);
  if (!section.has("ping_interval_ms")) {
    venue.ping_interval_ms = std::min(venue.ping_interval_ms, std::max(venue.max_idle_ms / 3, 1U));
  }
  section.number("ping_interval_ms", venue.ping_interval_ms, 10, kHour_ms);
  section.number("max_requests", venue.max_requests, 1, 1'000'000'000);
  section.number("handshakes_per_second", venue.handshakes_per_second, 1, 1'000);
  section.number("connect_timeout_ms", venue.connect_timeout_ms, 10, 60'000);
  section.number("request_timeout_ms", venue.request_timeout_ms, 10, 60'000);
  section.number("lookup_timeout_ms", venue.lookup_timeout_ms, 10, 60'000);
  section.number("backoff_min_ms", venue.backoff_min_ms, 1, kHour_ms);
  section.number("backoff_max_ms", venue.backoff_max_ms, 1, kHour_ms);
  section.number("max_reply_bytes", venue.max_reply_bytes, 4'096, 67'108'864);
  if (section.sound({"ping_interval_ms", "max_idle_ms"}) && venue.ping_interval_ms >= venue.max_idle_ms) {
    section.problem("ping_interval_ms", "must be below max_idle_ms (" + std::to_string(venue.max_idle_ms) +
                                            "): a connection would be retired before its ping; it is " +
                                            std::to_string(venue.ping_interval_ms));
  }
  if (section.sound({"backoff_min_ms", "backoff_max_ms"}) && venue.backoff_min_ms > venue.backoff_max_ms) {
    section.problem("backoff_min_ms", "must not be above backoff_max_ms (" +
                                          std::to_string(venue.backoff_max_ms) + "); it is " +
                                          std::to_string(venue.backoff_min_ms));
  }
}

/// What "not found" may be believed by: a value below what the venue does would call executed reversals not
/// executed, so outside the simulated venue it is an error.
void check_proof(Section& section, const Config& config) {
  const Venue& venue = config.venue;
  if (!section.sound({"clock_tolerance_ms", "execution_grace_ms", "lookup_lag_ms", "settle_recheck_ms"}))
    return;
  if (section.findings().environment_known && config.environment != Environment::simulated) {
    if (venue.clock_tolerance_ms < kVenueTolerance_ms) {
      section.problem("clock_tolerance_ms",
                      "must be at least 30000 outside environment = \"simulated\": the venue takes a request "
                      "that is so old; it is " +
                          std::to_string(venue.clock_tolerance_ms));
    }
    if (venue.execution_grace_ms < 10'000) {
      section.warning("execution_grace_ms", "is below 10000: a slow execution could be called not executed");
    }
    if (venue.lookup_lag_ms < 10'000) {
      section.warning("lookup_lag_ms",
                      "is below 10000: an execution that look-ups show late could be called not executed");
    }
  }
  if (section.sound({"request_fuse_ms"}) && venue.request_fuse_ms > venue.clock_tolerance_ms) {
    section.problem("request_fuse_ms", "must not be above clock_tolerance_ms (" +
                                           std::to_string(venue.clock_tolerance_ms) + "); it is " +
                                           std::to_string(venue.request_fuse_ms));
  }
  const std::uint64_t burnt_ms =
      std::uint64_t{venue.clock_tolerance_ms} + venue.execution_grace_ms + venue.lookup_lag_ms;
  const std::uint64_t proof_ms = burnt_ms + venue.settle_recheck_ms;
  if (section.sound({"unresolved_after_ms"}) && venue.unresolved_after_ms <= proof_ms) {
    section.problem(
        "unresolved_after_ms",
        "must be above clock_tolerance_ms + execution_grace_ms + lookup_lag_ms + settle_recheck_ms (" +
            std::to_string(proof_ms) + "), which a proof of \"not executed\" takes; it is " +
            std::to_string(venue.unresolved_after_ms));
  }
}

void check_position_age(Section& section, const Venue& venue) {
  if (!section.sound({"position_refresh_ms", "position_max_age_ms"})) return;
  if (venue.position_max_age_ms != 0 && venue.position_max_age_ms <= venue.position_refresh_ms) {
    section.problem("position_max_age_ms", "must be above position_refresh_ms (" +
                                               std::to_string(venue.position_refresh_ms) +
                                               "), or 0 for no limit: every position would be stale; it is " +
                                               std::to_string(venue.position_max_age_ms));
  }
}

void check_pacing(Section& section, const Config& config) {
  const Pacing& pacing = config.pacing;
  if (section.sound({"queue_per_strategy", "queue_per_account"}) &&
      pacing.queue_per_strategy > pacing.queue_per_account) {
    section.problem("queue_per_strategy", "must not be above queue_per_account (" +
                                              std::to_string(pacing.queue_per_account) + "); it is " +
                                              std::to_string(pacing.queue_per_strategy));
  }
  if (section.sound({"lead_trader_requests_per_second", "requests_per_second"}) &&
      pacing.lead_trader_requests_per_second > pacing.requests_per_second) {
    section.problem("lead_trader_requests_per_second",
                    "must not be above requests_per_second (" + std::to_string(pacing.requests_per_second) +
                        "); it is " + std::to_string(pacing.lead_trader_requests_per_second));
  }
  if (!section.findings().environment_known || config.environment == Environment::simulated) return;
  if (pacing.requests_per_second > kVenueRequestsPerSecond) {
    section.warning("requests_per_second", "is above the venue's documented 10 a second for each UID");
  }
  if (pacing.lead_trader_requests_per_second > 1) {
    section.warning("lead_trader_requests_per_second",
                    "is above the venue's documented 1 a second for lead traders");
  }
  if (pacing.ip_requests_per_minute > kVenueIpRequestsPerMinute) {
    section.warning("ip_requests_per_minute",
                    "is above the venue's documented 6000 a minute for each IP address");
  }
}

}  // namespace

bool is_address(const std::string& text) noexcept {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, text.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

bool is_loopback(const std::string& address_or_host) noexcept {
  in_addr four{};
  if (::inet_pton(AF_INET, address_or_host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  in6_addr six{};
  if (::inet_pton(AF_INET6, address_or_host.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six);
  return address_or_host == "localhost";
}

void read_gateway(Section section, Config& config) {
  Gateway& gateway = config.gateway;
  section.path("state_dir", gateway.state_dir);
  section.path("runtime_dir", gateway.runtime_dir);
  section.path("hot_dir", gateway.hot_dir);
  gateway.io_cpu_place = section.place_of("io_cpu");
  gateway.service_cpu_place = section.place_of("service_cpu");
  gateway.state_dir_place = section.place_of("state_dir");
  gateway.runtime_dir_place = section.place_of("runtime_dir");
  gateway.hot_dir_place = section.place_of("hot_dir");
  gateway.attach_socket_place = section.place_of("attach_socket");
  gateway.admin_socket_place = section.place_of("admin_socket");
  read_socket(section, "attach_socket", gateway.attach_socket, gateway.runtime_dir + "/attach.sock");
  read_socket(section, "admin_socket", gateway.admin_socket, gateway.runtime_dir + "/admin.sock");
  if (gateway.attach_socket == gateway.admin_socket) {
    section.problem("admin_socket", "must differ from attach_socket");
  }
  read_cpus(section, gateway);
  section.word("durability", kDurabilityWords, gateway.durability);
  section.flag("lock_memory", gateway.lock_memory);
  check_prefix(section, gateway.client_oid_prefix);
  section.number("max_open_intents", gateway.max_open_intents, 1, 65'536);
  read_power_of_two(section, "lane_capacity", gateway.lane_capacity, 16, 65'536);
  section.number("max_lanes", gateway.max_lanes, 1, 4'096);
  // Each kept event takes 256 bytes in each of two memories and 384 in each segment's checkpoint.
  if (section.sound({"lane_capacity", "max_lanes"}) &&
      std::uint64_t{gateway.kept_events()} * gateway.max_lanes > kMostKeptEvents) {
    section.problem("lane_capacity",
                    "times max_lanes (" + std::to_string(gateway.max_lanes) + ") must not be above " +
                        std::to_string(kMostKeptEvents) +
                        ": so many events are kept for strategies that attach again; it is " +
                        std::to_string(gateway.lane_capacity));
  }
  section.number("stop_timeout_ms", gateway.stop_timeout_ms, 0, 600'000);
  // A segment holds the journal's ring in memory at least once; a small segment makes that ring smaller.
  section.number("journal_segment_mb", gateway.journal_segment_mb, 2, 4'096);
  section.number("journal_keep_segments", gateway.journal_keep_segments, 2, 100'000);
  section.finish();
}

void read_venue(Section section, Config& config) {
  Venue& venue = config.venue;
  read_host(section, config);
  read_texts(section, venue);
  read_connections(section, venue);
  section.number("clock_tolerance_ms", venue.clock_tolerance_ms, 100, 600'000);
  section.number("request_fuse_ms", venue.request_fuse_ms, 0, 600'000);
  section.number("execution_grace_ms", venue.execution_grace_ms, 0, 600'000);
  section.number("clock_skew_ms", venue.clock_skew_ms, 0, 10'000);
  section.number("lookup_lag_ms", venue.lookup_lag_ms, 0, 600'000);
  section.number("settle_recheck_ms", venue.settle_recheck_ms, 1, 60'000);
  section.number("unresolved_after_ms", venue.unresolved_after_ms, 100, 24 * kHour_ms);
  section.number("position_refresh_ms", venue.position_refresh_ms, 10, kHour_ms);
  section.number("contract_refresh_ms", venue.contract_refresh_ms, 1'000, 24 * kHour_ms);
  if (!section.has("position_max_age_ms")) venue.position_max_age_ms = 3 * venue.position_refresh_ms;
  section.number("position_max_age_ms", venue.position_max_age_ms, 0, kHour_ms);
  section.word("one_way_side", kOneWaySideWords, venue.one_way_side);
  section.flag("one_way_sends_size", venue.one_way_sends_size);
  check_proof(section, config);
  check_position_age(section, venue);
  section.finish();
}

void read_pacing(Section section, Config& config) {
  Pacing& pacing = config.pacing;
  section.word("shape", kShapeWords, pacing.shape);
  section.number("requests_per_second", pacing.requests_per_second, 1, 1'000);
  section.number("lead_trader_requests_per_second", pacing.lead_trader_requests_per_second, 1, 1'000);
  section.number("ip_requests_per_minute", pacing.ip_requests_per_minute, 60, 600'000);
  section.number("window_margin_ms", pacing.window_margin_ms, 0, 1'000);
  section.number("no_reply_hold_ms", pacing.no_reply_hold_ms, 0, 600'000);
  section.number("settlement_reserve_percent", pacing.settlement_reserve_percent, 1, 90);
  section.flag("heed_remaining_header", pacing.heed_remaining_header);
  section.number("slow_down_ms", pacing.slow_down_ms, 0, 600'000);
  section.number("queue_per_strategy", pacing.queue_per_strategy, 1, 65'536);
  section.number("queue_per_account", pacing.queue_per_account, 1, 65'536);
  check_pacing(section, config);
  section.finish();
}

void read_shots(Section section, Config& config) {
  Shots& shots = config.shots;
  section.number("max_armed", shots.max_armed, 0, 1'024);
  section.number("sign_again_ms", shots.sign_again_ms, 100, 20'000);
  section.number("rehearse_us", shots.rehearse_us, 0, 1'000'000);
  section.finish();
}

}  // namespace backhand::config
