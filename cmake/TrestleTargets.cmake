# Flags that every target of this tree compiles with; never installed, never exported.
add_library(trestle_build_flags INTERFACE)
target_compile_options(trestle_build_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion
                       $<$<BOOL:${TRESTLE_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 warns of std::string operator+ where nothing overlaps (GCC bug 105651).
  target_compile_options(trestle_build_flags INTERFACE -Wno-restrict)
endif()
target_compile_definitions(trestle_build_flags INTERFACE BOOST_DLL_USE_STD_FS
                           BOOST_ERROR_CODE_HEADER_ONLY)
if(TRESTLE_SANITIZE)
  target_compile_options(trestle_build_flags INTERFACE -fsanitize=${TRESTLE_SANITIZE}
                         -fno-omit-frame-pointer -fno-sanitize-recover=all)
  # UBSan's vptr check probes memory through a pipe: once a test has used up the descriptors, it
  # reports good objects as bad.
  if(TRESTLE_SANITIZE MATCHES undefined)
    target_compile_options(trestle_build_flags INTERFACE -fno-sanitize=vptr)
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

# trestle_add_test(NAME frame_decoder_test SOURCES ... [LIBRARIES ...] [LABELS ...])
# One gtest executable; each TEST becomes a ctest with a watchdog.
function(trestle_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;TIMEOUT"
                        "SOURCES;LIBRARIES;LABELS;DEFINITIONS;DEPENDS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_link_libraries(${arg_NAME} PRIVATE ${arg_LIBRARIES} GTest::gmock GTest::gtest_main
                        trestle_build_flags)
  target_compile_definitions(${arg_NAME} PRIVATE ${arg_DEFINITIONS})
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
