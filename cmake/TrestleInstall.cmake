# What `cmake --install` adds: find_package(trestle) with trestle::core, trestle::abi,
# trestle::sdk, trestle::transport_kit, trestle::conformance and trestle::testing; the programs;
# and the template of a transport.
include(CMakePackageConfigHelpers)
set(TRESTLE_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/trestle")

foreach(part abi core sdk transport_kit conformance testing)
  if(NOT TARGET trestle_${part})
    continue()
  endif()
  get_target_property(type trestle_${part} TYPE)
  if(type STREQUAL "EXECUTABLE")
    continue()
  endif()
  set_target_properties(trestle_${part} PROPERTIES EXPORT_NAME ${part})
  # Only public headers in a file set are installed; a target may have none.
  get_target_property(public_headers trestle_${part} INTERFACE_HEADER_SETS)
  set(headers "")
  if(public_headers)
    set(headers FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  endif()
  install(TARGETS trestle_${part} EXPORT trestle ${headers})
endforeach()

install(TARGETS trestle_conformance_tool EXPORT trestle RUNTIME)
install(EXPORT trestle NAMESPACE trestle:: FILE trestle-targets.cmake
        DESTINATION "${TRESTLE_CMAKE_DIR}")
configure_package_config_file(cmake/trestle-config.cmake.in trestle-config.cmake
  INSTALL_DESTINATION "${TRESTLE_CMAKE_DIR}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/trestle-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/trestle-config.cmake"
              "${PROJECT_BINARY_DIR}/trestle-config-version.cmake"
              cmake/TrestleAddConformanceTest.cmake cmake/TrestleAddTransport.cmake
              cmake/plugin.map
        DESTINATION "${TRESTLE_CMAKE_DIR}")

if(TARGET trestle_tool)
  install(TARGETS trestle_tool RUNTIME)
endif()

# What transports start from, and what says how.
install(DIRECTORY sdk/template examples/tutorial examples/transport_c DESTINATION share/trestle)
install(FILES docs/thin_transport_abi.md docs/writing_a_transport.md DESTINATION share/doc/trestle)
