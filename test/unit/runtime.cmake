# Unit tests of runtime/.
hactor_unit_test(runtime_test
  SOURCES
    unit/error_test.cpp
    unit/ids_test.cpp
    unit/idset_test.cpp
    unit/clock_test.cpp
    unit/duration_test.cpp
    unit/json_test.cpp
    unit/json_scan_test.cpp
    unit/log_test.cpp
    unit/near_test.cpp
    unit/signals_test.cpp
    unit/varint_test.cpp
    unit/base64_test.cpp
    unit/tree_test.cpp
    unit/hostlist_test.cpp
    unit/config_test.cpp
  LIBRARIES hactor_base)
target_include_directories(runtime_test PRIVATE support)

# With the allocator of the brokers.
hactor_unit_test(unit_memory
  SOURCES unit/memory_test.cpp
  LIBRARIES hactor_base hactor_allocator)
