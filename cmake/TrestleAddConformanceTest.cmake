# trestle_add_conformance_test(PLUGIN mine SCHEME mine [LISTEN_URI mine://*] [BAD_URIS uri...]
#                              [OPTIONS option...] [NAME MineConformance])
# One ctest for each check, NAME.CHECK with the label `conformance`, which runs trestle-conformance
# on the module that trestle_add_transport(NAME mine ...) makes. NAME is conformance.SCHEME if not
# given; OPTIONS are further ones of the program, such as --library-buffer 0. Call
# enable_testing() first. Works in this tree and from the installed package.
#
# trestle_add_conformance_test(PLUGIN mine SOURCES conformance_test.cpp)
# The same as a GoogleTest program, in this tree only: the sources call
# trestle::conformance::instantiate() with TRESTLE_PLUGIN_UNDER_TEST, the path of the module.
function(trestle_add_conformance_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "PLUGIN;SCHEME;LISTEN_URI;NAME"
                        "BAD_URIS;OPTIONS;SOURCES")
  set(plugin trestle_plugin_${arg_PLUGIN})
  if(arg_SOURCES)
    trestle_add_test(NAME ${arg_PLUGIN}_conformance_test SOURCES ${arg_SOURCES}
                     LIBRARIES trestle::conformance
                     DEFINITIONS "TRESTLE_PLUGIN_UNDER_TEST=\"$<TARGET_FILE:${plugin}>\""
                     DEPENDS ${plugin} LABELS conformance)
    return()
  endif()
  if(NOT arg_PLUGIN OR NOT arg_SCHEME OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "trestle_add_conformance_test: PLUGIN and SCHEME are required; "
                        "unknown arguments: '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT arg_NAME)
    set(arg_NAME conformance.${arg_SCHEME})
  endif()
  set(options --scheme ${arg_SCHEME} ${arg_OPTIONS})
  if(arg_LISTEN_URI)
    list(APPEND options --listen ${arg_LISTEN_URI})
  endif()
  foreach(uri IN LISTS arg_BAD_URIS)
    list(APPEND options --bad-uri ${uri})
  endforeach()
  set(quoted "")
  foreach(option IN LISTS options)
    string(APPEND quoted " [==[${option}]==]")
  endforeach()
  # The program names the checks when ctest starts: it need not exist when CMake runs.
  set(tests "${CMAKE_CURRENT_BINARY_DIR}/${arg_NAME}_tests.cmake")
  file(GENERATE OUTPUT "${tests}" CONTENT "\
set(program [==[$<TARGET_FILE:trestle::conformance_tool>]==])
execute_process(COMMAND \"\${program}\" --list OUTPUT_VARIABLE checks RESULT_VARIABLE failed)
if(failed)
  set(checks not_built)
endif()
string(REGEX MATCHALL \"[^\\n]+\" checks \"\${checks}\")
foreach(check IN LISTS checks)
  add_test(\"${arg_NAME}.\${check}\" \"\${program}\" [==[$<TARGET_FILE:${plugin}>]==]
           ${quoted} --tap --filter \"^\${check}\$\")
  set_tests_properties(\"${arg_NAME}.\${check}\" PROPERTIES TIMEOUT 120 LABELS conformance
                       SKIP_REGULAR_EXPRESSION \"ok 1 - [A-Za-z]+ # SKIP\")
endforeach()
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${tests}")
endfunction()
