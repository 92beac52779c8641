// The web app's files, read into memory at start: GET and HEAD, ETag, Range, precompressed variants, client-side
// routes.
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "proto/http_message.h"

namespace zvonok::app {

struct StaticFilesLimits {
  std::size_t files_max = 2'000;
  std::size_t bytes_max = 64UL * 1024 * 1024;
};

class StaticFiles {
 public:
  /// Reads `folder`. `name.br` and `name.gz` beside `name` are its compressed forms; text without a .gz is compressed
  /// here. The error is one line that names the file or the limit.
  [[nodiscard]] static Result<StaticFiles, std::string> load(const std::string& folder, StaticFilesLimits limits = {});
  /// Without any file: answers nothing.
  StaticFiles() = default;

  /// The answer to a GET or HEAD of a file, or of a page of the app (a path without extension, asked for as HTML).
  /// nullopt when there is no such thing.
  [[nodiscard]] std::optional<HttpResponse> answer(const HttpRequest& request) const;
  [[nodiscard]] bool empty() const { return files_.empty(); }

 private:
  struct File {
    std::string identity;
    std::string gzip;    // empty: not worth it
    std::string brotli;  // empty: none was shipped
    std::string etag;    // of the identity; compressed forms add a suffix
    std::string_view content_type;
    std::string_view cache_control;
  };
  [[nodiscard]] const File* find(const HttpRequest& request) const;
  void add(const std::string& path, std::string bytes);

  std::map<std::string, File, std::less<>> files_;  // by URL path
};

/// A single byte range of RFC 9110 section 14.1.2 within `size`, as first and last position.
struct ByteRange {
  std::size_t first = 0;
  std::size_t last = 0;
};
enum class RangeVerdict { None, Satisfiable, Unsatisfiable };  // None: absent, broken, or several ranges: send all
[[nodiscard]] RangeVerdict parse_range(std::string_view header, std::size_t size, ByteRange& range);

/// Whether an Accept-Encoding value takes `coding` (q=0 refuses it).
[[nodiscard]] bool accepts_encoding(std::string_view header, std::string_view coding);

}  // namespace zvonok::app
