// bench_tunnel: the load of wall.mjs. Reads the streams of calls, one a line (`<uuid> <address> <port>`, the two sides
// of a call behind one another), says `begin` when the measured time begins, and ends with one line of JSON.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "generator.h"

namespace zvonok::bench {
namespace {

double quantile(std::vector<double>& values, double share) {
  if (values.empty()) return -1;
  std::ranges::sort(values);
  return values[std::min(values.size() - 1, static_cast<std::size_t>(static_cast<double>(values.size()) * share))];
}

void print_delays(const char* name, Delays& delays) {
  std::printf(R"("%s":{"through":[%.4f,%.4f],"bare":[%.4f,%.4f],"probes":%zu})", name, quantile(delays.through, 0.5),
              quantile(delays.through, 0.99), quantile(delays.bare, 0.5), quantile(delays.bare, 0.99),
              delays.through.size());
}

int run(const GeneratorOptions& options) {
  std::vector<StreamOfCall> streams;
  StreamOfCall stream;
  while (std::cin >> stream.uuid >> stream.peer_address >> stream.peer_port) streams.push_back(stream);
  Generator generator{options, streams};
  Measured rest = generator.rest();
  Measured load = generator.load([] {
    std::puts("begin");
    std::fflush(stdout);
  });
  std::printf(R"({"seconds":%.3f,"sent":%llu,"received":%llu,"messages":%llu,"late":%llu,)", load.seconds,
              static_cast<unsigned long long>(load.bytes_sent), static_cast<unsigned long long>(load.bytes_received),
              static_cast<unsigned long long>(load.messages), static_cast<unsigned long long>(load.messages_late));
  print_delays("rest", rest.delays);
  std::printf(",");
  print_delays("load", load.delays);
  std::printf("}\n");
  return 0;
}

}  // namespace
}  // namespace zvonok::bench

int main(int argc, char** argv) {
  zvonok::bench::GeneratorOptions options;
  CLI::App app{"Load of the tunnel's benchmark"};
  app.add_option("--port", options.port)->required();
  app.add_option("--datagram", options.datagram_bytes);
  app.add_option("--batch", options.batch);
  app.add_option("--rate", options.bytes_per_second);
  app.add_option("--seconds", options.seconds);
  CLI11_PARSE(app, argc, argv);
  return zvonok::bench::run(options);
}
