# The fuzz target of the codecs; included by CMakeLists.txt of this folder.
set(codec_tests "${PROJECT_SOURCE_DIR}/tests/core/codec")

add_executable(codec_corpus codec_corpus.cpp)
target_include_directories(codec_corpus PRIVATE "${codec_tests}")
target_link_libraries(codec_corpus PRIVATE trestle_core_objects trestle_build_flags)

add_executable(codec_fuzz codec_fuzz.cpp)
target_include_directories(codec_fuzz PRIVATE "${codec_tests}")
target_link_libraries(codec_fuzz PRIVATE trestle_core_objects trestle_build_flags)
target_link_options(codec_fuzz PRIVATE -fsanitize=fuzzer)

set(codec_corpus_files "${CMAKE_CURRENT_BINARY_DIR}/codec_corpus_files")
add_custom_command(TARGET codec_corpus POST_BUILD VERBATIM
  COMMAND ${CMAKE_COMMAND} -E make_directory "${codec_corpus_files}"
  COMMAND codec_corpus "${codec_corpus_files}")
add_dependencies(codec_fuzz codec_corpus)
add_test(NAME codec_fuzz
  COMMAND codec_fuzz -runs=100000 -seed=1 -max_len=4096 "${codec_corpus_files}")
set_tests_properties(codec_fuzz PROPERTIES TIMEOUT 300 LABELS fuzz)
