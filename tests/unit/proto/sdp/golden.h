// Reads the session descriptions of tests/golden/sdp.
#pragma once
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace zvonok::sdp::golden {

inline std::filesystem::path folder() {
  return std::filesystem::path{ZVONOK_SOURCE_DIR} / "tests" / "golden" / "sdp";
}

inline std::string read(const std::string& name) {
  std::ifstream file{folder() / (name + ".sdp"), std::ios::binary};
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace zvonok::sdp::golden
