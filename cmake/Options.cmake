# Language, warnings, sanitizers and the third parties that every layer may ask for.
option(ZVONOK_TESTS "Build the tests" ON)
option(ZVONOK_BENCH "Build the benchmarks" OFF)
option(ZVONOK_FUZZ "Build the fuzz targets as well (clang only); with ZVONOK_SANITIZE=address,undefined" OFF)
set(ZVONOK_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# Only the sanitizer builds have it, with hundreds of small units: the others show when a file does not include what it uses.
option(ZVONOK_PCH "Precompile the headers of the standard library and of GoogleTest" OFF)

find_program(ZVONOK_CCACHE ccache)
if(ZVONOK_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${ZVONOK_CCACHE}")
  if(ZVONOK_PCH)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros "${ZVONOK_CCACHE}")
  endif()
endif()

add_library(zvonok_options INTERFACE)
target_include_directories(zvonok_options INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_options(zvonok_options INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Werror -fstack-protector-strong -fno-omit-frame-pointer)
if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  target_compile_definitions(zvonok_options INTERFACE _FORTIFY_SOURCE=2)
  target_link_options(zvonok_options INTERFACE -Wl,-z,relro,-z,now)
endif()
if(ZVONOK_SANITIZE)
  target_compile_options(zvonok_options INTERFACE -fsanitize=${ZVONOK_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(zvonok_options INTERFACE -fsanitize=${ZVONOK_SANITIZE})
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # libstdc++ 12 uses in its own algorithms what it calls deprecated, which g++ does not say of its own headers.
  target_compile_options(zvonok_options INTERFACE -Wno-deprecated-declarations)
endif()
if(ZVONOK_FUZZ)
  target_compile_options(zvonok_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Debian installs Boost 1.81 beside the distribution's default 1.74; headers are all we use of it
# besides JSON and URL, which are built from their single-source headers in one unit each.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)
# AES-GCM in a fifth of the time for small packets. Not on every architecture, and nothing fails without it.
find_path(MULTI_BUFFER_INCLUDE intel-ipsec-mb.h)
find_library(MULTI_BUFFER_LIBRARY IPSec_MB)
add_library(zvonok_multi_buffer INTERFACE)
if(MULTI_BUFFER_INCLUDE AND MULTI_BUFFER_LIBRARY)
  target_compile_definitions(zvonok_multi_buffer INTERFACE ZVONOK_MULTI_BUFFER)
  target_link_libraries(zvonok_multi_buffer INTERFACE "${MULTI_BUFFER_LIBRARY}")
endif()
find_package(PkgConfig REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(prometheus-cpp REQUIRED)
set(SOCI_LIBRARIES soci_core soci_sqlite3 soci_postgresql)

# zvonok_precompile(target [header...]): those headers, as they are found in every second file; other targets with the
# same compile options take part by target_precompile_headers(... REUSE_FROM target).
set(ZVONOK_COMMON_HEADERS <algorithm> <array> <chrono> <deque> <functional> <map> <memory> <optional> <set> <span> <string>
  <string_view> <unordered_map> <utility> <variant> <vector>)
function(zvonok_precompile target)
  file(WRITE "${CMAKE_BINARY_DIR}/generated/${target}.cpp" "// Nothing: a place for precompiled headers.\n")
  add_library(${target} STATIC "${CMAKE_BINARY_DIR}/generated/${target}.cpp")
  target_link_libraries(${target} PRIVATE zvonok_options)
  target_compile_options(${target} PRIVATE -Xclang -fno-pch-timestamp)
  target_precompile_headers(${target} PRIVATE ${ZVONOK_COMMON_HEADERS} ${ARGN})
endfunction()
if(ZVONOK_PCH)
  zvonok_precompile(zvonok_common_headers)
endif()
