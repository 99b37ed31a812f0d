# What `cmake --install` adds: find_package(trestle) with trestle::core, trestle::sdk.
