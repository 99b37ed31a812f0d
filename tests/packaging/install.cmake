# Installs BUILD into an empty PREFIX and checks the shape of what came out.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE "${PREFIX}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}"
                COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)

set(wanted include/trestle/thin_transport.h include/trestle/error.hpp lib/libtrestle.so
    lib/libtrestle.so.0 lib/libtrestle_sdk.a lib/cmake/trestle/trestle-config.cmake
    lib/cmake/trestle/TrestleAddTransport.cmake lib/cmake/trestle/plugin.map
    lib/cmake/trestle/TrestleAddConformanceTest.cmake bin/trestle-conformance
    share/trestle/template/mine_transport.cpp share/trestle/template/README.md
    share/trestle/tutorial/1_opens/mine_transport.cpp share/trestle/transport_c/transport.c
    share/doc/trestle/writing_a_transport.md)
# The build tree has the same shape: what lies in its plugin folder must lie in the prefix's.
file(GLOB plugins RELATIVE "${BUILD}" "${BUILD}/lib/trestle/v1/*.so")
file(GLOB tools RELATIVE "${BUILD}" "${BUILD}/bin/trestle")
foreach(path IN LISTS wanted plugins tools)
  if(NOT EXISTS "${PREFIX}/${path}")
    message(SEND_ERROR "not installed: ${path}")
  endif()
endforeach()

# A package that names the trees it was built from, or their private targets, works nowhere else.
file(GLOB configs "${PREFIX}/lib/cmake/trestle/trestle-*.cmake")
foreach(config IN LISTS configs)
  file(READ "${config}" text)
  foreach(leak "${SOURCE}/" "${BUILD}/" trestle_build_flags trestle_core_objects)
    string(FIND "${text}" "${leak}" at)
    if(NOT at EQUAL -1)
      message(SEND_ERROR "${config} mentions ${leak}")
    endif()
  endforeach()
endforeach()
