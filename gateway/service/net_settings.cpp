#include "gateway/service/net_settings.hpp"

namespace backhand::service {

bitget::Settings dialect_settings(const config::Config& config) {
  bitget::Settings out;
  out.host = config.venue.host;
  if (config.venue.port != 443) out.host += ":" + std::to_string(config.venue.port);
  out.locale = config.venue.locale;
  out.channel_code = config.venue.channel_code;
  out.demo = config.environment == config::Environment::demo;
  switch (config.venue.one_way_side) {
    case config::OneWaySide::position:
      out.one_way_side = bitget::OneWaySide::position;
      break;
    case config::OneWaySide::order:
      out.one_way_side = bitget::OneWaySide::order;
      break;
    case config::OneWaySide::omit:
      out.one_way_side = bitget::OneWaySide::omit;
      break;
  }
  out.one_way_sends_size = config.venue.one_way_sends_size;
  out.max_reply_bytes = config.venue.max_reply_bytes;
  return out;
}

net::Settings net_settings(const config::Config& config, const bitget::Dialect& dialect) {
  net::Settings out;
  out.host = config.venue.host;
  out.port = config.venue.port;
  out.connect_address = config.venue.connect_address;
  out.ca_file = config.venue.ca_file;
  out.probe_request = dialect.probe_request();
  out.connections = config.venue.connections;
  out.max_idle_ms = config.venue.max_idle_ms;
  out.ping_interval_ms = config.venue.ping_interval_ms;
  out.max_requests = config.venue.max_requests;
  out.dials_per_second = config.venue.handshakes_per_second;
  out.connect_timeout_ms = config.venue.connect_timeout_ms;
  out.backoff_min_ms = config.venue.backoff_min_ms;
  out.backoff_max_ms = config.venue.backoff_max_ms;
  out.max_reply_bytes = config.venue.max_reply_bytes;
  out.watch_sockets = config.gateway.idle == config::IdlePolicy::block;
  out.dialer_cpu = config.gateway.service_cpu;
  return out;
}

}  // namespace backhand::service
