// Certificates for tests.
#pragma once
#include <string>

namespace zvonok::test {

/// Writes a new self-signed certificate (P-256) for `name` and its key as PEM files.
void write_self_signed(const std::string& name, const std::string& certificate_path, const std::string& key_path);

}  // namespace zvonok::test
