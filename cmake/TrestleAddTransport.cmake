# trestle_add_transport(NAME tcp SOURCES src/a.cpp ... [LIBRARIES ...] [ALIASES unix])
# Makes the module trestle_<NAME>.so: hidden visibility, one exported symbol, no undefined ones.
# ALIASES are further URI schemes of the same file: a symlink beside it, so that the loader finds
# trestle_unix.so without opening anything else. Works in this tree and from the installed package.
function(trestle_add_transport)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;LIBRARIES;ALIASES")
  if(NOT arg_NAME OR NOT arg_SOURCES)
    message(FATAL_ERROR "trestle_add_transport: NAME and SOURCES are required")
  endif()
  set(target trestle_plugin_${arg_NAME})
  set(version_script "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map")
  add_library(${target} MODULE ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE trestle::sdk ${arg_LIBRARIES})
  if(TARGET trestle_build_flags)
    target_link_libraries(${target} PRIVATE trestle_build_flags)
    trestle_optimise_as_a_whole(${target})
  endif()
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME trestle_${arg_NAME}
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
    install(TARGETS ${target} LIBRARY DESTINATION ${TRESTLE_PLUGIN_DIR} COMPONENT ${arg_NAME})
  endif()
  foreach(alias IN LISTS arg_ALIASES)
    add_custom_command(TARGET ${target} POST_BUILD VERBATIM
      COMMAND ${CMAKE_COMMAND} -E create_symlink trestle_${arg_NAME}.so
              "$<TARGET_FILE_DIR:${target}>/trestle_${alias}.so")
    if(TRESTLE_PLUGIN_DIR)
      install(FILES "${CMAKE_BINARY_DIR}/${TRESTLE_PLUGIN_DIR}/trestle_${alias}.so"
              DESTINATION ${TRESTLE_PLUGIN_DIR} COMPONENT ${arg_NAME})
    endif()
  endforeach()
endfunction()
