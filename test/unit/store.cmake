# Unit tests of store/.
hactor_unit_test(store_test
  SOURCES
    unit/event_test.cpp
    unit/record_test.cpp
    unit/journal_test.cpp
    unit/journal_failure_test.cpp
    unit/journal_pool_test.cpp
    unit/kvs_store_test.cpp
    unit/archive_test.cpp
    unit/spool_test.cpp
  LIBRARIES hactor_store hactor_lmdb)
target_include_directories(store_test PRIVATE support)
