// The rules of the source tree as a test: who may include whom, what the core may not know, how long a file may be.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

const fs::path kSource = fs::path{ZVONOK_SOURCE_DIR} / "src";

// Each folder of src/ and what it may include besides itself. ARCHITECTURE.md says why.
const std::map<std::string, std::set<std::string>> kMayInclude{
    {"base", {}},
    {"proto", {"base"}},
    {"media", {"base", "proto"}},
    {"tunnel", {"base", "proto"}},
    {"call", {"base"}},
    {"port", {"base", "call"}},
    {"signal", {"base", "proto", "call"}},
    {"identity", {"base", "proto", "port", "call"}},
    {"rest", {"base", "proto", "call", "port", "identity"}},
    {"net", {"base", "proto"}},
    {"load", {"base", "proto", "media", "net"}},
    {"caller", {"base", "proto", "net", "load"}},
    {"adapter", {"base", "proto", "call", "port", "net"}},
    {"app",
     {"base", "proto", "media", "tunnel", "call", "port", "signal", "identity", "rest", "net", "load", "caller",
      "adapter"}},
};

const std::set<std::string> kCore{"base", "proto", "media", "tunnel", "call", "signal", "rest"};

// A library that is slow to compile or leaks its types, and the units that may include it.
struct FencedHeader {
  std::string prefix;
  std::regex allowed;
};
const std::vector<FencedHeader> kFenced{
    {"boost/beast", std::regex{"net/http_parser\\.cpp"}},
    {"boost/asio", std::regex{"net/http_parser\\.cpp"}},
    {"soci/", std::regex{"adapter/store_sql/.*"}},
    {"curl/",
     std::regex{"adapter/(authorizer_http/http_poster|http_client/http_client|tunnel_xray/grpc_channel)\\.cpp"}},
    {"sofia-sip/", std::regex{"adapter/voip_sip/agent_(core\\.h|core\\.cpp|events\\.cpp|survivors\\.cpp)"}},
    {"opus/", std::regex{"media/phone/opus_codec\\.cpp"}},
    {"spdlog/", std::regex{"app/log_sink\\.cpp"}},
    {"prometheus/", std::regex{"app/metrics\\.cpp"}},
    {"CLI/", std::regex{"app/cli/.*\\.cpp"}},
    {"boost/json/src.hpp", std::regex{"proto/boost_json\\.cpp"}},
};

struct SourceFile {
  std::string path;  // below src/
  std::string text;
  std::vector<std::string> lines;
};

std::vector<SourceFile> read_tree() {
  std::vector<SourceFile> files;
  for (const auto& entry : fs::recursive_directory_iterator{kSource}) {
    const std::string extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp") continue;
    std::ifstream stream{entry.path()};
    std::stringstream text;
    text << stream.rdbuf();
    SourceFile file{fs::relative(entry.path(), kSource).generic_string(), text.str(), {}};
    for (std::string line; std::getline(text, line);) file.lines.push_back(line);
    files.push_back(std::move(file));
  }
  return files;
}

const std::vector<SourceFile>& tree() {
  static const std::vector<SourceFile> kFiles = read_tree();
  return kFiles;
}

std::string folder_of(const std::string& path) {
  return path.substr(0, path.find('/'));
}

TEST(Tree, IsThere) {
  EXPECT_GT(tree().size(), 40U);
}

TEST(Tree, IncludesFollowTheLayers) {
  const std::regex own_include{"^#include \"([a-z_]+)/[^\"]+\""};
  for (const SourceFile& file : tree()) {
    if (file.path.find('/') == std::string::npos) continue;  // main.cpp sees all
    const std::string folder = folder_of(file.path);
    ASSERT_TRUE(kMayInclude.contains(folder)) << "src/" << folder << " is not in the table of layers";
    for (const std::string& line : file.lines) {
      std::smatch match;
      if (!std::regex_search(line, match, own_include) || match[1] == folder) continue;
      EXPECT_TRUE(kMayInclude.at(folder).contains(match[1])) << file.path << ": " << line;
    }
  }
}

TEST(Tree, TheCoreKnowsNoClockThreadSocketOrChance) {
  const std::regex banned{
      "steady_clock|system_clock|high_resolution_clock|clock_gettime|std::mutex|std::thread|std::jthread|std::atomic|"
      "std::condition_variable|random_device|mt19937|getrandom|<sys/socket\\.h>|<unistd\\.h>|<chrono>.*now\\("};
  for (const SourceFile& file : tree()) {
    if (!kCore.contains(folder_of(file.path))) continue;
    for (const std::string& line : file.lines) {
      EXPECT_FALSE(std::regex_search(line, banned)) << file.path << ": " << line;
    }
  }
}

TEST(Tree, HeavyLibrariesStayBehindTheirFence) {
  for (const SourceFile& file : tree()) {
    for (const FencedHeader& fence : kFenced) {
      if (file.text.find("#include <" + fence.prefix) == std::string::npos) continue;
      EXPECT_TRUE(std::regex_match(file.path, fence.allowed)) << file.path << " includes <" << fence.prefix << "...>";
    }
  }
}

TEST(Tree, FilesSayWhatTheyAreForAndStayShort) {
  constexpr std::size_t kLinesMax = 800;
  for (const SourceFile& file : tree()) {
    EXPECT_LE(file.lines.size(), kLinesMax) << file.path;
    if (file.path.ends_with(".h")) {
      ASSERT_FALSE(file.lines.empty()) << file.path;
      EXPECT_TRUE(file.lines.front().starts_with("//")) << file.path << " does not begin with what it is for";
    }
  }
}

TEST(Tree, HeadersAreGuarded) {
  for (const SourceFile& file : tree()) {
    if (file.path.ends_with(".h")) {
      EXPECT_NE(file.text.find("#pragma once"), std::string::npos) << file.path;
    }
  }
}

}  // namespace
