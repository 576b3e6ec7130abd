// backhand-proxy: the fault proxy as a program. README.md says what it can do.
#include <csignal>
#include <cstdio>
#include <fstream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/faults/proxy.hpp"

int main(int argc, char** argv) {
  CLI::App app{"backhand-proxy: a TCP proxy that delays, cuts, resets and swallows"};
  backhand::faults::ProxySettings settings;
  std::string ports_file;
  bool die_with_parent = false;
  app.add_option("--venue-port", settings.venue_port, "Where it relays to, on 127.0.0.1")->required();
  app.add_option("--port", settings.port, "0: any free one")->capture_default_str();
  app.add_option("--control-port", settings.control_port, "0: any free one")->capture_default_str();
  app.add_option("--seed", settings.seed, "Of all chances")->capture_default_str();
  app.add_option("--ports-file", ports_file, "Written when ready: {port, control_port, pid}");
  app.add_flag("--die-with-parent", die_with_parent, "End when the program that started this one ends");
  CLI11_PARSE(app, argc, argv);
  if (die_with_parent) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  auto proxy = backhand::faults::Proxy::listen(settings);
  if (!proxy) {
    std::fprintf(stderr, "backhand-proxy: %s\n", proxy.error().message.c_str());
    return 1;
  }
  if (!ports_file.empty()) {
    const std::string beside = ports_file + ".new";
    std::ofstream{beside} << nlohmann::json{
        {"port", proxy->port()}, {"control_port", proxy->control_port()}, {"pid", ::getpid()}};
    if (std::rename(beside.c_str(), ports_file.c_str()) != 0) return 1;
  }
  proxy->run();
}
