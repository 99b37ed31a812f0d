# What a builder may choose, and the one shape that build tree and install tree share.
option(TRESTLE_BUILD_TESTS "Build the tests and examples" ${PROJECT_IS_TOP_LEVEL})
option(TRESTLE_WERROR "Treat warnings as errors" OFF)
set(TRESTLE_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")
option(TRESTLE_LTO "Optimise the core and each transport as a whole" OFF)
option(TRESTLE_FUZZ "Build the libFuzzer targets (clang only)" OFF)
# Headers are precompiled but in the presets release and fuzz: there, a source that does not name
# what it includes is found.
if(TRESTLE_LTO OR TRESTLE_FUZZ)
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

# Debian's multiarch lib/x86_64-linux-gnu would break "core finds plugins beside itself" for
# relocated trees, so Trestle keeps plain lib/.
set(CMAKE_INSTALL_LIBDIR lib)
set(TRESTLE_PLUGIN_DIR lib/trestle/v1)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_INSTALL_RPATH "$ORIGIN/../lib")

find_program(TRESTLE_CCACHE ccache)
if(TRESTLE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What one working tree compiled serves the others, wherever they lie; and what includes a
  # precompiled header is cached, too. One of these fits no header whose text has changed, be it in
  # a comment alone.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 CCACHE_COMMENTS=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      "${TRESTLE_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()
