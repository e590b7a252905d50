# What hactor stands on, found once. Debian ships no CMake package for CAF, LMDB and the two MPIs side by side.
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(cereal REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(Boost REQUIRED COMPONENTS graph) # headers, and the reader of GraphML
find_package(simdjson REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(HWLOC REQUIRED IMPORTED_TARGET hwloc)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(SODIUM IMPORTED_TARGET libsodium)
if(NOT SODIUM_FOUND)
  message(FATAL_ERROR "libsodium is missing (the key of instances over TCP); on Debian: apt-get install libsodium-dev")
endif()
pkg_check_modules(LUA IMPORTED_TARGET lua5.4)
if(NOT LUA_FOUND)
  message(STATUS "liblua5.4 is missing: jobs have no shell plugins; on Debian: apt-get install liblua5.4-dev")
endif()
pkg_check_modules(PMIX IMPORTED_TARGET pmix)
if(NOT PMIX_FOUND)
  message(STATUS "libpmix is missing: programs of Open MPI cannot be jobs of several tasks; on Debian: apt-get install libpmix-dev")
endif()
find_path(CAF_INCLUDE_DIR caf/all.hpp REQUIRED)
find_library(CAF_CORE_LIBRARY caf_core REQUIRED)
find_library(CAF_IO_LIBRARY caf_io REQUIRED)
find_path(LMDB_INCLUDE_DIR lmdb.h REQUIRED)
find_library(LMDB_LIBRARY lmdb REQUIRED)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_library(XXHASH_LIBRARY xxhash REQUIRED)

# Optional: queue policies in Python. The system's own, unless another is named (-DPython3_EXECUTABLE=): the first of
# PATH may be anybody's, and instances outlive what a login shell has set.
if(NOT Python3_EXECUTABLE AND NOT Python3_ROOT_DIR AND EXISTS /usr/bin/python3)
  set(Python3_EXECUTABLE /usr/bin/python3)
endif()
find_package(Python3 QUIET COMPONENTS Interpreter Development.Embed)
if(NOT Python3_Development.Embed_FOUND)
  message(STATUS "libpython3 is missing: no queue policies in Python; on Debian: apt-get install libpython3-dev")
endif()

# Brokers allocate in one thread what they free in another, for which glibc's malloc takes a fifth of their time.
# Optional, and never with a sanitizer, which has an allocator of its own.
find_library(MIMALLOC_LIBRARY mimalloc)
add_library(hactor_allocator INTERFACE)
if(MIMALLOC_LIBRARY AND NOT HACTOR_SANITIZE)
  target_link_libraries(hactor_allocator INTERFACE
    -Wl,--push-state,--no-as-needed ${MIMALLOC_LIBRARY} -Wl,--pop-state)
elseif(NOT MIMALLOC_LIBRARY)
  message(STATUS "mimalloc is missing: brokers use the C library's allocator; on Debian: apt-get install libmimalloc-dev")
endif()

# Standard, warnings, sanitizers: every target of ours links it.
add_library(hactor_options INTERFACE)
target_compile_options(hactor_options INTERFACE -Wall -Wextra -Wpedantic -Wno-unused-parameter
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>) # g++ 12 warns falsely of "literal" + std::string&&
# g++ looks for garbage each time that its memory has doubled, and our sources leave little: a tenth of a build's time.
target_compile_options(hactor_options INTERFACE
  $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=1048576>)
target_compile_definitions(hactor_options INTERFACE CAF_ENABLE_TYPE_ID_CHECKS)
target_include_directories(hactor_options INTERFACE ${PROJECT_SOURCE_DIR})
if(HACTOR_WERROR)
  target_compile_options(hactor_options INTERFACE -Werror)
endif()
if(HACTOR_FUZZ)
  target_compile_options(hactor_options INTERFACE -fsanitize=fuzzer-no-link,address -fno-omit-frame-pointer)
  target_link_options(hactor_options INTERFACE -fsanitize=address)
endif()
if(HACTOR_SANITIZE)
  target_compile_options(hactor_options INTERFACE -fsanitize=${HACTOR_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(hactor_options INTERFACE -fsanitize=${HACTOR_SANITIZE})
endif()

add_library(hactor_caf INTERFACE)
target_include_directories(hactor_caf SYSTEM INTERFACE ${CAF_INCLUDE_DIR})
target_link_libraries(hactor_caf INTERFACE ${CAF_CORE_LIBRARY} Threads::Threads)

add_library(hactor_caf_io INTERFACE)
target_link_libraries(hactor_caf_io INTERFACE hactor_caf ${CAF_IO_LIBRARY})

add_library(hactor_lmdb INTERFACE)
target_include_directories(hactor_lmdb SYSTEM INTERFACE ${LMDB_INCLUDE_DIR})
target_link_libraries(hactor_lmdb INTERFACE ${LMDB_LIBRARY})
