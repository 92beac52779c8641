# Language, warnings, sanitizers and the third parties that every layer may ask for.
option(ZVONOK_TESTS "Build the tests" ON)
option(ZVONOK_BENCH "Build the benchmarks" OFF)
option(ZVONOK_FUZZ "Build the fuzz targets (clang only)" OFF)
set(ZVONOK_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(ZVONOK_CCACHE ccache)
if(ZVONOK_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${ZVONOK_CCACHE}")
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
  target_compile_options(zvonok_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  target_link_options(zvonok_options INTERFACE -fsanitize=address,undefined)
endif()

# Debian installs Boost 1.81 beside the distribution's default 1.74; headers are all we use of it
# besides JSON and URL, which are built from their single-source headers in one unit each.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(prometheus-cpp REQUIRED)
set(SOCI_LIBRARIES soci_core soci_sqlite3 soci_postgresql)
