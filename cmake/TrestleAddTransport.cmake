# trestle_add_transport(NAME tcp SOURCES src/a.cpp ... [LIBRARIES ...] [ALIASES unix])
# Makes the target trestle_plugin_<NAME>, the module trestle_<NAME>.so: hidden visibility, one
# exported symbol, no undefined ones. Sources in C++ get trestle::sdk; C alone gets the C header.
# ALIASES are further URI schemes of the same file: a symlink beside it, so that the loader finds
# trestle_unix.so without opening anything else. Works in this tree and from the installed package,
# where `cmake --install` puts the module into lib/trestle/v1, in which nodes look for it.
function(trestle_add_transport)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;LIBRARIES;ALIASES")
  if(NOT arg_NAME OR NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "trestle_add_transport: NAME and SOURCES are required; "
                        "unknown arguments: '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  # In this tree modules are built where they are found, or, if the folder is empty, not offered.
  set(install_folder lib/trestle/v1)
  if(DEFINED TRESTLE_PLUGIN_DIR)
    set(install_folder "${TRESTLE_PLUGIN_DIR}")
  endif()
  set(target trestle_plugin_${arg_NAME})
  set(version_script "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map")
  add_library(${target} MODULE ${arg_SOURCES})
  set(in_cxx ${arg_SOURCES})
  list(FILTER in_cxx EXCLUDE REGEX "\\.[ch]$")
  if(in_cxx)
    target_link_libraries(${target} PRIVATE trestle::sdk)
  endif()
  target_link_libraries(${target} PRIVATE trestle::abi ${arg_LIBRARIES})
  if(TARGET trestle_build_flags)
    target_link_libraries(${target} PRIVATE trestle_build_flags)
    if(in_cxx STREQUAL arg_SOURCES)
      target_precompile_headers(${target} REUSE_FROM trestle_library_headers)
    endif()
    trestle_optimise_as_a_whole(${target})
  endif()
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME trestle_${arg_NAME} SUFFIX .so
    CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON INSTALL_RPATH "$ORIGIN" LINK_DEPENDS "${version_script}")
  target_link_options(${target} PRIVATE "LINKER:--version-script=${version_script}")
  # A sanitizer's runtime is resolved at load time, so -z defs would refuse every such build.
  if(NOT TRESTLE_SANITIZE)
    target_link_options(${target} PRIVATE "LINKER:-z,defs")
  endif()
  if(TRESTLE_PLUGIN_DIR)
    set_target_properties(${target} PROPERTIES
      LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/${TRESTLE_PLUGIN_DIR}")
  endif()
  if(install_folder)
    install(TARGETS ${target} LIBRARY DESTINATION "${install_folder}" COMPONENT ${arg_NAME})
  endif()
  foreach(alias IN LISTS arg_ALIASES)
    set(link "$<TARGET_FILE_DIR:${target}>/trestle_${alias}.so")
    add_custom_command(TARGET ${target} POST_BUILD VERBATIM
      COMMAND ${CMAKE_COMMAND} -E create_symlink trestle_${arg_NAME}.so "${link}")
    if(install_folder)
      install(FILES "${link}" DESTINATION "${install_folder}" COMPONENT ${arg_NAME})
    endif()
  endforeach()
endfunction()
