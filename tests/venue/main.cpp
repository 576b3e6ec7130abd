// backhand-venue: the simulated Bitget as a program. README.md says what it is for.
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/venue/names.hpp"
#include "tests/venue/server.hpp"
#include "tests/venue/settings.hpp"

namespace backhand::venue {

namespace {

struct Arguments {
  ServerOptions server{.tls_port = 8443, .control_port = 8480};
  std::string ports_file;
  std::string certificate_dir = "venue-certificates";
  CertificateKind certificate = CertificateKind::good;
  std::string scenario_file;
  std::uint32_t accounts = 0;
  PositionMode mode = PositionMode::one_way;
  std::uint32_t symbols = 3;
  std::vector<std::string> settings;
  std::vector<std::string> faults;
  bool no_limits = false;
  bool die_with_parent = false;
};

void describe(CLI::App& app, Arguments& a) {
  app.add_option("--address", a.server.address, "Where the TLS port listens")->capture_default_str();
  app.add_option("--tls-port", a.server.tls_port, "0: any free one")->capture_default_str();
  app.add_option("--control-port", a.server.control_port, "Loopback; 0: any free one")->capture_default_str();
  app.add_option("--ports-file", a.ports_file, "Written when ready: {tls_port, control_port, pid, ca_file}");
  app.add_option("--certificate-dir", a.certificate_dir, "Gets ca.pem, server.pem, server.key")
      ->capture_default_str();
  app.add_option("--certificate", a.certificate, "good, expired, self_signed or wrong_host")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, CertificateKind>(kCertificateKinds.begin(), kCertificateKinds.end())));
  app.add_flag("--tls12", a.server.tls12_only, "Offer TLS 1.2 only");
  auto* const scenario = app.add_option("--scenario", a.scenario_file, "JSON file; see README.md");
  app.add_option("--accounts", a.accounts, "Generate so many accounts with keys k0001 …")->excludes(scenario);
  app.add_option("--mode", a.mode, "Of generated accounts: one_way or hedge")
      ->transform(CLI::CheckedTransformer(std::map<std::string, PositionMode>{
          {"one_way", PositionMode::one_way}, {"hedge", PositionMode::hedge}}));
  app.add_option("--symbols", a.symbols, "Positions of each generated account")->capture_default_str();
  app.add_option("--set", a.settings, "Any option: counting=fixed, leg_gap_ms=500, …");
  app.add_option("--fault", a.faults, "A fault: its name, or a JSON object");
  app.add_flag("--no-limits", a.no_limits, "Throttle nothing");
  app.add_flag("--die-with-parent", a.die_with_parent, "End when the program that started this one ends");
}

std::expected<std::string, Error> read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::unexpected(os_error("cannot open " + path));
  std::ostringstream out;
  out << file.rdbuf();
  return std::move(out).str();
}

/// Writes beside the file first, so that a reader never sees half of it.
std::expected<void, Error> write_file(const std::string& path, const std::string& text) {
  const std::string beside = path + ".new";
  std::ofstream file(beside, std::ios::trunc);
  file << text;
  file.close();
  if (!file) return std::unexpected(os_error("cannot write " + beside));
  std::error_code error;
  std::filesystem::rename(beside, path, error);
  if (error) return std::unexpected(Error{"cannot write " + path + ": " + error.message()});
  return {};
}

/// "key=value" as JSON; a value that is not JSON is a string.
std::expected<void, Error> apply_setting(Options& options, const std::string& setting) {
  const auto equals = setting.find('=');
  if (equals == std::string::npos) return std::unexpected(Error{"--set wants key=value, not " + setting});
  const std::string value = setting.substr(equals + 1);
  auto json = nlohmann::json::parse(value, nullptr, false);
  if (json.is_discarded()) json = value;
  return apply_options(options, nlohmann::json{{setting.substr(0, equals), json}});
}

std::expected<void, Error> write_certificates(const std::string& dir, const Certificates& made) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) return std::unexpected(Error{"cannot make " + dir + ": " + error.message()});
  const std::string key = dir + "/server.key";
  for (const auto& [path, text] :
       {std::pair(dir + "/ca.pem", made.ca_pem), std::pair(dir + "/server.pem", made.certificate_pem),
        std::pair(key, made.key_pem)}) {
    if (auto written = write_file(path, text); !written) return written;
  }
  std::filesystem::permissions(key, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write,
                               error);
  return {};
}

std::expected<ScenarioFile, Error> choose_scenario(const Arguments& a) {
  ScenarioFile out{.scenario = default_scenario(), .options = {}};
  if (a.accounts > 0) out.scenario = generated_scenario(a.accounts, a.mode, a.symbols);
  if (!a.scenario_file.empty()) {
    const auto text = read_file(a.scenario_file);
    if (!text) return std::unexpected(text.error());
    auto read = scenario_from(*text, {});
    if (!read) return std::unexpected(Error{a.scenario_file + ": " + read.error().message});
    out = std::move(*read);
  }
  if (a.no_limits) out.options.limits = false;
  for (const auto& setting : a.settings) {
    if (auto applied = apply_setting(out.options, setting); !applied) return std::unexpected(applied.error());
  }
  return out;
}

std::expected<void, Error> add_faults(Exchange& exchange, const Arguments& a) {
  for (const auto& text : a.faults) {
    auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded()) json = nlohmann::json{{"fault", text}};
    auto fault = fault_from(json);
    if (!fault) return std::unexpected(fault.error());
    exchange.add_fault(std::move(*fault));
  }
  return {};
}

std::expected<void, Error> serve(const Arguments& a) {
  const auto chosen = choose_scenario(a);
  if (!chosen) return std::unexpected(chosen.error());
  Exchange exchange(chosen->options, chosen->scenario);
  if (auto added = add_faults(exchange, a); !added) return added;
  const auto certificates = make_certificates(a.certificate);
  if (!certificates) return std::unexpected(certificates.error());
  if (auto written = write_certificates(a.certificate_dir, *certificates); !written) return written;
  const auto server = Server::make(a.server, *certificates, exchange);
  if (!server) return std::unexpected(server.error());
  const std::string ca_file = std::filesystem::absolute(a.certificate_dir + "/ca.pem").string();
  if (!a.ports_file.empty()) {
    const nlohmann::json ports{{"tls_port", (*server)->tls_port()},
                               {"control_port", (*server)->control_port()},
                               {"pid", ::getpid()},
                               {"ca_file", ca_file}};
    if (auto written = write_file(a.ports_file, ports.dump() + '\n'); !written) return written;
  }
  std::printf("backhand-venue: TLS %s:%u, control 127.0.0.1:%u, authority %s\n", a.server.address.c_str(),
              (*server)->tls_port(), (*server)->control_port(), ca_file.c_str());
  std::fflush(stdout);
  (*server)->run();
  return {};
}

int run(int argc, char** argv) {
  CLI::App app{"backhand-venue: a simulated Bitget over TLS"};
  Arguments arguments;
  describe(app, arguments);
  CLI11_PARSE(app, argc, argv);
  if (arguments.die_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  std::signal(SIGPIPE, SIG_IGN);
  const auto served = serve(arguments);
  if (served) return 0;
  std::fprintf(stderr, "backhand-venue: %s\n", served.error().message.c_str());
  return 1;
}

}  // namespace

}  // namespace backhand::venue

int main(int argc, char** argv) {
  try {
    return backhand::venue::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "backhand-venue: %s\n", e.what());
    return 1;
  }
}
