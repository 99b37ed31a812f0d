# Flags that every target of this tree compiles with; never installed, never exported.
add_library(trestle_build_flags INTERFACE)
target_compile_options(trestle_build_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion
                       $<$<BOOL:${TRESTLE_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 warns of std::string operator+ where nothing overlaps (GCC bug 105651).
  target_compile_options(trestle_build_flags INTERFACE -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # Up to 1 GiB for a source before the compiler collects garbage: a tenth of its time.
  target_compile_options(trestle_build_flags INTERFACE
                         $<$<CONFIG:Debug>:--param=ggc-min-heapsize=1048576>)
endif()
target_compile_definitions(trestle_build_flags INTERFACE BOOST_DLL_USE_STD_FS
                           BOOST_ERROR_CODE_HEADER_ONLY)
if(TRESTLE_SANITIZE)
  target_compile_options(trestle_build_flags INTERFACE -fsanitize=${TRESTLE_SANITIZE}
                         -fno-omit-frame-pointer -fno-sanitize-recover=all)
  # UBSan's vptr check probes memory through a pipe: once a test has used up the descriptors, it
  # reports good objects as bad. ASan finds what null and object-size do, and these two are a third
  # of the time that compiling takes.
  set(unchecked vptr)
  if(TRESTLE_SANITIZE MATCHES address)
    string(APPEND unchecked ",null,object-size")
  endif()
  if(TRESTLE_SANITIZE MATCHES undefined)
    target_compile_options(trestle_build_flags INTERFACE -fno-sanitize=${unchecked})
  endif()
  target_link_options(trestle_build_flags INTERFACE -fsanitize=${TRESTLE_SANITIZE})
  # Asio's fences, which g++ says it cannot see under TSan, guard nothing that we rely on.
  if(TRESTLE_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(trestle_build_flags INTERFACE -Wno-tsan)
  endif()
endif()
if(TRESTLE_FUZZ)
  # Coverage for libFuzzer everywhere; its main() only in the fuzz targets.
  target_compile_options(trestle_build_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# What most sources include, compiled once for libraries, for programs and for tests: a precompiled
# header serves those only that are compiled with the same flags.
set(TRESTLE_COMMON_HEADERS <algorithm> <array> <atomic> <chrono> <deque> <filesystem> <functional>
    <map> <memory> <mutex> <optional> <span> <string> <thread> <variant> <vector>)
add_library(trestle_library_headers OBJECT EXCLUDE_FROM_ALL cmake/precompiled.cpp)
target_link_libraries(trestle_library_headers PRIVATE Boost::headers trestle_build_flags)
target_precompile_headers(trestle_library_headers PRIVATE ${TRESTLE_COMMON_HEADERS}
  <boost/intrusive/list.hpp> <boost/system/result.hpp> <boost/unordered/unordered_flat_map.hpp>)

# Programs and tests are compiled more often than they run for long: what is not measured is not
# optimised while developing.
add_executable(trestle_program_headers EXCLUDE_FROM_ALL cmake/precompiled.cpp)
target_include_directories(trestle_program_headers PRIVATE core/include)
target_link_libraries(trestle_program_headers PRIVATE Boost::headers trestle_build_flags)
target_compile_options(trestle_program_headers PRIVATE $<$<CONFIG:Debug>:-O0>)
target_precompile_headers(trestle_program_headers PRIVATE ${TRESTLE_COMMON_HEADERS}
  <CLI/CLI.hpp> <trestle/trestle.hpp>)
if(TRESTLE_BUILD_TESTS)
  add_executable(trestle_test_headers EXCLUDE_FROM_ALL cmake/precompiled.cpp)
  target_include_directories(trestle_test_headers PRIVATE core/include)
  target_link_libraries(trestle_test_headers PRIVATE
                        Boost::headers GTest::gmock trestle_build_flags)
  target_compile_options(trestle_test_headers PRIVATE $<$<CONFIG:Debug>:-O0>)
  target_precompile_headers(trestle_test_headers PRIVATE ${TRESTLE_COMMON_HEADERS}
    <future> <latch> <random> <set> <gmock/gmock.h> <gtest/gtest.h> <trestle/trestle.hpp>)
endif()

# trestle_compile_quickly(TARGET trestle_program_headers|trestle_test_headers)
function(trestle_compile_quickly target headers)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Debug>:-O0>)
  target_precompile_headers(${target} REUSE_FROM ${headers})
endfunction()

# trestle_add_test(NAME frame_decoder_test SOURCES ... [LIBRARIES ...] [LABELS ...])
# One gtest executable; each TEST becomes a ctest with a watchdog. OPTIMISED: as what it tests.
# UNITY: its sources name nothing twice, and are compiled as one where libraries are.
function(trestle_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "OPTIMISED;UNITY" "NAME;TIMEOUT"
                        "SOURCES;LIBRARIES;LABELS;DEFINITIONS;DEPENDS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_link_libraries(${arg_NAME} PRIVATE ${arg_LIBRARIES} GTest::gmock GTest::gtest_main
                        trestle_build_flags)
  target_compile_definitions(${arg_NAME} PRIVATE ${arg_DEFINITIONS})
  if(NOT arg_OPTIMISED)
    trestle_compile_quickly(${arg_NAME} trestle_test_headers)
  endif()
  if(NOT arg_UNITY)
    set_target_properties(${arg_NAME} PROPERTIES UNITY_BUILD OFF)
  endif()
  set_target_properties(${arg_NAME} PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  if(arg_DEPENDS)
    add_dependencies(${arg_NAME} ${arg_DEPENDS})
  endif()
  gtest_discover_tests(${arg_NAME} NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60 DISCOVERY_MODE PRE_TEST
                       PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
endfunction()

# A message passes through a dozen small functions in as many files: inlining across them takes a
# fifth off the time of a call. Only for what is loaded at run time; static libraries are linked by
# compilers that may be others.
function(trestle_optimise_as_a_whole)
  if(TRESTLE_LTO)
    set_target_properties(${ARGN} PROPERTIES INTERPROCEDURAL_OPTIMIZATION ON)
  endif()
endfunction()
