#include "app/web/static_files.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <openssl/evp.h>
#include <zlib.h>

#include "base/base64.h"

namespace zvonok::app {
namespace {

namespace fs = std::filesystem;

struct MimeType {
  std::string_view extension, type;
  bool compressible;
};
constexpr std::array kMimeTypes{
    MimeType{".html", "text/html; charset=utf-8", true},
    MimeType{".js", "text/javascript; charset=utf-8", true},
    MimeType{".css", "text/css; charset=utf-8", true},
    MimeType{".json", "application/json", true},
    MimeType{".webmanifest", "application/manifest+json", true},
    MimeType{".svg", "image/svg+xml", true},
    MimeType{".txt", "text/plain; charset=utf-8", true},
    MimeType{".yaml", "application/yaml", true},
    MimeType{".map", "application/json", true},
    MimeType{".wasm", "application/wasm", true},
    MimeType{".png", "image/png", false},
    MimeType{".ico", "image/x-icon", false},
    MimeType{".webp", "image/webp", false},
    MimeType{".woff2", "font/woff2", false},
    MimeType{".mp3", "audio/mpeg", false},
    MimeType{".ogg", "audio/ogg", false},
};

const MimeType* mime_type_of(std::string_view path) {
  for (const MimeType& mime : kMimeTypes) {
    if (path.ends_with(mime.extension)) return &mime;
  }
  return nullptr;
}

std::string digest_of(std::string_view bytes) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return base64url_encode(Bytes{digest.data(), 15});
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;  // zlib.h: 16 asks for a gzip header
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return result == Z_STREAM_END ? out : std::string{};
}

bool is_page_route(const HttpRequest& request) {
  const std::string_view last = std::string_view{request.path}.substr(request.path.rfind('/') + 1);
  return last.find('.') == std::string_view::npos &&
         request.header("Accept").value_or("").find("text/html") != std::string_view::npos;
}

/// RFC 9110 section 13.1.2; weak comparison, since ours are strong anyway.
bool matches_etag(std::string_view header, std::string_view etag) {
  return header == "*" || header.find(etag) != std::string_view::npos;
}

}  // namespace

Result<StaticFiles, std::string> StaticFiles::load(const std::string& folder, StaticFilesLimits limits) {
  StaticFiles result;
  std::map<std::string, std::string> raw;
  std::size_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it{folder, error}, end; !error && it != end; it.increment(error)) {
    if (!it->is_regular_file()) continue;
    std::ifstream file{it->path(), std::ios::binary};
    std::string content{std::istreambuf_iterator<char>{file}, {}};
    if (!file) return fail("cannot read " + it->path().string());
    bytes += content.size();
    if (raw.size() >= limits.files_max || bytes > limits.bytes_max) {
      return fail("the web folder " + folder + " is too big to keep in memory");
    }
    raw.emplace("/" + fs::relative(it->path(), folder).generic_string(), std::move(content));
  }
  if (error) return fail("cannot read the web folder " + folder + ": " + error.message());
  for (auto& [path, content] : raw) {
    if (path.ends_with(".br") || path.ends_with(".gz")) continue;
    result.add(path, std::move(content));
    File& file = result.files_.at(path);
    if (const auto br = raw.find(path + ".br"); br != raw.end()) file.brotli = std::move(br->second);
    if (const auto gz = raw.find(path + ".gz"); gz != raw.end()) file.gzip = std::move(gz->second);
  }
  return result;
}

void StaticFiles::add(const std::string& path, std::string bytes) {
  File file;
  const MimeType* mime = mime_type_of(path);
  file.content_type = mime != nullptr ? mime->type : "application/octet-stream";
  // Vite puts a hash of the content into every name under /assets/.
  file.cache_control = path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
  file.etag = digest_of(bytes);
  if (mime != nullptr && mime->compressible) {
    file.gzip = gzip(bytes);
    if (file.gzip.size() >= bytes.size()) file.gzip.clear();
  }
  file.identity = std::move(bytes);
  files_.insert_or_assign(path, std::move(file));
}

const StaticFiles::File* StaticFiles::find(const HttpRequest& request) const {
  const auto path = percent_decode(request.path);
  if (!path) return nullptr;
  auto found = files_.find(path->ends_with('/') ? *path + "index.html" : *path);
  if (found == files_.end() && is_page_route(request)) found = files_.find("/index.html");
  return found == files_.end() ? nullptr : &found->second;
}

std::optional<HttpResponse> StaticFiles::answer(const HttpRequest& request) const {
  const File* file = find(request);
  if (file == nullptr) return std::nullopt;
  HttpResponse response;
  response.add_header("Cache-Control", std::string{file->cache_control});
  response.add_header("Vary", "Accept-Encoding");
  const std::string_view accepted = request.header("Accept-Encoding").value_or("");
  const auto range_header = request.header("Range");
  std::string_view coding;
  if (!range_header && !file->brotli.empty() && accepts_encoding(accepted, "br")) coding = "br";
  if (!range_header && coding.empty() && !file->gzip.empty() && accepts_encoding(accepted, "gzip")) coding = "gzip";
  const std::string etag = "\"" + file->etag + (coding.empty() ? "" : "-" + std::string{coding}) + "\"";
  response.add_header("ETag", etag);
  if (const auto condition = request.header("If-None-Match"); condition && matches_etag(*condition, etag)) {
    response.status = 304;
    return response;
  }
  response.add_header("Content-Type", std::string{file->content_type});
  response.add_header("Accept-Ranges", "bytes");
  if (!coding.empty()) {
    response.add_header("Content-Encoding", std::string{coding});
    response.body = coding == "br" ? file->brotli : file->gzip;
    return response;
  }
  ByteRange range;
  const auto if_range = request.header("If-Range");
  const bool range_applies = range_header && (!if_range || *if_range == etag);
  switch (range_applies ? parse_range(*range_header, file->identity.size(), range) : RangeVerdict::None) {
    case RangeVerdict::None: response.body = file->identity; break;
    case RangeVerdict::Satisfiable:
      response.status = 206;
      response.add_header("Content-Range", "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) +
                                               "/" + std::to_string(file->identity.size()));
      response.body = file->identity.substr(range.first, range.last - range.first + 1);
      break;
    case RangeVerdict::Unsatisfiable:
      response.status = 416;
      response.add_header("Content-Range", "bytes */" + std::to_string(file->identity.size()));
      break;
  }
  return response;
}

RangeVerdict parse_range(std::string_view header, std::size_t size, ByteRange& range) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit) || header.find(',') != std::string_view::npos) return RangeVerdict::None;
  header.remove_prefix(kUnit.size());
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos) return RangeVerdict::None;
  const auto number = [](std::string_view text) -> std::optional<std::size_t> {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
  };
  const std::string_view first_text = header.substr(0, dash);
  const std::string_view last_text = header.substr(dash + 1);
  if (first_text.empty()) {  // the last so many bytes
    const auto suffix = number(last_text);
    if (!suffix) return RangeVerdict::None;
    if (*suffix == 0 || size == 0) return RangeVerdict::Unsatisfiable;
    range = {size - std::min(*suffix, size), size - 1};
    return RangeVerdict::Satisfiable;
  }
  const auto first = number(first_text);
  const auto last = last_text.empty() ? std::optional{size - std::min<std::size_t>(size, 1)} : number(last_text);
  if (!first || !last || (!last_text.empty() && *last < *first)) return RangeVerdict::None;
  if (*first >= size) return RangeVerdict::Unsatisfiable;
  range = {*first, std::min(*last, size - 1)};
  return RangeVerdict::Satisfiable;
}

bool accepts_encoding(std::string_view header, std::string_view coding) {
  bool any = false;  // what "*" says of codings that are not named
  while (!header.empty()) {
    const std::size_t comma = std::min(header.find(','), header.size());
    std::string_view item = header.substr(0, comma);
    header.remove_prefix(std::min(comma + 1, header.size()));
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    const std::size_t semicolon = std::min(item.find(';'), item.size());
    std::string_view name = item.substr(0, semicolon);
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    const bool named = equal_ignoring_case(name, coding);
    if (!named && name != "*") continue;
    const std::string_view parameters = item.substr(semicolon);
    const std::size_t weight = parameters.find("q=");
    const bool taken = weight == std::string_view::npos ||
                       parameters.substr(weight + 2).find_first_of("123456789") != std::string_view::npos;
    if (named) return taken;
    any = taken;
  }
  return any;
}

}  // namespace zvonok::app
